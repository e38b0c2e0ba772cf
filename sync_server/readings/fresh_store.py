"""Writes what is later than all that its meters have: rows, newest and hours, nothing read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from operator import itemgetter

import psycopg
from sqlalchemy import Connection

from sync_server.db.arrival_rows import CHANNELS
from sync_server.db.bulk_io import OnExisting, Row, write_new_rows, write_packed, write_rows
from sync_server.db.reading_tables import READING, READING_HOURLY, READING_LATEST
from sync_server.readings.fresh import FreshFrame, FreshMeter, Picked
from sync_server.readings.hourly import Hour, add_sound, hour_of
from sync_server.readings.ingest_memory import IngestMemory
from sync_server.readings.latest import Latest, LatestValue, make_latest
from sync_server.readings.ledger_store import write_runs
from sync_server.readings.packed_readings import PackedReadings
from sync_server.readings.raw_words import pack_group
from sync_server.readings.reading_rows import revision_of
from sync_server.readings.remembered import make_memory
from sync_server.readings.row_store import hourly_cells, latest_cells
from sync_server.readings.steady import step_on
from wire_contracts.quantities import Quantity

_ALL = tuple(Quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How a frame with values of some quantities becomes rows.

    Attributes:
        quantities: Of the values, in their order.
        columns: From what `_lay_out` has of a frame, its row of `reading`.
        channels: From the same, its row for detection.
    """

    quantities: tuple[Quantity, ...]
    columns: Callable[[Row], Row]
    channels: Callable[[Row], Row]


@dataclass(slots=True)
class _Rows:
    """What a transaction writes.

    Attributes:
        readings: Of `reading`, on SQLite; PostgreSQL takes them packed.
        latest: Of `reading_latest`.
        hours: Of `reading_hourly`, those begun before.
        new_hours: Of the same, later than all that their meters have.
    """

    readings: list[Row] = field(default_factory=list)
    latest: list[Row] = field(default_factory=list)
    hours: list[Row] = field(default_factory=list)
    new_hours: list[Row] = field(default_factory=list)

    def take(self, latest: Row, hours: Sequence[Row], *, is_first_known: bool) -> None:
        """Take the newest of a meter and its hours, ascending."""
        self.latest.append(latest)
        self.hours += hours[: int(is_first_known)]
        self.new_hours += hours[int(is_first_known) :]


def write_fresh(connection: Connection, memory: IngestMemory, picked: Picked) -> Sequence[Row]:
    """Write the fresh frames; return their rows as detection has them (`arrival_rows`)."""
    if not picked.runs:
        return ()
    arrived: list[Row] = []
    rows = _Rows()
    packer = _packer(connection, picked)
    lay_out = partial(_lay_out, rows.readings) if packer is None else packer.add
    for meter_id in sorted(picked.meters):
        fresh = picked.meters[meter_id]
        if not fresh.frames:
            continue
        lay_out(meter_id, fresh.frames, arrived)
        memory.touch(fresh.gateway_id)
        packed = memory.unopened(meter_id)
        stepped = None if packed is None else step_on(meter_id, packed, fresh)
        if packed is None or stepped is None:
            _step_unsteady(memory, meter_id, fresh, rows)
            continue
        memory.touch(packed.gateway_id)
        memory.replace(meter_id, stepped.packed)
        rows.take(stepped.latest, stepped.hours, is_first_known=stepped.is_first_known)
    memory.put_away()
    write_runs(connection, picked.runs)
    if packer is not None:
        write_packed(connection, READING, packer.names, packer.parts)
    write_rows(connection, READING, rows.readings, OnExisting.FAIL)
    write_rows(connection, READING_LATEST, rows.latest, OnExisting.REPLACE)
    write_rows(connection, READING_HOURLY, rows.hours, OnExisting.REPLACE)
    write_new_rows(connection, READING_HOURLY, rows.new_hours)
    return arrived


