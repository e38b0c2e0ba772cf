"""Draws the question whether anybody went into a well, and why where no gas test let him."""

from field_app.orders.order_entry import ENTRY, ENTRY_WHY
from field_app.presenters.ports import Words
from field_app.presenters.sheet_views import Block, ChoiceBlock, ChoiceLine, NoteBlock
from field_app.presenters.views import Tone
from wire_contracts.patrol_facts import WellEntry


def entry_blocks(t: Words, answer: WellEntry | None, why: str, *, is_unproven: bool) -> list[Block]:
    """Return the question, and under it why somebody went in with no test that let him."""
    choices = (
        (WellEntry.STAYED_OUTSIDE, t("Stayed outside"), "check-circle", Tone.OK),
        (WellEntry.WENT_IN, t("Went in"), "account-alert", Tone.WARN),
    )
    lines = tuple(
        ChoiceLine(value=str(value), text=text, icon=icon, tone=tone, is_selected=answer is value)
        for value, text, icon, tone in choices
    )
    asked: list[Block] = [
        ChoiceBlock(key=ENTRY, title=t("Did anybody go in?"), lines=lines, is_kept=True)
    ]
    if is_unproven:
        label = t("Went in without a good gas test: why?")
        asked.append(NoteBlock(key=ENTRY_WHY, label=label, text=why, is_long=True))
    return asked


def entry_words(t: Words, why: str) -> str:
    """Return that somebody went in without a good test, and why, as the office reads it."""
    return t("Went in without a good gas test: {why}").format(why=why) if why else ""
