"""One `[[test]]` row of a profile file becomes a golden vector."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from firmware_profiles.codings import NUMERIC
from firmware_profiles.golden_vector import Expected, GoldenVector, Origin
from firmware_profiles.register import Register
from firmware_profiles.table_reader import TableReader
from firmware_profiles.vocabulary import KEYS
from firmware_profiles.words import HIGHEST_ADDRESS, HIGHEST_UNIT_OFFSET, Span, WordAddress
from wire_contracts.quality import parse_quality
from wire_contracts.quantities import Quantity

_READ_HOLDING = 3
_WORD = re.compile(r"[0-9A-Fa-f]{4}")
_START = re.compile(r"(?:([1-4])(?:\+([0-9]{1,3}))?:)?([0-9]{1,6})")
_QUANTITIES = frozenset(Quantity)


def parse_golden(row: TableReader, registers: Mapping[str, Register]) -> GoldenVector:
    """Return the vector; raise ProfileError that names the field."""
    row.refuse_unknown(KEYS["test"])
    expect = row.table("expect")
    named = [name for name in expect.values if name not in _QUANTITIES]
    for name in named:
        if name not in registers:
            raise expect.refuse(name, "is no register and no quantity", "correct the name")
    return GoldenVector(
        name=row.text("name"),
        origin=row.choice("origin", Origin),
        words=_parse_words(row),
        registers={name: _expected(expect, name, registers[name]) for name in named},
        values={
            Quantity(name): _number(expect, name) for name in expect.values if name in _QUANTITIES
        },
        quality=_parse_quality(row),
        events=_parse_events(row),
    )


def _parse_words(row: TableReader) -> dict[WordAddress, int]:
    function_code = row.integer_or_none("fc", low=1, high=4) or _READ_HOLDING
    blocks = row.table("regs")
    words: dict[WordAddress, int] = {}
    for start in blocks.values:
        codes = [_parse_word(blocks, start, text) for text in blocks.text(start).split()]
        if codes:
            block = _parse_block(blocks, start, function_code, len(codes))
            words.update(zip(block.addresses(), codes, strict=True))
    return words


def _parse_block(blocks: TableReader, start: str, function_code: int, count: int) -> Span:
    found = _START.fullmatch(start)
    if found is None or int(found[2] or 0) > HIGHEST_UNIT_OFFSET:
        raise blocks.refuse(
            start, "is no address", 'write regs = { "0" = "0001 86A0" }, or "4:0" for function 4'
        )
    last = int(found[3]) + count - 1
    if last > HIGHEST_ADDRESS:
        raise blocks.refuse(start, f"{last} is outside 0..65535", "correct the address")
    return Span(
        unit_offset=int(found[2] or 0),
        function_code=int(found[1] or function_code),
        address=int(found[3]),
        word_count=count,
    )


def _parse_word(blocks: TableReader, start: str, text: str) -> int:
    if _WORD.fullmatch(text):
        return int(text, 16)
    raise blocks.refuse(start, f"{text!r} is no word", "write four hexadecimal digits per word")


def _expected(expect: TableReader, name: str, register: Register) -> Expected:
    value = expect.values[name]
    if isinstance(value, Mapping):
        fields = expect.table(name)
        return {key: fields.integer(key, low=0, high=255) for key in fields.values}
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, int))
    if register.coding.kind not in NUMERIC or register.clock is not None:
        return expect.text(name)
    return _number(expect, name)


def _number(expect: TableReader, name: str) -> Decimal:
    value = expect.values[name]
    if isinstance(value, int | str | Decimal) and not isinstance(value, bool):
        try:
            return Decimal(value)
        except InvalidOperation:
            pass
    raise expect.refuse(name, f"is {value!r}, not a number", 'write a decimal such as "-12.5"')


def _parse_quality(row: TableReader) -> dict[Quantity, str]:
    table = row.table("quality")
    qualities: dict[Quantity, str] = {}
    for name in table.values:
        if name not in _QUANTITIES:
            raise table.refuse(name, "is no wire quantity", "use a name of wire_contracts")
        try:
            qualities[Quantity(name)] = parse_quality(table.text(name))
        except ValueError as error:
            raise table.refuse(
                name, f"{error} is no quality", "use a code of wire_contracts.quality"
            ) from error
    return qualities


def _parse_events(row: TableReader) -> frozenset[str] | None:
    return frozenset(str(item) for item in row.items("events")) if row.has("events") else None
