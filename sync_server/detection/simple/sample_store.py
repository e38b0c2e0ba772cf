"""Owns how the database's rows become columns; every query is bounded by time or by meter."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, case, func, select, tuple_

from sync_server.alerts.alert import AlertFilter, AlertRecord
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.assets.assets import MeterClass
from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import DEVICE_METER, METER
from sync_server.db.reading_tables import READING_HOURLY, READING_LATEST
from sync_server.detection.meters.columns import Floats, Ints
from sync_server.detection.simple.flows import (
    HOUR_MS,
    NIGHT_HOURS,
    HourCell,
    flows_on_grid,
    night_minima,
)
from wire_contracts.frames import EARLIEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.kinds import Family, Label
from wire_contracts.quantities import Medium

RECENT_HOURS = 76
"""Three days and a night: the longest window of a detector, and the start of what it finds."""

HISTORY_NIGHTS = 28
_CHUNK = 400
_FLOW_INTERVAL_S = 3600
"""Only meters read at least hourly can be judged by hourly flow."""

_MAX_OPEN = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """What detection must know of one meter that has been heard of."""

    meter_id: str
    medium: Medium
    meter_class: MeterClass
    interval_s: int
    is_mains_powered: bool
    address: str
    gateway_id: str
    measured_at_ms: int
    valued_at_ms: int

    @property
    def has_flow(self) -> bool:
        """Whether its hourly flow can be known."""
        return self.interval_s <= _FLOW_INTERVAL_S


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGrid:
    """Consecutive hours with their place in the site's day."""

    hours_ms: Ints
    local_hours: Ints
    local_days: Ints


def load_facts(connection: Connection) -> Sequence[MeterFacts]:
    """Return every meter that has been heard of, by id."""
    latest = READING_LATEST.c
    rows = connection.execute(
        select(
            METER.c.meter_id,
            METER.c.medium,
            METER.c.meter_class,
            METER.c.interval_s,
            METER.c.is_mains_powered,
            METER.c.address,
            latest.gateway_id,
            latest.measured_at_ms,
            latest.valued_at_ms,
        )
        .join(READING_LATEST, latest.meter_id == METER.c.meter_id)
        .order_by(METER.c.meter_id)
    )
    return [
        MeterFacts(
            meter_id=meter_id,
            medium=Medium(medium),
            meter_class=MeterClass(meter_class),
            interval_s=interval_s,
            is_mains_powered=is_mains_powered,
            address=address,
            gateway_id=gateway_id,
            measured_at_ms=measured_at_ms,
            valued_at_ms=valued_at_ms or 0,
        )
        for (
            meter_id,
            medium,
            meter_class,
            interval_s,
            is_mains_powered,
            address,
            gateway_id,
            measured_at_ms,
            valued_at_ms,
        ) in rows
    ]


def load_open(connection: Connection) -> Sequence[AlertRecord]:
    """Return every open alert, hidden ones too."""
    wanted = AlertFilter(is_open=True, visibility=None, limit=_MAX_OPEN)
    return list_alerts(connection, wanted)


def load_labels(
    connection: Connection, since_utc: datetime
) -> Mapping[tuple[str, Family], Sequence[tuple[Label, datetime]]]:
    """Return (meter, family) to the crews' labels and when they were given."""
    labels: dict[tuple[str, Family], list[tuple[Label, datetime]]] = {}
    rows = connection.execute(
        select(ALERT.c.meter_id, ALERT.c.family, ALERT.c.label, ALERT.c.finding_at_ms)
        .where(ALERT.c.finding_at_ms >= ms_from_utc(since_utc))
        .order_by(ALERT.c.finding_at_ms)
    )
    for meter_id, family, label, finding_at_ms in rows:
        labels.setdefault((meter_id, Family(family)), []).append(
            (Label(label or Label.NONE), utc_from_ms(finding_at_ms))
        )
    return labels


SHORTEST_PEAK_H = 0.4
"""Two quarters of an hour: a shorter stretch of the totaliser tells its resolution, not a flow."""


def local_grid(first_hour_ms: int, hour_count: int, zone: ZoneInfo) -> LocalGrid:
    """Return consecutive hours with their hour of day and day in the site's zone."""
    moments = [
        datetime.fromtimestamp((first_hour_ms + index * HOUR_MS) / 1000, tz=zone)
        for index in range(hour_count)
    ]
    return LocalGrid(
        hours_ms=first_hour_ms + HOUR_MS * np.arange(hour_count, dtype=np.int64),
        local_hours=np.array([moment.hour for moment in moments], dtype=np.int64),
        local_days=np.array([moment.toordinal() for moment in moments], dtype=np.int64),
    )


def load_flows(connection: Connection, meter_ids: Sequence[str], grid: LocalGrid) -> Floats:
    """Return M x H hourly flows of these meters on the grid."""
    first_ms = int(grid.hours_ms[0])
    count = len(grid.hours_ms)
    exchanges = _exchanges(connection, first_ms, first_ms + (count + 1) * HOUR_MS)
    pieces = [
        flows_on_grid(
            _hour_cells(connection, chunk, (first_ms, first_ms + (count + 1) * HOUR_MS), None),
            chunk,
            first_ms,
            count,
            exchanges,
        ).flow_m3h
        for chunk in _chunks(meter_ids)
    ]
    return np.concatenate(pieces) if pieces else np.empty((0, count))


