"""One `[[register]]` row of a profile file becomes a Register, or an error that names the field."""

import re
from dataclasses import replace
from enum import StrEnum
from fractions import Fraction

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.clocks import ClockLayout, fits, parse_layout
from firmware_profiles.codings import (
    HALVES,
    NUMERIC,
    TEXTS,
    WORD_COUNTS,
    Coding,
    Raw,
    WireType,
    encode_words,
)
from firmware_profiles.errors import EncodeError
from firmware_profiles.register import (
    Companions,
    Comparison,
    Limits,
    Register,
    Sentinel,
    SplitField,
)
from firmware_profiles.table_reader import TableReader, exact_number
from firmware_profiles.vocabulary import KEYS, LEADING_SUFFIXES, PART_SUFFIXES
from firmware_profiles.words import HIGHEST_ADDRESS, HIGHEST_UNIT_OFFSET, READ_BITS, Span
from wire_contracts.quantities import Medium, Quantity, Reference, to_canonical, wire_quantity

READ_FUNCTIONS = (1, 2, 3, 4)

_ADDRESS_REMEDY = "give the zero-based wire address: manual 40001 is 0, manual 30001 is 0"
_SENTINEL = re.compile(r"(>=|<=|==)?\s*(-?[0-9.]+|0x[0-9A-Fa-f]{1,16})(\s+\w.*)?")
_HEX = re.compile(r"0x([0-9A-Fa-f]{1,8})")
_SPLIT = re.compile(r"hi:(\w+),lo:(\w+)")


class Access(StrEnum):
    """What a register allows."""

    READ = "R"
    WRITE = "W"
    BOTH = "RW"


_UNKNOWN = Coding(kind=WireType.U16, word_count=1, order=ByteOrder.ABCD)
"""Stands for a type that was refused, until the whole file is."""


def parse_register(reader: TableReader, order: ByteOrder, medium: Medium | None) -> Register:
    """Return the register of one row; what is refused is kept by the reader, with its field."""
    keep = reader.keep
    reader.refuse_unknown(KEYS["register"])
    coding = keep(lambda: parse_coding(reader, order), None)
    register = _parse_names(reader, medium, coding or _UNKNOWN)
    return replace(
        register,
        span=keep(lambda: parse_span(reader, coding), register.span),
        scale=keep(lambda: _parse_scale(reader), None),
        group=keep(lambda: reader.text_or_none("group"), None),
        atomic=keep(lambda: reader.text_or_none("atomic"), None),
        sentinels=keep(lambda: _parse_sentinels(reader), ()),
        limits=keep(lambda: _parse_limits(reader, register.wire), Limits()),
        companions=keep(lambda: _parse_companions(reader), Companions()),
        rollover_span=keep(lambda: reader.exact_or_none("rollover_span"), None),
        is_negated=keep(lambda: reader.flag("negative"), fallback=False),
        exponent_offset=keep(
            lambda: reader.integer_or_none("exponent_offset", low=-30, high=30), None
        ),
        codes=keep(lambda: _parse_codes(reader), {}),
        split=() if coding is None else keep(lambda: _parse_split(reader, coding), ()),
        preset=None if coding is None else keep(lambda: _parse_preset(reader, coding), None),
        clock=None if coding is None else keep(lambda: _parse_clock(reader, coding), None),
        is_readable=keep(lambda: _is_readable(reader), fallback=True),
        is_doubtful=keep(lambda: reader.flag("doubtful"), fallback=False),
        printed_address=keep(lambda: _parse_printed_address(reader), None),
        option=_prose(reader, "firmware"),
        basis=_prose(reader, "basis"),
        conflict=_prose(reader, "conflict"),
    )


def _parse_names(reader: TableReader, medium: Medium | None, coding: Coding) -> Register:
    """Return what a row says of itself in words: name, unit, quantity; its span is none yet."""
    keep = reader.keep
    schema_quantity = keep(lambda: reader.text("quantity", ""), "")
    reference = keep(lambda: _parse_reference(reader), None)
    natural = keep(lambda: _natural(reader, schema_quantity, medium, reference), None)
    natural = natural if coding.kind in NUMERIC else None
    wire = keep(lambda: _parse_wire(reader, natural), None)
    return Register(
        name=keep(lambda: reader.text("name"), ""),
        span=Span(function_code=READ_FUNCTIONS[-1], address=0, word_count=coding.word_count),
        coding=coding,
        unit=keep(lambda: _plain_unit(reader), ""),
        schema_quantity=schema_quantity,
        natural=wire or natural,
        wire=wire,
        reference=reference,
        is_kept_local=reader.values.get("wire") is False,
        is_order_own=reader.has("order"),
    )


