"""Decides what a restored server has forgotten of an order: whose it is, which steps it took."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from sync_server.sync.effects import CrewContext, Repeat
from sync_server.sync.ledger_store import is_of_other_store, is_time_doubted
from sync_server.sync.review_store import SERVER
from sync_server.work_orders.order import Mover, OrderHead, OrderRecord
from sync_server.work_orders.step_store import (
    had_accepted,
    has_step,
    has_told_step,
    last_end,
    last_step_at,
    last_step_of,
    raise_word,
)
from wire_contracts.frames import ms_from_utc
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

_WAY = (
    WorkOrderEvent.ACCEPT,
    WorkOrderEvent.DEPART,
    WorkOrderEvent.ARRIVE,
    WorkOrderEvent.BEGIN,
)
"""What leads to the work; a colleague's tablet may have taken these steps and come later."""


_REOPENING: Mapping[WorkOrderState, Sequence[WorkOrderEvent]] = {
    WorkOrderState.FINISHED: (WorkOrderEvent.VERIFY, WorkOrderEvent.CLOSE, WorkOrderEvent.REOPEN),
    WorkOrderState.VERIFIED: (WorkOrderEvent.CLOSE, WorkOrderEvent.REOPEN),
    WorkOrderState.CLOSED: (WorkOrderEvent.REOPEN,),
}
"""What the office did before somebody worked on an order that is done, as far as is known here."""


class Recalled(NamedTuple):
    """An order as it must have been before the restore; nothing of it is written yet.

    `steps`: what leads there from what is known here. `claim_utc`: the crew's word for it, where it
    is to get the order. `is_repeated`: the step itself was taken already.
    """

    order: OrderRecord
    steps: Sequence[WorkOrderEvent] = ()
    claim_utc: datetime | None = None
    is_repeated: bool = False

    @property
    def is_changed(self) -> bool:
        """Return whether somebody has to look at it."""
        return bool(self.steps) or self.claim_utc is not None


def recall(
    connection: Connection, context: CrewContext, order: OrderRecord, repeat: Repeat
) -> Recalled:
    """Return the order as the step of before a restore found it.

    Tablets repeat their work in any order: of two crews the one that knew the later word of the
    server has the order, and what lies between the state that is known here and the step was taken
    by a colleague whose tablet has not come yet.
    """
    if not context.may_be_forgotten(repeat.word_utc):
        return Recalled(order)
    claim_utc: datetime | None = None
    steps: list[WorkOrderEvent] = []
    can_be_taken = is_free(context, order) and (order.state, repeat.event) in WORK_ORDER.table
    is_taking = repeat.event is WorkOrderEvent.ACCEPT and can_be_taken
    if not is_taking and _is_given(connection, context, order, repeat.word_utc):
        claim_utc = context.claim_utc(order.order_id, repeat.word_utc)
        order, steps = _given(context, order)
    elif _is_next_visit(connection, context, order, repeat):
        order, steps = _given(context, order)
    recalled = Recalled(order, steps, claim_utc)
    if order.document.crew_id != context.tablet.crew_id or is_there(order.state, repeat.event):
        return recalled
    if (order.state, repeat.event) in WORK_ORDER.table:
        return recalled
    context.book.write()  # a step of this push counts too
    if not steps and _is_repeated(connection, context, order, repeat):
        return Recalled(order, is_repeated=True)
    for event in _steps_between(order.state, repeat.event):
        order = _as_in(order, WORK_ORDER.table[order.state, event])
        steps.append(event)
    return recalled._replace(order=order, steps=steps)


def recall_order(
    connection: Connection, context: CrewContext, order_id: str, word_utc: datetime
) -> bool:
    """Return whether an order was brought now to where it had been before the restore.

    To the tablet's crew, or to another visit of it: what a crew wrote about it comes before the
    step that it led to, and the step may be another tablet's.
    """
    order = context.book.find(order_id) if context.may_be_forgotten(word_utc) else None
    if order is None:
        return False
    if _is_given(connection, context, order, word_utc):
        claim_utc = context.claim_utc(order_id, word_utc)
    elif _is_written_of_next(connection, context, order, word_utc):
        claim_utc = None
    else:
        return False
    given, steps = _given(context, order)
    write_recalled(context, Recalled(given, steps, claim_utc), word_utc)
    return True


def write_recalled(context: CrewContext, recalled: Recalled, word_utc: datetime) -> None:
    """Bring the order to where the step found it, once that is known to be possible."""
    order_id = recalled.order.order_id
    mover = Mover(
        actor=SERVER,
        happened_at_utc=context.now_utc,
        crew_id=context.tablet.crew_id,
        word_utc=recalled.claim_utc or word_utc,
    )
    if recalled.claim_utc is not None:
        context.book.change(order_id, {"crew_id": context.tablet.crew_id})
        if context.restored_at_utc is not None:
            context.words.give_up(order_id, context.tablet.crew_id, context.restored_at_utc)
    for event in recalled.steps:
        context.book.move(order_id, event, mover)
    if WorkOrderEvent.REOPEN in recalled.steps or _began_unheard(context, recalled, word_utc):
        # before the crew heard of it, and not just now: a former server's clock may have been ahead
        began_utc = min(word_utc, context.now_utc)
        context.book.change(order_id, {"visit_from_ms": ms_from_utc(began_utc)})


