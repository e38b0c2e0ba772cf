"""A bypass of heat leaves the return as warm as the real load; less use cools it."""

from collections.abc import Sequence

import numpy as np

from sync_server.detection.advance import advance
from sync_server.detection.fleet_state import empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import OutdoorSeries, ReadingBatch, Surroundings
from tests.sync_server.detection.test_fleet_core import part
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

START_S = 1_735_689_600
HOUR_S, DAY_S = 3600, 86_400
DAYS, FAULT_DAY = 140, 120
HOURS = np.arange(DAYS * 24)
RNG = np.random.default_rng(11)
OUTDOOR = 2.0 + 4.0 * np.sin(HOURS / 500.0) + 2.0 * np.sin(HOURS / 24.0 * 2 * np.pi)
NEED_KW = (0.4 + 0.25 * np.maximum(0.0, 16.0 - OUTDOOR)) * RNG.normal(1.0, 0.15, len(HOURS))
SHOWN = np.where(HOURS >= 24 * FAULT_DAY, 0.72, 1.0)
WARM_K = 12.0
"""A return that is so much warmer with each e-fold of load."""


def told(
    load_kw: Floats, step_h: int = 24 * DAYS, shown: Floats = SHOWN, warmer_k: float = 0.0
) -> Sequence[Candidate]:
    """Return what is raised when the meter shows the shown share and the return this load.

    From the fault on, `step_h` hours are looked at together, and the return is warmer by so much.
    """
    spec = MeterSpec(
        meter_id="heat",
        medium=Medium.HEAT,
        role=Role.CONSUMER,
        interval_s=HOUR_S,
        energy_resolution_kwh=1.0,
        volume_resolution_m3=0.001,
        weather_id="roof",
    )
    fleet = fleet_of([spec])
    power = NEED_KW * shown
    back = 25.0 + WARM_K * np.log(load_kw) + np.random.default_rng(3).normal(0.0, 0.5, len(HOURS))
    back = back + warmer_k * (HOURS >= 24 * FAULT_DAY)
    flow = power / (1.163 * (75.0 - back))
    stamps = START_S + HOUR_S * (HOURS + 1)
    batch = ReadingBatch(
        row=np.zeros(len(HOURS), dtype=np.int64),
        measured_s=stamps,
        received_s=stamps + 20,
        volume_m3=10.0 + np.floor(1000.0 * np.cumsum(flow)) / 1000.0,
        energy_kwh=900.0 + np.floor(np.cumsum(power)),
        flow_m3h=flow,
        power_kw=power,
        supply_temp_degc=np.full(len(HOURS), 75.0),
        return_temp_degc=back,
        info=np.zeros(len(HOURS), dtype=np.int64),
    )
    sky = Surroundings(weather={"roof": OutdoorSeries(first_hour_s=START_S, temp_degc=OUTDOOR)})
    state, found = empty_state(fleet), list[Candidate]()
    fault_h, before_h = 24 * FAULT_DAY, 0
    for upto_h in [fault_h, *range(fault_h + step_h, len(HOURS), step_h), len(HOURS)]:
        hours = np.arange(before_h, upto_h)
        step = advance(fleet, state, part(batch, hours), sky, int(stamps[upto_h - 1]) + 400)
        state, before_h = step.state, upto_h
        found.extend(step.candidates)
    return [each for each in found if each.is_raised and each.rule == "steps"]


def test_a_return_as_warm_as_before_tells_a_bypass_of_a_quarter_in_days() -> None:
    found = told(NEED_KW)

    assert {each.kind for each in found} == {Kind.BYPASS}
    assert min(each.at_s for each in found) <= START_S + (FAULT_DAY + 4) * DAY_S


def test_a_return_that_cools_with_the_load_is_a_customer_who_uses_less() -> None:
    assert told(NEED_KW * SHOWN) == []


def test_less_heat_from_water_that_cools_less_is_no_bypass() -> None:
    half = np.where(HOURS >= 24 * FAULT_DAY, 0.5, 1.0)

    assert told(NEED_KW, shown=half) != []
    assert told(NEED_KW, shown=half, warmer_k=10.0) == []


def test_the_witness_is_heard_hour_by_hour_as_day_by_day() -> None:
    by_hour, by_day = told(NEED_KW, 1), told(NEED_KW)

    assert [(each.at_s, each.start_s) for each in by_hour] == [
        (each.at_s, each.start_s) for each in by_day
    ]
    assert [round(each.score, 6) for each in by_hour] == [round(each.score, 6) for each in by_day]
