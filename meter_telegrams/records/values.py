"""The data of one record become its value, or the reason why it has none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from meter_telegrams.records.codings import (
    BCD_BYTES,
    INTEGER_BYTES,
    REAL,
    VARIABLE,
    CodingError,
    Variable,
    bcd_digits,
    decode_bcd,
    decode_bits,
    decode_real,
    decode_signed,
    decode_text,
    decode_unsigned,
    shifted,
)
from meter_telegrams.records.information import DataInformation, ValueInformation
from meter_telegrams.records.measures import Measure
from meter_telegrams.records.media import manufacturer_letters
from meter_telegrams.records.modifiers import RECORD_ERRORS
from meter_telegrams.records.telegram import (
    Modifier,
    ModifierKind,
    Record,
    RecordError,
    RecordValue,
)
from meter_telegrams.records.times import (
    TimeValue,
    decode_date,
    decode_date_time,
    decode_date_time_second,
    decode_time,
)
from meter_telegrams.records.units import Reading, Vif

_TIME_KINDS = frozenset({ModifierKind.EXCEED_TIME, ModifierKind.TIME_OF, ModifierKind.START_OF})
_DURATION_KINDS = frozenset({ModifierKind.EXCEED_DURATION, ModifierKind.DURATION_OF})
_COUNT_KINDS = _DURATION_KINDS | {ModifierKind.EXCEED_COUNT}
_UNIT_SIGNS = {ModifierKind.PER: "/", ModifierKind.TIMES: "*"}
_LETTER_BYTES = 2

_TIME_READERS: Mapping[int, Callable[[bytes], TimeValue]] = {
    2: decode_date,
    3: decode_time,
    4: decode_date_time,
    6: decode_date_time_second,
}
"""Bytes of an integer field to the type of its time; EN 13757-3:2018 tables 10 and 12."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """A record whose parts are known, but not yet its value.

    Attributes:
        dib: What kind of data.
        vib: What they mean.
        variable: What LVAR announces, None for data of fixed size.
        header: The bytes of both.
        data: The data, lowest byte first.
    """

    dib: DataInformation
    vib: ValueInformation
    variable: Variable | None
    header: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class _Meaning:
    """VIF and VIFEs taken together."""

    unit: str
    exponent: int
    reading: Reading


def read_record(raw: RawRecord) -> Record:
    """Return the record; what has no value says why in `error`."""
    meaning = _meaning(raw.vib.vif, raw.vib.modifiers)
    value: RecordValue = None
    error = _reported(raw.vib.modifiers)
    if error is None:
        try:
            value = _value(raw, meaning)
        except CodingError as refused:
            error = refused.error
    is_number = isinstance(value, Decimal)
    has_steps = is_number and raw.dib.field != REAL
    return Record(
        function=raw.dib.function,
        storage=raw.dib.storage,
        tariff=raw.dib.tariff,
        subunit=raw.dib.subunit,
        measure=raw.vib.vif.measure,
        unit=meaning.unit,
        value=value,
        modifiers=raw.vib.modifiers,
        error=error,
        resolution=shifted(Decimal(1), meaning.exponent) if has_steps else None,
        name=raw.vib.name,
        header=raw.header,
        data=raw.data,
    )


def _reported(modifiers: Sequence[Modifier]) -> RecordError | None:
    """Return the error that the meter itself put into the record."""
    for each in modifiers:
        if each.kind is ModifierKind.ERROR:
            return RECORD_ERRORS[each.code]
    return None


def _meaning(vif: Vif, modifiers: Sequence[Modifier]) -> _Meaning:
    meaning = _Meaning(vif.unit, vif.exponent, vif.reading)
    for each in modifiers:
        meaning = _modified(meaning, each)
    return meaning


def _modified(meaning: _Meaning, modifier: Modifier) -> _Meaning:
    unit, exponent, reading = meaning.unit, meaning.exponent, meaning.reading
    kind = modifier.kind
    if kind is ModifierKind.FACTOR:
        return _Meaning(unit, exponent + int(modifier.detail[2:]), reading)
    if kind in _TIME_KINDS:
        return _Meaning("", 0, Reading.TIME_POINT)
    if kind in _COUNT_KINDS:
        return _Meaning(modifier.detail if kind in _DURATION_KINDS else "", 0, Reading.UNSIGNED)
    sign = _UNIT_SIGNS.get(kind)
    joined_unit = f"{unit}{sign}{modifier.detail}" if sign else unit
    return _Meaning(joined_unit, exponent, _READINGS.get(kind, reading))


_READINGS: Mapping[ModifierKind, Reading] = {
    ModifierKind.TYPE_C: Reading.UNSIGNED,
    ModifierKind.TYPE_D: Reading.BITS,
    ModifierKind.OBIS: Reading.UNSIGNED,
    ModifierKind.PROFILE: Reading.RAW,
}


def _value(raw: RawRecord, meaning: _Meaning) -> RecordValue:
    field = raw.dib.field
    if field == VARIABLE and raw.variable is not None:
        is_vendors = raw.vib.vif.measure is Measure.MANUFACTURER_SPECIFIC
        return raw.data if is_vendors else _variable_value(raw.variable, raw.data, meaning)
    if not raw.data:
        raise CodingError(RecordError.NO_DATA)
    if meaning.reading is Reading.RAW:
        return raw.data
    if field in INTEGER_BYTES:
        return _integer(raw.data, meaning)
    return _decimal(field, raw.data, meaning)


def _decimal(field: int, data: bytes, meaning: _Meaning) -> RecordValue:
    """Return what BCD and floats hold; a time is neither."""
    if meaning.reading in {Reading.DATE, Reading.TIME_POINT}:
        raise CodingError(RecordError.NOT_A_TIME)
    if field in BCD_BYTES and meaning.reading is Reading.DIGITS:
        return bcd_digits(data)
    number = decode_bcd(data) if field in BCD_BYTES else decode_real(data)
    return shifted(number, meaning.exponent)


def _integer(data: bytes, meaning: _Meaning) -> RecordValue:
    match meaning.reading:
        case Reading.DATE | Reading.TIME_POINT:
            return _time(data)
        case Reading.BITS:
            return decode_bits(data)
        case Reading.UNSIGNED:
            return shifted(decode_unsigned(data), meaning.exponent)
        case Reading.DIGITS:
            return str(decode_unsigned(data))
        case Reading.LETTERS if len(data) == _LETTER_BYTES:
            return manufacturer_letters(int.from_bytes(data, "little"))
        case _:
            return shifted(decode_signed(data), meaning.exponent)


def _time(data: bytes) -> RecordValue:
    reader = _TIME_READERS.get(len(data))
    if reader is None:
        raise CodingError(RecordError.NOT_A_TIME)
    moment = reader(data)
    if moment is None:
        raise CodingError(RecordError.INVALID)
    return moment


def _variable_value(variable: Variable, data: bytes, meaning: _Meaning) -> RecordValue:
    if meaning.reading is Reading.RAW:
        return data
    if variable.kind == "text":
        return decode_text(data)
    if meaning.reading in {Reading.DATE, Reading.TIME_POINT}:
        raise CodingError(RecordError.CODING)
    if not data:
        raise CodingError(RecordError.NO_DATA)
    if variable.kind == "binary":
        is_plain = meaning.reading is Reading.NUMBER
        return shifted(decode_signed(data), meaning.exponent) if is_plain else data
    number = decode_bcd(data)
    is_negative = variable.kind == "negative_bcd"
    if is_negative and number.is_signed():  # two signs in one number: nobody knows which is meant
        raise CodingError(RecordError.INVALID)
    return shifted(-number if is_negative else number, meaning.exponent)
