"""Maps the outbox: operations written with the tap, kept until the echo and 90 days beyond."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    RowMapping,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from field_app.store import sealed_store, settings_store
from field_app.store.among import is_among_bound
from field_app.store.bulk_write import Row, change_rows
from field_app.store.ids_io import draw_uuid7
from field_app.store.record_states import WAITING, WITHOUT_EFFECT, OpStatus
from field_app.store.sealed_store import Seal, ToSeal, seal_nothing
from field_app.store.settings_store import Key
from field_app.store.tables import base_row, outbox_op
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import utc_from_ms
from wire_contracts.operations import (
    MAX_COUNTER,
    MAX_OPERATIONS,
    MAX_PUSH_BYTES,
    DeviceTime,
    Operation,
    OperationKind,
    OperationResult,
    Outcome,
    parse_operation,
    write_operation,
)
from wire_contracts.orders import APPENDED, FactType
from wire_contracts.payloads import dump_json
from wire_contracts.review_outcomes import ReviewOutcome, parse_review_outcome
from wire_contracts.sealed import SealedKind, dump_operation
from wire_contracts.site_facts import WatchEvent

HISTORY = timedelta(days=90)
"""How long a settled operation is kept, to be pushed again to a restored server (RULINGS R1)."""

_ENVELOPE_BYTES = 1024
"""Room for the push body around its operations."""

_PLACE = "outbox"
_LONGEST_BODY = 4 * 1024 * 1024
_NUMBERS = ("n", "is_repeat", "made_at_ms", "ack_seq", "acked_round", "acked_at_ms")


class Look(IntEnum):
    """Whether a person must see what became of an operation."""

    NO = 0
    YES = 1
    SEEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperation:
    """One change of a user action, before it has its ids and its time."""

    kind: OperationKind
    entity: str
    entity_id: str
    order_id: str
    field: str
    old: JsonValue = None
    new: JsonValue = None
    payload: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TapStamp:
    """Who tapped, when, in which app.

    Attributes:
        session: Under which log-in of the tablet, as the operation says it.
        seal: Seals every operation to the server in the transaction that keeps it (R4).
    """

    actor: str
    at: DeviceTime
    app: str
    session: str = ""
    seal: Seal = seal_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """One operation with what became of it so far.

    Attributes:
        order_id: The record it belongs to.
        made_at_ms: The tablet's wall clock at the tap.
        is_repeat: It was settled before and is pushed again to a restored server.
        ack_seq: The change that shows its effect; a pull at or past it is the echo.
        acked_round: The pull round that was the latest when the acknowledgement came.
        decision: What the office decided about it, None before.
    """

    operation: Operation
    order_id: str
    status: OpStatus
    made_at_ms: int
    is_repeat: bool
    outcome: Outcome | None
    code: Code | None
    detail: str
    ack_seq: int
    acked_round: int
    look: Look
    decision: ReviewOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSummary:
    """The overall line: what waits, since when, and what needs eyes."""

    waiting: int
    oldest_at_ms: int | None
    held: int
    needs_look: int


def append_group(
    connection: Connection, changes: Sequence[NewOperation], stamp: TapStamp
) -> list[Operation]:
    """Keep one user action as one group; return its operations in order.

    A call for help, a missed answer of the watch and an order for a danger switch the tablet to
    online: who calls did not mean them when it was switched off.
    """
    now_utc = utc_from_ms(stamp.at.wall_ms)
    group = draw_uuid7(now_utc)
    operations: list[Operation] = []
    for change in changes:
        operation = Operation(
            op_id=draw_uuid7(now_utc),
            n=settings_store.count_up(connection, Key.LAST_N),
            group=group,
            actor=stamp.actor,
            kind=change.kind,
            entity=change.entity,
            entity_id=change.entity_id,
            at=stamp.at,
            field=change.field,
            old=change.old,
            new=change.new,
            payload=change.payload,
            app=stamp.app,
            session=stamp.session,
        )
        keep_operation(connection, operation, change.order_id)
        sealed_store.keep_sealed(connection, stamp.seal, _to_seal(operation))
        operations.append(operation)
    if any(map(_is_call, changes)):
        settings_store.save(connection, Key.SWITCHED_OFF, None)
    return operations


def _is_call(change: NewOperation) -> bool:
    """Return whether somebody must hear of it at once: it ends that the tablet works offline."""
    is_missed = change.field == FactType.LONE_WORKER and (change.payload or {}).get("event") in (
        WatchEvent.OVERDUE,
        WatchEvent.ESCALATED,
    )
    return is_missed or change.field in {FactType.HELP_CALL, FactType.ORDER_REQUEST}


def _to_seal(operation: Operation) -> ToSeal:
    return ToSeal(
        kind=SealedKind.OPERATION,
        about=operation.op_id,
        owner=operation.actor,
        plain=dump_operation(operation),
        made_at_ms=operation.at.wall_ms,
        n=operation.n,
        group=operation.group,
    )


def keep_operation(connection: Connection, operation: Operation, order_id: str) -> bool:
    """Keep one operation as queued; return False when it is known already."""
    cells = {
        "op_id": operation.op_id,
        "n": operation.n,
        "group_id": operation.group,
        "order_id": order_id,
        "entity": operation.entity,
        "entity_id": operation.entity_id,
        "body": write_operation(operation),
        "status": OpStatus.QUEUED,
        "is_repeat": 0,
        "made_at_ms": operation.at.wall_ms,
        "detail": "",
        "ack_seq": 0,
        "acked_round": 0,
        "acked_at_ms": 0,
        "look": Look.NO,
    }
    return connection.execute(_KEEP, cells).rowcount == 1


_KEEP: Final = sqlite.insert(outbox_op).on_conflict_do_nothing(index_elements=["op_id"])
"""Built once, as everything that a tap or a contact asks: to put it together takes longer."""


def keep_saved_row(connection: Connection, cells: Mapping[str, JsonValue]) -> None:
    """Keep a row saved out of a damaged file as it was; a known op_id is left alone.

    A row that no reader could take apart is left out: it would stop every later sync.
    """
    names = {column.name for column in outbox_op.columns}
    values = {name: cell for name, cell in cells.items() if name in names}
    if problem_of_row(values) is None:
        connection.execute(sqlite.insert(outbox_op).values(values).on_conflict_do_nothing())


def problem_of_row(cells: Mapping[str, JsonValue]) -> str | None:
    """Return why a row of the outbox cannot be read, None when it can."""
    reader = FieldReader(place=_PLACE, values=cells)
    try:
        operation = _operation(reader.text("body", longest=_LONGEST_BODY))
        reader.choice("status", OpStatus)
        if reader.has("outcome"):
            reader.choice("outcome", Outcome)
        if reader.has("code"):
            reader.choice("code", Code)
        for name in _NUMBERS:
            reader.integer(name, low=0, high=MAX_COUNTER)
        Look(reader.integer("look", low=0, high=MAX_COUNTER))
    except (ContractError, ValueError) as error:
        return str(error)
    is_its_own = operation.op_id == cells.get("op_id") and isinstance(cells.get("detail"), str)
    return None if is_its_own else "the row and its operation differ"


def load_entries(connection: Connection, condition: ColumnElement[bool]) -> list[OutboxEntry]:
    """Return the matching entries in the order of their taps."""
    return [_entry(row) for row in connection.execute(_ENTRIES.where(condition)).mappings()]


_IS_WAITING: Final = outbox_op.c.status.in_(sorted(WAITING))
_NEEDS_LOOK: Final[ColumnElement[bool]] = outbox_op.c.look == literal_column(str(Look.YES.value))
"""Written out, for SQLite takes a partial index only when it sees the value."""

_ENTRIES: Final = select(outbox_op).order_by(outbox_op.c.n)
_ENTRIES_OF: Final = _ENTRIES.where(is_among_bound(outbox_op.c.order_id, "order_ids"))


def entries_of(connection: Connection, order_id: str) -> list[OutboxEntry]:
    """Return every operation of one record, history included, in the order of their taps."""
    return entries_by_order(connection, [order_id]).get(order_id, [])


def entries_by_order(
    connection: Connection, order_ids: Sequence[str]
) -> dict[str, list[OutboxEntry]]:
    """Return what `entries_of` returns for many records; one without operations is left out."""
    found: dict[str, list[OutboxEntry]] = {}
    asked = {"order_ids": json.dumps(order_ids)}
    for row in connection.execute(_ENTRIES_OF, asked).mappings():
        entry = _entry(row)
        found.setdefault(entry.order_id, []).append(entry)
    return found


def waiting_entries(connection: Connection, limit: int) -> list[OutboxEntry]:
    """Return the operations that the server has not confirmed, oldest first."""
    rows = connection.execute(_ENTRIES.where(_IS_WAITING).limit(limit)).mappings()
    return [_entry(row) for row in rows]


def look_here_entries(connection: Connection) -> list[OutboxEntry]:
    """Return the operations that a person must see, oldest first."""
    return load_entries(connection, _NEEDS_LOOK)


class Outgoing(NamedTuple):
    """One operation on its way, as it was written down with the tap: a push takes none apart.

    A tuple, in the order of `_QUEUED`: a push has two hundred. `outcome`: what a server said of it
    before that was restored from a backup; nothing, where it did not know the order: that counts
    once the order has come, which this tablet need not have heard.
    """

    op_id: str
    group: str
    order_id: str
    body: str
    outcome: str | None = None

    @property
    def was_refused(self) -> bool:
        """Whether it had no effect there."""
        return self.outcome in WITHOUT_EFFECT


_QUEUED: Final = (
    select(
        outbox_op.c.op_id,
        outbox_op.c.group_id,
        outbox_op.c.order_id,
        outbox_op.c.body,
        case((outbox_op.c.code.is_distinct_from(str(Code.GONE)), outbox_op.c.outcome)),
    )
    .where(outbox_op.c.status == OpStatus.QUEUED)
    .order_by(outbox_op.c.n)
    .limit(MAX_OPERATIONS + 1)
)


FIRST_OF_MANY = 50
"""Operations of the first push of several: it is sent after a quarter of the work, so that the
server begins while the tablet takes the next ones."""


def first_batch(connection: Connection) -> list[Outgoing]:
    """Return what opens a contact: all, where one push takes it, else `FIRST_OF_MANY`."""
    queued = _waiting(connection, _QUEUED)
    batch = _fitting(queued, MAX_OPERATIONS)
    return batch if len(batch) == len(queued) else _fitting(queued, FIRST_OF_MANY)


def next_batch(connection: Connection) -> list[Outgoing]:
    """Return the next queued groups that fit one push; a group is never split over two.

    A single group over the limits comes alone: the server says what it thinks of it.
    """
    return _fitting(_waiting(connection, _QUEUED), MAX_OPERATIONS)


def next_without_steps(connection: Connection) -> list[Outgoing]:
    """Return as `next_batch` what waits and takes no step of an order with it."""
    return _fitting(_waiting(connection, _QUEUED_WORDS), MAX_OPERATIONS)


_A_STEP: Final = f'%"kind":"{OperationKind.GO}"%'
"""In the body as it is written (`write_operation`); text in it has its quotes escaped."""

_WITH_STEPS: Final = select(outbox_op.c.group_id).where(
    outbox_op.c.status == OpStatus.QUEUED, outbox_op.c.body.like(_A_STEP)
)
_QUEUED_WORDS: Final = _QUEUED.where(outbox_op.c.group_id.not_in(_WITH_STEPS))


def _waiting(
    connection: Connection, query: Select[str, str, str, str, str | None]
) -> list[Outgoing]:
    """Return what waits, in the order of the taps, at most one more than a push takes."""
    return [Outgoing(*row) for row in connection.execute(query).all()]


def _fitting(queued: Sequence[Outgoing], most: int) -> list[Outgoing]:
    groups: dict[str, list[Outgoing]] = {}
    for each in queued:
        groups.setdefault(each.group, []).append(each)
    if len(queued) > MAX_OPERATIONS and len(groups) > 1:
        groups.pop(queued[-1].group)
    batch: list[Outgoing] = []
    size = _ENVELOPE_BYTES
    for group in groups.values():
        size += sum(len(each.body.encode()) + 1 for each in group)
        if batch and (size > MAX_PUSH_BYTES or len(batch) + len(group) > most):
            break
        batch.extend(group)
    return batch


_MARK: Final = (
    update(outbox_op)
    .where(is_among_bound(outbox_op.c.op_id, "op_ids"), _IS_WAITING)
    .values(status=bindparam("moved_to"))
)


def mark_status(connection: Connection, op_ids: Sequence[str], status: OpStatus) -> None:
    """Move unsettled operations to QUEUED or SENDING."""
    if op_ids:
        connection.execute(_MARK, {"op_ids": json.dumps(op_ids), "moved_to": status})


def recover_sending(connection: Connection) -> set[str]:
    """Queue again what was on its way when the app stopped; return the records."""
    records = set(connection.execute(_SENDING).scalars())
    if records:
        connection.execute(_SEND_AGAIN)
    return records


_IS_SENDING: Final = outbox_op.c.status == OpStatus.SENDING
_SENDING: Final = select(outbox_op.c.order_id).where(_IS_SENDING).distinct()
_SEND_AGAIN: Final = update(outbox_op).where(_IS_SENDING).values(status=OpStatus.QUEUED)


def hold(connection: Connection, op_ids: Sequence[str], detail: str) -> None:
    """Set aside what the server cannot even read, so that the rest goes on; a person must look."""
    connection.execute(
        update(outbox_op)
        .where(outbox_op.c.op_id.in_(op_ids))
        .values(status=OpStatus.HELD, look=Look.YES, detail=detail)
    )


def release_held(connection: Connection) -> set[str]:
    """Queue held operations again; return their records."""
    held = outbox_op.c.status == OpStatus.HELD
    records = set(connection.execute(select(outbox_op.c.order_id).where(held)).scalars())
    connection.execute(
        update(outbox_op).where(held).values(status=OpStatus.QUEUED, look=Look.NO, detail="")
    )
    return records


_NEEDS_EYES = frozenset({Outcome.REFUSED, Outcome.CONFLICT, Outcome.MERGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Records whose words got an outcome; `undone` are those where something had no effect."""

    records: set[str]
    undone: set[str]


