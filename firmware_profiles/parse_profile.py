"""A parsed TOML file becomes a Profile; whatever does not fit the schema is refused by name."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from firmware_profiles.byte_order import ByteOrder, orders_of
from firmware_profiles.codings import NUMERIC, Coding, WireType
from firmware_profiles.errors import ProfileError
from firmware_profiles.parse_golden import parse_golden
from firmware_profiles.parse_identify import parse_probe
from firmware_profiles.parse_register import parse_register
from firmware_profiles.parse_validity import add_validity
from firmware_profiles.profile import (
    ANY_REGISTER,
    DEFAULT_MAX_REGISTERS,
    BaseConditions,
    Guard,
    Link,
    Profile,
    Register,
    Severity,
    StatusRule,
    WriteRule,
)
from firmware_profiles.table_reader import TableReader
from firmware_profiles.vocabulary import KEYS, TABLES
from firmware_profiles.words import HIGHEST_ADDRESS, Span
from wire_contracts.quantities import Medium, Quantity

MAX_REVISION = 9999
_ID = re.compile(r"[a-z0-9_]{1,60}")
_REVISION = re.compile(r"[1-9][0-9]{0,3}")
_LONGEST_GROUP = 32
"""Characters of a group's name in a frame; the server refuses every frame of a longer one."""

_BIT_REGISTER = re.compile(r"(coil|discrete):([0-9]{1,5})")
_MEDIA: Mapping[str, Medium | None] = {
    "heat": Medium.HEAT,
    "steam": Medium.HEAT,
    "gas": Medium.GAS,
    "water": Medium.WATER,
    "controller": None,
}
"""Kind of SCHEMA -> medium; what a controller is of, its `medium` says."""

_CONTROLLED: Mapping[str, Medium] = {"heating": Medium.HEAT}
"""`medium` of a controller -> medium of its temperatures; it has no totals to bill by."""


def parse_profile(place: str, document: Mapping[str, object]) -> Profile:
    """Return the profile; a draft (without `rev`) is accepted, see `completeness`.

    Raises:
        ProfileError: A key, type, address or name does not fit the schema.
    """
    root = TableReader(place=place, values=document)
    root.refuse_unknown(TABLES)
    head = _parse_head(root)
    medium = _parse_medium(head)
    order, candidates = _parse_order(root)
    registers = _parse_registers(root, order, medium)
    _add_bit_registers(root, registers)
    _check_names(root, registers)
    registers = add_validity(root, registers)
    profile_id = head.text("id")
    if not _ID.fullmatch(profile_id):
        raise head.refuse("id", f"{profile_id!r}", "use 1 to 60 of a-z, 0-9 and the underscore")
    return Profile(
        place=place,
        profile_id=profile_id,
        revision=head.integer_or_none("rev", low=1, high=MAX_REVISION),
        manufacturer=head.text("manufacturer", ""),
        model=head.text("model", ""),
        kind=head.text("kind"),
        medium=medium,
        confidence=head.text("confidence", ""),
        link=_parse_link(root),
        registers=registers,
        order_candidates=candidates,
        firmware_min=head.text("firmware_min", ""),
        firmware_max=head.text("firmware_max", ""),
        doc_base=_known_table(root, "addressing").integer_or_none("doc_base", low=0, high=499_999),
        status=tuple(_parse_status(row, registers) for row in root.tables("status", "name")),
        groups=_parse_groups(root),
        guard=_parse_guard(root, registers),
        writes=_parse_writes(root, registers),
        base_conditions=_parse_base(root),
        probes=tuple(
            parse_probe(row, order, registers) for row in root.tables("identify", "method")
        ),
        golden=tuple(parse_golden(row, registers) for row in root.tables("test", "name")),
        quirks=tuple(row.text("text") for row in _rows(root, "quirk", "")),
        sources=tuple(row.text("where") for row in _rows(root, "source", "")),
    )


def _rows(root: TableReader, table: str, title: str) -> list[TableReader]:
    rows = root.tables(table, title)
    for row in rows:
        row.refuse_unknown(KEYS[table])
    return rows


def _known_table(root: TableReader, table: str) -> TableReader:
    reader = root.table(table)
    reader.refuse_unknown(KEYS[table])
    return reader


def _parse_head(root: TableReader) -> TableReader:
    if not root.has("profile"):
        raise root.refuse("profile", "is missing", "begin the file with [profile] and an id")
    return _known_table(root, "profile")


