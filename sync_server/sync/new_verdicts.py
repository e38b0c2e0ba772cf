"""Writes what operations come to that were judged anew after a restore, and tells of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.sync_tables import OP_LEDGER, REVIEW_ITEM, SYNC_CONFLICT
from sync_server.sync.effects import Effect
from sync_server.sync.late_work import LateOperation, LateWork, settle_question, tell_crew
from sync_server.sync.ledger_store import keep_operation, write_conflict
from sync_server.sync.questions import ask
from sync_server.sync.retold_store import Repeated
from sync_server.sync.review_store import NewReview, ReviewKind, add_review_once
from sync_server.sync.word_store import field_taken
from wire_contracts.codes import Code
from wire_contracts.operations import Operation, Outcome
from wire_contracts.orders import ENTITY


class Verdict(NamedTuple):
    """An operation, what it had come to (`work`), and what it comes to now."""

    work: Repeated
    operation: Operation
    tablet: TabletIdentity
    effect: Effect

    @property
    def is_new(self) -> bool:
        """Return whether it is another outcome than the one before."""
        code = None if self.effect.code is None else str(self.effect.code)
        return (str(self.effect.outcome), code) != (self.work.outcome, self.work.code)


def rewrite(connection: Connection, operation: Operation, effect: Effect) -> None:
    """Write an outcome in the place of the one before."""
    cells = {
        "of_op": operation.op_id,
        "outcome": str(effect.outcome),
        "code": None if effect.code is None else str(effect.code),
        "detail": effect.detail,
        "field": field_taken(operation, effect.outcome),
    }
    connection.execute(_REWRITE, cells)


def put_right(
    connection: Connection,
    verdicts: Sequence[Verdict],
    now_utc: datetime,
    unanswered: Collection[str] = (),
) -> None:
    """Ask about what does not count any more, tell a crew of what counts now.

    `unanswered`: operations of which their tablet hears by the answer to come.
    """
    for each in verdicts:
        connection.execute(_NO_CONFLICT, {"of_op": each.operation.op_id})
        if each.effect.conflict is not None:
            write_conflict(connection, each.effect.conflict, now_utc)
        if each.is_new:
            _put_right(connection, each, now_utc, is_told=each.operation.op_id not in unanswered)


def _put_right(
    connection: Connection, verdict: Verdict, now_utc: datetime, *, is_told: bool
) -> None:
    operation, effect = verdict.operation, verdict.effect
    asked = connection.execute(_OPEN, {"of_op": operation.op_id}).all()
    if effect.outcome not in _AS_IT_CAME:
        keep_operation(connection, operation, now_utc)
    review = effect.review
    is_asked = str(review) in {each.kind for each in asked}
    if review is not None and review is not ReviewKind.UNKNOWN_AUTHOR and not is_asked:
        ask(connection, review, operation, effect.code or Code.CONFLICT, now_utc)
    if effect.outcome in _COUNTS and asked:
        for each in asked:
            settle_question(connection, each.review_id, now_utc)
        if is_told:
            _tell(connection, verdict, asked[0].review_id, now_utc)


def _tell(connection: Connection, verdict: Verdict, review_id: str, now_utc: datetime) -> None:
    work = verdict.work
    late = LateOperation(
        operation=verdict.operation, time=work.time, review_id=review_id, told_ms=work.told_ms
    )
    whole = LateWork(
        tablet=verdict.tablet, is_revoked=False, replica_id=work.replica_id, items=[late]
    )
    tell_crew(connection, whole, [late], now_utc)


def ask_about_order(connection: Connection, order_id: str, op_id: str, now_utc: datetime) -> None:
    """Ask once whether an order stands where it should."""
    new = NewReview(
        kind=ReviewKind.UNKNOWN_AUTHOR,
        op_id=op_id,
        entity=ENTITY,
        entity_id=order_id,
        code=Code.CONFLICT,
    )
    add_review_once(connection, new, now_utc)


_COUNTS = frozenset({Outcome.APPLIED, Outcome.MERGED, Outcome.NOOP})
_AS_IT_CAME = frozenset({Outcome.APPLIED, Outcome.NOOP})
_REWRITE = update(OP_LEDGER).where(OP_LEDGER.c.op_id == bindparam("of_op"))
_OPEN = select(REVIEW_ITEM.c.review_id, REVIEW_ITEM.c.kind).where(
    REVIEW_ITEM.c.op_id == bindparam("of_op"),
    REVIEW_ITEM.c.resolved_at_ms.is_(None),
    REVIEW_ITEM.c.kind.in_(
        [str(ReviewKind.REFUSED), str(ReviewKind.CONFLICT), str(ReviewKind.DONE_AFTER_CANCEL)]
    ),
)
_NO_CONFLICT = delete(SYNC_CONFLICT).where(SYNC_CONFLICT.c.op_id == bindparam("of_op"))
