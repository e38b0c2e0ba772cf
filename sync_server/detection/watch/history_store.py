"""Owns how stored readings of the past become rows for detection."""

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Connection, func, select

from sync_server.db.arrival_rows import (
    CHANNELS,
    ArrivedRows,
    join_rows,
    no_rows,
    without_doubtful,
)
from sync_server.db.reading_tables import METER_EVENT, READING

_CHUNK = 400


def oldest_reading_ms(connection: Connection, meter_ids: Sequence[str]) -> int | None:
    """Return the first instant of any of these meters, None when they have no reading."""
    oldest = [
        connection.execute(
            select(func.min(READING.c.measured_at_ms)).where(READING.c.meter_id.in_(chunk))
        ).scalar_one()
        for chunk in _chunks(meter_ids)
    ]
    known: list[int] = [each for each in oldest if each is not None]
    return min(known) if known else None


def load_history(
    connection: Connection, meter_ids: Sequence[str], from_ms: int, to_ms: int
) -> ArrivedRows:
    """Return the readings of these meters in [from, to), by meter and instant.

    When they arrived is not known any more: they count as having arrived when they were measured.
    """
    return join_rows(
        [_load(connection, chunk, from_ms, to_ms) for chunk in _chunks(meter_ids)] or [no_rows()]
    )


def _load(
    connection: Connection, meter_ids: Sequence[str], from_ms: int, to_ms: int
) -> ArrivedRows:
    rows = connection.execute(
        select(
            READING.c.meter_id,
            READING.c.measured_at_ms,
            READING.c.quality,
            *(READING.c[str(name)] for name in CHANNELS),
        )
        .where(
            READING.c.meter_id.in_(meter_ids),
            READING.c.measured_at_ms >= from_ms,
            READING.c.measured_at_ms < to_ms,
        )
        .order_by(READING.c.meter_id, READING.c.measured_at_ms)
    ).all()
    found = [
        row
        for row in rows
        if row.quality is None or any(each is not None for each in tuple(row)[3:])
    ]
    if not found:
        return no_rows()
    columns = list(zip(*found, strict=True))
    place = {(row.meter_id, row.measured_at_ms): at for at, row in enumerate(found)}
    said = connection.execute(
        select(METER_EVENT).where(
            METER_EVENT.c.meter_id.in_(meter_ids),
            METER_EVENT.c.measured_at_ms >= from_ms,
            METER_EVENT.c.measured_at_ms < to_ms,
        )
    )
    values = np.array(columns[3:], dtype=np.float64).T.copy()
    at_ms = np.array(columns[1], dtype=np.int64)
    return ArrivedRows(
        meter_ids=[str(name) for name in columns[0]],
        measured_at_ms=at_ms,
        received_at_ms=at_ms.copy(),
        values=without_doubtful(values, columns[2]),
        events=[
            (place[row.meter_id, row.measured_at_ms], row.event)
            for row in said
            if (row.meter_id, row.measured_at_ms) in place
        ],
    )


def _chunks(meter_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(meter_ids), _CHUNK):
        yield meter_ids[start : start + _CHUNK]
