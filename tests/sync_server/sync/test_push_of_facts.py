"""What becomes of what a crew saw, did or photographed."""

from dataclasses import replace

import pytest
from sqlalchemy import ColumnElement, select, update

from sync_server.blobs.ref_store import count_photos
from sync_server.db.order_tables import FACT, WORK_ORDER
from sync_server.sync.review_store import ReviewKind
from sync_server.work_orders.fact_store import facts_of_order, link_orphans, waiting_facts
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.sync.push_parts import push, reviews
from wire_contracts.blobs import BlobMime, BlobRole, PhotoRef, ThumbRef, photo_ref_json
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.operations import Operation, OperationKind, Outcome
from wire_contracts.orders import ENTITY, FactType


def test_a_fact_never_changes_and_a_second_content_is_kept_for_a_person(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    first = pen.answers(order_id, fact_id="fact-1")
    same = pen.answers(order_id, fact_id="fact-1")
    other = replace(pen.answers(order_id, fact_id="fact-1"), payload={"order_id": order_id})

    results = push(utility, pen, first, same, other)

    assert [result.outcome for result in results] == [
        Outcome.APPLIED,
        Outcome.NOOP,
        Outcome.CONFLICT,
    ]
    with utility.engine.connect() as connection:
        assert [each.payload for each in facts_of_order(connection, order_id)] == [first.payload]


def test_whether_the_time_of_a_fact_is_doubted_is_known_as_long_as_the_fact(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    now_ms = ms_from_utc(pen.clock.now_utc())
    right, ahead = pen.answers(order_id), pen.answers(order_id)
    at = replace(ahead.at, wall_ms=now_ms + 3_600_000, contact_ms=now_ms - 60_000, boot_id="boot-2")
    push(utility, pen, right, replace(ahead, at=at))

    with utility.engine.connect() as connection:
        facts = sorted(facts_of_order(connection, order_id), key=lambda each: each.n)
    assert [(each.is_time_doubtful, each.replica_id, each.n) for each in facts] == [
        (False, pen.replica_id, right.n),
        (True, pen.replica_id, ahead.n),
    ]
    assert [each.word_utc for each in facts] == [None, utc_from_ms(now_ms - 60_000)]


@pytest.mark.parametrize(
    ("heard_min", "visit"), [(-5, 0), (5, 1)], ids=["before_the_reopening", "after_it"]
)
def test_work_whose_clock_is_doubted_belongs_to_the_visit_that_its_crew_knew(
    utility: Utility, pen: Pen, order_id: str, heard_min: int, visit: int
) -> None:
    reopened_ms = ms_from_utc(pen.clock.now_utc())
    with utility.engine.begin() as connection:
        again = {"visit": 1, "visit_from_ms": reopened_ms}
        connection.execute(update(WORK_ORDER).values(again).where(_is_order(order_id)))
    pen.clock.advance(minutes=30)
    written = pen.answers(order_id)
    two_days_ahead_ms = reopened_ms + 2 * 86_400_000
    contact_ms = reopened_ms + heard_min * 60_000
    at = replace(written.at, wall_ms=two_days_ahead_ms, contact_ms=contact_ms, boot_id="boot-2")
    push(utility, pen, replace(written, at=at))

    with utility.engine.connect() as connection:
        (kept,) = facts_of_order(connection, order_id)
    assert kept.is_time_doubtful
    assert kept.visit == visit


@pytest.mark.parametrize(
    ("is_restarted", "visit"), [(True, 0), (False, 1)], ids=["restarted", "went_on"]
)
def test_a_step_after_a_restart_belongs_to_the_visit_that_its_crew_knew(
    utility: Utility, pen: Pen, order_id: str, *, is_restarted: bool, visit: int
) -> None:
    reopened_ms = ms_from_utc(pen.clock.now_utc())
    with utility.engine.begin() as connection:
        again = {"visit": 1, "visit_from_ms": reopened_ms}
        connection.execute(update(WORK_ORDER).values(again).where(_is_order(order_id)))
    pen.clock.advance(minutes=30)
    payload: JsonObject = {"order_id": order_id, "step": "repair", "values": {}}
    step, kind = str(FactType.SAFETY_STEP), OperationKind.FACT
    written = pen.operation(kind, "repair-1", step, entity=step, payload=payload)
    at = replace(written.at, contact_ms=reopened_ms - 300_000, is_restarted=is_restarted)
    push(utility, pen, replace(written, at=at))

    with utility.engine.connect() as connection:
        (kept,) = facts_of_order(connection, order_id)
    assert (kept.is_time_doubtful, kept.visit) == (is_restarted, visit)


def _is_order(order_id: str) -> ColumnElement[bool]:
    return WORK_ORDER.c.order_id == order_id


def test_a_call_for_help_from_an_unknown_order_is_heard_at_once(utility: Utility, pen: Pen) -> None:
    payload: JsonObject = {"order_id": "not-there", "reason": "gas", "place": "cellar"}
    call = pen.operation(
        OperationKind.FACT,
        "call-1",
        str(FactType.HELP_CALL),
        entity=str(FactType.HELP_CALL),
        payload=payload,
    )
    push(utility, pen, call)

    assert reviews(utility, ReviewKind.CREW_DANGER) == [call.op_id]


def test_a_fact_of_an_unknown_order_waits_and_a_person_hears_of_it(
    utility: Utility, pen: Pen
) -> None:
    results = push(utility, pen, pen.answers("not-there"))

    assert results[0].outcome is Outcome.APPLIED
    assert reviews(utility, ReviewKind.ORPHAN_FACT) == [results[0].op_id]
    with utility.engine.connect() as connection:
        assert connection.execute(select(FACT.c.is_orphan)).scalars().all() == [True]


def test_a_photo_is_named_before_it_arrives(utility: Utility, pen: Pen, order_id: str) -> None:
    attach = pen.operation(OperationKind.ATTACH, order_id, "", payload={"sha256": "0" * 64})
    results = push(utility, pen, attach)

    assert results[0].outcome is Outcome.APPLIED
    with utility.engine.connect() as connection:
        facts = facts_of_order(connection, order_id)
    assert [fact.fact_type for fact in facts] == [FactType.PHOTO_REF]


def attached(pen: Pen, fact_id: str) -> Operation:
    """Return a photo beside a fact, as a tablet that sends it first would name it."""
    ref = PhotoRef(
        order_id=None,
        sha256="0" * 64,
        size_bytes=9,
        mime=BlobMime.JPEG,
        role=BlobRole.PHOTO,
        thumb=ThumbRef(sha256="1" * 64, size_bytes=3),
    )
    entity = str(FactType.FORM_ANSWERSET)
    payload = photo_ref_json(ref)
    return pen.operation(OperationKind.ATTACH, fact_id, "", entity=entity, payload=payload)


@pytest.mark.parametrize("is_photo_first", [True, False])
def test_a_photo_of_a_fact_belongs_to_its_order_whichever_of_them_came_first(
    utility: Utility, pen: Pen, order_id: str, *, is_photo_first: bool
) -> None:
    photo, fact = attached(pen, "the-fact"), pen.answers(order_id, fact_id="the-fact")

    for each in (photo, fact) if is_photo_first else (fact, photo):
        push(utility, pen, each)

    with utility.engine.connect() as connection:
        count = count_photos(connection, ENTITY, order_id)
        facts = facts_of_order(connection, order_id)
    assert (count.total, count.here) == (1, 0)
    assert [each.payload for each in facts] == [photo.payload, fact.payload]
    assert not any(each.is_orphan for each in facts)


def test_a_photo_before_its_fact_before_its_order_waits_for_the_order(
    utility: Utility, pen: Pen
) -> None:
    photo, fact = attached(pen, "fact-1"), pen.answers("not-yet", fact_id="fact-1")

    push(utility, pen, photo, fact)

    with utility.engine.connect() as connection:
        waiting = {each.fact_id for each in waiting_facts(connection)}
        linked = link_orphans(connection, "not-yet")
        connection.rollback()
    assert waiting == {photo.op_id, "fact-1"}
    assert linked == sorted(waiting)
