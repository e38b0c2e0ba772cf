"""Of what the tablets of one crew say of a valve or a step, the newest stands on each of them."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from field_app.orders.own_facts import ARRIVED, OwnFact
from field_app.orders.site_changes import new_fact, operation_of
from field_app.orders.step_book import Again
from field_app.orders.work_record import WorkRecord, closed_valves, work_record
from field_app.store.outbox_store import append_group
from field_app.tablet import Tablet, open_tablet
from tests.field_app.office_parts import Office, office_app
from tests.field_app.restore_parts import (
    SteadyClock,
    TwoCrews,
    mate_of,
    sync_in_turn,
    take_steps,
    two_crews,
)
from tests.field_app.vault_parts import quick_vault
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import (
    SO_FAR_MS,
    ClosedValve,
    DoneStep,
    FallenStep,
    Handover,
    IsolationEvent,
    OpenedValve,
    SafetyStep,
    StepDone,
    ValveAction,
    isolation_json,
    step_json,
)
from wire_contracts.work_order_states import WorkOrderEvent

MINUTE_MS = 60_000
NOON_MS = 1_795_000_000_000
SO_FAR = Handover(note="", by="", at_ms=SO_FAR_MS)


def ms(minute: int) -> int:
    return NOON_MS + minute * MINUTE_MS


def own(minute: int, each: OwnFact, *, contact: int, is_shown: bool = False) -> OwnFact:
    """Return a tap of this tablet; it had heard of the server at the minute `contact`."""
    clocks = DeviceTime(
        wall_ms=ms(minute), mono_ms=0, boot_id="b", offset_ms=0, contact_ms=ms(contact)
    )
    fact_id = f"own-{minute}"
    told = replace(each, at_ms=ms(minute), at=clocks, fact_id=fact_id, n=minute)
    return replace(told, is_told=is_shown, is_shown=is_shown)


def fact(fact_type: str) -> OwnFact:
    return OwnFact(fact_id="", fact_type=fact_type, actor="li", at_ms=0, payload={})


def valve(action: ValveAction) -> OwnFact:
    event = IsolationEvent(valve_id="VW-1", action=action, may_reopen="Li Wei")
    return replace(fact(FactType.ISOLATION), payload=isolation_json(event))


def step(which: SafetyStep, *, is_undone: bool = False) -> OwnFact:
    done = StepDone(step=which, values={"how": "valve_closed"}, is_undone=is_undone)
    return replace(fact(FactType.SAFETY_STEP), payload=step_json(done))


ARRIVAL = own(0, fact(ARRIVED), contact=0, is_shown=True)
SHUT, OPEN = valve(ValveAction.CLOSED), valve(ValveAction.REOPENED)
ISOLATED = step(SafetyStep.ISOLATE)


def closed_by_mate(minute: int) -> Handover:
    return replace(SO_FAR, valves=(ClosedValve(valve_id="vw-1", at_ms=ms(minute), by="Wang"),))


def opened_by_mate(minute: int) -> Handover:
    opened = OpenedValve(valve_id="vw-1", at_ms=ms(minute), fact_id="mates")
    return replace(SO_FAR, opened=(opened,))


def is_closed(facts: list[OwnFact], told: Handover) -> bool:
    valves = work_record([ARRIVAL, *facts], told).valves
    assert closed_valves([ARRIVAL, *facts], told) == valves
    return bool(valves)


def test_a_valve_that_a_colleague_closed_again_comes_back() -> None:
    opened = [own(5, SHUT, contact=1, is_shown=True), own(10, OPEN, contact=6, is_shown=True)]

    assert is_closed(opened, closed_by_mate(12))
    assert is_closed([replace(each, is_shown=False) for each in opened], closed_by_mate(12))
    assert not is_closed([*opened, own(20, OPEN, contact=13)], closed_by_mate(12))
    assert is_closed([own(20, OPEN, contact=11)], closed_by_mate(12)), "no clock of its own decides"
    assert not is_closed([own(20, OPEN, contact=11)], SO_FAR), "the server has judged"


def test_a_valve_that_the_server_says_is_closed_is_whatever_it_has_judged_of_this_tablet() -> None:
    shut, opened = own(5, SHUT, contact=1, is_shown=True), own(20, OPEN, contact=13)
    judged = replace(opened, is_told=True, is_shown=True)

    assert is_closed([judged], closed_by_mate(12)), "a doubted closing has no certain moment"
    assert is_closed([shut, judged], closed_by_mate(5)), "also where it is this tablet's own"
    assert not is_closed([shut, opened], closed_by_mate(5))
    assert not is_closed([judged, own(30, OPEN, contact=21)], closed_by_mate(12))


def test_a_valve_that_a_colleague_opened_leaves_once_the_server_knew_that_it_was_closed() -> None:
    told, untold = own(5, SHUT, contact=1, is_shown=True), own(5, SHUT, contact=1)

    assert not is_closed([told], opened_by_mate(12))
    assert is_closed([untold], opened_by_mate(12))
    assert is_closed([told, own(20, SHUT, contact=13)], opened_by_mate(12))
    assert is_closed([told, own(11, SHUT, contact=1)], opened_by_mate(12)), "not judged yet"
    assert is_closed([told], opened_by_mate(4)), "an older opening hides nothing"
    assert is_closed([told], SO_FAR), "nobody says that it is open"


def isolated_behind(told: Handover, *later: OwnFact) -> WorkRecord:
    facts = [
        own(5, SHUT, contact=1, is_shown=True),
        own(6, ISOLATED, contact=1, is_shown=True),
        own(7, step(SafetyStep.VENTILATE), contact=1, is_shown=True),
    ]
    return work_record([ARRIVAL, *facts, *later], told)


def test_isolation_falls_with_the_valve_that_a_colleague_opened_and_is_done_anew() -> None:
    record = isolated_behind(opened_by_mate(12))
    assert record.done == frozenset()
    assert record.again[SafetyStep.ISOLATE] is Again.VALVE_OPENED
    later = (own(20, SHUT, contact=13), own(21, ISOLATED, contact=13))
    assert isolated_behind(opened_by_mate(12), *later).done == {SafetyStep.ISOLATE}


def test_a_step_that_a_colleague_took_back_does_not_stand() -> None:
    fallen = FallenStep(step=SafetyStep.ISOLATE, at_ms=ms(12), fact_id="mates")
    told = replace(closed_by_mate(5), fallen=(fallen,))
    record = isolated_behind(told)

    assert record.done == frozenset()
    assert record.again[SafetyStep.ISOLATE] is Again.TAKEN_BACK
    assert isolated_behind(told, own(20, ISOLATED, contact=11)).done == frozenset()
    assert isolated_behind(told, own(20, ISOLATED, contact=13)).done == {SafetyStep.ISOLATE}
    repaired = (own(8, step(SafetyStep.REPAIR), contact=1),)
    assert SafetyStep.ISOLATE in isolated_behind(told, *repaired).done


def test_a_step_that_a_colleague_did_after_the_own_taking_back_stands_once_it_is_judged() -> None:
    done = DoneStep(step=SafetyStep.ISOLATE, at_ms=ms(12), by="Wang")
    told = replace(closed_by_mate(5), steps=(done,))
    undone = step(SafetyStep.ISOLATE, is_undone=True)

    judged = own(10, undone, contact=9, is_shown=True)
    assert isolated_behind(told, judged).done == {SafetyStep.ISOLATE}
    assert isolated_behind(told, replace(judged, is_shown=False)).done == frozenset()
    later = own(13, undone, contact=9, is_shown=True)
    assert isolated_behind(told, later).done == frozenset()


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


def turn(tablet: Tablet, order_id: str, action: ValveAction) -> None:
    event = IsolationEvent(valve_id="VW-1", action=action, may_reopen="Li Wei")
    tablet.site.turn_valve(order_id, event)


def stands(tablet: Tablet, order_id: str) -> tuple[int, bool]:
    """Return how many valves are closed, and whether the pipe is isolated."""
    record = tablet.site.sheet(order_id).record
    return len(record.valves), SafetyStep.ISOLATE in record.done


def test_two_tablets_of_a_crew_agree_on_whatever_either_did_last(
    crews: TwoCrews, tmp_path: Path
) -> None:
    one, order_id = crews.one, crews.office.new_order(Medium.GAS)
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, one, mate)
        take_steps(one, order_id, "accept", "depart", "arrive", "begin")
        turn(one, order_id, ValveAction.CLOSED)
        one.site.keep(order_id, "isolate", {"how": "valve_closed"})
        one.site.do_step(order_id, SafetyStep.ISOLATE)
        sync_in_turn(crews, one, mate)
        turn(mate, order_id, ValveAction.REOPENED)
        sync_in_turn(crews, mate, one)
        assert stands(one, order_id) == stands(mate, order_id) == (0, False)
        turn(mate, order_id, ValveAction.CLOSED)
        sync_in_turn(crews, mate, one)
        assert stands(one, order_id) == stands(mate, order_id) == (1, False)

        turn(one, order_id, ValveAction.REOPENED)
        crews.office.clock.advance(minutes=1)
        turn(mate, order_id, ValveAction.CLOSED)  # neither has heard of the other
        sync_in_turn(crews, mate, one, mate)
        assert stands(one, order_id) == stands(mate, order_id) == (1, False)
        turn(mate, order_id, ValveAction.CLOSED)
        crews.office.clock.advance(minutes=1)
        turn(one, order_id, ValveAction.REOPENED)
        sync_in_turn(crews, mate, one, mate)
        assert stands(one, order_id) == stands(mate, order_id) == (0, False)


def test_a_valve_that_is_opened_after_the_finish_leaves_the_colleagues_list_too(
    crews: TwoCrews, tmp_path: Path
) -> None:
    one, order_id = crews.one, crews.office.new_order(Medium.WATER)
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, one, mate)
        take_steps(one, order_id, "accept", "depart", "arrive", "begin")
        turn(one, order_id, ValveAction.CLOSED)
        found = {"result": "normal", "cause": "nothing_found", "measured.flow_m3h": "2"}
        one.desk.save_answers(order_id, {**found, "note": "dry"})
        one.desk.finish(order_id)
        sync_in_turn(crews, one, mate)
        turn(one, order_id, ValveAction.REOPENED)
        sync_in_turn(crews, one, mate)
        assert [stands(each, order_id)[0] for each in (one, mate)] == [0, 0]


@pytest.mark.parametrize("last", [ValveAction.CLOSED, ValveAction.REOPENED])
def test_the_newest_word_stands_though_a_tablet_was_put_back_and_counts_its_taps_anew(
    crews: TwoCrews, tmp_path: Path, last: ValveAction
) -> None:
    order_id = crews.office.new_order(Medium.WATER)
    one, mate = crews.one, mate_of(crews, tmp_path, "crew-1")
    sync_in_turn(crews, mate, one)
    take_steps(mate, order_id, "accept", "depart", "arrive", "begin")
    sync_in_turn(crews, mate, one)
    mate.close()
    shutil.copytree(tmp_path / "mate", tmp_path / "copy")
    with closing(opened_again(crews, tmp_path)) as mate:
        turn(mate, order_id, last)
        turn(mate, order_id, OTHER[last])
        sync_in_turn(crews, mate, one)
    shutil.rmtree(tmp_path / "mate")
    shutil.copytree(tmp_path / "copy", tmp_path / "mate")
    crews.office.clock.advance(minutes=60)

    with closing(opened_again(crews, tmp_path)) as mate:
        turn(mate, order_id, last)
        crews.office.clock.advance(minutes=5)
        sync_in_turn(crews, mate, one, mate, one)

        closed = int(last is ValveAction.CLOSED)
        assert (stands(one, order_id)[0], stands(mate, order_id)[0]) == (closed, closed)


OTHER = {
    ValveAction.CLOSED: ValveAction.REOPENED,
    ValveAction.REOPENED: ValveAction.CLOSED,
}


def opened_again(crews: TwoCrews, folder: Path) -> Tablet:
    return open_tablet(
        folder / "mate", SteadyClock(crews.office.clock), vault=quick_vault(folder / "mate-key")
    )


def test_steps_of_a_visit_that_a_colleague_finished_count_on_no_tablet_when_it_is_reopened(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order(Medium.WATER)
    one, mate = crews.one, mate_of(crews, tmp_path, "crew-1")
    with closing(mate):
        sync_in_turn(crews, mate, one)
        take_steps(one, order_id, "accept", "depart", "arrive", "begin")
        sync_in_turn(crews, one, mate)
        turn(mate, order_id, ValveAction.CLOSED)
        tell_step(mate, order_id, StepDone(step=SafetyStep.ISOLATE, values={"how": "valve_closed"}))
        tell_step(mate, order_id, StepDone(step=SafetyStep.REPAIR, values={"how": "clamp"}))
        sync_in_turn(crews, mate, one)
        found = {"result": "normal", "cause": "nothing_found", "measured.flow_m3h": "2"}
        one.desk.save_answers(order_id, {**found, "note": "dry"})
        one.desk.finish(order_id)
        sync_in_turn(crews, one)
        for event in (WorkOrderEvent.VERIFY, WorkOrderEvent.CLOSE, WorkOrderEvent.REOPEN):
            crews.office.act(order_id, event)
        crews.office.assign(order_id, "crew-1")
        sync_in_turn(crews, one, mate)
        take_steps(one, order_id, "accept", "depart", "arrive", "begin")
        sync_in_turn(crews, one, mate, one)

        for tablet in (one, mate):
            assert tablet.site.sheet(order_id).record.done == frozenset()
            assert stands(tablet, order_id)[0] == 1, "its valve stays closed"


def tell_step(tablet: Tablet, order_id: str, done: StepDone) -> None:
    def work(connection: Connection) -> None:
        stamp = tablet.stamps.stamp(connection)
        change = new_fact(order_id, FactType.SAFETY_STEP, step_json(done))
        append_group(connection, [operation_of(change, stamp)], stamp)

    tablet.database.write(work)