def whole_quantity(schema_quantity: str) -> str | None:
    """Return the quantity that a row stands for as a whole; None for a mere part."""
    if schema_quantity.endswith(PART_SUFFIXES):
        return None
    for suffix in LEADING_SUFFIXES:
        if schema_quantity.endswith(suffix):
            return schema_quantity.removesuffix(suffix)
    return schema_quantity


def parse_coding(reader: TableReader, order: ByteOrder) -> Coding:
    """Return type, length and byte order of a row; `order` is that of the file."""
    kind = reader.choice("type", WireType)
    count = reader.integer("count", low=1, high=HIGHEST_ADDRESS)
    fits = WORD_COUNTS[kind]
    if fits is not None and count != fits:
        raise reader.refuse(
            "count", f"{count} does not fit {kind}, which takes {fits}", f"write count = {fits}"
        )
    half = reader.text_or_none("byte_in_word")
    if half is not None and (kind not in HALVES or half not in ("high", "low")):
        raise reader.refuse(
            "byte_in_word", f"{half!r} with {kind}", 'use "high" or "low", and type u8 or i8'
        )
    return Coding(
        kind=kind,
        word_count=count,
        order=reader.choice("order", ByteOrder, order),
        is_high_byte=half == "high",
    )


def parse_span(reader: TableReader, coding: Coding | None) -> Span:
    """Return the words of a row; bits have function codes of their own.

    Without a coding (it was refused) only the address and the function code are looked at.
    """
    word_count = 1 if coding is None else coding.word_count
    address = reader.keep(lambda: _parse_address(reader, word_count), 0)
    function_code = reader.integer("fc", low=1, high=len(READ_FUNCTIONS))
    if coding is not None and (function_code in READ_BITS) != (coding.kind is WireType.BIT):
        raise reader.refuse(
            "fc", f"{function_code} with type {coding.kind}", "read bits by 1 or 2, words by 3 or 4"
        )
    return Span(
        unit_offset=reader.integer_or_none("unit_id_offset", low=0, high=HIGHEST_UNIT_OFFSET) or 0,
        function_code=function_code,
        address=address,
        word_count=word_count,
    )


def _parse_address(reader: TableReader, word_count: int) -> int:
    address = reader.value("address")
    if isinstance(address, bool) or not isinstance(address, int):
        raise reader.refuse("address", f"is {address!r}, not a whole number", _ADDRESS_REMEDY)
    if not 0 <= address <= HIGHEST_ADDRESS + 1 - word_count:
        last = address + word_count - 1
        shown = f"{address}" if word_count == 1 else f"{address}..{last}"
        raise reader.refuse("address", f"{shown} is outside 0..65535", _ADDRESS_REMEDY)
    return address


def _parse_scale(reader: TableReader) -> Fraction | None:
    if not reader.has("scale"):
        return None if reader.text("part", "") == "high" else Fraction(1)
    scale = reader.exact("scale")
    if scale == 0:
        raise reader.refuse("scale", "is zero", "give the factor from raw to the printed unit")
    return scale


def _parse_reference(reader: TableReader) -> Reference | None:
    if reader.has("reference"):
        return reader.choice("reference", Reference)
    unit = reader.text("unit", "")
    if unit.endswith("(a)"):
        return Reference.ABSOLUTE
    return Reference.GAUGE if unit.endswith("(g)") or unit == "psig" else None


def _plain_unit(reader: TableReader) -> str:
    unit = reader.text("unit", "")
    if unit == "psig":
        return "psi"
    return unit.removesuffix("(a)").removesuffix("(g)")


def _natural(
    reader: TableReader, schema_quantity: str, medium: Medium | None, reference: Reference | None
) -> Quantity | None:
    whole = whole_quantity(schema_quantity)
    if medium is None or not whole or reader.has("part_of"):
        return None
    return wire_quantity(whole, medium, reference)


def _parse_wire(reader: TableReader, natural: Quantity | None) -> Quantity | None:
    wire = reader.values.get("wire")
    if wire is None:
        return natural
    if wire is False:
        return None
    if isinstance(wire, str) and wire in set(Quantity):
        return Quantity(wire)
    raise reader.refuse(
        "wire", f"{wire!r} is no wire quantity", "write false, or a name of wire_contracts"
    )