def _began_unheard(context: CrewContext, recalled: Recalled, word_utc: datetime) -> bool:
    """Return whether the crew gets back a visit that began before the other crew's first step.

    A former server had what it did there, this one the other crew's step alone.
    """
    since_utc = recalled.order.visit_from_utc
    if since_utc is None or recalled.claim_utc is None or not context.told_ms:
        return False
    return word_utc < since_utc


def note_repeat(
    connection: Connection, context: CrewContext, order: OrderRecord, repeat: Repeat
) -> None:
    """Remember up to when a crew had an order whose step it repeats: nobody earlier gets it."""
    if context.may_be_forgotten(repeat.word_utc):
        crew_id, had_utc = context.tablet.crew_id, context.had_it_utc(repeat.word_utc)
        raise_word(connection, order.order_id, repeat.event, crew_id, had_utc)


def is_of_former_visit(connection: Connection, context: CrewContext, order: OrderHead) -> bool:
    """Return whether what belongs to one visit is of one before that which ended last.

    Known where the same user action finished its visit: a later end is of a later visit. One of
    another crew is later by the server's word alone: it may have worked on what it had lost.
    """
    if context.finished_ms is None or order.crew_id != context.tablet.crew_id:
        return False
    context.book.write()  # a step of this push counts too
    end = last_end(connection, order.order_id)
    if end is None:
        return False
    is_own = end.crew_id == context.tablet.crew_id
    ended_at_utc = end.ended_at_utc if is_own else end.word_utc
    return ms_from_utc(ended_at_utc) > context.finished_ms


def is_of_unknown_visit(
    connection: Connection, context: CrewContext, order: OrderRecord, event: WorkOrderEvent
) -> bool:
    """Return whether a first step must be of a visit that nothing else here tells of.

    The former server took it, and the copy has that step already: the order was given out again
    in between. Somebody must know that a crew is on its way.
    """
    until_utc = context.restored_at_utc
    if not context.told_ms or event is not WorkOrderEvent.ACCEPT or until_utc is None:
        return False
    return had_accepted(connection, order.order_id, context.tablet.crew_id, until_utc)


def is_end_of_visit_before(
    connection: Connection, context: CrewContext, order: OrderRecord, repeat: Repeat
) -> bool:
    """Return whether a visit ended without a finding before the one that the crew is on.

    A former server took the end before it took the newest step of the crew that is known here.
    """
    is_mine = order.document.crew_id == context.tablet.crew_id
    if not (context.told_ms and is_mine) or repeat.event not in _FRUITLESS:
        return False
    context.book.write()  # a step of this push counts too
    newest_utc = last_step_of(connection, order.order_id, context.tablet.crew_id)
    return newest_utc is not None and context.had_it_utc(repeat.word_utc) < newest_utc


def is_there(state: WorkOrderState, event: WorkOrderEvent) -> bool:
    """Return whether a colleague's tablet has taken this very step before."""
    return any(
        following is state for (_, each), following in WORK_ORDER.table.items() if each is event
    )


def is_free(context: CrewContext, order: OrderRecord) -> bool:
    """Return whether the order is nobody's, in an area of the crew."""
    return order.document.crew_id is None and order.area_id in context.area_ids


def _is_next_visit(
    connection: Connection, context: CrewContext, order: OrderRecord, repeat: Repeat
) -> bool:
    """Return whether the crew was given its own order again by what this server has forgotten.

    Who had a word of the server after the end of a visit and took a step all the same was on the
    next one: a colleague's step of the visit that ended knew an earlier word. The office gave the
    order out again after it had heard of the end, and the crew knew of that; a tablet knows of its
    own end, whether a server has heard of it or not. Of what is finished only the first step and
    the last tell that much, for it must not be opened by mistake.
    """
    if order.document.crew_id != context.tablet.crew_id or order.state not in _ENDED:
        return False
    if order.state in _REOPENING and repeat.event not in _TELL_OF_A_VISIT:
        return False
    context.book.write()  # a step of this push counts too
    end = last_end(connection, order.order_id)
    if end is None:
        return False
    is_own = not is_of_other_store(connection, end.op_id, context.replica_id)
    until_utc = end.ended_at_utc if is_own else end.known_at_utc
    if until_utc >= repeat.word_utc:
        return False
    return not is_time_doubted(connection, end.op_id, context.replica_id)


_ENDED = frozenset({*_REOPENING, WorkOrderState.CANNOT_FINISH, WorkOrderState.NO_ACCESS})
_TELL_OF_A_VISIT = frozenset({WorkOrderEvent.ACCEPT, WorkOrderEvent.FINISH})


