"""Decides which forms of the office a checkpoint or a home offers, and how far each is."""

from collections.abc import Sequence
from dataclasses import dataclass

from field_app.checklists.form_desk import FormDesk
from field_app.checklists.form_sheet import FormSubject
from field_app.orders.entry_gate import has_no_breath
from field_app.patrols.form_answers import point_answers
from field_app.patrols.stop_sheet import TypedWords
from field_app.presenters.form_tools import FORM_TOOL
from field_app.presenters.ports import Words
from field_app.presenters.sheet_views import Block, RowAction, RowLine, RowsBlock
from field_app.presenters.views import Tone
from wire_contracts.forms.answer_sets import AnswerSet
from wire_contracts.forms.publication import FormHead
from wire_contracts.patrol_facts import PointOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class FormsSeen:
    """The forms of one checkpoint or home.

    Attributes:
        done: What was sealed on this visit, the oldest first.
        lel_pct: The most gas that any of them tells of, finished or not; None: of none.
        has_no_breath: One of them, finished or not, tells of air that nobody may breathe.
    """

    offered: Sequence[FormHead] = ()
    begun: frozenset[str] = frozenset()
    done: Sequence[AnswerSet] = ()
    lel_pct: float | None = None
    has_no_breath: bool = False

    def is_done(self, head: FormHead) -> bool:
        """Return whether a form was finished on this visit."""
        return any(answers.form.rpartition("@")[0] == head.form_id for answers in self.done)

    def comes_first(self) -> bool:
        """Return whether forms stand before the page's own questions: one is used, or demanded."""
        return bool(self.begun or self.done or self.lacking())

    def lacking(self) -> FormHead | None:
        """Return the first form that the office demands and nobody has finished, None without."""
        demanded = (each for each in self.offered if each.is_required)
        return next((each for each in demanded if not self.is_done(each)), None)


def forms_of(
    desk: FormDesk,
    subject: FormSubject,
    purposes: Sequence[str],
    since_n: int = 0,
    within_ms: int | None = None,
) -> FormsSeen:
    """Return the forms that a thing with these purposes offers, with what was answered in them.

    What counts was written since the operation `since_n` and is no older than `within_ms`: what is
    good by the clock that says longer, gas by the one that says less.
    """
    offered = desk.offers(subject.about, purposes)
    begun, done = desk.begun(subject), desk.finished(subject, since_n, within_ms)
    unfinished = (answers for _author, _at, answers in desk.begun_by_anybody(subject, since_n))
    return FormsSeen(
        offered=offered,
        begun=begun,
        done=done,
        lel_pct=desk.most_lel_pct(subject, since_n, within_ms),
        has_no_breath=any(has_no_breath(each.answers) for each in (*done, *unfinished)),
    )


def defects_in_forms(desk: FormDesk, subject: FormSubject, since_n: int) -> list[TypedWords]:
    """Return the defects that forms of a stop tell of which nobody has finished."""
    found: list[TypedWords] = []
    for author, at, answers in desk.begun_by_anybody(subject, since_n):
        said = point_answers([answers])
        if said.get("outcome") == PointOutcome.DEFECT:
            words = TypedWords(
                severity=said["severity"],
                text=said["note"].strip(),
                author=author,
                at_ms=at.wall_ms,
            )
            found.append(words)
    return found


def form_rows(t: Words, seen: FormsSeen) -> list[Block]:
    """Return the forms as a list, nothing where the office offers none."""
    if not seen.offered:
        return []
    lines = tuple(_line(t, head, seen) for head in seen.offered)
    return [RowsBlock(key="forms", title=t("Checklists of the office"), lines=lines)]


def form_refusal(t: Words, seen: FormsSeen) -> str:
    """Return which form of the office is missing, empty when none is."""
    head = seen.lacking()
    return "" if head is None else t("Fill in: {name}").format(name=head.title.plain(t.language))


def _line(t: Words, head: FormHead, seen: FormsSeen) -> RowLine:
    is_begun = head.form_id in seen.begun
    is_done = seen.is_done(head) and not is_begun
    is_missing = head.is_required and not seen.is_done(head)
    detail = t("what is answered there is filled in here")
    if is_missing:
        detail = t("required by the office")
    elif is_begun:
        detail = t("begun")
    elif is_done:
        detail = t("finished")
    return RowLine(
        key=f"form-{head.form_id}",
        title=head.title.plain(t.language),
        detail=detail,
        icon="clipboard-check" if is_done else "clipboard-list",
        tone=Tone.OK if is_done else Tone.WARN if is_missing else Tone.INFO,
        actions=(
            RowAction(
                key=f"{FORM_TOOL}{head.form_id}",
                text=t("Again") if is_done else t("Fill in"),
                icon="pencil",
                kind="ghost" if is_done else "tonal",
            ),
        ),
    )
