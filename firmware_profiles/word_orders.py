"""Which byte order a meter has whose manual does not say: the one in which its probes make sense.

A profile with `word_order = "probe"` has several candidates. Words that were read decide: exactly
one candidate may meet every `word_order_probe`. It is decided once for a meter and remembered, as
`with_order(profile, order)`, whose reference carries the order.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import FLOATS, Coding, Raw, decode_float, decode_words
from firmware_profiles.conditions import Condition
from firmware_profiles.probe import Probe, ProbeMethod
from firmware_profiles.profile import Profile
from firmware_profiles.register import Register
from firmware_profiles.words import WordAddress, WordImage

_SMALLEST = 1e-9
"""A float nearer to zero than this is the bytes of another number in the wrong order: 20.5 degC
with its words swapped reads 2.4e-41."""

_ORDINARY = (1e-6, 1e9)
"""A float between these is a number that a meter may say: -9999 of a broken sensor is out of the
range of its quantity, and its bytes in the wrong order are 0.008 degC. Of right
readings with one decimal two in five have such a number for their other order, and wait for the
next one."""


class _Meaning(NamedTuple):
    """What the words of a probe are in one order."""

    is_value: bool
    fits: bool
    is_senseless: bool


_NOTHING = _Meaning(is_value=False, fits=False, is_senseless=True)

_Meanings = Mapping[ByteOrder, _Meaning]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OrderProbe:
    """Words that make sense in one order only.

    Attributes:
        addresses: Where they are.
        codings: What they are in each order.
        condition: What they must be.
        limits: The same as two floats, where it is nothing but them and the words are a float.
    """

    addresses: Sequence[WordAddress]
    codings: Mapping[ByteOrder, Coding]
    condition: Condition
    limits: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWitness:
    """What words can say of the byte order of a profile's meters; made once for all their polls.

    Attributes:
        candidates: The orders that the file leaves open.
        probes: What is looked at.
    """

    candidates: Sequence[ByteOrder]
    probes: Sequence[_OrderProbe]


def order_witness(profile: Profile) -> OrderWitness:
    """Return what words can say of the byte order.

    Args:
        profile: The profile as the file has it, its order open.
    """
    return OrderWitness(
        candidates=profile.order_candidates,
        probes=[
            _OrderProbe(
                addresses=tuple(probe.span.addresses()),
                codings={order: replace(probe.coding, order=order) for order in ByteOrder},
                condition=probe.condition,
                limits=_limits(probe.coding, probe.condition),
            )
            for probe in profile.probes
            if probe.method is ProbeMethod.WORD_ORDER
            and probe.span is not None
            and probe.coding is not None
            and not probe.condition.is_empty
        ],
    )


def can_decide_order(profile: Profile) -> bool:
    """Return whether the file says how its byte order is found out."""
    return bool(order_witness(profile).probes)


def decide_order(profile: Profile, images: Iterable[WordImage]) -> ByteOrder | None:
    """Return the only candidate in which every probe of every image makes sense.

    None: the words fit several (a zero reads the same in all) or none, or are not there, or may
    be the fault value of a sensor in another order. More images of the same meter decide what one
    cannot.
    """
    witness = order_witness(profile)
    missing = dict.fromkeys(witness.candidates, _NOTHING)
    seen = [
        _meanings(witness, probe, image) or missing for image in images for probe in witness.probes
    ]
    return _decided(witness, seen)


def _decided(witness: OrderWitness, seen: Sequence[_Meanings]) -> ByteOrder | None:
    if not seen:
        return None
    fitting = [order for order in witness.candidates if _all_fit(seen, order)]
    if len(fitting) != 1:
        return None
    others = [order for order in witness.candidates if order is not fitting[0]]
    is_sure = all(any(each[other].is_senseless for each in seen) for other in others)
    return fitting[0] if is_sure else None


def _all_fit(seen: Iterable[_Meanings], order: ByteOrder) -> bool:
    return all(each[order].fits for each in seen)


class OrderSign(StrEnum):
    """What the words of one poll say of the byte order that was found."""

    HOLDS = "holds"
    UNTOLD = "untold"
    OPEN = "open"
    BROKEN = "broken"
    DOUBTED = "doubted"
    CONTRADICTED = "contradicted"


def order_sign(witness: OrderWitness, order: ByteOrder, image: WordImage) -> OrderSign:
    """Return what the words of one poll say of the order that was found before.

    It holds where they decide it. Untold: no probe is among them. Contradicted: they decide another
    one. Doubted: they make sense in another one only, which is not certain yet. Open: they fit this
    one and decide nothing, as a zero does. Broken: they fit none, as those of a broken sensor.

    Args:
        witness: What they can say.
        order: The order that was found, one of the candidates.
        image: The words of the poll.
    """
    looked = [_meanings(witness, probe, image) for probe in witness.probes]
    seen = [each for each in looked if each is not None and each[order].is_value]
    if not seen:
        return OrderSign.UNTOLD
    decided = _decided(witness, seen)
    if decided is not None:
        return OrderSign.HOLDS if decided is order else OrderSign.CONTRADICTED
    if _all_fit(seen, order):
        return OrderSign.OPEN
    is_another = any(_all_fit(seen, other) for other in witness.candidates)
    return OrderSign.DOUBTED if is_another else OrderSign.BROKEN


def with_order(profile: Profile, order: ByteOrder) -> Profile:
    """Return the profile for a meter whose order has been found.

    Rows that state an `order` of their own keep it.
    """
    registers: Mapping[str, Register] = {
        name: register
        if register.is_order_own
        else replace(register, coding=replace(register.coding, order=order))
        for name, register in profile.registers.items()
    }
    probes = tuple(_probe_with(probe, order) for probe in profile.probes)
    return replace(
        profile, registers=registers, probes=probes, order_candidates=(), probed_order=order
    )


def _limits(coding: Coding, condition: Condition) -> tuple[float, float] | None:
    """Return the limits of a float as floats; None where something else must be looked at."""
    is_more = condition.mask is not None or condition.starts or condition.contains
    if coding.kind not in FLOATS or condition.one_of or is_more:
        return None
    low, high = condition.minimum, condition.maximum
    if not (_is_exact(low) and _is_exact(high)):
        return None
    return -math.inf if low is None else float(low), math.inf if high is None else float(high)


def _is_exact(limit: Fraction | None) -> bool:
    """Return whether a float is the same limit."""
    return limit is None or (abs(limit) <= _ORDINARY[1] and Fraction(float(limit)) == limit)


def _meanings(witness: OrderWitness, probe: _OrderProbe, image: WordImage) -> _Meanings | None:
    """Return what the words of a probe are in each candidate; None: they are not all there."""
    words: list[int] = []
    for at in probe.addresses:
        word = image.get(at)
        if word is None:
            return None
        words.append(word)
    if probe.limits is None:
        return {
            order: _of_raw(probe.condition, decode_words(probe.codings[order], words))
            for order in witness.candidates
        }
    return {
        order: _of_float(probe.limits, decode_float(probe.codings[order], words))
        for order in witness.candidates
    }


def _of_raw(condition: Condition, raw: Raw | None) -> _Meaning:
    """Return what a register is; a whole number out of its range is none at all."""
    if raw is None:
        return _NOTHING
    if not isinstance(raw, Fraction):
        fits = condition.holds(raw)
        return _Meaning(is_value=True, fits=fits, is_senseless=not fits)
    fits = (raw == 0 or abs(raw) >= _SMALLEST) and condition.holds(raw)
    is_senseless = not _ORDINARY[0] <= abs(raw) <= _ORDINARY[1]
    return _Meaning(is_value=True, fits=fits, is_senseless=is_senseless)


def _of_float(limits: tuple[float, float], number: float) -> _Meaning:
    """Return the same of a float, in a tenth of the time: this is done with each poll."""
    if not math.isfinite(number):
        return _NOTHING
    size = abs(number)
    fits = (size >= _SMALLEST or not size) and limits[0] <= number <= limits[1]
    is_senseless = not _ORDINARY[0] <= size <= _ORDINARY[1]
    return _Meaning(is_value=True, fits=fits, is_senseless=is_senseless)


def _probe_with(probe: Probe, order: ByteOrder) -> Probe:
    if probe.coding is None or probe.is_order_own:
        return probe
    return replace(probe, coding=replace(probe.coding, order=order))
