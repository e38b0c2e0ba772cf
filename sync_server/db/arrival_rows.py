"""Decides how the rows of one ingest transaction travel to detection: packed, there and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import orjson
from numpy.typing import NDArray

from wire_contracts.quality import STALE, SUSPECT_RANGE, SUSPECT_RATE
from wire_contracts.quantities import Quantity

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHANNELS: tuple[Quantity, ...] = (
    Quantity.VOLUME_M3,
    Quantity.VOLUME_BASE_M3,
    Quantity.VOLUME_ACTUAL_M3,
    Quantity.FLOW_M3H,
    Quantity.FLOW_BASE_M3H,
    Quantity.FLOW_ACTUAL_M3H,
    Quantity.ENERGY_KWH,
    Quantity.POWER_KW,
    Quantity.SUPPLY_TEMP_DEGC,
    Quantity.RETURN_TEMP_DEGC,
)
"""What detectors look at, in the order of the packed columns."""

_ALL = tuple(Quantity)
_FIRST = 2
_QUALITY = _FIRST + len(_ALL)
_TAKE = itemgetter(0, 1, *(_FIRST + _ALL.index(name) for name in CHANNELS), _QUALITY)
"""From the cells of a row of `reading`: meter, instant, channels, quality."""

_DOUBTFUL = frozenset({SUSPECT_RANGE, SUSPECT_RATE, STALE})
_NAMES = [str(name) for name in CHANNELS]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedRows:
    """Rows that arrived together, as columns.

    Attributes:
        meter_ids: N meters.
        measured_at_ms: N instants by the meters' clocks.
        received_at_ms: N instants at which the server had them.
        values: N x C values in the order of `CHANNELS`; NaN where not known or in doubt.
        events: What meters said of themselves: (place among the N, canonical event).
    """

    meter_ids: Sequence[str]
    measured_at_ms: Ints
    received_at_ms: Ints
    values: Floats
    events: Sequence[tuple[int, str]] = ()


def carries_value(row: Sequence[object]) -> bool:
    """Return whether a row of `reading` has any value: "no answer" breaks no meter's silence."""
    return row[_QUALITY] is None or any(value is not None for value in row[_FIRST:_QUALITY])


def pack_rows(
    cells: Iterable[Sequence[object]],
    received_at_ms: Sequence[int] | None = None,
    events: Sequence[tuple[int, str]] = (),
    ready: Sequence[Sequence[object]] = (),
) -> bytes:
    """Return the rows, given in the order of the columns of `reading`, as one body.

    `received_at_ms` has one instant per row, where they differ from the transaction's; `events`
    has the place of a row and what its meter said of itself. Rows that are `ready` come first:
    meter, instant, the values in the order of `CHANNELS`, codes as JSON or None.
    """
    rows = [*ready, *map(_TAKE, cells)]
    return orjson.dumps(
        {"v": 1, "c": _NAMES, "r": rows, "t": received_at_ms, "e": list(events) or None}
    )


def unpack_rows(body: bytes, received_at_ms: int) -> ArrivedRows:
    """Return the rows of one body; a channel that it does not name is unknown.

    Raises:
        ValueError: The body is of another version of the packing.
    """
    parsed = orjson.loads(body)
    if parsed.get("v") != 1:
        message = f"reading_arrival: body: version {parsed.get('v')!r} is not known; update"
        raise ValueError(message)
    rows: list[list[object]] = parsed["r"]
    if not rows:
        return no_rows()
    columns = list(zip(*rows, strict=True))
    values = np.full((len(rows), len(CHANNELS)), np.nan)
    for at, name in enumerate(parsed["c"]):
        if name in _NAMES:
            values[:, _NAMES.index(name)] = np.array(columns[at + 2], dtype=np.float64)
    return ArrivedRows(
        meter_ids=[str(name) for name in columns[0]],
        measured_at_ms=np.array(columns[1], dtype=np.int64),
        received_at_ms=_received(parsed.get("t"), len(rows), received_at_ms),
        values=without_doubtful(values, columns[-1]),
        events=[(int(at), str(event)) for at, event in parsed.get("e") or ()],
    )


def _received(each_ms: Sequence[int] | None, count: int, all_ms: int) -> Ints:
    if each_ms is None:
        return np.full(count, all_ms, dtype=np.int64)
    return np.array(each_ms, dtype=np.int64)


def no_rows() -> ArrivedRows:
    """Return nothing."""
    none = np.empty(0, dtype=np.int64)
    return ArrivedRows(
        meter_ids=[],
        measured_at_ms=none,
        received_at_ms=none,
        values=np.empty((0, len(CHANNELS))),
    )


def join_rows(parts: Sequence[ArrivedRows]) -> ArrivedRows:
    """Return several lots as one, in their order."""
    if not parts:
        return no_rows()
    if len(parts) == 1:
        return parts[0]
    first = np.cumsum([0, *(len(part.meter_ids) for part in parts)]).tolist()
    return ArrivedRows(
        meter_ids=[name for part in parts for name in part.meter_ids],
        measured_at_ms=np.concatenate([part.measured_at_ms for part in parts]),
        received_at_ms=np.concatenate([part.received_at_ms for part in parts]),
        values=np.concatenate([part.values for part in parts]),
        events=[
            (start + at, event)
            for start, part in zip(first, parts, strict=False)
            for at, event in part.events
        ],
    )


def some_rows(rows: ArrivedRows, places: Ints) -> ArrivedRows:
    """Return the rows at these places (ascending)."""
    new_place = {old: new for new, old in enumerate(places.tolist())} if rows.events else {}
    return ArrivedRows(
        meter_ids=[rows.meter_ids[int(each)] for each in places],
        measured_at_ms=rows.measured_at_ms[places],
        received_at_ms=rows.received_at_ms[places],
        values=rows.values[places],
        events=[(new_place[at], event) for at, event in rows.events if at in new_place],
    )


def without_doubtful(values: Floats, qualities: Sequence[object]) -> Floats:
    """Return the values (changed in place) without those that must decide nothing.

    The number itself is in doubt there; `qualities` has each row's JSON of codes, or None.
    """
    for at, quality in enumerate(qualities):
        if quality is None:
            continue
        codes: Mapping[str, str] = orjson.loads(str(quality))
        for name, code in codes.items():
            if code in _DOUBTFUL and name in _NAMES:
                values[at, _NAMES.index(name)] = np.nan
    return values