def _packer(connection: Connection, picked: Picked) -> PackedReadings | None:
    """Return who packs rows as PostgreSQL takes them; None on SQLite."""
    if connection.dialect.name == "sqlite":
        return None
    raw = connection.connection.driver_connection
    encoding = raw.info.encoding if isinstance(raw, psycopg.Connection) else "utf-8"
    return PackedReadings(picked.kinds, encoding)


def _step_unsteady(memory: IngestMemory, meter_id: str, fresh: FreshMeter, rows: _Rows) -> None:
    """Take in a meter whose values, newest and hour are put together one by one."""
    known = memory.meter(meter_id)
    hours = _hours(None if known is None else known.hour, fresh)
    latest = _latest(None if known is None else known.latest, fresh)
    if known is not None:
        memory.touch(known.latest.gateway_id)
    memory.change(meter_id, make_memory(latest=latest, hour=hours[-1]))
    rows.take(
        latest_cells(meter_id, latest),
        [hourly_cells(meter_id, hour) for hour in hours],
        is_first_known=known is not None and known.hour.hour_at_ms == hours[0].hour_at_ms,
    )


def _lay_out(
    readings: list[Row], meter_id: str, frames: Sequence[FreshFrame], arrived: list[Row]
) -> None:
    """Append the rows of a meter, as `row_store.reading_cells` and `arrival_rows` have them."""
    for at_ms, names, values, profile, group, raw in frames:
        shape = _shape(names)
        words = None if raw is None else pack_group(group, raw)
        cells = (meter_id, at_ms, None, profile, revision_of(profile), words, *values.values())
        readings.append(shape.columns(cells))
        arrived.append(shape.channels(cells))


def _latest(known: Latest | None, fresh: FreshMeter) -> Latest:
    """Return the newest of a meter after its frames, as `latest.see_row` would row by row."""
    values: dict[Quantity, LatestValue] = {} if known is None else dict(known.values)
    before: tuple[str, ...] = ()
    newest: dict[Quantity, LatestValue] = {}
    for at_ms, names, numbers, _, _, _ in reversed(fresh.frames):
        if names == before:
            continue
        before = names
        for quantity, value in zip(_shape(names).quantities, numbers.values(), strict=True):
            newest.setdefault(quantity, (value, at_ms, None))
    values.update(newest)
    return make_latest(
        measured_at_ms=fresh.newest_ms,
        valued_at_ms=fresh.newest_ms,
        gateway_id=fresh.gateway_id,
        values=values,
    )


def _hours(known: Hour | None, fresh: FreshMeter) -> list[Hour]:
    """Return the hours that the frames lie in, ascending, with the frames in them."""
    hours: list[Hour] = []
    frames, first = fresh.frames, 0
    while first < len(frames):
        hour_at_ms = hour_of(frames[first][0])
        end = first + 1
        while end < len(frames) and hour_of(frames[end][0]) == hour_at_ms:
            end += 1
        is_known = known is not None and known.hour_at_ms == hour_at_ms
        hour = known if known is not None and is_known else Hour(hour_at_ms=hour_at_ms)
        samples = [(frame[0], frame[2]) for frame in frames[first:end]]
        hours.append(add_sound(hour, samples, fresh.medium))
        first = end
    return hours


_METER, _INSTANT, _NONE, _PROFILE, _REVISION, _WORDS, _FIRST = range(7)
"""Places of what `_lay_out` has of a frame; the values begin at the last one."""


@lru_cache(maxsize=4096)
def _shape(names: tuple[str, ...]) -> _Shape:
    quantities = tuple(map(Quantity, names))
    place = {quantity: at for at, quantity in enumerate(quantities, start=_FIRST)}
    columns = [place.get(name, _NONE) for name in _ALL]
    channels = [place.get(name, _NONE) for name in CHANNELS]
    behind = (_NONE, _PROFILE, _REVISION, _NONE, _NONE, _WORDS)
    return _Shape(
        quantities=quantities,
        columns=itemgetter(_METER, _INSTANT, *columns, *behind),
        channels=itemgetter(_METER, _INSTANT, *channels, _NONE),
    )
