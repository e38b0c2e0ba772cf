"""Owns the OpenAPI description of the sync, made from the dataclasses and their names on the wire.

`python -m wire_contracts.sync_openapi > docs/sync.openapi.json` writes it anew; a test compares.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Final, Union, get_args, get_origin, get_type_hints

from wire_contracts.blobs import (
    BLOBS_PATH,
    BlobAnswer,
    BlobOffer,
    BlobWant,
    PhotoRef,
    Position,
    ThumbRef,
)
from wire_contracts.enrolment import ENROL_PATH, EnrolAnswer, EnrolRequest, TabletPerson
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.operations import (
    MAX_OPERATIONS,
    DeviceTime,
    Operation,
    OperationResult,
    PushAnswer,
    PushRequest,
)
from wire_contracts.order_copies import OrderCopy
from wire_contracts.order_person import OrderPerson
from wire_contracts.payloads import dump_json
from wire_contracts.pokes import POKE_CONTENT_TYPE, POKE_PATH, Poke
from wire_contracts.pulls import MAX_ROWS, BucketEnd, BucketPage, PullAnswer
from wire_contracts.refusals import Refusal
from wire_contracts.sealed import (
    MAX_ENVELOPES,
    SEALED_PATH,
    Envelope,
    SealedAnswer,
    SealedRequest,
    SealedResult,
)
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER, PULL_PATH, PUSH_PATH

_V: Final = {"protocol": "v"}
_ANSWER: Final = _V | {"server_epoch": "se", "server_now_ms": "now"}

WIRE_NAMES: Final[Mapping[type, Mapping[str, str]]] = {
    EnrolRequest: {},
    EnrolAnswer: {"expires_at_utc": "expires_at"},
    TabletPerson: {},
    PullAnswer: _ANSWER
    | {
        "has_more": "more",
        "dropped_buckets": "dropped",
        "lease_until_ms": "lease_until",
    },
    BucketPage: {"is_reset": "reset", "rows": "tables", "tombstones": "dels", "total": "of"},
    BucketEnd: {},
    PushRequest: _V | {"replica_id": "replica", "operations": "ops"},
    OrderCopy: {"order_id": "id", "as_of_ms": "as_of", "area_id": "area"},
    Operation: {"entity_id": "id"},
    DeviceTime: {"wall_ms": "wall", "contact_ms": "contact", "is_restarted": "restarted"},
    PushAnswer: _ANSWER | {"must_renew_replica": "renew_replica"},
    OperationResult: {"at_ms": "at"},
    SealedRequest: _V | {"replica_id": "replica", "envelopes": "sealed"},
    Envelope: {"key_id": "key", "ephemeral": "eph"},
    SealedAnswer: _ANSWER,
    SealedResult: {"is_opened": "opened", "told_ms": "told"},
    BlobOffer: {"size_bytes": "size"},
    BlobAnswer: {"is_had": "have"},
    BlobWant: {},
    PhotoRef: {"size_bytes": "size", "taken_at_utc": "taken_at"},
    ThumbRef: {"size_bytes": "size"},
    Position: {"latitude_deg": "lat_deg", "longitude_deg": "lon_deg"},
    OrderPerson: {"appointment_at_utc": "appointment_at"},
    Poke: _V,
    Refusal: {"must_wipe": "wipe"},
}
"""Each message to the fields that travel under another name than the dataclass's."""

_VERSIONED: Final = frozenset({EnrolRequest, EnrolAnswer, Envelope, BlobOffer, BlobAnswer})
"""Messages with a version of their own, which the dataclass does not hold."""

_MAY_LACK: Final[Mapping[type, frozenset[str]]] = {
    PullAnswer: frozenset({"se", "token", "more", "buckets", "dropped"}),
    Operation: frozenset({"field", "old", "new", "payload", "session"}),
}
"""Fields that a message may leave out although the dataclass demands them, or the reverse."""

_EXTRA: Final[Mapping[type, Mapping[str, JsonObject]]] = {
    BlobAnswer: {"upload": {"type": ["string", "null"]}},
    Envelope: {},
}
"""Fields that travel and that the dataclass does not need to keep."""

_COLUMN: Final[JsonObject] = {"type": "array"}

_TABLE: Final[JsonObject] = {
    "type": "object",
    "description": "rows of one type, in columns",
    "properties": {
        "type": {"type": "string"},
        "id": {"type": "array", "items": {"type": "string"}},
        "seq": {"type": "array", "items": {"type": "integer"}},
        "hash": {"type": "array", "items": {"type": "integer"}},
        "cols": {"type": "array", "items": {"type": "string"}},
        "cells": {"type": "array", "items": _COLUMN},
        "absent": {"type": ["array", "null"], "items": _COLUMN},
    },
    "required": ["type", "id", "seq", "hash", "cols", "cells"],
    "additionalProperties": False,
}

_TOMBSTONE: Final[JsonObject] = {
    "type": "array",
    "description": "entity, id, seq",
    "minItems": 3,
    "maxItems": 3,
}