def _parse_medium(head: TableReader) -> Medium | None:
    kind = head.text("kind")
    if kind not in _MEDIA:
        raise head.refuse("kind", f"{kind!r} is unknown", f"use one of {', '.join(_MEDIA)}")
    return _MEDIA[kind] or _CONTROLLED.get(head.text("medium", ""))


def _parse_order(root: TableReader) -> tuple[ByteOrder, tuple[ByteOrder, ...]]:
    """Return the order to read by, and what it may be where the file does not know."""
    decode = _known_table(root, "decode")
    keys = {key: decode.text(key, "unknown") for key in ("byte_order", "word_order")}
    for key, value in keys.items():
        if value not in ("big", "little", "unknown", "probe"):
            raise decode.refuse(key, f"{value!r}", "use big, little, probe or unknown")
    candidates = orders_of(keys["byte_order"], keys["word_order"])
    return candidates[0], candidates if len(candidates) > 1 else ()


def _parse_registers(
    root: TableReader, order: ByteOrder, medium: Medium | None
) -> dict[str, Register]:
    registers: dict[str, Register] = {}
    for row in root.tables("register", "name"):
        register = parse_register(row, order, medium)
        if register.name in registers:
            raise row.refuse("name", "stands there twice", "give every register its own name")
        registers[register.name] = register
    return {name: _with_low_part(register, registers) for name, register in registers.items()}


def _with_low_part(register: Register, registers: Mapping[str, Register]) -> Register:
    """Pair `X_high` with the one register of quantity `X_low`, unless the file names it."""
    quantity = register.schema_quantity
    if not quantity.endswith("_high") or register.companions.low_part is not None:
        return register
    wanted = quantity.removesuffix("_high") + "_low"
    low = [item.name for item in registers.values() if item.schema_quantity == wanted]
    if len(low) != 1:
        return register
    return replace(register, companions=replace(register.companions, low_part=low[0]))


def _add_bit_registers(root: TableReader, registers: dict[str, Register]) -> None:
    """Add a register of type bit for every `coil:n` and `discrete:n` that a status row names."""
    for row in root.tables("status", "name"):
        name = row.text("register")
        found = _BIT_REGISTER.fullmatch(name)
        if found is None or name in registers:
            continue
        address = int(found[2])
        if address > HIGHEST_ADDRESS:
            raise row.refuse("register", f"{name!r} is outside 0..65535", "correct the number")
        function_code = 1 if found[1] == "coil" else 2
        registers[name] = Register(
            name=name,
            span=Span(function_code=function_code, address=address, word_count=1),
            coding=Coding(kind=WireType.BIT, word_count=1, order=ByteOrder.ABCD),
            schema_quantity="status",
        )


def _check_names(root: TableReader, registers: Mapping[str, Register]) -> None:
    for row in root.tables("register", "name"):
        register = registers[row.text("name")]
        for name in register.companions.all():
            _check_companion(row, register, registers.get(name), name)
        _check_units(row, register, registers)


def _check_companion(
    row: TableReader, register: Register, companion: Register | None, name: str
) -> None:
    links = (key for key in row.values if key.endswith(("_from", "_part")))
    key = next((key for key in links if row.values[key] == name), "quantity")
    if companion is None:
        raise row.refuse(key, f"{name!r} is no register of this file", "name one, or add it")
    if companion.name == register.name:
        raise row.refuse(key, f"{name!r} is the register itself", "name another one")
    is_unit = name == register.companions.unit_from
    if companion.coding.kind not in NUMERIC and not is_unit:
        raise row.refuse(key, f"{name!r} is no number", "name a numeric register")


def _check_units(row: TableReader, register: Register, registers: Mapping[str, Register]) -> None:
    unit_from = register.companions.unit_from
    if unit_from is None or registers[unit_from].coding.kind is WireType.STRING:
        return
    for code in registers[unit_from].codes:
        if not code.lstrip("-").isdecimal():
            raise row.refuse(
                "unit_from", f"code {code!r} of {unit_from} is no whole number", "write codes as 0"
            )


def _parse_status(row: TableReader, registers: Mapping[str, Register]) -> StatusRule:
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
    bits = 64 if register is None else 16 * register.span.word_count
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
    names = row.items(key)
    for name in names:
        if name not in set(Quantity):
            raise row.refuse(key, f"{name!r} is no wire quantity", "use names of wire_contracts")
    return frozenset(Quantity(str(name)) for name in names)


