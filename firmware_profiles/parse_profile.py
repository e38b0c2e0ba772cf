"""A parsed TOML file becomes a Profile; whatever does not fit the schema is refused by name."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from firmware_profiles.byte_order import ByteOrder, orders_of
from firmware_profiles.cadence import CADENCE_HINT, Cadence, parse_cadence
from firmware_profiles.codings import NUMERIC, TEXTS, Coding, WireType
from firmware_profiles.errors import ProfileError
from firmware_profiles.link import Link
from firmware_profiles.parse_golden import parse_golden
from firmware_profiles.parse_identify import parse_probe
from firmware_profiles.parse_link import parse_link
from firmware_profiles.parse_register import parse_register
from firmware_profiles.parse_status import parse_status
from firmware_profiles.parse_validity import add_validity
from firmware_profiles.probe import Guard
from firmware_profiles.profile import BaseConditions, Profile, WriteRule
from firmware_profiles.register import Register
from firmware_profiles.table_reader import ParsedT, TableReader, refuse_absurd
from firmware_profiles.vocabulary import KEYS, TABLES
from firmware_profiles.words import HIGHEST_ADDRESS, Span
from wire_contracts.quantities import Medium

MAX_REVISION = 9999
_ID = re.compile(r"[a-z0-9_]{1,60}")
_REVISION = re.compile(r"[1-9][0-9]{0,3}")
_LONGEST_GROUP = 32
"""Characters of a group's name in a frame; the server refuses every frame of a longer one."""

_ANY_ORDER: tuple[ByteOrder, tuple[ByteOrder, ...]] = (ByteOrder.ABCD, ())
"""Stands for orders that were refused, until the whole file is."""

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
        ProfileError: A key, type, address or name does not fit the schema. It is the first that
            was found; its `others` are all the rest.
    """
    refuse_absurd(place, document)
    root = TableReader(place=place, values=document)
    root.refuse_unknown(TABLES)
    head = root.keep(lambda: _parse_head(root), root)
    if head is root:
        root.raise_problems()
    medium = root.keep(lambda: _parse_medium(head), None)
    order, candidates = root.keep(lambda: _parse_order(root), _ANY_ORDER)
    registers = _parse_registers(root, order, medium)
    profile = _parse_rest(root, _parse_names(head, registers, medium), order)
    root.raise_problems()
    return replace(profile, place=place, order_candidates=candidates)


def _parse_names(
    head: TableReader, registers: Mapping[str, Register], medium: Medium | None
) -> Profile:
    """Return a profile of what the head of the file says."""

    def text(key: str, default: str | None = "") -> str:
        return head.keep(lambda: head.text(key, default), "")

    return Profile(
        place="",
        profile_id=head.keep(lambda: _parse_id(head), ""),
        revision=head.keep(lambda: head.integer_or_none("rev", low=1, high=MAX_REVISION), None),
        manufacturer=text("manufacturer"),
        model=text("model"),
        kind=text("kind", None),
        medium=medium,
        confidence=text("confidence"),
        firmware_min=text("firmware_min"),
        firmware_max=text("firmware_max"),
        variant=text("variant"),
        link=Link(),
        registers=registers,
    )


def _parse_id(head: TableReader) -> str:
    profile_id = head.text("id")
    if not _ID.fullmatch(profile_id):
        raise head.refuse("id", f"{profile_id!r}", "use 1 to 60 of a-z, 0-9 and the underscore")
    return profile_id


def _parse_rest(root: TableReader, profile: Profile, order: ByteOrder) -> Profile:
    """Return the profile with everything that names its registers."""
    keep, registers = root.keep, profile.registers
    return replace(
        profile,
        link=parse_link(root),
        doc_base=keep(lambda: _parse_doc_base(root), None),
        status=_each(root, "status", "name", lambda row: parse_status(row, registers)),
        groups=keep(lambda: _parse_groups(root), {}),
        guard=keep(lambda: _parse_guard(root, registers), None),
        writes=keep(lambda: _parse_writes(root, registers), {}),
        base_conditions=keep(lambda: _parse_base(root), None),
        probes=_each(root, "identify", "method", lambda row: parse_probe(row, order, registers)),
        golden=_each(root, "test", "name", lambda row: parse_golden(row, registers)),
        quirks=_each(root, "quirk", "", lambda row: _parse_prose(row, "quirk", "text")),
        sources=_each(root, "source", "", lambda row: _parse_prose(row, "source", "where")),
    )


def _each(
    root: TableReader, table: str, title: str, parse: Callable[[TableReader], ParsedT]
) -> tuple[ParsedT, ...]:
    """Return what each row of a table is; a row that is refused is left out and kept in mind."""
    rows = root.rows(table, title)
    parsed = [row.keep(partial(parse, row), None) for row in rows]
    return tuple(item for item in parsed if item is not None)


def _parse_prose(row: TableReader, table: str, key: str) -> str:
    row.refuse_unknown(KEYS[table])
    return row.text(key)


def _parse_doc_base(root: TableReader) -> int | None:
    return _known_table(root, "addressing").integer_or_none("doc_base", low=0, high=499_999)


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
    rows = root.rows("register", "name")
    registers: dict[str, Register] = {}
    for row in rows:
        register = parse_register(row, order, medium)
        row.keep(partial(_refuse_twice, row, register.name, registers), None)
        registers[register.name] = register
    registers = {name: _with_low_part(item, registers) for name, item in registers.items()}
    root.keep(lambda: _add_bit_registers(root, registers), None)
    for row in rows:
        row.keep(partial(_check_names, row, registers), None)
    return add_validity(root, registers)


def _refuse_twice(row: TableReader, name: str, registers: Mapping[str, Register]) -> None:
    if name in registers:
        raise row.refuse("name", "stands there twice", "give every register its own name")


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


def _check_names(row: TableReader, registers: Mapping[str, Register]) -> None:
    register = registers.get(str(row.values.get("name")))
    if register is None:
        return
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
    if unit_from is None or registers[unit_from].coding.kind in TEXTS:
        return
    for code in registers[unit_from].codes:
        if not code.lstrip("-").isdecimal():
            raise row.refuse(
                "unit_from", f"code {code!r} of {unit_from} is no whole number", "write codes as 0"
            )


def _parse_groups(root: TableReader) -> dict[str, Cadence]:
    groups = root.table("group")
    for name in groups.values:
        if not 1 <= len(name) <= _LONGEST_GROUP:
            raise groups.refuse(
                name, f"has {len(name)} characters", f"name it in 1 to {_LONGEST_GROUP}"
            )
    return {name: _parse_cadence(groups, name) for name in groups.values}


def _parse_cadence(groups: TableReader, name: str) -> Cadence:
    text = groups.text(name)
    try:
        return parse_cadence(text)
    except ValueError:
        raise groups.refuse(name, f"{text!r} is no interval", CADENCE_HINT) from None


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
