"""Decides what the OpenAPI description says that each route answers.

The routes of the tablets are described from the dataclasses of their messages (RULINGS R24), the
others by the table below; whatever is not in it is a page: HTML, or a redirect to one. A refusal
is a page where a person asked and `{"code", "text"}` where a machine did.
"""

from collections.abc import Collection, Mapping
from typing import Final

from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.sync_openapi import sync_openapi

REFUSAL: Final[JsonObject] = {"$ref": "#/components/schemas/Refusal"}
_TEXT: Final[JsonObject] = {"type": "string"}
_BINARY: Final[JsonObject] = {"type": "string", "format": "binary"}
_SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _record(**properties: JsonValue) -> JsonObject:
    """Return the schema of an object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _list(item: JsonObject) -> JsonObject:
    return {"type": "array", "items": item}


_OR_NULL: Final[JsonObject] = {"type": ["string", "null"]}
_SERVICES: Final = _list(
    _record(
        service_code=_TEXT,
        service_name=_TEXT,
        description=_TEXT,
        metadata={"type": "boolean"},
        type={"type": "string", "enum": ["realtime", "batch", "blackbox"]},
        keywords=_TEXT,
        group=_TEXT,
    )
)
_REQUESTS: Final = _list(
    _record(
        service_request_id=_TEXT,
        status={"type": "string", "enum": ["open", "closed"]},
        status_notes=_OR_NULL,
        service_name=_TEXT,
        service_code=_TEXT,
        description=_OR_NULL,
        agency_responsible=_OR_NULL,
        service_notice=_OR_NULL,
        requested_datetime=_TEXT,
        updated_datetime=_TEXT,
        expected_datetime=_OR_NULL,
        address=_OR_NULL,
        lat={"type": ["number", "null"]},
        long={"type": ["number", "null"]},
        media_url=_OR_NULL,
    )
)
_TAKEN: Final = _list(
    _record(service_request_id=_TEXT, service_notice=_OR_NULL, account_id=_OR_NULL)
)
_GEO_REFUSAL: Final[JsonObject] = {
    "anyOf": [_list(_record(code=_TEXT, description=_TEXT)), REFUSAL]
}
"""GeoReport v2 says how its errors look; what no route fits is refused before it."""

_STILL: Final[JsonObject] = {
    "type": "object",
    "properties": {
        "bounds": {
            "type": ["array", "null"],
            "items": {"type": "number"},
            "minItems": 4,
            "maxItems": 4,
        }
    },
    "required": ["bounds"],
}
_ROWS: Final[JsonObject] = {"type": "array"}
_METERS: Final = _record(count={"type": "integer"}, alert=_ROWS, silent=_ROWS)
_LIVE: Final = _record(meters=_METERS, alerts=_ROWS, crews=_ROWS, calls=_ROWS, stops=_ROWS)
_CALL: Final[JsonObject] = {
    "type": "object",
    "properties": {"state": _TEXT, "language": _TEXT, "seats": _list(_TEXT)},
    "required": ["state"],
    "additionalProperties": False,
}

Contents = Mapping[str, JsonObject]
"""Media type -> schema."""

ANSWERS: Final[Mapping[tuple[str, str], Contents]] = {
    ("get", "/badges"): {
        "application/json": {"type": "object", "additionalProperties": {"type": "integer"}}
    },
    ("get", "/map/still"): {"application/json": _STILL},
    ("get", "/map/live"): {"application/json": _LIVE},
    ("get", "/live"): {"text/event-stream": _TEXT},
    ("post", "/calls/events"): {"application/json": _CALL},
    ("get", "/health/live"): {"text/plain": _TEXT},
    ("get", "/health/ready"): {"application/json": _record(database=_TEXT)},
    ("get", "/metrics"): {"text/plain": _TEXT},
    ("get", "/audit.csv"): {"text/csv": _TEXT},
    ("get", "/homes/{premises_id}/held.json"): {"application/json": {"type": "object"}},
    ("get", "/reports/{book}.csv"): {"text/csv": _TEXT},
    ("get", "/reports/{book}.xlsx"): {_SHEET: _BINARY},
    ("get", "/reports/{book}.pdf"): {"application/pdf": _BINARY},
    ("get", "/suspects/{month}.xlsx"): {_SHEET: _BINARY},
    ("get", "/suspects/{month}.pdf"): {"application/pdf": _BINARY},
    ("get", "/balances/{zone_id}.csv"): {"text/csv": _TEXT},
    ("get", "/forms/{key}/sheet"): {_SHEET: _BINARY},
    ("get", "/forms/{form_id}/answers.csv"): {"text/csv": _TEXT},
    ("get", "/forms/{form_id}/answers.zip"): {"application/zip": _BINARY},
    ("get", "/photos/{sha256}/{size}"): {"image/jpeg": _BINARY},
    ("get", "/open311/v2/services.{form}"): {"application/json": _SERVICES, "text/xml": _TEXT},
    ("post", "/open311/v2/requests.{form}"): {"application/json": _TAKEN, "text/xml": _TEXT},
    ("get", "/open311/v2/requests.{form}"): {"application/json": _REQUESTS, "text/xml": _TEXT},
    ("get", "/open311/v2/requests/{request_id}.{form}"): {
        "application/json": _REQUESTS,
        "text/xml": _TEXT,
    },
}
"""What answers something else than a page."""

WAITING: Final = frozenset(
    {
        ("get", "/homes/{premises_id}/held.json"),
        *(key for key in ANSWERS if key[1].startswith(("/audit", "/reports", "/suspects", "/bal"))),
        ("get", "/forms/{form_id}/answers.csv"),
        ("get", "/forms/{form_id}/answers.zip"),
    }
)
"""Files that may wait for a director: then the answer leads to the page of exports."""

_PAGE: Final[Contents] = {"text/html": _TEXT}
_ALSO_REFUSED: Final[Mapping[str, Contents]] = {
    "/open311/": {"application/json": _GEO_REFUSAL, "text/xml": _TEXT}
}
"""Beginnings of addresses whose refusals have a form of their own."""


def described(made: JsonObject, refused: Collection[int]) -> dict[str, JsonValue]:
    """Return FastAPI's description with what each route answers and each tablet's message.

    `refused` are the statuses of refusals.
    """
    refusals = sorted(str(each) for each in refused)
    ours = sync_openapi()
    by_tablet, paths = _object(ours["paths"]), _object(made["paths"])
    schemas = _object(_object(made.get("components", {})).get("schemas", {}))
    messages = _object(_object(ours["components"])["schemas"])
    return {
        **made,
        "paths": {
            path: by_tablet.get(path) or _operations(path, _object(operations), refusals)
            for path, operations in paths.items()
        },
        "components": {"schemas": {**schemas, **messages}},
    }


def _operations(path: str, operations: JsonObject, refused: Collection[str]) -> JsonObject:
    return {
        method: {**_object(operation), "responses": _responses(method, path, refused)}
        for method, operation in operations.items()
    }


def _responses(method: str, path: str, refused: Collection[str]) -> JsonObject:
    if path.startswith("/sync/"):  # parts of a photo: headers alone
        return {
            "200": {"description": "where the upload stands, in headers"},
            "204": {"description": "the part was taken"},
            "default": {
                "description": "refused",
                "content": {"application/json": {"schema": REFUSAL}},
            },
        }
    found = ANSWERS.get((method, path))
    answers: dict[str, JsonValue] = {
        "200": _answer("what was asked for", found or _PAGE),
    }
    if found is None or (method, path) in WAITING:
        answers["303"] = {"description": "goes on at the page that it names"}
    refusals = next(
        (each for start, each in _ALSO_REFUSED.items() if path.startswith(start)),
        {"text/html": _TEXT, "application/json": REFUSAL},
    )
    return answers | {each: _answer("refused", refusals) for each in refused}


def _answer(description: str, contents: Contents) -> JsonObject:
    return {
        "description": description,
        "content": {kind: {"schema": schema} for kind, schema in contents.items()},
    }


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, Mapping):
        message = f"openapi: {value!r}: is no object; describe it as one"
        raise TypeError(message)
    return value
