"""Keeps what several tablets repeat of an order after a restore, and the order before they did."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, select, update

from sync_server.db.bulk_io import OnExisting, put_rows
from sync_server.db.order_tables import FACT, WORK_ORDER_EVENT
from sync_server.db.sync_tables import OP_LEDGER, ORDER_AT_RESTORE, REPEATED_WORK, REVIEW_ITEM
from sync_server.sync.event_time import EventTime
from sync_server.sync.inbox import read_operation
from sync_server.work_orders.order_book import OrderBook
from sync_server.work_orders.order_rows_store import FieldValue
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.operations import Operation
from wire_contracts.payloads import read_json

Cells = dict[str, FieldValue]

LONGEST_ORDER_ID = 36
"""Of a longer one there is no order, and none will come."""

CHANGED_BY_CREWS = (
    "state",
    "crew_id",
    "diagnosis",
    "result",
    "cause",
    "note",
    "is_done_after_cancel",
    "finished_at_ms",
    "visit",
    "visit_from_ms",
    "handover",
)
"""Columns of an order that the work of crews changes, and what a restore has forgotten of it."""


class RepeatedRow(NamedTuple):
    """What was repeated, in the order of the table's columns.

    `word_ms`: the server's last word before it; `told_ms`, `finished_ms`: as `CrewContext` has
    them; `body`: the operation, None of a fact, which is kept where facts are.
    """

    op_id: str
    order_id: str
    word_ms: int
    told_ms: int | None
    finished_ms: int | None
    body: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """One operation that a tablet repeated, with what became of it; a fact has no operation here.

    `crew_id`, `tablet_id`, `replica_id`: who sent it; `n`, `group`: as which of its taps.
    """

    op_id: str
    tablet_id: str
    replica_id: str
    n: int
    group: str
    outcome: str
    code: str | None
    time: EventTime
    word_utc: datetime
    told_ms: int | None
    finished_ms: int | None
    operation: Operation | None
    fact_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBefore:
    """An order before anything was repeated of it; None in `left` of one that others changed.

    `words`: its steps by then, each with the server's last word before it, where that is known.
    """

    cells: Cells
    words: dict[str, int | None]
    event_id: int
    left: str | None


def find_before(
    connection: Connection, order_id: str, restored_at_utc: datetime
) -> OrderBefore | None:
    """Return the order as this restore left it, None where nothing was repeated of it yet."""
    asked = {"of_order": order_id, "since_ms": ms_from_utc(restored_at_utc)}
    row = connection.execute(_BEFORE, asked).one_or_none()
    if row is None:
        return None
    cells, words = json.loads(row.cells)
    return OrderBefore(cells=cells, words=words, event_id=int(row.event_id), left=row.left_cells)


def keep_before(
    connection: Connection, book: OrderBook, order_id: str, restored_at_utc: datetime
) -> None:
    """Keep the order as it stands; what was repeated after a former restore is forgotten."""
    asked = {"of_order": order_id, "since_ms": ms_from_utc(restored_at_utc)}
    connection.execute(_FORGET_WORK, asked)
    connection.execute(_FORGET_ORDER, asked)
    words = {str(step.event_id): step.word_ms for step in connection.execute(_STEPS, asked)}
    cells = json.dumps([book.cells(order_id, CHANGED_BY_CREWS), words])
    row = (order_id, ms_from_utc(restored_at_utc), cells, _last_event(connection, order_id), None)
    put_rows(connection, ORDER_AT_RESTORE, [row])


def standing(connection: Connection, book: OrderBook, order_id: str) -> str:
    """Return how an order stands, to be compared."""
    cells = book.cells(order_id, CHANGED_BY_CREWS)
    return json.dumps([cells, _last_event(connection, order_id)])


def note_left(connection: Connection, order_id: str, left: str | None) -> None:
    """Keep how the order was left by what was repeated; None: others have changed it."""
    connection.execute(_LEAVE, {"of_order": order_id, "left": left})


def keep_repeated(connection: Connection, rows: Iterable[RepeatedRow]) -> None:
    """Keep what was repeated; twice is once."""
    put_rows(connection, REPEATED_WORK, list(rows), OnExisting.KEEP)


def repeated_of(connection: Connection, order_id: str) -> list[Repeated]:
    """Return everything that was repeated of an order since the restore, by copy of a store."""
    rows = connection.execute(_REPEATED, {"of_order": order_id}).all()
    return [_repeated(row) for row in rows]


def _repeated(row: Row[*tuple[str | int | bool | None, ...]]) -> Repeated:
    body = None if row.body is None else read_operation(read_json("repeated", row.body.encode()))
    return Repeated(
        op_id=row.op_id,
        tablet_id=row.tablet_id,
        replica_id=row.replica_id,
        n=int(row.n),
        group=row.group_id,
        outcome=row.outcome,
        code=row.code,
        time=EventTime(
            int(row.happened_at_ms), bool(row.is_clock_suspect), bool(row.is_time_doubtful)
        ),
        word_utc=utc_from_ms(row.word_ms),
        told_ms=row.told_ms,
        finished_ms=row.finished_ms,
        operation=body if isinstance(body, Operation) else None,
        fact_id=row.fact_id,
    )


def forget_steps(connection: Connection, order_id: str, before: OrderBefore) -> None:
    """Forget the steps that an order has taken by what was repeated, and what it told of others."""
    asked = {"of_order": order_id, "of_event": before.event_id}
    connection.execute(_FORGET_STEPS, asked)
    for event_id, word_ms in before.words.items():
        connection.execute(_PUT_WORD_BACK, {"of_event": int(event_id), "word": word_ms})


def forget_words(connection: Connection, op_ids: Sequence[str]) -> None:
    """Let no field have taken these operations' words: they are about to be judged again."""
    for op_id in op_ids:
        connection.execute(_NO_WORD, {"of_op": op_id})