_TOLD: Final = select(
    outbox_op.c.op_id,
    outbox_op.c.order_id,
    outbox_op.c.outcome,
    outbox_op.c.code,
    outbox_op.c.look,
    outbox_op.c.decision,
).where(is_among_bound(outbox_op.c.op_id, "op_ids"))

_SETTLED = (
    "status",
    "outcome",
    "code",
    "detail",
    "ack_seq",
    "look",
    "decision",
    "acked_round",
    "acked_at_ms",
)


def settle(
    connection: Connection, results: Sequence[OperationResult], *, round_no: int, at_ms: int
) -> Settled:
    """Store the outcomes; return the records they belong to.

    What had no effect (refused, conflict) stops being shown as if it had; what had stays in the
    overlay until its echo is pulled. A result for an unknown operation is left alone.
    """
    told = {result.op_id: result for result in results}
    op_ids = json.dumps(list(told))
    rows = connection.execute(_TOLD, {"op_ids": op_ids}).all()
    changes: list[Row] = []
    for row in rows:
        result = told[row.op_id]
        is_news = row.outcome != result.outcome or row.code != result.code
        needs_eyes = result.outcome in _NEEDS_EYES and not _is_plain_append(connection, result)
        must_look = needs_eyes and (is_news or row.look == Look.YES)
        changes.append(
            (
                str(OpStatus.REFUSED if _is_undone(result) else OpStatus.RECEIVED),
                str(result.outcome),
                None if result.code is None else str(result.code),
                result.detail,
                result.seq,
                int(Look.YES if must_look else row.look),
                "" if is_news else row.decision,
                round_no,
                at_ms,
                row.op_id,
            )
        )
    change_rows(connection, outbox_op, _SETTLED, changes)
    sealed_store.forget_sealed(connection, SealedKind.OPERATION, list(told))
    return Settled(
        records={row.order_id for row in rows},
        undone={row.order_id for row in rows if _is_undone(told[row.op_id])},
    )


