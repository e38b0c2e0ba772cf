"""Make-up water of a heating network: what warming and cooling explain is no leak."""

from collections.abc import Sequence

import numpy as np
import pytest

from sync_server.detection.advance import advance
from sync_server.detection.fleet_state import FleetState, empty_state
from sync_server.detection.hours.expansion import content_l, specific_volume
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import ReadingBatch, Surroundings
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

DAYS = 100
HOURS = 24 * DAYS
LEAKS_FROM = 24 * 90
START_S = 1_735_689_600
CONTENT_L = 100_000.0
"""A small network: 100 m3."""


def _temps() -> tuple[Floats, Floats]:
    """Return supply and return temperature: a daily swing and the weather's walk."""
    rng = np.random.default_rng(3)
    hours = np.arange(HOURS)
    walk = np.cumsum(rng.normal(0.0, 3.0, DAYS))
    day = np.interp(hours, np.arange(0, HOURS, 24) + 12, np.clip(walk - walk.mean(), -14, 14))
    swing = np.sin(2 * np.pi * hours / 24)
    return 75 + day + 4 * swing, 45 + 0.4 * day + 2 * swing


def _run(leak_lph: float) -> tuple[FleetState, Sequence[Candidate]]:
    supply, back = _temps()
    volume = specific_volume((supply + back) / 2)
    growth = np.concatenate([[0.0], volume[1:] / volume[:-1] - 1.0])
    leak = np.where(np.arange(HOURS) >= LEAKS_FROM, leak_lph, 0.0)
    usual = 60 + 6 * np.random.default_rng(4).normal(size=HOURS)
    register = 10 + np.floor(np.cumsum(np.maximum(usual - CONTENT_L * growth, 0) + leak)) / 1000
    nothing, flow = np.full(HOURS, np.nan), 0.5 + 0.01 * np.random.default_rng(5).random(HOURS)
    total, energy = 100 + np.cumsum(flow), 100 + np.cumsum(flow * 35)
    columns = np.array(
        [
            [register, *[nothing] * 5],
            [total, energy, flow, flow * 35, supply, back],
        ]
    )
    makeup = MeterSpec(
        meter_id="makeup",
        medium=Medium.WATER,
        role=Role.MAKEUP,
        interval_s=3600,
        volume_resolution_m3=0.001,
    )
    heat = MeterSpec(
        meter_id="heat",
        medium=Medium.HEAT,
        role=Role.CONSUMER,
        interval_s=3600,
        parent_id="makeup",
    )
    fleet = fleet_of([makeup, heat])
    state, found = empty_state(fleet), list[Candidate]()
    measured_s = START_S + 3600 * np.arange(1, HOURS + 1)
    for first in range(0, HOURS, 24):
        part = slice(first, first + 24)
        values = columns[:, :, part].transpose(1, 0, 2).reshape(6, -1)
        stamps = np.tile(measured_s[part], 2)
        batch = ReadingBatch(
            row=np.repeat(np.arange(2), 24),
            measured_s=stamps,
            received_s=stamps + 20,
            volume_m3=values[0],
            energy_kwh=values[1],
            flow_m3h=values[2],
            power_kw=values[3],
            supply_temp_degc=values[4],
            return_temp_degc=values[5],
            info=np.zeros(48, dtype=np.int64),
        )
        step = advance(fleet, state, batch, Surroundings(), int(stamps[-1]) + 400)
        found += [each for each in step.candidates if each.is_raised and each.row == 0]
    return state, found


def test_a_network_that_cools_is_fed_and_does_not_leak() -> None:
    state, found = _run(0.0)

    assert found == []
    assert content_l(state.detectors.district.expansion, 0) == pytest.approx(CONTENT_L, rel=0.1)


def test_a_leak_of_a_fifth_of_the_feed_is_found_in_a_day() -> None:
    _, found = _run(12.0)

    assert {each.kind for each in found} == {Kind.NETWORK_LEAK}
    assert (found[0].at_s - START_S) / 3600 - LEAKS_FROM < 24
