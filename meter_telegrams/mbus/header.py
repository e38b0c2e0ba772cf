"""The transport header in front of the records: who, how often, in what state, how encrypted.

EN 13757-7:2018 section 7: none, short (access number, status, configuration) or long (meter
address before these). The configuration field names the security mode in bits 8 to 12.
"""

from dataclasses import dataclass
from enum import StrEnum

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.records.media import manufacturer_letters
from meter_telegrams.records.telegram import MeterAddress

_ADDRESS_SIZE = 8
_SHORT_SIZE = 4
_EXTENDED_MODES = frozenset({7, 13})
"""Security modes whose configuration field has a third byte; EN 13757-7:2018 section 7.6."""


class HeaderKind(StrEnum):
    """Which header a CI announces."""

    NONE = "none"
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A transport header.

    Attributes:
        address: The meter; None for the short and for no header.
        address_bytes: Manufacturer, identification, version, type as the ciphers take them.
        access_no: Counts the telegrams; None without a header.
        status: Status byte; None without a header.
        configuration: Configuration field, 0 without a header.
        extension: Its third byte, 0 when there is none.
        size: Bytes that the header took.
    """

    address: MeterAddress | None = None
    address_bytes: bytes = b""
    access_no: int | None = None
    status: int | None = None
    configuration: int = 0
    extension: int = 0
    size: int = 0

    @property
    def security_mode(self) -> int:
        """Return bits 8 to 12 of the configuration field; 0 is clear text."""
        return self.configuration >> 8 & 0x1F

    @property
    def encrypted_blocks(self) -> int:
        """Return how many blocks of 16 bytes are encrypted (modes 5 and 7)."""
        return self.configuration >> 4 & 0x0F


def parse_header(data: bytes, kind: HeaderKind, *, is_msb_first: bool = False) -> Header:
    """Return the header at the beginning of `data`; raise RefusedTelegramError when it is cut."""
    if kind is HeaderKind.NONE:
        return Header()
    start = _ADDRESS_SIZE if kind is HeaderKind.LONG else 0
    if len(data) < start + _SHORT_SIZE:
        raise _cut(f"{len(data)} bytes, the {kind} header has {start + _SHORT_SIZE}")
    step = -1 if is_msb_first else 1
    configuration = int.from_bytes(data[start + 2 : start + 4][::step], "little")
    size, extension = start + _SHORT_SIZE, 0
    if configuration >> 8 & 0x1F in _EXTENDED_MODES:
        if len(data) <= size:
            raise _cut("ends inside the configuration field")
        size, extension = size + 1, data[size]
    parts = data[:4][::step] + data[4:6][::step] + data[6:8]
    is_long = kind is HeaderKind.LONG
    return Header(
        address=address_of(parts) if is_long else None,
        address_bytes=parts[4:6] + parts[:4] + parts[6:8] if is_long else b"",
        access_no=data[start],
        status=data[start + 1],
        configuration=configuration,
        extension=extension,
        size=size,
    )


def address_of(parts: bytes) -> MeterAddress:
    """Return the address from identification, manufacturer (low byte first), version and type."""
    return MeterAddress(
        identification=parts[:4][::-1].hex().upper(),
        manufacturer=manufacturer_letters(int.from_bytes(parts[4:6], "little")),
        version=parts[6],
        device_type=parts[7],
    )


def _cut(problem: str) -> RefusedTelegramError:
    return RefusedTelegramError(
        TelegramCode.CUT, "header", "length", problem, "read the meter again"
    )
