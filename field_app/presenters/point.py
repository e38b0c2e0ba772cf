"""PointPage: one checkpoint of a run: being there, values, what was found, the next stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from field_app.checklists.form_desk import FormSubject
from field_app.forms.numbers import shown_number
from field_app.orders.entry_gate import GOOD_FOR_MIN
from field_app.orders.site_sheet import WellSheet
from field_app.patrols.form_answers import point_answers
from field_app.patrols.inspection_desk import RunEndedError, point_draft
from field_app.patrols.inspection_store import SeenRun
from field_app.patrols.presence import Evidence, Presence, by_hand, by_position, by_tag
from field_app.patrols.stop_sheet import StopAnswers, answers_of_stop
from field_app.patrols.values import (
    UNREAD,
    Judged,
    Verdict,
    is_dangerous,
    is_explosive,
    is_gas_unread,
    judge_all,
    unread_texts,
)
from field_app.photos.album import Beside
from field_app.photos.photo_files_io import NoVaultError
from field_app.photos.pictures_io import PictureError
from field_app.platform.ports import Tag, TagWay
from field_app.presenters.dates import time_text
from field_app.presenters.form_tools import FORM_TOOL
from field_app.presenters.round_forms import FormsSeen, form_refusal, form_rows, forms_of
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import (
    KIND_ICONS,
    SEVERITY_ICONS,
    UNITS,
    distance_text,
    limit_text,
    measure_text,
    presence_text,
    recheck_text,
    severity_text,
    way_text,
)
from field_app.presenters.sheet import Answers, Tapped
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
    SheetButton,
    SheetView,
    VerdictBlock,
)
from field_app.presenters.stop_gate import (
    GATE,
    gate_rows,
    has_nobody_entered,
    has_too_much_gas,
    stop_record,
)
from field_app.presenters.views import LabelledText, Tone
from field_app.presenters.wording import no_room_text
from field_app.store.database_io import StoreFullError
from wire_contracts.frames import ms_from_utc
from wire_contracts.patrol_facts import LONGEST_NOTE, CheckIn, Defect, PatrolPoint, PointOutcome
from wire_contracts.patrols import CHECKPOINT_ENTITY, Checkpoint, Measure

_LEFT_OUT = frozenset({str(PointOutcome.SKIPPED), str(PointOutcome.NOT_REACHABLE)})
_GRAVE = "grave"
_TAG, _OUTCOME, _SEVERITY, _NOTE, _REASON = "tag", "outcome", "severity", "note", "reason"
_UNREADABLE = "unreadable"
_MINUTE_MS: Final = 60_000
_ONE_SHIFT_MS: Final = 12 * 60 * _MINUTE_MS
"""Whoever was at a stop in another shift is not there now (judgement)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointData:
    """What was read for the page."""

    run: SeenRun
    checkpoint: Checkpoint
    answers: StopAnswers
    kept: Mapping[str, str]
    photo_count: int
    forms: FormsSeen
    air: WellSheet
    now_ms: int

    @property
    def lel_pct(self) -> float | None:
        """Return the most gas that a form, the gate of this stop or a colleague tells of."""
        told = (self.forms.lel_pct, self.air.record.lel_pct, self.answers.lel_pct)
        return max((value for value in told if value is not None), default=None)

    @property
    def is_air_beyond(self) -> bool:
        """Return whether the air is beyond the stop's limits, whatever its own fields say."""
        return has_nobody_entered(self.air) or has_too_much_gas(
            self.checkpoint.limits, self.lel_pct
        )

    def check_in(self, checkpoint_id: str) -> CheckIn | None:
        """Return what shows that somebody is there; another shift's visit shows nothing."""
        at_ms = self.run.checked_in_at_ms.get(checkpoint_id, 0)
        is_of_now = self.now_ms - at_ms < _ONE_SHIFT_MS
        return self.run.state.check_ins.get(checkpoint_id) if is_of_now else None


