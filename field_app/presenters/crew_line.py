"""Decides how crew and person read in the bar."""

from field_app.store.identity_io import Identity


def crew_text(identity: Identity | None) -> str:
    """Return `Repair crew 1 · Li Wei`, or what is known of it; empty before the enrolment."""
    if identity is None:
        return ""
    person = identity.person()
    crew = identity.crew_name or identity.crew_id
    return crew if person is None else f"{crew} · {person.name}"
