"""The town's outdoor temperature: season, weather of the day, hour of the day."""

import numpy as np

from demo.chance import FloatArray, IntArray, key_of, uniform
from demo.town_time import SLOTS_PER_DAY, year_fraction

_MEAN_DEGC = 13.5
_SEASON_K = 14.5
_COLDEST = 20 / 365
"""About -1 degC in late January and 28 degC in late July: a town on the North China plain."""

_WEATHER_K = 5.0
_DAILY_SWING_K = 4.5
_WARMEST_HOUR = 15.0


def day_mean_degc(seed: int, days: IntArray) -> FloatArray:
    """Return the mean outdoor temperature of local days; neighbouring days resemble each other."""
    season = _MEAN_DEGC - _SEASON_K * np.cos(2 * np.pi * (year_fraction(days) - _COLDEST))
    key = key_of(seed, "weather")
    spells = sum(
        weight * (2.0 * uniform(key, days - back) - 1.0)
        for back, weight in enumerate((0.5, 0.4, 0.3, 0.2))
    )
    return np.asarray(season + _WEATHER_K * spells, dtype=np.float64)


def outdoor_temp_degc(seed: int, slots: IntArray) -> FloatArray:
    """Return the outdoor temperature in the middle of each slot, of the shape of `slots`.

    Day means are joined from noon to noon without a step.
    """
    place = (slots + 0.5) / SLOTS_PER_DAY - 0.5
    day = np.floor(place).astype(np.int64)
    share = place - day
    first = int(day.min())
    means = day_mean_degc(seed, np.arange(first, int(day.max()) + 2, dtype=np.int64))
    trend = (1.0 - share) * means[day - first] + share * means[day - first + 1]
    hour = (slots % SLOTS_PER_DAY + 0.5) / SLOTS_PER_DAY * 24.0
    swing = _DAILY_SWING_K * np.cos(2 * np.pi * (hour - _WARMEST_HOUR) / 24.0)
    return np.asarray(trend + swing, dtype=np.float64)
