"""docs/wire.md names every field of the messages as they are built, not as they are remembered."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from edge_gateway.figures import LinkFigures, UplinkFigures
from edge_gateway.queue.queued import QueueFigures
from edge_gateway.uplink.messages import (
    Event,
    Figures,
    event,
    health,
    offline_state,
    online_state,
)
from sync_server.access.error_answers_io import STATUS
from wire_contracts.blobs import (
    BlobRole,
    WantReason,
)
from wire_contracts.codes import Code
from wire_contracts.enrolment import (
    EnrolAnswer,
    EnrolRequest,
    TabletPerson,
    dump_enrol,
    dump_enrol_answer,
)
from wire_contracts.gateway_commands import (
    ApplyConfig,
    Command,
    CommandOutcome,
    CommandResult,
    RevisionProfile,
    SignedText,
    WriteRegister,
    dump_command,
    dump_result,
    dump_signed,
)
from wire_contracts.gateway_health import dump_health
from wire_contracts.operations import (
    DeviceTime,
    Operation,
    OperationKind,
    OperationResult,
    Outcome,
    PushAnswer,
    PushRequest,
    dump_push,
    dump_push_answer,
)
from wire_contracts.order_person import OrderPerson, order_person_json
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import (
    BucketEnd,
    BucketPage,
    EntityRow,
    PollAnswer,
    PullAnswer,
    dump_poll,
    dump_pull,
)
from wire_contracts.quantities import Quantity
from wire_contracts.refusals import Refusal, refusal_json
from wire_contracts.sealed import (
    Envelope,
    SealedAnswer,
    SealedKind,
    SealedRequest,
    SealedResult,
    dump_sealed,
    dump_sealed_answer,
)
from wire_contracts.sync import PROTOCOL_HEADER
from wire_contracts.sync_openapi import WIRE_NAMES, message_schema

SYNC_CODES = (
    Code.STATE,
    Code.TAKEN,
    Code.EVIDENCE_MISSING,
    Code.GONE,
    Code.NOT_YOURS,
    Code.FIELD_OFFICE,
    Code.FIELD_UNKNOWN,
    Code.FIELD_RANGE,
    Code.ENTITY_UNKNOWN,
    Code.OP_ID_REUSE,
    Code.OPERATION_FAILED,
    Code.APP_TOO_OLD,
    Code.PULL_RESET,
    Code.BLOB_OFFSET,
    Code.BLOB_HASH,
    Code.BLOB_CONTENT,
    Code.BLOB_QUOTA,
    Code.DISK_FULL,
    Code.TOKEN_REVOKED,
)
"""What a tablet may be told."""

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "wire.md"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ID = str(UUID(int=7))
QUEUE = QueueFigures(epoch=3, last_seq=9, open_count=1, open_bytes=10, kept_count=2, kept_bytes=20)
UPLINK = UplinkFigures(is_connected=True, published=1, republished=0, acknowledged=1, refused=0)
LINK = LinkFigures(
    name="cabinet",
    is_open=True,
    requests=1,
    timeouts=0,
    exceptions=0,
    mismatches=0,
    reopens=0,
    frames=1,
    skipped=0,
    suspects=(),
)
ROW = EntityRow(entity="work_order", entity_id="o-1", seq=1, row_hash=2, document={})
PAGE = BucketPage(bucket="org", is_reset=True, rows=(ROW,), end=BucketEnd(count=1, checksum=2))
TAP = Operation(
    op_id=ID,
    n=1,
    group=ID,
    actor="a-1",
    kind=OperationKind.SET,
    entity="work_order",
    entity_id="o-1",
    field="note",
    at=DeviceTime(wall_ms=1, mono_ms=1, boot_id="b", offset_ms=0, contact_ms=1),
    session="pin:1",
)
ORDER = Command(
    command_id="0000-0001",
    gateway_id="gw-07",
    created_at_utc=NOON,
    expires_at_utc=NOON + timedelta(hours=1),
    by="a-1",
    order=ApplyConfig(
        number=1, settings="a", profiles=[RevisionProfile(file_name="a@1.toml", text="a")]
    ),
)
WRITE = replace(ORDER, order=WriteRegister(meter="HM-1", register="setpoint", value="1"))
ENVELOPE = Envelope(
    kind=SealedKind.OPERATION,
    about=ID,
    key_id="0" * 16,
    ephemeral=bytes(32),
    nonce=bytes(12),
    box=bytes(16),
)
MESSAGES = {
    "online": online_state("gw-07", 3, NOON),
    "offline": offline_state("gw-07"),
    "health": dump_health(health("gw-07", NOON, Figures(queue=QUEUE, uplink=UPLINK, links=[LINK]))),
    "event": event(
        "gw-07", "00c0ffee00c0ffee-7", Event(at_utc=NOON, kind="clock_step", text="back by 3 s")
    ),
    "order": dump_signed(
        SignedText(key_id="0" * 16, body=dump_command(ORDER), signature=bytes(64))
    ),
    "order of settings": dump_command(ORDER).encode(),
    "order of a write": dump_command(WRITE).encode(),
    "answer": dump_result(
        CommandResult(
            command_id="0000-0001",
            gateway_id="gw-07",
            at_utc=NOON,
            outcome=CommandOutcome.FAILED,
            code="write.mismatch",
            text="it holds 50",
        )
    ),
    "enrol": dump_enrol(EnrolRequest(code="c", name="van 3")),
    "enrol answer": dump_enrol_answer(
        EnrolAnswer(
            tablet_id="t-1",
            token="secret",  # noqa: S106  # of nobody
            expires_at_utc=NOON,
            crew_id="c-1",
            people=(TabletPerson(account_id="a-1", name="A", role="crew_member", language="zh"),),
        )
    ),
    "pull": dump_pull(
        PullAnswer(
            server_epoch=1,
            server_now_ms=1,
            token="t",  # noqa: S106  # a position, not a secret
            has_more=False,
            buckets=(PAGE,),
            lease_until_ms=1,
            sealing_key=bytes(32),
            seen="s",
        )
    ),
    "poll": dump_poll(PollAnswer(server_now_ms=1, has_news=True, lease_until_ms=1)),
    "person of an order": dump_json(order_person_json(OrderPerson(name="Li"))),
    "push": dump_push(PushRequest(replica_id="r-1", operations=(TAP,))),
    "push answer": dump_push_answer(
        PushAnswer(
            server_epoch=1,
            server_now_ms=1,
            results=(OperationResult(op_id=ID, outcome=Outcome.APPLIED),),
        )
    ),
    "refusal": dump_json(refusal_json(Refusal(code=None, text="t", must_wipe=True))),
    "sealed": dump_sealed(SealedRequest(replica_id="r-1", envelopes=(ENVELOPE,), protocol=2)),
    "sealed answer": dump_sealed_answer(
        SealedAnswer(
            server_epoch=1,
            server_now_ms=1,
            protocol=2,
            results=(SealedResult(kind=SealedKind.OPERATION, about=ID, is_opened=True),),
        )
    ),
}


def fields(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from fields(inner)
    elif isinstance(value, list):
        for each in value:
            yield from fields(each)


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_field_of_a_message_is_in_the_wire_document(name: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    sent = set(fields(json.loads(MESSAGES[name])))

    assert sent
    assert [
        each for each in sorted(sent) if f"`{each}`" not in text and f'"{each}"' not in text
    ] == []


ROWS = DOCUMENT.parent.parent / "tests" / "data" / "wire" / "rows"
NAMES_OF_ITS_OWN = {"form.json": ("model",), "answer_set.json": ("answers",)}
"""Fields below which a form's author names what he asks."""


