"""Decides what is newest of one meter, quantity by quantity, whatever order it arrived in."""

from collections.abc import Mapping

import orjson

from sync_server.readings.reading_rows import ReadingRow
from wire_contracts.quantities import Quantity
from wire_contracts.quick_values import maker_of, quick_value

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS

LatestValue = tuple[float | None, int, str | None]
"""Value (None when bad), when it was measured in ms, quality code (None when good)."""


def state_text(values: Mapping[Quantity, LatestValue]) -> str:
    """Return the values as the column `state` of `reading_latest` has them."""
    return orjson.dumps(values, option=_OPTIONS).decode()


def values_of(text: str) -> dict[Quantity, LatestValue]:
    """Return the values of a text of `state_text`."""
    return {
        Quantity(name): (value, at_ms, code)
        for name, (value, at_ms, code) in orjson.loads(text).items()
    }


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


make_latest = maker_of(Latest)


def see_row(latest: Latest | None, row: ReadingRow, gateway_id: str) -> Latest:
    """Return the newest of a meter after one of its rows was added or changed."""
    at_ms, cells = row.measured_at_ms, _cells(row)
    valued_at_ms = at_ms if row.values else None
    if latest is None:
        return make_latest(
            measured_at_ms=at_ms, valued_at_ms=valued_at_ms, gateway_id=gateway_id, values=cells
        )
    known, newest_ms, valued_before_ms = latest.values, latest.measured_at_ms, latest.valued_at_ms
    if at_ms < newest_ms:
        cells = {
            name: cell
            for name, cell in cells.items()
            if name not in known or at_ms >= known[name][1]
        }
    is_newest = at_ms > newest_ms or (at_ms == newest_ms and gateway_id > latest.gateway_id)
    if valued_at_ms is None or (valued_before_ms is not None and valued_before_ms > valued_at_ms):
        valued_at_ms = valued_before_ms
    return make_latest(
        measured_at_ms=max(at_ms, newest_ms),
        valued_at_ms=valued_at_ms,
        gateway_id=gateway_id if is_newest else latest.gateway_id,
        values={**known, **cells},
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
