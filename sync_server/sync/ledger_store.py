"""The permanent outcome of every operation ever received, and what was kept of the others."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, Row, bindparam, func, select, update

from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.bulk_io import find_among, put_rows
from sync_server.db.sync_tables import KEPT_OPERATION, OP_LEDGER, REPLICA, SYNC_CONFLICT
from sync_server.sync.event_time import BootTimes, EventTime
from sync_server.sync.inbox import Broken, clean_text, payload_hash, readable
from sync_server.sync.merge import Kept
from sync_server.sync.word_store import field_taken
from wire_contracts.codes import Code
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.operations import Operation, OperationResult, Outcome


class LedgerEntry(NamedTuple):
    """An operation with its outcome, ready to be written for ever."""

    operation: Operation | Broken
    payload_hash: str
    result: OperationResult
    time: EventTime


class LedgerRow(NamedTuple):
    """The line of an operation, in the order of the table's columns."""

    op_id: str
    payload_hash: str
    tablet_id: str
    replica_id: str
    n: int
    group_id: str
    actor: str
    kind: str
    entity: str
    entity_id: str
    outcome: str
    code: str | None
    detail: str
    seq: int
    happened_at_ms: int
    is_clock_suspect: bool
    received_at_ms: int
    boot_id: str | None
    mono_ms: int | None
    field: str | None
    is_time_doubtful: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldConflict:
    """Both words of one field; nothing is thrown away (sync spec 1.4)."""

    op_id: str
    entity: str
    entity_id: str
    field: str
    seen: JsonValue
    office: JsonValue
    crew: JsonValue
    kept: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOperation:
    """What the ledger says of an operation that came before."""

    payload_hash: str
    result: OperationResult


def known_operations(connection: Connection, op_ids: Iterable[str]) -> dict[str, KnownOperation]:
    """Return the stored outcomes of those operations that the ledger holds."""
    rows = find_among(connection, OP_LEDGER, _KNOWN, "op_id", set(op_ids))
    return {
        row.op_id: KnownOperation(
            payload_hash=row.payload_hash,
            result=OperationResult(
                op_id=row.op_id,
                outcome=Outcome(row.outcome),
                code=None if row.code is None else Code(row.code),
                detail=row.detail,
                seq=int(row.seq),
                at_ms=int(row.received_at_ms),
            ),
        )
        for row in rows
    }


_KNOWN = ("op_id", "payload_hash", "outcome", "code", "detail", "seq", "received_at_ms")


def write_ledger(
    connection: Connection,
    replica_id: str,
    tablet: TabletIdentity,
    entries: Iterable[LedgerEntry],
    now_utc: datetime,
) -> None:
    """Write outcomes in the transaction of the effects (trap T3)."""
    now_ms = ms_from_utc(now_utc)
    rows = [_ledger_row(replica_id, tablet.tablet_id, entry, now_ms) for entry in entries]
    put_rows(connection, OP_LEDGER, rows)


def _ledger_row(replica_id: str, tablet_id: str, entry: LedgerEntry, now_ms: int) -> LedgerRow:
    operation, payload, result, time = entry
    n, group_id, actor, kind, entity, entity_id, boot_id, mono_ms = _what(operation)
    return LedgerRow(
        operation.op_id,
        payload,
        tablet_id,
        replica_id,
        n,
        group_id,
        actor,
        kind,
        entity,
        entity_id,
        str(result.outcome),
        None if result.code is None else str(result.code),
        clean_text(result.detail) if result.detail else "",
        result.seq,
        time.at_ms,
        time.is_suspect,
        now_ms,
        boot_id,
        mono_ms,
        None if isinstance(operation, Broken) else field_taken(operation, result.outcome),
        time.is_doubtful,
    )


_What = tuple[int, str, str, str, str, str, str | None, int | None]
"""What an operation says of itself: number, group, author, kind, thing, its id, boot, clock."""

_NOTHING: _What = (-1, "", "", "broken", "", "", None, None)
"""What a broken one says that can be read."""


def _what(operation: Operation | Broken) -> _What:
    """Return what the operation says; its names are such as every database takes (`inbox`)."""
    if isinstance(operation, Broken):
        return _NOTHING
    return (
        operation.n,
        operation.group,
        operation.actor,
        operation.kind.value,
        operation.entity,
        operation.entity_id,
        operation.at.boot_id,
        operation.at.mono_ms,
    )


def keep_operation(
    connection: Connection, operation: Operation | Broken, now_utc: datetime
) -> bool:
    """Keep the content of an operation that was not applied as it came; False if it is kept."""
    key = (operation.op_id, payload_hash(operation))
    asked = {"of_op": key[0], "of_hash": key[1]}
    if connection.execute(_KEPT, asked).first() is not None:
        return False
    row = (*key, readable(operation), ms_from_utc(now_utc))
    put_rows(connection, KEPT_OPERATION, [row])
    return True


