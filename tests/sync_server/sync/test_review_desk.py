"""A person settles what the sync could not: the value that stands reaches the tablet."""

import contextlib
import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from sync_server.access.audit_store import list_audit, verify_audit
from sync_server.access.roles import ALLOWED, Action
from sync_server.alerts.alert_list_store import get_alert
from sync_server.db.order_tables import FACT
from sync_server.db.sync_tables import REVIEW_ITEM
from sync_server.sync.chosen_values import columns_of, value_of
from sync_server.sync.ledger_store import conflict_of_operation
from sync_server.sync.review_desk import Decision, as_text, current_value, settle
from sync_server.sync.review_store import (
    OWNER,
    ReviewItem,
    ReviewKind,
    close_linked,
    list_reviews,
)
from sync_server.work_orders.fact_store import link_known_forms, waiting_facts
from sync_server.work_orders.order_store import create_from_alert, get_order
from tests.sync_server.people_parts import Pen, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.kinds import FindingResult, Label
from wire_contracts.operations import Operation, Outcome
from wire_contracts.orders import ENTITY
from wire_contracts.pulls import EntityRow
from wire_contracts.review_outcomes import Choice

REASON = "spoke with the crew"


def only_review(utility: Utility) -> ReviewItem:
    with utility.engine.connect() as connection:
        [item] = list_reviews(connection)
    return item


def decide(utility: Utility, item: ReviewItem, decision: Decision) -> None:
    with utility.engine.begin() as connection:
        settle(connection, item.review_id, decision, utility.dispatcher.account_id, NOON)


def row_of(utility: Utility, entity: str, entity_id: str) -> EntityRow | None:
    answer = utility.sync().pull(None, 500)
    rows = [row for page in answer.buckets for row in page.rows]
    found = [row for row in rows if (row.entity, row.entity_id) == (entity, entity_id)]
    return found[0] if found else None


def field(utility: Utility, order_id: str, name: str) -> JsonValue:
    row = row_of(utility, ENTITY, order_id)
    assert row is not None
    return row.document[name]


@pytest.mark.parametrize(
    ("choice", "stands"), [(Choice.OFFICE, 3), (Choice.CREW, 1), (Choice.OTHER, 2)]
)
def test_the_chosen_priority_is_what_the_tablet_sees(
    utility: Utility, pen: Pen, order_id: str, choice: Choice, stands: int
) -> None:
    pen.push(utility.sync(), pen.set(order_id, "priority", 3, 1))
    item = only_review(utility)

    decide(utility, item, Decision(choice=choice, reason=REASON, value=2, seen="3"))

    assert field(utility, order_id, "priority") == stands
    told = row_of(utility, "review_outcome", item.review_id)
    assert told is not None
    assert (told.document["choice"], told.document["value"], told.document["reason"]) == (
        str(choice),
        stands,
        REASON,
    )
    with utility.engine.connect() as connection:
        assert list_reviews(connection) == []
        assert verify_audit(connection).is_whole
        newest = list_audit(connection, 1)[0]
    assert (newest.action, newest.subject) == ("review.settle", item.review_id)
    assert REASON not in newest.detail_text


