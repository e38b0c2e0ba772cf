"""Decides what is newest of one meter, quantity by quantity, whatever order it arrived in."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import orjson
from typing_extensions import override

from sync_server.readings.reading_rows import ReadingRow
from wire_contracts.quantities import Quantity
from wire_contracts.quick_values import quick_value

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS

LatestValue = tuple[float | None, int, str | None]
"""Value (None when bad), when it was measured in ms, quality code (None when good)."""


class PackedValues(Mapping[Quantity, LatestValue]):
    """What `Latest.values` holds, as the text of its column: a third of the memory.

    Taken apart at each use; the ingest rarely needs more than which quantities there are.
    """

    __slots__ = ("_names", "text")

    def __init__(self, values: Mapping[Quantity, LatestValue]) -> None:
        """Pack the values."""
        self._names = _name_set(tuple(values))
        self.text = state_text(values)

    def unpacked(self) -> dict[Quantity, LatestValue]:
        """Return the values."""
        return values_of(self.text)

    def covered_by(self, values: Mapping[Quantity, LatestValue]) -> bool:
        """Return whether all of its quantities are among these."""
        return self._names <= values.keys()

    @override
    def __getitem__(self, name: Quantity) -> LatestValue:
        """Return the newest value of a quantity."""
        return self.unpacked()[name]

    @override
    def __iter__(self) -> Iterator[Quantity]:
        """Yield the quantities."""
        return iter(self._names)

    @override
    def __len__(self) -> int:
        """Return how many quantities there are."""
        return len(self._names)


@lru_cache(maxsize=4096)
def _name_set(names: tuple[Quantity, ...]) -> frozenset[Quantity]:
    """Return the names as a set that all meters alike share."""
    return frozenset(names)


def state_text(values: Mapping[Quantity, LatestValue]) -> str:
    """Return the values as the column `state` of `reading_latest` has them."""
    if isinstance(values, PackedValues):
        return values.text
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
        values: Quantity to its newest value; packed where it is remembered for long.
    """

    measured_at_ms: int
    valued_at_ms: int | None
    gateway_id: str
    values: Mapping[Quantity, LatestValue]


def packed(latest: Latest) -> Latest:
    """Return the newest of a meter as it is remembered for long."""
    values = latest.values
    return Latest(
        measured_at_ms=latest.measured_at_ms,
        valued_at_ms=latest.valued_at_ms,
        gateway_id=latest.gateway_id,
        values=values if isinstance(values, PackedValues) else PackedValues(values),
    )


def see_row(latest: Latest | None, row: ReadingRow, gateway_id: str) -> Latest:
    """Return the newest of a meter after one of its rows was added or changed."""
    at_ms = row.measured_at_ms
    if latest is None:
        latest = Latest(measured_at_ms=at_ms, valued_at_ms=None, gateway_id=gateway_id, values={})
    cells = _cells(row)
    is_late = at_ms < latest.measured_at_ms
    known: Mapping[Quantity, LatestValue] = latest.values
    if isinstance(known, PackedValues):
        known = {} if not is_late and known.covered_by(cells) else known.unpacked()
    if is_late:
        cells = {
            name: cell
            for name, cell in cells.items()
            if name not in known or at_ms >= known[name][1]
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
        values={**known, **cells} if known else cells,
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
