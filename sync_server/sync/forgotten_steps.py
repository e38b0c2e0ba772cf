"""Decides what a restored server has forgotten of an order: whose it is, which steps it took."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from sync_server.sync.effects import CrewContext
from sync_server.sync.review_store import SERVER
from sync_server.work_orders.order import Mover, OrderRecord
from sync_server.work_orders.order_rows_store import has_step, last_step_at
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

_WAY = (
    WorkOrderEvent.ACCEPT,
    WorkOrderEvent.DEPART,
    WorkOrderEvent.ARRIVE,
    WorkOrderEvent.BEGIN,
)
"""What leads to the work; a colleague's tablet may have taken these steps and come later."""


class Recalled(NamedTuple):
    """An order as it must have been before the restore.

    `is_changed`: somebody has to look at it. `is_repeated`: the step was taken already.
    """

    order: OrderRecord
    is_changed: bool = False
    is_repeated: bool = False


class Repeat(NamedTuple):
    """A step that a tablet repeats, and the server's last word that its author knew."""

    event: WorkOrderEvent
    word_utc: datetime


def recall(
    connection: Connection, context: CrewContext, order: OrderRecord, repeat: Repeat
) -> Recalled:
    """Return the order as the step of before a restore found it, written so far.

    Tablets repeat their work in any order: of two crews the one that knew the later word of the
    server has the order, and what lies between the state that is known here and the step was taken
    by a colleague whose tablet has not come yet.
    """
    if not context.may_be_forgotten(repeat.word_utc):
        return Recalled(order)
    is_given = _is_given(connection, context, order, repeat.word_utc)
    if is_given:
        claim_utc = context.claim_utc(order.order_id, repeat.word_utc)
        order = _give(context, order, claim_utc)
    if order.document.crew_id != context.tablet.crew_id or is_there(order.state, repeat.event):
        return Recalled(order, is_changed=is_given)
    if (order.state, repeat.event) in WORK_ORDER.table:
        return Recalled(order, is_changed=is_given)
    context.book.write()  # a step of this push counts too
    crew_id, since_utc = context.tablet.crew_id, order.visit_from_utc
    if has_step(connection, order.order_id, repeat.event, crew_id, since_utc):
        return Recalled(order, is_repeated=True)
    missing = list(_steps_between(order.state, repeat.event))
    for event in missing:
        context.book.move(order.order_id, event, _mover(context, repeat.word_utc))
    return Recalled(context.book.get(order.order_id), is_changed=is_given or bool(missing))


def is_there(state: WorkOrderState, event: WorkOrderEvent) -> bool:
    """Return whether a colleague's tablet has taken this very step before."""
    return any(
        following is state for (_, each), following in WORK_ORDER.table.items() if each is event
    )


def is_free(context: CrewContext, order: OrderRecord) -> bool:
    """Return whether the order is nobody's, in an area of the crew."""
    return order.document.crew_id is None and order.area_id in context.area_ids


def _is_given(
    connection: Connection, context: CrewContext, order: OrderRecord, word_utc: datetime
) -> bool:
    """Return whether the crew was given an order by what this restored server has forgotten.

    Its tablet worked, before the restore, on an order that is another crew's here, or nobody's yet,
    and had a later word of the server than the last step that is known here. Who finished it had
    it, whoever took no more than the first step: the former server may have refused that.
    """
    is_mine = order.document.crew_id == context.tablet.crew_id
    is_open = order.state is WorkOrderState.RELEASED and is_free(context, order)
    is_moved = not is_mine and not is_open and _hand_over_of(order.state) is not None
    if not is_moved or context.restored_at_utc is None:
        return False
    context.book.write()  # a step of this push counts too
    last_utc = last_step_at(connection, order.order_id, context.restored_at_utc)
    if last_utc is None or last_utc < context.claim_utc(order.order_id, word_utc):
        return True
    is_repeated = last_utc <= context.restored_at_utc and _is_taken_since(
        connection, order, context.restored_at_utc
    )
    return is_repeated and order.order_id in context.finished


def _is_taken_since(connection: Connection, order: OrderRecord, restored_at_utc: datetime) -> bool:
    """Return whether the crew that has the order has done no more than take it anew."""
    crew_id, accept = order.document.crew_id, WorkOrderEvent.ACCEPT
    if crew_id is None or order.state is not WorkOrderState.ACCEPTED:
        return False
    return has_step(connection, order.order_id, accept, crew_id, restored_at_utc)


def _hand_over_of(state: WorkOrderState) -> WorkOrderEvent | None:
    events = (WorkOrderEvent.REASSIGN, WorkOrderEvent.RELEASE)
    return next((each for each in events if (state, each) in WORK_ORDER.table), None)


def _give(context: CrewContext, order: OrderRecord, word_utc: datetime) -> OrderRecord:
    """Return the order, given to the tablet's crew as it had been before the restore."""
    event = _hand_over_of(order.state)
    if event is not None:
        context.book.move(order.order_id, event, _mover(context, word_utc))
    context.book.change(order.order_id, {"crew_id": context.tablet.crew_id})
    return context.book.get(order.order_id)


def _mover(context: CrewContext, word_utc: datetime) -> Mover:
    return Mover(
        actor=SERVER,
        happened_at_utc=context.now_utc,
        crew_id=context.tablet.crew_id,
        word_utc=word_utc,
    )


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
