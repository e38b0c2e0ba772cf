"""A sensor that drifts by the day, an opened valve, and what a wrong unit leaves behind."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from sync_server.detection.advance import advance
from sync_server.detection.fleet_state import empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import fleet_of
from sync_server.detection.meters.intake import ReadingBatch
from tests.sync_server.detection.test_stretches import (
    DAYS,
    FAULT_DAY,
    HOUR_S,
    HOURS,
    OUTDOOR,
    SKY,
    SPEC,
    START_S,
)
from wire_contracts.kinds import Kind

SINCE_D: Floats = np.maximum(HOURS / 24.0 - FAULT_DAY, 0.0)
LAST_DAY = DAYS - 7
AFTER: Floats = np.asarray(HOURS >= 24 * FAULT_DAY, dtype=np.float64)
WEEK: Floats = np.where(HOURS < 24 * LAST_DAY, AFTER, 0.0)
NONE: Floats = np.zeros(len(HOURS))


def building(
    *,
    extra_kw: Floats = NONE,
    warmer_k: Floats = NONE,
    supply_told_k: Floats = NONE,
    litres_times: Floats = NONE + 1.0,
    heat_share: Floats = NONE + 1.0,
) -> ReadingBatch:
    """Return two months of a building, hourly.

    Args:
        extra_kw: Heat that is used beyond what the weather asks for.
        warmer_k: By how much the return is warmer.
        supply_told_k: What the supply sensor adds in telemetry.
        litres_times: By how much the volume register advances too fast.
        heat_share: What the energy register shows of the heat.
    """
    rng = np.random.default_rng(4)
    mood = rng.normal(1.0, 0.1, len(HOURS))
    power = (0.6 + 0.4 * np.maximum(0.0, 16.0 - OUTDOOR)) * mood + extra_kw
    supply = 75.0 + rng.normal(0.0, 0.5, len(HOURS))
    back = 40.0 + rng.normal(0.0, 0.5, len(HOURS)) + warmer_k
    flow = power / (1.163 * (supply - back))
    stamps = START_S + HOUR_S * (HOURS + 1)
    return ReadingBatch(
        row=np.zeros(len(HOURS), dtype=np.int64),
        measured_s=stamps,
        received_s=stamps + 20,
        volume_m3=10.0 + np.floor(1000.0 * np.cumsum(flow * litres_times)) / 1000.0,
        energy_kwh=900.0 + np.floor(np.cumsum(power * heat_share)),
        flow_m3h=flow,
        power_kw=power * heat_share,
        supply_temp_degc=supply + supply_told_k,
        return_temp_degc=back,
        info=np.zeros(len(HOURS), dtype=np.int64),
    )


def told(batch: ReadingBatch) -> Sequence[Candidate]:
    """Return what is raised of the building, the oldest first."""
    now_s = int(batch.measured_s[-1]) + 400
    fleet = fleet_of([replace(SPEC, judged_from_s=START_S + 24 * HOUR_S * (FAULT_DAY - 5))])
    found = advance(fleet, empty_state(fleet), batch, SKY, now_s).candidates
    return sorted((each for each in found if each.is_raised), key=lambda each: each.at_s)


def days_after(candidate: Candidate) -> float:
    """Return the days from the fault to the alert."""
    return (candidate.at_s - START_S) / 86_400 - FAULT_DAY


@pytest.mark.parametrize("kelvin_a_day", [1.0, -1.0])
def test_a_sensor_that_drifts_by_a_kelvin_a_day_is_told_in_three_days(kelvin_a_day: float) -> None:
    found = told(building(supply_told_k=kelvin_a_day * SINCE_D))

    assert found[0].kind is Kind.TEMP_DRIFT
    assert found[0].rule == "balance"
    assert 0.0 < days_after(found[0]) <= 3.0


def test_a_building_without_a_fault_is_told_nothing() -> None:
    assert told(building()) == []


def test_heat_that_the_weather_does_not_ask_for_is_no_drift() -> None:
    assert Kind.TEMP_DRIFT not in {each.kind for each in told(building(extra_kw=WEEK * 4.0))}


def test_water_that_runs_through_and_takes_heat_along_is_an_open_valve_within_hours() -> None:
    open_valve = building(extra_kw=6.0 * AFTER, warmer_k=15.0 * AFTER, heat_share=1.0 - 0.2 * AFTER)

    found = [each for each in told(open_valve) if each.rule == "balance"]

    assert {each.kind for each in found} == {Kind.VALVE_OPEN}
    assert 24.0 * days_after(found[0]) <= 6.0


def test_a_volume_that_ran_tenfold_leaves_no_drift_behind() -> None:
    found = told(building(litres_times=1.0 + 9.0 * WEEK))

    assert Kind.UNIT_SCALE in {each.kind for each in found}
    assert Kind.TEMP_DRIFT not in {each.kind for each in found}


def test_a_return_that_warms_by_a_kelvin_and_a_half_a_day_is_told_in_four_days() -> None:
    found = told(building(warmer_k=np.minimum(1.5 * SINCE_D, 10.0)))

    assert found[0].kind is Kind.RETURN_HIGH
    assert 0.0 < days_after(found[0]) <= 4.0