def test_the_office_brings_back_its_diagnosis_that_the_crew_overwrote(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    sync = utility.sync()
    pen.push(sync, pen.set(order_id, "diagnosis", "", "dry"))
    pen.push(sync, pen.set(order_id, "diagnosis", "", "wet"))
    item = only_review(utility)

    decide(utility, item, Decision(choice=Choice.OFFICE, reason=REASON))

    assert (item.kind, field(utility, order_id, "diagnosis")) == (ReviewKind.MERGED, "dry")


def test_a_corrected_result_relabels_the_alert(utility: Utility, pen: Pen, order_id: str) -> None:
    sync = utility.sync()
    pen.push(sync, *pen.steps_to_work(order_id), *pen.finding(order_id, "normal"))
    pen.push(sync, pen.set(order_id, "result", None, "other"))
    item = only_review(utility)

    decide(utility, item, Decision(choice=Choice.OTHER, reason=REASON, value="leak"))

    with utility.engine.connect() as connection:
        alert_id = str(get_order(connection, order_id).document.alert_id)
        alert = get_alert(connection, alert_id)
    assert (alert.finding_result, alert.label) == (FindingResult.LEAK, Label.CONFIRMED)


def test_a_decision_is_written_on_both_databases(engine: Engine, clock: HandClock) -> None:
    utility = found_utility(engine, clock)
    pen = Pen(actor=utility.member.account_id, clock=clock)
    with engine.begin() as connection:
        actor, alert_id = utility.dispatcher.account_id, raise_leak(connection)
        order_id = create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id
    pen.push(utility.sync(), pen.set(order_id, "priority", 3, 1))

    decide(utility, only_review(utility), Decision(choice=Choice.CREW, reason=REASON))

    assert field(utility, order_id, "priority") == 1


def test_a_crew_that_the_crew_wished_for_gets_the_order(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    pen.push(utility.sync(), pen.set(order_id, "crew_id", "crew-1", "crew-2"))

    decide(utility, only_review(utility), Decision(choice=Choice.CREW, reason=REASON))

    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.crew_id == "crew-2"
    assert row_of(utility, ENTITY, order_id) is None


def test_a_field_that_was_changed_meanwhile_is_not_overwritten(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    pen.push(utility.sync(), pen.set(order_id, "priority", 3, 1))
    item = only_review(utility)

    with pytest.raises(ContractError, match="was changed meanwhile to 3; look again") as caught:
        decide(utility, item, Decision(choice=Choice.CREW, reason=REASON, seen="4"))

    assert caught.value.code is Code.CONFLICT
    assert only_review(utility).resolved_at_utc is None
    assert field(utility, order_id, "priority") == 3


def test_an_item_is_settled_once_and_only_by_a_role_that_may(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    pen.push(utility.sync(), pen.set(order_id, "priority", 3, 1))
    item = only_review(utility)
    decision = Decision(choice=Choice.NOTED, reason=REASON)
    with utility.engine.begin() as connection, pytest.raises(ContractError) as role:
        settle(connection, item.review_id, decision, utility.member.account_id, NOON)
    decide(utility, item, decision)
    with pytest.raises(ContractError) as twice:
        decide(utility, item, decision)

    assert (role.value.code, twice.value.code) == (Code.ROLE_REFUSED, Code.NOT_FOUND)
    assert field(utility, order_id, "priority") == 3


def test_a_note_of_a_crew_that_lost_the_order_is_appended(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    other = Pen(actor=utility.other_member.account_id, clock=utility.clock, replica_id="r2")
    other_sync = utility.service.for_tablet(utility.other_tablet)
    pen.push(utility.sync(), pen.set(order_id, "note", "", "key at the gate"))
    other.push(other_sync, other.set(order_id, "note", "", "dog"))

    decide(utility, only_review(utility), Decision(choice=Choice.CREW, reason=REASON))

    assert field(utility, order_id, "note") == "key at the gate\ndog"


def parked(pen: Pen, order_id: str) -> Operation:
    answers = pen.answers(order_id)
    return replace(answers, payload={**(answers.payload or {}), "form": "finding@9"})


def test_answers_of_an_unknown_form_wait_and_are_linked_when_it_is_known(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    results = pen.push(utility.sync(), parked(pen, order_id))
    item = only_review(utility)
    with utility.engine.begin() as connection:
        waiting = [fact.order_id for fact in waiting_facts(connection)]
        early = close_linked(connection, NOON)
        linked = link_known_forms(connection, {"finding@9"})
        closed = close_linked(connection, NOON)
        left = list_reviews(connection)

    assert results[0].outcome is Outcome.APPLIED
    assert (item.kind, item.code) == (ReviewKind.ORPHAN_FACT, Code.VERSION_UNSUPPORTED)
    assert (waiting, early, len(linked), closed, left) == ([order_id], 0, 1, 1, [])
    with utility.engine.connect() as connection:
        assert connection.execute(select(FACT.c.is_orphan)).scalars().all() == [False]


def test_every_kind_of_review_has_an_owner_who_may_see_and_resolve_it_and_a_due_time(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    owners = set(OWNER.values())

    assert set(OWNER) == set(ReviewKind)
    assert owners <= ALLOWED[Action.SEE_REVIEW]
    assert owners <= ALLOWED[Action.RESOLVE_REVIEW]
    pen.push(utility.sync(), pen.set(order_id, "priority", 3, 1))
    with utility.engine.connect() as connection:
        dues = connection.execute(select(REVIEW_ITEM.c.due_at_ms)).scalars().all()
    assert dues == [ms_from_utc(NOON + timedelta(minutes=1440))]


@pytest.mark.parametrize(
    ("name", "typed", "columns"),
    [
        ("priority", "2", {"priority": 2}),
        ("due_at", "2026-11-22 16:00", {"due_at_ms": 1795334400000}),
        ("due_at", "", {"due_at_ms": None}),
        ("result", "leak", {"result": "leak"}),
        ("result", "", {"result": None}),
        ("address", " Lamp street 2 ", {"address": "Lamp street 2"}),
        ("safety_class", "A", {"safety_class": "A"}),
        ("diagnosis", "漏", {"diagnosis": "漏"}),
    ],
)
def test_what_somebody_types_becomes_the_fields_columns(
    name: str, typed: str, columns: dict[str, str | int | None]
) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    value = value_of(name, typed, lambda moment: moment.replace(tzinfo=zone))

    assert columns_of(name, value) == columns


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("priority", "9"),
        ("priority", "soon"),
        ("due_at", "tomorrow"),
        ("result", "perhaps"),
        ("safety_class", "Z"),
        ("address", "x" * 401),
        ("number", "WO-1"),
        ("title", "a text"),
    ],
)
def test_what_no_field_takes_is_refused_with_the_way_out(name: str, typed: str) -> None:
    with pytest.raises(ContractError) as caught:
        columns_of(name, value_of(name, typed, lambda moment: moment))

    assert caught.value.code is Code.FIELD_RANGE


@given(
    name=st.sampled_from(["priority", "due_at", "result", "safety_class", "title", "note"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.dictionaries(st.sampled_from(["en", "zh"]), inner, max_size=2),
        max_leaves=4,
    ),
)
def test_any_value_gives_columns_or_a_refusal(name: str, value: JsonValue) -> None:
    with contextlib.suppress(ContractError):
        assert columns_of(name, value)


def test_the_page_shows_what_stands_now(utility: Utility, pen: Pen, order_id: str) -> None:
    operation = pen.set(order_id, "priority", 3, 1)
    pen.push(utility.sync(), operation)

    with utility.engine.connect() as connection:
        conflict = conflict_of_operation(connection, operation.op_id)
        assert conflict is not None
        assert current_value(connection, conflict) == 3


def test_equal_values_have_equal_texts() -> None:
    assert as_text({"b": 1, "a": "漏"}) == as_text(json.loads('{"a":"漏","b":1}'))
