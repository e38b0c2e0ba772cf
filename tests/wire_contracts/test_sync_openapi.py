"""The OpenAPI of the sync is made from the dataclasses, and every message that travels fits it."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from tests.wire_contracts import wire_samples_v1, wire_samples_v2
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.sync_openapi import WIRE_NAMES, message_schema, sync_openapi

FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "sync.openapi.json"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
MESSAGES = {
    "enrol.json": "EnrolRequest",
    "enrol_again.json": "EnrolRequest",
    "enrol_third.json": "EnrolRequest",
    "enrol_answer.json": "EnrolAnswer",
    "pull_answer.json": "PullAnswer",
    "pull_idle.json": "PullAnswer",
    "pull_seen.json": "PullAnswer",
    "poll_idle.json": "PullAnswer",
    "poll_news.json": "PullAnswer",
    "push.json": "PushRequest",
    "push_repeated.json": "PushRequest",
    "push_orders.json": "PushRequest",
    "push_answer.json": "PushAnswer",
    "push_answer_again.json": "PushAnswer",
    "blob_offer.json": "BlobOffer",
    "blob_have.json": "BlobAnswer",
    "blob_upload.json": "BlobAnswer",
    "blob_want.json": "BlobWant",
    "order_person.json": "OrderPerson",
    "refusal.json": "Refusal",
    "sealed.json": "SealedRequest",
    "sealed_repeated.json": "SealedRequest",
    "sealed_answer.json": "SealedAnswer",
    "sealed_answer_told.json": "SealedAnswer",
}
SAMPLES = [
    (version, name)
    for version, files in ((1, wire_samples_v1.FILES), (2, wire_samples_v2.FILES))
    for name in files
    if name in MESSAGES
]
SCHEMAS: dict[str, dict[str, JsonValue]] = json.loads(FILE.read_bytes())["components"]["schemas"]


def misfits(value: JsonValue, schema: JsonObject, path: str) -> list[str]:
    """Return where a value does not fit; what the schema does not say is free."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return misfits(value, SCHEMAS[reference.rpartition("/")[2]], path)
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        found = [misfits(value, each, path) for each in choices if isinstance(each, dict)]
        return [] if [] in found else found[0]
    kinds = schema.get("type", [])
    wanted = [kinds] if isinstance(kinds, str) else list(kinds) if isinstance(kinds, list) else []
    allowed = tuple(kind for name in wanted for kind in TYPES[str(name)])
    if allowed and (
        not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)
    ):
        return [f"{path}: {value!r} is no {kinds}"]
    if isinstance(value, dict):
        return misfits_of_object(value, schema, path)
    if isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        return [each for one in value for each in misfits(one, items, f"{path}[]")]
    return []


def misfits_of_object(value: JsonObject, schema: JsonObject, path: str) -> list[str]:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return []
    found = [f"{path}.{name}: missing" for name in required if name not in value]
    for name, inner in value.items():
        known = properties.get(name)
        if not isinstance(known, dict):
            found.append(f"{path}.{name}: not described")
        else:
            found += misfits(inner, known, f"{path}.{name}")
    return found


def test_the_file_is_what_the_dataclasses_say() -> None:
    made = json.loads(json.dumps(sync_openapi()))

    assert json.loads(FILE.read_bytes()) == made, (
        "docs/sync.openapi.json: old; run"
        " `python -m wire_contracts.sync_openapi > docs/sync.openapi.json`"
    )


@pytest.mark.parametrize(("version", "name"), SAMPLES)
def test_every_message_that_travels_fits_its_description(version: int, name: str) -> None:
    files = {1: wire_samples_v1.FILES, 2: wire_samples_v2.FILES}[version]
    schema = {"$ref": f"#/components/schemas/{MESSAGES[name]}"}

    assert misfits(json.loads(files[name]), schema, name) == []


def test_a_message_that_does_not_fit_is_found() -> None:
    pull = json.loads(wire_samples_v2.FILES["pull_answer.json"])
    pull |= {"surprise": 1, "now": "noon"}
    del pull["v"]
    schema = {"$ref": "#/components/schemas/PullAnswer"}

    assert misfits(pull, schema, "pull") == [
        "pull.v: missing",
        "pull.now: 'noon' is no integer",
        "pull.surprise: not described",
    ]


@pytest.mark.parametrize("message", list(WIRE_NAMES), ids=lambda message: message.__name__)
def test_every_field_of_a_message_is_described_under_one_name(message: type) -> None:
    names = WIRE_NAMES[message]
    known = {each.name for each in fields(message)}
    properties = message_schema(message)["properties"]

    assert set(names) <= known
    assert isinstance(properties, dict)
    assert {names.get(each, each) for each in known} <= set(properties)
