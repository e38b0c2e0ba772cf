"""What the CI field announces becomes a telegram: records, an error of the meter, or a refusal.

EN 13757-7:2018 table 1 (CI fields), EN 13757-3:2018 section 7 (application errors). The same
code reads what came over a wire and what came over the air.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from meter_telegrams.errors import ApplicationError, RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.ciphers import BLOCK, decrypted
from meter_telegrams.mbus.header import Header, HeaderKind, parse_header
from meter_telegrams.records.compact_formats import NO_FORMATS, Formats, expanded
from meter_telegrams.records.fixed_structure import parse_fixed
from meter_telegrams.records.media import device_type_name
from meter_telegrams.records.record_bytes import FILLER, Records, parse_records
from meter_telegrams.records.telegram import Bus, MeterAddress, Telegram

NO_NAME = "not named"
"""Medium of a telegram that does not say which meter it is from."""

_FULL: Mapping[int, HeaderKind] = {
    0x72: HeaderKind.LONG,
    0x76: HeaderKind.LONG,
    0x78: HeaderKind.NONE,
    0x7A: HeaderKind.SHORT,
}
_COMPACT: Mapping[int, HeaderKind] = {
    0x73: HeaderKind.LONG,
    0x79: HeaderKind.NONE,
    0x7B: HeaderKind.SHORT,
}
_FORMAT = frozenset({0x69, 0x6A, 0x6B})
_ERRORS: Mapping[int, HeaderKind] = {
    0x70: HeaderKind.NONE,
    0x6E: HeaderKind.SHORT,
    0x6F: HeaderKind.LONG,
}
_ALARMS = frozenset({0x71, 0x74, 0x75})
_FIXED = frozenset({0x73, 0x77})
_MSB_FIRST = frozenset({0x76, 0x77})
_VENDOR = range(0xA0, 0xB8)
_BLOCK_MODE = 5
_BLOCKS_END = bytes([FILLER] * 2)

SECURITY_MODES = frozenset({1, 2, 3, 4, 5, 7, 8, 9, 10, 13})
"""Modes that EN 13757-7:2018 table 19 defines. Wired meters older than it have any two bytes
where the configuration field is now (then `signature`): a reserved mode is no encryption there."""

APPLICATION_ERRORS: Mapping[int, str] = {
    0x00: "unspecified error",
    0x01: "the CI field is not implemented",
    0x02: "the buffer is too long and was cut",
    0x03: "too many records",
    0x04: "premature end of record",
    0x05: "more than 10 DIFEs",
    0x06: "more than 10 VIFEs",
    0x08: "the application is busy",
    0x09: "too many readouts",
    0x10: "access denied",
    0x11: "application or block unknown",
    0x12: "parameter missing",
    0x13: "value of a parameter is wrong",
    0x14: "link is not available",
}
"""EN 13757-3:2018 table 21."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What the layers below know.

    Attributes:
        bus: How it travelled.
        primary_address: A field on the wire.
        address: The meter as the link layer names it; None on the wire.
        address_bytes: The same as sent: manufacturer, identification, version, type.
        counter: Message counter of the authentication layer; empty without one.
        key: The meter's key, None when nobody gave one.
        formats: Formats of compact telegrams that are known.
        notes: What the layers below verified.
    """

    bus: Bus
    primary_address: int | None = None
    address: MeterAddress | None = None
    address_bytes: bytes = b""
    counter: bytes = b""
    key: bytes | None = None
    formats: Formats = field(default_factory=lambda: NO_FORMATS)
    notes: tuple[str, ...] = ()


def read_application(ci: int, data: bytes, carrier: Carrier) -> Telegram:
    """Return the telegram behind a CI field; raise RefusedTelegramError when it is not readable.

    Args:
        ci: Control information.
        data: What follows it.
        carrier: What the layers below know.
    """
    if carrier.bus is Bus.MBUS and ci in _FIXED:
        return _fixed(ci, data, carrier)
    kind = _FULL.get(ci) or _COMPACT.get(ci)
    if kind is None:
        raise _unreadable(ci, data)
    is_msb_first = ci in _MSB_FIRST
    header = parse_header(data, kind, is_msb_first=is_msb_first)
    address = header.address or carrier.address
    if carrier.bus is Bus.MBUS and header.security_mode not in SECURITY_MODES:
        header = replace(header, configuration=0)
    clear, proof = decrypted(
        data[header.size :],
        header,
        header.address_bytes or carrier.address_bytes,
        carrier.counter,
        carrier.key,
    )
    if ci in _COMPACT:
        clear = expanded(clear, carrier.formats)
    found, left_out = _records(clear, header, is_msb_first=is_msb_first)
    notes = tuple(note for note in (proof, left_out) if note)
    return Telegram(
        bus=carrier.bus,
        address=address,
        medium=NO_NAME if address is None else device_type_name(address.device_type),
        primary_address=carrier.primary_address,
        ci=ci,
        access_no=header.access_no,
        status=header.status,
        security_mode=header.security_mode,
        records=tuple(found.records),
        has_more=found.has_more,
        notes=(*carrier.notes, *notes),
    )


def _records(clear: bytes, header: Header, *, is_msb_first: bool) -> tuple[Records, str]:
    """Return the records, and which bytes are none.

    Some meters send bytes of their own behind the encrypted blocks. Where fillers end these
    blocks all records stand in them, and what follows is left out if it is no record.
    """
    try:
        return parse_records(clear, is_msb_first=is_msb_first), ""
    except RefusedTelegramError:
        secured = header.encrypted_blocks * BLOCK
        if header.security_mode != _BLOCK_MODE or not clear[:secured].endswith(_BLOCKS_END):
            raise
    note = f"{len(clear) - secured} bytes behind the encrypted part are no record and left out"
    return parse_records(clear[:secured], is_msb_first=is_msb_first), note


def _fixed(ci: int, data: bytes, carrier: Carrier) -> Telegram:
    found = parse_fixed(data, is_msb_first=ci in _MSB_FIRST)
    return Telegram(
        bus=carrier.bus,
        address=MeterAddress(
            identification=found.identification,
            manufacturer="",
            version=0,
            device_type=found.device_type,
        ),
        medium=found.medium,
        primary_address=carrier.primary_address,
        ci=ci,
        access_no=found.access_no,
        status=found.status,
        records=tuple(found.records),
    )


def _unreadable(ci: int, data: bytes) -> RefusedTelegramError:
    place = f"CI {ci:02X}"
    if ci in _ERRORS:
        header = parse_header(data, _ERRORS[ci])
        return _application_error(place, data[header.size :], header)
    if ci in _ALARMS:
        return ApplicationError(place, "alarm", "is an alarm, not readings", number=0)
    if ci in _FORMAT:
        problem = "only announces the format of compact telegrams"
        return RefusedTelegramError(
            TelegramCode.COMPACT, place, "format", problem, "show a full telegram of the meter"
        )
    if ci in _VENDOR:
        problem = "belongs to the maker, its content is not standardised"
        return RefusedTelegramError(
            TelegramCode.VENDOR_CODED, place, "CI", problem, "have the meter send standard records"
        )
    problem = "announces no readings of EN 13757-3"
    return RefusedTelegramError(
        TelegramCode.UNSUPPORTED, place, "CI", problem, "ask the meter for its user data"
    )


def _application_error(place: str, data: bytes, header: Header) -> ApplicationError:
    number = data[0] if data else 0
    text = APPLICATION_ERRORS.get(number, "a code that the standard reserves")
    problem = f"the meter reports error {number:02X}, {text}"
    if header.security_mode:
        problem, number = "the meter reports an error, encrypted", 0
    return ApplicationError(place, "application error", problem, number=number)
