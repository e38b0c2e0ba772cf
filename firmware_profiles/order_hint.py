"""Decides whether doubtful floats would make sense in another byte order: a hint, never a value."""

from collections.abc import Iterator

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import FLOATS
from firmware_profiles.measure import Measured, Reader, measure
from firmware_profiles.profile import Profile
from firmware_profiles.register import Register
from firmware_profiles.word_orders import with_order
from firmware_profiles.words import WordImage
from wire_contracts.quality import SUSPECT_RANGE


def likely_order(profile: Profile, image: WordImage) -> ByteOrder | None:
    """Return the only other order in which every float of the profile is plausible.

    None: no float is outside what a meter can mean, or not exactly one order explains them all.
    """
    if not _implausible(profile, image):
        return None
    fitting = [
        order
        for order in ByteOrder
        if _floats(profile) and not _implausible(with_order(profile, order), image)
    ]
    return fitting[0] if len(fitting) == 1 else None


def order_hint(profile: Profile, image: WordImage) -> str:
    """Return what to tell a person about the order of the words; empty: nothing."""
    order = likely_order(profile, image)
    if order is None:
        return ""
    return (
        f"word order? in {order} the values outside what a meter can mean would be possible ones; "
        "compare with the display, and name the profile of that order"
    )


def _implausible(profile: Profile, image: WordImage) -> list[str]:
    reader = Reader(profile=profile, image=image, faults={})
    return [register.name for register, found in _measured(reader) if found.code == SUSPECT_RANGE]


def _measured(reader: Reader) -> Iterator[tuple[Register, Measured]]:
    for register in _floats(reader.profile):
        if register.wire is not None and reader.gap(register) is None:
            yield register, measure(reader, register, register.wire)


def _floats(profile: Profile) -> list[Register]:
    return [
        register
        for register in profile.registers.values()
        if register.coding.kind in FLOATS and not register.is_order_own
    ]
