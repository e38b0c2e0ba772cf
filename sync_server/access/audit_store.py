"""The append-only audit chain: each event carries the hash of the one before it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from sync_server.db.access_tables import AUDIT_EVENT, AUDIT_HEAD
from sync_server.db.bulk_io import find_among
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.payloads import dump_json

GENESIS = "0" * 64
"""The hash before the first event."""

_HEAD_ID = 1
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One thing that was done.

    Attributes:
        actor: Account id, tablet id, or the name of a rule.
        action: What was done, such as `tablet.revoke`.
        subject: Id of what it was done to.
        detail: Ids, codes and hashes only, never personal data (RULINGS R7).
    """

    actor: str
    action: str
    subject: str
    detail: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """A stored event with its place in the chain."""

    position: int
    at_utc: datetime
    actor: str
    action: str
    subject: str
    detail_text: str
    event_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """Whether the chain is whole; `broken_at` is the first position that does not fit."""

    event_count: int
    broken_at: int | None

    @property
    def is_whole(self) -> bool:
        """Return whether nothing was changed, removed or added out of turn."""
        return self.broken_at is None


def append_audit(connection: Connection, event: AuditEvent, now_utc: datetime) -> None:
    """Append one event in the caller's transaction; writers take turns at the chain's end."""
    position, previous_hash = _lock_head(connection)
    row: dict[str, int | str] = {
        "position": position + 1,
        "at_ms": ms_from_utc(now_utc),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "detail": dump_json(event.detail).decode(),
        "previous_hash": previous_hash,
    }
    event_hash = _hash_of(row)
    connection.execute(_APPEND, {**row, "event_hash": event_hash})
    connection.execute(_MOVE_HEAD, {"new_position": position + 1, "new_hash": event_hash})


_APPEND = insert(AUDIT_EVENT)
_MOVE_HEAD = (
    update(AUDIT_HEAD)
    .where(AUDIT_HEAD.c.head_id == _HEAD_ID)
    .values(position=bindparam("new_position"), event_hash=bindparam("new_hash"))
)
_LOCKED_HEAD = select(AUDIT_HEAD.c.position, AUDIT_HEAD.c.event_hash).with_for_update()
"""Built once: every act of the office appends."""


def audit_head(connection: Connection) -> tuple[int, str]:
    """Return position and hash of the newest event."""
    head = connection.execute(select(AUDIT_HEAD.c.position, AUDIT_HEAD.c.event_hash)).one()
    return head.position, head.event_hash


def event_hashes(connection: Connection, positions: Sequence[int]) -> dict[int, str]:
    """Return position -> hash of the events that are there."""
    names = ("position", "event_hash")
    rows = find_among(connection, AUDIT_EVENT, names, "position", set(positions))
    return {int(row.position): str(row.event_hash) for row in rows}


def _lock_head(connection: Connection) -> tuple[int, str]:
    head = connection.execute(_LOCKED_HEAD).one()
    return head.position, head.event_hash


def _hash_of(row: Mapping[str, int | str], without: str = "") -> str:
    body = {name: value for name, value in row.items() if name != without}
    return hashlib.sha256(dump_json(body)).hexdigest()


def verify_audit(connection: Connection) -> AuditVerdict:
    """Return whether the chain from the first event to the head is unbroken."""
    expected_hash, count = GENESIS, 0
    while True:
        rows = _page_after(connection, count)
        for row in rows:
            fits = row["position"] == count + 1 and row["previous_hash"] == expected_hash
            if not fits or _hash_of(row, without="event_hash") != row["event_hash"]:
                return AuditVerdict(event_count=count, broken_at=count + 1)
            expected_hash, count = str(row["event_hash"]), count + 1
        if len(rows) < _PAGE:
            break
    head = connection.execute(select(AUDIT_HEAD.c.position, AUDIT_HEAD.c.event_hash)).one()
    is_end = head.position == count and head.event_hash == expected_hash
    return AuditVerdict(event_count=count, broken_at=None if is_end else count + 1)


def _page_after(connection: Connection, position: int) -> list[dict[str, int | str]]:
    query = (
        select(AUDIT_EVENT)
        .where(AUDIT_EVENT.c.position > position)
        .order_by(AUDIT_EVENT.c.position)
        .limit(_PAGE)
    )
    return [{str(name): row[name] for name in row} for row in connection.execute(query).mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """Which events are wanted; what is empty or None does not narrow.

    Attributes:
        action: The beginning of the action, such as `contact.`.
        before: Only positions before this one: the next page of a list.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    before: int | None = None


def find_audit(connection: Connection, wanted: AuditSearch, limit: int) -> list[AuditRecord]:
    """Return the events that fit, the newest first."""
    query = select(AUDIT_EVENT)
    if wanted.actor:
        query = query.where(AUDIT_EVENT.c.actor == wanted.actor)
    if wanted.action:
        query = query.where(AUDIT_EVENT.c.action.startswith(wanted.action, autoescape=True))
    if wanted.subject:
        query = query.where(AUDIT_EVENT.c.subject == wanted.subject)
    if wanted.before is not None:
        query = query.where(AUDIT_EVENT.c.position < wanted.before)
    rows = connection.execute(query.order_by(AUDIT_EVENT.c.position.desc()).limit(limit))
    return [_record(row) for row in rows]


def list_audit(connection: Connection, limit: int = 200) -> list[AuditRecord]:
    """Return the newest events first."""
    query = select(AUDIT_EVENT).order_by(AUDIT_EVENT.c.position.desc()).limit(limit)
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[str]) -> AuditRecord:
    return AuditRecord(
        position=row.position,
        at_utc=utc_from_ms(row.at_ms),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail_text=row.detail,
        event_hash=row.event_hash,
    )
