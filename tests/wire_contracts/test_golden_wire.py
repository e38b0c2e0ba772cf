"""Frozen bytes of every version of the sync protocol: written as then, and read as then (I15)."""

import hashlib
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path

import pytest

import wire_contracts
from tests.wire_contracts import test_inspection_messages, wire_samples_v1, wire_samples_v2
from tests.wire_contracts import test_site_work as site
from tests.wire_contracts import wire_samples_gateway as gateway
from tests.wire_contracts import wire_samples_rows as rows
from wire_contracts import site_facts as facts
from wire_contracts.acks import parse_ack
from wire_contracts.blobs import (
    parse_blob_answer,
    parse_blob_want,
    parse_offer,
    parse_photo_ref,
)
from wire_contracts.enrolment import parse_enrol, parse_enrol_answer, parse_person
from wire_contracts.fields import FieldReader
from wire_contracts.forms.answer_sets import parse_answer_set
from wire_contracts.forms.model import NodeKind
from wire_contracts.forms.publication import parse_head
from wire_contracts.frames import parse_batch
from wire_contracts.gateway_commands import parse_command, parse_result, parse_signed
from wire_contracts.gateway_health import parse_health
from wire_contracts.meter_frames import parse_meter_frame
from wire_contracts.network import parse_network
from wire_contracts.operations import parse_push, parse_push_answer
from wire_contracts.order_person import parse_order_person
from wire_contracts.orders import parse_order
from wire_contracts.payloads import read_json
from wire_contracts.pokes import PokeReader
from wire_contracts.pulls import has_news, parse_pull
from wire_contracts.refusals import parse_refusal
from wire_contracts.review_outcomes import parse_review_outcome
from wire_contracts.sealed import parse_sealed, parse_sealed_answer
from wire_contracts.sync import FIRST_PROTOCOL, PROTOCOL
from wire_contracts.van import parse_van

GOLDEN = Path(__file__).resolve().parent.parent / "data" / "wire"
FILES = {1: wire_samples_v1.FILES, 2: wire_samples_v2.FILES}
ALL = [(version, name) for version, files in FILES.items() for name in sorted(files)]
V1, V2 = wire_samples_v1, wire_samples_v2

Parse = Callable[[FieldReader], object]

READ: list[tuple[int, str, Parse, object]] = [
    (1, "enrol.json", parse_enrol, V1.ENROL),
    (1, "enrol_answer.json", parse_enrol_answer, V1.ENROL_ANSWER),
    (1, "pull_answer.json", parse_pull, V1.PULL),
    (1, "pull_idle.json", lambda root: parse_pull(root, V1.TOKEN), V1.IDLE),
    (1, "push.json", parse_push, V1.PUSH),
    (1, "push_answer.json", parse_push_answer, V1.PUSH_ANSWER),
    (2, "blob_have.json", parse_blob_answer, V2.HAVE),
    (2, "blob_offer.json", parse_offer, V2.OFFER),
    (2, "blob_upload.json", parse_blob_answer, V2.UPLOAD),
    (2, "blob_want.json", parse_blob_want, V2.WANT),
    (2, "enrol.json", parse_enrol, V1.ENROL),
    (2, "enrol_again.json", parse_enrol, V2.ENROL_AGAIN),
    (2, "enrol_third.json", parse_enrol, V2.ENROL_THIRD),
    (2, "enrol_answer.json", parse_enrol_answer, V1.ENROL_ANSWER),
    (2, "order_person.json", parse_order_person, V2.PERSON),
    (2, "pull_answer.json", parse_pull, V2.PULL_2),
    (2, "poll_idle.json", has_news, False),
    (2, "poll_news.json", has_news, True),
    (2, "pull_seen.json", parse_pull, V2.SEEN),
    (2, "push.json", parse_push, V2.PUSH_2),
    (2, "push_repeated.json", parse_push, V2.PUSH_REPEATED),
    (2, "push_orders.json", parse_push, V2.PUSH_ORDERS),
    (2, "push_answer.json", parse_push_answer, V2.PUSH_ANSWER_2),
    (2, "push_answer_again.json", parse_push_answer, V2.PUSH_ANSWER_AGAIN),
    (2, "refusal.json", parse_refusal, V2.REVOKED),
    (2, "sealed.json", parse_sealed, V2.SEALED),
    (2, "sealed_repeated.json", parse_sealed, V2.SEALED_REPEATED),
    (2, "sealed_answer.json", parse_sealed_answer, V2.SEALED_ANSWER),
    (2, "sealed_answer_told.json", parse_sealed_answer, V2.SEALED_ANSWER_TOLD),
]


def frozen(version: int, name: str) -> bytes:
    return (GOLDEN / f"v{version}" / name).read_bytes()


