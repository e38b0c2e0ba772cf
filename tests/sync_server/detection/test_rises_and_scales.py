"""Use that rises and stays, registers of wrong units, and the first cold of a gas site."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sync_server.detection.advance import advance
from sync_server.detection.fleet_state import empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import MeterSpec, fleet_of
from sync_server.detection.meters.intake import OutdoorSeries, Surroundings
from tests.sync_server.detection.test_fleet_core import (
    DAY_S,
    START_S,
    batch_of,
    home,
    litres_of_a_home,
    register,
)
from tests.sync_server.detection.test_floor_and_weather import GAS, ROOF, gas_litres, raised
from wire_contracts.kinds import Kind

DAYS, FAULT_DAY = 130, 110
DAILY_GAS = replace(GAS, interval_s=DAY_S)
SUMMER = np.concatenate([np.linspace(2.0, 20.0, 60), np.full(DAYS - 60, 21.0)])


def daily(litres: Floats, temps: Floats, spec: MeterSpec = DAILY_GAS) -> Sequence[Candidate]:
    """Return what is raised of a meter that is read once a day."""
    days = len(litres) // 24
    shown = register(np.floor(litres.reshape(days, 24).sum(axis=1) / 10.0) * 10.0)
    batch = batch_of(0, shown, START_S + DAY_S * np.arange(1, days + 1) - 3600)
    fleet = fleet_of([spec])
    series = OutdoorSeries(first_hour_s=START_S, temp_degc=np.repeat(temps, 24))
    now_s = int(batch.received_s.max()) + 400
    found = advance(fleet, empty_state(fleet), batch, Surroundings(weather={ROOF: series}), now_s)
    return [each for each in found.candidates if each.is_raised]


def hot_water(days: int = DAYS) -> Floats:
    """Litres of gas an hour for cooking and hot water, alike from day to day."""
    rng = np.random.default_rng(6)
    rhythm = np.array([0.0] * 6 + [400.0, 300.0] + [0.0] * 4 + [200.0] + [0.0] * 5 + [600.0])
    rhythm = np.concatenate([rhythm, np.zeros(24 - len(rhythm))])
    litres: Floats = (rhythm[None, :] * rng.normal(1.0, 0.08, (days, 1))).ravel()
    return litres


def heating(temps: Floats) -> Floats:
    """Litres an hour for heating, which varies much by itself."""
    mood = np.random.default_rng(9).normal(1.0, 0.35, len(temps))
    litres: Floats = np.repeat(np.maximum(15.0 - temps, 0.0) * 40.0 * mood.clip(0.2), 24)
    return litres


def test_a_leak_of_half_the_use_in_summer_is_told_within_four_days_of_daily_readings() -> None:
    litres = hot_water() + heating(SUMMER)
    assert daily(litres, SUMMER) == []
    litres[FAULT_DAY * 24 :] += 40.0

    found = daily(litres, SUMMER)

    assert {each.kind for each in found} == {Kind.SLOW_LEAK}
    first = min(found, key=lambda each: each.at_s)
    assert first.rule == "rises"
    assert first.at_s <= START_S + (FAULT_DAY + 4) * DAY_S
    assert first.effect_per_day is not None
    assert abs(first.effect_per_day - 0.96) < 0.3


def test_use_that_comes_back_after_weeks_of_less_is_no_rise() -> None:
    litres = hot_water() + heating(SUMMER)
    litres[75 * 24 : FAULT_DAY * 24] *= 0.72

    assert "rises" not in {each.rule for each in daily(litres, SUMMER)}


def test_heating_that_begins_with_the_cold_is_no_rise() -> None:
    autumn = np.concatenate([SUMMER[:100], np.linspace(21.0, 6.0, 12), np.full(DAYS - 112, 6.0)])

    found = daily(hot_water() + heating(autumn), autumn)

    assert "rises" not in {each.rule for each in found}


def test_daily_gas_in_tens_of_its_steps_has_a_wrong_unit() -> None:
    litres = hot_water(300)
    temps = np.full(300, 20.0)
    days = np.floor(litres.reshape(300, 24).sum(axis=1) / 10.0) * 10.0
    litres = np.repeat(days / 24.0, 24)
    litres[280 * 24 :] *= 10.0

    found = [each for each in daily(litres, temps) if each.kind is Kind.UNIT_SCALE]

    assert min(each.at_s for each in found) <= START_S + 289 * DAY_S


def test_litres_that_only_come_in_multiples_of_three_point_six_have_a_wrong_unit() -> None:
    litres = litres_of_a_home(40)
    assert raised(home(), litres, [np.nan]) == []
    litres[35 * 24 :] = np.round(3.6 * litres[35 * 24 :])

    found = raised(home(), litres, [np.nan])

    scale = [each for each in found if each.kind is Kind.UNIT_SCALE]
    assert {each.observed for each in scale} == {3.6}
    assert min(each.at_s for each in scale) <= START_S + 38 * DAY_S


def test_a_home_that_shows_a_tenth_of_every_day_has_a_wrong_unit_and_no_bypass() -> None:
    litres = 4.0 * litres_of_a_home(60)
    litres[50 * 24 :] = np.round(litres[50 * 24 :] / 10.0)

    found = raised(home(), litres, [np.nan])

    assert {each.kind for each in found} == {Kind.UNIT_SCALE}
    assert min(each.at_s for each in found) <= START_S + 56 * DAY_S


def test_the_first_cold_of_a_young_gas_site_is_no_burst() -> None:
    temps = [13.0] * 35 + list(np.arange(13.0, -8.0, -3.0)) + [-8.0] * 5

    assert "burst" not in {each.rule for each in raised(GAS, gas_litres(temps), temps)}


def test_a_burst_of_gas_in_the_first_cold_is_still_a_burst() -> None:
    temps = [13.0] * 35 + list(np.arange(13.0, -8.0, -3.0)) + [-8.0] * 5
    litres = gas_litres(temps)
    litres[44 * 24 : 44 * 24 + 9] += 20_000.0

    found = [each for each in raised(GAS, litres, temps) if each.kind is Kind.BURST]

    assert min(each.at_s for each in found) <= START_S + 44 * DAY_S + 5 * 3600
