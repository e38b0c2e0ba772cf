"""Maps the outbox: operations written with the tap, read record by record."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import sqlite

from field_app.store import sealed_store, settings_store
from field_app.store.among import is_among_bound
from field_app.store.ids_io import draw_uuid7
from field_app.store.record_states import WAITING, OpStatus
from field_app.store.saved_at import SavedAt
from field_app.store.sealed_store import Seal, ToSeal, seal_nothing
from field_app.store.settings_store import Key
from field_app.store.tables import outbox_op
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import utc_from_ms
from wire_contracts.operations import (
    MAX_COUNTER,
    DeviceTime,
    Operation,
    OperationKind,
    Outcome,
    parse_operation,
    write_operation,
)
from wire_contracts.orders import FactType
from wire_contracts.review_outcomes import ReviewOutcome, parse_review_outcome
from wire_contracts.sealed import SealedKind, dump_operation
from wire_contracts.site_facts import WatchEvent

IS_WAITING: Final = outbox_op.c.status.in_([literal(each) for each in sorted(WAITING)])
"""What the server has not confirmed."""

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
        elapsed_ms: The time of the boot that nobody sets, None where no clock tells it.
        seal: Seals every operation to the server in the transaction that keeps it (R4).
    """

    actor: str
    at: DeviceTime
    app: str
    session: str = ""
    elapsed_ms: int | None = None
    seal: Seal = seal_nothing

    @property
    def saved_at(self) -> SavedAt:
        """Return when an answer is kept that this tap gives; its place is drawn with it."""
        return SavedAt(self.at.wall_ms, self.elapsed_ms, self.at.boot_id)


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
        operation = operation_of_body(reader.text("body", longest=_LONGEST_BODY))
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
    return [entry_of_row(row) for row in connection.execute(ENTRIES.where(condition)).mappings()]


ENTRIES: Final = select(outbox_op).order_by(outbox_op.c.n)
"""Rows that `entry_of_row` reads, in the order of their taps."""

_ENTRIES_OF: Final = ENTRIES.where(is_among_bound(outbox_op.c.order_id, "order_ids"))


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
        entry = entry_of_row(row)
        found.setdefault(entry.order_id, []).append(entry)
    return found


def highest_n(connection: Connection) -> int:
    """Return the highest running number in the outbox, 0 when it is empty."""
    return connection.execute(select(func.max(outbox_op.c.n))).scalar() or 0


def records_with_words(connection: Connection) -> set[str]:
    """Return every record that operations belong to."""
    return set(connection.execute(select(outbox_op.c.order_id).distinct()).scalars())


@lru_cache(maxsize=1000)
def operation_of_body(body: str) -> Operation:
    """Return the operation of a row; with every line made anew those of its order are read."""
    return parse_operation(FieldReader(place=_PLACE, values=json.loads(body)))


def entry_of_row(cells: RowMapping) -> OutboxEntry:
    """Return one row of the outbox, taken apart."""
    names = ("status", "outcome", "code")
    reader = FieldReader(place=_PLACE, values={name: cells[name] for name in names})
    return OutboxEntry(
        operation=operation_of_body(cells["body"]),
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


def order_id_of(operation: Operation) -> str:
    """Return the record of an operation: a fact names its order in the payload."""
    if operation.payload is None:
        return operation.entity_id
    return str(operation.payload.get("order_id") or operation.entity_id)
