"""What becomes of a crew's word for one field of an order."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest

from sync_server.sync.apply import LONGEST_TEXT
from sync_server.sync.inbox import ReadPush
from sync_server.sync.ledger_store import conflicts_of, kept_bodies
from sync_server.sync.merge import Kept
from sync_server.sync.review_desk import Decision, settle
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.work_orders.order_store import (
    add_note,
    get_order,
)
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.push_parts import outcome, push, refused, reviews
from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import (
    Operation,
    Outcome,
)
from wire_contracts.orders import (
    ENTITY,
    order_json,
    parse_order,
)
from wire_contracts.review_outcomes import Choice


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


def test_an_earlier_word_that_comes_later_is_kept_beside_the_later_one(
    utility: Utility, order_id: str
) -> None:
    early, late = two_pens(utility)
    smell = early.set(order_id, "diagnosis", "", "smell in the cellar")
    utility.clock.advance(minutes=30)
    danger = late.set(order_id, "diagnosis", "smell in the cellar", "explosive, all out")

    assert push(utility, late, danger)[0].outcome is Outcome.MERGED
    utility.clock.advance(days=2)
    results = push(utility, early, smell)

    assert outcome(results[0]) == (Outcome.CONFLICT, Code.STATE)
    assert diagnosis(utility, order_id) == "explosive, all out"
    assert results[0].op_id in reviews(utility, ReviewKind.CONFLICT)
    with utility.engine.connect() as connection:
        kept = conflicts_of(connection, ENTITY, order_id)[-1]
    assert (kept.office, kept.crew) == ("explosive, all out", "smell in the cellar")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("sight", ["alone", "seeing the one before"])
def test_the_last_of_three_words_stands_in_whatever_order_they_come(
    utility: Utility, order_id: str, order: Sequence[int], sight: str
) -> None:
    words: list[tuple[Pen, Operation]] = []
    seen = ""
    for number in range(3):
        name = f"store {number}"
        pen = Pen(
            actor=utility.member.account_id, clock=utility.clock, replica_id=name, boot_id=name
        )
        words.append((pen, pen.set(order_id, "diagnosis", seen, f"word {number}")))
        seen = f"word {number}" if sight != "alone" else ""
        utility.clock.advance(minutes=10)

    for number in order:
        push(utility, *words[number])
        utility.clock.advance(days=1)

    assert diagnosis(utility, order_id) == "word 2"


def test_an_earlier_word_does_not_come_back_where_a_later_one_took_it_away(
    utility: Utility, order_id: str
) -> None:
    early, late = two_pens(utility)
    leak = early.set(order_id, "result", None, "leak")
    utility.clock.advance(minutes=30)
    nothing = late.set(order_id, "result", "leak", None)

    assert push(utility, late, nothing)[0].outcome is Outcome.NOOP
    results = push(utility, early, leak)

    assert results[0].outcome is Outcome.CONFLICT


def test_one_store_is_believed_by_its_numbers_and_not_by_its_clock(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    first = pen.set(order_id, "diagnosis", "", "nothing found")
    second = pen.set(order_id, "diagnosis", "nothing found", "leak at the flange")
    wild = replace(first.at, wall_ms=first.at.wall_ms - 3_600_000, boot_id="another boot")

    push(utility, pen, replace(second, at=wild))
    results = push(utility, pen, first)

    assert results[0].outcome is Outcome.CONFLICT
    assert diagnosis(utility, order_id) == "leak at the flange"


def test_a_clock_that_is_known_to_be_off_orders_words_like_one_that_is_right(
    utility: Utility, order_id: str
) -> None:
    early, late = two_pens(utility)
    smell = early.set(order_id, "diagnosis", "", "nothing found")
    known_ms = smell.at.wall_ms - 1000
    ahead = replace(
        smell.at, wall_ms=smell.at.wall_ms + 300_000, offset_ms=-300_000, contact_ms=known_ms
    )
    utility.clock.advance(minutes=30)
    danger = late.set(order_id, "diagnosis", "", "explosive, all out")

    push(utility, late, danger)
    utility.clock.advance(days=2)
    results = push(utility, early, replace(smell, at=ahead))

    assert outcome(results[0]) == (Outcome.CONFLICT, Code.STATE)
    assert diagnosis(utility, order_id) == "explosive, all out"


def test_of_two_tablets_a_doubtful_clock_decides_nothing_and_what_comes_last_stands(
    utility: Utility, order_id: str
) -> None:
    early, late = two_pens(utility)
    first = early.set(order_id, "diagnosis", "", "dry")
    utility.clock.advance(minutes=30)
    second = late.set(order_id, "diagnosis", "", "wet")
    off = replace(second.at, offset_ms=600_000, wall_ms=second.at.wall_ms - 600_000)

    push(utility, late, replace(second, at=off))
    results = push(utility, early, first)

    assert results[0].outcome is Outcome.MERGED
    assert diagnosis(utility, order_id) == "dry"


def test_a_word_from_before_the_offices_decision_does_not_undo_it(
    utility: Utility, order_id: str
) -> None:
    early, late = two_pens(utility)
    unsent = early.set(order_id, "diagnosis", "", "third word")
    push(utility, late, late.set(order_id, "diagnosis", "", "dry"))
    utility.clock.advance(minutes=1)
    push(utility, late, late.set(order_id, "diagnosis", "", "wet"))
    utility.clock.advance(minutes=30)
    with utility.engine.begin() as connection:
        for item in list_reviews(connection):
            decision = Decision(choice=Choice.OTHER, value="damp", reason="asked them")
            dispatcher = utility.dispatcher.account_id
            settle(connection, item.review_id, decision, dispatcher, utility.clock.now_utc())

    results = push(utility, early, unsent)

    assert results[0].outcome is Outcome.CONFLICT
    assert diagnosis(utility, order_id) == "damp"


def two_pens(utility: Utility) -> tuple[Pen, Pen]:
    """Return two tablets of one crew, which share neither store nor boot."""
    author = utility.member.account_id
    first = Pen(actor=author, clock=utility.clock, replica_id="store a", boot_id="boot a")
    second = Pen(actor=author, clock=utility.clock, replica_id="store b", boot_id="boot b")
    return first, second


def diagnosis(utility: Utility, order_id: str) -> str:
    with utility.engine.connect() as connection:
        return get_order(connection, order_id).document.diagnosis


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


HOURS_FAST_MS = 5 * 60 * 60 * 1000


@pytest.mark.parametrize("is_fast_first", [True, False], ids=["fast first", "fast last"])
def test_a_repeat_is_no_later_than_a_former_server_had_it(
    utility: Utility, pen: Pen, order_id: str, *, is_fast_first: bool
) -> None:
    mate = replace(pen, replica_id="replica-2", boot_id="boot-2")
    tap = pen.set(order_id, "diagnosis", "", "dry")
    tap = replace(tap, at=replace(tap.at, wall_ms=tap.at.wall_ms + HOURS_FAST_MS))
    had_it_ms = ms_from_utc(utility.clock.advance(minutes=1))
    utility.clock.advance(minutes=30)
    later = mate.set(order_id, "diagnosis", "dry", "wet")
    told_later_ms = ms_from_utc(utility.clock.advance(minutes=1))
    utility.clock.advance(hours=8)

    words = [(pen, tap, had_it_ms), (mate, later, told_later_ms)]
    for by, word, told_ms in words if is_fast_first else reversed(words):
        sent = ReadPush(
            protocol=2, replica_id=by.replica_id, entries=[word], told={word.op_id: told_ms}
        )
        utility.service.push(utility.tablet, sent)

    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.diagnosis == "wet"
