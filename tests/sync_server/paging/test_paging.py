"""When nobody looks at a danger, the next one on the ladder is called, and nobody afterwards."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.access.roles import Role
from sync_server.alerts.alert_store import acknowledge
from sync_server.detection.watch.round_store import await_rounds, note_good_round
from sync_server.paging.pager_io import FilePager, PageMessage, PagerError
from sync_server.paging.paging_run_io import Site, look_once
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.request_store import record_request, send_crew
from sync_server.shifts.delegation_store import NewDelegation, register
from sync_server.shifts.shift import Desk, NewHandover
from sync_server.shifts.shift_store import offer_handover, take_handover
from sync_server.sync.review_store import NewReview, ReviewKind, add_review, resolve_review
from sync_server.work_orders.order import Mover, NewOrder
from sync_server.work_orders.order_rows_store import move_order, record_of
from sync_server.work_orders.order_store import create_order
from sync_server.work_orders.policy_store import PolicyRow, set_policy
from tests.sync_server.people_parts import person, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.service_desk.desk_town import SHANGHAI, DeskTown, found_desk_town, wanted
from wire_contracts.codes import Code
from wire_contracts.kinds import Kind
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent

URL = "https://lamp.example"
SITE = Site(public_url=URL, zone=SHANGHAI)


class Office:
    """A town with a pager that writes into a file."""

    def __init__(self, engine: Engine, clock: HandClock, path: Path) -> None:
        self.engine, self.clock, self.path = engine, clock, path
        self.pager = FilePager(path)
        with engine.begin() as connection:
            self.town: DeskTown = found_desk_town(connection)
            self.operator = person(connection, "min", Role.CONTROL_ROOM).account_id
            self.safety = person(connection, "an", Role.SAFETY_OFFICER).account_id
            self.director = person(connection, "boss", Role.DIRECTOR).account_id

    def look(self, **later: float) -> list[str]:
        """Return whom a look calls that comes so much later."""
        self.clock.advance(**later)
        before = len(self.calls())
        look_once(self.engine, self.clock, self.pager, SITE)
        return [call["to"] for call in self.calls()[before:]]

    def calls(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def take_shift(self, actor: str) -> None:
        with self.engine.begin() as connection:
            new = NewHandover(desk=Desk.CONTROL_ROOM, note="", matters=())
            offered = offer_handover(connection, new, self.director, NOON)
            take_handover(connection, offered.handover_id, actor, NOON)


@pytest.fixture
def office(sqlite_engine: Engine, clock: HandClock, tmp_path: Path) -> Office:
    return Office(sqlite_engine, clock, tmp_path / "calls" / "pages.jsonl")


def test_the_ladder_is_climbed_until_somebody_acknowledges(office: Office) -> None:
    office.take_shift(office.operator)
    with office.engine.begin() as connection:
        alert_id = raise_leak(connection, "M-2", Kind.BURST, Medium.GAS)

    climbed = [
        office.look(seconds=59),
        office.look(seconds=1),
        office.look(seconds=60),
        office.look(seconds=60),
        office.look(seconds=120),
        office.look(seconds=120),
    ]
    with office.engine.begin() as connection:
        acknowledge(connection, alert_id, office.operator, office.clock.now_utc())
    after = office.look(hours=1)

    assert climbed == [
        [],
        [office.operator],
        [],
        [office.safety],
        [office.director],
        [office.director],
    ]
    assert after == []
    assert "M-2" in office.calls()[0]["text"]
    assert office.calls()[0]["url"] == f"{URL}/alerts?tab=all&alert={alert_id}"


def test_without_a_shift_everybody_in_the_control_room_is_called(office: Office) -> None:
    with office.engine.begin() as connection:
        raise_leak(connection, "M-2", Kind.BURST, Medium.GAS)

    assert sorted(office.look(minutes=2)) == sorted([office.operator, office.town.dispatcher])


def test_an_ordinary_alert_calls_nobody(office: Office) -> None:
    with office.engine.begin() as connection:
        raise_leak(connection, "M-1", Kind.SLOW_LEAK, Medium.WATER)

    assert office.look(hours=5) == []


def test_a_class_a_slip_that_no_crew_accepts_calls_somebody(office: Office) -> None:
    """Clock CL6 of class A, rule D-24."""
    office.take_shift(office.operator)
    with office.engine.begin() as connection:
        desk = office.town.office()
        record = record_request(connection, wanted(RequestClass.GAS_LEAK), (), desk)
        send_crew(connection, record, "crew-1", desk)

    called = [office.look(minutes=2), office.look(minutes=1, seconds=1)]

    assert called == [[], [office.operator]]
    assert record.number in office.calls()[0]["text"]
    assert "陈桂芳" not in office.path.read_text(encoding="utf-8")


def test_a_crew_that_accepted_on_its_tablet_keeps_everybody_asleep(office: Office) -> None:
    with office.engine.begin() as connection:
        desk = office.town.office()
        record = record_request(connection, wanted(RequestClass.GAS_LEAK), (), desk)
        sent = send_crew(connection, record, "crew-1", desk)
        mover = Mover(actor="wang", happened_at_utc=NOON + timedelta(minutes=1), crew_id="crew-1")
        order = record_of(connection, sent.order_id or "")
        move_order(connection, order, WorkOrderEvent.ACCEPT, mover, mover.happened_at_utc)

    assert office.look(minutes=30) == []


def test_a_call_that_cannot_be_handed_over_is_tried_again(
    sqlite_engine: Engine, clock: HandClock, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is wanted", encoding="utf-8")
    office = Office(sqlite_engine, clock, blocked / "pages.jsonl")
    office.take_shift(office.operator)
    with office.engine.begin() as connection:
        raise_leak(connection, "M-2", Kind.BURST, Medium.GAS)
    clock.advance(minutes=2)

    failed = look_once(office.engine, clock, office.pager, SITE)
    blocked.unlink()
    done = office.look(seconds=5)

    assert (failed, done) == (0, [office.operator])


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    message = PageMessage(addressee="x", text="x", url="x", at_utc=NOON, step=0)

    with pytest.raises(PagerError, match="cannot be written"):
        FilePager(tmp_path).call(message)


def test_the_times_are_policies(office: Office) -> None:
    with office.engine.begin() as connection:
        row = PolicyRow(
            name="paging.wait.seconds",
            valid_from_utc=NOON - timedelta(days=1),
            value=300.0,
            source="order 8/2026",
            approved_by=office.director,
        )
        set_policy(connection, row, NOON)
        raise_leak(connection, "M-2", Kind.BURST, Medium.GAS)

    assert (office.look(seconds=299), len(office.look(seconds=2))) == ([], 2)


def test_a_stand_in_is_called_beside_whoever_is_away(office: Office) -> None:
    """Rule C-35: whoever is away named another person beforehand."""
    office.take_shift(office.operator)
    with office.engine.begin() as connection:
        new = NewDelegation(
            from_account=office.operator,
            to_account=office.town.dispatcher,
            contact="8812",
            from_utc=NOON,
            to_utc=NOON + timedelta(hours=2),
        )
        register(connection, new, office.operator, NOON)
        raise_leak(connection, "M-2", Kind.BURST, Medium.GAS)

    assert office.look(seconds=60) == [office.operator, office.town.dispatcher]


def test_detection_that_stands_still_calls_each_step_once_and_a_new_stop_calls_again(
    office: Office,
) -> None:
    office.take_shift(office.operator)
    with office.engine.begin() as connection:
        await_rounds(connection, NOON - timedelta(days=3), anew=True)
        note_good_round(connection, NOON)

    climbed = [
        office.look(hours=2, minutes=15, seconds=59),
        office.look(seconds=1),
        office.look(seconds=120),
        office.look(seconds=120),
        office.look(hours=5),
    ]
    with office.engine.begin() as connection:
        note_good_round(connection, office.clock.now_utc())
    again = [office.look(hours=2), office.look(minutes=16)]

    assert climbed == [[], [office.operator], [office.safety], [office.director], []]
    assert again == [[], [office.operator]]
    assert "2 h 16 min没有成功检测表计" in office.calls()[0]["text"]


def test_a_server_that_starts_after_days_has_time_for_its_first_look(office: Office) -> None:
    office.take_shift(office.operator)
    with office.engine.begin() as connection:
        note_good_round(connection, NOON - timedelta(days=3))
        await_rounds(connection, NOON, anew=True)

    assert [office.look(seconds=59), office.look(seconds=1)] == [[], [office.operator]]


def test_a_crew_that_calls_for_help_rings_at_once_until_somebody_has_dealt_with_it(
    office: Office,
) -> None:
    office.take_shift(office.operator)
    with office.engine.begin() as connection:
        call = NewReview(
            kind=ReviewKind.CREW_DANGER,
            op_id="op-1",
            entity="help_call",
            entity_id="fact-1",
            code=Code.HELP_WANTED,
        )
        review_id = add_review(connection, call, office.clock.now_utc())

    assert office.look() == [office.operator]
    assert office.calls()[-1]["url"] == f"{URL}/review?item={review_id}"
    assert office.look(seconds=120) == [office.safety]
    with office.engine.begin() as connection:
        resolve_review(connection, review_id, office.operator, "found", office.clock.now_utc())
    assert office.look(hours=1) == []


def test_a_class_a_order_that_no_crew_accepts_rings_after_its_due_time(office: Office) -> None:
    office.take_shift(office.operator)
    now_utc = office.clock.now_utc()
    danger = NewOrder(
        order_type=OrderType.LEAK_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.A,
        priority=1,
        title=BilingualText(en="Gas in a well", zh="阀井有燃气"),
        address="VW-31",
        crew_id="crew-1",
        due_at_utc=now_utc + timedelta(minutes=60),
    )
    with office.engine.begin() as connection:
        order = create_order(connection, danger, office.town.dispatcher, now_utc)

    assert office.look(minutes=59) == []
    assert office.look(minutes=3) == [office.operator]
    assert office.calls()[-1]["url"] == f"{URL}/orders/{order.order_id}"
