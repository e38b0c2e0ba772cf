"""A wireless telegram: link layer, extended layer, authentication, then the records.

Each layer either proves its part or says in a note that it could not; a telegram that is vendor
coded, encrypted without a key, or damaged is refused with the reason.
"""

from dataclasses import replace

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.application import Carrier, read_application
from meter_telegrams.mbus.ciphers import is_authentic
from meter_telegrams.mbus.frames import LONG_START
from meter_telegrams.mbus.header import HeaderKind, parse_header
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.records.compact_formats import NO_FORMATS, Formats
from meter_telegrams.records.telegram import Bus, Function, Telegram
from meter_telegrams.wmbus.frames import AirFormat, WmbusFrame, mended_b, parse_wmbus_frame
from meter_telegrams.wmbus.layers import (
    AUTHENTICATION,
    EXTENDED,
    Authentication,
    parse_authentication,
    parse_extended,
)

_LONG_HEADERS = frozenset({0x72, 0x73, 0x6B, 0x6F, 0x75})
_IDENTIFICATION = slice(2, 6)
_CODING = 0x0F
_NO_DATA = frozenset({0x00, 0x08})
"""Codings of records that have no data; EN 13757-3:2018 table 4."""


def decode_wmbus(
    received: bytes, *, key: bytes | None = None, formats: Formats = NO_FORMATS
) -> Telegram:
    """Return the telegram that these bytes carry.

    Args:
        received: From L to the last byte, with or without the CRCs of the link layer; a wired
            long frame (some receivers wrap telegrams so) is read as one.
        key: The meter's AES key, 16 bytes; None when it is not known.
        formats: Formats learnt from full telegrams, for compact ones.

    Raises:
        RefusedTelegramError: It is damaged, encrypted, vendor coded, or not from a meter.
    """
    if received[:1] == bytes([LONG_START]) == received[3:4]:
        return _with_records(decode_mbus(received, key=key))
    frame = parse_wmbus_frame(received)
    telegram = _decoded(frame, key, formats)
    if frame.air_format is AirFormat.PLAIN:
        _check_plain(received, telegram, key, formats)
    return telegram


def _check_plain(received: bytes, telegram: Telegram, key: bytes | None, formats: Formats) -> None:
    """Raise RefusedTelegramError for bytes that are rather a damaged telegram of format B.

    They are, when one bit makes them a telegram with right CRCs, or when the last two bytes are a
    record without data behind records that are complete without them, as a CRC may look like one.
    """
    is_damaged = any(_is_telegram(each, key, formats) for each in mended_b(received))
    if not is_damaged and received[-2] & _CODING in _NO_DATA:
        try:
            cut = _decoded(_without_crc(parse_wmbus_frame(received)), key, formats)
        except RefusedTelegramError:
            return
        is_damaged = (cut.records, cut.notes) == (telegram.records[:-1], telegram.notes)
    if is_damaged:
        raise RefusedTelegramError(
            TelegramCode.CHECKSUM,
            "wireless link layer",
            "CRC",
            "of format B does not fit, if the last two bytes are one",
            "receive the telegram again",
        )


def _is_telegram(received: bytes, key: bytes | None, formats: Formats) -> bool:
    try:
        _decoded(parse_wmbus_frame(received), key, formats)
    except RefusedTelegramError:
        return False
    return True


def _decoded(frame: WmbusFrame, key: bytes | None, formats: Formats) -> Telegram:
    data, carrier = _through_layers(frame, key, formats)
    if not data:
        problem = "nothing follows the link layer"
        raise RefusedTelegramError(
            TelegramCode.CUT, "wireless layers", "CI", problem, "receive the telegram again"
        )
    return _with_records(read_application(data[0], data[1:], carrier))


def _without_crc(frame: WmbusFrame) -> WmbusFrame:
    """Return the telegram if its last two bytes were a CRC."""
    return replace(frame, data=frame.data[:-2])


def _through_layers(
    frame: WmbusFrame, key: bytes | None, formats: Formats
) -> tuple[bytes, Carrier]:
    """Return CI and what follows, with what the layers before it knew."""
    letter = frame.air_format.upper()
    is_plain = frame.air_format is AirFormat.PLAIN
    notes = ["no CRCs to check" if is_plain else f"CRCs of format {letter} right"]
    data = frame.data
    carrier = Carrier(
        bus=Bus.WMBUS,
        address=frame.address,
        address_bytes=frame.address_bytes,
        key=key,
        formats=formats,
    )
    if data[:1] and data[0] in EXTENDED:
        link = parse_extended(data, frame.address_bytes, key)
        data = link.data
        notes += [link.note] if link.note else []
        if link.address is not None:
            carrier = replace(carrier, address=link.address, address_bytes=link.address_bytes)
    if data[:1] and data[0] == AUTHENTICATION:
        proof = parse_authentication(data)
        data = proof.data
        notes += _authenticated(proof, carrier)
        carrier = replace(carrier, counter=proof.counter)
    return data, replace(carrier, notes=tuple(notes))


def _authenticated(proof: Authentication, carrier: Carrier) -> list[str]:
    """Return what the MAC proved; raise RefusedTelegramError when it does not fit."""
    if not proof.mac:
        return []
    if carrier.key is None or not proof.counter:
        return ["authentication not checked"]
    identification = _identification(proof.data, carrier.address_bytes)
    if is_authentic(carrier.key, proof.counter, identification, proof.message, proof.mac):
        return ["authentication right"]
    if _came_decrypted(proof.data):
        return ["authentication not checked: it is over what a receiver has decrypted"]
    raise RefusedTelegramError(
        TelegramCode.MAC,
        "security",
        "MAC",
        "does not fit: the key is not this meter's, or the telegram was changed",
        "correct the key of this meter",
    )


def _identification(data: bytes, address_bytes: bytes) -> bytes:
    """Return the identification of the meter: the long header's, else that of the layers below."""
    if data[:1] and data[0] in _LONG_HEADERS:
        return data[1:5]
    return address_bytes[_IDENTIFICATION]


def _came_decrypted(data: bytes) -> bool:
    """Return whether the records begin with the fillers that only a decrypted part begins with."""
    kind = HeaderKind.LONG if data[0] in _LONG_HEADERS else HeaderKind.SHORT
    header = parse_header(data[1:], kind)
    return data[1 + header.size :][:2] == b"\x2f\x2f"


def _with_records(telegram: Telegram) -> Telegram:
    """Return the telegram; raise RefusedTelegramError when no record of the standard is in it."""
    if any(record.function not in _VENDOR for record in telegram.records):
        return telegram
    if telegram.records:
        problem = "only data of the maker follow (DIF 0F), their coding is not standardised"
        code, field = TelegramCode.VENDOR_CODED, "manufacturer data"
    else:
        problem = "no record follows the header"
        code, field = TelegramCode.EMPTY, "records"
    remedy = "have the meter send standard records"
    raise RefusedTelegramError(code, "application layer", field, problem, remedy)


_VENDOR = frozenset({Function.MANUFACTURER, Function.MORE_FOLLOWS})
