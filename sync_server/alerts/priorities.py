"""Decides how urgent an alert is: 1 (at once) to 4 (when there is time)."""

from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

SAFETY_PRIORITY = 1
"""A gas alert of this priority is safety class A."""

_PRIORITY: dict[tuple[Kind, Medium], int] = {
    (Kind.BURST, Medium.GAS): 1,
    (Kind.SLOW_LEAK, Medium.GAS): 1,
    (Kind.BURST, Medium.WATER): 2,
    (Kind.BURST, Medium.HEAT): 2,
    (Kind.SLOW_LEAK, Medium.WATER): 3,
    (Kind.SLOW_LEAK, Medium.HEAT): 3,
    (Kind.COMM_GAP, Medium.GAS): 4,
    (Kind.COMM_GAP, Medium.WATER): 4,
    (Kind.COMM_GAP, Medium.HEAT): 4,
}
"""Escaping gas is danger to life whatever its size (domain model 2.5, safety class A); hot or
much water destroys within hours; a small water leak costs by the day; silence costs nothing yet."""

_OTHERWISE = 3

SEVERITY: dict[Kind, int] = {Kind.SLOW_LEAK: 1, Kind.VALVE_OPEN: 2, Kind.BURST: 3}
"""Within one family the greater one is shown: a leak that becomes a burst is escalated."""


def priority_of(kind: Kind, medium: Medium) -> int:
    """Return 1 (most urgent) to 4 for an alert of this kind on this medium."""
    return _PRIORITY.get((kind, medium), _OTHERWISE)


def is_safety_class(medium: Medium, priority: int) -> bool:
    """Return whether an alert is of safety class A: gas that escapes.

    It is pinned, never grouped, never shelved or taken out of service, and it latches: when its
    condition is gone after somebody acknowledged it, a person still has to reset it (ISA-18.2
    latching alarms: gone by itself is not the same as looked after).
    """
    return medium is Medium.GAS and priority == SAFETY_PRIORITY


def is_more_severe(kind: Kind, than: Kind) -> bool:
    """Return whether an open alert of kind `than` must be escalated to `kind`."""
    return SEVERITY.get(kind, 0) > SEVERITY.get(than, 0)
