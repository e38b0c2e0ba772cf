"""For whom a tablet may speak, and what is kept of what it says."""

import pytest
from sqlalchemy import func, select

from sync_server.access.account_store import PERSON_ENTITY, deactivate_account
from sync_server.db.server_store import note_restored
from sync_server.db.sync_tables import OP_LEDGER
from sync_server.sync.inbox import read_push
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.review_store import ReviewKind, list_reviews, resolve_review
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.push_parts import outcome, push, refused, reviews
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.operations import (
    Outcome,
    operation_json,
)
from wire_contracts.work_order_states import WorkOrderEvent


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


def test_a_tablet_learns_who_may_work_on_it(utility: Utility) -> None:
    answer = utility.sync().pull(None, 500)

    people = [row for page in answer.buckets for row in page.rows if row.entity == PERSON_ENTITY]
    assert [row.entity_id for row in people] == [utility.member.account_id]


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


def test_the_work_of_a_person_whom_a_restored_server_does_not_know_counts(
    utility: Utility, order_id: str
) -> None:
    pen = Pen(actor="0190c1d2-0000-7000-8000-0000000000ee", clock=utility.clock)

    results = push(utility, pen, *pen.steps_to_work(order_id), *pen.finding(order_id))

    assert {each.outcome for each in results} == {Outcome.APPLIED}
    assert reviews(utility, ReviewKind.UNKNOWN_AUTHOR) == [results[0].op_id]
    with utility.engine.connect() as connection:
        assert {each.actor for each in read_ledger(connection)} == {pen.actor}


def test_who_may_have_come_to_the_crew_after_the_backup_is_not_refused_by_a_restored_server(
    utility: Utility, order_id: str
) -> None:
    pen = Pen(actor=utility.other_member.account_id, clock=utility.clock)
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    restored_at_utc = utility.clock.advance(hours=1)
    with utility.engine.begin() as connection:
        note_restored(connection, restored_at_utc)
    utility.clock.advance(hours=1)
    later = pen.set(order_id, "diagnosis", "", "of somebody else")

    results = push(utility, pen, *taps)
    after = push(utility, pen, later)

    assert {each.outcome for each in results} == {Outcome.APPLIED}
    assert reviews(utility, ReviewKind.UNKNOWN_AUTHOR) == [results[0].op_id]
    assert outcome(after[0]) == refused(Code.NOT_YOURS)
