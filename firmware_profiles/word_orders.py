"""Which byte order a meter has whose manual does not say: the one in which its probes make sense.

A profile with `word_order = "probe"` has several candidates. Words that were read decide: exactly
one candidate may meet every `word_order_probe`. It is decided once for a meter and remembered, as
`with_order(profile, order)`, whose reference carries the order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import Coding, Raw, decode_words
from firmware_profiles.conditions import Condition
from firmware_profiles.probe import Probe, ProbeMethod
from firmware_profiles.profile import Profile
from firmware_profiles.register import Register
from firmware_profiles.words import Span, WordImage

_SMALLEST = Fraction(1, 10**9)
"""A float nearer to zero than this is the bytes of another number in the wrong order: 20.5 degC
with its words swapped reads 2.4e-41."""

_ORDINARY = (Fraction(1, 10**6), Fraction(10**9))
"""A float between these is a number that a meter may say: -9999 of a broken sensor is out of the
range of its quantity, and its bytes in the wrong order are 0.008 degC. Of right
readings with one decimal two in five have such a number for their other order, and wait for the
next one."""


def can_decide_order(profile: Profile) -> bool:
    """Return whether the file says how its byte order is found out."""
    return bool(_order_probes(profile))


def decide_order(profile: Profile, images: Iterable[WordImage]) -> ByteOrder | None:
    """Return the only candidate in which every probe of every image makes sense.

    None: the words fit several (a zero reads the same in all) or none, or are not there, or may
    be the fault value of a sensor in another order. More images of the same meter decide what one
    cannot.
    """
    return _decided(profile, _order_probes(profile), list(images))


def _decided(
    profile: Profile, probes: Sequence["_OrderProbe"], seen: Sequence[WordImage]
) -> ByteOrder | None:
    if not (seen and probes):
        return None
    fitting = [
        order
        for order in profile.order_candidates
        if all(_fits(probe, order, image) for probe in probes for image in seen)
    ]
    if len(fitting) != 1:
        return None
    others = [order for order in profile.order_candidates if order is not fitting[0]]
    is_sure = all(_is_excluded(probes, order, seen) for order in others)
    return fitting[0] if is_sure else None


class OrderSign(StrEnum):
    """What the words of one poll say of the byte order that was found."""

    HOLDS = "holds"
    UNTOLD = "untold"
    OPEN = "open"
    DOUBTED = "doubted"
    CONTRADICTED = "contradicted"


def order_sign(profile: Profile, order: ByteOrder, image: WordImage) -> OrderSign:
    """Return what the words of one poll say of the order that was found before.

    It holds where they decide it. Untold: no probe is among them. Contradicted: they decide another
    one. Doubted: they make sense in another one only, which is not certain yet. Open: they fit
    both, as a zero does, or none, as those of a broken sensor.

    Args:
        profile: The profile as the file has it, its order open.
        order: The order that was found.
        image: The words of the poll.
    """
    probes = _order_probes(profile)
    here = [probe for probe in probes if _raw(probe, order, image) is not None]
    if not here:
        return OrderSign.UNTOLD
    decided = _decided(profile, here, [image])
    if decided is not None:
        return OrderSign.HOLDS if decided is order else OrderSign.CONTRADICTED
    if all(_fits(probe, order, image) for probe in here):
        return OrderSign.OPEN
    others = [other for other in profile.order_candidates if other is not order]
    is_another = any(all(_fits(probe, other, image) for probe in here) for other in others)
    return OrderSign.DOUBTED if is_another else OrderSign.OPEN


def _is_excluded(
    probes: Iterable["_OrderProbe"], order: ByteOrder, images: Iterable[WordImage]
) -> bool:
    """Return whether some words are no number that a meter would say in this order."""
    return any(_is_senseless(probe, order, image) for probe in probes for image in images)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _OrderProbe:
    """Words that make sense in one order only."""

    span: Span
    coding: Coding
    condition: Condition


def _order_probes(profile: Profile) -> list[_OrderProbe]:
    return [
        _OrderProbe(span=probe.span, coding=probe.coding, condition=probe.condition)
        for probe in profile.probes
        if probe.method is ProbeMethod.WORD_ORDER
        and probe.span is not None
        and probe.coding is not None
        and not probe.condition.is_empty
    ]


def _fits(probe: _OrderProbe, order: ByteOrder, image: WordImage) -> bool:
    raw = _raw(probe, order, image)
    return raw is not None and _is_number(raw) and probe.condition.holds(raw)


def _is_senseless(probe: _OrderProbe, order: ByteOrder, image: WordImage) -> bool:
    """Return whether the words are no number in this order; a whole number out of range is none."""
    raw = _raw(probe, order, image)
    if raw is None or not isinstance(raw, Fraction):
        return not _fits(probe, order, image)
    return not _ORDINARY[0] <= abs(raw) <= _ORDINARY[1]


def _raw(probe: _OrderProbe, order: ByteOrder, image: WordImage) -> Raw | None:
    words = [image.get(at) for at in probe.span.addresses()]
    known = [word for word in words if word is not None]
    if len(known) < len(words):
        return None
    return decode_words(replace(probe.coding, order=order), known)


def _is_number(raw: Raw) -> bool:
    return not isinstance(raw, Fraction) or raw == 0 or abs(raw) >= _SMALLEST


def _probe_with(probe: Probe, order: ByteOrder) -> Probe:
    if probe.coding is None or probe.is_order_own:
        return probe
    return replace(probe, coding=replace(probe.coding, order=order))
