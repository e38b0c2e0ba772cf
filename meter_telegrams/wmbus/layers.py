"""The layers between the wireless link and the records: extended link layer, authentication.

Extended link layer (CI 8C to 8F) EN 13757-4:2019 section 13.2, its session cipher section 13.2.11;
authentication and fragmentation layer (CI 90) EN 13757-7:2018 section 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from meter_telegrams.crc_en13757 import crc_en13757
from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.ciphers import session_decrypted
from meter_telegrams.mbus.header import address_of
from meter_telegrams.records.telegram import MeterAddress

AUTHENTICATION = 0x90

_HAS_ADDRESS = frozenset({0x8E, 0x8F})
_HAS_SESSION = frozenset({0x8D, 0x8F})
EXTENDED = frozenset({0x8C, 0x8D, 0x8E, 0x8F})
"""CI fields of the extended link layer that are read here."""

_ADDRESS_SIZE = 8
_SESSION_SIZE = 4
_CRC_SIZE = 2
_COUNTER_SIZE = 4
_KEY_INFO_SIZE = 2
_LENGTH_SIZE = 2
_MAC_SIZES = {3: 2, 4: 4, 5: 8, 6: 12, 7: 16}
"""Authentication type to bytes of its CMAC; EN 13757-7:2018 table 6."""

_MORE_FRAGMENTS = 0x4000
_HAS_CONTROL = 0x2000
_HAS_LENGTH = 0x1000
_HAS_COUNTER = 0x0800
_HAS_MAC = 0x0400
_HAS_KEY_INFO = 0x0200
_REPEATED = 0x10
_REMEDY = "receive the telegram again"
_FIELDS = {
    TelegramCode.ENCRYPTED: "session checksum",
    TelegramCode.WRONG_KEY: "session checksum",
    TelegramCode.CUT: "length",
    TelegramCode.LENGTH: "length",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedLink:
    """What the extended link layer gave.

    Attributes:
        address: The meter that it names instead of the sender, None when it names none.
        address_bytes: The same as sent.
        data: CI and what follows, in the clear.
        note: What was verified; empty when there was nothing to verify.
    """

    address: MeterAddress | None = None
    address_bytes: bytes = b""
    data: bytes
    note: str = ""


def parse_extended(data: bytes, sender: bytes, key: bytes | None) -> ExtendedLink:
    """Return what is behind the extended link layer; `data` begins with its CI.

    Args:
        data: CI 8C to 8F and what follows.
        sender: Manufacturer, identification, version and type of the link layer.
        key: The meter's key, None when nobody gave one.

    Raises:
        RefusedTelegramError: It is cut, or no way of reading gives the checksum of the session.
    """
    ci = data[0]
    parts = _Parts(data, 1)
    control = parts.take(2)
    address_bytes = parts.take(_ADDRESS_SIZE) if ci in _HAS_ADDRESS else b""
    address = None
    if address_bytes:
        address = address_of(address_bytes[2:6] + address_bytes[:2] + address_bytes[6:])
    session = parts.take(_SESSION_SIZE) if ci in _HAS_SESSION else b""
    rest, note = parts.rest(), ""
    if session:
        # a repeater's bit may or may not have been there when the meter encrypted
        controls = (control[0] & ~_REPEATED, control[0])
        blocks = [sender + bytes([each]) + session + bytes(3) for each in controls]
        rest, note = _session(rest, blocks, key)
    return ExtendedLink(address=address, address_bytes=address_bytes, data=rest, note=note)


def _session(body: bytes, blocks: Sequence[bytes], key: bytes | None) -> tuple[bytes, str]:
    """Return what is behind the session checksum, decrypted where that is needed."""
    if _is_whole(body):
        return body[_CRC_SIZE:], "session checksum right"
    if key is None:
        problem = "does not fit: the telegram is encrypted or damaged, and no key was given"
        raise _refused(TelegramCode.ENCRYPTED, problem, "give the meter's key")
    for block in blocks:
        clear = session_decrypted(body, key, block)
        if _is_whole(clear):
            return clear[_CRC_SIZE:], "decrypted by the session key, session checksum right"
    problem = "does not fit, neither as it came nor decrypted"
    raise _refused(TelegramCode.WRONG_KEY, problem, "correct the key of this meter")


def _is_whole(body: bytes) -> bool:
    crc = int.from_bytes(body[:_CRC_SIZE], "little")
    return len(body) > _CRC_SIZE and crc_en13757(body[_CRC_SIZE:]) == crc


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What the authentication layer gave.

    Attributes:
        counter: Message counter as sent, four bytes; empty without one.
        mac: The code that proves the message; empty without one.
        message: What the code is over.
        data: CI of the transport layer and what follows.
    """

    counter: bytes
    mac: bytes
    message: bytes
    data: bytes


def parse_authentication(data: bytes) -> Authentication:
    """Return what is behind the authentication layer; `data` begins with CI 90.

    Raises:
        RefusedTelegramError: It is cut, a fragment, or authenticated in a way not read here.
    """
    if len(data) < len(("CI", "AFLL")) or len(data) <= data[1] + 2:
        raise _refused(TelegramCode.CUT, "the authentication layer is cut", _REMEDY)
    size = data[1]
    parts = _Parts(data[: 2 + size], 2)
    control = int.from_bytes(parts.take(2), "little")
    if control & _MORE_FRAGMENTS or control & 0xFF > 1:
        problem = f"fragment {control & 0xFF} of a message is not joined here"
        raise _refused(TelegramCode.UNSUPPORTED, problem, "have the meter send whole messages")
    message_control = parts.take(1) if control & _HAS_CONTROL else b""
    parts.take(_KEY_INFO_SIZE if control & _HAS_KEY_INFO else 0)
    counter = parts.take(_COUNTER_SIZE if control & _HAS_COUNTER else 0)
    mac = parts.take(_mac_size(message_control) if control & _HAS_MAC else 0)
    length = parts.take(_LENGTH_SIZE if control & _HAS_LENGTH else 0)
    if parts.rest():
        raise _refused(TelegramCode.LENGTH, f"its length {size} does not fit its fields", _REMEDY)
    rest = data[2 + size :]
    message = message_control + counter + length + rest
    return Authentication(counter=counter, mac=mac, message=message, data=rest)


def _mac_size(message_control: bytes) -> int:
    kind = message_control[0] & 0x0F if message_control else 0
    size = _MAC_SIZES.get(kind)
    if size is None:
        problem = f"authentication type {kind} is not read here"
        raise _refused(TelegramCode.UNSUPPORTED, problem, "ask the maker for AES-CMAC")
    return size


class _Parts:
    """Takes fields off the front; a field that is not there refuses the telegram."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise _refused(TelegramCode.CUT, "the layer is cut", _REMEDY)
        field = self._data[self._at : end]
        self._at = end
        return field

    def rest(self) -> bytes:
        return self._data[self._at :]


def _refused(code: TelegramCode, problem: str, remedy: str) -> RefusedTelegramError:
    return RefusedTelegramError(
        code, "wireless layers", _FIELDS.get(code, "layer"), problem, remedy
    )