def _is_undone(result: OperationResult) -> bool:
    return result.outcome in WITHOUT_EFFECT


def _is_plain_append(connection: Connection, result: OperationResult) -> bool:
    """Return whether both sides' remarks simply stand one after the other: nothing to look at."""
    if result.outcome is not Outcome.MERGED:
        return False
    body = connection.execute(
        select(outbox_op.c.body).where(outbox_op.c.op_id == result.op_id)
    ).scalar_one()
    return _operation(body).field in APPENDED


_IS_RECEIVED: Final = outbox_op.c.status == OpStatus.RECEIVED
_NEWEST: Final = (
    select(func.max(base_row.c.seq))
    .where(
        base_row.c.entity == outbox_op.c.entity,
        base_row.c.entity_id == outbox_op.c.entity_id,
        base_row.c.bucket != "",
        base_row.c.is_stale == 0,
    )
    .scalar_subquery()
)


def close_echoed(connection: Connection, *, complete_round: int | None) -> set[str]:
    """Move received operations whose echo was pulled to history; return their records.

    The echo is the thing's own row at or past the acknowledged change. A thing whose row is not on
    this tablet (a fact, an order that left) has its echo when a whole pull round that began after
    the acknowledgement has ended; `complete_round` is that round, None inside one.
    """
    query = _ECHOED if complete_round is None else _ECHOED_AT_THE_END
    echoed = connection.execute(query, {"complete_round": complete_round}).all()
    if echoed:
        op_ids = json.dumps([row.op_id for row in echoed])
        connection.execute(_CLOSE, {"op_ids": op_ids})
    return {row.order_id for row in echoed}


