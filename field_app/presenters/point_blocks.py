"""Draws the parts of a stop's page: danger, being there, values, what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from field_app.orders.moments import TimerMoment
from field_app.orders.site_sheet import WellSheet
from field_app.patrols.inspection_store import SeenRun
from field_app.patrols.stop_sheet import StopAnswers, TypedWords
from field_app.patrols.values import (
    Judged,
    Verdict,
    is_explosive,
)
from field_app.presenters.dates import time_text
from field_app.presenters.round_forms import FormsSeen
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import (
    KIND_ICONS,
    SEVERITY_ICONS,
    UNITS,
    distance_text,
    limit_text,
    measure_text,
    recheck_text,
    severity_text,
    way_text,
)
from field_app.presenters.sheet import Answers
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    FactsBlock,
    NoteBlock,
    NoticeBlock,
    NumberBlock,
    RowAction,
    RowLine,
    RowsBlock,
    VerdictBlock,
)
from field_app.presenters.stop_gate import (
    has_nobody_entered,
    has_too_much_gas,
)
from field_app.presenters.views import LabelledText, Tone
from wire_contracts.patrol_facts import CheckIn, PatrolPoint, PointOutcome
from wire_contracts.patrols import Checkpoint, Measure

LEFT_OUT = frozenset({str(PointOutcome.SKIPPED), str(PointOutcome.NOT_REACHABLE)})
MINUTE_MS: Final = 60_000
ONE_SHIFT_MS: Final = 12 * 60 * MINUTE_MS
"""Whoever was at a stop in another shift is not there now (judgement)."""

TAG, OUTCOME, SEVERITY, NOTE, REASON = "tag", "outcome", "severity", "note", "reason"

WAS_GRAVE = "was_grave"
"""The words of a defect of severity 1 that was taken back before it was kept."""
UNREADABLE = "unreadable"
"""Fields of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointData:
    """What was read for the page; `on_map` is the number of the stop on the map.

    `entry_at` is when it was answered whether anybody went in.
    """

    run: SeenRun
    checkpoint: Checkpoint
    answers: StopAnswers
    kept: Mapping[str, str]
    photo_count: int
    forms: FormsSeen
    air: WellSheet
    now: TimerMoment
    on_map: str = ""
    entry_at: TimerMoment | None = None

    @property
    def lel_pct(self) -> float | None:
        """Return the most gas that a form, the gate of this stop or a colleague tells of."""
        told = (self.forms.lel_pct, self.air.record.lel_pct, self.answers.lel_pct)
        return max((value for value in told if value is not None), default=None)

    @property
    def is_air_beyond(self) -> bool:
        """Return whether the air is beyond the stop's limits, whatever its own fields say."""
        is_gas = has_too_much_gas(self.checkpoint.limits, self.lel_pct)
        return is_gas or has_nobody_entered(self.air) or self.forms.has_no_breath

    def told_here(self, checkpoint_id: str) -> PatrolPoint | None:
        """Return what was told of this visit: in this shift, and nobody came again since."""
        told = self.run.told_at.get(checkpoint_id)
        came = self.run.checked_in_at.get(checkpoint_id)
        is_of_now = told is not None and self.now.age_ms(told) < ONE_SHIFT_MS
        if not is_of_now or (came is not None and told is not None and told.age_ms(came) < 0):
            return None
        return self.run.state.points.get(checkpoint_id)

    def check_in(self, checkpoint_id: str) -> CheckIn | None:
        """Return what shows that somebody is there; another shift's visit shows nothing."""
        at = self.run.checked_in_at.get(checkpoint_id)
        is_of_now = at is not None and self.now.age_ms(at) < ONE_SHIFT_MS
        return self.run.state.check_ins.get(checkpoint_id) if is_of_now else None


def _may_be_tapped(one: Judged) -> bool:
    """Return whether one tap says zero; nobody says so of gas who has not looked at a detector."""
    is_gas = one.limit.measure is Measure.GAS_LEL_PCT
    return one.limit.low is None and not is_gas and not one.text.strip()


