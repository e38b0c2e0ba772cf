"""One message of each kind as version 2 of the sync protocol writes it, frozen as a file."""

from dataclasses import replace

from tests.wire_contracts.wire_samples_v1 import (
    ENROL,
    ENROL_ANSWER,
    IDLE,
    NOON,
    NOW_MS,
    OPERATIONS,
    ORDER_ID,
    PULL,
    PUSH,
    PUSH_ANSWER,
    TOKEN,
    operation,
    uuid7,
)
from wire_contracts.blobs import (
    BlobAnswer,
    BlobMime,
    BlobOffer,
    BlobRole,
    BlobWant,
    PhotoRef,
    Position,
    ThumbRef,
    WantReason,
    blob_want_json,
    dump_blob_answer,
    dump_offer,
    photo_ref_json,
)
from wire_contracts.codes import Code
from wire_contracts.enrolment import dump_enrol, dump_enrol_answer, token_mark
from wire_contracts.operations import (
    NO_EFFECT,
    OperationKind,
    dump_push,
    dump_push_answer,
)
from wire_contracts.order_copies import OrderCopy
from wire_contracts.order_person import OrderPerson, order_person_json
from wire_contracts.payloads import dump_json
from wire_contracts.pokes import BEAT, Poke, dump_poke
from wire_contracts.pulls import PollAnswer, dump_poll, dump_pull
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

SHA256 = "ab" * 32

PULL_2 = replace(PULL, protocol=2, lease_until_ms=NOW_MS + 1, sealing_key=bytes(range(32)))
IDLE_2 = replace(IDLE, protocol=2, lease_until_ms=NOW_MS + 1)
SEEN = replace(IDLE_2, seen="plkER5LzF-B2Lt7e")
POLL = PollAnswer(server_now_ms=NOW_MS, has_news=False, lease_until_ms=NOW_MS + 1)

PHOTO = PhotoRef(
    sha256=SHA256,
    size_bytes=1_200_000,
    mime=BlobMime.JPEG,
    role=BlobRole.PHOTO,
    order_id=ORDER_ID,
    thumb=ThumbRef(sha256="cd" * 32, size_bytes=30_000),
    taken_at_utc=NOON,
    position=Position(latitude_deg=39.5, longitude_deg=116.25, accuracy_m=12.0),
)

PHOTO_FACT = operation(
    6,
    OperationKind.FACT,
    entity="fact",
    entity_id=uuid7(1006),
    field="photo_ref",
    payload=photo_ref_json(PHOTO),
)

PUSH_2 = replace(
    PUSH,
    protocol=2,
    operations=tuple(
        replace(each, session="pin:4f2a", at=replace(each.at, contact_ms=NOW_MS - 5))
        for each in (*OPERATIONS, PHOTO_FACT)
    ),
)
PUSH_REPEATED = replace(PUSH_2, told={uuid7(1): NO_EFFECT, uuid7(2): NOW_MS - 7})
PUSH_ORDERS = replace(
    PUSH_2,
    operations=(),
    orders=(
        OrderCopy(order_id=ORDER_ID, as_of_ms=NOW_MS - 9, document={"number": "WO-000007"}),
        OrderCopy(order_id=uuid7(11), as_of_ms=0, document={"note": ""}, area_id="north"),
    ),
)

PUSH_ANSWER_2 = replace(PUSH_ANSWER, protocol=2)
PUSH_ANSWER_AGAIN = replace(
    PUSH_ANSWER_2, results=tuple(replace(each, at_ms=NOW_MS - 7) for each in PUSH_ANSWER.results)
)

OFFER = BlobOffer(sha256=SHA256, size_bytes=1_200_000, mime=BlobMime.JPEG, role=BlobRole.PHOTO)
HAVE = BlobAnswer(is_had=True, offset=1_200_000)
UPLOAD = BlobAnswer(is_had=False, offset=65_536)
WANT = BlobWant(sha256=SHA256, reason=WantReason.PERSON)
PERSON = OrderPerson(name="张三", phone="+86 10 0000", note="rings twice", appointment_at_utc=NOON)

SEALED = SealedRequest(
    replica_id="replica-1",
    protocol=2,
    envelopes=(
        Envelope(
            kind=SealedKind.OPERATION,
            about=uuid7(1),
            key_id="0123456789abcdef",
            ephemeral=bytes(range(32)),
            nonce=bytes(12),
            box=bytes(range(48)),
        ),
    ),
)
SEALED_REPEATED = replace(SEALED, told={uuid7(1): NOW_MS - 7})
SEALED_ANSWER = SealedAnswer(
    server_epoch=2**62,
    server_now_ms=NOW_MS,
    protocol=2,
    results=(SealedResult(kind=SealedKind.OPERATION, about=uuid7(1), is_opened=True),),
)
SEALED_ANSWER_TOLD = replace(
    SEALED_ANSWER, results=(replace(SEALED_ANSWER.results[0], told_ms=NO_EFFECT),)
)
REVOKED = Refusal(
    code=Code.TOKEN_REVOKED, text="tablet token: token: was revoked; ask", must_wipe=True
)
POKES = (Poke(seq=13, protocol=2), Poke(seq=14, protocol=2))

ENROL_AGAIN = replace(ENROL, former=token_mark("frozen-token"))
ENROL_THIRD = replace(ENROL_AGAIN, earlier=(token_mark("first-token"),))

FILES: dict[str, bytes] = {
    "blob_have.json": dump_blob_answer(HAVE, SHA256),
    "blob_offer.json": dump_offer(OFFER),
    "blob_upload.json": dump_blob_answer(UPLOAD, SHA256),
    "blob_want.json": dump_json(blob_want_json(WANT)),
    "enrol.json": dump_enrol(ENROL),
    "enrol_again.json": dump_enrol(ENROL_AGAIN),
    "enrol_third.json": dump_enrol(ENROL_THIRD),
    "enrol_answer.json": dump_enrol_answer(ENROL_ANSWER),
    "order_person.json": dump_json(order_person_json(PERSON)),
    "poll_idle.json": dump_poll(POLL),
    "poll_news.json": dump_poll(replace(POLL, has_news=True)),
    "pull_seen.json": dump_pull(SEEN),
    "poke.txt": (dump_poke(POKES[0]) + BEAT + dump_poke(POKES[1])).encode(),
    "pull_answer.json": dump_pull(PULL_2),
    "pull_idle.json": dump_pull(IDLE_2, TOKEN),
    "push.json": dump_push(PUSH_2),
    "push_repeated.json": dump_push(PUSH_REPEATED),
    "push_orders.json": dump_push(PUSH_ORDERS),
    "push_answer.json": dump_push_answer(PUSH_ANSWER_2),
    "push_answer_again.json": dump_push_answer(PUSH_ANSWER_AGAIN),
    "refusal.json": dump_json(refusal_json(REVOKED)),
    "sealed.json": dump_sealed(SEALED),
    "sealed_repeated.json": dump_sealed(SEALED_REPEATED),
    "sealed_answer.json": dump_sealed_answer(SEALED_ANSWER),
    "sealed_answer_told.json": dump_sealed_answer(SEALED_ANSWER_TOLD),
}
"""Name of the frozen file to the message as today's code writes it for a peer of version 2."""
