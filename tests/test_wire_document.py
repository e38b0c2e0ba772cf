"""docs/wire.md is held against the code both ways: each table has the fields of its message."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import pytest

from edge_gateway.uplink.messages import Event, event, offline_state, online_state
from sync_server.access.error_answers_io import STATUS
from tests.full_values import NOON, OWN_NAME, enums, full, names
from wire_contracts import (
    acks,
    blobs,
    enrolment,
    evidence,
    frames,
    gateway_commands,
    gateway_health,
    home_checks,
    meter_rounds,
    network,
    operations,
    order_site,
    orders,
    patrol_facts,
    patrols,
    pulls,
    quality,
    review_outcomes,
    sealed,
    site_facts,
    van,
)
from wire_contracts.codes import Code
from wire_contracts.fields import JsonObject
from wire_contracts.findings import Cause
from wire_contracts.forms import answer_sets, model, publication
from wire_contracts.kinds import FindingResult
from wire_contracts.order_copies import OrderCopy
from wire_contracts.order_person import OrderPerson
from wire_contracts.payloads import dump_json
from wire_contracts.pokes import Poke
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.refusals import Refusal
from wire_contracts.sync import PROTOCOL_HEADER
from wire_contracts.sync_openapi import WIRE_NAMES, message_schema, sync_openapi
from wire_contracts.topics import DOWNWARD, UPWARD
from wire_contracts.work_order_states import CREW_EVENTS, WorkOrderState

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "wire.md"
TEXT = frozenset({"en", "zh"})
"""What a text for people is made of, wherever one stands."""


def read(message: bytes | str) -> dict[str, Any]:
    return dict(json.loads(message))


DESCRIBED: set[type] = set()


def properties(message: type) -> dict[str, object]:
    """Return the fields of a message of the sync, as the tablet's side describes them."""
    found = message_schema(message)["properties"]
    assert isinstance(found, Mapping)
    DESCRIBED.add(message)
    return dict.fromkeys(found)


def without(message: Mapping[str, object], *left_out: str) -> dict[str, object]:
    assert set(left_out) <= set(message)
    return {name: value for name, value in message.items() if name not in left_out}


BOTH_WAYS = {"v", "gw"}
STATE = read(online_state("gw-07", 3, NOON)) | read(offline_state("gw-07"))
EVENT = read(event("gw-07", "7", full(Event)))
HEALTH = read(
    gateway_health.dump_health(replace(full(gateway_health.GatewayHealth), gateway_id="gw-07"))
)
BODY: dict[str, Any] = {}
for _order in get_args(gateway_commands.Order):
    _command = replace(full(gateway_commands.Command), order=full(_order))
    BODY |= read(gateway_commands.dump_command(_command))
ACK = read(acks.dump_ack(full(acks.Ack)))
NODE = full(model.FormNode)
FORM = read(
    dump_json(
        model.model_json(replace(full(model.FormModel), nodes=(replace(NODE, children=(NODE,)),)))
    )
)
ANSWERS = answer_sets.answer_set_json(replace(full(answer_sets.AnswerSet), about="work_order"))
TABLE = read(dump_json(sync_openapi()))["components"]["schemas"]["Table"]["properties"]


def first(message: Mapping[str, Any], key: str) -> dict[str, object]:
    return dict(message[key][0])


