"""The JSON Schema of a profile file, for editors that complete and underline while one types."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import WireType
from firmware_profiles.golden_vector import Origin
from firmware_profiles.probe import ProbeMethod
from firmware_profiles.status_rule import Severity
from firmware_profiles.vocabulary import EVENTS, KEYS, KINDS, QUANTITIES, TABLES
from wire_contracts.quantities import Quantity, Reference

Schema = Mapping[str, object]

_ROWS = frozenset({"source", "identify", "register", "status", "quirk", "test", "validity"})
"""Tables that are written `[[name]]`, any number of times."""

_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "profile": ("id", "kind"),
    "register": ("name", "fc", "address", "count", "type"),
    "status": ("register", "name", "event", "severity"),
    "identify": ("method",),
    "test": ("name", "origin", "regs", "expect"),
    "validity": ("name", "of", "need"),
    "source": ("where",),
    "quirk": ("text",),
    "guard": ("register", "equals"),
    "base": ("pressure_bara", "temperature_degc", "source"),
}


def _one_of(words: Iterable[str]) -> Schema:
    return {"enum": sorted(words)}


def _integer(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _choice(choices: type[StrEnum]) -> Schema:
    return _one_of(choices)


_NUMBER: Schema = {"type": ["number", "string"]}
_TYPES: Mapping[str, Schema] = {
    "profile.rev": _integer(1, 9999),
    "profile.id": {"type": "string", "pattern": "^[a-z0-9_]{1,60}$"},
    "profile.kind": _one_of(KINDS),
    "profile.confidence": _one_of(("high", "medium", "low")),
    "link.max_registers": _integer(1, 125),
    "link.transport": {"type": "array", "items": _one_of(("rtu", "ascii", "tcp"))},
    "link.function_codes": {"type": "array", "items": _integer(1, 127)},
    "link.unit_default": _integer(0, 247),
    "decode.byte_order": _one_of(("big", "little", "probe", "unknown")),
    "decode.word_order": _one_of(("big", "little", "probe", "unknown")),
    "register.fc": _integer(1, 4),
    "register.address": _integer(0, 0xFFFF),
    "register.count": _integer(1, 0xFFFF),
    "register.type": _choice(WireType),
    "register.order": _choice(ByteOrder),
    "register.scale": _NUMBER,
    "register.quantity": _one_of((*QUANTITIES, "")),
    "register.wire": {"anyOf": [{"const": False}, _choice(Quantity)]},
    "register.reference": _choice(Reference),
    "register.access": _one_of(("R", "W", "RW")),
    "register.byte_in_word": _one_of(("high", "low")),
    "register.may_fall": {"type": "boolean"},
    "register.floor": _NUMBER,
    "register.unit_id_offset": _integer(0, 246),
    "register.valid_if": {"type": "array", "items": {"type": "object"}},
    "identify.method": _choice(ProbeMethod),
    "identify.type": _choice(WireType),
    "identify.fc": _integer(1, 4),
    "identify.address": _integer(0, 0xFFFF),
    "status.event": _one_of(EVENTS),
    "status.severity": _choice(Severity),
    "status.bit": _integer(0, 63),
    "status.counter": {"type": "boolean"},
    "test.origin": _choice(Origin),
    "test.fc": _integer(1, 4),
    "test.regs": {"type": "object", "additionalProperties": {"type": "string"}},
    "validity.need": {"type": "array", "items": {"type": "object"}, "minItems": 1},
    "validity.otherwise": _one_of(("bad", "suspect")),
    "validity.event": _one_of(EVENTS),
}
"""What a key holds, where the schema can say; every other known key may hold anything."""


def json_schema() -> Schema:
    """Return the schema, made from the words that the loader itself accepts."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Firmware profile of a meter",
        "type": "object",
        "additionalProperties": False,
        "required": ["profile"],
        "properties": {table: _table(table) for table in sorted(TABLES)},
    }


def _table(table: str) -> Schema:
    if table not in KEYS:
        return {"type": "object"}
    row = {
        "type": "object",
        "additionalProperties": False,
        "required": list(_REQUIRED.get(table, ())),
        "properties": {key: _TYPES.get(f"{table}.{key}", {}) for key in sorted(KEYS[table])},
    }
    return {"type": "array", "items": row} if table in _ROWS else row
