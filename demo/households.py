"""What the homes' gas meters show at the beginning of a day."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from demo.chance import FloatArray, IntArray, key_of, uniform
from demo.household_truth import HomeFault, HomeFaultKind
from demo.town import Household
from demo.weather import day_mean_degc

FIRST_HOME_DAY = 20_332
"""2025-09-01 in the town: the day on which every home's meter shows its start index."""

_COOKING_M3_PER_DAY = 0.32
_BOILER_HOMES = 0.22
_BOILER_M3_PER_K_DAY = 0.35
_HEATED_BELOW_DEGC = 12.0
"""Own figures: about 10 m3 a month for cooking and hot water; one home in five heats with gas."""

_LOWEST_START_M3 = 400.0
_HIGHEST_START_M3 = 2500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeIndices:
    """Indices of some homes at the beginning of some days, shape (homes, days), in m3."""

    homes: Sequence[Household]
    days: IntArray
    index_m3: FloatArray


def home_indices(
    seed: int, homes: Sequence[Household], days: IntArray, faults: Sequence[HomeFault]
) -> HomeIndices:
    """Return what the homes' meters show at 00:00 of local days (ascending).

    Raises:
        ValueError: A day lies before `FIRST_HOME_DAY`.
    """
    if days.min() < FIRST_HOME_DAY:
        message = f"day {days.min()} lies before the first day {FIRST_HOME_DAY} of the homes"
        raise ValueError(message)
    all_days = np.arange(FIRST_HOME_DAY, int(days.max()) + 1, dtype=np.int64)
    by_home = {fault.meter_id: fault for fault in faults}
    rows = np.empty((len(homes), len(days)))
    weather_k = np.maximum(0.0, _HEATED_BELOW_DEGC - day_mean_degc(seed, all_days))
    for row, home in enumerate(homes):
        used_m3 = _used_m3(seed, home, all_days, weather_k)
        fault = by_home.get(home.meter_id)
        counted_m3 = used_m3 if fault is None else _counted(used_m3, all_days, fault)
        index_m3 = _start_m3(seed, home) + np.concatenate([[0.0], np.cumsum(counted_m3)])
        if fault is not None and fault.kind is HomeFaultKind.EXCHANGED:
            index_m3 = _from_zero(index_m3, fault.first_day - FIRST_HOME_DAY)
        rows[row] = index_m3[days - FIRST_HOME_DAY]
    return HomeIndices(homes=homes, days=days, index_m3=np.floor(rows * 100.0) / 100.0)


def _start_m3(seed: int, home: Household) -> float:
    place = np.array([1], dtype=np.int64)
    share = float(uniform(key_of(seed, "home", home.meter_id), place)[0])
    return _LOWEST_START_M3 + share * (_HIGHEST_START_M3 - _LOWEST_START_M3)


def _used_m3(seed: int, home: Household, days: IntArray, weather_k: FloatArray) -> FloatArray:
    key = key_of(seed, "home", home.meter_id)
    traits = uniform(key, np.array([2, 3], dtype=np.int64))
    boiler = _BOILER_M3_PER_K_DAY * weather_k * float(traits[0] < _BOILER_HOMES)
    cooking = _COOKING_M3_PER_DAY * (0.4 + 1.2 * traits[1])
    chance = uniform(key, days)
    return np.asarray((cooking + boiler) * (0.5 + chance), dtype=np.float64)


def _counted(used_m3: FloatArray, days: IntArray, fault: HomeFault) -> FloatArray:
    is_active = days >= fault.first_day
    match fault.kind:
        case HomeFaultKind.LEAKING:
            return used_m3 + is_active * fault.flow_m3h * 24.0
        case HomeFaultKind.SLOW:
            return np.where(is_active, used_m3 * fault.share, used_m3)
        case HomeFaultKind.STOPPED | HomeFaultKind.VACANT:
            return np.where(is_active, 0.0, used_m3)
        case HomeFaultKind.REVERSED:
            return np.where(is_active, -used_m3, used_m3)
        case HomeFaultKind.GAPS | HomeFaultKind.EXCHANGED:
            return used_m3


def _from_zero(index_m3: FloatArray, at_day: int) -> FloatArray:
    """Return the index of a home whose meter was exchanged for a new one on a day."""
    later = np.arange(len(index_m3)) >= at_day
    return np.where(later, index_m3 - index_m3[at_day], index_m3)
