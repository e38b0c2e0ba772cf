"""What tests of a request's life do again and again: a leak, a step, a look at a clock."""

from datetime import timedelta

from sqlalchemy import Connection

from sync_server.service_desk.clocks import ClockState, Light, clocks_of
from sync_server.service_desk.request import RequestClass, RequestRecord
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import (
    matter_of,
)
from sync_server.service_desk.request_store import (
    Office,
    load_terms,
    record_request,
    send_crew,
    send_slip,
    take_step,
)
from sync_server.work_orders.order import Mover
from sync_server.work_orders.order_rows_store import move_order, record_of
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import DeskTown, wanted
from wire_contracts.request_states import RequestEvent
from wire_contracts.work_order_states import WorkOrderEvent

_E = RequestEvent
_C = RequestClass


def crew_does(connection: Connection, order_id: str, event: WorkOrderEvent, minutes: float) -> None:
    at_utc = NOON + timedelta(minutes=minutes)
    mover = Mover(actor="wang", happened_at_utc=at_utc, crew_id="crew-1")
    move_order(connection, record_of(connection, order_id), event, mover, at_utc)


def leak(connection: Connection, town: DeskTown) -> RequestRecord:
    record = record_request(connection, wanted(_C.GAS_LEAK), ("on_site_60",), town.office())
    return send_crew(connection, record, None, town.office())


def attempt(event: RequestEvent, actor: str, text: str = "", **said: bool) -> Attempt:
    return Attempt(event=event, actor=actor, text=text, is_satisfied=said.get("is_satisfied"))


def light_of(connection: Connection, record: RequestRecord, code: str, office: Office) -> Light:
    clocks = clocks_of(matter_of(connection, record), load_terms(connection, office))
    return next(each for each in clocks if each.code == code).light(office.now_utc)


def clock_of(
    connection: Connection, record: RequestRecord, code: str, office: Office
) -> ClockState:
    clocks = clocks_of(matter_of(connection, record), load_terms(connection, office))
    return next(each for each in clocks if each.code == code)


def to_done(connection: Connection, town: DeskTown, request_class: RequestClass) -> str:
    record = record_request(connection, wanted(request_class), (), town.office())
    send_slip(connection, record, None, town.office())
    for event, text in ((_E.ACCEPT, ""), (_E.START, ""), (_E.FINISH, "valve opened")):
        take_step(
            connection,
            record.request_id,
            attempt(event, town.leader, text),
            town.office(town.leader, 5),
        )
    return record.request_id
