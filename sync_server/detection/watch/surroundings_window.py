"""Owns the weather and the notes that detection sees, brought up to date by what is new alone."""

from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection

from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.meters.intake import KnownSpan, OutdoorSeries, Surroundings
from sync_server.detection.watch.surroundings_store import load_known, load_weather

HOUR_MS = 3_600_000
_DAY_MS = 24 * HOUR_MS
_KEPT_HOURS = 24 * 24
_NOTES_EVERY_MS = HOUR_MS


@dataclass(slots=True)
class SurroundingsWindow:
    """The last weeks of weather: hours up to the present, never one of the future.

    A station's value that comes late is taken in for as long as it is less than a day old.
    """

    upto_ms: int = 0
    noted_at_ms: int = 0
    weather: dict[str, OutdoorSeries] = field(default_factory=dict)
    known: tuple[KnownSpan, ...] = ()

    def at(self, connection: Connection, fleet: Fleet, now_ms: int) -> Surroundings:
        """Return what may be looked at now."""
        hour_ms = now_ms - now_ms % HOUR_MS
        if hour_ms != self.upto_ms:
            self._read_weather(connection, hour_ms)
        if now_ms - self.noted_at_ms >= _NOTES_EVERY_MS or now_ms < self.noted_at_ms:
            self.known = tuple(load_known(connection, fleet))
            self.noted_at_ms = now_ms
        return Surroundings(weather=self.weather, known=self.known)

    def forget(self) -> None:
        """Read everything anew at the next call: the fleet has changed."""
        self.upto_ms, self.noted_at_ms, self.weather = 0, 0, {}

    def _read_weather(self, connection: Connection, hour_ms: int) -> None:
        is_far = not 0 <= hour_ms - self.upto_ms <= _DAY_MS
        from_ms = hour_ms - _KEPT_HOURS * HOUR_MS if is_far else self.upto_ms - 3 * HOUR_MS
        if is_far:
            self.weather = {}
        fresh = load_weather(connection, from_ms, hour_ms + HOUR_MS)
        for name, series in fresh.items():
            self.weather[name] = _joined(self.weather.get(name), series)
        self.upto_ms = hour_ms


def _joined(before: OutdoorSeries | None, fresh: OutdoorSeries) -> OutdoorSeries:
    if before is None:
        return fresh
    first_s = before.first_hour_s
    end_s = max(_end_s(before), _end_s(fresh))
    whole = np.full((end_s - first_s) // 3600, np.nan)
    whole[: len(before.temp_degc)] = before.temp_degc
    at = (fresh.first_hour_s - first_s) // 3600
    whole[at : at + len(fresh.temp_degc)] = np.where(
        np.isnan(fresh.temp_degc), whole[at : at + len(fresh.temp_degc)], fresh.temp_degc
    )
    cut = max(0, len(whole) - _KEPT_HOURS)
    return OutdoorSeries(first_hour_s=first_s + cut * 3600, temp_degc=whole[cut:])


def _end_s(series: OutdoorSeries) -> int:
    return series.first_hour_s + len(series.temp_degc) * 3600
