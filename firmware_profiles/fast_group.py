"""One poll group prepared once, so that a healthy poll decodes without exact fractions.

`FastGroup.read` gives only values that need no second look: every word was read, no rule objects,
and the value lies well inside its limits. It computes them with whole numbers, whose quotient
Python rounds once and correctly, so they equal those of `measure` to the last bit. Whatever it
leaves out is None, and `decode` asks `measure`, `validity` and `status` themselves.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import itemgetter
from typing import TypeGuard, TypeVar

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import FLOATS, Coding, Raw, WireType, decode_words
from firmware_profiles.measure import Reader, finest, linear_rule
from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.register import Comparison, Register
from firmware_profiles.status import StatusReading, read_status
from firmware_profiles.status_rule import ANY_REGISTER
from firmware_profiles.validity import COUNTS, read_validity
from firmware_profiles.words import BlockImage, Span, WordAddress, WordImage
from wire_contracts.quantities import PLAUSIBLE, Quantity

_LETTERS: Mapping[WireType, str] = {
    WireType.BIT: "H",
    WireType.U16: "H",
    WireType.I16: "h",
    WireType.U32: "I",
    WireType.I32: "i",
    WireType.U64: "Q",
    WireType.I64: "q",
    WireType.F32: "f",
    WireType.F64: "d",
    WireType.BITFIELD16: "H",
    WireType.BITFIELD32: "I",
}
_WHOLE = frozenset(_LETTERS) - FLOATS
_LARGEST_FACTOR = 2**900
"""Times a raw value of 64 bits this is still a float64; beyond it the rules themselves judge."""
_SWAPPED = frozenset({ByteOrder.DCBA, ByteOrder.BADC})
_REVERSED = frozenset({ByteOrder.CDAB, ByteOrder.DCBA})
_MOST_REMEMBERED = 256
"""Settings and status words seen so far: a meter has a handful, a broken one fills no memory."""

Slot = int | float | Raw | None
Slots = Sequence[Slot]
Picker = Callable[[WordImage], Sequence[int]]
PlacePicker = Callable[[Sequence[int]], Sequence[int]]
KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")
ItemT = TypeVar("ItemT")


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
        finest: Nearer to zero, and not zero, is not surely a value.
    """

    numerators: tuple[int, ...]
    offset: int
    denominator: int
    is_identity: bool
    low: float
    high: float
    finest: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
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
class _Wired:
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
    refusals: tuple[tuple[int, _Refusal], ...] = ()
    is_fast: bool
    fixed: Linear | None = None
    linears: dict[tuple[Slot, ...], Linear | None] = field(default_factory=dict)
    valid: set[tuple[Slot, ...]] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class FastRead:
    """What a healthy poll says.

    Attributes:
        status: What the status registers say.
        values: One per register of `FastGroup.wired`; None needs a second look.
    """

    status: StatusReading
    values: Sequence[float | None]