MESSAGES: Mapping[str, Mapping[str, object]] = {
    "field of a batch": read(frames.dump_batch("gw-07", 3, [])),
    "field of a frame": dict.fromkeys(
        {*frames._FRAME_KEYS, *frames.frame_json(replace(full(frames.Frame), values={}))}
    ),
    "field of a gap record": frames.gap_json(full(frames.GapRecord)),
    "field of all three": dict.fromkeys(BOTH_WAYS),
    "state": without(STATE, *BOTH_WAYS),
    "event": without(EVENT, *BOTH_WAYS),
    "health": without(HEALTH, *BOTH_WAYS),
    "field of an acknowledgement": without(ACK, "acks") | {"acks": None},
    "field of `acks`": first(ACK, "acks"),
    "field of an order": read(gateway_commands.dump_signed(full(gateway_commands.SignedText))),
    "field of the body": BODY,
    "field of the answer to an order": read(
        gateway_commands.dump_result(full(gateway_commands.CommandResult))
    ),
    "field of `site`": order_site.order_site_json(full(order_site.OrderSite)),
    "field of `network`": {
        **network.pipes_json(full(network.NetworkPart)),
        **network.points_json(full(network.NetworkPart)),
    },
    "field of `form`": dict.fromkeys(
        publication.publication_json(
            full(model.FormModel), publication.FormState.PUBLISHED, NOON, "a"
        )
    ),
    "field of `model`": dict.fromkeys(FORM),
    "field of a node": dict.fromkeys(first(FORM, "nodes")),
    "field of a row of a list": dict.fromkeys(first(FORM["lists"], OWN_NAME)),
    "field of `form_answerset`": {**ANSWERS, "is_unfinished": True},
    "field of an enrolment": properties(enrolment.EnrolRequest),
    "field of the answer to an enrolment": properties(enrolment.EnrolAnswer)
    | {"people": properties(enrolment.TabletPerson)},
    "field of a pull": properties(pulls.PullAnswer),
    "field of `buckets`": properties(pulls.BucketPage) | {"end": properties(pulls.BucketEnd)},
    "field of a table": dict.fromkeys(TABLE),
    "field of a `work_order`": dict.fromkeys(orders.order_json(full(orders.WorkOrderDocument))),
    "field of `evidence`": {
        **evidence.evidence_json(full(evidence.Evidence)),
        **dict.fromkeys(("effects", "against")),
    },
    "field of `order_person`": properties(OrderPerson),
    "field of a push": properties(operations.PushRequest),
    "field of `orders`": properties(OrderCopy),
    "field of an operation": properties(operations.Operation)
    | {"at": properties(operations.DeviceTime)},
    "field of the answer to a push": properties(operations.PushAnswer),
    "field of a result": properties(operations.OperationResult),
    "field of a `photo_ref`": properties(blobs.PhotoRef)
    | {"thumb": properties(blobs.ThumbRef), "position": properties(blobs.Position)},
    "field of an offer": properties(blobs.BlobOffer),
    "field of the answer to an offer": properties(blobs.BlobAnswer),
    "field of `blob_want`": properties(blobs.BlobWant),
    "field of a poke": properties(Poke),
    "field of a refusal": properties(Refusal),
    "field of a sealed request": properties(sealed.SealedRequest),
    "field of an envelope": properties(sealed.Envelope),
    "field of the answer to a sealed request": properties(sealed.SealedAnswer),
    "field of a sealed result": properties(sealed.SealedResult),
}
"""First heading of a table to the message that it describes, with what stands inside a field."""

DOCUMENTS: Mapping[str, Mapping[str, tuple[type, Callable[[Any], JsonObject]]]] = {
    "fact of a site": {
        "gas_measurement": (site_facts.GasMeasurement, site_facts.gas_json),
        "safety_step": (site_facts.StepDone, site_facts.step_json),
        "isolation": (site_facts.IsolationEvent, site_facts.isolation_json),
        "part_used": (site_facts.PartUsed, site_facts.part_json),
        "lone_worker": (site_facts.LoneWorkerEvent, site_facts.watch_json),
        "help_call": (site_facts.HelpCall, site_facts.help_json),
        "visit_end": (site_facts.VisitEnd, site_facts.visit_end_json),
        "handover": (site_facts.Handover, site_facts.handover_json),
        "shift_note": (str, lambda _: {"text": "", "numbers": {}}),
    },
    "row of an inspector": {
        "checkpoint": (patrols.Checkpoint, patrols.checkpoint_json),
        "patrol_plan": (patrols.PatrolPlan, patrols.plan_json),
        "household": (home_checks.Household, home_checks.household_json),
        "round_meter": (meter_rounds.RoundMeter, meter_rounds.round_meter_json),
    },
    "row of a crew": {"van": (van.Van, van.van_json)},
    "row of a decision": {
        "review_outcome": (
            review_outcomes.ReviewOutcome,
            lambda each: {
                **review_outcomes.review_outcome_json(each),
                review_outcomes.COUNTS_NOW: None,
            },
        )
    },
    "fact of an inspector": {
        "patrol_run": (patrol_facts.PatrolRun, patrol_facts.run_json),
        "check_in": (patrol_facts.CheckIn, patrol_facts.check_in_json),
        "patrol_point": (patrol_facts.PatrolPoint, patrol_facts.point_json),
        "safety_check": (home_checks.SafetyCheck, home_checks.safety_check_json),
        "meter_reading": (meter_rounds.RoundReading, meter_rounds.round_reading_json),
        "order_request": (patrol_facts.OrderRequest, patrol_facts.order_request_json),
    },
}
"""First heading of a table to its facts or rows: the second cell names every field of each."""

