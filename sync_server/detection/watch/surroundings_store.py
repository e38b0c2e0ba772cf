"""Owns how weather and what the service side knows reach detection."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, bindparam, func, insert, select

from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.detection_tables import METER_NOTE, WEATHER_HOUR
from sync_server.db.reading_tables import READING
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.meters.intake import Known, KnownSpan, OutdoorSeries, Surroundings
from wire_contracts.frames import LATEST_MS, ms_from_utc

HOUR_MS = 3_600_000


def put_weather(connection: Connection, hours: Iterable[tuple[str, int, float]]) -> int:
    """Return how many hours were stored: (station, start in ms, degC), in place of what was."""
    found = {(at_ms, name): temp_degc for name, at_ms, temp_degc in hours}
    rows: list[Row] = [(*key, temp_degc) for key, temp_degc in found.items()]
    write_rows(connection, WEATHER_HOUR, rows, OnExisting.REPLACE)
    return len(rows)


def put_weather_of_meter(
    connection: Connection, meter_id: str, station: str, from_ms: int, to_ms: int
) -> int:
    """Return how many hours were stored from a meter that measures the outdoor temperature."""
    rows = connection.execute(
        select(READING.c.measured_at_ms, READING.c.temperature_degc).where(
            READING.c.meter_id == meter_id,
            READING.c.measured_at_ms >= from_ms,
            READING.c.measured_at_ms < to_ms,
            READING.c.temperature_degc.is_not(None),
        )
    )
    sums: dict[int, list[float]] = {}
    for at_ms, temp_degc in rows:
        sums.setdefault(at_ms - at_ms % HOUR_MS, []).append(temp_degc)
    return put_weather(
        connection,
        [(station, at_ms, sum(values) / len(values)) for at_ms, values in sorted(sums.items())],
    )


def newest_weather_ms(connection: Connection) -> Mapping[str, int]:
    """Return by station the start of the newest hour that is known."""
    rows = connection.execute(
        select(WEATHER_HOUR.c.weather_id, func.max(WEATHER_HOUR.c.hour_at_ms)).group_by(
            WEATHER_HOUR.c.weather_id
        )
    )
    return {row[0]: row[1] for row in rows}


_HOURS = select(WEATHER_HOUR).where(
    WEATHER_HOUR.c.hour_at_ms >= bindparam("from_ms"),
    WEATHER_HOUR.c.hour_at_ms < bindparam("to_ms"),
)


def load_weather(connection: Connection, from_ms: int, to_ms: int) -> Mapping[str, OutdoorSeries]:
    """Return every station's hours in [from, to): consecutive, NaN where not known."""
    rows = connection.execute(_HOURS, {"from_ms": from_ms, "to_ms": to_ms})
    by_station: dict[str, list[tuple[int, float]]] = {}
    for at_ms, name, temp_degc in rows:
        by_station.setdefault(name, []).append((at_ms, temp_degc))
    return {name: _series(hours) for name, hours in sorted(by_station.items())}


def _series(hours: Sequence[tuple[int, float]]) -> OutdoorSeries:
    first_ms = min(at_ms for at_ms, _ in hours)
    count = (max(at_ms for at_ms, _ in hours) - first_ms) // HOUR_MS + 1
    temp_degc = np.full(count, np.nan)
    for at_ms, value in hours:
        temp_degc[(at_ms - first_ms) // HOUR_MS] = value
    return OutdoorSeries(first_hour_s=first_ms // 1000, temp_degc=temp_degc)


def load_known(connection: Connection, fleet: Fleet) -> Sequence[KnownSpan]:
    """Return vacancies, exchanges and shut-offs of the meters of the fleet."""
    rows = connection.execute(
        select(
            METER_NOTE.c.meter_id, METER_NOTE.c.kind, METER_NOTE.c.from_ms, METER_NOTE.c.to_ms
        ).order_by(METER_NOTE.c.note_id)
    )
    return [
        KnownSpan(
            row=fleet.row_of[meter_id],
            known=Known(kind),
            from_s=from_ms // 1000,
            to_s=(LATEST_MS if to_ms is None else to_ms) // 1000,
        )
        for meter_id, kind, from_ms, to_ms in rows
        if meter_id in fleet.row_of
    ]


def note_meter(  # noqa: PLR0913  # what is known, of whom, from when to when, by whom and when
    connection: Connection,
    meter_id: str,
    known: Known,
    *,
    span_utc: tuple[datetime, datetime | None],
    source: str,
    actor: str,
    now_utc: datetime,
) -> None:
    """Store that a meter is vacant, exchanged or shut off from when to when (None: further on)."""
    connection.execute(
        insert(METER_NOTE).values(
            meter_id=meter_id,
            kind=str(known),
            from_ms=ms_from_utc(span_utc[0]),
            to_ms=None if span_utc[1] is None else ms_from_utc(span_utc[1]),
            source=source[:200],
            noted_at_ms=ms_from_utc(now_utc),
            noted_by=actor,
        )
    )


def load_surroundings(
    connection: Connection, fleet: Fleet, from_ms: int, to_ms: int
) -> Surroundings:
    """Return all that detection may look at beside the readings, weather in [from, to)."""
    return Surroundings(
        weather=load_weather(connection, from_ms, to_ms), known=load_known(connection, fleet)
    )