class PointPage:
    """One checkpoint; `SheetPresenter` shows it. `place_text` is its name, once it was read."""

    def __init__(self, parts: RoundParts, run_id: str, checkpoint_id: str) -> None:
        """Show one checkpoint of a run."""
        self._parts = parts
        self._run_id = run_id
        self._checkpoint_id = checkpoint_id
        self._draft = point_draft(run_id, checkpoint_id)
        self._trouble = ""
        self._retyped: frozenset[str] = frozenset()
        self.place_text = ""

    def read(self) -> PointData | None:
        """Return the checkpoint as it stands in the run, None when the tablet knows it no more."""
        desk, self._retyped = self._parts.desk, frozenset()
        checkpoint = desk.checkpoints().get(self._checkpoint_id)
        if checkpoint is None:
            return None
        self.place_text = checkpoint.name.in_language(self._parts.context.words.language)
        run = desk.run(self._run_id)
        now_ms = ms_from_utc(self._parts.context.clock.now_utc())
        author, everyones = desk.everyones(self._draft)
        answers = answers_of_stop(everyones, author, now_ms, checkpoint.limits)
        told = run.state.points.get(self._checkpoint_id)
        kind, medium = checkpoint.kind, checkpoint.medium
        subject, purposes = self.subject, (str(kind), f"{kind}:{medium}", str(medium))
        forms = forms_of(self._parts.forms, subject, purposes, run.begun_at_ms)
        return PointData(
            run=run,
            checkpoint=checkpoint,
            answers=answers,
            kept={**self._of_forms(forms, now_ms), **_told_before(told), **answers.own},
            photo_count=self._parts.photos.count(self._photo_record()).total,
            forms=forms,
            air=self._parts.site.well(stop_record(self._run_id, self._checkpoint_id)),
            now_ms=now_ms,
        )

    def _of_forms(self, forms: FormsSeen, now_ms: int) -> dict[str, str]:
        """Return what the office's forms answer: what was measured only while it is fresh."""
        fresh = self._parts.forms.finished(self.subject, now_ms - GOOD_FOR_MIN * _MINUTE_MS)
        said = {
            name: text
            for name, text in point_answers(forms.done).items()
            if name not in set(Measure)
        }
        return {**said, **point_answers(fresh)}

    @property
    def subject(self) -> FormSubject:
        """Return what the office's forms are filled in for here."""
        return FormSubject(about=CHECKPOINT_ENTITY, about_id=self._checkpoint_id)

    def typed_before(self, data: PointData) -> Mapping[str, str]:
        """Return what was kept, or told before."""
        return data.kept

    def saved_at_ms(self, data: PointData) -> int | None:
        """Return None: the run's own line says when."""
        del data
        return None

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep answers at once."""
        self._parts.desk.save_answers(self._draft, answers)
        self._retyped |= set(answers)
        return None

    def _photo_record(self) -> str:
        return stop_record(self._run_id, self._checkpoint_id)

    # --- taps

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Show that one is there, take a photo, or keep what was found."""
        data = self.read()
        t = self._parts.context.words
        if key.startswith(FORM_TOOL) or key == GATE:
            return Tapped(opens=key)
        if data is None:
            return Tapped(message=t("This place is not on this tablet any more."), is_done=True)
        try:
            return self._do(key, data, answers)
        except RunEndedError:
            return Tapped(message=t("This route has ended."), is_done=True)

    def _do(self, key: str, data: PointData, answers: Answers) -> Tapped:
        hardware, checkpoint = self._parts.hardware, data.checkpoint
        fix = hardware.locator.fix()
        if key == "position":
            return self._arrive(by_position(checkpoint, fix), answers)
        if key == "typed":
            tag = Tag(text=answers.get(_TAG), way=TagWay.TYPED)
            return self._arrive(by_tag(checkpoint, tag, fix), answers)
        if key == "by-hand":
            return self._arrive(by_hand(checkpoint, fix), answers)
        if key == "scan":
            hardware.code_scanner.scan(lambda tag: self._scanned(checkpoint, tag, answers))
            return Tapped()
        if key == "photo":
            hardware.camera.take_photo(self._photographed)
            return Tapped()
        return self._choose_grave() if key == _GRAVE else self._finish(data, answers)

    def _choose_grave(self) -> Tapped:
        grave = {_OUTCOME: str(PointOutcome.DEFECT), _SEVERITY: "1"}
        self._parts.desk.save_answers(self._draft, grave)
        return Tapped()

    def hear(self, tag: Tag) -> None:
        """Take an NFC tag that was held near; called on any thread."""
        checkpoint = self._parts.desk.checkpoints().get(self._checkpoint_id)
        if checkpoint is not None:
            self._scanned(checkpoint, tag, Answers(typed={}))

    def _scanned(self, checkpoint: Checkpoint, tag: Tag | None, answers: Answers) -> None:
        self._trouble = ""
        try:
            if tag is not None:
                self._take_tag(checkpoint, tag, answers)
        except StoreFullError:
            self._trouble = no_room_text(self._parts.context.words)

    def _take_tag(self, checkpoint: Checkpoint, tag: Tag, answers: Answers) -> None:
        fix = self._parts.hardware.locator.fix()
        tapped = self._arrive(by_tag(checkpoint, tag, fix), answers)
        if tapped.message:
            self._parts.desk.save_answers(self._draft, {_TAG: tag.text})

    def _arrive(self, evidence: Evidence, answers: Answers) -> Tapped:
        message = presence_text(self._parts.context.words, evidence)
        if evidence.presence is not Presence.THERE:
            return Tapped(message=message)
        self._parts.desk.check_in(
            self._run_id,
            self._checkpoint_id,
            evidence,
            is_tag_unreadable=answers.get(_UNREADABLE) == "yes",
        )
        return Tapped()

    def _photographed(self, content: bytes | None) -> None:
        if content is None:
            return
        beside = Beside(entity=CHECKPOINT_ENTITY, entity_id=self._checkpoint_id)
        self._trouble = ""
        try:
            self._add_photo(content, beside)
        except StoreFullError:
            self._trouble = no_room_text(self._parts.context.words)

    def _add_photo(self, content: bytes, beside: Beside) -> None:
        try:
            self._parts.photos.add(self._photo_record(), content, beside=beside)
        except (NoVaultError, PictureError) as error:
            self._parts.desk.save_answers(self._draft, {"photo_error": str(error)})

    def _finish(self, data: PointData, answers: Answers) -> Tapped:
        refusal = self._refusal(data, answers)
        if refusal:
            return Tapped(message=refusal)
        judged = self._judged(data, answers)
        outcome = PointOutcome(answers.get(_OUTCOME) or PointOutcome.OK)
        is_defect = outcome is PointOutcome.DEFECT
        note = self._note(data, judged, answers.get(_NOTE).strip())
        point = PatrolPoint(
            run_id=self._run_id,
            plan_id=None,
            checkpoint_id=self._checkpoint_id,
            outcome=outcome,
            values={each.limit.measure: each.value for each in judged if each.value is not None},
            beyond=tuple(each.limit.measure for each in judged if each.verdict is Verdict.BEYOND),
            defect=Defect(severity=int(answers.get(_SEVERITY)), note=note) if is_defect else None,
            reason="" if is_defect else answers.get(_REASON).strip(),
            note=note,
        )
        self._parts.desk.finish_point(point, data.checkpoint)
        return Tapped(is_done=True)

    def _note(self, data: PointData, judged: Sequence[Judged], note: str) -> str:
        """Return the note with what was typed and is no value, and with the gas of a form."""
        t, gas = self._parts.context.words, Measure.GAS_LEL_PCT
        texts = unread_texts(judged)
        is_told = has_too_much_gas(data.checkpoint.limits, data.lel_pct)
        if data.lel_pct is not None and (is_told or is_dangerous((), data.lel_pct)):
            texts = (*texts, (gas, f"{shown_number(data.lel_pct)} {UNITS[gas]}"))
        told = [f"{measure_text(t, measure)}: {text}" for measure, text in texts]
        new = [each for each in dict.fromkeys(told) if each not in note]
        return "; ".join([note, *new] if note else new)[:LONGEST_NOTE]

    # --- the page

    def view(self, data: PointData, answers: Answers) -> SheetView:
        """Return the page."""
        t, checkpoint = self._parts.context.words, data.checkpoint
        judged = self._judged(data, answers)
        outcome = answers.get(_OUTCOME)
        is_danger = is_dangerous(judged, data.lel_pct)
        is_beyond = _is_beyond(judged) or data.is_air_beyond
        is_doubtful = is_beyond or _was_grave(self._told(data))
        is_asked = is_danger or outcome not in _LEFT_OUT or is_gas_unread(judged)
        blocks: list[Block] = [
            *self._warnings(checkpoint, is_danger=is_danger),
            *self._typed_by_others(data),
            *self._being_there(data, answers),
            *gate_rows(t, checkpoint, data.air),
            *form_rows(t, data.forms),
            *(self._numbers(judged, self._old(data)) if is_asked else []),
            self._outcomes(outcome),
            *self._about(outcome, answers, is_doubtful=is_doubtful and not is_danger),
            self._photo_row(data),
        ]
        return SheetView(
            title=checkpoint.name.in_language(t.language),
            subtitle=checkpoint.address,
            blocks=tuple(blocks),
            primary=self._next_step(data, answers),
            secondary=SheetButton(key="photo", text=t("Photo"), icon="camera", kind="ghost"),
            message=answers.message,
        )

    def _next_step(self, data: PointData, answers: Answers) -> SheetButton:
        """Return the big button: in danger it leads to the one defect that is taken."""
        t, outcome = self._parts.context.words, answers.get(_OUTCOME)
        is_danger = is_dangerous(self._judged(data, answers), data.lel_pct)
        if is_danger and not _is_grave(answers):
            text = t("Record a defect of severity 1")
            return SheetButton(key=_GRAVE, text=text, icon="alert-octagon", kind="danger")
        return SheetButton(
            key="done",
            text=t("All well, next") if not outcome else t("Keep, next"),
            icon="check-bold",
            refusal=self._refusal(data, answers),
        )

    def _judged(self, data: PointData, answers: Answers) -> tuple[Judged, ...]:
        old = data.answers.grown_old
        typed = {
            name: text
            for name, text in answers.typed.items()
            if old.get(name) != text or name in self._retyped
        }
        return judge_all(data.checkpoint.limits, typed)

    def _old(self, data: PointData) -> frozenset[str]:
        """Return what was typed too long ago, and not again since the page was read."""
        return data.answers.old - self._retyped

    def _warnings(self, checkpoint: Checkpoint, *, is_danger: bool) -> list[Block]:
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

    def _typed_by_others(self, data: PointData) -> list[Block]:
        """Return gas that a colleague typed here and nobody recorded, and values that grew old."""
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
        if data.answers.grown_old:
            text = t("Measured more than 30 minutes ago: measure again.")
            blocks.append(NoticeBlock(key="old", text=text, tone=Tone.WARN, icon="history"))
        return blocks

    def _being_there(self, data: PointData, answers: Answers) -> list[Block]:
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
        if answers.get(_TAG).strip():
            ways.insert(0, RowAction(key="typed", text=t("Use number"), icon="tag"))
        if answers.get(_UNREADABLE) == "yes":
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
                key=_TAG,
                label=t("Number on the tag"),
                text=answers.get(_TAG),
                hint=t("type or scan"),
            )
            unreadable = ChoiceBlock(
                key=_UNREADABLE,
                title="",
                columns=1,
                lines=(
                    ChoiceLine(
                        value="yes",
                        text=t("The tag cannot be read"),
                        note=t("damaged, painted over or gone; the office is told"),
                        icon="tag",
                        tone=Tone.WARN,
                        is_selected=answers.get(_UNREADABLE) == "yes",
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

    def _numbers(self, judged: tuple[Judged, ...], old: frozenset[str]) -> list[Block]:
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
                steps=("0",) if each.limit.low is None and not each.text.strip() else (),
            )
            for each in judged
        ]

    def _outcomes(self, outcome: str) -> Block:
        t = self._parts.context.words
        choices = (
            (PointOutcome.DEFECT, t("Defect"), "alert-circle", Tone.DANGER),
            (PointOutcome.NOT_REACHABLE, t("Not reachable"), "cancel", Tone.WARN),
            (PointOutcome.SKIPPED, t("Skip it"), "minus-circle", Tone.WARN),
        )
        return ChoiceBlock(
            key=_OUTCOME,
            title=t("Not all well?"),
            columns=3,
            lines=tuple(
                ChoiceLine(
                    value=str(value),
                    text=text,
                    icon=icon,
                    tone=tone,
                    is_selected=outcome == str(value),
                )
                for value, text, icon, tone in choices
            ),
        )

    def _about(self, outcome: str, answers: Answers, *, is_doubtful: bool) -> list[Block]:
        t = self._parts.context.words
        if outcome in _LEFT_OUT:
            label = t("Why?")
            return [NoteBlock(key=_REASON, label=label, text=answers.get(_REASON), is_long=True)]
        if outcome != str(PointOutcome.DEFECT):
            label = t("Why is all well all the same?")
            note = NoteBlock(key=_NOTE, label=label, text=answers.get(_NOTE), is_long=True)
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
                is_selected=answers.get(_SEVERITY) == str(severity),
            )
            for severity in (1, 2, 3)
        )
        return [
            ChoiceBlock(key=_SEVERITY, title=t("How bad is it?"), lines=lines, columns=1),
            NoteBlock(key=_NOTE, label=t("What is wrong?"), text=answers.get(_NOTE), is_long=True),
        ]

    def _photo_row(self, data: PointData) -> Block:
        t, photos = self._parts.context.words, self._parts.photos.availability()
        detail = "" if photos.is_available else t(photos.reason)
        error = self._trouble or data.kept.get("photo_error", "")
        line = RowLine(
            key="photos",
            title=t("Photos: {count}").format(count=data.photo_count),
            detail=error or detail,
            icon="camera",
        )
        return RowsBlock(key="photo-row", title="", lines=(line,))

    def _refusal(self, data: PointData, answers: Answers) -> str:
        """Return why the checkpoint cannot be left, empty when it can.

        Danger is judged before anything else, and waits for nothing: no place is left out over it.
        A defect of severity 1 waits for no measurement and no form: its order goes out at once.
        Nor is a place left out while something stands for the gas that nobody can read.
        """
        t, outcome = self._parts.context.words, answers.get(_OUTCOME)
        judged, is_defect = self._judged(data, answers), outcome == str(PointOutcome.DEFECT)
        is_grave, is_danger = _is_grave(answers), is_dangerous(judged, data.lel_pct)
        if is_danger and not is_grave:
            return t("Dangerous: record it as a defect of severity 1.")
        if outcome in _LEFT_OUT:
            return self._unsaid_of_left_out(answers, judged)
        is_here = data.check_in(self._checkpoint_id) is not None
        if not (is_here or is_danger or is_grave):
            return t("Show first that you are there.")
        unfilled = (
            ""
            if is_grave
            else form_refusal(t, data.forms) or self._unmeasured(judged, self._old(data))
        )
        if unfilled:
            return unfilled
        if not is_grave and self._is_taken_back_in_silence(data, answers):
            return t("Say why.")
        is_beyond = _is_beyond(judged) or data.is_air_beyond
        return self._unsaid(answers, is_defect=is_defect, is_beyond=is_beyond)

    def _unsaid_of_left_out(self, answers: Answers, judged: Sequence[Judged]) -> str:
        t = self._parts.context.words
        if is_gas_unread(judged):
            return t("Measure: {name}").format(name=measure_text(t, Measure.GAS_LEL_PCT))
        return "" if answers.get(_REASON).strip() else t("Say why.")

    def _unmeasured(self, judged: Sequence[Judged], old: frozenset[str]) -> str:
        t, unusable = self._parts.context.words, UNREAD | {Verdict.EMPTY}
        wrong = next(
            (each for each in judged if each.verdict in unusable or str(each.limit.measure) in old),
            None,
        )
        if wrong is None:
            return ""
        return t("Measure: {name}").format(name=measure_text(t, wrong.limit.measure))

    def _told(self, data: PointData) -> PatrolPoint | None:
        return data.run.state.points.get(self._checkpoint_id)

    def _is_taken_back_in_silence(self, data: PointData, answers: Answers) -> bool:
        """Return whether a told danger would become less without a new word about it."""
        told = self._told(data)
        is_silent = told is not None and answers.get(_NOTE).strip() in {"", told.note}
        return is_silent and _was_grave(told)

    def _unsaid(self, answers: Answers, *, is_defect: bool, is_beyond: bool) -> str:
        t, has_note = self._parts.context.words, bool(answers.get(_NOTE).strip())
        if is_defect and not (has_note and answers.get(_SEVERITY)):
            return t("Say how bad it is, and what is wrong.")
        if is_beyond and not has_note:
            return t("A value is beyond its limit: record a defect, or say in the note why not.")
        return ""


def _is_grave(answers: Answers) -> bool:
    is_defect = answers.get(_OUTCOME) == str(PointOutcome.DEFECT)
    return is_defect and answers.get(_SEVERITY) == "1"


def _was_grave(told: PatrolPoint | None) -> bool:
    """Return whether a defect of severity 1 was told before: it is not taken back in silence."""
    return told is not None and told.defect is not None and told.defect.severity == 1


def _is_beyond(judged: Sequence[Judged]) -> bool:
    return any(each.verdict is Verdict.BEYOND for each in judged)


def _told_before(point: PatrolPoint | None) -> dict[str, str]:
    """Return the answers of a checkpoint that was left before, to correct them."""
    if point is None:
        return {}
    told = {str(measure): shown_number(value) for measure, value in point.values.items()}
    told |= {_NOTE: point.note, _REASON: point.reason}
    if point.outcome is not PointOutcome.OK:
        told[_OUTCOME] = str(point.outcome)
    if point.defect is not None:
        told[_SEVERITY] = str(point.defect.severity)
    return told
