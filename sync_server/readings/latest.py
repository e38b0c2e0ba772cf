"""Decides what is newest of one meter, quantity by quantity, whatever order it arrived in."""

from collections.abc import Mapping

from sync_server.readings.reading_rows import ReadingRow
from wire_contracts.quantities import Quantity
from wire_contracts.quick_values import quick_value

LatestValue = tuple[float | None, int, str | None]
"""Value (None when bad), when it was measured in ms, quality code (None when good)."""


@quick_value
class Latest:
    """The newest of one meter.

    Attributes:
        measured_at_ms: Newest instant.
        valued_at_ms: Newest instant that carried at least one value.
        gateway_id: Who brought the newest instant.
        values: Quantity to its newest value.
    """

    measured_at_ms: int
    valued_at_ms: int | None
    gateway_id: str
    values: Mapping[Quantity, LatestValue]


def see_row(latest: Latest | None, row: ReadingRow, gateway_id: str) -> Latest:
    """Return the newest of a meter after one of its rows was added or changed."""
    at_ms = row.measured_at_ms
    if latest is None:
        latest = Latest(measured_at_ms=at_ms, valued_at_ms=None, gateway_id=gateway_id, values={})
    cells = _cells(row)
    if at_ms < latest.measured_at_ms:
        older = latest.values
        cells = {
            name: cell
            for name, cell in cells.items()
            if name not in older or at_ms >= older[name][1]
        }
    is_newest = at_ms > latest.measured_at_ms or (
        at_ms == latest.measured_at_ms and gateway_id > latest.gateway_id
    )
    valued_at_ms = latest.valued_at_ms
    if row.values and (valued_at_ms is None or at_ms > valued_at_ms):
        valued_at_ms = at_ms
    return Latest(
        measured_at_ms=max(at_ms, latest.measured_at_ms),
        valued_at_ms=valued_at_ms,
        gateway_id=gateway_id if is_newest else latest.gateway_id,
        values={**latest.values, **cells},
    )


def _cells(row: ReadingRow) -> dict[Quantity, LatestValue]:
    at_ms, quality = row.measured_at_ms, row.quality
    if not quality:
        return {name: (value, at_ms, None) for name, value in row.values.items()}
    bad: dict[Quantity, LatestValue] = {
        name: (None, at_ms, code) for name, code in quality.items() if name not in row.values
    }
    for name, value in row.values.items():
        bad[name] = (value, at_ms, quality.get(name))
    return bad