def _is_written_of_next(
    connection: Connection, context: CrewContext, order: OrderRecord, word_utc: datetime
) -> bool:
    """Return whether what the crew writes belongs to a next visit, of which the push has steps."""
    return any(
        step.word_utc <= word_utc and _is_next_visit(connection, context, order, step)
        for step in context.steps.get(order.order_id, ())
        if context.may_be_forgotten(step.word_utc)
    )


def _is_repeated(
    connection: Connection, context: CrewContext, order: OrderRecord, repeat: Repeat
) -> bool:
    """Return whether the step is known here, or has led to what stands here since."""
    crew_id, since_utc = context.tablet.crew_id, order.visit_from_utc
    if has_step(connection, order.order_id, repeat.event, crew_id, since_utc):
        return True
    if order.state not in _ENDED or repeat.event not in _FRUITLESS:
        return False
    end = last_end(connection, order.order_id)
    return end is not None and repeat.word_utc <= end.known_at_utc


_FRUITLESS = frozenset({WorkOrderEvent.CANNOT_FINISH, WorkOrderEvent.NO_ACCESS})
"""Ends of a visit after which the order is given out again."""


def _is_given(
    connection: Connection, context: CrewContext, order: OrderRecord, word_utc: datetime
) -> bool:
    """Return whether the crew was given an order by what this restored server has forgotten.

    Its tablet worked, before the restore, on an order that is another crew's here, or nobody's yet,
    and had a later word of the server than the last step that is known here. Who finished it had
    it, whoever took no more than the first step: the former server may have refused that.
    """
    if context.restored_at_utc is None or not _may_be_moved(context, order):
        return False
    context.book.write()  # a step of this push counts too
    last_utc = last_step_at(connection, order.order_id)
    if last_utc is None or last_utc < context.claim_utc(order.order_id, word_utc):
        return True
    is_repeated = last_utc <= context.restored_at_utc and _is_taken_since(
        connection, order, context.restored_at_utc
    )
    return is_repeated and order.order_id in context.finished


def _is_taken_since(connection: Connection, order: OrderRecord, restored_at_utc: datetime) -> bool:
    """Return whether the crew that has the order has done no more than take it anew.

    Not where a former server had taken that first step: then it truly had the order.
    """
    crew_id, accept = order.document.crew_id, WorkOrderEvent.ACCEPT
    if crew_id is None or order.state is not WorkOrderState.ACCEPTED:
        return False
    if has_told_step(connection, order.order_id, accept, crew_id):
        return False
    return has_step(connection, order.order_id, accept, crew_id, restored_at_utc)


def _may_be_moved(context: CrewContext, order: OrderRecord) -> bool:
    """Return whether the office can have given the order to the crew, or to another visit of it.

    Who took no more than the first step of a visit may have been refused it.
    """
    is_mine = order.document.crew_id == context.tablet.crew_id
    if order.state in _REOPENING:
        is_done = order.state is not WorkOrderState.FINISHED or not is_mine
        return is_done and order.order_id in context.worked
    if order.state is WorkOrderState.RELEASED and is_free(context, order):
        return order.order_id in context.worked
    return not is_mine and bool(_hand_over_of(order.state))


def _hand_over_of(state: WorkOrderState) -> Sequence[WorkOrderEvent]:
    """Return by which steps the office gives an order to another crew, none where it cannot."""
    if state in _REOPENING:
        return _REOPENING[state]
    events = (WorkOrderEvent.REASSIGN, WorkOrderEvent.RELEASE)
    return [each for each in events if (state, each) in WORK_ORDER.table][:1]


def _given(context: CrewContext, order: OrderRecord) -> tuple[OrderRecord, list[WorkOrderEvent]]:
    """Return the order, given to the tablet's crew, and the office's steps that give it."""
    is_open = order.state is WorkOrderState.RELEASED and order.document.crew_id is None
    steps = [] if is_open else list(_hand_over_of(order.state))
    mine = replace(order.document, state=WorkOrderState.RELEASED, crew_id=context.tablet.crew_id)
    if WorkOrderEvent.REOPEN in steps:
        mine = replace(mine, result=None, cause="", handover=None)
        order = replace(order, visit=order.visit + 1)
    return replace(order, document=mine), steps


def _as_in(order: OrderRecord, state: WorkOrderState) -> OrderRecord:
    return replace(order, document=replace(order.document, state=state))


def _steps_between(state: WorkOrderState, event: WorkOrderEvent) -> Iterator[WorkOrderEvent]:
    """Yield the steps that lead from a state to where the event is possible; none if none do."""
    steps: list[WorkOrderEvent] = []
    while (state, event) not in WORK_ORDER.table:
        step = next((each for each in _WAY if (state, each) in WORK_ORDER.table), None)
        if step is None:
            return
        steps.append(step)
        state = WORK_ORDER.table[state, step]
    yield from steps
