"""Decides how the newest of a meter and its hour are remembered between two transactions: small.

As numbers in a row, in a quarter of the memory that the values take: a million meters are at home
in one process. What meters alike have in common (which quantities, which codes) they share.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import nan
from struct import Struct

from sync_server.readings.hourly import Hour, make_hour
from sync_server.readings.latest import Latest, LatestValue, make_latest
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity
from wire_contracts.quick_values import maker_of, quick_value

_NEVER_MS = -(2**62)
"""In place of an instant that there is none of; in place of a value stands NaN, which no frame and
no column can hold."""

_INSTANTS, _FIGURES = 5, 4
"""Before the values: newest, newest with a value, hour, its first and last; registers and flows of
the hour; its number of readings."""


@quick_value
class MeterMemory:
    """The newest of a meter, and the hour that it lies in."""

    latest: Latest
    hour: Hour


@quick_value
class Shape:
    """What meters alike share.

    Attributes:
        names: Which quantities the meter has, N.
        codes: Their quality codes, N; None: good.
        is_at_once: Whether all of them are of the newest instant.
        quantity: The totaliser of the hour.
        worst_quality: Of the hour.
        form: How the numbers lie.
    """

    names: tuple[Quantity, ...]
    codes: tuple[str | None, ...]
    is_at_once: bool
    quantity: Quantity | None
    worst_quality: QualityCode | None
    form: Struct


@quick_value
class PackedMeter:
    """A meter as it is remembered; `gateway_id` brought its newest instant."""

    gateway_id: str
    shape: Shape
    numbers: bytes


make_memory, _make_packed = maker_of(MeterMemory), maker_of(PackedMeter)


def pack_meter(meter: MeterMemory) -> PackedMeter:
    """Return a meter as it is remembered for long."""
    latest, hour = meter.latest, meter.hour
    values = latest.values
    at_ms = latest.measured_at_ms
    cells: Sequence[LatestValue] = tuple(values.values())
    times = [cell[1] for cell in cells]
    is_at_once = times.count(at_ms) == len(times)
    shape = _shape(
        tuple(values),
        tuple([cell[2] for cell in cells]),
        is_at_once,
        hour.quantity,
        hour.worst_quality,
    )
    numbers = shape.form.pack(
        at_ms,
        _ms(latest.valued_at_ms),
        hour.hour_at_ms,
        _ms(hour.first_at_ms),
        _ms(hour.last_at_ms),
        *_floats((hour.first_m3, hour.last_m3, hour.flow_min_m3h, hour.flow_max_m3h)),
        hour.reading_count,
        *_floats([cell[0] for cell in cells]),
        *(() if is_at_once else times),
    )
    return _make_packed(gateway_id=latest.gateway_id, shape=shape, numbers=numbers)


def unpack_meter(packed: PackedMeter) -> MeterMemory:
    """Return what was packed."""
    shape = packed.shape
    at_ms, valued_ms, hour_ms, first_ms, last_ms, *rest = shape.form.unpack(packed.numbers)
    first_m3, last_m3, low_m3h, high_m3h = map(_value, rest[:_FIGURES])
    count = len(shape.names)
    values = rest[_FIGURES + 1 : _FIGURES + 1 + count]
    times = [at_ms] * count if shape.is_at_once else rest[_FIGURES + 1 + count :]
    cells = zip(map(_value, values), times, shape.codes, strict=True)
    latest = make_latest(
        measured_at_ms=at_ms,
        valued_at_ms=_instant(valued_ms),
        gateway_id=packed.gateway_id,
        values=dict(zip(shape.names, cells, strict=True)),
    )
    hour = make_hour(
        hour_at_ms=hour_ms,
        quantity=shape.quantity,
        first_at_ms=_instant(first_ms),
        first_m3=first_m3,
        last_at_ms=_instant(last_ms),
        last_m3=last_m3,
        flow_min_m3h=low_m3h,
        flow_max_m3h=high_m3h,
        reading_count=rest[_FIGURES],
        worst_quality=shape.worst_quality,
    )
    return make_memory(latest=latest, hour=hour)


@lru_cache(maxsize=4096)
def _shape(
    names: tuple[Quantity, ...],
    codes: tuple[str | None, ...],
    is_at_once: bool,  # noqa: FBT001  # a key of the cache
    quantity: Quantity | None,
    worst_quality: QualityCode | None,
) -> Shape:
    times = "" if is_at_once else f"{len(names)}q"
    return Shape(
        names=names,
        codes=codes,
        is_at_once=is_at_once,
        quantity=quantity,
        worst_quality=worst_quality,
        form=Struct(f"<{_INSTANTS}q{_FIGURES}dq{len(names)}d{times}"),
    )


def _ms(at_ms: int | None) -> int:
    return _NEVER_MS if at_ms is None else at_ms


def _instant(at_ms: int) -> int | None:
    return None if at_ms == _NEVER_MS else at_ms


def _floats(values: Sequence[float | None]) -> Iterable[float]:
    return [nan if value is None else value for value in values] if None in values else values  # type: ignore[return-value]  # none is None


def _value(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124  # NaN alone differs from itself
