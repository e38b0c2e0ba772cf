"""Undo in the finding form: the last change first, typing in one field as one step."""

from field_app.ui.answers import MOST_STEPS, Answers, UndoSteps


def test_the_last_change_is_taken_back_first() -> None:
    undo = UndoSteps()
    undo.note_change("result", Answers())
    undo.note_change("cause", Answers(result="leak"))

    assert undo.take_back() == Answers(result="leak")
    assert undo.take_back() == Answers()
    assert undo.take_back() is None


def test_typing_on_in_one_field_is_one_step() -> None:
    undo = UndoSteps()
    undo.note_change("note", Answers())
    undo.note_change("note", Answers(note="a"))
    undo.note_change("measured:flow_m3h", Answers(note="ab"))
    undo.note_change("note", Answers(note="ab", measured={"flow_m3h": "1"}))

    assert len(undo) == 3


def test_choosing_twice_is_two_steps() -> None:
    undo = UndoSteps()
    undo.note_change("result", Answers())
    undo.note_change("result", Answers(result="leak"))

    assert len(undo) == 2


def test_old_steps_are_forgotten_before_the_memory_is_full() -> None:
    undo = UndoSteps()
    for number in range(3 * MOST_STEPS):
        undo.note_change("cause", Answers(cause=str(number)))

    assert len(undo) == MOST_STEPS
    assert undo.take_back() == Answers(cause=str(3 * MOST_STEPS - 1))