_SIMPLE: Final[Mapping[object, JsonObject]] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    datetime: {"type": "integer", "description": "ms since 1970 UTC"},
}


def sync_openapi() -> JsonObject:
    """Return the description as an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lamplighter sync", "version": str(PROTOCOL)},
        "paths": _paths(),
        "components": {
            "schemas": {
                **{message.__name__: message_schema(message) for message in WIRE_NAMES},
                "Table": _TABLE,
                "Tombstone": _TOMBSTONE,
            },
            "securitySchemes": {"tablet": {"type": "http", "scheme": "bearer"}},
        },
    }


def message_schema(message: type) -> JsonObject:
    """Return the JSON schema of one message, under the names that travel."""
    hints = get_type_hints(message)
    names = WIRE_NAMES[message]
    may_lack = _MAY_LACK.get(message, frozenset())
    properties: dict[str, JsonValue] = {}
    required: list[str] = []
    for each in fields(message) if is_dataclass(message) else ():
        name = names.get(each.name, each.name)
        properties[name] = _field_schema(message, each.name, hints[each.name])
        has_default = each.default is not MISSING or each.default_factory is not MISSING
        if name == "v" or (not has_default and name not in may_lack):
            required.append(name)
    if message in _VERSIONED:
        properties["v"] = {"type": "integer"}
        required.append("v")
    return {
        "type": "object",
        "properties": properties | dict(_EXTRA.get(message, {})),
        "required": list(required),
        "additionalProperties": False,
    }


def _field_schema(message: type, name: str, hint: object) -> JsonObject:
    if message is BucketPage and name == "rows":
        return {"type": "array", "items": {"$ref": "#/components/schemas/Table"}}
    if message is BucketPage and name == "tombstones":
        return {"type": "array", "items": {"$ref": "#/components/schemas/Tombstone"}}
    return _schema_of(hint)


def _schema_of(hint: object) -> JsonObject:
    for simple, schema in _SIMPLE.items():
        if hint == simple:
            return schema
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        inner = [each for each in arguments if each is not type(None)]
        is_any_json = len(inner) > 1
        return {} if is_any_json else {"anyOf": [_schema_of(inner[0]), {"type": "null"}]}
    if origin is Mapping:
        return {"type": "object"}
    if origin is Sequence:
        return {"type": "array", "items": _schema_of(arguments[0])}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": [str(each) for each in hint]}
    if isinstance(hint, type) and hint in WIRE_NAMES:
        return {"$ref": f"#/components/schemas/{hint.__name__}"}
    message = f"sync_openapi: {hint!r}: has no JSON form here; add it to _SIMPLE or WIRE_NAMES"
    raise TypeError(message)


def _paths() -> JsonObject:
    limit: JsonObject = {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ROWS},
    }
    token: JsonObject = {"name": "token", "in": "query", "schema": {"type": "string"}}
    seen: JsonObject = {"name": "seen", "in": "query", "schema": {"type": "string"}}
    return {
        ENROL_PATH: {"post": _exchange(EnrolRequest, EnrolAnswer, has_token=False)},
        PULL_PATH: {
            "get": {**_exchange(None, PullAnswer), "parameters": [_header(), token, seen, limit]}
        },
        PUSH_PATH: {
            "post": {
                **_exchange(PushRequest, PushAnswer),
                "description": f"at most {MAX_OPERATIONS} operations",
            }
        },
        SEALED_PATH: {
            "post": {
                **_exchange(SealedRequest, SealedAnswer),
                "description": f"at most {MAX_ENVELOPES} envelopes",
            }
        },
        BLOBS_PATH: {"post": _exchange(BlobOffer, BlobAnswer)},
        POKE_PATH: {"get": _stream()},
    }


def _exchange(
    request: type | None, answer: type, *, has_token: bool = True
) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {
        "parameters": [_header()],
        "responses": {
            "200": {"description": "done", "content": _content(answer)},
            "default": {"description": "refused", "content": _content(Refusal)},
        },
        "security": [{"tablet": []}] if has_token else [],
    }
    if request is not None:
        body["requestBody"] = {"required": True, "content": _content(request)}
    return body


def _stream() -> JsonObject:
    events: JsonObject = {"description": "events `poke`, each with a Poke", "content": {
        POKE_CONTENT_TYPE: {"schema": {"type": "string"}}
    }}  # fmt: skip
    return {
        "parameters": [_header()],
        "responses": {
            "200": events,
            "default": {"description": "refused", "content": _content(Refusal)},
        },
        "security": [{"tablet": []}],
    }


def _header() -> JsonObject:
    return {"name": PROTOCOL_HEADER, "in": "header", "schema": {"type": "integer"}}


def _content(message: type) -> JsonObject:
    schema = {"$ref": f"#/components/schemas/{message.__name__}"}
    return {"application/json": {"schema": schema}}


if __name__ == "__main__":
    sys.stdout.write(dump_json(sync_openapi()).decode() + "\n")
