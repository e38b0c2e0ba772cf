"""Decides which forms of the office a checkpoint or a home offers, and how far each is."""

from collections.abc import Sequence
from dataclasses import dataclass

from field_app.checklists.form_desk import FormDesk, FormSubject
from field_app.presenters.form_tools import FORM_TOOL
from field_app.presenters.ports import Words
from field_app.presenters.sheet_views import Block, RowAction, RowLine, RowsBlock
from field_app.presenters.views import Tone
from wire_contracts.forms.answer_sets import AnswerSet
from wire_contracts.forms.publication import FormHead


@dataclass(frozen=True, slots=True, kw_only=True)
class FormsSeen:
    """The forms of one checkpoint or home; `done` was sealed on this visit, the oldest first."""

    offered: Sequence[FormHead] = ()
    begun: frozenset[str] = frozenset()
    done: Sequence[AnswerSet] = ()


def forms_of(
    desk: FormDesk, subject: FormSubject, purposes: Sequence[str], since_ms: int
) -> FormsSeen:
    """Return the forms that a thing with these purposes offers since a moment of the tablet."""
    offered = desk.offers(subject.about, purposes)
    if not offered:
        return FormsSeen()
    return FormsSeen(
        offered=offered, begun=desk.begun(subject), done=desk.finished(subject, since_ms)
    )


def form_rows(t: Words, seen: FormsSeen) -> list[Block]:
    """Return the forms as a list, nothing where the office offers none."""
    if not seen.offered:
        return []
    done = {answers.form.rpartition("@")[0] for answers in seen.done}
    lines = tuple(_line(t, head, seen.begun, done) for head in seen.offered)
    return [RowsBlock(key="forms", title=t("Checklists of the office"), lines=lines)]


def _line(t: Words, head: FormHead, begun: frozenset[str], done: set[str]) -> RowLine:
    is_done = head.form_id in done and head.form_id not in begun
    detail = t("what is answered there is filled in here")
    if head.form_id in begun:
        detail = t("begun")
    elif is_done:
        detail = t("finished")
    return RowLine(
        key=f"form-{head.form_id}",
        title=head.title.plain(t.language),
        detail=detail,
        icon="clipboard-check" if is_done else "clipboard-list",
        tone=Tone.OK if is_done else Tone.INFO,
        actions=(
            RowAction(
                key=f"{FORM_TOOL}{head.form_id}",
                text=t("Again") if is_done else t("Fill in"),
                icon="pencil",
                kind="ghost" if is_done else "tonal",
            ),
        ),
    )