_KEPT = select(KEPT_OPERATION.c.op_id).where(
    KEPT_OPERATION.c.op_id == bindparam("of_op"),
    KEPT_OPERATION.c.payload_hash == bindparam("of_hash"),
)


def kept_bodies(connection: Connection, op_id: str) -> list[JsonValue]:
    """Return every content that came under an operation id and was not applied as it came."""
    query = (
        select(KEPT_OPERATION.c.body)
        .where(KEPT_OPERATION.c.op_id == op_id)
        .order_by(KEPT_OPERATION.c.received_at_ms)
    )
    return [json.loads(body) for body in connection.execute(query).scalars()]


def write_conflict(connection: Connection, conflict: FieldConflict, now_utc: datetime) -> None:
    """Keep both words of a field."""
    row = (
        conflict.op_id,
        conflict.entity,
        conflict.entity_id,
        conflict.field,
        orjson.dumps(conflict.seen).decode(),
        orjson.dumps(conflict.office).decode(),
        orjson.dumps(conflict.crew).decode(),
        str(conflict.kept),
        ms_from_utc(now_utc),
    )
    put_rows(connection, SYNC_CONFLICT, [row])


def conflicts_of(connection: Connection, entity: str, entity_id: str) -> list[FieldConflict]:
    """Return every conflict of one thing, the oldest first."""
    query = (
        select(SYNC_CONFLICT)
        .where(SYNC_CONFLICT.c.entity == entity, SYNC_CONFLICT.c.entity_id == entity_id)
        .order_by(SYNC_CONFLICT.c.at_ms, SYNC_CONFLICT.c.op_id)
    )
    return [_conflict(row) for row in connection.execute(query)]


