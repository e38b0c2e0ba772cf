"""One `[[identify]]` row of a profile file becomes a Probe, or an error that names the field."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import NUMERIC, TEXTS
from firmware_profiles.conditions import Condition
from firmware_profiles.parse_condition import parse_condition
from firmware_profiles.parse_register import parse_coding, parse_span
from firmware_profiles.probe import Expectation, Probe, ProbeMethod
from firmware_profiles.register import Register
from firmware_profiles.table_reader import TableReader
from firmware_profiles.vocabulary import KEYS

_OBJECTS: Mapping[str, int] = {
    "vendor": 0,
    "product": 1,
    "revision": 2,
    "url": 3,
    "product_name": 4,
    "model": 5,
    "application": 6,
}
"""Objects of Read Device Identification; Modbus Application Protocol V1.1b3, 6.21."""

_HIGHEST_OBJECT = 255
_HIGHEST_VERSION = 255
_READ = frozenset({ProbeMethod.REGISTERS, ProbeMethod.PLAUSIBILITY, ProbeMethod.WORD_ORDER})


def parse_probe(row: TableReader, order: ByteOrder, registers: Mapping[str, Register]) -> Probe:
    """Return the probe of one row; raise ProfileError that names the field."""
    row.refuse_unknown(KEYS["identify"])
    method = row.choice("method", ProbeMethod)
    coding = parse_coding(row, order) if method in _READ and row.has("address") else None
    expectation = _parse_expectation(row)
    is_text = coding is None or coding.kind in TEXTS
    return Probe(
        method=method,
        span=None if coding is None else parse_span(row, coding),
        coding=coding,
        condition=_parse_condition(row, expectation, is_text=is_text),
        expectation=expectation,
        fact=row.text("as", ""),
        object_id=_parse_object(row, method),
        register=_parse_register_name(row, registers),
        addends=tuple(_parse_addend(row, item, registers) for item in row.items("sum")),
        tolerance=row.exact_or_none("tolerance") or Fraction(0),
        manufacturer=row.text("manufacturer", ""),
        versions=_parse_versions(row),
        is_order_own=row.has("order"),
        note=row.text("note", ""),
    )


def _parse_expectation(row: TableReader) -> Expectation | None:
    known = set(Expectation)
    value = row.values.get("equals")
    return Expectation(value) if isinstance(value, str) and value in known else None


def _parse_condition(
    row: TableReader, expectation: Expectation | None, *, is_text: bool
) -> Condition:
    if expectation is None:
        return parse_condition(row, is_text=is_text)
    rest = {key: value for key, value in row.values.items() if key != "equals"}
    return parse_condition(replace(row, values=rest))


def _parse_object(row: TableReader, method: ProbeMethod) -> int | None:
    if method is not ProbeMethod.DEVICE_IDENTIFICATION:
        return None
    value = row.value("object")
    if isinstance(value, str) and value in _OBJECTS:
        return _OBJECTS[value]
    if isinstance(value, str):
        known = ", ".join(_OBJECTS)
        raise row.refuse("object", f"{value!r} is unknown", f"use a number or one of {known}")
    return row.integer("object", low=0, high=_HIGHEST_OBJECT)


def _parse_versions(row: TableReader) -> Sequence[int]:
    if not isinstance(row.values.get("version"), list):
        version = row.integer_or_none("version", low=0, high=_HIGHEST_VERSION)
        return () if version is None else (version,)
    versions = [item for item in row.items("version") if isinstance(item, int)]
    if len(versions) != len(row.items("version")):
        raise row.refuse("version", "holds what is no number", "write version = [0x34, 0x35]")
    return tuple(versions)


def _parse_register_name(row: TableReader, registers: Mapping[str, Register]) -> str | None:
    name = row.text_or_none("register")
    return None if name is None else _known(row, "register", name, registers)


def _parse_addend(
    row: TableReader, item: object, registers: Mapping[str, Register]
) -> tuple[int, str]:
    if not isinstance(item, str):
        raise row.refuse("sum", f"{item!r} is no name", 'write sum = ["plus", "-minus"]')
    if not row.has("register"):
        raise row.refuse("register", "is missing beside sum", "say which register is the sum")
    sign = -1 if item.startswith("-") else 1
    return sign, _known(row, "sum", item.removeprefix("-"), registers)


def _known(row: TableReader, key: str, name: str, registers: Mapping[str, Register]) -> str:
    register = registers.get(name)
    if register is None or register.coding.kind not in NUMERIC:
        raise row.refuse(key, f"{name!r} is no numeric register of this file", "name one")
    return name