_RECEIVED: Final = select(outbox_op.c.op_id, outbox_op.c.order_id).where(_IS_RECEIVED)
_IS_SHOWN: Final = and_(outbox_op.c.ack_seq > 0, outbox_op.c.ack_seq <= _NEWEST)
_HAS_NO_ROW: Final = or_(_NEWEST.is_(None), outbox_op.c.ack_seq == 0)
_ECHOED: Final = _RECEIVED.where(_IS_SHOWN)
_ECHOED_AT_THE_END: Final = _RECEIVED.where(
    or_(
        _IS_SHOWN,
        and_(outbox_op.c.acked_round < bindparam("complete_round", type_=Integer), _HAS_NO_ROW),
    )
)
_CLOSE: Final = (
    update(outbox_op)
    .where(is_among_bound(outbox_op.c.op_id, "op_ids"))
    .values(status=OpStatus.SHOWN, is_repeat=0)
)


def queue_all_again(connection: Connection) -> set[str]:
    """Queue everything the former server had: it was restored from a backup (RULINGS R1).

    History reaches back 90 days. It is marked as a repeat, so that an old answer does not cover a
    newer row meanwhile; what awaited its echo stays in the overlay. What the office had decided is
    forgotten with an outcome that is another one there (`settle`). Returns the records.
    """
    settled = outbox_op.c.status.in_([OpStatus.SHOWN, OpStatus.REFUSED])
    received = outbox_op.c.status == OpStatus.RECEIVED
    touched = select(outbox_op.c.order_id).where(or_(settled, received))
    records = set(connection.execute(touched).scalars())
    again = {"status": OpStatus.QUEUED, "ack_seq": 0}
    connection.execute(update(outbox_op).where(settled).values(is_repeat=1, **again))
    connection.execute(update(outbox_op).where(received).values(again))
    return records


