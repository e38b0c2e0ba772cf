"""The server's own check of what the sync has kept: sums, ledger against effects, paths, reviews.

What it finds is a mistake of this software or of the disk, never of a crew: a person must hear of
it at once (sync spec 1.7).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import orjson
from sqlalchemy import Connection, and_, exists, or_, select

from sync_server.db.change_store import broken_buckets, head_and_horizon, shown_entries
from sync_server.db.order_tables import FACT, WORK_ORDER, WORK_ORDER_EVENT
from sync_server.db.sync_tables import (
    CHANGE,
    KEPT_OPERATION,
    OP_LEDGER,
    REVIEW_ITEM,
)
from sync_server.sync.review_store import NewReview, ReviewKind, add_review
from wire_contracts.codes import Code
from wire_contracts.operations import OperationKind, Outcome
from wire_contracts.orders import ENTITY
from wire_contracts.pulls import hash_row
from wire_contracts.work_order_states import WORK_ORDER as LIFE_CYCLE
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

MOST_NAMED = 20
"""Of each rule; one broken table would else fill the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not fit: the rule's name and whom it concerns."""

    rule: str
    subject: str


Rule = Callable[[Connection], Iterable[str]]


def check_all(connection: Connection) -> list[Finding]:
    """Return everything that does not fit, at most MOST_NAMED of each rule; empty when all is well.

    Raises nothing for what it finds; the database is only read.
    """
    return [
        Finding(rule=name, subject=subject)
        for name, rule in RULES.items()
        for subject in _some(rule(connection))
    ]


def raise_alarm(
    connection: Connection, findings: Sequence[Finding], now_utc: datetime
) -> list[str]:
    """Make one open review item per broken rule; return the rules that had none yet."""
    new_rules = []
    for rule in sorted({finding.rule for finding in findings}):
        is_open = select(REVIEW_ITEM.c.review_id).where(
            REVIEW_ITEM.c.kind == str(ReviewKind.SELF_CHECK),
            REVIEW_ITEM.c.entity_id == rule,
            REVIEW_ITEM.c.resolved_at_ms.is_(None),
        )
        if connection.execute(is_open).first() is None:
            new = NewReview(
                kind=ReviewKind.SELF_CHECK,
                op_id=None,
                entity="self_check",
                entity_id=rule,
                code=Code.CONFLICT,
            )
            add_review(connection, new, now_utc)
            new_rules.append(rule)
    return new_rules


def _some(subjects: Iterable[str]) -> Iterator[str]:
    for number, subject in enumerate(subjects):
        if number == MOST_NAMED:
            return
        yield subject


def _wrong_sums(connection: Connection) -> Iterable[str]:
    """I12: the kept count and checksum of every bucket are those of its rows."""
    return broken_buckets(connection)


def _ahead_of_head(connection: Connection) -> Iterable[str]:
    """I5: no change is beyond the head that tablets are told."""
    head, _ = head_and_horizon(connection)
    query = select(CHANGE.c.entity_id).where(CHANGE.c.seq > head)
    return connection.execute(query).scalars()


def _wrong_documents(connection: Connection) -> Iterable[str]:
    """I3: what a bucket shows is there, and hashes to what the bucket says."""
    for row in shown_entries(connection):
        document = None if row.document is None else orjson.loads(row.document)
        if document is None or hash_row(row.entity, row.entity_id, document) != row.row_hash:
            yield f"{row.entity} {row.entity_id}"


def _effects_without_ledger(connection: Connection) -> Iterable[str]:
    """I2: every step and fact of a crew belongs to an operation that was applied."""
    applied = exists().where(
        OP_LEDGER.c.op_id == WORK_ORDER_EVENT.c.op_id,
        OP_LEDGER.c.outcome == str(Outcome.APPLIED),
    )
    steps = select(WORK_ORDER_EVENT.c.op_id).where(WORK_ORDER_EVENT.c.op_id.is_not(None), ~applied)
    kept = exists().where(OP_LEDGER.c.op_id == FACT.c.op_id)
    facts = select(FACT.c.op_id).where(~kept)
    return [str(op) for query in (steps, facts) for op in connection.execute(query).scalars()]