class FastGroup:
    """One group of one profile, prepared.

    Attributes:
        registers: The registers of the group, in the order of the file.
        wired: Those that are sent.
        quantities: What they are sent as.
        has_counters: Whether the profile has counting status registers.
        has_clock: Whether the meter's clock is in the group.
    """

    def __init__(self, profile: Profile, group: str) -> None:
        """Prepare the group; raise KeyError when the profile has none of that name."""
        self._profile = profile
        self.registers = group_registers(profile, group)
        self.wired = tuple(item for item in self.registers if item.wire is not None)
        self.quantities = tuple(item.wire for item in self.wired if item.wire is not None)
        self.has_counters = any(rule.is_counter for rule in profile.status)
        self.has_clock = any(item.schema_quantity == "clock" for item in self.registers)
        self._slots = _SlotPlan()
        rules = [rule for rule in profile.status if rule.register != ANY_REGISTER]
        flags = dict.fromkeys(rule.register for rule in rules if not rule.is_counter)
        self._status_slots = tuple(self._slots.add(profile.registers[name]) for name in flags)
        self._statuses: dict[tuple[Slot, ...], StatusReading] = {}
        wired = [self._prepare(register) for register in self.wired]
        self._slots.close()
        self._scaled = [_scaled(item) for item in wired if _is_scaled(item)]
        self._others = [item for item in wired if not _is_scaled(item)]
        is_scaled = [_is_scaled(item) for item in wired]
        places = [at for at, is_it in enumerate(is_scaled) if is_it]
        places += [at for at, is_it in enumerate(is_scaled) if not is_it]
        self._ordered: Callable[[Sequence[float | None]], Sequence[float | None]] | None = _orderer(
            places
        )

    def read(self, image: WordImage) -> FastRead | None:
        """Return the values of a poll; None when a word of any of them is missing."""
        slots = self._slots.fill(image)
        if slots is None:
            return None
        key = tuple([slots[at] for at in self._status_slots])
        status = self._statuses.get(key)
        if status is None:
            status = read_status(Reader(profile=self._profile, image=image, faults={}))
            _remember(self._statuses, key, status)
        found: list[float | None] = [
            value
            if isinstance(raw := slots[at], int)
            and low <= (value := (raw * numerator + offset) / denominator) <= high
            else None
            for at, numerator, offset, denominator, low, high in self._scaled
        ]
        found += [
            self._value(item, slots, image)
            if item.fixed is None
            else _plain_value(item, item.fixed, slots)
            for item in self._others
        ]
        values = found if self._ordered is None else self._ordered(found)
        return FastRead(status=status, values=values)

    def _value(self, wired: _Wired, slots: Slots, image: WordImage) -> float | None:
        if not wired.is_fast:
            return None
        linear = self._linear(wired, slots, image)
        if linear is None or (wired.needs and not self._counts(wired, slots, image)):
            return None
        return _plain_value(wired, linear, slots)

    def _linear(self, wired: _Wired, slots: Slots, image: WordImage) -> Linear | None:
        key = tuple([slots[at] for at in wired.settings])
        try:
            return wired.linears[key]
        except KeyError:
            reader = Reader(profile=self._profile, image=image, faults={})
            linear = _make_linear(reader, wired)
            _remember(wired.linears, key, linear)
            return linear

    def _counts(self, wired: _Wired, slots: Slots, image: WordImage) -> bool:
        key = tuple([slots[at] for at in wired.needs])
        if key in wired.valid:
            return True
        reader = Reader(profile=self._profile, image=image, faults={})
        is_valid = read_validity(reader, wired.register) == COUNTS
        if is_valid and len(wired.valid) < _MOST_REMEMBERED:
            wired.valid.add(key)
        return is_valid

    def _prepare(self, register: Register) -> _Wired:
        registers = self._profile.registers
        companions = register.companions
        names = (companions.decimal_part, companions.low_part, companions.rollover_from)
        parts = [register, *(registers[name] for name in names if name is not None)]
        factor = (companions.exponent_from, *companions.settings())
        settings = [registers[name] for name in factor if name is not None]
        needs = [registers[need.register] for rule in register.validity for need in rule.needs]
        terms = tuple(self._slots.add(part) for part in parts)
        weights = [register.scale, *(part.scale or Fraction(1) for part in parts[1:])]
        if companions.rollover_from is not None:
            weights[-1] = register.rollover_span
        refusals = [
            _refusal(self._profile, part, is_whole=part is register, weight=weight)
            for part, weight in zip(parts, weights, strict=True)
        ]
        rules = [rule for rule in self._profile.status if rule.register == ANY_REGISTER]
        wired = _Wired(
            register=register,
            quantity=register.wire or Quantity.VOLUME_M3,
            terms=terms,
            settings=tuple(self._slots.add(setting) for setting in settings),
            needs=tuple(self._slots.add(need) for need in needs),
            refusals=tuple(
                (at, each) for at, each in zip(terms, refusals, strict=True) if each.is_needed()
            ),
            is_fast=len(_anywhere(self._profile)) == len(rules),
        )
        if wired.is_fast and not settings and not needs:
            reader = Reader(profile=self._profile, image={}, faults={})
            wired.fixed = _make_linear(reader, wired)
        return wired


class _SlotPlan:
    """Which words become which raw values, each register once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._registers: list[Register] = []
        self._wanted: list[Sequence[WordAddress]] = []
        self._blocks: list[tuple[struct.Struct, struct.Struct]] = []
        self._singles: list[Coding] = []
        self._ordered: Callable[[Sequence[Slot]], Sequence[Slot]] | None = None
        self._pickers: list[Picker] = []
        self._block_pickers: dict[Span, list[PlacePicker]] = {}

    def add(self, register: Register) -> int:
        """Return the place of a register's raw value."""
        if register.name not in self._places:
            self._places[register.name] = len(self._registers)
            self._registers.append(register)
        return self._places[register.name]

    def close(self) -> None:
        """Prepare the reading; nothing is added any more."""
        places: list[int] = []
        for is_swapped in (False, True):
            members = [
                item
                for item in self._registers
                if _is_packed(item) and (item.coding.order in _SWAPPED) == is_swapped
            ]
            if members:
                self._blocks.append(self._block(members, "<" if is_swapped else ">"))
                places += [self._places[item.name] for item in members]
        for item in self._registers:
            if not _is_packed(item):
                self._wanted.append(tuple(item.span.addresses()))
                self._singles.append(item.coding)
                places.append(self._places[item.name])
        self._ordered = _orderer(places)
        self._pickers = [_picker(addresses) for addresses in self._wanted]

    def _block(
        self, members: Sequence[Register], byte_order: str
    ) -> tuple[struct.Struct, struct.Struct]:
        """Return how to turn the words of many registers into numbers at once."""
        addresses: list[WordAddress] = []
        for item in members:
            own = list(item.span.addresses())
            addresses += reversed(own) if item.coding.order in _REVERSED else own
        letters = "".join(_LETTERS[item.coding.kind] for item in members)
        self._wanted.append(addresses)
        return (
            struct.Struct(f"{byte_order}{len(addresses)}H"),
            struct.Struct(f">{letters}"),
        )

    def fill(self, image: WordImage) -> Slots | None:
        """Return the raw value of every register; None when a word is missing or is no word."""
        slots: list[Slot] = []
        try:
            picked = self._picked(image)
            for words, (packer, unpacker) in zip(picked, self._blocks, strict=False):
                slots += unpacker.unpack(packer.pack(*words))
            for words, coding in zip(picked[len(self._blocks) :], self._singles, strict=True):
                slots.append(decode_words(coding, words))
        except (KeyError, struct.error):
            return None
        return slots if self._ordered is None else self._ordered(slots)

    def _picked(self, image: WordImage) -> list[Sequence[int]]:
        """Return the words of every block, then of every single; raise KeyError for a missing one.

        In a block that was read as a whole they are known by their place: no address is looked up.
        """
        if not isinstance(image, BlockImage):
            return [pick(image) for pick in self._pickers]
        pickers = self._block_pickers.get(image.block)
        if pickers is None:
            pickers = [_place_picker(image.block, addresses) for addresses in self._wanted]
            _remember(self._block_pickers, image.block, pickers)
        words = image.words
        return [pick(words) for pick in pickers]


