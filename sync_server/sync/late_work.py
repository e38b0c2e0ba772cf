"""Finds what crews told of an order before this server knew it, and notes what it comes to.

After a restore tablets repeat their work in any order: the crew that did the work may come before
the inspector who had asked for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, select, update

from sync_server.access.tablet_store import TabletIdentity, newest_enrolment, tablet_as_it_was
from sync_server.db.bulk_io import OnExisting, put_rows
from sync_server.db.change_store import Publication, crew_bucket, publish
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.order_tables import FACT, WORK_ORDER
from sync_server.db.sync_tables import KEPT_OPERATION, OP_LEDGER, REVIEW_ITEM, TOLD_BEFORE
from sync_server.sync.effects import Effect
from sync_server.sync.event_time import EventTime
from sync_server.sync.inbox import read_operation
from sync_server.sync.review_store import SERVER, ReviewKind
from sync_server.sync.word_store import field_taken
from sync_server.work_orders.fact_store import find_fact
from sync_server.work_orders.order import Fact
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Operation, OperationKind
from wire_contracts.orders import ENTITY
from wire_contracts.payloads import read_json
from wire_contracts.review_outcomes import (
    COUNTS_NOW,
    OUTCOME_ENTITY,
    Choice,
    ReviewOutcome,
    review_outcome_json,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateOperation:
    """A step or a word that was refused because its order was not here; `review_id` asks of it.

    `told_ms`: what a former server had told of it (`CrewContext.told_ms`).
    """

    operation: Operation
    time: EventTime
    review_id: str
    told_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFact:
    """A fact that was kept before its order was here; `review_id` asks of it."""

    fact: Fact
    time: EventTime
    n: int
    group: str
    review_id: str


Late = LateOperation | LateFact


@dataclass(frozen=True, slots=True, kw_only=True)
class LateWork:
    """What one copy of a tablet's store told of an order too early, in the order of its taps.

    Of one user action the words come first, which may bring the order to the visit that they are
    of, then the facts of that visit, then the step that asks for them.
    """

    tablet: TabletIdentity
    is_revoked: bool
    replica_id: str
    items: Sequence[Late]

    @property
    def operations(self) -> Sequence[LateOperation]:
        """Return the steps and words."""
        return [each for each in self.items if isinstance(each, LateOperation)]


def note_told(connection: Connection, op_id: str, told: Mapping[str, int]) -> None:
    """Keep what a former server had told of a step, and of what waits for its order."""
    if op_id in told:
        row = (op_id, told[op_id])
        put_rows(connection, TOLD_BEFORE, [row], OnExisting.KEEP)


def orders_with_late_work(connection: Connection) -> list[str]:
    """Return the orders that are here by now, of which something came before they were."""
    found = connection.execute(_OF_OPERATIONS).scalars(), connection.execute(_OF_FACTS).scalars()
    return sorted({order_id for order_ids in found for order_id in order_ids})


_CAME_EARLY = (REVIEW_ITEM.c.code == str(Code.GONE)) & (OP_LEDGER.c.code == str(Code.GONE))
"""Whatever a person said of the question meanwhile. What was judged again has another code: in the
ledger what counts, in the question what does not."""

_REFUSED_EARLY = (
    _CAME_EARLY & (REVIEW_ITEM.c.kind == str(ReviewKind.REFUSED)) & (REVIEW_ITEM.c.entity == ENTITY)
)
_KEPT_EARLY = (
    _CAME_EARLY
    & (REVIEW_ITEM.c.kind == str(ReviewKind.ORPHAN_FACT))
    & (FACT.c.op_id == OP_LEDGER.c.op_id)
    & FACT.c.waits_for.is_(None)
)
_OF_OPERATIONS = (
    select(REVIEW_ITEM.c.entity_id)
    .join(OP_LEDGER, OP_LEDGER.c.op_id == REVIEW_ITEM.c.op_id)
    .join(WORK_ORDER, WORK_ORDER.c.order_id == REVIEW_ITEM.c.entity_id)
    .where(_REFUSED_EARLY)
)
_OF_FACTS = (
    select(FACT.c.order_id)
    .join(REVIEW_ITEM, REVIEW_ITEM.c.entity_id == FACT.c.fact_id)
    .join(OP_LEDGER, OP_LEDGER.c.op_id == REVIEW_ITEM.c.op_id)
    .join(WORK_ORDER, WORK_ORDER.c.order_id == FACT.c.order_id)
    .where(_KEPT_EARLY)
)
"""Built once: asked every few minutes."""


def late_work(connection: Connection, order_id: str) -> list[LateWork]:
    """Return what waits for the judgement of one order, what came first first."""
    found: dict[tuple[str, str], list[Late]] = {}
    for row in connection.execute(_OPERATIONS, {"of_order": order_id}).all():
        operation = read_operation(read_json("kept operation", row.body.encode()))
        if isinstance(operation, Operation):
            late = LateOperation(
                operation=operation,
                time=_time(row),
                review_id=row.review_id,
                told_ms=row.told_ms,
            )
            found.setdefault((row.tablet_id, row.replica_id), []).append(late)
    for row in connection.execute(_FACTS, {"of_order": order_id}).all():
        fact = find_fact(connection, row.fact_id)
        if fact is not None:
            kept = LateFact(
                fact=fact,
                time=_time(row),
                n=int(row.n),
                group=row.group_id,
                review_id=row.review_id,
            )
            found.setdefault((row.tablet_id, row.replica_id), []).append(kept)
    return [
        _work(connection, tablet_id, replica_id, items)
        for (tablet_id, replica_id), items in found.items()
    ]


_OPERATIONS = (
    select(OP_LEDGER, KEPT_OPERATION.c.body, TOLD_BEFORE.c.told_ms, REVIEW_ITEM.c.review_id)
    .join(REVIEW_ITEM, REVIEW_ITEM.c.op_id == OP_LEDGER.c.op_id)
    .join(
        KEPT_OPERATION,
        (KEPT_OPERATION.c.op_id == OP_LEDGER.c.op_id)
        & (KEPT_OPERATION.c.payload_hash == OP_LEDGER.c.payload_hash),
    )
    .outerjoin(TOLD_BEFORE, TOLD_BEFORE.c.op_id == OP_LEDGER.c.op_id)
    .where(_REFUSED_EARLY, REVIEW_ITEM.c.entity_id == bindparam("of_order"))
    .order_by(OP_LEDGER.c.received_at_ms, OP_LEDGER.c.n)
)
_FACTS = (
    select(OP_LEDGER, FACT.c.fact_id, REVIEW_ITEM.c.review_id)
    .join(REVIEW_ITEM, REVIEW_ITEM.c.op_id == OP_LEDGER.c.op_id)
    .join(FACT, FACT.c.fact_id == REVIEW_ITEM.c.entity_id)
    .where(_KEPT_EARLY, FACT.c.order_id == bindparam("of_order"))
    .order_by(OP_LEDGER.c.received_at_ms, OP_LEDGER.c.n)
)


def _time(row: Row[*tuple[str | int | bool | None, ...]]) -> EventTime:
    doubt = row.is_clock_suspect if row.is_time_doubtful is None else row.is_time_doubtful
    return EventTime(int(row.happened_at_ms), bool(row.is_clock_suspect), bool(doubt))


def _work(connection: Connection, tablet_id: str, replica_id: str, items: list[Late]) -> LateWork:
    tablet, is_revoked = tablet_as_it_was(connection, tablet_id)
    places = [_place(each) for each in items]
    first: dict[str, int] = {}
    for n, group, _ in places:
        first[group] = min(n, first.get(group, n))
    order = sorted(
        range(len(items)), key=lambda at: (first[places[at][1]], places[at][2], places[at][0])
    )
    return LateWork(
        tablet=tablet,
        is_revoked=is_revoked,
        replica_id=replica_id,
        items=[items[at] for at in order],
    )


def _place(late: Late) -> tuple[int, str, int]:
    """Return the number of a tap, its user action, and its rank there."""
    if isinstance(late, LateFact):
        return late.n, late.group, 1
    operation = late.operation
    return operation.n, operation.group, 2 if operation.kind is OperationKind.GO else 0


def note_taken(
    connection: Connection, late: LateOperation, effect: Effect, now_utc: datetime
) -> None:
    """Write what the operation came to in the place of its refusal."""
    operation = late.operation
    outcome = {
        "outcome": str(effect.outcome),
        "code": None if effect.code is None else str(effect.code),
        "detail": effect.detail,
        "field": field_taken(operation, effect.outcome),
    }
    connection.execute(_REWRITE, {"of_op": operation.op_id, **outcome})
    settle_question(connection, late.review_id, now_utc)


def note_linked(connection: Connection, late: LateFact, visit: int, now_utc: datetime) -> None:
    """Write that the fact is its order's by now, and which visit it is of."""
    connection.execute(_REWRITE, {"of_op": late.fact.op_id, "code": None})
    note_visit(connection, late.fact.fact_id, visit)
    settle_question(connection, late.review_id, now_utc)


def note_visit(connection: Connection, fact_id: str, visit: int) -> None:
    """Write which visit a fact is of."""
    connection.execute(_VISIT, {"of_fact": fact_id, "visit": visit})


def settle_question(connection: Connection, review_id: str, now_utc: datetime) -> None:
    """Answer a question about what counts by now, where nobody has."""
    settled = {
        "resolved_at_ms": ms_from_utc(now_utc),
        "resolved_by": SERVER,
        "resolution": COUNTS_NOW,
        "choice": str(Choice.NOTED),
    }
    connection.execute(_OPEN_REVIEW, {"of_review": review_id, **settled})
    append_feed(connection, Topic.REVIEW, review_id, now_utc)


def note_refused(connection: Connection, late: Late, code: Code) -> None:
    """Leave a question to the person who was asked, with its present reason; ask never again."""
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
_OPEN_REVIEW = _OF_REVIEW.where(REVIEW_ITEM.c.resolved_at_ms.is_(None))
_VISIT = update(FACT).where(FACT.c.fact_id == bindparam("of_fact"))
