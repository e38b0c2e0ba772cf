"""Two crews whose tablets repeat their work after a restore of the server."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from field_app.store.outbox_store import NewOperation, append_group
from field_app.tablet import Tablet, open_tablet
from sync_server.db.order_tables import WORK_ORDER
from tests.field_app.office_parts import Office, serving
from tests.field_app.vault_parts import quick_vault
from tests.sync_server.real_parts import HandClock
from wire_contracts.operations import OperationKind
from wire_contracts.orders import ENTITY, FactType, OrderType, SafetyClass
from wire_contracts.patrol_facts import OrderRequest, order_request_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

whoever_is_first = pytest.mark.parametrize("is_one_first", [True, False], ids=["one", "two"])


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """The hand's clock whose monotonic time runs as the machine's own.

    At the hand's rate a tenth of a second, on a busy machine, is six minutes in which the wall
    clock stands still: the times of all later taps would be doubtful.
    """

    hand: HandClock

    def now_utc(self) -> datetime:
        return self.hand.now_utc()

    def wall_seconds(self, seconds: float) -> float:
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoCrews:
    """A tablet of each crew, both with what the office had before its backup."""

    office: Office
    one: Tablet
    two: Tablet
    url: str

    def all_sync(self) -> None:
        self.office.clock.advance(minutes=1)
        self.one.sync_now()
        self.two.sync_now()
        self.office.clock.advance(minutes=1)

    def restore(self, backup: Path, *, is_one_first: bool) -> None:
        self.office.clock.advance(minutes=1)
        self.office.restore(backup)
        self.office.clock.advance(minutes=1)
        tablets = (self.one, self.two) if is_one_first else (self.two, self.one)
        for tablet in tablets:
            tablet.sync_now()
            self.office.clock.advance(minutes=1)
            tablet.sync_now()


@contextmanager
def two_crews(office: Office, folder: Path, app: FastAPI) -> Iterator[TwoCrews]:
    """Serve the office and open a tablet of crew 1 and one of crew 2."""
    clock = SteadyClock(office.clock)
    with serving(app) as url:
        one = open_tablet(folder / "one", clock, vault=quick_vault(folder / "one-key"))
        two = open_tablet(folder / "two", clock, vault=quick_vault(folder / "two-key"))
        with closing(one), closing(two):
            one.enrol(url, office.code(), "van 3")
            two.enrol(url, office.code("crew-2"), "van 4")
            yield TwoCrews(office=office, one=one, two=two, url=url)


def finish(tablet: Tablet, order_id: str) -> None:
    for event in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(event))
    tablet.desk.save_answers(order_id, {"result": "leak", "cause": "joint", "note": "seal"})
    tablet.desk.finish(order_id)


def give_area(office: Office, order_id: str) -> None:
    with office.engine.begin() as connection:
        connection.execute(
            update(WORK_ORDER).where(WORK_ORDER.c.order_id == order_id).values(area_id="north")
        )


def sync_in_turn(crews: TwoCrews, *tablets: Tablet) -> None:
    crews.office.clock.advance(minutes=1)
    for tablet in tablets:
        tablet.sync_now()
        crews.office.clock.advance(minutes=1)


def stands(crews: TwoCrews, order_id: str) -> tuple[WorkOrderState, str | None]:
    order = crews.office.order(order_id)
    return order.state, order.document.crew_id


def mate_of(crews: TwoCrews, folder: Path, crew_id: str) -> Tablet:
    tablet = open_tablet(
        folder / "mate", SteadyClock(crews.office.clock), vault=quick_vault(folder / "mate-key")
    )
    tablet.enrol(crews.url, crews.office.code(crew_id), "mate")
    return tablet


def take_steps(tablet: Tablet, order_id: str, *events: str) -> None:
    for event in events:
        tablet.desk.tap(order_id, WorkOrderEvent(event))


def find(tablet: Tablet, order_id: str, note: str, result: str = "leak") -> None:
    cause = "joint" if result == "leak" else "see_note"
    tablet.desk.save_answers(order_id, {"result": result, "cause": cause, "note": note})
    tablet.desk.finish(order_id)


def write_diagnosis(tablet: Tablet, order_id: str, text: str) -> None:
    word = NewOperation(
        kind=OperationKind.SET,
        entity=ENTITY,
        entity_id=order_id,
        order_id=order_id,
        field="diagnosis",
        old="seal",
        new=text,
    )
    tablet.database.write(
        lambda connection: append_group(connection, [word], tablet.stamps.stamp(connection))
    )


def reopen(crews: TwoCrews, order_id: str, crew_id: str) -> None:
    for event in (WorkOrderEvent.VERIFY, WorkOrderEvent.CLOSE, WorkOrderEvent.REOPEN):
        crews.office.act(order_id, event)
    if crews.office.order(order_id).document.crew_id != crew_id:
        crews.office.assign(order_id, crew_id)
    crews.all_sync()


def said(crews: TwoCrews, order_id: str) -> tuple[WorkOrderState, str | None, str | None, str]:
    document = crews.office.order(order_id).document
    return document.state, document.crew_id, document.result, document.diagnosis


def ask_for_order(tablet: Tablet) -> str:
    """An inspector finds a defect: the tablet draws the order's id."""
    order_id = str(uuid.uuid4())
    request = OrderRequest(
        order_id=order_id,
        order_type=OrderType.METER_CHECK,
        medium=Medium.WATER,
        safety_class=SafetyClass.A,
        title=BilingualText(en="Gas smell", zh="燃气味"),
        address="Lamp street 5",
        note="",
        about="",
    )
    tablet.database.write(
        lambda connection: append_group(
            connection,
            [
                NewOperation(
                    kind=OperationKind.FACT,
                    entity=str(FactType.ORDER_REQUEST),
                    entity_id=str(uuid.uuid4()),
                    order_id=order_id,
                    field=str(FactType.ORDER_REQUEST),
                    payload=order_request_json(request),
                )
            ],
            tablet.stamps.stamp(connection),
        )
    )
    return order_id