def _is_packed(register: Register) -> bool:
    return register.coding.kind in _LETTERS and not register.is_array


def _picker(addresses: Iterable[WordAddress]) -> Picker:
    wanted = list(addresses)
    if len(wanted) == 1:
        only = wanted[0]
        return lambda image: (image[only],)
    return itemgetter(*wanted)


def _place_picker(block: Span, wanted: Sequence[WordAddress]) -> PlacePicker:
    """Return what takes these words out of a block; raise KeyError when it lacks one."""
    place_of = {at: place for place, at in enumerate(block.addresses())}
    places = [place_of[at] for at in wanted]
    if places == list(range(block.word_count)):
        return _all_words
    if len(places) == 1:
        only = places[0]
        return lambda words: (words[only],)
    return itemgetter(*places)


def _all_words(words: Sequence[int]) -> Sequence[int]:
    return words


def _orderer(places: Sequence[int]) -> Callable[[Sequence[ItemT]], Sequence[ItemT]] | None:
    """Return what brings items to their places, of which `places` tells where each belongs."""
    wanted = sorted(range(len(places)), key=places.__getitem__)
    return None if wanted == list(range(len(places))) else itemgetter(*wanted)


def _remember(memory: dict[KeyT, ValueT], key: KeyT, value: ValueT) -> None:
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[key] = value


def _refusal(
    profile: Profile, part: Register, *, is_whole: bool, weight: Fraction | None
) -> _Refusal:
    """Return the raw values of a term that leave no value.

    A term whose weight nobody knows leaves one only while it is zero.
    """
    equal = {item.limit for item in part.sentinels if item.comparison is Comparison.EQUAL}
    if is_whole:
        equal |= {Fraction(each) for each in _anywhere(profile)}
    least = [item.limit for item in part.sentinels if item.comparison is Comparison.AT_LEAST]
    most = [item.limit for item in part.sentinels if item.comparison is Comparison.AT_MOST]
    return _Refusal(
        equal=frozenset(equal),
        at_least=_plain_number(min(least, default=None)),
        at_most=_plain_number(max(most, default=None)),
        is_weightless=weight is None,
    )


def _plain_number(limit: Fraction | None) -> int | Fraction | None:
    return int(limit) if limit is not None and limit.denominator == 1 else limit


def _anywhere(profile: Profile) -> list[int]:
    """Return the values of the rules on any register, those that are plain numbers."""
    rules = [rule for rule in profile.status if rule.register == ANY_REGISTER]
    return [rule.value for rule in rules if rule.mask is None and isinstance(rule.value, int)]


def _make_linear(reader: Reader, wired: _Wired) -> Linear | None:
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
    return Linear(
        numerators=tuple(int(each * denominator) for each in factors),
        offset=int(offset * denominator),
        denominator=denominator,
        is_identity=is_single and wired.register.coding.kind in FLOATS,
        low=math.nextafter(max(lows), math.inf),
        high=math.nextafter(min(highs), -math.inf),
        finest=finest(wired.register),
    )


def _is_scaled(wired: _Wired) -> bool:
    """Return whether a value is one whole number times a factor, whatever its raw value is."""
    linear, coding = wired.fixed, wired.register.coding
    if linear is None or wired.refusals or len(wired.terms) > 1:
        return False
    is_moderate = max(abs(linear.numerators[0]), abs(linear.offset)) < _LARGEST_FACTOR
    return coding.kind in _WHOLE and _is_packed(wired.register) and is_moderate


def _scaled(wired: _Wired) -> tuple[int, int, int, int, float, float]:
    """Return the place of a value's raw value, its factor as integers, and its limits."""
    linear = wired.fixed
    assert linear is not None  # noqa: S101  # `_is_scaled` said so
    factor = (linear.numerators[0], linear.offset, linear.denominator)
    return wired.terms[0], *factor, linear.low, linear.high


def _plain_value(wired: _Wired, linear: Linear, slots: Slots) -> float | None:
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
    return not value or abs(value) >= linear.finest


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