WORDS: Mapping[str, Iterable[str]] = {
    "medium": Medium,
    "level": network.PipeLevel,
    "point": network.PointKind,
    "checkpoint": patrols.CheckpointKind,
    "measure": patrols.Measure,
    "order_type": orders.OrderType,
    "safety_class": orders.SafetyClass,
    "order_state": WorkOrderState,
    "order_event": CREW_EVENTS,
    "finding": FindingResult,
    "cause": Cause,
    "safety_step": site_facts.SafetyStep,
    "check_item": home_checks.CheckItem,
    "household_state": home_checks.HouseholdState,
    "question": model.NodeKind,
    "fact": orders.FactType,
    "quantity": Quantity,
    "quality": quality._PLAIN,
}
"""Enumerations that more than one message uses: the table `words of` has them."""

SHARED = {each for each in WORDS.values() if isinstance(each, type)}
ENUMERATIONS: Mapping[str, Sequence[type[StrEnum]]] = {
    "field of a frame": [frames.TimeQuality],
    "field of the body": [gateway_commands.CommandKind],
    "field of the answer to an order": [gateway_commands.CommandOutcome],
    "field of `network`": [network.LayerPart],
    "field of `form`": [publication.FormState],
    "field of an operation": [operations.OperationKind],
    "field of a result": [operations.Outcome],
    "field of a `photo_ref`": [blobs.BlobMime],
    "field of `form_answerset`": [answer_sets.NoPicture],
    "field of an offer": [blobs.BlobMime, blobs.BlobRole],
    "field of `blob_want`": [blobs.WantReason],
    "field of an envelope": [sealed.SealedKind],
}
"""First heading of a table to the enumerations whose every word it says."""

HEADERS = {PROTOCOL_HEADER, "Authorization", "Accept-Encoding"}
KB, MB = 1024, 1024 * 1024
LIMITS = {
    "limit": [f"{pulls.MAX_ROWS} rows"],
    "ops": [
        f"{operations.MAX_OPERATIONS} op",
        f"{operations.MAX_PUSH_BYTES // KB} kB",
        f"{operations.MAX_ACTION_BYTES // MB} MB",
    ],
    "sealed": [f"{sealed.MAX_ENVELOPES} env", f"{sealed.MAX_SEALED_BYTES // MB} MB"],
    "size": [
        f"{blobs.MAX_PHOTO_BYTES // MB} MB",
        f"{blobs.MAX_SIGNATURE_BYTES // KB} kB",
        f"{blobs.MAX_THUMB_BYTES // KB} kB",
    ],
    "token": ["64 kB"],
}
CODES = (
    "code of a refused frame",
    "code of the answer to an order",
    "code",
    "code of an operation",
)
NOT_ON_THE_WIRE = {
    Code.LOGIN_REFUSED,
    Code.LOGIN_BUSY,
    Code.LOGIN_LIMITED,
    Code.FACTOR_MISSING,
    Code.FACTOR_UNSET,
    Code.PASSWORD_WEAK,
    Code.ORIGIN_REFUSED,
    Code.STORE_DAMAGED,
    Code.READING_TIMEZONE,
    Code.FRAME_CONFLICT,
}
"""Codes of the pages for people, of what waits for a person there, and two that nothing gives."""

IN_SEVERAL_TABLES = {
    Code.FIELD_MISSING: 4,
    Code.FIELD_TYPE: 4,
    Code.FIELD_RANGE: 4,
    Code.FIELD_UNKNOWN: 3,
    Code.JSON_SYNTAX: 3,
    Code.PAYLOAD_TOO_LARGE: 3,
    Code.PAYLOAD_FORM: 2,
    Code.VERSION_UNSUPPORTED: 4,
    Code.METER_UNKNOWN: 2,
    Code.OPERATION_FAILED: 2,
}
"""Codes that a gateway, a request or an operation may each be told."""

OF_TUS = {"version.unsupported": 412, "payload.form": 415}
"""Statuses of a `PATCH` (tus 1.0; RFC 9110, 15.5.16) beside the server's table."""


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def tables() -> dict[str, dict[str, str]]:
    """Return first heading -> what stands in backticks in a first cell -> the rest of its row."""
    found: dict[str, dict[str, str]] = {}
    text = DOCUMENT.read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", text + "\n", re.MULTILINE):
        (_, heading, _), _, *rows = (line.split("|", 2) for line in block.splitlines())
        table: dict[str, str] = {}
        for _, cell, rest in rows:
            assert ticked(cell), f"{heading}: {cell}: names nothing"
            assert table.keys().isdisjoint(ticked(cell)), f"{heading}: {cell}: stands there twice"
            table |= dict.fromkeys(ticked(cell), rest)
        assert heading.strip() not in found, f"{heading}: two tables of this name"
        found[heading.strip()] = table
    return found