def prune_history(connection: Connection, *, server_now_ms: int) -> int:
    """Forget settled operations acknowledged over 90 days ago; return how many.

    Time is the server's: a tablet whose clock jumps must not forget anything.
    """
    oldest_ms = server_now_ms - HISTORY // timedelta(milliseconds=1)
    return connection.execute(_PRUNE, {"oldest_ms": oldest_ms}).rowcount


_PRUNE: Final = delete(outbox_op).where(
    outbox_op.c.status.in_([OpStatus.SHOWN, OpStatus.REFUSED]),
    outbox_op.c.look != Look.YES,
    outbox_op.c.acked_at_ms < bindparam("oldest_ms"),
)


def mark_seen(connection: Connection, condition: ColumnElement[bool]) -> set[str]:
    """Note that a person has seen what became of the operations; return their records."""
    chosen = and_(_NEEDS_LOOK, outbox_op.c.status != OpStatus.HELD, condition)
    records = set(connection.execute(select(outbox_op.c.order_id).where(chosen)).scalars())
    connection.execute(update(outbox_op).where(chosen).values(look=Look.SEEN))
    return records


def summarise(connection: Connection) -> OutboxSummary:
    """Return the overall line's figures."""
    waiting, oldest_at_ms, held, needs_look = connection.execute(_SUMMARY).one()
    return OutboxSummary(
        waiting=waiting, oldest_at_ms=oldest_at_ms, held=held, needs_look=needs_look
    )


