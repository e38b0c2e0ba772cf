"""Finds what crews told of an order before this server knew it, and notes what it comes to.

After a restore tablets repeat their work in any order: the crew that did the work may come before
the inspector who had asked for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from sync_server.access.tablet_store import TabletIdentity, newest_enrolment, tablet_as_it_was
from sync_server.db.change_store import Publication, crew_bucket, publish
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.order_tables import WORK_ORDER
from sync_server.db.sync_tables import KEPT_OPERATION, OP_LEDGER, REVIEW_ITEM
from sync_server.sync.effects import Effect
from sync_server.sync.event_time import EventTime
from sync_server.sync.inbox import read_operation
from sync_server.sync.review_store import SERVER, ReviewKind
from sync_server.sync.word_store import field_taken
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Operation
from wire_contracts.orders import ENTITY
from wire_contracts.payloads import read_json
from wire_contracts.review_outcomes import (
    OUTCOME_ENTITY,
    Choice,
    ReviewOutcome,
    review_outcome_json,
)

COUNTS_NOW = "The order is here again, and this counts. 工单已恢复,本操作已生效。"
"""What the crew reads of a refusal that was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateOperation:
    """A step or a word that was refused because its order was not here; `review_id` asks of it."""

    operation: Operation
    time: EventTime
    review_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LateWork:
    """What one copy of a tablet's store told of an order too early, in the order of its taps."""

    tablet: TabletIdentity
    is_revoked: bool
    replica_id: str
    operations: Sequence[LateOperation]


def orders_with_late_work(connection: Connection) -> list[str]:
    """Return the orders that are here by now, of which something was refused as unknown."""
    return sorted(set(connection.execute(_ORDERS).scalars()))


_IS_LATE = (
    (REVIEW_ITEM.c.kind == str(ReviewKind.REFUSED))
    & (REVIEW_ITEM.c.code == str(Code.GONE))
    & (REVIEW_ITEM.c.entity == ENTITY)
    & REVIEW_ITEM.c.resolved_at_ms.is_(None)
)
_ORDERS = (
    select(REVIEW_ITEM.c.entity_id)
    .join(WORK_ORDER, WORK_ORDER.c.order_id == REVIEW_ITEM.c.entity_id)
    .where(_IS_LATE)
)
"""Built once: asked every few minutes."""


def late_work(connection: Connection, order_id: str) -> list[LateWork]:
    """Return what waits for the judgement of one order, what came first first."""
    query = (
        select(OP_LEDGER, KEPT_OPERATION.c.body, REVIEW_ITEM.c.review_id)
        .join(REVIEW_ITEM, REVIEW_ITEM.c.op_id == OP_LEDGER.c.op_id)
        .join(
            KEPT_OPERATION,
            (KEPT_OPERATION.c.op_id == OP_LEDGER.c.op_id)
            & (KEPT_OPERATION.c.payload_hash == OP_LEDGER.c.payload_hash),
        )
        .where(_IS_LATE, REVIEW_ITEM.c.entity_id == order_id, OP_LEDGER.c.code == str(Code.GONE))
        .order_by(OP_LEDGER.c.received_at_ms, OP_LEDGER.c.n)
    )
    found: dict[tuple[str, str], list[LateOperation]] = {}
    for row in connection.execute(query).all():
        operation = read_operation(read_json("kept operation", row.body.encode()))
        if isinstance(operation, Operation):
            doubt = row.is_clock_suspect if row.is_time_doubtful is None else row.is_time_doubtful
            late = LateOperation(
                operation=operation,
                time=EventTime(int(row.happened_at_ms), bool(row.is_clock_suspect), bool(doubt)),
                review_id=row.review_id,
            )
            found.setdefault((row.tablet_id, row.replica_id), []).append(late)
    return [
        _work(connection, tablet_id, replica_id, operations)
        for (tablet_id, replica_id), operations in found.items()
    ]


def _work(
    connection: Connection, tablet_id: str, replica_id: str, operations: list[LateOperation]
) -> LateWork:
    tablet, is_revoked = tablet_as_it_was(connection, tablet_id)
    return LateWork(
        tablet=tablet,
        is_revoked=is_revoked,
        replica_id=replica_id,
        operations=sorted(operations, key=lambda each: each.operation.n),
    )


def note_taken(
    connection: Connection, late: LateOperation, effect: Effect, now_utc: datetime
) -> None:
    """Write what the operation came to in the place of its refusal, and tell who sent it."""
    operation = late.operation
    outcome = {
        "outcome": str(effect.outcome),
        "code": None if effect.code is None else str(effect.code),
        "detail": effect.detail,
        "field": field_taken(operation, effect.outcome),
    }
    connection.execute(_REWRITE, {"of_op": operation.op_id, **outcome})
    settled = {
        "resolved_at_ms": ms_from_utc(now_utc),
        "resolved_by": SERVER,
        "resolution": COUNTS_NOW,
        "choice": str(Choice.NOTED),
    }
    connection.execute(_OF_REVIEW, {"of_review": late.review_id, **settled})
    append_feed(connection, Topic.REVIEW, late.review_id, now_utc)


def note_refused(connection: Connection, late: LateOperation, code: Code) -> None:
    """Leave a refusal to the person who was asked, with its present reason; ask never again."""
    connection.execute(_OF_REVIEW, {"of_review": late.review_id, "code": str(code)})


def tell_crew(
    connection: Connection, work: LateWork, taken: Sequence[LateOperation], now_utc: datetime
) -> None:
    """Tell the tablet that what it had been refused counts."""
    crew_id = newest_enrolment(connection, work.tablet).crew_id
    for late in taken:
        outcome = ReviewOutcome(
            op_id=late.operation.op_id,
            entity=late.operation.entity,
            entity_id=late.operation.entity_id,
            kind=str(ReviewKind.REFUSED),
            choice=Choice.NOTED,
            value=None,
            reason=COUNTS_NOW,
            at_ms=ms_from_utc(now_utc),
        )
        publication = Publication(
            entity=OUTCOME_ENTITY,
            entity_id=late.review_id,
            document=review_outcome_json(outcome),
            buckets=frozenset({crew_bucket(crew_id)}),
        )
        publish(connection, publication, now_utc)


_REWRITE = update(OP_LEDGER).where(OP_LEDGER.c.op_id == bindparam("of_op"))
_OF_REVIEW = update(REVIEW_ITEM).where(REVIEW_ITEM.c.review_id == bindparam("of_review"))
