"""Writes what is later than all that its meters have: rows, newest and hours, nothing read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from sqlalchemy import Connection

from sync_server.db.arrival_rows import CHANNELS
from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.reading_tables import FRAME_LEDGER, READING, READING_HOURLY, READING_LATEST
from sync_server.readings.fresh import FreshFrame, FreshMeter, Picked
from sync_server.readings.hourly import Hour, add_sound, hour_of
from sync_server.readings.ingest_memory import IngestMemory
from sync_server.readings.latest import Latest, LatestValue, make_latest
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


def write_fresh(connection: Connection, memory: IngestMemory, picked: Picked) -> Sequence[Row]:
    """Write the fresh frames; return their rows as detection has them (`arrival_rows`)."""
    if not picked.ledger:
        return ()
    readings: list[Row] = []
    arrived: list[Row] = []
    latest_rows: list[Row] = []
    hour_rows: list[Row] = []
    for meter_id in sorted(picked.meters):
        fresh = picked.meters[meter_id]
        if not fresh.frames:
            continue
        _lay_out(readings, arrived, meter_id, fresh.frames)
        memory.touch(fresh.gateway_id)
        packed = memory.unopened(meter_id)
        stepped = None if packed is None else step_on(meter_id, packed, fresh)
        if packed is None or stepped is None:
            _step_unsteady(memory, meter_id, fresh, (latest_rows, hour_rows))
            continue
        memory.touch(packed.gateway_id)
        memory.replace(meter_id, stepped.packed)
        latest_rows.append(stepped.latest)
        hour_rows += stepped.hours
    memory.put_away()
    write_rows(connection, FRAME_LEDGER, picked.ledger, OnExisting.KEEP)
    write_rows(connection, READING, readings, OnExisting.FAIL)
    write_rows(connection, READING_LATEST, latest_rows, OnExisting.REPLACE)
    write_rows(connection, READING_HOURLY, hour_rows, OnExisting.REPLACE)
    return arrived


def _step_unsteady(
    memory: IngestMemory, meter_id: str, fresh: FreshMeter, rows: tuple[list[Row], list[Row]]
) -> None:
    """Take in a meter whose values, newest and hour are put together one by one."""
    latest_rows, hour_rows = rows
    known = memory.meter(meter_id)
    hours = _hours(None if known is None else known.hour, fresh)
    latest = _latest(None if known is None else known.latest, fresh)
    if known is not None:
        memory.touch(known.latest.gateway_id)
    memory.change(meter_id, make_memory(latest=latest, hour=hours[-1]))
    latest_rows.append(latest_cells(meter_id, latest))
    hour_rows += [hourly_cells(meter_id, hour) for hour in hours]


def _lay_out(
    readings: list[Row], arrived: list[Row], meter_id: str, frames: Sequence[FreshFrame]
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
