"""One `[[status]]` row of a profile file becomes a StatusRule, or an error that names the field."""

from collections.abc import Mapping

from firmware_profiles.codings import NUMERIC
from firmware_profiles.register import Register
from firmware_profiles.status_rule import ANY_REGISTER, Severity, StatusRule
from firmware_profiles.table_reader import TableReader
from firmware_profiles.vocabulary import KEYS
from wire_contracts.quantities import Quantity

_MOST_BITS = 64
"""Of the longest number, u64."""


def parse_status(row: TableReader, registers: Mapping[str, Register]) -> StatusRule:
    """Return the rule of one row; raise ProfileError that names the field."""
    row.refuse_unknown(KEYS["status"])
    name = row.text("register")
    register = registers.get(name)
    if register is None and name != ANY_REGISTER:
        raise row.refuse("register", f"{name!r} is no register of this file", "name one, or add it")
    is_counter = row.flag("counter")
    mask, value = (None, None) if is_counter else _parse_pattern(row, register)
    if is_counter and (register is None or any(row.has(key) for key in ("bit", "mask", "value"))):
        raise row.refuse("counter", "needs a register and nothing else", "leave out bit and mask")
    return StatusRule(
        register=name,
        mask=mask,
        value=value,
        name=row.text("name"),
        event=row.text("event"),
        severity=row.choice("severity", Severity),
        bad=_parse_quantities(row, "bad"),
        suspect=_parse_quantities(row, "suspect"),
        is_counter=is_counter,
    )


def _parse_pattern(
    row: TableReader, register: Register | None
) -> tuple[int | None, int | str | None]:
    bits = _MOST_BITS if register is None else min(_MOST_BITS, 16 * register.span.word_count)
    value = row.values.get("value")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | str)):
        raise row.refuse("value", f"is {value!r}", "write a whole number or text")
    if row.has("bit"):
        if row.has("mask") or value is not None:
            raise row.refuse("bit", "stands beside mask or value", "write bit alone, or mask")
        return 1 << row.integer("bit", low=0, high=bits - 1), None
    mask = row.integer_or_none("mask", low=1, high=(1 << bits) - 1)
    if mask is None and value is None:
        raise row.refuse("bit", "is missing", "say which bit, mask or value means this event")
    if mask is not None and register is not None and register.coding.kind not in NUMERIC:
        raise row.refuse("mask", f"on a register of type {register.coding.kind}", "use value")
    return mask, value


def _parse_quantities(row: TableReader, key: str) -> frozenset[Quantity] | None:
    if not row.has(key):
        return None
    known = {str(quantity): quantity for quantity in Quantity}
    found: set[Quantity] = set()
    for name in row.items(key):
        if not isinstance(name, str) or name not in known:
            raise row.refuse(key, f"{name!r} is no wire quantity", "use names of wire_contracts")
        found.add(known[name])
    return frozenset(found)