@pytest.mark.parametrize("path", sorted(ROWS.glob("*.json")), ids=lambda path: path.stem)
def test_every_field_of_a_frozen_row_is_in_the_wire_document(path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    document = json.loads(path.read_bytes())
    own = NAMES_OF_ITS_OWN.get(path.name, ())
    sent = set(document) | set(fields({k: v for k, v in document.items() if k not in own}))

    assert sent - set(Quantity) - {each for each in sent if f"`{each}`" in text} == set()


def sync_section() -> str:
    text = DOCUMENT.read_text(encoding="utf-8")
    return text[text.index("\n## Sync\n") :]


def sync_fields() -> set[str]:
    found: set[str] = {"type", "id", "seq", "hash", "cols", "cells", "absent"}
    for message in WIRE_NAMES:
        properties = message_schema(message)["properties"]
        assert isinstance(properties, dict)
        found |= set(properties)
    return found


def test_every_field_of_the_sync_is_in_its_section() -> None:
    text = sync_section()

    assert sync_fields()
    assert [
        each
        for each in sorted(sync_fields())
        if f"`{each}`" not in text and f'"{each}"' not in text
    ] == []


def test_the_sync_section_names_no_field_header_or_code_that_is_not_there() -> None:
    rows = [line.split("|")[1] for line in sync_section().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    headers = {PROTOCOL_HEADER, "Authorization", "Accept-Encoding", "limit"}

    assert sorted(named - sync_fields() - headers - set(Code)) == []


def test_every_code_outcome_and_kind_of_the_sync_is_in_its_section() -> None:
    text = sync_section()
    words = {*SYNC_CODES, *Outcome, *OperationKind, *SealedKind, *BlobRole, *WantReason}

    assert [word for word in sorted(words) if f"`{word}`" not in text] == []


def test_the_statuses_in_the_sync_section_are_the_servers() -> None:
    said: dict[str, int] = {}
    for line in sync_section().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and cells[1].isdecimal():
            said |= dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), int(cells[1]))

    assert said
    assert said == {code: STATUS.get(Code(code), 400) for code in said}
