"""One named value of a meter, as its profile states it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from firmware_profiles.clocks import ClockLayout
from firmware_profiles.codings import Coding, Raw, WireType
from firmware_profiles.conditions import Condition
from firmware_profiles.words import Span
from wire_contracts.quantities import Quantity, Reference


class Comparison(StrEnum):
    """How a raw value is held against a sentinel."""

    EQUAL = "=="
    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """A raw value (before the scale) that means "no value"."""

    comparison: Comparison
    limit: Fraction

    def matches(self, raw: Fraction) -> bool:
        """Return whether this raw value is no measurement."""
        if self.comparison is Comparison.AT_LEAST:
            return raw >= self.limit
        if self.comparison is Comparison.AT_MOST:
            return raw <= self.limit
        return raw == self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """The other registers that one value needs, by name.

    Attributes:
        decimal_part: The fraction to add.
        low_part: The lower half of a split counter, to add.
        rollover_from: How often the counter went round; value + count * `rollover_span`.
        exponent_from: Value times ten to this register.
        decimals_from: Value divided by ten to this register.
        multiplier_from: Value times this register (or ten to it, see `exponent_offset`).
        resolution_from: The same rule as `multiplier_from`.
        unit_from: The register that holds the code of the unit.
    """

    decimal_part: str | None = None
    low_part: str | None = None
    rollover_from: str | None = None
    exponent_from: str | None = None
    decimals_from: str | None = None
    multiplier_from: str | None = None
    resolution_from: str | None = None
    unit_from: str | None = None

    def in_one_request(self) -> tuple[str, ...]:
        """Return the parts that must be read together with the value, or the sum can tear."""
        parts = (self.decimal_part, self.low_part, self.rollover_from, self.exponent_from)
        return tuple(name for name in parts if name is not None)

    def settings(self) -> tuple[str, ...]:
        """Return the settings of the meter that the value needs; they may be read behind it."""
        names = (self.decimals_from, self.multiplier_from, self.resolution_from, self.unit_from)
        return tuple(name for name in names if name is not None)

    def all(self) -> tuple[str, ...]:
        """Return every register the value needs besides its own."""
        return self.in_one_request() + self.settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is plausible, in the canonical unit of the wire quantity.

    Attributes:
        minimum: Least value.
        maximum: Largest value.
        max_rate_per_hour: Most that it moves in an hour.
        floor: What a float is nearer to zero than while the meter stands still.
        may_fall: Whether a total goes back lawfully, as of a meter that counts the difference.
    """

    minimum: Fraction | None = None
    maximum: Fraction | None = None
    max_rate_per_hour: Fraction | None = None
    floor: Fraction | None = None
    may_fall: bool = False

    def holds(self, value: Fraction) -> bool:
        """Return whether the value lies inside; an absent limit holds always."""
        is_low = self.minimum is not None and value < self.minimum
        is_high = self.maximum is not None and value > self.maximum
        return not (is_low or is_high)

    def is_standstill(self, value: Fraction) -> bool:
        """Return whether a value is so near to zero as the meter shows while nothing moves."""
        return self.floor is not None and abs(value) <= self.floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one register must say for another's value to count, in its printed unit.

    Attributes:
        register: Its name.
        half: Of a split register: True for the field in the high byte, False for the low.
        condition: What it must be; a mask looks at the raw bits.
    """

    register: str
    half: bool | None = None
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """When a value counts: all needs together.

    Attributes:
        needs: What must hold.
        is_only_doubted: Else the value is doubtful instead of none.
        event: What is reported then; empty is nothing.
    """

    needs: Sequence[Need]
    is_only_doubted: bool = False
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitField:
    """One half of a word that packs two 8-bit fields."""

    name: str
    is_high_byte: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One named value of the meter: 1 to n words.

    Attributes:
        name: Its name, unique in the profile.
        span: Function code, zero-based address and word count.
        coding: Type and byte order.
        scale: Exact factor from raw to the printed unit; None where a high part's is unknown.
        unit: Printed unit, empty when it has none or a unit register decides.
        schema_quantity: Quantity in the words of SCHEMA, empty when the row has none.
        natural: The wire quantity that this register measures, whether sent or not.
        wire: The wire quantity that this register produces; None stays in the gateway.
        group: Poll group, None when the register is not polled for itself.
        atomic: Name of a set that must be read in one request.
        is_negated: The meter counts this value downwards from zero.
        exponent_offset: Of a multiplier register: the factor is ten to (raw + this).
        codes: Of a unit register: code to printed unit.
        preset: Raw value that a simulated meter shows when nothing else is asked.
        is_readable: False for write-only registers.
        is_doubtful: The file itself doubts this row.
        printed_address: Number in the manual, where the file states one.
        is_kept_local: The file says `wire = false`.
        is_order_own: The row states its byte order itself.
        validity: When the value counts.
        clock: How a clock register holds its moment.
        option: Firmware or option without which the meter does not have it.
        basis: `memory` or `inferred` where no source states the row.
        conflict: What another source says instead.
    """

    name: str
    span: Span
    coding: Coding
    scale: Fraction | None = Fraction(1)
    unit: str = ""
    schema_quantity: str = ""
    natural: Quantity | None = None
    wire: Quantity | None = None
    reference: Reference | None = None
    group: str | None = None
    atomic: str | None = None
    sentinels: Sequence[Sentinel] = ()
    limits: Limits = field(default_factory=Limits)
    companions: Companions = field(default_factory=Companions)
    rollover_span: Fraction | None = None
    is_negated: bool = False
    exponent_offset: int | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    split: Sequence[SplitField] = ()
    preset: Raw | None = None
    is_readable: bool = True
    is_doubtful: bool = False
    printed_address: int | None = None
    is_kept_local: bool = False
    is_order_own: bool = False
    validity: Sequence[Validity] = ()
    clock: ClockLayout | None = None
    option: str = ""
    basis: str = ""
    conflict: str = ""

    @property
    def is_array(self) -> bool:
        """Whether it is several numbers of one word each, and so no number itself."""
        return self.coding.kind is WireType.U16 and self.coding.word_count > 1


LocalValue = int | float | str | tuple[int, ...] | Mapping[str, int]
"""A register as a person reads it: scaled, in its printed unit; or packed fields by name."""