def _parse_link(root: TableReader) -> Link:
    link = _known_table(root, "link")
    minimum_s = link.integer_or_none("min_refresh_s", low=0, high=86400)
    return Link(
        transports=tuple(_transport(link, item) for item in link.items("transport")),
        function_codes=tuple(
            item for item in link.items("function_codes") if isinstance(item, int)
        ),
        max_registers=_max_registers(link),
        forbidden=tuple(_parse_range(link, item) for item in link.items("forbidden")),
        default_device_address=link.integer_or_none("unit_default", low=0, high=247),
        baud=link.integer_or_none("baud_default", low=50, high=4_000_000),
        parity=link.text_or_none("parity"),
        stop_bits=link.integer_or_none("stopbits", low=1, high=2),
        timeout=link.milliseconds("timeout_ms"),
        gap=link.milliseconds("gap_ms"),
        min_poll=link.milliseconds("min_poll_ms"),
        min_refresh=None if minimum_s is None else timedelta(seconds=minimum_s),
        is_login_needed=link.has("login"),
    )


def _transport(link: TableReader, item: object) -> str:
    if item not in ("rtu", "ascii", "tcp"):
        raise link.refuse("transport", f"{item!r} is unknown", "use rtu, ascii or tcp")
    return str(item)


def _max_registers(link: TableReader) -> int:
    found = link.integer_or_none("max_registers", low=1, high=DEFAULT_MAX_REGISTERS)
    return DEFAULT_MAX_REGISTERS if found is None else found


def _parse_range(link: TableReader, item: object) -> tuple[int, int]:
    if isinstance(item, list) and len(item) == len(("first", "last")):
        first, last = item
        if isinstance(first, int) and isinstance(last, int) and 0 <= first <= last:
            return first, last
    raise link.refuse("forbidden", f"{item!r} is no range", "write [[FIRST, LAST], ...]")


def _parse_groups(root: TableReader) -> dict[str, timedelta]:
    groups = root.table("group")
    for name in groups.values:
        if not 1 <= len(name) <= _LONGEST_GROUP:
            raise groups.refuse(
                name, f"has {len(name)} characters", f"name it in 1 to {_LONGEST_GROUP}"
            )
    return {name: groups.duration(name) for name in groups.values}


def _parse_guard(root: TableReader, registers: Mapping[str, Register]) -> Guard | None:
    if not root.has("guard"):
        return None
    guard = _known_table(root, "guard")
    name = guard.text("register")
    if name not in registers:
        raise guard.refuse("register", f"{name!r} is no register of this file", "name one")
    return Guard(register=name, equals=guard.text("equals"))


def _parse_writes(root: TableReader, registers: Mapping[str, Register]) -> dict[str, WriteRule]:
    table = root.table("write")
    rows = root.tables("register", "name")
    writable = {row.text("name") for row in rows if "W" in row.text("access", "R")}
    rules: dict[str, WriteRule] = {}
    for name in table.values:
        row = table.table(name)
        row.refuse_unknown(frozenset({"min", "max"}))
        if name not in registers:
            raise table.refuse(name, "is no register of this file", "name one, or add it")
        if name not in writable:
            raise table.refuse(name, "is read-only", "leave it out of [write]")
        rules[name] = WriteRule(register=name, minimum=row.exact("min"), maximum=row.exact("max"))
    return rules


def _parse_base(root: TableReader) -> BaseConditions | None:
    if not root.has("base"):
        return None
    base = _known_table(root, "base")
    return BaseConditions(
        pressure_bara=base.exact("pressure_bara"),
        temperature_degc=base.exact("temperature_degc"),
        source=base.text("source"),
    )


def parse_reference(reference: str) -> tuple[str, int, ByteOrder | None]:
    """Return id, revision and probed byte order of a reference: `tuf_2000m@1`, `x@1+CDAB`.

    Raises:
        ProfileError: It is not of that form.
    """
    name, _, order = reference.partition("+")
    profile_id, _, revision = name.partition("@")
    is_order = order in set(ByteOrder) or "+" not in reference
    if _ID.fullmatch(profile_id) and _REVISION.fullmatch(revision) and is_order:
        return profile_id, int(revision), ByteOrder(order) if order else None
    raise ProfileError(
        place=f"profile {reference!r}",
        field="reference",
        problem="is not ID@REVISION",
        remedy="write it like tuf_2000m@1; `firmware-profiles list` shows all",
    )
