"""Makes the order that the field asks for: class A needs nobody's approval (domain model 2.5)."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from sync_server.work_orders.instructions import instructions_for
from sync_server.work_orders.order import Mover, NewOrder
from sync_server.work_orders.order_book import OrderBook
from sync_server.work_orders.order_store import least_busy_crew
from sync_server.work_orders.policy_store import due_at
from wire_contracts.patrol_facts import OrderRequest
from wire_contracts.work_order_states import WorkOrderEvent

HIGHEST_PRIORITY = 1


def make_order(
    connection: Connection, book: OrderBook, request: OrderRequest, mover: Mover
) -> bool:
    """Make the order under the id that the tablet drew and release it; False: it is there already.

    It goes to the least busy crew, another one than the inspector's when there is any. The clock
    of its due time starts when the inspector found the defect, not when the server heard of it.
    After a restore the release counts of then, too: who had the order later has it again.
    """
    if book.find(request.order_id) is not None:
        return False
    crew_id = least_busy_crew(connection, besides=mover.crew_id) or mover.crew_id
    happened: datetime = mover.happened_at_utc
    new = NewOrder(
        order_id=request.order_id,
        order_type=request.order_type,
        medium=request.medium,
        safety_class=request.safety_class,
        priority=HIGHEST_PRIORITY,
        title=request.title,
        address=request.address,
        instructions=instructions_for(request.order_type, request.medium),
        due_at_utc=due_at(connection, request.order_type, request.safety_class, happened),
        crew_id=crew_id,
        note=request.note,
    )
    book.add(new, mover.actor)
    release = replace(mover, crew_id=crew_id)
    book.move(request.order_id, WorkOrderEvent.RELEASE, release)
    return True
