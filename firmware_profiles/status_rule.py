"""When a status register says what."""

from dataclasses import dataclass
from enum import StrEnum

from wire_contracts.quantities import Quantity


class Severity(StrEnum):
    """How the profile ranks a status."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRule:
    """When a status register says what.

    Attributes:
        register: Name of the register; `*` is any register of the meter.
        mask: Bits to look at; None compares the whole value.
        value: What the masked value must equal; None: any bit of the mask.
        name: The maker's word.
        event: The canonical event.
        severity: Rank.
        bad: Quantities without value while it holds; None: the rule of the event.
        suspect: Quantities to doubt while it holds; None: the rule of the event.
        is_counter: The register counts occurrences; the event is that it rose, see `counters`.
    """

    register: str
    mask: int | None
    value: int | str | None
    name: str
    event: str
    severity: Severity
    bad: frozenset[Quantity] | None = None
    suspect: frozenset[Quantity] | None = None
    is_counter: bool = False


ANY_REGISTER = "*"
"""Register name of a status rule that is a sentinel anywhere."""
