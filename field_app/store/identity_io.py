"""Owns the file with the tablet's secret and the replica id that no backup may carry along."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wire_contracts.enrolment import TabletPerson, parse_marks, parse_person, person_json
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.payloads import dump_json, read_json

IDENTITY_FILE = "identity.json"
REPLICA_FILE = "replica_id.no-backup"

_MAX_PEOPLE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who this tablet is to the server.

    Attributes:
        server_url: Where the server answers.
        tablet_id: The server's name for the tablet.
        token: Bearer token, a secret.
        expires_at_utc: When the tablet must be enrolled anew.
        crew_id: Whose orders it gets.
        people: Who may work on it.
        actor: Account id of who works on it now; stamped on every tap.
        crew_name: What people call the crew; empty when the server did not say.
        former_marks: Marks of the tokens that this device had before, the newest first.
    """

    server_url: str
    tablet_id: str
    token: str
    expires_at_utc: datetime
    crew_id: str
    people: tuple[TabletPerson, ...]
    actor: str
    crew_name: str = ""
    former_marks: tuple[str, ...] = ()

    def person(self) -> TabletPerson | None:
        """Return who works on the tablet now, or None when that account has left the crew."""
        return next((one for one in self.people if one.account_id == self.actor), None)


def load_identity(folder: Path) -> Identity | None:
    """Return the identity, or None before the first enrolment.

    Raises:
        ContractError: The file cannot be used; the text names the field. Enrol the tablet anew.
    """
    path = folder / IDENTITY_FILE
    if not path.exists():
        return None
    root = read_json(path.name, path.read_bytes())
    return Identity(
        server_url=root.text("server_url", longest=400),
        tablet_id=root.text("tablet_id", longest=64),
        token=root.text("token"),
        expires_at_utc=utc_from_ms(root.integer("expires_at", low=EARLIEST_MS, high=LATEST_MS)),
        crew_id=root.text("crew_id", longest=64),
        people=tuple(parse_person(each) for each in root.objects("people", longest=_MAX_PEOPLE)),
        actor=root.text("actor", longest=64),
        crew_name=root.text_or_none("crew_name") or "",
        former_marks=parse_marks(root, "former_marks"),
    )


def save_identity(folder: Path, identity: Identity) -> None:
    """Replace the file in one step; only the app's own user can read it."""
    body: JsonObject = {
        "server_url": identity.server_url,
        "tablet_id": identity.tablet_id,
        "token": identity.token,
        "expires_at": ms_from_utc(identity.expires_at_utc),
        "crew_id": identity.crew_id,
        "people": [person_json(person) for person in identity.people],
        "actor": identity.actor,
        "crew_name": identity.crew_name or None,
        "former_marks": list(identity.former_marks),
    }
    _replace(folder / IDENTITY_FILE, dump_json(body))


def load_replica_id(folder: Path) -> str | None:
    """Return the replica id beside the store, or None when there is none."""
    path = folder / REPLICA_FILE
    return (path.read_text().strip() or None) if path.exists() else None


def save_replica_id(folder: Path, replica_id: str) -> None:
    """Replace the replica id in one step."""
    _replace(folder / REPLICA_FILE, replica_id.encode())


def people_from_documents(documents: list[str]) -> tuple[TabletPerson, ...]:
    """Return the people of the `person` rows that were pulled; one of a newer server is left out.

    The others must be able to log in.
    """
    people: list[TabletPerson] = []
    for text in documents:
        try:
            people.append(parse_person(FieldReader(place="person row", values=json.loads(text))))
        except ContractError:
            continue
    return tuple(people)


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
