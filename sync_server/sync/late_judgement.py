"""Judges again what was refused because its order was not here, once the order has come."""

from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from sync_server.access.tablet_store import enrolments_of
from sync_server.db.server_store import restored_at
from sync_server.sync.apply import apply_operation
from sync_server.sync.crew_calls import effect_of_call
from sync_server.sync.crews import Crews, Papers, crews_of, orders_of
from sync_server.sync.effects import visit_of
from sync_server.sync.late_work import (
    LateFact,
    LateOperation,
    LateWork,
    late_work,
    note_linked,
    note_refused,
    note_taken,
    orders_with_late_work,
    tell_crew,
)
from sync_server.sync.ledger_store import write_conflict
from sync_server.sync.questions import ask
from sync_server.sync.retelling import Retelling
from sync_server.sync.review_store import NewReview, add_review_once
from sync_server.sync.senders import Sender
from sync_server.sync.server_trouble import is_servers_trouble
from sync_server.sync.told_steps import ToldSteps
from sync_server.sync.word_store import FieldWords
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.codes import Code
from wire_contracts.operations import Outcome

_LOG = structlog.get_logger("sync_server.sync.late_judgement")


def judge_late_work(engine: Engine, now_utc: datetime) -> None:
    """Judge again what was refused because its order was not here, once the order has come.

    A crew whose tablet comes before the inspector's after a restore is refused all that it did on
    an order which the inspector had asked for. Also called every few minutes: a server may end
    between the order and this. What fails is left to the people who were asked, and never tried
    again.
    """
    with engine.connect() as connection:
        order_ids = orders_with_late_work(connection)
    for order_id in order_ids:
        try:
            with engine.begin() as connection:
                _judge_order(connection, order_id, now_utc)
        except Exception as error:
            if is_servers_trouble(error) or isinstance(error, OperationalError):
                raise
            _LOG.exception("late_work_failed", order_id=order_id)
            with engine.begin() as connection:
                for work in late_work(connection, order_id):
                    for late in work.items:
                        note_refused(connection, late, Code.OPERATION_FAILED)


def _judge_order(connection: Connection, order_id: str, now_utc: datetime) -> None:
    book = OrderBook(connection, now_utc)
    book.lock([order_id])  # before it is asked what waits: another server may do the same
    late = late_work(connection, order_id)
    restored_at_utc = restored_at(connection)
    retelling = Retelling(connection, book, now_utc)
    if restored_at_utc is not None:
        op_ids = {each.operation.op_id for work in late for each in work.operations}
        retelling.see_late(order_id, op_ids, restored_at_utc)
    for work in late:
        _judge_again(connection, work, now_utc)
    retelling.judge(())


def _judge_again(connection: Connection, work: LateWork, now_utc: datetime) -> None:
    """Write what comes of operations whose order was not here when they came."""
    sender = Sender(
        tablet=work.tablet,
        replica_id=work.replica_id,
        now_utc=now_utc,
        is_revoked=work.is_revoked,
    )
    operations = [each.operation for each in work.operations]
    enrolments = enrolments_of(connection, work.tablet)
    papers = Papers(
        OrderBook(connection, now_utc), FieldWords(connection, work.replica_id), ToldSteps()
    )
    papers.book.lock(orders_of(operations))
    papers.words.load(operations)
    crews = crews_of(connection, sender, enrolments, papers)
    told = {
        each.operation.op_id: each.told_ms for each in work.operations if each.told_ms is not None
    }
    papers.told.note(operations, told)
    taken: list[LateOperation] = []
    for each in work.items:
        if isinstance(each, LateFact):
            _link(connection, crews, papers, each)
        elif _is_taken_now(connection, crews, papers, each):
            taken.append(each)
    papers.book.show()
    tell_crew(connection, work, taken, now_utc)


def _is_taken_now(
    connection: Connection, crews: Crews, papers: Papers, late: LateOperation
) -> bool:
    operation, time = late.operation, late.time
    context = replace(crews.context_of(operation, time), told_ms=late.told_ms)
    effect = apply_operation(connection, context, operation, time)
    if effect.outcome is Outcome.REFUSED:
        note_refused(connection, late, effect.code or Code.STATE)
        return False
    papers.words.note(operation, time, effect.outcome)
    note_taken(connection, late, effect, context.now_utc)
    if effect.conflict is not None:
        write_conflict(connection, effect.conflict, context.now_utc)
    if effect.review is not None:
        ask(connection, effect.review, operation, effect.code or Code.CONFLICT, context.now_utc)
    return effect.outcome is not Outcome.CONFLICT


def _link(connection: Connection, crews: Crews, papers: Papers, late: LateFact) -> None:
    """Give a fact the visit that the order is at, and tell who must hear of it."""
    order = papers.book.find(late.fact.order_id or "")
    if order is None:
        return
    held = (each for each in crews.contexts if each.tablet.crew_id == order.document.crew_id)
    context = next(held, crews.contexts[0])
    time = late.time.doubted(is_so=late.fact.is_time_doubtful)
    visit = visit_of(order, time, late.fact.word_utc)
    note_linked(connection, late, visit, context.now_utc)
    effect = effect_of_call(context, late.fact)
    if effect is not None and effect.review is not None:
        new = NewReview(
            kind=effect.review,
            op_id=late.fact.op_id,
            entity=str(late.fact.fact_type),
            entity_id=late.fact.fact_id,
            code=effect.code or Code.CONFLICT,
        )
        add_review_once(connection, new, context.now_utc)
