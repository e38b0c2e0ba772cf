"""Owns which readings' register words leave the server for another decoding (R17)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true

from sync_server.assets.asset_store import load_device_map
from sync_server.db.reading_tables import READING
from sync_server.readings.reading_rows import ReadingRow, revision_of
from sync_server.readings.row_store import reading_row
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, Frame, ms_from_utc, utc_from_ms
from wire_contracts.meter_frames import UNKNOWN_DEVICE, UNNUMBERED, MeterFrame

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which readings; None wants all.

    Attributes:
        profile: Reference that decoded them, such as `tuf_2000m@1`, in whatever byte order was
            found for the meter; readings in which only some quantities are still of it are
            among them.
        device: Serial of the device, for the times at which it was a meter.
        from_utc: First instant.
        to_utc: Behind the last instant.
    """

    profile: str | None = None
    device: str | None = None
    from_utc: datetime | None = None
    to_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    device: str
    from_ms: int
    to_ms: int


def raw_frames(connection: Connection, wanted: Wanted) -> Iterator[MeterFrame]:
    """Return one frame per reading and register group that carries words, by meter and instant.

    Each has the words of its group exactly as its frame brought them, and no values. The rows are
    read as they are asked for, so that any number of them fits into memory.
    """
    uses = _uses(connection)
    query = select(READING).where(*_conditions(wanted, uses)).order_by(*READING.primary_key.columns)
    streamed = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
    for row in map(reading_row, streamed):
        profile = row.profile if wanted.profile is None else _of_profile(row, wanted.profile)
        if profile is not None:
            yield from _frames(row, profile, uses.get(row.meter_id, ()))


def _uses(connection: Connection) -> Mapping[str, Sequence[_Use]]:
    found: dict[str, list[_Use]] = {}
    for device, mappings in load_device_map(connection).devices.items():
        for use in mappings:
            to_ms = LATEST_MS + 1 if use.valid_to_ms is None else use.valid_to_ms
            found.setdefault(use.meter_id, []).append(
                _Use(device=device, from_ms=use.valid_from_ms, to_ms=to_ms)
            )
    return found


def _conditions(
    wanted: Wanted, uses: Mapping[str, Sequence[_Use]]
) -> Iterator[ColumnElement[bool]]:
    at_ms = READING.c.measured_at_ms
    yield at_ms >= (EARLIEST_MS if wanted.from_utc is None else ms_from_utc(wanted.from_utc))
    yield at_ms < (LATEST_MS + 1 if wanted.to_utc is None else ms_from_utc(wanted.to_utc))
    yield READING.c.raw.is_not(None)
    if wanted.profile is not None:
        yield or_(
            READING.c.profile == wanted.profile,
            READING.c.profile.startswith(f"{wanted.profile}+", autoescape=True),
            READING.c.older_revisions.is_not(None),
        )
    if wanted.device is not None:
        yield or_(
            ~true(),
            *(
                and_(READING.c.meter_id == meter_id, at_ms >= use.from_ms, at_ms < use.to_ms)
                for meter_id, of_meter in uses.items()
                for use in of_meter
                if use.device == wanted.device
            ),
        )


def _of_profile(row: ReadingRow, wanted: str) -> str | None:
    """Return the reference under which the row, or one of its quantities, is of this profile."""
    profile, plus, order = row.profile.partition("+")
    if wanted in {row.profile, profile}:
        return row.profile
    is_same_id = profile.rpartition("@")[0] == wanted.rpartition("@")[0]
    is_older = is_same_id and revision_of(wanted) in row.older_revisions.values()
    return f"{wanted}{plus}{order}" if is_older else None


def _frames(row: ReadingRow, profile: str, uses: Sequence[_Use]) -> Iterator[MeterFrame]:
    devices = [use.device for use in uses if use.from_ms <= row.measured_at_ms < use.to_ms]
    for group in sorted(row.raw):
        frame = Frame(
            seq=UNNUMBERED,
            device=min(devices, default=UNKNOWN_DEVICE),
            measured_at_utc=utc_from_ms(row.measured_at_ms),
            profile=profile,
            group=group,
            values={},
            raw=row.raw[group],
            time_quality=row.time_quality,
        )
        yield MeterFrame(meter_id=row.meter_id, frame=frame)
