"""Owns what each meter used, month by month, from the hours that the ingest keeps."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo

from sqlalchemy import Connection, func, select

from sync_server.assets.assets import MeterClass
from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import DEVICE_METER, METER
from sync_server.db.reading_tables import READING_HOURLY
from sync_server.suspects.suspicion import MeterMonths, MonthAlert
from wire_contracts.frames import EARLIEST_MS, ms_from_utc
from wire_contracts.kinds import FindingResult, Kind
from wire_contracts.quantities import Medium

MONTHS = 13
"""The month and the twelve before it."""

_SLACK_MS = 3 * 86_400_000
"""A reading so long before a month's end still stands for it (daily readings may miss)."""


def month_bounds(month: str, zone: tzinfo, count: int) -> Sequence[int]:
    """Return the ends of the month (`2026-11`) and of the `count` before it, newest first, in ms.

    Raises:
        ValueError: The text is no month.
    """
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=zone)
    bounds = []
    year, number = first.year, first.month + 1
    for _ in range(count + 1):
        year, number = year + (number - 1) // 12, (number - 1) % 12 + 1
        moment = datetime(year, number, 1, tzinfo=zone)
        bounds.append(ms_from_utc(moment.astimezone(UTC)))
        number -= 1
        if number == 0:
            year, number = year - 1, 12
    return bounds


def load_months(connection: Connection, month: str, zone: tzinfo) -> Sequence[MeterMonths]:
    """Return every meter with its use in the month and before, and the month's alerts."""
    bounds = month_bounds(month, zone, MONTHS)
    registers = [_registers_at(connection, bound) for bound in bounds]
    exchanged = _exchanges(connection, bounds[-1], bounds[0])
    alerts = _alerts(connection, bounds[1], bounds[0])
    meters = connection.execute(
        select(METER.c.meter_id, METER.c.medium, METER.c.meter_class, METER.c.address).order_by(
            METER.c.meter_id
        )
    ).all()
    return [
        MeterMonths(
            meter_id=row.meter_id,
            medium=Medium(row.medium),
            meter_class=MeterClass(row.meter_class),
            address=row.address,
            used_m3=(used := _used(row.meter_id, registers, bounds, exchanged))[0],
            before_m3=used[1:],
            alerts=alerts.get(row.meter_id, ()),
        )
        for row in meters
    ]


def _used(
    meter_id: str,
    registers: Sequence[Mapping[str, float]],
    bounds: Sequence[int],
    exchanged: Mapping[str, Sequence[int]],
) -> Sequence[float | None]:
    """Return what a meter used in each month; an exchange joins no two registers."""
    moments = exchanged.get(meter_id, ())
    used: list[float | None] = []
    for at in range(MONTHS):
        end, begin = registers[at].get(meter_id), registers[at + 1].get(meter_id)
        is_joined = any(bounds[at + 1] < moment <= bounds[at] for moment in moments)
        used.append(None if end is None or begin is None or is_joined else round(end - begin, 3))
    return used


def _registers_at(connection: Connection, bound_ms: int) -> Mapping[str, float]:
    """Return each meter's register at an instant: its newest reading shortly before, or at it."""
    hourly = READING_HOURLY.c
    newest = (
        select(hourly.meter_id, func.max(hourly.hour_at_ms).label("hour_at_ms"))
        .where(
            hourly.hour_at_ms <= bound_ms,
            hourly.hour_at_ms > bound_ms - _SLACK_MS,
            hourly.first_m3.is_not(None),
        )
        .group_by(hourly.meter_id)
        .subquery()
    )
    rows = connection.execute(
        select(hourly.meter_id, hourly.hour_at_ms, hourly.first_m3, hourly.last_m3).join(
            newest,
            (newest.c.meter_id == hourly.meter_id) & (newest.c.hour_at_ms == hourly.hour_at_ms),
        )
    )
    return {
        row.meter_id: row.first_m3 if row.hour_at_ms == bound_ms else row.last_m3 for row in rows
    }


def _exchanges(connection: Connection, from_ms: int, to_ms: int) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    device = DEVICE_METER.c
    rows = connection.execute(
        select(device.meter_id, device.valid_from_at_ms).where(
            device.valid_from_at_ms > max(from_ms, EARLIEST_MS), device.valid_from_at_ms <= to_ms
        )
    )
    for meter_id, at_ms in rows:
        found.setdefault(meter_id, []).append(at_ms)
    return found


def _alerts(connection: Connection, from_ms: int, to_ms: int) -> Mapping[str, Sequence[MonthAlert]]:
    """Return alerts that stood in the month; one that a crew found to be normal says nothing."""
    found: dict[str, list[MonthAlert]] = {}
    rows = connection.execute(
        select(ALERT.c.meter_id, ALERT.c.kind, ALERT.c.score).where(
            ALERT.c.raised_at_ms < to_ms,
            (ALERT.c.returned_at_ms.is_(None)) | (ALERT.c.returned_at_ms >= from_ms),
            ALERT.c.retracted_at_ms.is_(None),
            (ALERT.c.finding_result.is_(None))
            | (ALERT.c.finding_result != str(FindingResult.NORMAL)),
        )
    )
    for meter_id, kind, score in rows:
        found.setdefault(meter_id, []).append(MonthAlert(kind=Kind(kind), score=score))
    return found
