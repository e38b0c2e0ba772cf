"""Decides how the newest of a meter and its hour are remembered between two transactions: small.

As numbers in a row, in a quarter of the memory that the values take: a million meters are at home
in one process. What meters alike have in common (which quantities, which codes) they share.
"""

from functools import lru_cache
from math import nan
from struct import Struct

from sync_server.readings.hourly import Hour, make_hour
from sync_server.readings.latest import Latest, make_latest
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity
from wire_contracts.quick_values import maker_of, quick_value

_NEVER_MS = -(2**62)
"""In place of an instant that there is none of; in place of a value stands NaN, which no frame and
no column can hold."""

_NEWEST = Struct("<q")
_INSTANTS, _FIGURES = 5, 4
"""Newest, newest with a value, hour, its first and last; then the number of its readings; then its
registers and flows, and the values."""


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
        is_whole: Whether each has a value, and the hour every figure and instant.
        quantity: The totaliser of the hour.
        worst_quality: Of the hour.
        is_steady: Whether it is at once and whole and all is good.
        form: How the numbers lie.
    """

    names: tuple[Quantity, ...]
    codes: tuple[str | None, ...]
    is_at_once: bool
    is_whole: bool
    quantity: Quantity | None
    worst_quality: QualityCode | None
    is_steady: bool
    form: Struct


@quick_value
class PackedMeter:
    """A meter as it is remembered; `gateway_id` brought its newest instant."""

    gateway_id: str
    shape: Shape
    numbers: bytes


make_memory, make_packed = maker_of(MeterMemory), maker_of(PackedMeter)


def pack_meter(meter: MeterMemory) -> PackedMeter:
    """Return a meter as it is remembered for long."""
    latest, hour = meter.latest, meter.hour
    values = latest.values
    at_ms = latest.measured_at_ms
    numbers, times, codes = zip(*values.values(), strict=True) if values else ((), (), ())
    is_at_once = times.count(at_ms) == len(times)
    instants = (latest.valued_at_ms, hour.hour_at_ms, hour.first_at_ms, hour.last_at_ms)
    figures = (hour.first_m3, hour.last_m3, hour.flow_min_m3h, hour.flow_max_m3h, *numbers)
    is_whole = None not in figures and None not in instants
    shape = _shape(
        tuple(values),
        codes,
        (is_at_once, is_whole),
        hour.quantity,
        hour.worst_quality,
    )
    packed = shape.form.pack(
        at_ms,
        *(instants if is_whole else [_NEVER_MS if each is None else each for each in instants]),
        hour.reading_count,
        *(figures if is_whole else [nan if each is None else each for each in figures]),
        *(() if is_at_once else times),
    )
    return make_packed(gateway_id=latest.gateway_id, shape=shape, numbers=packed)


def newest_ms_of(packed: PackedMeter) -> int:
    """Return the newest instant of a meter without unpacking it."""
    (at_ms,) = _NEWEST.unpack_from(packed.numbers)
    return int(at_ms)


def unpack_meter(packed: PackedMeter) -> MeterMemory:
    """Return what was packed."""
    shape = packed.shape
    at_ms, valued_ms, hour_ms, first_ms, last_ms, reading_count, *rest = shape.form.unpack(
        packed.numbers
    )
    end = _FIGURES + len(shape.names)
    figures = rest[:end]
    if not shape.is_whole:
        figures = [_value(each) for each in figures]
        valued_ms, first_ms, last_ms = map(_instant, (valued_ms, first_ms, last_ms))
    first_m3, last_m3, low_m3h, high_m3h, *values = figures
    times = [at_ms] * len(values) if shape.is_at_once else rest[end:]
    cells = zip(values, times, shape.codes, strict=True)
    latest = make_latest(
        measured_at_ms=at_ms,
        valued_at_ms=valued_ms,
        gateway_id=packed.gateway_id,
        values=dict(zip(shape.names, cells, strict=True)),
    )
    hour = make_hour(
        hour_at_ms=hour_ms,
        quantity=shape.quantity,
        first_at_ms=first_ms,
        first_m3=first_m3,
        last_at_ms=last_ms,
        last_m3=last_m3,
        flow_min_m3h=low_m3h,
        flow_max_m3h=high_m3h,
        reading_count=reading_count,
        worst_quality=shape.worst_quality,
    )
    return make_memory(latest=latest, hour=hour)


@lru_cache(maxsize=4096)
def _shape(
    names: tuple[Quantity, ...],
    codes: tuple[str | None, ...],
    is_at_once_and_whole: tuple[bool, bool],
    quantity: Quantity | None,
    worst_quality: QualityCode | None,
) -> Shape:
    is_at_once, is_whole = is_at_once_and_whole
    times = "" if is_at_once else f"{len(names)}q"
    return Shape(
        names=names,
        codes=codes,
        is_at_once=is_at_once,
        is_whole=is_whole,
        quantity=quantity,
        worst_quality=worst_quality,
        is_steady=is_at_once and is_whole and worst_quality is None and not any(codes),
        form=Struct(f"<{_INSTANTS}qq{_FIGURES + len(names)}d{times}"),
    )


def _instant(at_ms: int) -> int | None:
    return None if at_ms == _NEVER_MS else at_ms


def _value(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124  # NaN alone differs from itself