def load_nights(
    connection: Connection, meter_ids: Sequence[str], before_ms: int, zone: ZoneInfo
) -> tuple[Ints, Floats]:
    """Return the days and the M x N nightly minima of the nights before an instant."""
    count = HISTORY_NIGHTS * 24
    grid = local_grid(before_ms - count * HOUR_MS, count, zone)
    days = np.unique(grid.local_days)
    is_wanted = np.isin(grid.local_hours, (*NIGHT_HOURS, max(NIGHT_HOURS) + 1))
    utc_hours = sorted({int(hour_ms // HOUR_MS % 24) for hour_ms in grid.hours_ms[is_wanted]})
    exchanges = _exchanges(connection, int(grid.hours_ms[0]), before_ms)
    pieces = []
    for chunk in _chunks(meter_ids):
        cells = _hour_cells(connection, chunk, (int(grid.hours_ms[0]), before_ms), utc_hours)
        flows = flows_on_grid(cells, chunk, int(grid.hours_ms[0]), count, exchanges)
        minima, counts = night_minima(flows.flow_m3h, grid.local_hours, grid.local_days, days)
        pieces.append(np.where(counts == len(NIGHT_HOURS), minima, np.nan))
    return days, np.concatenate(pieces) if pieces else np.empty((0, len(days)))


def load_peaks(connection: Connection, meter_ids: Sequence[str], before_ms: int) -> Floats:
    """Return the highest flow of an hour of each meter in the weeks before an instant, in m3/h.

    Taken from the totaliser over the longest stretch inside one hour; a meter that is read once
    an hour gives its highest instantaneous flow instead. NaN where nothing is known.
    """
    hourly = READING_HOURLY.c
    span_h = (hourly.last_at_ms - hourly.first_at_ms) / float(HOUR_MS)
    rate = case(
        (span_h >= SHORTEST_PEAK_H, (hourly.last_m3 - hourly.first_m3) / span_h),
        else_=None,
    )
    from_ms = before_ms - HISTORY_NIGHTS * 24 * HOUR_MS
    exchanges = _exchanges(connection, from_ms, before_ms)
    known: dict[str, float] = {}
    for chunk in _chunks(meter_ids):
        joined = [
            (each, at_ms - at_ms % HOUR_MS) for each in chunk for at_ms in exchanges.get(each, ())
        ]
        query = (
            select(hourly.meter_id, func.max(rate), func.max(hourly.flow_max_m3h))
            .where(
                hourly.meter_id.in_(chunk),
                hourly.hour_at_ms >= from_ms,
                hourly.hour_at_ms < before_ms,
                tuple_(hourly.meter_id, hourly.hour_at_ms).not_in(joined),
            )
            .group_by(hourly.meter_id)
        )
        for meter_id, by_totaliser, instantaneous in connection.execute(query):
            peak = instantaneous if by_totaliser is None else by_totaliser
            if peak is not None:
                known[meter_id] = float(peak)
    return np.array([known.get(each, np.nan) for each in meter_ids], dtype=np.float64)


def first_recent_hour(now_utc: datetime, zone: ZoneInfo) -> int:
    """Return the first hour of the recent grid: a local midnight, so that no night is cut."""
    local = now_utc.astimezone(zone) - timedelta(hours=RECENT_HOURS)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    start_ms = ms_from_utc(midnight.astimezone(UTC))
    return start_ms - start_ms % HOUR_MS


def _exchanges(connection: Connection, from_ms: int, to_ms: int) -> Mapping[str, Sequence[int]]:
    """Return by meter when another device began to count for it (RULINGS R13)."""
    device = DEVICE_METER.c
    found: dict[str, list[int]] = {}
    rows = connection.execute(
        select(device.meter_id, device.valid_from_at_ms).where(
            device.valid_from_at_ms > max(from_ms, EARLIEST_MS), device.valid_from_at_ms < to_ms
        )
    )
    for meter_id, valid_from_at_ms in rows:
        found.setdefault(meter_id, []).append(valid_from_at_ms)
    return found


def _hour_cells(
    connection: Connection,
    meter_ids: Sequence[str],
    span_ms: tuple[int, int],
    utc_hours: Sequence[int] | None,
) -> Iterable[HourCell]:
    hourly = READING_HOURLY.c
    query = select(
        hourly.meter_id,
        hourly.hour_at_ms,
        hourly.quantity,
        hourly.first_at_ms,
        hourly.first_m3,
        hourly.last_at_ms,
        hourly.last_m3,
    ).where(
        hourly.meter_id.in_(meter_ids),
        hourly.hour_at_ms >= span_ms[0],
        hourly.hour_at_ms < span_ms[1],
    )
    if utc_hours is not None:
        query = query.where((hourly.hour_at_ms // HOUR_MS % 24).in_(utc_hours))
    for row in connection.execute(query):
        yield row[0], row[1], row[2], row[3], row[4], row[5], row[6]


def _chunks(meter_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(meter_ids), _CHUNK):
        yield meter_ids[start : start + _CHUNK]
