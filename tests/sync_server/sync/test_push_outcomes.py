"""Every outcome that an operation of a crew can have."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import Engine, NullPool, PoolProxiedConnection, create_engine, func, select
from sqlalchemy.exc import TimeoutError  # noqa: A004  # SQLAlchemy's own
from typing_extensions import override

from sync_server.access.account_store import PERSON_ENTITY, deactivate_account
from sync_server.alerts.alert_store import get_alert
from sync_server.db.order_tables import FACT
from sync_server.db.sync_tables import OP_LEDGER
from sync_server.sync.inbox import Broken, ReadPush, read_push
from sync_server.sync.ledger_store import conflicts_of, kept_bodies, read_ledger
from sync_server.sync.merge import Kept
from sync_server.sync.push import take_push
from sync_server.sync.review_store import ReviewKind, list_reviews, resolve_review, reviews_of
from sync_server.sync.service import SyncService, SyncTerms
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import (
    act,
    add_note,
    assign,
    create_from_alert,
    create_order,
    get_order,
)
from tests.sync_server.people_parts import Pen, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.alert_states import Disposition
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.kinds import FindingResult, Label
from wire_contracts.operations import (
    Operation,
    OperationKind,
    OperationResult,
    Outcome,
    PushRequest,
    dump_push_answer,
    operation_json,
    parse_push_answer,
)
from wire_contracts.orders import (
    ENTITY,
    FactType,
    OrderType,
    SafetyClass,
    order_json,
    parse_order,
)
from wire_contracts.payloads import read_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


@pytest.fixture
def utility(sqlite_engine: Engine, clock: HandClock) -> Utility:
    return found_utility(sqlite_engine, clock)


@pytest.fixture
def pen(utility: Utility) -> Pen:
    return Pen(actor=utility.member.account_id, clock=utility.clock)


@pytest.fixture
def order_id(utility: Utility) -> str:
    with utility.engine.begin() as connection:
        alert_id = raise_leak(connection)
        actor = utility.dispatcher.account_id
        return create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id


def push(utility: Utility, pen: Pen, *operations: Operation) -> list[OperationResult]:
    return pen.push(utility.sync(), *operations)


def outcome(result: OperationResult) -> tuple[Outcome, Code | None]:
    return result.outcome, result.code


def refused(code: Code) -> tuple[Outcome, Code | None]:
    return Outcome.REFUSED, code


def reviews(utility: Utility, kind: ReviewKind) -> list[str | None]:
    with utility.engine.connect() as connection:
        return [item.op_id for item in list_reviews(connection) if item.kind is kind]


def test_a_repeated_push_gives_the_same_answer_and_no_second_effect(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    operations = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    first = push(utility, pen, *operations)
    second = push(utility, pen, *operations)

    assert second == first
    with utility.engine.connect() as connection:
        assert len(facts_of_order(connection, order_id)) == 1
        assert len(read_ledger(connection)) == len(operations)


def test_an_operation_id_with_another_content_is_refused_kept_and_alarmed(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    operation = pen.set(order_id, "diagnosis", "", "dry")
    forged = replace(operation, new="wet")
    push(utility, pen, operation)

    results = push(utility, pen, forged)
    push(utility, pen, forged)

    assert outcome(results[0]) == refused(Code.OP_ID_REUSE)
    assert reviews(utility, ReviewKind.OP_ID_REUSE) == [operation.op_id]
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.diagnosis == "dry"
        assert kept_bodies(connection, operation.op_id) == [operation_json(forged)]


def test_a_step_out_of_turn_is_refused_and_says_what_is_possible(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    results = push(utility, pen, pen.go(order_id, WorkOrderEvent.BEGIN))

    assert outcome(results[0]) == refused(Code.STATE)
    assert results[0].detail == (
        "cannot begin a work order that is released; possible now: accept, reassign, cancel"
    )
    assert reviews(utility, ReviewKind.REFUSED) == [results[0].op_id]


def test_a_step_of_the_office_is_not_the_crews(utility: Utility, pen: Pen, order_id: str) -> None:
    results = push(utility, pen, pen.go(order_id, WorkOrderEvent.CLOSE))

    assert outcome(results[0]) == refused(Code.ROLE_REFUSED)


def test_finishing_needs_a_result_and_answers(utility: Utility, pen: Pen, order_id: str) -> None:
    push(utility, pen, *pen.steps_to_work(order_id))
    without = push(utility, pen, pen.go(order_id, WorkOrderEvent.FINISH))
    with_evidence = push(utility, pen, *pen.finding(order_id))

    assert outcome(without[0]) == refused(Code.EVIDENCE_MISSING)
    assert {result.outcome for result in with_evidence} == {Outcome.APPLIED}


def test_a_normal_finding_with_a_measurement_marks_the_alert_false(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, *pen.steps_to_work(order_id), *pen.finding(order_id, "normal"))

    with utility.engine.connect() as connection:
        alert = get_alert(connection, str(get_order(connection, order_id).document.alert_id))
    assert (alert.disposition, alert.label) == (Disposition.FINDING, Label.FALSE)


def test_a_corrected_result_corrects_the_label(utility: Utility, pen: Pen, order_id: str) -> None:
    push(utility, pen, *pen.steps_to_work(order_id), *pen.finding(order_id, "normal"))
    push(utility, pen, pen.set(order_id, "result", "normal", "leak"))

    with utility.engine.connect() as connection:
        alert = get_alert(connection, str(get_order(connection, order_id).document.alert_id))
    assert (alert.finding_result, alert.label) == (FindingResult.LEAK, Label.CONFIRMED)


def test_the_office_keeps_its_field_and_the_crews_word_is_kept_beside_it(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    results = push(utility, pen, pen.set(order_id, "priority", 3, 1))

    assert outcome(results[0]) == (Outcome.CONFLICT, Code.FIELD_OFFICE)
    with utility.engine.connect() as connection:
        conflicts = conflicts_of(connection, ENTITY, order_id)
        assert get_order(connection, order_id).document.priority == 3
    assert [(each.field, each.crew, each.kept) for each in conflicts] == [
        ("priority", 1, Kept.OFFICE)
    ]
    assert reviews(utility, ReviewKind.CONFLICT) == [results[0].op_id]


def test_two_colleagues_writing_one_field_lose_no_word(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, pen.set(order_id, "diagnosis", "", "dry"))
    results = push(utility, pen, pen.set(order_id, "diagnosis", "", "wet"))

    assert results[0].outcome is Outcome.MERGED
    with utility.engine.connect() as connection:
        conflicts = conflicts_of(connection, ENTITY, order_id)
        assert get_order(connection, order_id).document.diagnosis == "wet"
    assert [(each.office, each.crew) for each in conflicts] == [("dry", "wet")]


def test_notes_of_office_and_crew_follow_each_other(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    with utility.engine.begin() as connection:
        add_note(connection, order_id, "key at the gate", utility.dispatcher.account_id, NOON)
    results = push(utility, pen, pen.set(order_id, "note", "", "dog"))

    assert results[0].outcome is Outcome.MERGED
    with utility.engine.connect() as connection:
        note = get_order(connection, order_id).document.note
    assert note == "key at the gate\ndog"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("number", "WO-9", Code.FIELD_UNKNOWN),
        ("result", "perhaps", Code.FIELD_RANGE),
        ("result", {"a": 1}, Code.FIELD_RANGE),
        ("diagnosis", 7, Code.FIELD_RANGE),
        ("note", "x" * 20_001, Code.FIELD_RANGE),
    ],
)
def test_a_value_that_no_field_takes_is_refused(
    utility: Utility, order_id: str, name: str, value: JsonValue, code: Code
) -> None:
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    results = push(utility, pen, pen.set(order_id, name, None, value))

    assert outcome(results[0]) == refused(code)


def test_work_done_on_a_cancelled_order_is_kept_and_given_to_the_dispatcher(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, *pen.steps_to_work(order_id))
    with utility.engine.begin() as connection:
        act(connection, order_id, WorkOrderEvent.CANCEL, utility.dispatcher.account_id, NOON)
    results = push(utility, pen, *pen.finding(order_id))

    assert outcome(results[-1]) == refused(Code.STATE)
    with utility.engine.connect() as connection:
        order = get_order(connection, order_id)
        assert len(facts_of_order(connection, order_id)) == 1
        items = reviews_of(connection, ENTITY, order_id)
    assert (order.state, order.is_done_after_cancel) == (WorkOrderState.CANCELLED, True)
    assert order.document.result is FindingResult.LEAK
    late = [item for item in items if item.kind is ReviewKind.DONE_AFTER_CANCEL]
    assert len(late) == 1
    assert late[0].due_at_utc > late[0].created_at_utc


def test_work_done_on_an_order_given_to_another_crew_is_kept(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, *pen.steps_to_work(order_id))
    with utility.engine.begin() as connection:
        assign(connection, order_id, "crew-2", utility.dispatcher.account_id, NOON)
    results = push(utility, pen, *pen.finding(order_id))

    assert [outcome(result) for result in results] == [
        (Outcome.APPLIED, None),
        (Outcome.CONFLICT, Code.NOT_YOURS),
        (Outcome.CONFLICT, Code.NOT_YOURS),
        (Outcome.CONFLICT, Code.NOT_YOURS),
        (Outcome.REFUSED, Code.NOT_YOURS),
    ]
    assert reviews(utility, ReviewKind.DONE_AFTER_CANCEL) == [results[-1].op_id]
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).is_done_after_cancel


def test_of_two_crews_that_accept_the_first_has_the_order(utility: Utility, pen: Pen) -> None:

    new = NewOrder(
        order_type=OrderType.METER_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.C,
        priority=3,
        title=BilingualText(en="Check", zh="核查"),
        address="Lamp street",
        area_id="north",
    )
    actor = utility.dispatcher.account_id
    with utility.engine.begin() as connection:
        free_id = create_order(connection, new, actor, NOON).order_id
        act(connection, free_id, WorkOrderEvent.RELEASE, actor, NOON)
    other_sync = utility.service.for_tablet(utility.other_tablet)
    other_pen = Pen(actor=utility.other_member.account_id, clock=utility.clock, replica_id="r2")

    first = push(utility, pen, pen.go(free_id, WorkOrderEvent.ACCEPT))
    second = other_pen.push(other_sync, other_pen.go(free_id, WorkOrderEvent.ACCEPT))

    assert first[0].outcome is Outcome.APPLIED
    assert outcome(second[0]) == refused(Code.TAKEN)
    with utility.engine.connect() as connection:
        assert get_order(connection, free_id).document.crew_id == "crew-1"


def test_a_colleagues_step_taken_twice_is_no_error(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, pen.go(order_id, WorkOrderEvent.ACCEPT))
    results = push(utility, pen, pen.go(order_id, WorkOrderEvent.ACCEPT))

    assert results[0].outcome is Outcome.NOOP


def test_a_stranger_cannot_touch_another_crews_order(utility: Utility, order_id: str) -> None:
    stranger = Pen(actor=utility.other_member.account_id, clock=utility.clock)
    sync = utility.service.for_tablet(utility.other_tablet)
    results = stranger.push(
        sync,
        stranger.go(order_id, WorkOrderEvent.ACCEPT),
        stranger.set(order_id, "diagnosis", "", "mine"),
    )

    assert [outcome(result) for result in results] == [
        (Outcome.REFUSED, Code.NOT_YOURS),
        (Outcome.CONFLICT, Code.NOT_YOURS),
    ]


def test_the_actor_stays_as_stamped_and_must_belong_to_the_tablet(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    pen.actor = utility.other_member.account_id
    results = push(utility, pen, pen.set(order_id, "diagnosis", "", "x"))

    assert outcome(results[0]) == refused(Code.NOT_YOURS)
    with utility.engine.connect() as connection:
        assert [each.actor for each in read_ledger(connection)] == [pen.actor]


def test_what_a_person_taps_after_their_access_ended_is_refused_and_what_was_before_is_not(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    before = pen.go(order_id, WorkOrderEvent.ACCEPT)
    with utility.engine.begin() as connection:
        deactivate_account(connection, pen.actor, utility.dispatcher.account_id, NOON)
    utility.clock.advance(hours=1)
    after = pen.go(order_id, WorkOrderEvent.DEPART)

    results = push(utility, pen, before, after)

    assert [outcome(result) for result in results] == [
        (Outcome.APPLIED, None),
        refused(Code.NOT_YOURS),
    ]
    assert reviews(utility, ReviewKind.REFUSED) == [after.op_id]


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


def test_a_thing_this_server_does_not_know_is_refused(utility: Utility, pen: Pen) -> None:
    strange = pen.operation(OperationKind.SET, "x", "a", entity="spaceship", new="b")
    gone = pen.set("not-there", "diagnosis", "", "x")

    results = push(utility, pen, strange, gone)

    assert [outcome(result) for result in results] == [
        refused(Code.ENTITY_UNKNOWN),
        refused(Code.GONE),
    ]


def test_a_number_used_twice_means_a_cloned_store(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, pen.set(order_id, "diagnosis", "", "a"))
    clone = Pen(actor=pen.actor, clock=pen.clock)
    request = PushRequest(
        replica_id=clone.replica_id,
        operations=(clone.set(order_id, "cause", "", "joint"),),
    )

    answer = utility.sync().push(request)

    assert answer.must_renew_replica
    assert answer.results[0].outcome is Outcome.APPLIED
    assert reviews(utility, ReviewKind.CLONED_STORE) == [request.operations[0].op_id]
    renewed = PushRequest(replica_id="fresh", operations=(pen.set(order_id, "note", "", "b"),))
    assert not utility.sync().push(renewed).must_renew_replica


def test_a_poison_operation_delays_no_other(utility: Utility, pen: Pen, order_id: str) -> None:
    good = pen.set(order_id, "diagnosis", "", "dry")
    poison = pen.set(order_id, "cause", "", "\ud800")
    last = pen.go(order_id, WorkOrderEvent.ACCEPT)

    results = push(utility, pen, good, poison, last)

    assert [outcome(result) for result in results] == [
        (Outcome.APPLIED, None),
        refused(Code.OPERATION_FAILED),
        (Outcome.APPLIED, None),
    ]
    assert push(utility, pen, good, poison, last) == results
    with utility.engine.connect() as connection:
        assert len(kept_bodies(connection, poison.op_id)) == 1


def sent(utility: Utility, text: str) -> list[OperationResult]:
    read = read_push(read_json("push", text.encode()))
    return list(utility.service.push(utility.tablet, read).results)


def push_text(*operations: Operation) -> str:
    bodies = [dict(operation_json(each)) for each in operations]
    return json.dumps({"v": 1, "replica": "r", "ops": bodies})


def test_a_number_beyond_every_float_delays_no_other(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    poison, good = pen.answers(order_id), pen.go(order_id, WorkOrderEvent.ACCEPT)
    text = push_text(poison, good).replace('"flow_m3h": 0.4', '"flow_m3h": 1e999')

    results = sent(utility, text)

    assert [outcome(result) for result in results] == [
        refused(Code.OPERATION_FAILED),
        (Outcome.APPLIED, None),
    ]
    assert sent(utility, text) == results
    with utility.engine.connect() as connection:
        assert len(kept_bodies(connection, poison.op_id)) == 1


@pytest.mark.parametrize("levels", [40, 600, 943, 946, 949])
def test_content_nested_too_deeply_is_refused_before_it_breaks_a_reader(
    utility: Utility, pen: Pen, order_id: str, levels: int
) -> None:
    deep = "[" * levels + "]" * levels
    text = push_text(pen.answers(order_id)).replace('"flow_m3h": 0.4', f'"flow_m3h": {deep}')

    with pytest.raises(ContractError):
        sent(utility, text)


def test_the_text_of_an_outcome_is_never_longer_than_a_tablet_reads(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    text = push_text(replace(pen.answers(order_id), n=7)).replace('"n": 7', '"n": ' + "9" * 4000)
    read = read_push(read_json("push", text.encode()))

    answer = utility.service.push(utility.tablet, read)

    parsed = parse_push_answer(read_json("answer", dump_push_answer(answer)))
    assert [outcome(result) for result in parsed.results] == [refused(Code.FIELD_RANGE)]


def test_remarks_that_are_too_long_together_leave_the_order_readable(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    colleague = Pen(actor=pen.actor, clock=utility.clock, replica_id="replica-2")
    push(utility, pen, pen.set(order_id, "note", "", "x" * 15_000))

    results = colleague.push(utility.sync(), colleague.set(order_id, "note", "", "y" * 15_000))

    assert outcome(results[0]) == (Outcome.CONFLICT, Code.FIELD_RANGE)
    assert reviews(utility, ReviewKind.CONFLICT) == [results[0].op_id]
    with utility.engine.connect() as connection:
        document = order_json(get_order(connection, order_id).document)
        assert kept_bodies(connection, results[0].op_id)
    assert parse_order(FieldReader(place="order", values=document)).note == "x" * 15_000


class BusyAtFirst(NullPool):
    """A pool without a free connection at the first call, as on a crowded morning."""

    is_busy = True

    @override
    def connect(self) -> PoolProxiedConnection:
        if self.is_busy:
            self.is_busy = False
            raise TimeoutError
        return super().connect()


def test_a_server_without_a_free_connection_gives_no_verdict(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    operation = pen.go(order_id, WorkOrderEvent.ACCEPT)
    entries = ReadPush(protocol=1, replica_id="replica-1", entries=(operation,))
    busy = create_engine(utility.engine.url, poolclass=BusyAtFirst)

    with pytest.raises(TimeoutError):
        take_push(busy, utility.tablet, entries, NOON)
    busy.dispose()

    assert outcome(push(utility, pen, operation)[0]) == (Outcome.APPLIED, None)


def test_an_operation_that_cannot_be_read_is_refused_alone(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    good = operation_json(pen.set(order_id, "diagnosis", "", "dry"))
    broken = dict(operation_json(pen.set(order_id, "cause", "", "joint")))
    broken["kind"] = "teleport"
    body = json.dumps({"v": 1, "replica": "r", "ops": [broken, good]}).encode()

    read = read_push(read_json("push", body))
    answer = utility.service.push(utility.tablet, read)

    assert isinstance(read.entries[0], Broken)
    assert [outcome(result) for result in answer.results] == [
        refused(Code.FIELD_RANGE),
        (Outcome.APPLIED, None),
    ]
    assert answer.results[0].detail == (
        "ops[0].kind: cannot be read; the whole of it is kept for a person"
    )


def test_an_app_that_is_too_old_keeps_its_outbox_and_is_told_why(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    service = SyncService(utility.engine, utility.clock, SyncTerms(oldest_protocol=2))
    request = PushRequest(
        replica_id="r", operations=(pen.set(order_id, "note", "", "x"),), protocol=1
    )
    with pytest.raises(ContractError, match="update the app; what is not sent yet stays"):
        service.for_tablet(utility.tablet).push(request)

    with utility.engine.connect() as connection:
        assert read_ledger(connection) == []


def test_a_review_item_is_resolved_by_a_person_who_may(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, pen.set(order_id, "priority", 3, 1))
    with utility.engine.begin() as connection:
        item = list_reviews(connection)[0]
        with pytest.raises(ContractError, match="'crew_member' may not resolve_review"):
            resolve_review(connection, item.review_id, utility.member.account_id, "", NOON)
        actor = utility.dispatcher.account_id
        resolve_review(connection, item.review_id, actor, "kept the office's", NOON)
        assert list_reviews(connection) == []
        with pytest.raises(ContractError, match="open review item: does not exist"):
            resolve_review(connection, item.review_id, actor, "again", NOON)


def test_a_tablet_learns_who_may_work_on_it(utility: Utility) -> None:
    answer = utility.sync().pull(None, 500)

    people = [row for page in answer.buckets for row in page.rows if row.entity == PERSON_ENTITY]
    assert [row.entity_id for row in people] == [utility.member.account_id]


def test_nothing_of_a_crews_words_is_in_the_permanent_ledger(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, pen.set(order_id, "diagnosis", "", "Frau Meier, 3. Stock"))
    push(utility, pen, pen.set(order_id, "diagnosis", "", "Herr Meier"))
    body = {**operation_json(pen.set(order_id, "Meier", "", "x")), "kind": "Meier"}
    reader = FieldReader(place="t", values={"v": 1, "replica": "r", "ops": [body]})
    utility.service.push(utility.tablet, read_push(reader))
    push(utility, pen, pen.set(order_id, "Meier", "", "x"))

    with utility.engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(OP_LEDGER)).scalar_one()
        text = str(connection.execute(select(OP_LEDGER)).all())
    assert count == 4
    assert "Meier" not in text
