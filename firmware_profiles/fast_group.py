"""One poll group prepared once, so that a healthy poll decodes without exact fractions.

`FastGroup.read` gives only values that need no second look: every word was read, no rule objects,
and the value lies well inside its limits. It computes them with whole numbers, whose quotient
Python rounds once and correctly, so they equal those of `measure` to the last bit. Whatever it
leaves out is None, and `decode` asks `measure`, `validity` and `status` themselves.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from firmware_profiles.fast_values import (
    Linear,
    Wired,
    anywhere,
    is_scaled,
    make_linear,
    plain_value,
    refusal_of,
    scaled_of,
)
from firmware_profiles.measure import Reader
from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.raw_slots import MOST_REMEMBERED, Slot, SlotPlan, Slots, orderer, remember
from firmware_profiles.register import Register
from firmware_profiles.status import StatusReading, read_status
from firmware_profiles.status_rule import ANY_REGISTER
from firmware_profiles.validity import COUNTS, read_validity
from firmware_profiles.words import WordImage
from wire_contracts.quantities import Quantity


class FastRead(NamedTuple):
    """What a healthy poll says; one is made for each frame.

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
        self._slots = SlotPlan()
        rules = [rule for rule in profile.status if rule.register != ANY_REGISTER]
        flags = dict.fromkeys(rule.register for rule in rules if not rule.is_counter)
        self._status_slots = tuple(self._slots.add(profile.registers[name]) for name in flags)
        self._statuses: dict[tuple[Slot, ...], StatusReading] = {}
        wired = [self._prepare(register) for register in self.wired]
        self._slots.close()
        self._scaled = [scaled_of(item) for item in wired if is_scaled(item)]
        self._others = [item for item in wired if not is_scaled(item)]
        places = [at for at, item in enumerate(wired) if is_scaled(item)]
        places += [at for at, item in enumerate(wired) if not is_scaled(item)]
        self._ordered: Callable[[Sequence[float | None]], Sequence[float | None]] | None = orderer(
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
            remember(self._statuses, key, status)
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
            else plain_value(item, item.fixed, slots)
            for item in self._others
        ]
        values = found if self._ordered is None else self._ordered(found)
        return FastRead(status=status, values=values)

    def _value(self, wired: Wired, slots: Slots, image: WordImage) -> float | None:
        if not wired.is_fast:
            return None
        linear = self._linear(wired, slots, image)
        if linear is None or (wired.needs and not self._counts(wired, slots, image)):
            return None
        return plain_value(wired, linear, slots)

    def _linear(self, wired: Wired, slots: Slots, image: WordImage) -> Linear | None:
        key = tuple([slots[at] for at in wired.settings])
        try:
            return wired.linears[key]
        except KeyError:
            reader = Reader(profile=self._profile, image=image, faults={})
            linear = make_linear(reader, wired)
            remember(wired.linears, key, linear)
            return linear

    def _counts(self, wired: Wired, slots: Slots, image: WordImage) -> bool:
        key = tuple([slots[at] for at in wired.needs])
        if key in wired.valid:
            return True
        reader = Reader(profile=self._profile, image=image, faults={})
        is_valid = read_validity(reader, wired.register) == COUNTS
        if is_valid and len(wired.valid) < MOST_REMEMBERED:
            wired.valid.add(key)
        return is_valid

    def _prepare(self, register: Register) -> Wired:
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
            refusal_of(self._profile, part, is_whole=part is register, weight=weight)
            for part, weight in zip(parts, weights, strict=True)
        ]
        rules = [rule for rule in self._profile.status if rule.register == ANY_REGISTER]
        wired = Wired(
            register=register,
            quantity=register.wire or Quantity.VOLUME_M3,
            terms=terms,
            settings=tuple(self._slots.add(setting) for setting in settings),
            needs=tuple(self._slots.add(need) for need in needs),
            refusals=tuple(
                (at, each) for at, each in zip(terms, refusals, strict=True) if each.is_needed()
            ),
            is_fast=len(anywhere(self._profile)) == len(rules),
        )
        if wired.is_fast and not settings and not needs:
            reader = Reader(profile=self._profile, image={}, faults={})
            wired.fixed = make_linear(reader, wired)
        return wired