def conflict_of_operation(connection: Connection, op_id: str) -> FieldConflict | None:
    """Return what an operation wrote against another word, None when it did not."""
    query = select(SYNC_CONFLICT).where(SYNC_CONFLICT.c.op_id == op_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _conflict(row)


def _conflict(row: Row[str]) -> FieldConflict:
    return FieldConflict(
        op_id=row.op_id,
        entity=row.entity,
        entity_id=row.entity_id,
        field=row.field,
        seen=orjson.loads(row.seen_value),
        office=orjson.loads(row.office_value),
        crew=orjson.loads(row.crew_value),
        kept=Kept(row.kept),
    )


def note_replica(
    connection: Connection, replica_id: str, tablet_id: str, last_n: int, now_utc: datetime
) -> None:
    """Write down that a copy of a tablet's store has spoken, and how far its numbers went."""
    values = (replica_id, tablet_id, ms_from_utc(now_utc), last_n)
    connection.exec_driver_sql(_NOTE_REPLICA[connection.dialect.name], values)


_NEW_REPLICA = "INSERT INTO replica (replica_id, tablet_id, first_seen_at_ms, last_n) VALUES"
_IF_FURTHER = """ON CONFLICT (replica_id) DO UPDATE SET last_n = excluded.last_n
    WHERE replica.last_n < excluded.last_n"""
_NOTE_REPLICA = {
    "sqlite": f"{_NEW_REPLICA} (?, ?, ?, ?) {_IF_FURTHER}",
    "postgresql": f"{_NEW_REPLICA} (%s, %s, %s, %s) {_IF_FURTHER}",
}
"""Written out, as what follows: every push asks, and to put it together takes longer."""


def numbers_in_use(
    connection: Connection, replica_id: str, numbers: Collection[int]
) -> dict[int, set[str]]:
    """Return which operations of this replica hold these numbers (trap T7)."""
    rows = find_among(connection, OP_LEDGER, ("n", "op_id"), "n", numbers, replica_id=replica_id)
    found: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(int(row.n), set()).add(row.op_id)
    return found


def is_of_other_store(connection: Connection, op_id: str | None, replica_id: str) -> bool:
    """Return whether another copy of a store sent an operation; not what comes just now."""
    query = select(OP_LEDGER.c.op_id).where(
        OP_LEDGER.c.op_id == op_id, OP_LEDGER.c.replica_id != replica_id
    )
    return connection.execute(query).first() is not None


def is_time_doubted(connection: Connection, op_id: str | None, replica_id: str) -> bool:
    """Return whether an operation's time may be off by minutes; what one store did, it orders."""
    asked = {"op": op_id, "replica": replica_id}
    return connection.execute(_DOUBTED, asked).first() is not None


_DOUBTED = select(OP_LEDGER.c.op_id).where(
    OP_LEDGER.c.op_id == bindparam("op"),
    OP_LEDGER.c.replica_id != bindparam("replica"),
    func.coalesce(OP_LEDGER.c.is_time_doubtful, OP_LEDGER.c.is_clock_suspect),
)


class ReplicaStanding(NamedTuple):
    """Which tablet first spoke with a copy of a store, and whether two were seen to share it."""

    tablet_id: str | None
    is_retired: bool


def replica_standing(connection: Connection, replica_id: str) -> ReplicaStanding:
    """Return what is known of a copy of a store; no tablet when it never spoke."""
    rows = find_among(connection, REPLICA, _STANDING, "replica_id", [replica_id])
    for row in rows:
        return ReplicaStanding(row.tablet_id, row.retired_at_ms is not None)
    return ReplicaStanding(None, is_retired=False)


_STANDING = ("tablet_id", "retired_at_ms")


def known_boots(connection: Connection, operations: Iterable[Operation]) -> dict[str, BootTimes]:
    """Return the times of these operations' boots, as far as their neighbours are concerned.

    A boot is one under whatever enrolment its taps arrive: some came before the tablet was
    withdrawn, others sealed, others after it was enrolled anew.
    """
    spans: dict[str, tuple[int, int]] = {}
    for each in operations:
        boot_id, mono_ms = clean_text(each.at.boot_id), each.at.mono_ms
        low_ms, high_ms = spans.get(boot_id, (mono_ms, mono_ms))
        spans[boot_id] = (min(low_ms, mono_ms), max(high_ms, mono_ms))
    return {boot_id: BootTimes(_taps(connection, boot_id, span)) for boot_id, span in spans.items()}


def _taps(
    connection: Connection, boot_id: str, span: tuple[int, int]
) -> list[tuple[int, int, bool]]:
    """Return the taps of a boot inside a span of its monotonic clock, and the one on each side.

    And the last one before whose time is believed.
    """
    low_ms, high_ms = span
    asked = (boot_id, low_ms, boot_id, low_ms, boot_id, low_ms, high_ms, boot_id, high_ms)
    found = connection.exec_driver_sql(_NEIGHBOURS[connection.dialect.name], asked)
    return [(int(mono_ms or 0), int(at_ms), bool(doubt)) for mono_ms, at_ms, doubt in found]


_DOUBT = "coalesce(is_time_doubtful, is_clock_suspect)"
_TAPS = f"SELECT mono_ms, happened_at_ms, {_DOUBT} FROM op_ledger WHERE boot_id = ? AND mono_ms"  # noqa: S608  # our own words
_LAST = "ORDER BY mono_ms DESC, happened_at_ms DESC LIMIT 1"
_FIRST = "ORDER BY mono_ms, happened_at_ms LIMIT 1"
_ON_SQLITE = f"""SELECT * FROM ({_TAPS} < ? {_LAST}) AS before
    UNION ALL SELECT * FROM ({_TAPS} < ? AND NOT {_DOUBT} {_LAST}) AS believed
    UNION ALL {_TAPS} BETWEEN ? AND ?
    UNION ALL SELECT * FROM ({_TAPS} > ? {_FIRST}) AS after"""  # noqa: S608  # as above
_NEIGHBOURS = {"sqlite": _ON_SQLITE, "postgresql": _ON_SQLITE.replace("?", "%s")}


def retire_replica(connection: Connection, replica_id: str, now_utc: datetime) -> bool:
    """Mark a replica id as shared by two stores; return False when it already was."""
    done = connection.execute(
        update(REPLICA)
        .where(REPLICA.c.replica_id == replica_id, REPLICA.c.retired_at_ms.is_(None))
        .values(retired_at_ms=ms_from_utc(now_utc))
    )
    return done.rowcount > 0


def is_replica_retired(connection: Connection, replica_id: str) -> bool:
    """Return whether the store must draw a new replica id."""
    return replica_standing(connection, replica_id).is_retired


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRecord:
    """One line of the ledger as the office and the checker read it."""

    op_id: str
    actor: str
    outcome: Outcome
    code: Code | None
    happened_at_utc: datetime
    is_clock_suspect: bool
    tablet_id: str = ""
    received_at_utc: datetime | None = None


def read_ledger(connection: Connection) -> list[LedgerRecord]:
    """Return the whole ledger, by operation id."""
    query = select(OP_LEDGER).order_by(OP_LEDGER.c.op_id)
    return [_record(row) for row in connection.execute(query)]


def record_of_operation(connection: Connection, op_id: str) -> LedgerRecord | None:
    """Return what the ledger says of one operation, None when it never came."""
    query = select(OP_LEDGER).where(OP_LEDGER.c.op_id == op_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def _record(row: Row[str]) -> LedgerRecord:
    return LedgerRecord(
        op_id=row.op_id,
        actor=row.actor,
        outcome=Outcome(row.outcome),
        code=None if row.code is None else Code(row.code),
        happened_at_utc=utc_from_ms(row.happened_at_ms),
        is_clock_suspect=bool(row.is_clock_suspect),
        tablet_id=row.tablet_id,
        received_at_utc=utc_from_ms(row.received_at_ms),
    )
