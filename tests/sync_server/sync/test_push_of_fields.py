"""What becomes of a crew's word for one field of an order."""

from collections.abc import Sequence

import pytest

from sync_server.sync.apply import LONGEST_TEXT
from sync_server.sync.ledger_store import conflicts_of, kept_bodies
from sync_server.sync.merge import Kept
from sync_server.sync.review_store import ReviewKind
from sync_server.work_orders.order_store import (
    add_note,
    get_order,
)
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.push_parts import outcome, push, refused, reviews
from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.operations import (
    Operation,
    Outcome,
)
from wire_contracts.orders import (
    ENTITY,
    order_json,
    parse_order,
)


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


def notes_one_by_one(pen: Pen, order_id: str, remarks: Sequence[str]) -> list[Operation]:
    """Each repeats all that its writer saw, what the server may refuse included."""
    seen, notes = "", []
    for remark in remarks:
        whole = f"{seen}\n{remark}" if seen else remark
        notes.append(pen.set(order_id, "note", seen, whole))
        seen = whole
    return notes


def test_one_remark_that_cannot_be_taken_takes_no_later_one_along(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    remarks = ["plain", "nul \0 here", "x" * (LONGEST_TEXT + 1), "last"]

    results = push(utility, pen, *notes_one_by_one(pen, order_id, remarks))

    assert [each.outcome for each in results] == [
        Outcome.APPLIED,
        Outcome.APPLIED,
        Outcome.REFUSED,
        Outcome.MERGED,
    ]
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.note == "plain\nnul ? here\nlast"


def test_remarks_beyond_what_a_note_holds_stand_beside_it_with_both_values(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    remarks = [f"{number} " + "x" * 4000 for number in range(6)]
    notes = notes_one_by_one(pen, order_id, [*remarks, "short"])

    results = push(utility, pen, *notes)

    assert [outcome(each) for each in results[4:6]] == [(Outcome.CONFLICT, Code.FIELD_RANGE)] * 2
    with utility.engine.connect() as connection:
        found = conflicts_of(connection, ENTITY, order_id)
        note = get_order(connection, order_id).document.note
    beside = {each.crew for each in found if each.kept is Kept.OFFICE}
    assert beside == {notes[4].new, notes[5].new}
    assert note.endswith("\nshort")
