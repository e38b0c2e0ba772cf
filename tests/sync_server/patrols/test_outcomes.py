"""What a thing is like after a result, whichever order results arrive in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.patrols.outcomes import (
    BEYOND,
    MISSED,
    checkpoint_after,
    checkpoint_missed,
    household_after,
    meter_after,
    plan_after,
)
from wire_contracts.home_checks import (
    CheckItem,
    Hazard,
    Household,
    HouseholdState,
    SafetyCheck,
)
from wire_contracts.meter_rounds import MOST_READINGS, RoundMeter, RoundReading
from wire_contracts.patrol_facts import PatrolPoint, PointOutcome
from wire_contracts.patrols import Checkpoint, CheckpointKind, Measure, PatrolPlan
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

AT_UTC = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
NAME = BilingualText(en="Valve well 31", zh="31 号阀门井")
WELL = Checkpoint(
    kind=CheckpointKind.VALVE_WELL,
    medium=Medium.GAS,
    name=NAME,
    address="",
    latitude_deg=36.0,
    longitude_deg=117.0,
)
PLAN = PatrolPlan(name=NAME, crew_id="c", stops=("w",), interval_s=86_400, due_at_utc=AT_UTC)
HOME = Household(
    community="a",
    building="1",
    room="2",
    address="",
    meter_id=None,
    device_serial=None,
    state=HouseholdState.DUE,
)
METER = RoundMeter(
    building="1",
    place="2",
    address="",
    device_serial="",
    medium=Medium.GAS,
    unit="m³",
    digits=5,
    decimals=0,
)
NOBODY = SafetyCheck(household_id="h", is_no_access=True, answers={})
HAZARD = Hazard(item=CheckItem.HOSE, severity=2)
WITH_HAZARD = SafetyCheck(household_id="h", is_no_access=False, answers={}, hazards=(HAZARD,))
ALL_WELL = SafetyCheck(household_id="h", is_no_access=False, answers={})


def found(outcome: PointOutcome, *beyond: Measure) -> PatrolPoint:
    return PatrolPoint(
        run_id="r", plan_id=None, checkpoint_id="w", outcome=outcome, beyond=tuple(beyond)
    )


def test_whatever_is_not_well_is_looked_at_again() -> None:
    reasons = {
        outcome: checkpoint_after(WELL, found(outcome), AT_UTC).recheck_reason
        for outcome in PointOutcome
    }

    assert reasons == {
        PointOutcome.OK: "",
        PointOutcome.DEFECT: "defect",
        PointOutcome.NOT_REACHABLE: "not_reachable",
        PointOutcome.SKIPPED: "skipped",
    }


def test_a_value_beyond_its_limit_is_looked_at_again_though_all_is_said_to_be_well() -> None:
    after = checkpoint_after(WELL, found(PointOutcome.OK, Measure.GAS_LEL_PCT), AT_UTC)

    assert after.recheck_reason == BEYOND


def test_a_good_result_ends_the_re_check() -> None:
    missed = checkpoint_missed(WELL, AT_UTC)

    assert checkpoint_after(missed, found(PointOutcome.OK), AT_UTC).recheck_reason == ""


def test_being_missed_hides_no_graver_reason() -> None:
    grave = replace(WELL, recheck_reason="defect")

    assert checkpoint_missed(WELL, AT_UTC).recheck_reason == MISSED
    assert checkpoint_missed(grave, AT_UTC).recheck_reason == "defect"


@pytest.mark.parametrize("outcome", PointOutcome)
def test_what_was_seen_last_stands_whatever_comes_later_from_before(outcome: PointOutcome) -> None:
    after = checkpoint_after(WELL, found(outcome), AT_UTC)
    earlier_utc = AT_UTC - timedelta(minutes=1)

    for each in PointOutcome:
        assert checkpoint_after(after, found(each), earlier_utc) == after
    assert checkpoint_missed(after, earlier_utc) == after


def test_a_result_that_no_clock_can_place_hides_nothing_and_takes_nothing_off_the_list() -> None:
    grave = checkpoint_after(WELL, found(PointOutcome.DEFECT), AT_UTC)

    assert checkpoint_after(grave, found(PointOutcome.OK), None) == grave
    assert checkpoint_after(WELL, found(PointOutcome.OK), None) == WELL
    doubtful = checkpoint_after(WELL, found(PointOutcome.DEFECT), None)
    assert (doubtful.recheck_reason, doubtful.seen_at_utc) == ("defect", None)
    assert checkpoint_missed(WELL, None).recheck_reason == MISSED


def test_a_route_is_due_one_interval_after_its_end_and_an_older_run_changes_nothing() -> None:
    after = plan_after(PLAN, AT_UTC)

    assert after.due_at_utc == AT_UTC + timedelta(days=1)
    assert plan_after(after, AT_UTC - timedelta(days=2)) == after
    assert plan_after(replace(PLAN, interval_s=0), AT_UTC).due_at_utc is None


def test_the_third_visit_without_access_becomes_a_letter() -> None:
    home, states = HOME, []
    for day in range(3):
        home = household_after(home, NOBODY, AT_UTC + timedelta(days=day))
        states.append(home.state)

    assert states == [HouseholdState.NO_ACCESS, HouseholdState.NO_ACCESS, HouseholdState.LETTER]
    assert home.no_access_count == 3
    assert household_after(home, ALL_WELL, AT_UTC + timedelta(days=9)).no_access_count == 0


def test_hazards_stay_on_the_home_until_a_visit_finds_none() -> None:
    home = household_after(HOME, WITH_HAZARD, AT_UTC)

    assert (home.state, home.hazards) == (HouseholdState.HAZARD, (HAZARD,))
    assert household_after(home, NOBODY, AT_UTC + timedelta(days=1)).hazards == (HAZARD,)
    cleared = household_after(home, ALL_WELL, AT_UTC + timedelta(days=2))
    assert (cleared.state, cleared.hazards) == (HouseholdState.PASSED, ())


def test_a_visit_that_arrives_late_changes_nothing_newer() -> None:
    home = household_after(HOME, ALL_WELL, AT_UTC)

    assert household_after(home, WITH_HAZARD, AT_UTC - timedelta(days=1)) == home


@given(st.permutations(range(MOST_READINGS + 6)))
def test_readings_stand_in_the_order_they_were_read_and_are_bounded(days: list[int]) -> None:
    meter = METER
    for day in days:
        reading = RoundReading(meter_id="m", value=float(day))
        meter = meter_after(meter, reading, AT_UTC + timedelta(days=day))

    times = [each.at_utc for each in meter.readings]
    assert times == sorted(times)
    assert len(times) == MOST_READINGS
    assert meter.readings[-1].value == max(days)
