"""A meter whose days are looked at in one go is told the same as one that is looked at daily."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from sync_server.detection.advance import MOST_METER_DAYS, advance
from sync_server.detection.fleet_state import empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.fleet import MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import OutdoorSeries, ReadingBatch, Surroundings
from tests.sync_server.detection.test_fleet_core import part
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

START_S = 1_735_689_600
HOUR_S, DAYS, FAULT_DAY = 3600, 60, 45
HOURS = np.arange(24 * DAYS)
FAULTY = HOURS >= 24 * FAULT_DAY
OUTDOOR = 2.0 + 4.0 * np.sin(HOURS / 500.0) + 2.0 * np.sin(HOURS / 24.0 * 2 * np.pi)
SKY = Surroundings(weather={"roof": OutdoorSeries(first_hour_s=START_S, temp_degc=OUTDOOR)})
SPEC = MeterSpec(
    meter_id="heat",
    medium=Medium.HEAT,
    role=Role.CONSUMER,
    interval_s=HOUR_S,
    energy_resolution_kwh=1.0,
    volume_resolution_m3=0.001,
    weather_id="roof",
)


def readings(kind: Kind, factor: float = 3.6) -> ReadingBatch:
    """Return two months of a building whose meter fails in the last two weeks.

    A wrong unit shows `factor` times the energy.
    """
    rng = np.random.default_rng(4)
    power = (0.4 + 0.25 * np.maximum(0.0, 16.0 - OUTDOOR)) * rng.normal(1.0, 0.15, len(HOURS))
    supply = np.full(len(HOURS), 75.0)
    back = 40.0 + rng.normal(0.0, 0.5, len(HOURS))
    flow = power / (1.163 * (supply - back))
    shown = power * np.where(FAULTY & (kind is Kind.UNIT_SCALE), factor, 1.0)
    stamps = START_S + HOUR_S * (HOURS + 1)
    return ReadingBatch(
        row=np.zeros(len(HOURS), dtype=np.int64),
        measured_s=stamps,
        received_s=stamps + 20,
        volume_m3=10.0 + np.floor(1000.0 * np.cumsum(flow)) / 1000.0,
        energy_kwh=900.0 + np.floor(np.cumsum(shown)),
        flow_m3h=flow,
        power_kw=power,
        supply_temp_degc=supply + 9.0 * (FAULTY & (kind is Kind.TEMP_DRIFT)),
        return_temp_degc=back,
        info=np.zeros(len(HOURS), dtype=np.int64),
    )


def told(batch: ReadingBatch, days_a_call: int) -> Sequence[tuple[Kind, str, int, int, float]]:
    """Return everything that is said when so many days of the fault are closed at once."""
    fleet, found = fleet_of([SPEC]), list[Candidate]()
    state, fault_h = empty_state(fleet), 24 * FAULT_DAY
    edges = [0, *range(fault_h, len(HOURS), 24 * days_a_call), len(HOURS)]
    for first, last in pairwise(edges):
        now = part(batch, np.arange(first, last))
        step = advance(fleet, state, now, SKY, int(now.measured_s[-1]) + 400)
        state = step.state
        found.extend(step.candidates)
    return [(each.kind, each.rule, each.start_s, each.at_s, round(each.score, 9)) for each in found]


@pytest.mark.parametrize("kind", [Kind.UNIT_SCALE, Kind.TEMP_DRIFT])
def test_many_days_at_once_tell_what_each_day_tells(kind: Kind) -> None:
    batch = readings(kind)

    at_once = told(batch, DAYS - FAULT_DAY)

    assert DAYS - FAULT_DAY <= MOST_METER_DAYS, "one call is one stretch"
    assert kind in {each[0] for each in at_once if each[1] == "balance"}
    assert sorted(at_once) == sorted(told(batch, 1))


@pytest.mark.parametrize("days_a_call", [1, DAYS - FAULT_DAY])
def test_a_register_that_runs_tenfold_is_no_payload_that_was_frozen(days_a_call: int) -> None:
    found = {each[0] for each in told(readings(Kind.UNIT_SCALE, 10.0), days_a_call)}

    assert Kind.UNIT_SCALE in found
    assert Kind.COMM_FROZEN not in found
