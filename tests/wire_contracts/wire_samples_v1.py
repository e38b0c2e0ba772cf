"""One message of each kind as version 1 of the sync protocol writes it, frozen as a file."""

from datetime import UTC, datetime
from uuid import UUID

from wire_contracts.codes import Code
from wire_contracts.enrolment import (
    EnrolAnswer,
    EnrolRequest,
    TabletPerson,
    dump_enrol,
    dump_enrol_answer,
)
from wire_contracts.fields import JsonObject
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
from wire_contracts.orders import ENTITY, FINDING_FORM
from wire_contracts.pulls import (
    BucketEnd,
    BucketPage,
    EntityRow,
    PullAnswer,
    Tombstone,
    dump_pull,
    hash_row,
)

NOW_MS = 1_795_000_000_000
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOKEN = "1~4611686018427387904~crew:crew-1~12~~org~12~"  # noqa: S105  # a position, not a secret
ACTOR = "0190c1d2-0000-7000-8000-00000000000a"
ORDER_ID = "0190c1d2-0000-7000-8000-0000000000aa"

DOCUMENTS: tuple[JsonObject, ...] = (
    {"number": "WO-000001", "priority": 1, "note": "湿 wet", "due_at": None, "volume": 1.5},
    {"number": "WO-000002", "priority": 2, "note": "", "added_next_year": {"deep": [1, "zwei"]}},
)

ROWS = tuple(
    EntityRow(
        entity=ENTITY,
        entity_id=f"{ORDER_ID[:-1]}{index}",
        seq=11 + index,
        row_hash=hash_row(ENTITY, f"{ORDER_ID[:-1]}{index}", document),
        document=document,
    )
    for index, document in enumerate(DOCUMENTS)
)

PULL = PullAnswer(
    server_epoch=2**62,
    server_now_ms=NOW_MS,
    token=TOKEN,
    has_more=True,
    buckets=(
        BucketPage(
            bucket="crew:crew-1",
            is_reset=True,
            rows=ROWS,
            tombstones=(Tombstone(entity=ENTITY, entity_id="gone", seq=12),),
            end=BucketEnd(count=2, checksum=ROWS[0].row_hash ^ ROWS[1].row_hash),
        ),
        BucketPage(bucket="org", is_reset=False),
    ),
    dropped_buckets=("area:north",),
)

IDLE = PullAnswer(server_epoch=2**62, server_now_ms=NOW_MS, token=TOKEN, has_more=False)


def uuid7(number: int) -> str:
    """Return an id that looks like the ones that tablets draw."""
    return str(UUID(int=(0x0190C1D2_0000_7000_8000 << 48) + number))


def operation(number: int, kind: OperationKind, **parts: object) -> Operation:
    """Return one operation of each kind, with the parts that only that kind has."""
    known: dict[str, object] = {
        "op_id": uuid7(number),
        "n": number,
        "group": uuid7(100 + number // 3),
        "actor": ACTOR,
        "kind": kind,
        "entity": ENTITY,
        "entity_id": ORDER_ID,
        "at": DeviceTime(wall_ms=NOW_MS, mono_ms=1000 + number, boot_id="boot-1", offset_ms=-250),
        "app": "0.1.0",
    }
    return Operation(**(known | parts))  # type: ignore[arg-type]  # parts of an operation by name


OPERATIONS = (
    operation(1, OperationKind.GO, field="accept"),
    operation(2, OperationKind.SET, field="note", old="", new="key at № 7\n钥匙"),
    operation(3, OperationKind.SET, field="result", old=None, new="leak"),
    operation(
        4,
        OperationKind.FACT,
        entity="fact",
        entity_id=uuid7(1004),
        field="form_answerset",
        payload={
            "order_id": ORDER_ID,
            "form": FINDING_FORM,
            "answers": {"result": "leak", "measured": {"flow_m3h": 0.4}},
        },
    ),
    operation(5, OperationKind.ATTACH, payload={"sha256": "ab" * 32}),
)

PUSH = PushRequest(replica_id="replica-1", operations=OPERATIONS)

PUSH_ANSWER = PushAnswer(
    server_epoch=2**62,
    server_now_ms=NOW_MS,
    must_renew_replica=True,
    results=(
        OperationResult(op_id=uuid7(1), outcome=Outcome.APPLIED, seq=13),
        OperationResult(op_id=uuid7(2), outcome=Outcome.MERGED, detail="both wrote", seq=13),
        OperationResult(op_id=uuid7(3), outcome=Outcome.NOOP),
        OperationResult(
            op_id=uuid7(4), outcome=Outcome.CONFLICT, code=Code.FIELD_OFFICE, detail="x"
        ),
        OperationResult(op_id=uuid7(5), outcome=Outcome.REFUSED, code=Code.STATE, detail="y"),
    ),
)

ENROL = EnrolRequest(code="7KQ2-M9TX", name="van 3 三号车")

ENROL_ANSWER = EnrolAnswer(
    tablet_id="0190c1d2-0000-7000-8000-0000000000bb",
    token="frozen-token",  # noqa: S106  # of nobody
    expires_at_utc=NOON,
    crew_id="crew-1",
    people=(TabletPerson(account_id=ACTOR, name="Wang", role="crew_member", language="zh_CN"),),
    crew_name="Repair 1",
)

FILES: dict[str, bytes] = {
    "enrol.json": dump_enrol(ENROL),
    "enrol_answer.json": dump_enrol_answer(ENROL_ANSWER),
    "pull_answer.json": dump_pull(PULL),
    "pull_idle.json": dump_pull(IDLE),
    "push.json": dump_push(PUSH),
    "push_answer.json": dump_push_answer(PUSH_ANSWER),
}
"""Name of the frozen file to the message as today's code writes it for a peer of version 1."""
