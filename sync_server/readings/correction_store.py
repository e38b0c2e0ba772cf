"""Owns the transaction of corrections: rows, what they replaced, latest and hours (R17)."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, select

from sync_server.db.asset_tables import METER
from sync_server.db.bulk_io import OnExisting, write_rows
from sync_server.db.reading_tables import METER_EVENT, READING, READING_HOURLY, READING_LATEST
from sync_server.db.server_store import raise_correction_version
from sync_server.readings.corrections import Corrected, CorrectionRule, Verdict, correct_row
from sync_server.readings.hourly import hour_of
from sync_server.readings.ingest_memory import overtake
from sync_server.readings.latest import Latest, see_row
from sync_server.readings.reading_rows import ReadingRow, Superseded
from sync_server.readings.row_store import (
    hourly_cells,
    latest_cells,
    latest_of,
    load_hours,
    load_newest_valued,
    load_rows,
    reading_cells,
)
from sync_server.readings.superseded_store import write_superseded
from wire_contracts.frames import ms_from_utc
from wire_contracts.meter_frames import MeterFrame
from wire_contracts.quantities import Medium

_CHUNK = 400


def correct_readings(
    connection: Connection,
    lines: Sequence[MeterFrame],
    *,
    is_dry_run: bool,
    rule: CorrectionRule | None = None,
) -> Sequence[Corrected]:
    """Return what became of each line, written in the caller's transaction unless it is a dry run.

    Hours and latest values of the meters are found anew, every ingest that runs beside forgets
    what it remembers, and detection reads the meters' history again at its next look. Alerts are
    not touched: that look returns those whose condition no longer holds.
    """
    if not is_dry_run:
        overtake(connection)
    keys = sorted({_key(line) for line in lines})
    rows: dict[tuple[str, int], ReadingRow] = dict(load_rows(connection, keys))
    before = dict(rows)
    found: list[Corrected] = []
    for line in lines:
        corrected = correct_row(rows.get(_key(line)), line, rule)
        if corrected.verdict is Verdict.CHANGES and corrected.row is not None:
            rows[_key(line)] = corrected.row
        found.append(corrected)
    changed = [rows[key] for key in keys if key in rows and rows[key] != before[key]]
    if changed and not is_dry_run:
        superseded = [item for corrected in found for item in corrected.superseded]
        _write(connection, changed, before, superseded)
        _write_events(connection, lines, found)
        raise_correction_version(connection)
    return found


def _key(line: MeterFrame) -> tuple[str, int]:
    return line.meter_id, ms_from_utc(line.frame.measured_at_utc)


def _write(
    connection: Connection,
    changed: Sequence[ReadingRow],
    before: Mapping[tuple[str, int], ReadingRow],
    superseded: Sequence[Superseded],
) -> None:
    write_rows(connection, READING, [reading_cells(row) for row in changed], OnExisting.REPLACE)
    write_superseded(connection, superseded)
    _write_hours(connection, changed)
    emptied = {
        row.meter_id
        for row in changed
        if before[row.meter_id, row.measured_at_ms].values and not row.values
    }
    _write_latest(connection, changed, load_newest_valued(connection, emptied))


def _write_hours(connection: Connection, changed: Sequence[ReadingRow]) -> None:
    """Gather the touched hours anew; a meter that was removed has no medium and keeps its hours."""
    media = _load_media(connection, {row.meter_id for row in changed})
    hours = {
        (row.meter_id, hour_of(row.measured_at_ms)) for row in changed if row.meter_id in media
    }
    cells = [
        hourly_cells(meter_id, hour)
        for (meter_id, _), hour in load_hours(connection, sorted(hours), media).items()
    ]
    write_rows(connection, READING_HOURLY, cells, OnExisting.REPLACE)


def _write_latest(
    connection: Connection, changed: Sequence[ReadingRow], valued: Mapping[str, int | None]
) -> None:
    latest = _load_latest(connection, {row.meter_id for row in changed})
    for row in changed:
        known = latest.get(row.meter_id)
        if known is not None:
            latest[row.meter_id] = see_row(known, row, known.gateway_id)
    cells = [
        latest_cells(meter_id, _with_valued(known, valued, meter_id))
        for meter_id, known in sorted(latest.items())
    ]
    write_rows(connection, READING_LATEST, cells, OnExisting.REPLACE)


def _with_valued(latest: Latest, valued: Mapping[str, int | None], meter_id: str) -> Latest:
    if meter_id not in valued:
        return latest
    return Latest(
        measured_at_ms=latest.measured_at_ms,
        valued_at_ms=valued[meter_id],
        gateway_id=latest.gateway_id,
        values=latest.values,
    )


def _load_media(connection: Connection, meter_ids: Iterable[str]) -> dict[str, Medium]:
    return {
        row.meter_id: Medium(row.medium)
        for chunk in _chunks(meter_ids)
        for row in connection.execute(
            select(METER.c.meter_id, METER.c.medium).where(METER.c.meter_id.in_(chunk))
        )
    }


def _load_latest(connection: Connection, meter_ids: Iterable[str]) -> dict[str, Latest]:
    return {
        row.meter_id: latest_of(row)
        for chunk in _chunks(meter_ids)
        for row in connection.execute(
            select(READING_LATEST).where(READING_LATEST.c.meter_id.in_(chunk))
        )
    }


def _chunks(meter_ids: Iterable[str]) -> list[list[str]]:
    ordered = sorted(meter_ids)
    return [ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK)]


def _write_events(
    connection: Connection, lines: Sequence[MeterFrame], found: Sequence[Corrected]
) -> None:
    """Add the events that the corrected profile sees; what the wrong one saw stays on record."""
    rows = [
        (*_key(line), event)
        for line, corrected in zip(lines, found, strict=True)
        if corrected.verdict is Verdict.CHANGES
        for event in line.frame.events
    ]
    write_rows(connection, METER_EVENT, rows, OnExisting.KEEP)
