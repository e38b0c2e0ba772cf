"""Bytes behind the header become records, one after the other, or the telegram is refused.

Variable data structure of EN 13757-3:2018 section 6. A record that is cut makes the whole
telegram suspect, because everything before it may have been cut in the middle too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.records.codings import SPECIAL, VARIABLE, Variable, fixed_size, parse_lvar
from meter_telegrams.records.information import parse_data_information, parse_value_information
from meter_telegrams.records.measures import Measure
from meter_telegrams.records.telegram import Function, Record
from meter_telegrams.records.values import RawRecord, read_record

FILLER = 0x2F
_MANUFACTURER_DATA = 0x0F
_MORE_FOLLOWS = 0x1F


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What follows a header.

    Attributes:
        records: Every record, manufacturer data included, in order.
        has_more: Whether the meter has further records in its next telegram.
    """

    records: Sequence[Record]
    has_more: bool


def parse_records(data: bytes, *, is_msb_first: bool = False) -> Records:
    """Return the records of a telegram.

    Args:
        data: Everything behind the header.
        is_msb_first: Whether the values come highest byte first (CI 76).

    Raises:
        RefusedTelegramError: A record is cut, a chain is too long, or a code is reserved.
    """
    records: list[Record] = []
    at = 0
    while at < len(data):
        dif = data[at]
        if dif == FILLER:
            at += 1
        elif dif in {_MANUFACTURER_DATA, _MORE_FOLLOWS}:
            records.append(_manufacturer_data(data[at:]))
            return Records(records=records, has_more=dif == _MORE_FOLLOWS)
        else:
            place = f"record {len(records) + 1}"
            record, at = _parse_record(data, at, place, is_msb_first=is_msb_first)
            records.append(record)
    return Records(records=records, has_more=False)


def _manufacturer_data(data: bytes) -> Record:
    is_last = data[0] == _MANUFACTURER_DATA
    return Record(
        function=Function.MANUFACTURER if is_last else Function.MORE_FOLLOWS,
        measure=Measure.MANUFACTURER_SPECIFIC,
        value=data[1:],
        header=data[:1],
        data=data[1:],
    )


def _parse_record(data: bytes, start: int, place: str, *, is_msb_first: bool) -> tuple[Record, int]:
    """Return one record and the position behind it."""
    dib = parse_data_information(data, start, place)
    if dib.field == SPECIAL:
        raise RefusedTelegramError(
            TelegramCode.RESERVED,
            place,
            "DIF",
            f"{data[start]:02X} has no meaning in an answer",
            "ask the maker what the meter sends",
        )
    vib = parse_value_information(data, start + dib.size, place)
    at = start + dib.size + vib.size
    header = data[start:at]
    variable = None
    size = fixed_size(dib.field)
    if dib.field == VARIABLE:
        variable = _variable(data, at, place)
        at, size = at + 1, variable.size
    if at + size > len(data):
        raise _cut(place, f"ends after {len(data) - at} of {size} bytes")
    value = data[at : at + size]
    raw = RawRecord(
        dib=dib,
        vib=vib,
        variable=variable,
        header=header,
        data=value[::-1] if is_msb_first else value,
    )
    return read_record(raw), at + size


def _variable(data: bytes, at: int, place: str) -> Variable:
    if at >= len(data):
        raise _cut(place, "ends before the length byte")
    return parse_lvar(data[at], place)


def _cut(place: str, problem: str) -> RefusedTelegramError:
    return RefusedTelegramError(TelegramCode.CUT, place, "data", problem, "read the meter again")
