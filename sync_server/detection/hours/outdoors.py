"""Decides what the outdoor temperature was for each meter and hour, and how a building feels it."""

from collections.abc import Mapping

import numpy as np

from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.meters.intake import OutdoorSeries

FELT = (0.55, 0.30, 0.15)
"""Weights of today, yesterday and the day before: what walls remember (METHODS 6.4)."""

LEAST_KNOWN_H = 12
"""A day's mean needs this many of its hours."""


def outdoor_temps(
    fleet: Fleet, weather: Mapping[str, OutdoorSeries], first: int, count: int
) -> tuple[Floats, Floats]:
    """Return M x K mean of the last 24 hours, and as felt; NaN where there is no weather."""
    day = np.full((len(fleet.specs), count), np.nan)
    felt = np.full((len(fleet.specs), count), np.nan)
    for weather_id, rows in fleet.weather_rows.items():
        if weather_id in weather:
            day[rows], felt[rows] = _station(weather[weather_id], first, count)
    return day, felt


def _station(series: OutdoorSeries, first: int, count: int) -> tuple[Floats, Floats]:
    start = first - 72 - series.first_hour_s // 3600
    temps = series.temp_degc[max(start, 0) : max(start + 72 + count, 0)]
    if len(temps) < 72 + count:
        too_early = min(max(-start, 0), 72 + count)
        too_late = 72 + count - too_early - len(temps)
        temps = np.pad(temps, (too_early, too_late), constant_values=np.nan)
    known = ~np.isnan(temps)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, temps, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    sums, numbers = total[24:] - total[:-24], counts[24:] - counts[:-24]
    means = np.where(numbers >= LEAST_KNOWN_H, sums / np.maximum(numbers, 1), np.nan)
    today, before, earlier = means[49:], means[25 : 25 + count], means[1 : 1 + count]
    before = np.where(np.isnan(before), today, before)
    earlier = np.where(np.isnan(earlier), before, earlier)
    return today, FELT[0] * today + FELT[1] * before + FELT[2] * earlier
