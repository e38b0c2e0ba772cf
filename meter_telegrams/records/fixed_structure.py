"""The fixed data structure (CI 73 and 77): two counters of eight digits or 32 bits.

EN 1434-3:1997, as told by the M-Bus documentation 4.8, section 6.2: identification, access
number, status, medium and units in two bytes, counter 1, counter 2. The upper two bits of each
unit byte are the medium, low bits in the first one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.records.codings import CodingError, decode_bcd, decode_signed, shifted
from meter_telegrams.records.measures import Measure
from meter_telegrams.records.media import FIXED_MEDIA
from meter_telegrams.records.telegram import Function, Record, RecordError, RecordValue

SIZE = 16
"""Bytes behind CI."""

_IS_BINARY = 0x01
_IS_STORED = 0x02
_UNIT_MASK = 0x3F
_SAME_BUT_HISTORIC = 0x3E
_CLOCK, _CALENDAR = 0x00, 0x01

Unit = tuple[Measure, str, int]


def _decades(
    first: int, count: int, measure: Measure, unit: str, exponent: int
) -> list[tuple[int, Unit]]:
    return [(first + step, (measure, unit, exponent + step)) for step in range(count)]


UNITS: Mapping[int, Unit] = dict(
    (
        (_CLOCK, (Measure.ON_TIME, "h,min,s", 0)),
        (_CALENDAR, (Measure.DATE, "d,m,y", 0)),
        *_decades(0x02, 9, Measure.ENERGY, "Wh", 0),
        *_decades(0x0B, 9, Measure.ENERGY, "J", 3),
        *_decades(0x14, 9, Measure.POWER, "W", 0),
        *_decades(0x1D, 9, Measure.POWER, "J/h", 3),
        *_decades(0x26, 9, Measure.VOLUME, "m3", -6),
        *_decades(0x2F, 9, Measure.VOLUME_FLOW, "m3/h", -6),
        (0x38, (Measure.EXTERNAL_TEMPERATURE, "degC", -3)),
        (0x39, (Measure.HEAT_COST_UNITS, "HCA", 0)),
        (0x3F, (Measure.DIMENSIONLESS, "", 0)),
    )
)
"""Six bits of a unit byte; 3E repeats the unit of the first counter for a stored value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedData:
    """A fixed structure taken apart.

    Attributes:
        identification: Eight digits.
        access_no: Counts the telegrams.
        status: Status byte; its bits are not those of the variable structure.
        medium: Name of the medium.
        device_type: The device type nearest to it.
        records: The two counters.
    """

    identification: str
    access_no: int
    status: int
    medium: str
    device_type: int
    records: Sequence[Record]


def parse_fixed(data: bytes, *, is_msb_first: bool) -> FixedData:
    """Return the fixed structure behind CI; raise RefusedTelegramError unless it has 16 bytes.

    Args:
        data: What follows CI.
        is_msb_first: Whether identification and counters come highest byte first (CI 77).
    """
    if len(data) != SIZE:
        raise RefusedTelegramError(
            TelegramCode.LENGTH,
            "fixed structure",
            "length",
            f"{len(data)} bytes, not {SIZE}",
            "read the meter again",
        )
    step = -1 if is_msb_first else 1
    identification, first, second = (data[at : at + 4][::step] for at in (0, 8, 12))
    unit_bytes = data[6:8]
    medium = unit_bytes[0] >> 6 | unit_bytes[1] >> 6 << 2
    name, device_type = FIXED_MEDIA.get(medium, (f"reserved {medium:X}", 0x0F))
    status = data[5]
    codes = [byte & _UNIT_MASK for byte in unit_bytes]
    is_stored = codes[1] == _SAME_BUT_HISTORIC
    codes[1] = codes[0] if is_stored else codes[1]
    both = int(bool(status & _IS_STORED))
    is_binary = bool(status & _IS_BINARY)
    return FixedData(
        identification=identification[::-1].hex().upper(),
        access_no=data[4],
        status=status,
        medium=name,
        device_type=device_type,
        records=(
            _counter(first, codes[0], is_binary=is_binary, storage=both),
            _counter(second, codes[1], is_binary=is_binary, storage=int(is_stored) or both),
        ),
    )


def _counter(data: bytes, code: int, *, is_binary: bool, storage: int) -> Record:
    measure, unit, exponent = UNITS.get(code, (Measure.RESERVED, "", 0))
    value: RecordValue = None
    error = None
    try:
        number = decode_signed(data) if is_binary else decode_bcd(data)
        value = shifted(number, exponent)
    except CodingError as refused:
        error = refused.error
    if code in {_CLOCK, _CALENDAR}:
        value, error = None, RecordError.CODING
    return Record(
        function=Function.INSTANTANEOUS,
        storage=storage,
        measure=measure,
        unit=unit,
        value=value,
        error=error,
        resolution=None if value is None else shifted(Decimal(1), exponent),
        header=bytes([code]),
        data=data,
    )
