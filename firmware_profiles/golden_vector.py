"""Words of a meter, and what they must decode to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from firmware_profiles.words import WordAddress
from wire_contracts.quantities import Quantity


class Origin(StrEnum):
    """Where a golden vector comes from."""

    MAKER = "maker"
    DUMP = "dump"
    COMPUTED = "computed"


Expected = Decimal | str | tuple[int, ...] | Mapping[str, int]
"""What a golden vector demands: a number to the digits written, or exactly this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenVector:
    """Words and what they must decode to.

    Attributes:
        name: What it shows.
        origin: Maker's example, dump of a real meter, or computed by hand.
        words: The words that are known.
        registers: Register name to its local value.
        values: Wire quantity to its value in canonical units.
        quality: Wire quantity to its code.
        events: Canonical events that must be reported.
    """

    name: str
    origin: Origin
    words: Mapping[WordAddress, int]
    registers: Mapping[str, Expected] = field(default_factory=dict)
    values: Mapping[Quantity, Decimal] = field(default_factory=dict)
    quality: Mapping[Quantity, str] = field(default_factory=dict)
    events: frozenset[str] | None = None