def ours(fields_and_words: Iterable[str]) -> set[str]:
    return set(fields_and_words) - TEXT - {OWN_NAME}


def test_every_table_is_held_against_the_code() -> None:
    others = {"channel", "header", "most of", "words of", *CODES}

    assert set(tables()) == set(MESSAGES) | set(DOCUMENTS) | others


def test_every_message_of_the_sync_has_its_table() -> None:
    assert set(WIRE_NAMES) == DESCRIBED
    assert set(read(pulls.dump_poll(full(pulls.PollAnswer)))) <= set(MESSAGES["field of a pull"])


@pytest.mark.parametrize("heading", MESSAGES)
def test_a_table_has_the_fields_of_its_message_and_no_other(heading: str) -> None:
    message, table = MESSAGES[heading], tables()[heading]

    assert set(table) == set(message)
    inside = {name: ours(names(value)) for name, value in message.items()}
    assert [(name, inside[name] - set(ticked(table[name]))) for name in table] == [
        (name, set()) for name in table
    ]


@pytest.mark.parametrize("heading", DOCUMENTS)
def test_a_row_names_the_fields_and_words_of_its_document_and_no_other(heading: str) -> None:
    table = tables()[heading]

    assert set(table) == set(DOCUMENTS[heading])
    for name, (kind, dump) in DOCUMENTS[heading].items():
        said = set(ticked(table[name]))
        used = set(enums(kind))
        needed = ours(names(dump(full(kind)))) | ours(chain.from_iterable(used - SHARED))
        allowed = {*needed, *chain.from_iterable(used), *orders.FactType}
        assert (name, needed - said, said - allowed) == (name, set(), set())


@pytest.mark.parametrize("name", WORDS)
def test_the_words_of_an_enumeration_are_all_there_and_no_other(name: str) -> None:
    table = tables()["words of"]

    assert set(table) == set(WORDS)
    _, cell, _ = table[name].rsplit("|", 2)
    assert sorted(ticked(cell)) == sorted(WORDS[name])


@pytest.mark.parametrize("heading", ENUMERATIONS)
def test_a_table_says_every_word_of_its_enumerations(heading: str) -> None:
    said = {word for rest in tables()[heading].values() for word in ticked(rest)}

    assert set(chain.from_iterable(ENUMERATIONS[heading])) - said == set()


def test_the_channels_go_where_the_code_sends_them() -> None:
    said = {name: rest.split("|")[0].strip() for name, rest in tables()["channel"].items()}
    up, down = "gateway to server", "server to gateway"

    assert said == dict.fromkeys(UPWARD, up) | dict.fromkeys(DOWNWARD, down)


def test_the_headers_are_those_of_the_sync() -> None:
    assert set(tables()["header"]) == HEADERS


def test_the_limits_are_those_of_the_code() -> None:
    table = tables()["most of"]

    assert set(table) == set(LIMITS)
    assert [each for name in LIMITS for each in LIMITS[name] if each not in table[name]] == []


def test_every_code_that_travels_is_there_and_no_other() -> None:
    said = Counter(chain.from_iterable(tables()[heading] for heading in CODES))

    assert said == Counter(set(Code) - NOT_ON_THE_WIRE) | Counter(IN_SEVERAL_TABLES)


def test_no_name_stands_in_the_document_that_is_nowhere_in_the_code() -> None:
    known = {
        *ours(names([*MESSAGES.values()])),
        *chain.from_iterable(WORDS.values()),
        *WORDS,
        *ticked(" ".join(MESSAGES)),
        *chain.from_iterable(chain.from_iterable(ENUMERATIONS.values())),
        *chain.from_iterable(tables()[heading] for heading in (*CODES, *DOCUMENTS)),
        *(each for table in DOCUMENTS for row in tables()[table].values() for each in ticked(row)),
        "wire_contracts",
    }
    said = ticked(re.sub(r"```.*?```", "", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL))

    assert {each for each in said if re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", each)} - known == set()


def test_the_statuses_are_the_servers() -> None:
    said = {code: int(rest.split("|")[0]) for code, rest in tables()["code"].items()}

    assert said == {code: STATUS.get(Code(code), 400) for code in said} | OF_TUS


def test_every_fact_is_described() -> None:
    made = {*DOCUMENTS["fact of a site"], *DOCUMENTS["fact of an inspector"]}
    elsewhere = {"photo_ref", "signature", "form_answerset"}
    never_made = {"time_entry", "comment"}

    assert made | elsewhere | never_made == set(orders.FactType)
