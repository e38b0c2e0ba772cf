"""A flow that never stops: water runs alike in any weather, gas more often in the cold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from sync_server.detection.advance import advance
from sync_server.detection.fleet_state import empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import OutdoorSeries, Surroundings
from sync_server.detection.watch.surroundings_store import put_weather
from sync_server.detection.watch.surroundings_window import HOUR_MS, SurroundingsWindow
from tests.sync_server.detection.test_fleet_core import (
    DAY_S,
    START_S,
    batch_of,
    home,
    litres_of_a_home,
    register,
)
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

ROOF = "roof"
LEAK_DAY = 19
GAS = MeterSpec(
    meter_id="g",
    medium=Medium.GAS,
    role=Role.CONSUMER,
    interval_s=3600,
    volume_resolution_m3=0.01,
    weather_id=ROOF,
)


def raised(spec: MeterSpec, litres: Floats, day_temps: Sequence[float]) -> Sequence[Candidate]:
    """Return what is raised of a meter when its days are as warm as this."""
    fleet = fleet_of([spec])
    series = OutdoorSeries(first_hour_s=START_S, temp_degc=np.repeat(day_temps, 24))
    batch = batch_of(0, register(litres))
    surroundings = Surroundings(weather={ROOF: series})
    state, now_s = empty_state(fleet), int(batch.received_s.max())
    found = advance(fleet, state, batch, surroundings, now_s).candidates
    return [each for each in found if each.is_raised]


def gas_litres(day_temps: Sequence[float], leak_from_day: int = 1000) -> Floats:
    """Cooking thrice a day; heating by day below 15 degC, and all night below 0 degC."""
    temps = np.repeat(day_temps, 24)
    hours = np.arange(len(temps)) % 24
    rng = np.random.default_rng(4)
    cooking = np.isin(hours, [7, 12, 18]) * 120.0
    is_day = (hours >= 6) & (hours < 22)
    heats = is_day | (temps < 0.0)
    heating = heats * np.maximum(15.0 - temps, 0.0) * 60.0 * rng.uniform(0.6, 1.4, len(temps))
    litres: Floats = cooking + heating
    litres[leak_from_day * 24 :] += 150.0
    return 10.0 * np.round(litres / 10.0)


LEAKING = litres_of_a_home(32)
LEAKING[LEAK_DAY * 24 :] += 40.0
SEEN_WITHOUT = raised(home(), LEAKING, [np.nan])


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(-15, 30) | st.just(np.nan), min_size=32, max_size=32))
def test_a_home_of_nineteen_days_is_judged_in_any_weather_as_without(temps: list[float]) -> None:
    found = raised(replace(home(), weather_id=ROOF), LEAKING, temps)

    assert [(each.at_s, each.kind, each.score) for each in found] == [
        (each.at_s, each.kind, each.score) for each in SEEN_WITHOUT
    ]
    assert {(each.rule, each.kind) for each in found} == {("floor", Kind.SLOW_LEAK)}
    assert min(each.at_s for each in found) < START_S + (LEAK_DAY + 1) * DAY_S


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_gas_that_flows_day_and_night_in_its_first_cold_is_no_slow_leak(seed: int) -> None:
    rng = np.random.default_rng(seed)
    season = np.concatenate([np.full(40, 14.0), np.arange(14.0, -6.0, -1.5), np.full(10, -6.0)])
    temps = list(season + rng.normal(0.0, 2.0, len(season)))

    found = raised(GAS, gas_litres(temps), temps)

    assert [each for each in found if each.rule == "floor"] == []


@pytest.mark.parametrize("colder", [4.0, 9.0])
def test_gas_that_leaks_in_the_first_warm_days_is_found_by_what_colder_ones_showed(
    colder: float,
) -> None:
    temps = [colder] * 30 + [19.0] * 10

    assert raised(GAS, gas_litres(temps), temps) == []
    found = raised(GAS, gas_litres(temps, 32), temps)

    assert {(each.rule, each.kind) for each in found} == {("floor", Kind.SLOW_LEAK)}
    assert min(each.at_s for each in found) < START_S + 34 * DAY_S


@pytest.mark.parametrize("lph", [50.0, 400.0])
def test_gas_that_rested_every_morning_and_rests_no_more_is_told_within_six_hours(
    lph: float,
) -> None:
    temps = [19.0] * 40
    litres = gas_litres(temps)
    from_h = 36 * 24 + 8
    litres[from_h:] += lph

    found = [each for each in raised(GAS, litres, temps) if each.rule == "floor"]

    assert min(each.at_s for each in found) <= START_S + (from_h + 6) * 3600


@pytest.mark.parametrize("step_h", [0, 1, 30])
def test_weather_of_the_future_is_not_looked_at(sqlite_engine: Engine, step_h: int) -> None:
    hours = [(ROOF, hour * HOUR_MS, 0.1 * hour) for hour in range(1000, 1200)]
    seen: list[tuple[int, list[float]]] = []
    with sqlite_engine.begin() as connection:
        for known in (hours[:100], hours):
            put_weather(connection, known)
            window = SurroundingsWindow()
            window.at(connection, fleet_of([]), (1099 - step_h) * HOUR_MS)
            series = window.at(connection, fleet_of([]), 1099 * HOUR_MS).weather[ROOF]
            seen.append((series.first_hour_s, series.temp_degc.tolist()))

    assert seen[0] == seen[1]
    assert seen[0][1] == pytest.approx([0.1 * hour for hour in range(1000, 1100)])
