"""Meters that tell energy alone: falls that stay, falls that come back, gaps, and leaks."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from sync_server.detection.advance import advance
from sync_server.detection.fleet_state import empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import OutdoorSeries, ReadingBatch, Surroundings
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

START_S = 1_735_689_600
HOUR_S, DAY_S = 3600, 86_400
DAYS, FAULT_DAY = 150, 120
HOURS = np.arange(DAYS * 24)
OUTDOOR = 2.0 + 4.0 * np.sin(HOURS / 500.0) + 2.0 * np.sin(HOURS / 24.0 * 2 * np.pi)
ROOF = OutdoorSeries(first_hour_s=START_S, temp_degc=OUTDOOR)


@cache
def usual_wh() -> Floats:
    rng = np.random.default_rng(5)
    daily = np.repeat(rng.normal(1.0, 0.06, DAYS), 24)
    wh: Floats = (400.0 + 250.0 * np.maximum(0.0, 16.0 - OUTDOOR)) * daily
    return wh


def candidates(share: Floats, weather: OutdoorSeries | None = ROOF) -> Sequence[Candidate]:
    """Return what is said when this share of each hour's energy passes through the meter."""
    spec = MeterSpec(
        meter_id="energy",
        medium=Medium.HEAT,
        role=Role.CONSUMER,
        interval_s=HOUR_S,
        energy_resolution_kwh=1.0,
        weather_id="roof",
    )
    fleet = fleet_of([spec])
    state, found = empty_state(fleet), list[Candidate]()
    register = 900.0 + np.floor(np.cumsum(usual_wh() * share) / 1000.0)
    stamps = START_S + HOUR_S * (HOURS + 1)
    sky = Surroundings(weather={} if weather is None else {"roof": weather})
    for first in range(0, len(HOURS), 24 * 10):
        mine = slice(first, first + 24 * 10)
        count = len(stamps[mine])
        nothing = np.full(count, np.nan)
        batch = ReadingBatch(
            row=np.zeros(count, dtype=np.int64),
            measured_s=stamps[mine],
            received_s=stamps[mine] + 20,
            volume_m3=nothing,
            energy_kwh=register[mine],
            flow_m3h=nothing,
            power_kw=nothing,
            supply_temp_degc=nothing,
            return_temp_degc=nothing,
            info=np.zeros(count, dtype=np.int64),
        )
        step = advance(fleet, state, batch, sky, int(stamps[mine][-1]) + 400)
        state = step.state
        found.extend(each for each in step.candidates if each.is_raised)
    return found


def from_day(day: int, share: float) -> Floats:
    return np.where(day * 24 <= HOURS, share, 1.0)


def test_a_third_that_is_missing_from_one_day_to_the_next_is_told_within_four_days() -> None:
    found = candidates(from_day(FAULT_DAY, 0.6))

    first = min(found, key=lambda each: each.at_s)
    assert (first.kind, first.rule) == (Kind.BYPASS, "steps")
    assert first.at_s <= START_S + (FAULT_DAY + 4) * DAY_S
    assert first.observed < 0.75 * first.expected
    assert first.effect_per_day is not None
    assert first.effect_per_day < 0


def test_use_that_comes_back_from_too_much_is_no_bypass() -> None:
    back = np.where((HOURS >= 24 * 90) & (HOURS < 24 * FAULT_DAY), 1.6, 1.0)

    assert Kind.BYPASS not in {each.kind for each in candidates(back)}


def test_use_that_glides_down_is_no_step() -> None:
    glide = np.clip(1.0 - 0.4 * (HOURS / 24.0 - 90) / 50.0, 0.6, 1.0)

    assert "steps" not in {each.rule for each in candidates(glide)}


def test_much_more_energy_than_the_weather_asks_for_is_an_open_valve() -> None:
    found = candidates(from_day(FAULT_DAY, 2.6))

    assert {each.kind for each in found} == {Kind.VALVE_OPEN}
    assert min(each.at_s for each in found) <= START_S + (FAULT_DAY + 2) * DAY_S


def test_without_weather_its_use_is_not_judged() -> None:
    assert candidates(from_day(FAULT_DAY, 0.6), None) == []


def test_a_steady_year_says_nothing() -> None:
    assert candidates(np.ones(len(HOURS))) == []
