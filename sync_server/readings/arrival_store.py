"""Owns the list of what arrived, which detection follows.

Every row that a transaction stored or changed is in it, and what it could not store but tells of
a wrong clock: a stamp of the future, and a value that contradicts the one stored at its instant.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from sync_server.assets.device_map import DeviceMap
from sync_server.db.arrival_rows import carries_value, pack_rows
from sync_server.db.bulk_io import Row
from sync_server.db.detection_tables import READING_ARRIVAL
from sync_server.db.ingest_turns import take_number
from sync_server.readings.arrivals import Accepted, FrameKey, Refused
from sync_server.readings.reading_rows import row_of
from sync_server.readings.row_store import reading_cells
from wire_contracts.codes import Code
from wire_contracts.frames import parse_frame
from wire_contracts.payloads import read_json

ArrivalTime = Callable[[FrameKey], int]
"""When a frame arrived, in ms, where that is known better than by its transaction."""

RowTime = Callable[[tuple[str, int]], int]
"""The same of a row: meter and instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedRows:
    """What a transaction stored.

    Attributes:
        cells: Rows in the order of the columns of `reading`.
        conflicts: Frames that contradict a row.
        events: What meters said of themselves: (meter, instant, canonical event).
        ready: Rows as they travel, which come before those of `cells` and have a value each.
    """

    cells: Sequence[Row]
    conflicts: Sequence[Accepted] = ()
    events: Sequence[tuple[str, int, str]] = ()
    ready: Sequence[Row] = ()


def note_rows(
    connection: Connection, noted: NotedRows, received_at_ms: int, arrived: RowTime | None
) -> None:
    """Enter the rows, and beside them frames that contradict one.

    The last thing of a transaction: from here to its commit other writers wait for their number.
    """
    opposed = [
        reading_cells(row_of(item.use.meter_id, item.measured_at_ms, item.frame))
        for item in noted.conflicts
    ]
    cells = [*noted.cells, *opposed]
    whole = NotedRows(cells=cells, events=noted.events, ready=noted.ready)
    _write(connection, whole, received_at_ms, arrived)


def note_future(
    connection: Connection,
    refused: Sequence[Refused],
    devices: DeviceMap,
    received_at_ms: int,
    arrived: ArrivalTime | None,
) -> None:
    """Enter the frames of known meters that were refused for a stamp of the future alone."""
    cells: list[Row] = []
    times: dict[tuple[str, int], int] = {}
    for item in refused:
        if item.code is not Code.READING_FUTURE or item.measured_at_ms is None:
            continue
        use = devices.find(item.device_serial or "", item.measured_at_ms)
        if use is None:
            continue
        frame = parse_frame(read_json("quarantine", item.body))
        cells.append(reading_cells(row_of(use.meter_id, item.measured_at_ms, frame)))
        if arrived is not None:
            times[use.meter_id, item.measured_at_ms] = arrived(item.key)
    time_of = None if arrived is None else times.__getitem__
    _write(connection, NotedRows(cells=cells), received_at_ms, time_of)


def _write(
    connection: Connection, noted: NotedRows, received_at_ms: int, arrived: RowTime | None
) -> None:
    cells = [row for row in noted.cells if carries_value(row)]
    if not cells and not noted.ready:
        return
    each_ms = (
        None if arrived is None else [arrived((str(row[0]), int(row[1] or 0))) for row in cells]
    )
    row = {
        "received_at_ms": received_at_ms,
        "row_count": len(noted.ready) + len(cells),
        "body": pack_rows(cells, each_ms, _placed(noted, cells), noted.ready),
    }
    take_number(connection)
    connection.execute(insert(READING_ARRIVAL), row)


def _placed(noted: NotedRows, cells: Sequence[Row]) -> Sequence[tuple[int, str]]:
    """Return the events by the place of their row."""
    if not noted.events:
        return ()
    place = {(row[0], row[1]): at for at, row in enumerate(cells, start=len(noted.ready))}
    return [
        (place[meter_id, at_ms], event)
        for meter_id, at_ms, event in noted.events
        if (meter_id, at_ms) in place
    ]
