"""The value of one register, computed with whole numbers that Python rounds once.

What is not surely the value that `measure` would give is None.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeGuard

from firmware_profiles.codings import FLOATS
from firmware_profiles.measure import Reader, linear_rule
from firmware_profiles.profile import Profile
from firmware_profiles.raw_slots import Slot, Slots, is_packed
from firmware_profiles.register import Comparison, Register
from firmware_profiles.status_rule import ANY_REGISTER
from wire_contracts.quantities import PLAUSIBLE, Quantity, unreadable

_LARGEST_FACTOR = 2**900
"""Times a raw value of 64 bits this is still a float64; beyond it the rules themselves judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """How raw values become a canonical one: (sum of raw * numerator + offset) / denominator.

    Attributes:
        numerators: One per term.
        offset: Added, over the same denominator.
        denominator: Above zero.
        is_identity: One term, taken as it is.
        low: Least value that is surely within the limits.
        high: Greatest.
        below: Between this and `above`, and not zero, is not surely a value.
        above: The other end.
    """

    numerators: tuple[int, ...]
    offset: int
    denominator: int
    is_identity: bool
    low: float
    high: float
    below: float = 0.0
    above: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Raw values of one term that leave no value.

    Attributes:
        equal: These.
        at_least: And these upwards.
        at_most: And these downwards.
        is_weightless: And every one but zero.
    """

    equal: frozenset[Fraction]
    at_least: int | Fraction | None
    at_most: int | Fraction | None
    is_weightless: bool

    def is_needed(self) -> bool:
        """Return whether it refuses anything at all."""
        limits = (self.at_least, self.at_most)
        return bool(self.equal) or self.is_weightless or any(each is not None for each in limits)

    def holds(self, raw: Slot) -> bool:
        """Return whether this raw value leaves no value; what is no number is not judged here."""
        if not isinstance(raw, int | float | Fraction):
            return False
        is_high = self.at_least is not None and raw >= self.at_least
        is_low = self.at_most is not None and raw <= self.at_most
        return raw in self.equal or is_high or is_low or (self.is_weightless and raw != 0)


@dataclass(slots=True, kw_only=True)
class Wired:
    """One register that is sent.

    Attributes:
        terms: Slots of its own raw value and those of its parts.
        settings: Slots of the registers that its factor and unit depend on.
        needs: Slots of what its validity rules look at.
        refusals: Raw values that leave no value, by term; none where every value leaves one.
        is_fast: False where only `measure` knows.
        fixed: The rule where no setting decides it and no validity rule has a say.
        linears: Rule by settings.
        valid: Needs that are known to be met.
    """

    register: Register
    quantity: Quantity
    terms: tuple[int, ...] = ()
    settings: tuple[int, ...] = ()
    needs: tuple[int, ...] = ()
    refusals: tuple[tuple[int, Refusal], ...] = ()
    is_fast: bool
    fixed: Linear | None = None
    linears: dict[tuple[Slot, ...], Linear | None] = field(default_factory=dict)
    valid: set[tuple[Slot, ...]] = field(default_factory=set)


def refusal_of(
    profile: Profile, part: Register, *, is_whole: bool, weight: Fraction | None
) -> Refusal:
    """Return the raw values of a term that leave no value.

    A term whose weight nobody knows leaves one only while it is zero.
    """
    equal = {item.limit for item in part.sentinels if item.comparison is Comparison.EQUAL}
    if is_whole:
        equal |= {Fraction(each) for each in anywhere(profile)}
    least = [item.limit for item in part.sentinels if item.comparison is Comparison.AT_LEAST]
    most = [item.limit for item in part.sentinels if item.comparison is Comparison.AT_MOST]
    return Refusal(
        equal=frozenset(equal),
        at_least=_plain_number(min(least, default=None)),
        at_most=_plain_number(max(most, default=None)),
        is_weightless=weight is None,
    )


def _plain_number(limit: Fraction | None) -> int | Fraction | None:
    return int(limit) if limit is not None and limit.denominator == 1 else limit


def anywhere(profile: Profile) -> list[int]:
    """Return the values of the rules on any register, those that are plain numbers."""
    rules = [rule for rule in profile.status if rule.register == ANY_REGISTER]
    return [rule.value for rule in rules if rule.mask is None and isinstance(rule.value, int)]


def make_linear(reader: Reader, wired: Wired) -> Linear | None:
    """Return the rule of a register with the settings that the reader holds, None: none."""
    rule = linear_rule(reader, wired.register, wired.quantity)
    if rule is None:
        return None
    factors, offset = rule
    denominator = math.lcm(*(each.denominator for each in factors), offset.denominator)
    low, high = PLAUSIBLE[wired.quantity]
    limits = wired.register.limits
    lows = [low] + ([] if limits.minimum is None else [float(limits.minimum)])
    highs = [high] + ([] if limits.maximum is None else [float(limits.maximum)])
    is_single = len(factors) == 1 and factors[0] == 1 and offset == 0
    is_float = wired.register.coding.kind in FLOATS
    below, above = unreadable(wired.quantity) if is_float else (0.0, 0.0)
    return Linear(
        numerators=tuple(int(each * denominator) for each in factors),
        offset=int(offset * denominator),
        denominator=denominator,
        is_identity=is_single and is_float,
        low=math.nextafter(max(lows), math.inf),
        high=math.nextafter(min(highs), -math.inf),
        below=below,
        above=above,
    )


def is_scaled(wired: Wired) -> bool:
    """Return whether a value is one whole number times a factor, whatever its raw value is."""
    linear, coding = wired.fixed, wired.register.coding
    if linear is None or wired.refusals or len(wired.terms) > 1:
        return False
    is_moderate = max(abs(linear.numerators[0]), abs(linear.offset)) < _LARGEST_FACTOR
    return coding.kind not in FLOATS and is_packed(wired.register) and is_moderate


def scaled_of(wired: Wired) -> tuple[int, int, int, int, float, float]:
    """Return the place of a value's raw value, its factor as integers, and its limits."""
    linear = wired.fixed
    assert linear is not None  # noqa: S101  # `is_scaled` said so
    factor = (linear.numerators[0], linear.offset, linear.denominator)
    return wired.terms[0], *factor, linear.low, linear.high


def plain_value(wired: Wired, linear: Linear, slots: Slots) -> float | None:
    """Return the value; None when it is refused, no number, or not well inside its limits."""
    for at, refusal in wired.refusals:
        if refusal.holds(slots[at]):
            return None
    value: Slot
    if linear.is_identity:
        value = slots[wired.terms[0]]
        return value + 0.0 if _is_within(value, linear) else None  # minus zero is zero
    value = _computed(linear, wired.terms, slots)
    return value if _is_within(value, linear) else None


def _is_within(value: Slot, linear: Linear) -> TypeGuard[float]:
    if not isinstance(value, float) or not linear.low <= value <= linear.high:
        return False
    return not value or not linear.below < value < linear.above


def _computed(linear: Linear, terms: Sequence[int], slots: Slots) -> float | None:
    """Return the value rounded once; None when a term is no finite number."""
    total, denominator = linear.offset, linear.denominator
    for at, numerator in zip(terms, linear.numerators, strict=True):
        raw = slots[at]
        if isinstance(raw, int):
            total += raw * numerator * (denominator // linear.denominator)
            continue
        if not isinstance(raw, float | Fraction):
            return None
        try:
            over, under = raw.as_integer_ratio()
        except (OverflowError, ValueError):
            return None
        total = total * under + over * numerator * (denominator // linear.denominator)
        denominator *= under
    try:
        return total / denominator
    except OverflowError:
        return None
