"""The head of a record: what kind of data follow and what they mean (DIF, DIFE, VIF, VIFE)."""

from collections.abc import Sequence
from dataclasses import dataclass

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.records.measures import Measure
from meter_telegrams.records.modifiers import modifiers_of
from meter_telegrams.records.telegram import Function, Modifier, ModifierKind
from meter_telegrams.records.units import (
    ALTERNATE_EXTENSION,
    MAIN_EXTENSION,
    PRIMARY,
    RESERVED,
    SECOND_LEVEL,
    Reading,
    Vif,
)

MOST_DIFES = 10
"""EN 13757-3:2018 section 6.3.4."""

MOST_VIFES = 10
"""EN 13757-3:2018 section 6.4.1."""

LONGEST_NAME = 0xBF
"""Longest plain-text VIF: the length byte is an LVAR of the text range."""

FUNCTIONS = (
    Function.INSTANTANEOUS,
    Function.MAXIMUM,
    Function.MINIMUM,
    Function.ERROR_STATE,
)

_EXTENDED = 0x80
_PLAIN_TEXT = 0x7C
_ANY_MANUFACTURER = 0x7F
_FB, _FD, _EF = 0xFB, 0xFD, 0xEF


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInformation:
    """DIF and DIFEs.

    Attributes:
        field: Low four bits of the DIF: size and coding of the data.
        function: Kind of value.
        storage: Storage number, up to 41 bits.
        tariff: Tariff, up to 20 bits.
        subunit: Subunit, up to 10 bits.
        size: Bytes that these took.
    """

    field: int
    function: Function
    storage: int
    tariff: int
    subunit: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueInformation:
    """VIF and VIFEs.

    Attributes:
        vif: Meaning of the true VIF.
        name: Plain text of the meter where the VIF is 7C; else empty.
        modifiers: What the VIFEs do.
        size: Bytes that these took.
    """

    vif: Vif
    name: str
    modifiers: Sequence[Modifier]
    size: int


def _chain(data: bytes, start: int, most: int, place: str, field: str) -> int:
    """Return the position behind a chain whose bytes carry the extension bit, first one given."""
    at = start
    while data[at] & _EXTENDED:
        at += 1
        if at - start > most:
            problem = f"more than {most} follow one another"
            raise RefusedTelegramError(
                TelegramCode.CHAIN, place, field, problem, "read the meter again"
            )
        if at >= len(data):
            raise _cut(place, field, "the telegram ends inside the chain")
    return at + 1


def _cut(place: str, field: str, problem: str) -> RefusedTelegramError:
    return RefusedTelegramError(TelegramCode.CUT, place, field, problem, "read the meter again")


def parse_data_information(data: bytes, start: int, place: str) -> DataInformation:
    """Return DIF and DIFEs; raise RefusedTelegramError when the chain is cut or too long."""
    end = _chain(data, start, MOST_DIFES, place, "DIFE")
    dif = data[start]
    storage, tariff, subunit = dif >> 6 & 1, 0, 0
    for step, dife in enumerate(data[start + 1 : end]):
        storage |= (dife & 0x0F) << (1 + 4 * step)
        tariff |= (dife >> 4 & 3) << (2 * step)
        subunit |= (dife >> 6 & 1) << step
    return DataInformation(
        field=dif & 0x0F,
        function=FUNCTIONS[dif >> 4 & 3],
        storage=storage,
        tariff=tariff,
        subunit=subunit,
        size=end - start,
    )


def parse_value_information(data: bytes, start: int, place: str) -> ValueInformation:
    """Return VIF and VIFEs; raise RefusedTelegramError when they are cut or too many."""
    if start >= len(data):
        raise _cut(place, "VIF", "the telegram ends behind the DIF")
    if data[start] & 0x7F == _PLAIN_TEXT:
        return _plain_text(data, start, place)
    end = _chain(data, start, MOST_VIFES, place, "VIFE")
    vif, used = _true_vif(data[start:end])
    modifiers = tuple(modifiers_of(data[start + used : end]))
    if data[start] & 0x7F == _ANY_MANUFACTURER:
        modifiers = tuple(
            Modifier(kind=ModifierKind.MANUFACTURER, code=byte & 0x7F)
            for byte in data[start + 1 : end]
        )
    return ValueInformation(vif=vif, name="", modifiers=modifiers, size=end - start)


def _plain_text(data: bytes, start: int, place: str) -> ValueInformation:
    """Read the VIF whose meaning is a text: length and characters stand before the VIFEs."""
    if start + 1 >= len(data):
        raise _cut(place, "VIF text", "the telegram ends before its length")
    length = data[start + 1]
    behind = start + 2 + length
    if length > LONGEST_NAME or behind > len(data):
        problem = f"is said to have {length} bytes, {len(data) - start - 2} are left"
        raise _cut(place, "VIF text", problem)
    end = behind
    if data[start] & _EXTENDED:
        if behind >= len(data):
            raise _cut(place, "VIFE", "the telegram ends behind the VIF text")
        end = _chain(data, behind, MOST_VIFES - 1, place, "VIFE")
    name = data[start + 2 : behind][::-1].decode("latin-1")
    modifiers = tuple(modifiers_of(data[behind:end]))
    return ValueInformation(
        vif=Vif(Measure.PLAIN_TEXT), name=name, modifiers=modifiers, size=end - start
    )


def _true_vif(chain: bytes) -> tuple[Vif, int]:
    """Return the meaning of the true VIF, and how many bytes of the chain it took."""
    first = chain[0]
    if first in {_FB, _FD} and len(chain) > 1:
        if first == _FD and chain[1] == _FD and len(chain) > len((_FD, _FD)):
            return SECOND_LEVEL.get(chain[2] & 0x7F, RESERVED), 3
        table = ALTERNATE_EXTENSION if first == _FB else MAIN_EXTENSION
        return table.get(chain[1] & 0x7F, RESERVED), 2
    if first == _EF:
        return RESERVED, min(2, len(chain))
    if first & 0x7F == _ANY_MANUFACTURER:
        return Vif(Measure.MANUFACTURER_SPECIFIC, reading=Reading.NUMBER), 1
    return PRIMARY.get(first & 0x7F, RESERVED), 1
