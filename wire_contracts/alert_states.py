"""The alert's three independent axes as tables: condition, visibility, disposition (R15)."""

from enum import StrEnum

from wire_contracts.life_cycle import LifeCycle


class Condition(StrEnum):
    """ISA-18.2 alarm state. NORMAL is what the screen calls cleared."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    LATCHED = "latched"


class ConditionEvent(StrEnum):
    """What moves the condition axis."""

    RAISE = "raise"
    ACKNOWLEDGE = "acknowledge"
    RETURN = "return"
    RETURN_LATCHING = "return_latching"
    RESET = "reset"


CONDITION: LifeCycle[Condition, ConditionEvent] = LifeCycle(
    "an alert",
    {
        (Condition.NORMAL, ConditionEvent.RAISE): Condition.UNACKNOWLEDGED,
        (Condition.UNACKNOWLEDGED, ConditionEvent.ACKNOWLEDGE): Condition.ACKNOWLEDGED,
        (Condition.UNACKNOWLEDGED, ConditionEvent.RETURN): Condition.RETURNED_UNACKNOWLEDGED,
        (Condition.UNACKNOWLEDGED, ConditionEvent.RETURN_LATCHING): Condition.LATCHED,
        (Condition.ACKNOWLEDGED, ConditionEvent.RETURN): Condition.NORMAL,
        (Condition.ACKNOWLEDGED, ConditionEvent.RETURN_LATCHING): Condition.LATCHED,
        (Condition.RETURNED_UNACKNOWLEDGED, ConditionEvent.ACKNOWLEDGE): Condition.NORMAL,
        (Condition.RETURNED_UNACKNOWLEDGED, ConditionEvent.RAISE): Condition.UNACKNOWLEDGED,
        (Condition.LATCHED, ConditionEvent.RESET): Condition.NORMAL,
        (Condition.LATCHED, ConditionEvent.RAISE): Condition.UNACKNOWLEDGED,
    },
)
"""A returned alert must still be acknowledged; a latched one must be reset by a person."""


class Visibility(StrEnum):
    """Whether the alert is put before the operator."""

    SHOWN = "shown"
    SHELVED = "shelved"
    SUPPRESSED_BY_DESIGN = "suppressed_by_design"
    OUT_OF_SERVICE = "out_of_service"


class VisibilityEvent(StrEnum):
    """What moves the visibility axis."""

    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SHELVE_EXPIRED = "shelve_expired"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    TAKE_OUT_OF_SERVICE = "take_out_of_service"
    PUT_INTO_SERVICE = "put_into_service"


VISIBILITY: LifeCycle[Visibility, VisibilityEvent] = LifeCycle(
    "an alert",
    {
        (Visibility.SHOWN, VisibilityEvent.SHELVE): Visibility.SHELVED,
        (Visibility.SHOWN, VisibilityEvent.SUPPRESS): Visibility.SUPPRESSED_BY_DESIGN,
        (Visibility.SHOWN, VisibilityEvent.TAKE_OUT_OF_SERVICE): Visibility.OUT_OF_SERVICE,
        (Visibility.SHELVED, VisibilityEvent.UNSHELVE): Visibility.SHOWN,
        (Visibility.SHELVED, VisibilityEvent.SHELVE_EXPIRED): Visibility.SHOWN,
        (Visibility.SHELVED, VisibilityEvent.TAKE_OUT_OF_SERVICE): Visibility.OUT_OF_SERVICE,
        (Visibility.SUPPRESSED_BY_DESIGN, VisibilityEvent.UNSUPPRESS): Visibility.SHOWN,
        (Visibility.OUT_OF_SERVICE, VisibilityEvent.PUT_INTO_SERVICE): Visibility.SHOWN,
    },
)


class Disposition(StrEnum):
    """What was done about it."""

    NONE = "none"
    ORDERED = "ordered"
    FINDING = "finding"


class DispositionEvent(StrEnum):
    """What moves the disposition axis."""

    ORDER = "order"
    ORDER_CANCELLED = "order_cancelled"
    RECORD_FINDING = "record_finding"


DISPOSITION: LifeCycle[Disposition, DispositionEvent] = LifeCycle(
    "an alert",
    {
        (Disposition.NONE, DispositionEvent.ORDER): Disposition.ORDERED,
        (Disposition.ORDERED, DispositionEvent.ORDER_CANCELLED): Disposition.NONE,
        (Disposition.ORDERED, DispositionEvent.RECORD_FINDING): Disposition.FINDING,
        (Disposition.FINDING, DispositionEvent.RECORD_FINDING): Disposition.FINDING,
        (Disposition.FINDING, DispositionEvent.ORDER): Disposition.ORDERED,
    },
)
"""A corrected finding replaces the former; a second order may follow a finding."""
