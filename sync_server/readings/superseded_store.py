"""Owns what columns said at lower revisions, whatever the order in which it arrived (R2, R17)."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, select, tuple_
from sqlalchemy import Row as SqlRow

from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.reading_tables import READING_CORRECTION
from sync_server.readings.reading_rows import Superseded, merge_superseded
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity

_CHUNK = 200
_Key = tuple[str, int, Quantity, int]


def write_superseded(connection: Connection, superseded: Sequence[Superseded]) -> None:
    """Keep what higher revisions have replaced.

    Frames of one revision may come apart, one without a value and one with it, before and after
    the frame that replaces both: what is kept is the same in any order.
    """
    arrived: dict[_Key, Superseded] = {}
    for item in superseded:
        _merge_into(arrived, item)
    if not arrived:
        return
    kept = dict(_load(connection, {(key[0], key[1]) for key in arrived}))
    for item in arrived.values():
        _merge_into(kept, item)
    rows = [_cells(kept[key]) for key in sorted(arrived)]
    write_rows(connection, READING_CORRECTION, rows, OnExisting.REPLACE)


def _merge_into(known: dict[_Key, Superseded], item: Superseded) -> None:
    key = (item.meter_id, item.measured_at_ms, item.quantity, item.revision)
    before = known.get(key)
    known[key] = item if before is None else merge_superseded(before, item)


def _load(connection: Connection, instants: Iterable[tuple[str, int]]) -> Mapping[_Key, Superseded]:
    columns = READING_CORRECTION.c
    wanted = sorted(instants)
    found: dict[_Key, Superseded] = {}
    for start in range(0, len(wanted), _CHUNK):
        is_wanted = tuple_(columns.meter_id, columns.measured_at_ms).in_(
            wanted[start : start + _CHUNK]
        )
        for row in connection.execute(select(READING_CORRECTION).where(is_wanted)):
            item = _superseded(row)
            found[item.meter_id, item.measured_at_ms, item.quantity, item.revision] = item
    return found


def _superseded(row: SqlRow[tuple[str]]) -> Superseded:
    return Superseded(
        meter_id=row.meter_id,
        measured_at_ms=row.measured_at_ms,
        quantity=Quantity(row.quantity),
        revision=row.revision,
        value=row.value,
        quality=None if row.quality is None else QualityCode(row.quality),
    )


def _cells(item: Superseded) -> Row:
    return (
        item.meter_id,
        item.measured_at_ms,
        str(item.quantity),
        item.revision,
        item.value,
        item.quality,
    )