def _ledger_without_effects(connection: Connection) -> Iterable[str]:
    """I2, I6: every applied step has its row, every applied fact is there, once."""
    outcome = OP_LEDGER.c.outcome == str(Outcome.APPLIED)
    step = exists().where(WORK_ORDER_EVENT.c.op_id == OP_LEDGER.c.op_id)
    fact = exists().where(FACT.c.op_id == OP_LEDGER.c.op_id)
    is_fact = OP_LEDGER.c.kind.in_([str(OperationKind.FACT), str(OperationKind.ATTACH)])
    is_step = OP_LEDGER.c.kind == str(OperationKind.GO)
    query = select(OP_LEDGER.c.op_id).where(
        outcome, or_(and_(is_step, ~step), and_(is_fact, ~fact))
    )
    return connection.execute(query).scalars()


def _unreviewed(connection: Connection) -> Iterable[str]:
    """I8: what was not applied is kept, and a person was asked to look."""
    review = exists().where(REVIEW_ITEM.c.op_id == OP_LEDGER.c.op_id)
    kept = exists().where(KEPT_OPERATION.c.op_id == OP_LEDGER.c.op_id)
    outcomes = [str(Outcome.REFUSED), str(Outcome.CONFLICT)]
    query = select(OP_LEDGER.c.op_id).where(OP_LEDGER.c.outcome.in_(outcomes), or_(~review, ~kept))
    return connection.execute(query).scalars()


def _broken_paths(connection: Connection) -> Iterable[str]:
    """I7: every order's steps are a path through the life cycle that ends where it stands."""
    query = (
        select(
            WORK_ORDER.c.order_id,
            WORK_ORDER.c.number,
            WORK_ORDER.c.state,
            WORK_ORDER_EVENT.c.event,
            WORK_ORDER_EVENT.c.from_state,
            WORK_ORDER_EVENT.c.to_state,
        )
        .outerjoin(WORK_ORDER_EVENT, WORK_ORDER_EVENT.c.order_id == WORK_ORDER.c.order_id)
        .order_by(WORK_ORDER.c.order_id, WORK_ORDER_EVENT.c.event_id)
    )
    for _, rows in groupby(connection.execute(query), key=lambda row: row.order_id):
        steps = list(rows)
        at = str(WorkOrderState.PLANNED)
        for row in steps:
            if row.event is not None:
                at = row.to_state if _is_edge(at, row.from_state, row.event, row.to_state) else ""
        if at != steps[0].state:
            yield str(steps[0].number)


def _is_edge(at: str, from_state: str, event: str, to_state: str) -> bool:
    edge = (WorkOrderState(from_state), WorkOrderEvent(event))
    return at == from_state and LIFE_CYCLE.table.get(edge) == to_state


def _orders_shown_wrong(connection: Connection) -> Iterable[str]:
    """I4: an order is in no bucket of a crew that does not have it."""
    query = (
        select(CHANGE.c.entity_id)
        .join(WORK_ORDER, WORK_ORDER.c.order_id == CHANGE.c.entity_id)
        .where(
            CHANGE.c.entity == ENTITY,
            CHANGE.c.is_gone.is_(False),
            CHANGE.c.bucket.startswith("crew:"),
            CHANGE.c.bucket != "crew:" + WORK_ORDER.c.crew_id,
        )
    )
    return connection.execute(query).scalars()


RULES: dict[str, Rule] = {
    "bucket sums": _wrong_sums,
    "changes beyond the head": _ahead_of_head,
    "documents and hashes": _wrong_documents,
    "orders in a foreign bucket": _orders_shown_wrong,
    "effects without an operation": _effects_without_ledger,
    "operations without their effect": _ledger_without_effects,
    "refusals nobody was shown": _unreviewed,
    "paths of orders": _broken_paths,
}
"""Every rule by the name under which people read of it; `check-sync` prints them."""
