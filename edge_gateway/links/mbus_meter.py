"""Decides which M-Bus meter a device address names, and whether an answer is from it."""

import re
from dataclasses import dataclass, replace

from meter_telegrams.mbus.frames import HIGHEST_ADDRESS, parse_secondary
from meter_telegrams.records.telegram import MeterAddress
from meter_telegrams.telegram_meaning import PROFILE

ANYBODY = ""
"""The address to identify the one meter of a line that is not known yet."""

_PRIMARY = re.compile(r"([0-9]{1,3})(?:/(.+))?")
_ANY_BYTE = 0xFF
_REMEDY = (
    "write the primary address 0..250 such as 5, the secondary one such as 24083345 or"
    " 24083345.EFE.00.0C, or both as 5/24083345"
)


class MbusAddressError(ValueError):
    """An address or profile that no M-Bus meter can have; the text is for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MbusMeter:
    """A meter as it is asked.

    Attributes:
        primary: Its primary address; None: it is selected by its secondary one.
        secondary: Who must answer, with wildcards; None: nobody has said.
    """

    primary: int | None = None
    secondary: MeterAddress | None = None

    def is_fit(self, answered: MeterAddress | None) -> bool:
        """Return whether an answer may be this meter's; one without a name fits no name."""
        wanted = self.secondary
        if wanted is None:
            return True
        if answered is None:
            return False
        digits = zip(wanted.identification, answered.identification, strict=True)
        if any(digit not in {"F", other} for digit, other in digits):
            return False
        if not answered.manufacturer:  # a fixed structure says no more than its number
            return True
        return (
            wanted.manufacturer in {"", answered.manufacturer}
            and wanted.version in {_ANY_BYTE, answered.version}
            and wanted.device_type in {_ANY_BYTE, answered.device_type}
        )


def parse_meter(device_address: str, profile: str = "") -> MbusMeter:
    """Return the meter that settings name.

    Args:
        device_address: `5`, `24083345`, `24083345.EFE.00.0C`, or `5/24083345` for a meter that is
            asked by its primary address and must be the one with that identification.
        profile: Empty, `auto`, or the one profile there is.

    Raises:
        MbusAddressError: Address or profile cannot be.
    """
    if profile not in {"", "auto", PROFILE}:
        message = f"profile: {profile!r} reads no M-Bus meter; write {PROFILE} or leave it out"
        raise MbusAddressError(message)
    found = _PRIMARY.fullmatch(device_address)
    if found is None:
        return MbusMeter(secondary=_secondary(device_address, device_address))
    primary = int(found[1])
    if primary > HIGHEST_ADDRESS:
        message = f"device_address: {device_address!r} is outside 0..250; {_REMEDY}"
        raise MbusAddressError(message)
    secondary = None if found[2] is None else _secondary(found[2], device_address)
    return MbusMeter(primary=primary, secondary=secondary)


def _secondary(text: str, device_address: str) -> MeterAddress:
    try:
        return parse_secondary(text)
    except ValueError as error:
        message = f"device_address: {device_address!r} is no M-Bus address; {_REMEDY}"
        raise MbusAddressError(message) from error


def any_version(secondary: MeterAddress) -> MeterAddress:
    """Return the address that a meter has whatever its version is."""
    return replace(secondary, version=_ANY_BYTE)


def is_one_number(secondary: MeterAddress) -> bool:
    """Return whether an address names one whole number, which no two meters of a maker share."""
    return "F" not in secondary.identification


def is_for_all(device_address: str) -> bool:
    """Return whether a device address fits every meter there is, and so names none.

    Raises:
        MbusAddressError: It is no device address.
    """
    secondary = parse_meter(device_address).secondary
    return secondary is not None and set(secondary.identification) == {"F"}


def may_be_same(device_address: str, other: str) -> bool:
    """Return whether two device addresses may be answered by one meter, as far as they say.

    A primary address beside a secondary one says nothing about it. Two meters at one primary
    address are told apart when both identifications are written; two of one number by the makers.

    Raises:
        MbusAddressError: One of them is no device address.
    """
    one, two = parse_meter(device_address), parse_meter(other)
    if one.secondary is None or two.secondary is None:
        return one.primary is not None and one.primary == two.primary
    is_apart = None not in {one.primary, two.primary} and one.primary != two.primary
    if is_apart and not (is_one_number(one.secondary) and is_one_number(two.secondary)):
        return False
    return _may_overlap(one.secondary, two.secondary)


def _may_overlap(one: MeterAddress, two: MeterAddress) -> bool:
    digits = zip(one.identification, two.identification, strict=True)
    return (
        all(a == b or "F" in {a, b} for a, b in digits)
        and (one.manufacturer == two.manufacturer or "" in {one.manufacturer, two.manufacturer})
        and (one.version == two.version or _ANY_BYTE in {one.version, two.version})
        and (one.device_type == two.device_type or _ANY_BYTE in {one.device_type, two.device_type})
    )


def format_secondary(address: MeterAddress) -> str:
    """Return the address as settings name it: `24083345.EFE.00.0C`; without a maker the digits."""
    if not address.manufacturer:
        return address.identification
    return (
        f"{address.identification}.{address.manufacturer}"
        f".{address.version:02X}.{address.device_type:02X}"
    )
