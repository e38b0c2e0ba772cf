"""Whether anybody went into the well of a stop: one answer, and why where no test let him."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from field_app.orders.moments import TimerMoment, moment_kept
from field_app.orders.order_entry import ENTRY, ENTRY_WHY
from field_app.orders.site_sheet import was_entry_allowed
from field_app.presenters.entry_blocks import entry_blocks, entry_words
from field_app.presenters.point_blocks import LEFT_OUT, ONE_SHIFT_MS, PointData
from field_app.presenters.ports import Words
from field_app.presenters.sheet import Answers
from field_app.presenters.sheet_views import Block
from field_app.presenters.stop_gate import is_entered
from field_app.store.draft_store import KeptAnswer
from wire_contracts.patrol_facts import PatrolPoint, WellEntry


def answered_at(
    kept: Sequence[KeptAnswer], author: str, now: TimerMoment
) -> tuple[TimerMoment | None, bool]:
    """Return when `author` answered, None for not, and whether that was in another shift."""
    own = [each for each in kept if (each.author, each.field) == (author, ENTRY) and each.value]
    at = moment_kept(own[-1].at) if own else None
    return at, at is not None and now.age_ms(at) >= ONE_SHIFT_MS


def without_entry(answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers without that of another shift: it says nothing of this visit."""
    return {name: text for name, text in answers.items() if name not in {ENTRY, ENTRY_WHY}}


def told_entry(told: PatrolPoint | None) -> dict[str, str]:
    """Return the answer that was told of this visit, to be corrected."""
    return {} if told is None or told.entry is None else {ENTRY: str(told.entry)}


@dataclass(frozen=True, slots=True)
class EntryPage:
    """The question at one stop; at one that nobody can go into it asks and says nothing."""

    t: Words
    data: PointData
    checkpoint_id: str
    answers: Answers

    @property
    def answer(self) -> WellEntry | None:
        """Return the answer, None where nobody was asked or nobody answered."""
        given = self.answers.get(ENTRY)
        return WellEntry(given) if given and self._is_asked else None

    @property
    def _is_asked(self) -> bool:
        return is_entered(self.data.checkpoint) and self.answers.get("outcome") not in LEFT_OUT

    @property
    def _is_unproven(self) -> bool:
        """Return whether somebody went in, and no test that was good at the moment let him.

        The moment is that of the answer; a test that was made after it counts while it is fresh.
        What was told of this visit stays told: correcting a word asks for no other test.
        """
        if self.answer is not WellEntry.WENT_IN:
            return False
        told = self.data.told_here(self.checkpoint_id)
        if told is not None and told.entry is WellEntry.WENT_IN:
            return False
        record, at = self.data.air.record, self.data.entry_at
        was_allowed = at is not None and was_entry_allowed(record, at)
        return not (was_allowed or was_entry_allowed(record, self.data.now))

    def blocks(self) -> list[Block]:
        """Return the question, and under it why somebody went in with no test that let him."""
        if not self._is_asked:
            return []
        why = self.answers.get(ENTRY_WHY)
        return entry_blocks(self.t, self.answer, why, is_unproven=self._is_unproven)

    def refusal(self) -> str:
        """Return what is still to be said of going in, empty when nothing is."""
        if not self._is_asked:
            return ""
        if self.answer is None:
            return self.t("Say whether anybody went in.")
        if self._is_unproven and not self.answers.get(ENTRY_WHY).strip():
            return self.t("Went in without a good gas test: measure the air, or say why.")
        return ""

    def with_why(self, note: str) -> str:
        """Return the note with why somebody went in without a good test, in front."""
        why = self.answers.get(ENTRY_WHY).strip()
        if not (why and self._is_unproven):
            return note
        return "; ".join(part for part in (entry_words(self.t, why), note) if part)
