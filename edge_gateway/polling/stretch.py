"""Decides which group gives way when a link is asked for more than it can do: the slowest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from wire_contracts.clock import Clock

FULL_LOAD = 0.95
"""Share of a link's time that its jobs may ask for before groups are stretched (judgement)."""

WANTED_LOAD = 0.9
"""What they are stretched to (judgement)."""

RELAXED_LOAD = 0.8
"""Below this with less stretch, the stretch is taken back: the space between stops flutter."""

LONGEST_STRETCH = 12
"""How far a group is stretched before the next faster one gives way too (judgement)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one job asks of the link.

    Attributes:
        interval: As it was wished, without stretch.
        spent_s: Wall seconds it usually takes.
    """

    interval: timedelta
    spent_s: float


def load_of(demands: Iterable[Demand], stretches: Mapping[timedelta, int], clock: Clock) -> float:
    """Return the share of the link's time that the jobs take, 1.0 when it is full.

    Args:
        demands: Every job.
        stretches: Interval to how many times as long it is now; 1 where it is not listed.
        clock: Says how long a town second takes on the wall.
    """
    return sum(
        each.spent_s
        / clock.wall_seconds(each.interval.total_seconds() * stretches.get(each.interval, 1))
        for each in demands
    )


def stretched(demands: Iterable[Demand], clock: Clock, wanted: float) -> dict[timedelta, int]:
    """Return how far each interval must be stretched for the load to be `wanted` at most.

    The longest interval gives way first, up to LONGEST_STRETCH times; the shortest takes what is
    left; when that is not enough all of them are doubled. Intervals that keep their length are
    not listed.
    """
    listed = list(demands)
    lengths = sorted({each.interval for each in listed}, reverse=True)
    stretches = dict.fromkeys(lengths, 1)
    for length in lengths:
        excess = load_of(listed, stretches, clock) - wanted
        own = load_of([each for each in listed if each.interval == length], {}, clock)
        if excess <= 0 or own <= 0:
            continue
        rest = own - excess
        needed = ceil(own / rest) if rest > 0 else LONGEST_STRETCH
        is_fastest = length == lengths[-1]
        stretches[length] = needed if is_fastest else min(needed, LONGEST_STRETCH)
    while load_of(listed, stretches, clock) > wanted:
        stretches = {length: 2 * factor for length, factor in stretches.items()}
    return {length: factor for length, factor in stretches.items() if factor > 1}
