"""The validity rules of a file: `valid_if` of a register, and `[[validity]]` for several."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from firmware_profiles.codings import TEXTS
from firmware_profiles.parse_condition import CONDITION_KEYS, parse_condition
from firmware_profiles.register import Need, Register, Validity
from firmware_profiles.table_reader import TableReader
from firmware_profiles.vocabulary import KEYS

_NEED_KEYS = CONDITION_KEYS | {"register"}


def add_validity(root: TableReader, registers: Mapping[str, Register]) -> dict[str, Register]:
    """Return the registers with their validity rules; what is refused is kept by the reader."""
    rules: dict[str, list[Validity]] = {name: [] for name in registers}
    for row in root.rows("register", "name"):
        row.keep(partial(_add_own, row, registers, rules), None)
    for row in root.rows("validity", "name"):
        row.keep(partial(_add_rule, row, registers, rules), None)
    return {name: replace(item, validity=tuple(rules[name])) for name, item in registers.items()}


def _add_own(
    row: TableReader, registers: Mapping[str, Register], rules: Mapping[str, list[Validity]]
) -> None:
    name = row.values.get("name")
    if row.has("valid_if") and isinstance(name, str):
        rules[name].append(Validity(needs=_parse_needs(row, "valid_if", registers)))


def _add_rule(
    row: TableReader, registers: Mapping[str, Register], rules: Mapping[str, list[Validity]]
) -> None:
    row.refuse_unknown(KEYS["validity"])
    rule = _parse_rule(row, registers)
    for item in row.items("of"):
        rules[_register_of(row, item, registers)].append(rule)


def _parse_rule(row: TableReader, registers: Mapping[str, Register]) -> Validity:
    otherwise = row.text("otherwise", "bad")
    if otherwise not in ("bad", "suspect"):
        raise row.refuse("otherwise", f"{otherwise!r} is unknown", "use bad or suspect")
    return Validity(
        needs=_parse_needs(row, "need", registers),
        is_only_doubted=otherwise == "suspect",
        event=row.text("event", ""),
    )


def _parse_needs(row: TableReader, key: str, registers: Mapping[str, Register]) -> tuple[Need, ...]:
    needs = tuple(_parse_need(each, registers) for each in row.tables(key, "register"))
    if not needs:
        raise row.refuse(key, "is empty", f'write {key} = [{{ register = "NAME", equals = 0 }}]')
    return needs


def _parse_need(row: TableReader, registers: Mapping[str, Register]) -> Need:
    row.refuse_unknown(_NEED_KEYS)
    name, half = _parse_half(row, row.text("register"), registers)
    register = registers.get(name)
    if register is None:
        raise row.refuse("register", f"{name!r} is no register of this file", "name one, or add it")
    is_text = register.coding.kind in TEXTS
    condition = parse_condition(row, is_text=is_text)
    if condition.is_empty:
        raise row.refuse("equals", "is missing", "say what it must be: equals, in, min or max")
    return Need(register=name, half=half, condition=condition)


def _parse_half(
    row: TableReader, text: str, registers: Mapping[str, Register]
) -> tuple[str, bool | None]:
    """Return register and half of `NAME.FIELD`, where NAME is split into two fields."""
    name, _, field = text.rpartition(".")
    if text in registers or name not in registers:
        return text, None
    for half in registers[name].split:
        if half.name == field:
            return name, half.is_high_byte
    raise row.refuse("register", f"{name!r} has no field {field!r}", "name a field of its split")


def _register_of(row: TableReader, item: object, registers: Mapping[str, Register]) -> str:
    for register in registers.values():
        if item in (register.name, register.wire):
            return register.name
    raise row.refuse("of", f"{item!r} is no register or wire quantity of this file", "name one")
