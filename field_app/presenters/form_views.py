"""The view data of a form that is filled in: one card per item, what is wrong, what is left."""

from dataclasses import dataclass
from enum import StrEnum

from field_app.presenters.views import ChoiceView


class CardKind(StrEnum):
    """What a card looks like."""

    HEAD = "head"
    NOTE = "note"
    BUTTONS = "buttons"
    CHOICES = "choices"
    CLOUD = "cloud"
    NUMBER = "number"
    TEXT = "text"
    LINE = "line"
    PHOTO = "photo"
    SIGNATURE = "signature"
    TICK = "tick"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """One item of the form.

    Attributes:
        place: Where it stands; taps and typing are reported with it.
        label, hint: What is asked, and how to do it.
        text: The answer as it is shown in a field.
        unit: Stands behind a number.
        range_text: What is allowed, shown before anything is typed; empty: anything.
        last_text: What was answered before, with the words around it; empty: nothing.
        choices: The choices, for those kinds; of a photo or signature that must be there: why it
            is not.
        error_text: What is wrong, shown to the person; empty: nothing, or not shown yet.
        is_wrong: Something is wrong or missing, shown or not.
        is_read_only: It is computed, not asked.
        action_text: Words on the card's own button, such as `Take a photo`; empty: none.
        action_icon: Its icon.
        is_done: A photo, signature, tick or position is there.
        add_place: The button that puts one more into a repeat reports this; empty: no button.
        remove_place: The same for taking this one away.
    """

    place: str
    kind: CardKind
    label: str
    hint: str = ""
    text: str = ""
    unit: str = ""
    range_text: str = ""
    last_text: str = ""
    choices: tuple[ChoiceView, ...] = ()
    error_text: str = ""
    is_wrong: bool = False
    is_required: bool = False
    is_read_only: bool = False
    action_text: str = ""
    action_icon: str = ""
    is_done: bool = False
    add_place: str = ""
    remove_place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """One form.

    Attributes:
        title: The form's title.
        subject_text: What it is filled in for.
        cards: Its items from top to bottom.
        left_count: How many are missing or wrong.
        left_text: The same in words, for the button.
        finish_text: Words on the button when nothing is left.
        saved_text: When the last answer was kept.
        message: What went wrong, empty otherwise.
        danger_text: What to do about the gas that is answered; empty: none that endangers.
        go_to: Place of the item to be brought onto the screen; empty: none.
        can_undo: There is an answer to be taken back.
    """

    title: str = ""
    subject_text: str = ""
    cards: tuple[CardView, ...] = ()
    left_count: int = 0
    left_text: str = ""
    finish_text: str = ""
    saved_text: str = ""
    message: str = ""
    danger_text: str = ""
    go_to: str = ""
    can_undo: bool = False
    is_finished: bool = False
    is_busy: bool = True


BLANK_FORM = FormView()