class PointBlocks:
    """The blocks of one stop's page, in the reader's language."""

    def __init__(self, parts: RoundParts, checkpoint_id: str) -> None:
        """Draw the stop `checkpoint_id` with the words and names of `parts`."""
        self._parts = parts
        self._checkpoint_id = checkpoint_id

    def warnings(self, checkpoint: Checkpoint, *, is_danger: bool) -> list[Block]:
        """Return danger, and why the stop is on the re-check list."""
        t = self._parts.context.words
        blocks: list[Block] = []
        if is_danger:
            blocks.append(
                VerdictBlock(
                    key="danger",
                    title=t("Get out, keep others away"),
                    text=t("No flame, no switch, no phone here. Record a defect of severity 1."),
                    tone=Tone.DANGER,
                    icon="alert-octagon",
                )
            )
        again = recheck_text(t, checkpoint.recheck_reason)
        if again:
            blocks.append(NoticeBlock(key="again", text=again, tone=Tone.WARN, icon="refresh"))
        return blocks

    def typed_by_others(self, data: PointData) -> list[Block]:
        """Return danger that a colleague typed here and nobody recorded, and old values."""
        t, context = self._parts.context.words, self._parts.context
        blocks: list[Block] = [
            NoticeBlock(
                key=f"gas:{each.author}",
                text=t("Gas typed here by {name}, {time}, and not recorded: {text}").format(
                    name=self._parts.person_name(each.author),
                    time=time_text(t, each.at_ms, context.clock.now_utc(), context.zone),
                    text=each.text,
                ),
                tone=Tone.DANGER if is_explosive(each.lel_pct) else Tone.WARN,
                icon="alert-circle",
            )
            for each in data.answers.gas
        ]
        blocks += [self._noted(each) for each in data.answers.words]
        if data.answers.grown_old:
            text = t("Measured more than 30 minutes ago: measure again.")
            blocks.append(NoticeBlock(key="old", text=text, tone=Tone.WARN, icon="history"))
        return blocks

    def _noted(self, said: TypedWords) -> Block:
        """Return what a colleague chose or wrote here and nobody recorded."""
        t, context = self._parts.context.words, self._parts.context
        severity = severity_text(t, int(said.severity)) if said.severity else ""
        return NoticeBlock(
            key=f"words:{said.author}",
            text=t("Noted by {name}, {time}, and not recorded: {what}").format(
                name=self._parts.person_name(said.author),
                time=time_text(t, said.at_ms, context.clock.now_utc(), context.zone),
                what=", ".join(each for each in (severity, said.text) if each),
            ),
            tone=Tone.DANGER if said.is_grave else Tone.WARN,
            icon="alert-circle",
        )

    def being_there(self, data: PointData, answers: Answers) -> list[Block]:
        """Return what shows that one is there, else the ways to show it."""
        t = self._parts.context.words
        check_in = data.check_in(self._checkpoint_id)
        if check_in is not None:
            fact = LabelledText(
                label=t("You are there"), text=self._seen_text(check_in), icon="position"
            )
            return [FactsBlock(key="there", title="", facts=(fact,))]
        ways = [RowAction(key="position", text=t("By position"), icon="crosshairs-gps")]
        if self._parts.hardware.code_scanner.availability().is_available:
            ways.insert(0, RowAction(key="scan", text=t("Scan"), icon="qrcode-scan"))
        if answers.get(TAG).strip():
            ways.insert(0, RowAction(key="typed", text=t("Use number"), icon="tag"))
        if answers.get(UNREADABLE) == "yes":
            ways.append(RowAction(key="by-hand", text=t("I am there"), icon="check"))
        can_hear = self._parts.hardware.tag_reader.availability().is_available
        line = RowLine(
            key="check-in",
            title=t("Show that you are there"),
            detail=t("Hold the tablet to the tag, or:") if can_hear else "",
            icon=KIND_ICONS[data.checkpoint.kind],
            tone=Tone.INFO,
            actions=tuple(ways),
        )
        blocks: list[Block] = [RowsBlock(key="ways", title="", lines=(line,))]
        if data.checkpoint.tag:
            number = NoteBlock(
                key=TAG,
                label=t("Number on the tag"),
                text=answers.get(TAG),
                hint=t("number on the lid or on the map"),
            )
            unreadable = ChoiceBlock(
                key=UNREADABLE,
                title="",
                columns=1,
                lines=(
                    ChoiceLine(
                        value="yes",
                        text=t("The tag cannot be read"),
                        note=t("damaged, painted over or gone; the office is told"),
                        icon="tag",
                        tone=Tone.WARN,
                        is_selected=answers.get(UNREADABLE) == "yes",
                    ),
                ),
            )
            blocks += [number, unreadable]
        return blocks

    def _seen_text(self, check_in: CheckIn) -> str:
        t = self._parts.context.words
        parts = [way_text(t, check_in)]
        if check_in.distance_m is not None and check_in.fix is not None:
            parts.append(
                t("{distance} away, ± {metres} m").format(
                    distance=distance_text(t, check_in.distance_m),
                    metres=round(check_in.fix.accuracy_m),
                )
            )
        if check_in.fix is not None and check_in.fix.is_mock:
            parts.append(t("position made up by another app"))
        if check_in.is_tag_unreadable:
            parts.append(t("tag not readable"))
        return "  ·  ".join(parts)

    def numbers(self, judged: tuple[Judged, ...], old: frozenset[str]) -> list[Block]:
        """Return the values with their limits; `old` ones are measured again."""
        t = self._parts.context.words
        errors = {
            Verdict.NOT_A_NUMBER: t("This is not a number."),
            Verdict.IMPOSSIBLE: t("This value is not possible; check the unit."),
            Verdict.BEYOND: t("Outside the limit: is it a defect?"),
        }
        return [
            NumberBlock(
                key=str(each.limit.measure),
                label=measure_text(t, each.limit.measure),
                unit=UNITS[each.limit.measure],
                text=each.text,
                hint=limit_text(t, each.limit),
                error=t("Measured more than 30 minutes ago: measure again.")
                if str(each.limit.measure) in old
                else errors.get(each.verdict, ""),
                steps=("0",) if _may_be_tapped(each) else (),
            )
            for each in judged
        ]

    def outcomes(self, outcome: str) -> Block:
        """Return the choice of what else than `all well` was found."""
        t = self._parts.context.words
        choices = (
            (PointOutcome.DEFECT, t("Defect"), "alert-circle", Tone.DANGER),
            (PointOutcome.NOT_REACHABLE, t("Not reachable"), "cancel", Tone.WARN),
            (PointOutcome.SKIPPED, t("Skip it"), "minus-circle", Tone.WARN),
        )
        lines = [
            ChoiceLine(
                value=str(value),
                text=text,
                icon=icon,
                tone=tone,
                is_selected=outcome == str(value),
            )
            for value, text, icon, tone in choices
        ]
        if outcome:
            back = t("All well after all")
            well = str(PointOutcome.OK)
            lines.append(ChoiceLine(value=well, text=back, icon="check-circle", tone=Tone.OK))
        return ChoiceBlock(
            key=OUTCOME, title=t("Not all well?"), columns=3, lines=tuple(lines), is_kept=True
        )

    def about(self, outcome: str, answers: Answers, *, is_doubtful: bool) -> list[Block]:
        """Return what an outcome asks for."""
        t = self._parts.context.words
        if outcome in LEFT_OUT:
            label = t("Why?")
            return [NoteBlock(key=REASON, label=label, text=answers.get(REASON), is_long=True)]
        if outcome != str(PointOutcome.DEFECT):
            label = t("Why is all well all the same?")
            note = NoteBlock(key=NOTE, label=label, text=answers.get(NOTE), is_long=True)
            return [note] if is_doubtful else []
        notes = {1: t("an order goes out at once"), 2: t("repair is planned"), 3: t("watch it")}
        tones = {1: Tone.DANGER, 2: Tone.WARN, 3: Tone.INFO}
        lines = tuple(
            ChoiceLine(
                value=str(severity),
                text=f"{severity}  {severity_text(t, severity)}",
                note=notes[severity],
                icon=SEVERITY_ICONS[severity],
                tone=tones[severity],
                is_selected=answers.get(SEVERITY) == str(severity),
            )
            for severity in (1, 2, 3)
        )
        return [
            ChoiceBlock(
                key=SEVERITY, title=t("How bad is it?"), lines=lines, columns=1, is_kept=True
            ),
            NoteBlock(key=NOTE, label=t("What is wrong?"), text=answers.get(NOTE), is_long=True),
        ]

    def photo_row(self, data: PointData, trouble: str) -> Block:
        """Return how many photos there are, and `trouble` with the last one."""
        t, photos = self._parts.context.words, self._parts.photos.availability()
        detail = "" if photos.is_available else t(photos.reason)
        error = trouble or data.kept.get("photo_error", "")
        line = RowLine(
            key="photos",
            title=t("Photos: {count}").format(count=data.photo_count),
            detail=error or detail,
            icon="camera",
        )
        return RowsBlock(key="photo-row", title="", lines=(line,))
