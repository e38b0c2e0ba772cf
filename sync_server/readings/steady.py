"""Decides what a steady meter's next frames make of what is remembered of it, without unpacking.

Steady is a meter that says the same quantities as before, all good, at one instant, both figures of
its hour among them: nearly every meter nearly always. What stands here is `latest.see_row` and
`hourly.add_row` over the packed numbers; of every other meter those decide.
"""

from functools import lru_cache

from sync_server.readings.fresh import FreshMeter
from sync_server.readings.hourly import HOUR_MS, NO_METER, preferred_pair
from sync_server.readings.latest import state_text
from sync_server.readings.remembered import PackedMeter, make_packed
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.quick_values import maker_of, quick_value

Row = tuple[str | int | float | None, ...]
"""Of a table, in the order of its columns."""


@quick_value
class Stepped:
    """A meter after its frames.

    Attributes:
        packed: As it is remembered.
        latest: Its row of `reading_latest`.
        hours: Its rows of `reading_hourly`, ascending.
    """

    packed: PackedMeter
    latest: Row
    hours: list[Row]


_make_stepped = maker_of(Stepped)


def step_on(meter_id: str, known: PackedMeter, fresh: FreshMeter) -> Stepped | None:
    """Return a meter after its frames; None where it is not steady."""
    shape = known.shape
    names = shape.names
    places = _places(names, fresh.medium)
    if not shape.is_steady or places is None or shape.quantity != places[0]:
        return None
    quantity, total_at, flow_at = places
    _, _, hour_ms, first_ms, last_ms, count, first_m3, last_m3, low_m3h, high_m3h, *_ = (
        shape.form.unpack(known.numbers)
    )
    name, rows, at_ms = str(quantity), dict[int, Row](), 0
    numbers: tuple[float, ...] = ()
    for at_ms, said, values, _, _, _ in fresh.frames:
        if said != names:
            return None
        numbers = tuple(values.values())
        total_m3, flow_m3h = numbers[total_at], numbers[flow_at]
        if not (-NO_METER <= total_m3 <= NO_METER and -NO_METER <= flow_m3h <= NO_METER):
            return None
        start_ms = at_ms - at_ms % HOUR_MS
        if start_ms == hour_ms:
            low_m3h, high_m3h = min(low_m3h, flow_m3h), max(high_m3h, flow_m3h)
        else:
            hour_ms, first_ms, first_m3, count = start_ms, at_ms, total_m3, 0
            low_m3h = high_m3h = flow_m3h
        count, last_ms, last_m3 = count + 1, at_ms, total_m3
        figures = (first_ms, first_m3, last_ms, last_m3, low_m3h, high_m3h)
        rows[hour_ms] = (meter_id, hour_ms, name, *figures, count, None)
    packed = shape.form.pack(
        *(at_ms, at_ms, hour_ms, first_ms, last_ms, count),
        *(first_m3, last_m3, low_m3h, high_m3h),
        *numbers,
    )
    state = {name: (value, at_ms, None) for name, value in zip(names, numbers, strict=True)}
    return _make_stepped(
        packed=make_packed(gateway_id=fresh.gateway_id, shape=shape, numbers=packed),
        latest=(meter_id, at_ms, at_ms, fresh.gateway_id, state_text(state)),
        hours=list(rows.values()),
    )


@lru_cache(maxsize=4096)
def _places(names: tuple[Quantity, ...], medium: Medium) -> tuple[Quantity, int, int] | None:
    """Return the totaliser that an hour prefers, its place and its flow's; None: not both said."""
    totaliser, flow = preferred_pair(medium)
    if totaliser not in names or flow not in names:
        return None
    return totaliser, names.index(totaliser), names.index(flow)