def _last_event(connection: Connection, order_id: str) -> int:
    return int(connection.execute(_LAST_EVENT, {"of_order": order_id}).scalar_one())


_BEFORE = select(ORDER_AT_RESTORE).where(
    ORDER_AT_RESTORE.c.order_id == bindparam("of_order"),
    ORDER_AT_RESTORE.c.restored_at_ms == bindparam("since_ms"),
)
_FORGET_WORK = delete(REPEATED_WORK).where(
    REPEATED_WORK.c.order_id == bindparam("of_order"),
    exists().where(
        OP_LEDGER.c.op_id == REPEATED_WORK.c.op_id,
        OP_LEDGER.c.received_at_ms < bindparam("since_ms"),
    ),
    ~exists().where(
        OP_LEDGER.c.op_id == REPEATED_WORK.c.op_id,
        OP_LEDGER.c.code == str(Code.GONE),
        REVIEW_ITEM.c.op_id == OP_LEDGER.c.op_id,
        REVIEW_ITEM.c.code == str(Code.GONE),
    ),
)
"""Not what came since then, before the order was there, nor what waits for it since longer
(`late_work`): nothing of that is in the order."""
_FORGET_ORDER = delete(ORDER_AT_RESTORE).where(ORDER_AT_RESTORE.c.order_id == bindparam("of_order"))
_LEAVE = (
    update(ORDER_AT_RESTORE)
    .where(ORDER_AT_RESTORE.c.order_id == bindparam("of_order"))
    .values(left_cells=bindparam("left"))
)
_LAST_EVENT = select(func.coalesce(func.max(WORK_ORDER_EVENT.c.event_id), 0)).where(
    WORK_ORDER_EVENT.c.order_id == bindparam("of_order")
)
_FORGET_STEPS = delete(WORK_ORDER_EVENT).where(
    WORK_ORDER_EVENT.c.order_id == bindparam("of_order"),
    WORK_ORDER_EVENT.c.event_id > bindparam("of_event"),
)
_STEPS = select(WORK_ORDER_EVENT.c.event_id, WORK_ORDER_EVENT.c.word_ms).where(
    WORK_ORDER_EVENT.c.order_id == bindparam("of_order")
)
_PUT_WORD_BACK = (
    update(WORK_ORDER_EVENT)
    .where(WORK_ORDER_EVENT.c.event_id == bindparam("of_event"))
    .values(word_ms=bindparam("word"))
)
_NO_WORD = update(OP_LEDGER).where(OP_LEDGER.c.op_id == bindparam("of_op")).values(field=None)
_REPEATED = (
    select(OP_LEDGER, REPEATED_WORK, FACT.c.fact_id)
    .join(REPEATED_WORK, REPEATED_WORK.c.op_id == OP_LEDGER.c.op_id)
    .outerjoin(
        FACT,
        (FACT.c.order_id == REPEATED_WORK.c.order_id) & (FACT.c.op_id == OP_LEDGER.c.op_id),
    )
    .where(REPEATED_WORK.c.order_id == bindparam("of_order"))
    .order_by(OP_LEDGER.c.replica_id, OP_LEDGER.c.n)
)