def _parse_limits(reader: TableReader, wire: Quantity | None) -> Limits:
    zero = _canonical(reader, Fraction(0), wire)

    def canonical_step(key: str) -> Fraction | None:
        step = _canonical(reader, reader.exact_or_none(key), wire)
        return None if step is None else step - (zero or Fraction(0))

    return Limits(
        minimum=_canonical(reader, reader.exact_or_none("min"), wire),
        maximum=_canonical(reader, reader.exact_or_none("max"), wire),
        max_rate_per_hour=canonical_step("max_rate"),
        floor=canonical_step("floor"),
        may_fall=reader.flag("may_fall"),
    )


def _canonical(
    reader: TableReader, printed: Fraction | None, wire: Quantity | None
) -> Fraction | None:
    """Return a limit in the canonical unit; unchanged where the printed unit is not known."""
    if printed is None or wire is None:
        return printed
    try:
        return to_canonical(printed, _plain_unit(reader), wire)
    except ValueError:
        return printed


def _parse_companions(reader: TableReader) -> Companions:
    return Companions(
        decimal_part=reader.text_or_none("decimal_part"),
        low_part=reader.text_or_none("low_part"),
        rollover_from=reader.text_or_none("rollover_from"),
        exponent_from=reader.text_or_none("exponent_from"),
        decimals_from=reader.text_or_none("decimals_from"),
        multiplier_from=reader.text_or_none("multiplier_from"),
        resolution_from=reader.text_or_none("resolution_from"),
        unit_from=reader.text_or_none("unit_from"),
    )


def _parse_printed_address(reader: TableReader) -> int | None:
    """Return the number printed in the manual, where `doc_address` is nothing but a number."""
    text = reader.text("doc_address", "")
    if text.isdecimal():
        return int(text)
    found = _HEX.fullmatch(text)
    return int(found[1], 16) if found else None


def _parse_sentinels(reader: TableReader) -> tuple[Sentinel, ...]:
    value = reader.values.get("sentinel")
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    return tuple(_parse_sentinel(reader, item) for item in items)


def _parse_sentinel(reader: TableReader, item: object) -> Sentinel:
    limit = exact_number(item)
    if limit is not None:
        return Sentinel(comparison=Comparison.EQUAL, limit=limit)
    found = _SENTINEL.fullmatch(item) if isinstance(item, str) else None
    text = found[2] if found else ""
    limit = Fraction(int(text, 16)) if text.startswith("0x") else exact_number(text)
    if found is None or limit is None:
        raise reader.refuse(
            "sentinel", f"{item!r} is no raw value", 'write 0x7FFF, ">=18000", or a list of such'
        )
    return Sentinel(comparison=Comparison(found[1] or "=="), limit=limit)


def _parse_codes(reader: TableReader) -> dict[str, str]:
    table = reader.table("codes")
    return {code: table.text(code) for code in table.values}


def _parse_split(reader: TableReader, coding: Coding) -> tuple[SplitField, ...]:
    text = reader.text_or_none("split")
    if text is None:
        return ()
    found = _SPLIT.fullmatch(text)
    if found is None or coding.kind is not WireType.U16 or coding.word_count != 1:
        raise reader.refuse("split", f"{text!r}", 'write "hi:NAME,lo:NAME" on one u16')
    return (
        SplitField(name=found[1], is_high_byte=True),
        SplitField(name=found[2], is_high_byte=False),
    )


def _is_readable(reader: TableReader) -> bool:
    return reader.choice("access", Access, Access.READ) is not Access.WRITE


def _prose(reader: TableReader, key: str) -> str:
    """Return what stands there for people, whatever it is."""
    return str(reader.values.get(key, ""))


def _parse_clock(reader: TableReader, coding: Coding) -> ClockLayout | None:
    text = reader.text_or_none("clock")
    if text is None:
        return None
    layout = parse_layout(text)
    if layout is None:
        raise reader.refuse(
            "clock", f"{text!r} is no layout", 'write "yy mm dd hh nn ss", "epoch" or "cp32"'
        )
    kinds = (WireType.U32,) if layout.special else (WireType.U16, WireType.TIME6)
    if coding.kind not in kinds or not fits(layout, coding.word_count):
        problem = f"{text!r} does not fit {coding.kind} in {coding.word_count} words"
        raise reader.refuse("clock", problem, "use one field per byte or per word")
    return layout


def _parse_preset(reader: TableReader, coding: Coding) -> Raw | None:
    value = reader.values.get("preset")
    if value is None:
        return None
    raw = value if coding.kind in TEXTS else exact_number(value)
    if isinstance(raw, str | Fraction) and _fits(coding, raw):
        return raw
    raise reader.refuse(
        "preset", f"{value!r} does not fit {coding.kind}", "write a raw value of the register"
    )


def _fits(coding: Coding, raw: Raw) -> bool:
    try:
        encode_words(coding, raw)
    except EncodeError:
        return False
    return True
