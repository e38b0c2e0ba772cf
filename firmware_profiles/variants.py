"""Decides which profiles a meter's own answers cannot tell apart: a unit, a switch, an option."""

from collections.abc import Iterable

from firmware_profiles.profile import Profile


def variants_of(profile: Profile, known: Iterable[Profile]) -> tuple[Profile, ...]:
    """Return the others of the same model that ask a meter the same and differ only for people.

    Of each the newest revision, by id; empty where the meter itself tells.
    """
    newest: dict[str, Profile] = {}
    for other in known:
        is_same = (other.manufacturer, other.model) == (profile.manufacturer, profile.model)
        rival = newest.get(other.profile_id)
        is_newer = rival is None or (other.revision or 0) > (rival.revision or 0)
        if is_same and is_newer and other.profile_id != profile.profile_id:
            newest[other.profile_id] = other
    return tuple(newest[name] for name in sorted(newest) if newest[name].probes == profile.probes)


def told_by(profile: Profile) -> str:
    """Return a profile with what a person must look at to know that it is this one."""
    return f"{profile.reference}: {profile.variant or 'no `variant` in the file says how to tell'}"


def variant_hint(profile: Profile, known: Iterable[Profile]) -> str:
    """Return what to tell who reads with one of several variants; empty: there are no others."""
    others = variants_of(profile, known)
    if not others:
        return ""
    each = " | ".join(told_by(other) for other in (profile, *others))
    return f"variant? the meter cannot say which of these it is, its display can: {each}"
