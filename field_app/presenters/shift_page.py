"""The sheet of the shift: my numbers today, and the note to whoever comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from field_app.orders.order_list_store import OrderFilter, OrderQuery
from field_app.orders.shift_numbers import LeftNote, ShiftNumbers
from field_app.presenters.dates import time_text
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    FactsBlock,
    NoteBlock,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
    TextBlock,
    TilesBlock,
)
from field_app.presenters.site_words import calibration_text, left_text
from field_app.presenters.still_open import (
    StillOpen,
    open_again,
    opening_view,
    read_still_open,
    still_open_rows,
)
from field_app.presenters.views import LabelledText, Tone
from field_app.presenters.watch import name_of
from field_app.tablet import Tablet
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.van import Calibration, Van, calibration_at, is_short

NOTE_ORDER = "shift"
"""The record under which the note of the shift is a draft."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftData:
    """The day in numbers, what is left, and the note as it was typed."""

    numbers: ShiftNumbers
    notes: Sequence[LeftNote]
    open_count: int
    urgent_count: int
    waiting_count: int
    still_open: StillOpen
    van: Van
    typed: Mapping[str, str]
    saved_at_ms: int | None


class ShiftPage:
    """The shift."""

    def __init__(self, tablet: Tablet, context: PresenterContext) -> None:
        """Count what was done on `tablet` since midnight of the site."""
        self._tablet = tablet
        self._context = context

    def read(self) -> ShiftData:
        """Return the day's numbers."""
        page = self._tablet.desk.page(OrderQuery(limit=1))
        draft = self._tablet.site.draft(NOTE_ORDER)
        return ShiftData(
            numbers=self._tablet.site.numbers(self._midnight_ms()),
            notes=self._tablet.site.notes_left(),
            open_count=page.counts.get(OrderFilter.OPEN, 0),
            urgent_count=page.counts.get(OrderFilter.URGENT, 0),
            waiting_count=self._tablet.status().outbox.waiting,
            still_open=read_still_open(self._tablet),
            van=self._tablet.site.van(),
            typed=draft.typed,
            saved_at_ms=draft.saved_at_ms,
        )

    def typed_before(self, data: ShiftData) -> Mapping[str, str]:
        """Return the note as it was typed."""
        return data.typed

    def saved_at_ms(self, data: ShiftData) -> int | None:
        """Return when the note was kept last."""
        return data.saved_at_ms

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep the note as it is typed."""
        return self._tablet.site.keep(NOTE_ORDER, "", answers)

    def view(self, data: ShiftData, answers: Answers) -> SheetView:
        """Return the sheet, or the question that a tap on a valve has left."""
        t = self._context.words
        if (question := opening_view(t, data.still_open, answers)) is not None:
            return question
        blocks: list[Block] = [
            self._notes(data.notes),
            *still_open_rows(t, data.still_open),
            TilesBlock(key="numbers", tiles=self._tiles(data)),
            NoteBlock(
                key="note",
                label=t("Note to the next shift"),
                text=answers.get("note"),
                hint=t("What is open, what to watch, where the keys are"),
                is_long=True,
            ),
        ]
        blocks += self._van(data.van)
        note = answers.get("note").strip()
        return SheetView(
            title=t("My shift"),
            subtitle=t("Since midnight, on this tablet"),
            blocks=tuple(blocks),
            primary=SheetButton(
                key="leave",
                text=t("Leave the note"),
                icon="clipboard-arrow-right",
                refusal="" if note else t("Write the note first."),
            ),
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Leave the note with the numbers of the day, or open a valve again."""
        if (kept := open_again(self._tablet, key, answers)) is not None:
            self.keep(kept)
            return Tapped()
        if not answers.get("note").strip():
            return Tapped()
        data = self.read()
        numbers: dict[str, JsonValue] = {
            "finished": data.numbers.finished,
            "left": data.numbers.left,
            "open": data.open_count,
        }
        self._tablet.site.leave_note(answers.get("note"), numbers)
        self._tablet.site.keep(NOTE_ORDER, "", {"note": ""})
        return Tapped()

    def _notes(self, notes: Sequence[LeftNote]) -> Block:
        """Return what the shifts before have left to say, who and when."""
        t, now_utc = self._context.words, self._context.clock.now_utc()
        if not notes:
            return TextBlock(key="none", text=t("No note was left."))
        facts = tuple(
            LabelledText(
                label=f"{name_of(self._tablet, each.by)}  ·  "
                f"{time_text(t, each.at_ms, now_utc, self._context.zone)}",
                text=each.text,
                icon="note",
            )
            for each in notes
        )
        return FactsBlock(key="notes", title=t("Notes to this shift"), facts=facts)

    def _van(self, van: Van) -> list[Block]:
        """Return what the van lacks and which detectors are due, nothing when all is well."""
        t = self._context.words
        today = self._context.clock.now_utc().astimezone(self._context.zone).date()
        due = [
            RowLine(
                key=f"detector-{each.detector_id}",
                title=each.detector_id,
                detail=calibration_text(t, each.calibrated_until, today)[0],
                icon="air-filter",
                tone=calibration_text(t, each.calibrated_until, today)[1],
                is_loud=True,
            )
            for each in van.detectors
            if calibration_at(each.calibrated_until, today) is not Calibration.GOOD
        ]
        short = [
            RowLine(
                key=f"part-{part.part_id}",
                title=part.name.in_language(t.language),
                detail=left_text(t, part)[0],
                icon="package-variant",
                tone=Tone.WARN,
                is_loud=True,
            )
            for part in van.parts
            if is_short(part)
        ]
        lines = (*due, *short)
        return (
            [RowsBlock(key="van", title=t("To be seen to in the van"), lines=lines)]
            if lines
            else []
        )

    def _tiles(self, data: ShiftData) -> tuple[LabelledText, ...]:
        t = self._context.words
        numbers = data.numbers
        tiles = (
            (t("Finished"), numbers.finished, ""),
            (t("Left without a finding"), numbers.left, ""),
            (t("To do"), data.open_count, ""),
            (t("Urgent"), data.urgent_count, "trigger" if data.urgent_count else ""),
            (t("Safety steps"), numbers.steps, ""),
            (t("Readings"), numbers.readings, ""),
            (t("Photos"), numbers.photos, ""),
            (t("Waiting on this tablet"), data.waiting_count, ""),
        )
        return tuple(
            LabelledText(label=label, text=str(count), icon=icon) for label, count, icon in tiles
        )

    def _midnight_ms(self) -> int:
        now = self._context.clock.now_utc().astimezone(self._context.zone)
        return ms_from_utc(now.replace(hour=0, minute=0, second=0, microsecond=0))