_SUMMARY: Final = select(
    select(func.count()).where(_IS_WAITING).scalar_subquery(),
    select(func.min(outbox_op.c.made_at_ms)).where(_IS_WAITING).scalar_subquery(),
    select(func.count()).where(outbox_op.c.status == OpStatus.HELD).scalar_subquery(),
    select(func.count()).where(_NEEDS_LOOK).scalar_subquery(),
)


def highest_n(connection: Connection) -> int:
    """Return the highest running number in the outbox, 0 when it is empty."""
    return connection.execute(select(func.max(outbox_op.c.n))).scalar() or 0


def records_with_words(connection: Connection) -> set[str]:
    """Return every record that operations belong to."""
    return set(connection.execute(select(outbox_op.c.order_id).distinct()).scalars())


@lru_cache(maxsize=1000)
def _operation(body: str) -> Operation:
    """Return the operation of a row; with every line made anew those of its order are read."""
    return parse_operation(FieldReader(place=_PLACE, values=json.loads(body)))


def _entry(cells: RowMapping) -> OutboxEntry:
    names = ("status", "outcome", "code")
    reader = FieldReader(place=_PLACE, values={name: cells[name] for name in names})
    return OutboxEntry(
        operation=_operation(cells["body"]),
        order_id=cells["order_id"],
        status=reader.choice("status", OpStatus),
        made_at_ms=cells["made_at_ms"],
        is_repeat=bool(cells["is_repeat"]),
        outcome=reader.choice("outcome", Outcome) if reader.has("outcome") else None,
        code=reader.choice("code", Code) if reader.has("code") else None,
        detail=cells["detail"],
        ack_seq=cells["ack_seq"],
        acked_round=cells["acked_round"],
        look=Look(cells["look"]),
        decision=_decision(cells["decision"]),
    )


def _decision(text: str) -> ReviewOutcome | None:
    """Return the office's decision; one that this app cannot read is none."""
    if not text:
        return None
    try:
        return parse_review_outcome(FieldReader(place=_PLACE, values=json.loads(text)))
    except (ContractError, ValueError):
        return None


def note_decisions(connection: Connection, documents: Iterable[JsonObject]) -> set[str]:
    """Keep what the office decided, each to be seen by a person once; return the records."""
    records: set[str] = set()
    for document in documents:
        text = dump_json(document).decode()
        asked = {"of_op": document.get("op_id"), "text": text}
        records |= set(connection.execute(_DECIDED, asked).scalars())
    return records


_DECIDED: Final = (
    update(outbox_op)
    .where(outbox_op.c.op_id == bindparam("of_op"), outbox_op.c.decision != bindparam("text"))
    .values(decision=bindparam("text"), look=int(Look.YES))
    .returning(outbox_op.c.order_id)
)


def order_id_of(operation: Operation) -> str:
    """Return the record of an operation: a fact names its order in the payload."""
    if operation.payload is None:
        return operation.entity_id
    return str(operation.payload.get("order_id") or operation.entity_id)
