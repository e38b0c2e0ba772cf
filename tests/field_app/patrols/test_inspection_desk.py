"""An inspector's day on a real tablet against the real server, the network cut in between."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from field_app.crew import HeadlessCrew
from field_app.patrols.home_check import Sheet
from field_app.patrols.inspection_book import home_draft, point_draft
from field_app.patrols.inspection_desk import InspectionDesk, RunEndedError
from field_app.patrols.presence import by_hand
from field_app.patrols.track import Track
from field_app.store.record_states import RecordState
from sync_server.patrols.inspection_store import (
    CHECKPOINTS,
    HOUSEHOLDS,
    PLANS,
    ROUND_METERS,
    Inspected,
    find,
    put,
)
from sync_server.patrols.result_store import latest_facts
from sync_server.work_orders.order_store import list_orders
from tests.field_app.office_parts import Office
from tests.sync_server.patrols.test_outcomes import HOME, METER, PLAN, WELL
from wire_contracts.home_checks import CheckItem, HouseholdState, NoticeOutcome
from wire_contracts.meter_rounds import PastReading, RoundReading
from wire_contracts.orders import FactType, SafetyClass
from wire_contracts.patrol_facts import CheckInWay, Defect, PatrolPoint, PointOutcome
from wire_contracts.patrols import Measure

VISIT, LATER_VISIT = (f"01900000-0000-7000-8000-00000000c00{number}" for number in (1, 2))


@pytest.fixture
def desk(crew: HeadlessCrew, office: Office) -> InspectionDesk:
    """Return the desk of a tablet that has pulled one thing of each type."""
    now_utc = office.clock.now_utc()
    with office.engine.begin() as connection:
        for shape, entity_id, thing in (
            (CHECKPOINTS, "w", WELL),
            (PLANS, "p", PLAN),
            (HOUSEHOLDS, "h", HOME),
            (ROUND_METERS, "m", METER),
        ):
            row = Inspected(entity_id=entity_id, crew_id="crew-1", thing=thing)
            put(connection, shape, [row], now_utc)  # type: ignore[misc]  # each with its own
    crew.sync_now()
    return crew.tablet.inspections


def dangerous(run_id: str) -> PatrolPoint:
    return PatrolPoint(
        run_id=run_id,
        plan_id=None,
        checkpoint_id="w",
        outcome=PointOutcome.DEFECT,
        values={Measure.GAS_LEL_PCT: 35.0},
        beyond=(Measure.GAS_LEL_PCT,),
        defect=Defect(severity=1, note="35 % LEL in the well"),
    )


def sheet(*wrong: CheckItem) -> Sheet:
    return Sheet(
        answers=dict.fromkeys(CheckItem, True) | dict.fromkeys(wrong, False),
        notes=dict.fromkeys(wrong, "seen"),
        notice=NoticeOutcome.REFUSED if wrong else None,
    )


def test_what_the_office_plans_is_on_the_tablet(desk: InspectionDesk) -> None:
    assert desk.plans()["p"].stops == ("w",)
    assert desk.checkpoints() == {"w": WELL}
    assert [home.household_id for home in desk.homes()] == ["h"]
    assert [meter.meter_id for meter in desk.meters()] == ["m"]
    assert desk.has_rounds()
    assert desk.open_run() is None


def test_a_dangerous_defect_makes_an_order_at_once_though_there_is_no_network(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    crew.go_offline()
    run_id = desk.start_run("p", ["w"])
    order_id = desk.finish_point(dangerous(run_id), WELL)

    assert order_id is not None
    seen = desk.run(run_id)
    defect = seen.state.points["w"].defect
    assert defect is not None
    assert defect.order_id == order_id
    assert seen.mark is RecordState.QUEUED
    assert crew.open_orders() == (), "the order is another crew's; no ghost of it is on this list"
    found_at_utc = office.clock.now_utc()
    office.clock.advance(hours=6)
    crew.go_online()
    crew.sync_now()

    with office.engine.connect() as connection:
        orders = list_orders(connection)
    assert [order.order_id for order in orders] == [order_id]
    document = orders[0].document
    assert (document.safety_class, document.crew_id) == (SafetyClass.A, "crew-2")
    assert document.due_at_utc is not None
    assert document.due_at_utc < found_at_utc + timedelta(hours=2), "its clock started on the spot"


def test_correcting_a_dangerous_defect_makes_no_second_order(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    run_id = desk.start_run("p", ["w"])
    first = desk.finish_point(dangerous(run_id), WELL)
    second = desk.finish_point(dangerous(run_id), WELL)
    crew.sync_now()

    assert first == second
    with office.engine.connect() as connection:
        assert len(list_orders(connection)) == 1


def test_a_run_is_where_it_was_after_the_tablet_was_switched_off(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    run_id = desk.start_run("p", ["w"])
    desk.check_in(run_id, "w", by_hand(WELL, None), is_tag_unreadable=True)
    desk.save_answers(point_draft(run_id, "w"), {"gas_lel_pct": "0.5"})
    crew.close()
    again = HeadlessCrew(tmp_path / "tablet", office.clock)
    try:
        found = again.tablet.inspections.open_run()

        assert found is not None
        assert found.run_id == run_id
        assert found.state.check_ins["w"].way is CheckInWay.BY_HAND
        assert found.state.check_ins["w"].is_tag_unreadable
        kept: Mapping[str, object] = again.tablet.inspections.answers(point_draft(run_id, "w"))
        assert kept == {"gas_lel_pct": "0.5"}
    finally:
        again.close()


def test_what_was_missed_is_told_at_the_end_and_looked_at_again(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    run_id = desk.start_run("p", ["w"])
    desk.submit_run(run_id, Track())
    assert desk.open_run() is None
    with pytest.raises(RunEndedError, match="begin a new one"):
        desk.submit_run(run_id, Track())
    crew.sync_now()
    crew.sync_now()

    assert desk.checkpoints()["w"].recheck_reason == "missed"
    assert desk.plans()["p"].due_at_utc == office.clock.now_utc() + timedelta(days=1)


def test_a_home_is_done_on_the_list_before_the_office_hears_of_it(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    crew.go_offline()
    desk.save_answers(home_draft("h"), {"hose": False})
    desk.no_access("h", VISIT)
    first = desk.home("h")
    desk.finish_home("h", LATER_VISIT, sheet(CheckItem.HOSE), 65.0)
    second = desk.home("h")

    assert first is not None
    assert (first.household.state, first.household.no_access_count) == (
        HouseholdState.NO_ACCESS,
        1,
    )
    assert second is not None
    assert second.household.state is HouseholdState.HAZARD
    assert desk.answers(home_draft("h")) == {}
    crew.go_online()
    crew.sync_now()
    crew.sync_now()
    with office.engine.begin() as connection:
        kept = find(connection, HOUSEHOLDS, "h")
        orders = list_orders(connection)
    assert kept is not None
    assert kept.thing.state is HouseholdState.HAZARD
    assert orders == [], "a hazard with a deadline is no order"
    after = desk.home("h")
    assert after is not None
    assert after.household.hazards == second.household.hazards


def test_a_hazard_noted_in_a_home_that_was_left_stands_on_the_list(desk: InspectionDesk) -> None:
    def on_list() -> tuple[RecordState, bool]:
        (home,) = desk.homes()
        return home.mark, home.has_noted_hazard

    untouched = on_list()
    desk.save_answers(home_draft("h"), {"meter": "ok"})
    begun = on_list()
    desk.save_answers(home_draft("h"), {"item:pipe_tightness": "wrong"})
    noted = on_list()
    desk.save_answers(home_draft("h"), {"item:pipe_tightness": "", "meter": ""})

    assert untouched == on_list() == (RecordState.UNTOUCHED, False), "taken back"
    assert (begun, noted) == ((RecordState.DRAFT, False), (RecordState.DRAFT, True))


def test_a_missing_flue_in_a_home_makes_an_order(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    desk.finish_home("h", VISIT, sheet(CheckItem.WATER_HEATER_FLUE), 80.0)
    crew.sync_now()

    with office.engine.connect() as connection:
        assert [order.document.safety_class for order in list_orders(connection)] == [SafetyClass.A]


def test_a_visit_tapped_twice_is_told_once_and_told_anew_makes_no_second_order(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    crew.go_offline()
    grave = sheet(CheckItem.WATER_HEATER_FLUE)
    desk.finish_home("h", VISIT, grave, 80.0)
    desk.finish_home("h", VISIT, grave, 80.1)
    desk.no_access("h", VISIT)
    desk.finish_home("h", LATER_VISIT, grave, 30.0)
    crew.go_online()
    crew.sync_now()

    with office.engine.connect() as connection:
        checks = latest_facts(connection, [FactType.SAFETY_CHECK], 10)
        orders = list_orders(connection)
    assert {fact.fact_id for fact in checks} == {VISIT, LATER_VISIT}
    assert [order.document.safety_class for order in orders] == [SafetyClass.A]


def test_another_danger_in_a_home_or_the_same_one_later_is_an_order_of_its_own(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    flue, pipe = CheckItem.WATER_HEATER_FLUE, CheckItem.PIPE_TIGHTNESS
    for number, (minutes, item) in enumerate(((0, flue), (10, pipe), (5, pipe), (61, pipe))):
        office.clock.advance(minutes=minutes)
        desk.finish_home("h", f"01900000-0000-7000-8000-00000000c01{number}", sheet(item), 80.0)
    crew.sync_now()

    with office.engine.connect() as connection:
        assert len(list_orders(connection)) == 3


def test_a_reading_comes_back_as_the_meters_last(desk: InspectionDesk, crew: HeadlessCrew) -> None:
    desk.keep_reading(RoundReading(meter_id="m", value=12.0))
    before = desk.meter("m")
    crew.sync_now()
    crew.sync_now()
    after = desk.meter("m")

    assert before is not None
    assert after is not None
    assert [each.value for each in before.meter.readings] == [12.0]
    assert [each.value for each in after.meter.readings] == [12.0]


def test_a_meter_stays_read_when_the_office_has_the_reading_until_the_next_round(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    (before,) = desk.meters()
    desk.keep_reading(RoundReading(meter_id="m", value=1300.0))
    crew.sync_now()
    crew.sync_now()
    (after,) = desk.meters()
    office.clock.advance(days=16)
    (later,) = desk.meters()

    assert before.read_at_utc is None
    assert after.read_at_utc is not None
    assert [each.value for each in after.meter.readings][-1:] == [1300.0]
    assert after.mark is RecordState.SHOWN_TO_OFFICE
    assert later.read_at_utc is None, "the next round"


def test_a_meter_that_a_colleague_has_read_in_this_round_is_read(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    past = PastReading(at_utc=office.clock.now_utc() - timedelta(days=2), value=1300.0)
    theirs = replace(METER, readings=(*METER.readings, past))
    row = Inspected(entity_id="m", crew_id="crew-1", thing=theirs)
    with office.engine.begin() as connection:
        put(connection, ROUND_METERS, [row], office.clock.now_utc())
    crew.sync_now()

    (seen,) = desk.meters()
    assert seen.read_at_utc == past.at_utc


def test_a_home_where_nobody_opened_is_not_the_next_one_again_in_the_same_shift(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office
) -> None:
    desk.no_access("h", VISIT)
    crew.sync_now()
    crew.sync_now()
    (today,) = desk.homes()
    office.clock.advance(hours=13)
    (tomorrow,) = desk.homes()

    assert today.household.state is HouseholdState.NO_ACCESS
    assert (today.visited_at_utc is None, tomorrow.visited_at_utc is None) == (False, True)


@pytest.mark.parametrize("is_synced", [True, False], ids=["told", "waiting"])
def test_a_reading_taken_again_within_the_hour_corrects_the_one_before(
    desk: InspectionDesk, crew: HeadlessCrew, office: Office, *, is_synced: bool
) -> None:
    desk.keep_reading(RoundReading(meter_id="m", value=12900.0, is_confirmed=True, doubt="x"))
    for _contact in range(2 * is_synced):
        crew.sync_now()
    office.clock.advance(minutes=1)
    desk.keep_reading(RoundReading(meter_id="m", value=1290.0))
    before = [each.value for each in METER.readings]
    (here,) = desk.meters()
    for _contact in range(2):
        crew.sync_now()
    (there,) = desk.meters()

    if not is_synced:
        assert [each.value for each in here.meter.readings] == [*before, 1290.0]
    assert [each.value for each in there.meter.readings] == [*before, 1290.0]
    office.clock.advance(hours=2)
    desk.keep_reading(RoundReading(meter_id="m", value=1291.0))
    (later,) = desk.meters()
    assert [each.value for each in later.meter.readings] == [*before, 1290.0, 1291.0]