FOLDERS = {"rows": rows.FILES, "gateway": gateway.FILES}
DOCUMENTS: list[tuple[str, Parse, object]] = [
    ("gateway/ack.json", parse_ack, gateway.ACK),
    ("gateway/health.json", parse_health, gateway.HEALTH),
    ("gateway/result.json", parse_result, gateway.RESULT),
    ("gateway/signed.json", parse_signed, gateway.SIGNED),
    ("rows/answer_set.json", parse_answer_set, rows.ANSWERS),
    ("rows/gas_measurement.json", facts.parse_gas, site.GAS),
    ("rows/handover.json", facts.parse_handover, site.HANDOVER),
    ("rows/help_call.json", facts.parse_help, site.HELP),
    ("rows/isolation.json", facts.parse_isolation, site.VALVE),
    ("rows/lone_worker.json", facts.parse_watch, site.WATCH),
    ("rows/network_pipes.json", parse_network, rows.PIPES),
    ("rows/network_points.json", parse_network, rows.POINTS),
    ("rows/part_used.json", facts.parse_part, site.PART),
    ("rows/person.json", parse_person, rows.PERSON),
    ("rows/photo.json", parse_photo_ref, V2.PHOTO),
    ("rows/safety_step.json", facts.parse_step, site.STEP),
    ("rows/van.json", parse_van, rows.VAN),
    ("rows/visit_end.json", facts.parse_visit_end, site.END),
    ("rows/review_outcome.json", parse_review_outcome, rows.REVIEW_OUTCOME),
    ("rows/work_order.json", parse_order, rows.ORDER),
    *(
        (f"gateway/command_{name}.json", parse_command, gateway.command(order))
        for name, order in gateway.ORDERS.items()
    ),
]
WRITTEN_INSIDE = {
    "blob_want_json": "blob_want.json",
    "dump_operation": "sealed.json, before it is sealed",
    "dump_written": "push.json, from operations that are written already",
    "envelope_json": "sealed.json",
    "evidence_json": "work_order.json",
    "hazards_json": "inspections.json, in a safety check",
    "model_json": "form.json",
    "operation_json": "push.json",
    "order_site_json": "work_order.json",
    "page_json": "pull_answer.json",
    "pull_json": "pull_answer.json",
    "push_answer_json": "push_answer.json",
    "text_json": "work_order.json",
    "told_json": "push_repeated.json",
    "copies_json": "push_orders.json",
    "order_copy_json": "push_orders.json",
    "tree_json": "form.json",
}
"""Writers of a part of a message, and the frozen file that holds the part."""


def writers() -> set[str]:
    """The public functions of the package that write a message, a document or a part of one."""
    found: set[str] = set()
    for each in pkgutil.walk_packages(wire_contracts.__path__, "wire_contracts."):
        module = importlib.import_module(each.name)
        found |= {
            name
            for name, made in inspect.getmembers(module, inspect.isfunction)
            if made.__module__ == each.name
            and (name.startswith("dump_") or name.endswith("_json"))
            and not name.startswith("_")
        }
    return found - {"dump_json", "read_json", "strict_json"}


def test_whatever_is_written_is_frozen() -> None:
    sources = (V1, V2, rows, gateway, test_inspection_messages)
    texts = "".join(inspect.getsource(each) for each in sources)
    called = {name for name in writers() if f"{name}(" in texts}

    assert writers() - called == set(WRITTEN_INSIDE) - called


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_documents_are_written_in_their_very_bytes(folder: str) -> None:
    kept = {path.name: path.read_bytes() for path in (GOLDEN / folder).iterdir()}

    assert kept == FOLDERS[folder]


@pytest.mark.parametrize(("path", "parse", "document"), DOCUMENTS)
def test_a_frozen_document_is_read_as_it_was_meant(
    path: str, parse: Parse, document: object
) -> None:
    assert parse(read_json(path, (GOLDEN / path).read_bytes())) == document


def test_a_frozen_batch_and_a_frozen_line_hold_their_frames() -> None:
    batch = parse_batch(read_json("batch", (GOLDEN / "gateway" / "batch.json").read_bytes()))
    line = parse_meter_frame("line", (GOLDEN / "gateway" / "meter_frame.json").read_bytes())

    assert (batch.gateway_id, batch.epoch, list(batch.rejected)) == (gateway.GATEWAY, 3, [])
    assert tuple(batch.frames) == (gateway.FRAME, gateway.LATE)
    assert tuple(batch.gaps) == (gateway.GAP,)
    assert line.meter_id == "M-1"
    assert line.frame.values == gateway.FRAME.values


def test_a_frozen_form_says_what_it_is() -> None:
    head = parse_head(read_json("form", (GOLDEN / "rows" / "form.json").read_bytes()))

    assert (head.form_id, head.version, head.about) == ("trial", "1", "household")
    assert {node.kind for node in rows.FORM.nodes} >= {NodeKind.SELECT_ONE, NodeKind.REPEAT}


def test_every_version_that_was_released_is_frozen() -> None:
    assert sorted(FILES) == list(range(FIRST_PROTOCOL, PROTOCOL + 1))
    for version, files in FILES.items():
        kept = {path.name for path in (GOLDEN / f"v{version}").iterdir()}
        assert kept == set(files)


def test_no_frozen_byte_was_changed() -> None:
    lines = (GOLDEN / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}

    assert sums == {
        f"v{version}/{name}": hashlib.sha256(frozen(version, name)).hexdigest()
        for version, name in ALL
    } | {
        f"{folder}/{name}": hashlib.sha256((GOLDEN / folder / name).read_bytes()).hexdigest()
        for folder, files in FOLDERS.items()
        for name in files
    }


@pytest.mark.parametrize(("version", "name"), ALL)
def test_a_peer_of_that_version_is_written_to_in_its_very_bytes(version: int, name: str) -> None:
    assert FILES[version][name] == frozen(version, name)


@pytest.mark.parametrize(("version", "name", "parse", "message"), READ)
def test_a_message_of_that_version_is_read_as_it_was_meant(
    version: int, name: str, parse: Parse, message: object
) -> None:
    assert parse(read_json(name, frozen(version, name))) == message


def test_an_idle_answer_of_version_2_leaves_the_epoch_and_the_token_as_they_are() -> None:
    idle = parse_pull(read_json("pull", frozen(2, "pull_idle.json")), V1.TOKEN)

    assert (idle.token, idle.server_epoch, idle.has_more) == (V1.TOKEN, None, False)
    assert (idle.lease_until_ms, idle.server_now_ms) == (V1.NOW_MS + 1, V1.NOW_MS)


def test_the_pokes_of_version_2_are_heard() -> None:
    assert tuple(PokeReader().feed(frozen(2, "poke.txt").decode())) == V2.POKES
