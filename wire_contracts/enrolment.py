"""How a tablet becomes known: a one-time code against a token (server notes section 5)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlencode, urlsplit

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.payloads import dump_json

ENROL_PATH = "/sync/v1/enrol"
"""`POST` with an EnrolRequest, no log-in: the one-time code is the proof."""

MAX_PEOPLE = 500

MAX_EARLIER = 20
"""Enrolments of one device, beside the last, that it tells of."""

INVITATION_SCHEME = "lamplighter"
"""A code that the control room shows begins with it: no other app's code is mistaken for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolRequest:
    """What a new tablet says: the code that the office shows, and a name to know it by.

    `former`: the `token_mark` of the token that it had before, empty when it had none. What it has
    not sent yet was made under that enrolment: for that crew, by its people. `earlier`: the marks
    of those before, newest first; a restored server may have forgotten the newest.
    """

    code: str
    name: str
    former: str = ""
    earlier: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What the control room's QR code says: where the server is, and the one-time code."""

    server_url: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletPerson:
    """Somebody who may work on the tablet; `account_id` is what operations carry as actor."""

    account_id: str
    name: str
    role: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolAnswer:
    """What the tablet keeps.

    Attributes:
        tablet_id: The server's name for the tablet.
        token: Bearer token of every later request; shown once, the server keeps its hash.
        expires_at_utc: When the tablet must be enrolled anew.
        crew_id: Whose orders it gets.
        people: Who may work on it.
        crew_name: What people call that crew; empty from a server that does not say.
    """

    tablet_id: str
    token: str
    expires_at_utc: datetime
    crew_id: str
    people: Sequence[TabletPerson] = ()
    crew_name: str = ""


def invitation_text(invitation: Invitation) -> str:
    """Return what a QR code says, such as `lamplighter://enrol?server=...&code=...`."""
    query = urlencode({"server": invitation.server_url, "code": invitation.code})
    return f"{INVITATION_SCHEME}://enrol?{query}"


def parse_invitation(text: str) -> Invitation | None:
    """Return the invitation of a scanned text, None when it is another code."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    values = parse_qs(parts.query)
    server, code = values.get("server", [""])[0], values.get("code", [""])[0]
    is_ours = parts.scheme == INVITATION_SCHEME and parts.netloc == "enrol"
    return Invitation(server_url=server, code=code) if is_ours and server and code else None


def token_mark(token: str) -> str:
    """Return what tells a token without giving it away: its SHA-256 in 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def dump_enrol(request: EnrolRequest) -> bytes:
    """Return the request as JSON."""
    body: dict[str, JsonValue] = {"v": 1, "code": request.code, "name": request.name}
    if request.former:
        body["former"] = request.former
    if request.earlier:
        body["earlier"] = list(request.earlier)
    return dump_json(body)


def parse_enrol(root: FieldReader) -> EnrolRequest:
    """Return the request; raise ContractError that names the field."""
    root.integer("v", low=1, high=1)
    return EnrolRequest(
        code=root.text("code", longest=40),
        name=root.text("name", longest=80),
        former=root.text("former", longest=64) if root.has("former") else "",
        earlier=parse_marks(root, "earlier"),
    )


def parse_marks(reader: FieldReader, key: str) -> tuple[str, ...]:
    """Return a list of token marks, empty when there is none; raise ContractError that names it."""
    marks = reader.array(key, longest=MAX_EARLIER + 1) if reader.has(key) else ()
    texts = tuple(each for each in marks if isinstance(each, str))
    if len(texts) != len(marks):
        raise reader.refuse(key, "is no list of texts", "send hashes", Code.FIELD_TYPE)
    return texts


def dump_enrol_answer(answer: EnrolAnswer) -> bytes:
    """Return the answer as JSON."""
    return dump_json(
        {
            "v": 1,
            "tablet_id": answer.tablet_id,
            "token": answer.token,
            "expires_at": ms_from_utc(answer.expires_at_utc),
            "crew_id": answer.crew_id,
            "crew_name": answer.crew_name or None,
            "people": [person_json(person) for person in answer.people],
        }
    )


def person_json(person: TabletPerson) -> JsonObject:
    """Return one person as JSON; also the document of entity `person` in the crew's bucket."""
    return {
        "account_id": person.account_id,
        "name": person.name,
        "role": person.role,
        "language": person.language,
    }


def parse_person(reader: FieldReader) -> TabletPerson:
    """Return the person; raise ContractError that names the field."""
    return TabletPerson(
        account_id=reader.text("account_id", longest=64),
        name=reader.text("name"),
        role=reader.text("role", longest=64),
        language=reader.text("language", longest=20),
    )


def parse_enrol_answer(root: FieldReader) -> EnrolAnswer:
    """Return the answer; raise ContractError that names the field."""
    root.integer("v", low=1, high=1)
    return EnrolAnswer(
        tablet_id=root.text("tablet_id", longest=64),
        token=root.text("token"),
        expires_at_utc=utc_from_ms(root.integer("expires_at", low=EARLIEST_MS, high=LATEST_MS)),
        crew_id=root.text("crew_id", longest=64),
        people=tuple(parse_person(each) for each in root.objects("people", longest=MAX_PEOPLE)),
        crew_name=root.text_or_none("crew_name") or "",
    )
