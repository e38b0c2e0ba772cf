"""PointPage: one checkpoint of a run: being there, values, what was found, the next stop."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from field_app.checklists.form_sheet import FormSubject
from field_app.forms.numbers import shown_number
from field_app.orders.entry_gate import GOOD_FOR_MIN
from field_app.patrols.form_answers import point_answers
from field_app.patrols.inspection_book import point_draft
from field_app.patrols.inspection_desk import RunEndedError
from field_app.patrols.left_places import PLACE
from field_app.patrols.presence import Evidence, Presence, by_hand, by_position
from field_app.patrols.stop_sheet import GAS, answers_of_stop, is_grave_defect
from field_app.patrols.values import (
    UNREAD,
    Judged,
    Verdict,
    is_dangerous,
    is_gas_unread,
    judge_all,
    unread_texts,
)
from field_app.photos.album import Beside
from field_app.photos.photo_files_io import NoVaultError
from field_app.photos.pictures_io import PictureError
from field_app.platform.fix_age import fresh_fix
from field_app.platform.ports import Tag, TagWay
from field_app.presenters.form_tools import FORM_TOOL
from field_app.presenters.point_blocks import (
    LEFT_OUT,
    MINUTE_MS,
    NOTE,
    OUTCOME,
    REASON,
    SEVERITY,
    TAG,
    UNREADABLE,
    WAS_GRAVE,
    PointBlocks,
    PointData,
)
from field_app.presenters.point_told import is_taken_back, told_before, was_grave
from field_app.presenters.round_forms import (
    FormsSeen,
    defects_in_forms,
    form_refusal,
    form_rows,
    forms_of,
)
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import UNITS, measure_text
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import Block, SheetButton, SheetView
from field_app.presenters.stop_entry import EntryPage, answered_at, told_entry, without_entry
from field_app.presenters.stop_gate import GATE, gate_rows, has_too_much_gas, stop_record
from field_app.presenters.stop_numbers import StopNumbers, on_map_text
from field_app.presenters.wording import no_room_text
from field_app.store.database_io import StoreFullError
from wire_contracts.patrol_facts import LONGEST_NOTE, Defect, PatrolPoint, PointOutcome
from wire_contracts.patrols import CHECKPOINT_ENTITY, Measure

_GRAVE = "grave"


class PointPage:
    """One checkpoint; `SheetPresenter` shows it. `place_text` is its name, once it was read."""

    is_of_round = True

    def __init__(self, parts: RoundParts, run_id: str, checkpoint_id: str) -> None:
        """Show one checkpoint of a run."""
        self._parts = parts
        self._run_id = run_id
        self._checkpoint_id = checkpoint_id
        self._draft = point_draft(run_id, checkpoint_id)
        self._trouble = ""
        self._blocks = PointBlocks(parts, checkpoint_id)
        self._numbers = StopNumbers(parts)
        self._retyped: frozenset[str] = frozenset()
        self.is_read_again = False
        self.place_text = ""

    def read(self) -> PointData | None:
        """Return the checkpoint as it stands in the run, None when the tablet knows it no more."""
        desk, self._retyped = self._parts.desk, frozenset()
        self.is_read_again = False
        checkpoint = desk.checkpoints().get(self._checkpoint_id)
        if checkpoint is None:
            return None
        self.place_text = checkpoint.name.in_language(self._parts.context.words.language)
        run = desk.run(self._run_id)
        now = self._parts.site.moment()
        author, everyones = desk.everyones(self._draft)
        answers = answers_of_stop(everyones, author, now, checkpoint.limits)
        begun = defects_in_forms(self._parts.forms, self.subject, run.begun_n)
        answers = replace(answers, words=[*answers.words, *begun])
        told = run.state.points.get(self._checkpoint_id)
        kind, medium = checkpoint.kind, checkpoint.medium
        subject, purposes = self.subject, (str(kind), f"{kind}:{medium}", str(medium))
        forms = forms_of(self._parts.forms, subject, purposes, run.begun_n)
        entry_at, is_entry_old = answered_at(everyones, author, now)
        own = without_entry(answers.own) if is_entry_old else answers.own
        data = PointData(
            run=run,
            checkpoint=checkpoint,
            answers=answers,
            kept={**self._of_forms(forms), **told_before(told), **own},
            photo_count=self._parts.photos.count(self._photo_record()).total,
            forms=forms,
            air=self._parts.site.well(stop_record(self._run_id, self._checkpoint_id)),
            now=now,
            on_map=self._numbers.on_map(self._checkpoint_id),
            entry_at=entry_at,
        )
        told_here = told_entry(data.told_here(self._checkpoint_id))
        return replace(data, kept={**told_here, **data.kept})

    def _of_forms(self, forms: FormsSeen) -> dict[str, str]:
        """Return what the office's forms answer: what was measured only while it is fresh."""
        good_for_ms = GOOD_FOR_MIN * MINUTE_MS
        fresh = self._parts.forms.finished(self.subject, within_ms=good_for_ms)
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
        """Keep answers at once; with gas also where it is, the stop may leave the tablet."""
        place = {PLACE: self.place_text} if {GAS, SEVERITY} & set(answers) else {}
        is_well = answers.get(OUTCOME) == str(PointOutcome.OK)
        answers = {**answers, OUTCOME: ""} if is_well else answers  # as if nothing was chosen
        was = self._grave_until_now(answers)
        self._parts.desk.save_answers(self._draft, {**answers, **place, **was})
        self._retyped |= set(answers)
        # what stood there before it may stand beside it
        self.is_read_again = GAS in answers or bool(was) or is_well
        return None

    def _grave_until_now(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Return the words of a defect of severity 1 that these answers take back."""
        before = {name: str(each) for name, each in self._parts.desk.answers(self._draft).items()}
        words = before.get(NOTE, "").strip()
        is_gone = is_grave_defect(before) and not is_grave_defect({**before, **answers})
        return {WAS_GRAVE: words} if is_gone and words else {}

    def _photo_record(self) -> str:
        return stop_record(self._run_id, self._checkpoint_id)

    # --- taps

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Show that one is there, take a photo, or keep what was found."""
        data = self.read()
        t = self._parts.context.words
        if key.startswith(FORM_TOOL) or key == GATE:
            self._parts.desk.save_answers(self._draft, {PLACE: self.place_text})
            return Tapped(opens=key)
        if data is None:
            return Tapped(message=t("This place is not on this tablet any more."), is_done=True)
        answers = replace(answers, typed={**data.kept, **answers.typed})  # no danger by a quick tap
        try:
            return self._do(key, data, answers)
        except RunEndedError:
            return Tapped(message=t("This route has ended."), is_done=True)

    def _do(self, key: str, data: PointData, answers: Answers) -> Tapped:
        hardware, checkpoint = self._parts.hardware, data.checkpoint
        fix = fresh_fix(hardware.locator, self._parts.context.clock.now_utc())
        if key == "position":
            return self._arrive(by_position(checkpoint, fix), answers)
        if key == "typed":
            tag = Tag(text=answers.get(TAG), way=TagWay.TYPED)
            return self._arrive(self._numbers.evidence(self._checkpoint_id, tag, fix), answers)
        if key == "by-hand":
            return self._arrive(by_hand(checkpoint, fix), answers)
        if key == "scan":
            hardware.code_scanner.scan(lambda tag: self._scanned(tag, answers))
            return Tapped()
        if key == "photo":
            hardware.camera.take_photo(self._photographed)
            return Tapped()
        return self._choose_grave(data, answers) if key == _GRAVE else self._finish(data, answers)

    def _choose_grave(self, data: PointData, answers: Answers) -> Tapped:
        """Choose the one outcome that is taken; words of a colleague go along."""
        grave = {OUTCOME: str(PointOutcome.DEFECT), SEVERITY: "1", PLACE: self.place_text}
        noted = "; ".join(each.text for each in data.answers.words if each.text)
        if noted and not answers.get(NOTE).strip():
            grave[NOTE] = noted[:LONGEST_NOTE]
        self._parts.desk.save_answers(self._draft, grave)
        return Tapped()

    def hear(self, tag: Tag) -> None:
        """Take an NFC tag that was held near; called on any thread."""
        if self._checkpoint_id in self._parts.desk.checkpoints():
            self._scanned(tag, Answers(typed={}))

    def _scanned(self, tag: Tag | None, answers: Answers) -> None:
        self._trouble = ""
        try:
            if tag is not None:
                self._take_tag(tag, answers)
        except StoreFullError:
            self._trouble = no_room_text(self._parts.context.words)

    def _take_tag(self, tag: Tag, answers: Answers) -> None:
        fix = fresh_fix(self._parts.hardware.locator, self._parts.context.clock.now_utc())
        tapped = self._arrive(self._numbers.evidence(self._checkpoint_id, tag, fix), answers)
        if tapped.message:
            self._parts.desk.save_answers(self._draft, {TAG: tag.text})

    def _arrive(self, evidence: Evidence, answers: Answers) -> Tapped:
        if evidence.presence is not Presence.THERE:
            return Tapped(message=self._numbers.trouble_text(evidence))
        self._parts.desk.check_in(
            self._run_id,
            self._checkpoint_id,
            evidence,
            is_tag_unreadable=answers.get(UNREADABLE) == "yes",
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
        outcome = PointOutcome(answers.get(OUTCOME) or PointOutcome.OK)
        is_defect = outcome is PointOutcome.DEFECT
        note = self._note(data, judged, self._everyones_note(data, answers))
        entry = EntryPage(self._parts.context.words, data, self._checkpoint_id, answers)
        point = PatrolPoint(
            run_id=self._run_id,
            plan_id=None,
            checkpoint_id=self._checkpoint_id,
            outcome=outcome,
            values={each.limit.measure: each.value for each in judged if each.value is not None},
            beyond=tuple(each.limit.measure for each in judged if each.verdict is Verdict.BEYOND),
            defect=Defect(severity=int(answers.get(SEVERITY)), note=note) if is_defect else None,
            reason="" if is_defect else answers.get(REASON).strip(),
            note=entry.with_why(note)[:LONGEST_NOTE],
            entry=entry.answer,
        )
        self._parts.desk.finish_point(point, data.checkpoint)
        return Tapped(is_done=True)

    def _everyones_note(self, data: PointData, answers: Answers) -> str:
        """Return the note, with the words of colleagues that nobody has recorded."""
        note = answers.get(NOTE).strip()
        if is_taken_back(answers) and answers.get(WAS_GRAVE) not in note:
            note = f"{answers.get(WAS_GRAVE)}; {note}"
        others = [
            f"{self._parts.person_name(each.author)}: {each.text}"
            for each in data.answers.words
            if each.text and each.text not in note
        ]
        return "; ".join([note, *others] if note else others)

    def _note(self, data: PointData, judged: Sequence[Judged], note: str) -> str:
        """Return the note with what was typed and is no value, and with the gas of a form.

        In danger the gas is the word where nobody wrote one.
        """
        t, gas = self._parts.context.words, Measure.GAS_LEL_PCT
        texts = unread_texts(judged)
        if not note and is_dangerous(judged):
            texts = (*texts, *_gas_of(judged))
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
        outcome = answers.get(OUTCOME)
        is_danger = is_dangerous(judged, data.lel_pct)
        is_beyond = _is_beyond(judged) or data.is_air_beyond
        is_doubtful = is_beyond or was_grave(self._told(data)) or is_taken_back(answers)
        is_asked = is_danger or outcome not in LEFT_OUT or is_gas_unread(judged)
        blocks: list[Block] = [
            *self._blocks.warnings(checkpoint, is_danger=is_danger),
            *self._blocks.typed_by_others(data),
            *self._blocks.being_there(data, answers),
            *gate_rows(t, checkpoint, data.air),
            *form_rows(t, data.forms),
            *(self._blocks.numbers(judged, self._old(data)) if is_asked else []),
            *EntryPage(t, data, self._checkpoint_id, answers).blocks(),
            self._blocks.outcomes(outcome),
            *self._blocks.about(outcome, answers, is_doubtful=is_doubtful and not is_danger),
            self._blocks.photo_row(data, self._trouble),
        ]
        return SheetView(
            title=checkpoint.name.in_language(t.language),
            subtitle=on_map_text(t, data.on_map, checkpoint.address),
            blocks=tuple(blocks),
            primary=self._next_step(data, answers),
            secondary=SheetButton(key="photo", text=t("Photo"), icon="camera", kind="ghost"),
            message=answers.message,
        )

    def _next_step(self, data: PointData, answers: Answers) -> SheetButton:
        """Return the big button: in danger it leads to the one defect that is taken."""
        t, outcome = self._parts.context.words, answers.get(OUTCOME)
        is_danger = is_dangerous(self._judged(data, answers), data.lel_pct)
        if (is_danger or data.answers.is_grave) and not _is_grave(answers):
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

    def _refusal(self, data: PointData, answers: Answers) -> str:
        """Return why the checkpoint cannot be left, empty when it can.

        Danger is judged before anything else, and waits for nothing: no place is left out over it.
        A defect of severity 1 waits for no measurement and no form: its order goes out at once.
        Nor is a place left out while something stands for the gas that nobody can read.
        """
        t, outcome = self._parts.context.words, answers.get(OUTCOME)
        judged, is_defect = self._judged(data, answers), outcome == str(PointOutcome.DEFECT)
        is_grave, is_danger = _is_grave(answers), is_dangerous(judged, data.lel_pct)
        if (is_danger or data.answers.is_grave) and not is_grave:
            return t("Dangerous: record it as a defect of severity 1.")
        if outcome in LEFT_OUT:
            return self._unsaid_of_left_out(answers, judged)
        is_here = data.check_in(self._checkpoint_id) is not None
        if not (is_here or is_danger or is_grave):
            return t("Show first that you are there.")
        unfilled = (
            ""
            if is_grave
            else form_refusal(t, data.forms) or self._unmeasured(judged, self._old(data))
        )
        if unfilled or is_danger:  # where it is grave the gas itself says what is wrong
            return unfilled
        if not is_grave and self._is_taken_back_in_silence(data, answers):
            return t("Say why.")
        is_beyond = _is_beyond(judged) or data.is_air_beyond
        unsaid = self._unsaid(answers, is_defect=is_defect, is_beyond=is_beyond)
        entry = EntryPage(t, data, self._checkpoint_id, answers)
        return unsaid or ("" if is_grave else entry.refusal())

    def _unsaid_of_left_out(self, answers: Answers, judged: Sequence[Judged]) -> str:
        t = self._parts.context.words
        if is_gas_unread(judged):
            return t("Measure: {name}").format(name=measure_text(t, Measure.GAS_LEL_PCT))
        return "" if answers.get(REASON).strip() else t("Say why.")

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
        """Return whether a danger that was told, or worded here, would become less in silence."""
        told, note = self._told(data), answers.get(NOTE).strip()
        if is_taken_back(answers):
            return note in {"", answers.get(WAS_GRAVE)}
        is_silent = told is not None and note in {"", told.note}
        return is_silent and was_grave(told)

    def _unsaid(self, answers: Answers, *, is_defect: bool, is_beyond: bool) -> str:
        t, has_note = self._parts.context.words, bool(answers.get(NOTE).strip())
        if is_defect and not (has_note and answers.get(SEVERITY)):
            return t("Say how bad it is, and what is wrong.")
        if is_beyond and not has_note:
            return t("A value is beyond its limit: record a defect, or say in the note why not.")
        return ""


def _is_grave(answers: Answers) -> bool:
    return is_grave_defect(answers.typed)


def _gas_of(judged: Sequence[Judged]) -> list[tuple[Measure, str]]:
    """Return the gas that was measured at a stop as words."""
    gas = Measure.GAS_LEL_PCT
    return [
        (gas, f"{shown_number(each.value)} {UNITS[gas]}")
        for each in judged
        if each.limit.measure is gas and each.value is not None
    ]


def _is_beyond(judged: Sequence[Judged]) -> bool:
    return any(each.verdict is Verdict.BEYOND for each in judged)
