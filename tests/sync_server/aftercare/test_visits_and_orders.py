"""Agreed visits and the orders of crews."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine

from sync_server.access.roles import Role
from sync_server.aftercare.visit_follow_store import follow_visits
from sync_server.aftercare.visit_store import book, get_visit
from sync_server.aftercare.visits import SLOTS, VisitState
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.request_store import record_request, send_crew
from sync_server.work_orders.order import Mover
from sync_server.work_orders.order_rows_store import move_order
from sync_server.work_orders.order_store import get_order
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import found_desk_town, wanted
from wire_contracts.work_order_states import WorkOrderEvent


def test_a_visit_is_when_the_order_is_due_and_ends_with_the_crews_work(engine: Engine) -> None:
    """Rule E-12: the agreed slot is on the crew's order, what the crew met is the visit's end."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        crew = person(connection, "wang", Role.CREW_MEMBER, "crew-1").account_id
        boss = town.office(town.dispatcher)
        record = record_request(connection, wanted(RequestClass.NO_GAS), (), boss)
        sent = send_crew(connection, record, "crew-1", boss)
        visit = book(
            connection, sent.request_id, date(2026, 11, 3), SLOTS[1], frozenset({"adult"}), boss
        )
        order = get_order(connection, sent.order_id or "")
        before = follow_visits(connection, boss)
        for minute, event in enumerate(("accept", "depart", "arrive", "no_access"), 1):
            mover = Mover(
                actor=crew, happened_at_utc=NOON + timedelta(minutes=minute), crew_id="crew-1"
            )
            now = get_order(connection, order.order_id)
            move_order(connection, now, WorkOrderEvent(event), mover, NOON)
        after = follow_visits(connection, town.office(minutes=9))
        again = follow_visits(connection, town.office(minutes=9))
        ended = get_visit(connection, visit.visit_id)

    assert order.document.due_at_utc == datetime(2026, 11, 3, 4, tzinfo=UTC)
    assert (before, after, again) == (0, 1, 0)
    assert (ended.state, ended.result) == (VisitState.NO_ACCESS, "nobody opened")
