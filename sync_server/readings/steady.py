"""Decides what a steady meter's next frames make of what is remembered of it, without unpacking.

Steady is a meter that says the same quantities as before, all good, at one instant, both figures of
its hour among them: nearly every meter nearly always. What stands here is `latest.see_row` and
`hourly.add_row` over the packed numbers; of every other meter those decide.
"""

from bisect import bisect_left
from collections.abc import Sequence
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
        is_first_known: Whether the first of those was begun before these frames.
    """

    packed: PackedMeter
    latest: Row
    hours: list[Row]
    is_first_known: bool


_make_stepped = maker_of(Stepped)

_Hour = tuple[int, int, int, int, float, float, float, float]
"""Start, first and last reading in ms, readings, first and last register in m3, least and most flow
in m3/h: the hour as it lies in the packed numbers."""


def step_on(meter_id: str, known: PackedMeter, fresh: FreshMeter) -> Stepped | None:
    """Return a meter after its frames; None where it is not steady."""
    shape = known.shape
    names = shape.names
    places = _places(names, fresh.medium)
    if not shape.is_steady or places is None or shape.quantity != places[0]:
        return None
    instants, said, values, *_ = zip(*fresh.frames, strict=True)
    if said[0] != names or said.count(said[0]) < len(said):
        return None
    name, flow = places
    totals, flows = [each[name] for each in values], [each[flow] for each in values]
    if max(*totals, *flows) > NO_METER or min(*totals, *flows) < -NO_METER:
        return None
    _, _, *hour = shape.form.unpack(known.numbers)[:_BEHIND_HOUR]
    rows, last = _through_hours((meter_id, name), tuple(hour), (instants, totals, flows))
    at_ms, numbers = instants[-1], values[-1].values()
    state = {name: (value, at_ms, None) for name, value in zip(names, numbers, strict=True)}
    return _make_stepped(
        packed=make_packed(
            gateway_id=fresh.gateway_id,
            shape=shape,
            numbers=shape.form.pack(at_ms, at_ms, *last, *numbers),
        ),
        latest=(meter_id, at_ms, at_ms, fresh.gateway_id, state_text(state)),
        hours=rows,
        is_first_known=rows[0][1] == hour[0],
    )


_BEHIND_HOUR = 10
"""Where the values begin in the packed numbers: behind two newest instants and the hour."""


def _through_hours(
    head: tuple[str, str],
    hour: _Hour,
    columns: tuple[Sequence[int], Sequence[float], Sequence[float]],
) -> tuple[list[Row], _Hour]:
    """Return the rows of the hours that readings lie in, and the last hour.

    Args:
        head: Meter and totaliser, which every row begins with.
        hour: That of the newest reading before these.
        columns: Instants in ms, ascending, registers in m3, flows in m3/h.
    """
    instants, totals, flows = columns
    meter_id, name = head
    hour_ms, first_ms, last_ms, count, first_m3, last_m3, low_m3h, high_m3h = hour
    rows: list[Row] = []
    at, behind = 0, len(instants)
    while at < behind:
        start_ms = instants[at] - instants[at] % HOUR_MS
        end = bisect_left(instants, start_ms + HOUR_MS, at)
        if start_ms != hour_ms:
            hour_ms, first_ms, first_m3, count = start_ms, instants[at], totals[at], 0
            low_m3h = high_m3h = flows[at]
        low_m3h, high_m3h = min(low_m3h, *flows[at:end]), max(high_m3h, *flows[at:end])
        last_ms, last_m3, count = instants[end - 1], totals[end - 1], count + end - at
        figures = (first_ms, first_m3, last_ms, last_m3, low_m3h, high_m3h)
        rows.append((meter_id, hour_ms, name, *figures, count, None))
        at = end
    return rows, (hour_ms, first_ms, last_ms, count, first_m3, last_m3, low_m3h, high_m3h)


@lru_cache(maxsize=4096)
def _places(names: tuple[Quantity, ...], medium: Medium) -> tuple[str, str] | None:
    """Return the totaliser that an hour prefers and its flow; None: not both said."""
    totaliser, flow = preferred_pair(medium)
    if totaliser not in names or flow not in names:
        return None
    return str(totaliser), str(flow)
