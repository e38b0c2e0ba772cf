"""HomePage: one home: twelve items in five taps, hazards, the notice, the next home."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from field_app.checklists.form_desk import FormSubject
from field_app.patrols.form_answers import OK as _OK
from field_app.patrols.form_answers import home_answers
from field_app.patrols.home_check import (
    GROUPS,
    Seen,
    Sheet,
    hazards_of,
    lacks,
    must_shut_off,
    seen_inside,
)
from field_app.patrols.home_facts import UNHEARD, AskedOrder, order_standing
from field_app.patrols.home_sheet import (
    GAS_OFF,
    NO,
    NOTICE,
    SIGNATURE,
    SIGNED_FOR,
    YES,
    HomeAnswers,
    NotedHazard,
    answers_of_visit,
    found_wrong,
    noted_in_forms,
    sheet_of,
    signed_for,
)
from field_app.patrols.inspection_desk import home_draft
from field_app.patrols.inspection_store import SeenHome
from field_app.patrols.noted import WRONG as _WRONG
from field_app.patrols.values import is_explosive
from field_app.photos.album import Beside
from field_app.photos.glass_io import Glass
from field_app.photos.photo_files_io import NoVaultError
from field_app.photos.pictures_io import PictureError
from field_app.presenters.dates import date_text, time_text
from field_app.presenters.form_tools import FORM_TOOL
from field_app.presenters.round_forms import FormsSeen, form_refusal, form_rows, forms_of
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import (
    SEVERITY_ICONS,
    home_state_text,
    item_text,
    lack_text,
    seen_text,
    severity_text,
)
from field_app.presenters.rounds import OPEN_STATES
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoteBlock,
    NoticeBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
    VerdictBlock,
)
from field_app.presenters.views import Tone
from field_app.presenters.wording import no_room_text
from field_app.store.database_io import StoreFullError
from field_app.store.ids_io import draw_uuid7
from field_app.store.record_states import OpStatus
from field_app.store.round_records import record_of
from wire_contracts.blobs import BlobRole
from wire_contracts.frames import ms_from_utc
from wire_contracts.home_checks import (
    HOUSEHOLD_ENTITY,
    CheckItem,
    Hazard,
    NoticeOutcome,
)

ONE_VISIT: Final = timedelta(hours=12)
"""A home is visited again after weeks: a form of the last shift belongs to this visit."""

_CALL: Final = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeData:
    """What was read for the page."""

    home: SeenHome
    answers: HomeAnswers
    kept: Mapping[str, str]
    photo_count: int
    forms: FormsSeen
    asked: Sequence[AskedOrder]
    now_ms: int


class HomePage:
    """One home; `SheetPresenter` shows it.

    `leads_to` is the page after it, empty for none; `place_text` its address, once it was read.
    """

    def __init__(self, parts: RoundParts, household_id: str) -> None:
        """Show the check of a home."""
        self._parts = parts
        self._household_id = household_id
        self._draft = home_draft(household_id)
        opened_at_utc = parts.context.clock.now_utc()
        self._opened_s = opened_at_utc.timestamp()
        self._visit_id = draw_uuid7(opened_at_utc)
        self._photo_trouble = ""
        self.leads_to = ""
        self.place_text = ""

    def read(self) -> HomeData | None:
        """Return the home with its answers, None when the tablet knows it no more."""
        home = self._parts.desk.home(self._household_id)
        if home is None:
            return None
        self.place_text = home.household.address
        now_ms = ms_from_utc(self._parts.context.clock.now_utc())
        author, everyones = self._parts.desk.everyones(self._draft)
        begun = self._parts.forms.begun_by_anybody(self.subject, home.visited_at_ms + 1)
        answers = answers_of_visit([*everyones, *noted_in_forms(begun)], author, now_ms)
        photos = self._parts.photos.count(record_of(self._household_id))
        forms = self._forms()
        return HomeData(
            home=home,
            answers=answers,
            kept={**home_answers(forms.done), **answers.typed},
            photo_count=photos.total,
            forms=forms,
            asked=self._parts.desk.orders_of_home(self._household_id),
            now_ms=now_ms,
        )

    def _forms(self) -> FormsSeen:
        since_ms = ms_from_utc(self._parts.context.clock.now_utc() - ONE_VISIT)
        return forms_of(self._parts.forms, self.subject, (), since_ms)

    def _refusal(self, sheet: Sheet, forms: FormsSeen) -> str:
        """Return why the visit cannot be ended; gas that must be shut off waits for no form.

        Gas that a form of the office tells of is a hazard to be shut off, whoever finished it.
        """
        t, missing = self._parts.context.words, lacks(sheet)
        hazards = hazards_of(sheet, self._parts.context.clock.now_utc())
        if is_explosive(forms.lel_pct) and not must_shut_off(hazards):
            return t("Dangerous: record it as a defect of severity 1.")
        if missing:
            return lack_text(t, *missing[0])
        return "" if must_shut_off(hazards) else form_refusal(t, forms)

    def _seen(self, typed: Mapping[str, str], earlier: Mapping[str, str], forms: FormsSeen) -> Seen:
        """Return what was seen today: what was noted before opens no door."""
        today = {name: text for name, text in typed.items() if earlier.get(name) != text}
        return Seen.HAZARD if is_explosive(forms.lel_pct) else seen_inside(sheet_of(today))

    @property
    def subject(self) -> FormSubject:
        """Return what the office's forms are filled in for here."""
        return FormSubject(about=HOUSEHOLD_ENTITY, about_id=self._household_id)

    def typed_before(self, data: HomeData) -> Mapping[str, str]:
        """Return what was answered before."""
        return data.kept

    def saved_at_ms(self, data: HomeData) -> int | None:
        """Return None: a home takes a minute."""
        del data
        return None

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep answers at once."""
        self._parts.desk.save_answers(self._draft, answers)
        return None

    # --- taps

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Take a photo, or keep the visit; the next home of the list comes after it."""
        if key == "photo":
            self._parts.hardware.camera.take_photo(self._photographed)
            return Tapped()
        if key.startswith(FORM_TOOL) or key == "sign":
            return Tapped(opens=f"sign:{self._household_id}" if key == "sign" else key)
        data = self.read()
        if data is None:
            gone = self._parts.context.words("This place is not on this tablet any more.")
            return Tapped(message=gone, is_done=True)
        if key == _CALL:
            sheet = self._told_sheet(answers)
            if _call_wanted(data, sheet):
                self._parts.desk.call_crew(self._household_id, sheet)
            return Tapped()
        refusal = (
            self._end_without_access(data, answers)
            if key == "nobody"
            else self._end_visit(data, answers)
        )
        if refusal:
            return Tapped(message=refusal)
        self.leads_to = self._next_home()
        return Tapped(is_done=True)

    def _end_without_access(self, data: HomeData, answers: Answers) -> str:
        """Keep that nobody opened; return why not, empty when it is kept."""
        seen = self._seen(answers.typed, data.answers.earlier, data.forms)
        refusal = seen_text(self._parts.context.words, seen)
        if not refusal:
            self._parts.desk.no_access(self._household_id, self._visit_id)
        return refusal

    def _end_visit(self, data: HomeData, answers: Answers) -> str:
        """Keep the whole visit; return why not, empty when it is kept."""
        sheet = sheet_of(answers.typed)
        refusal = self._refusal(sheet, data.forms)
        if not refusal:
            now_s = self._parts.context.clock.now_utc().timestamp()
            seconds = now_s - self._opened_s
            told = self._told_sheet(answers)
            self._parts.desk.finish_home(self._household_id, self._visit_id, told, seconds)
        return refusal

    def _told_sheet(self, answers: Answers) -> Sheet:
        """Return the sheet as it is told: words of grave hazards say whether the gas is off."""
        t, sheet = self._parts.context.words, sheet_of(answers.typed)
        if sheet.is_gas_off is None:
            return sheet
        said = t("The gas is shut off") if sheet.is_gas_off else t("The gas still flows")
        notes = {
            item: f"{note.strip()}; {said}"
            if sheet.severity_of(item) == 1 and note.strip()
            else note
            for item, note in sheet.notes.items()
        }
        return replace(sheet, notes=notes)

    def _next_home(self) -> str:
        """Return the page of the next home that wants a visit, after this one and round again."""
        homes = self._parts.desk.homes()
        here = next(
            (index for index, each in enumerate(homes) if each.household_id == self._household_id),
            -1,
        )
        for each in (*homes[here + 1 :], *homes[: max(here, 0)]):
            if each.household.state in OPEN_STATES and each.visited_at_utc is None:
                return f"home:{each.household_id}"
        return ""

    def glass(self) -> Glass:
        """Return where the signature under the notice stands until it is finished."""
        return self._parts.photos.glass(record_of(self._household_id))

    def signed(self, picture: bytes) -> str:
        """Keep the signature under the notice; return why not, empty when it is kept."""
        try:
            name = self._add(picture, BlobRole.SIGNATURE)
            data = self.read()
            standing = "" if data is None else signed_for(sheet_of(data.kept))
            self.keep({SIGNATURE: name, NOTICE: str(NoticeOutcome.SIGNED), SIGNED_FOR: standing})
        except (NoVaultError, PictureError) as error:
            return str(error)
        except StoreFullError:
            return no_room_text(self._parts.context.words)
        return ""

    def _photographed(self, content: bytes | None) -> None:
        if content is None:
            return
        self._photo_trouble = ""
        try:
            self._add_photo(content)
        except StoreFullError:
            self._photo_trouble = no_room_text(self._parts.context.words)

    def _add_photo(self, content: bytes) -> None:
        try:
            self._add(content, BlobRole.PHOTO)
        except (NoVaultError, PictureError) as error:
            self.keep({"photo_error": str(error)})

    def _add(self, content: bytes, role: BlobRole) -> str:
        beside = Beside(entity=HOUSEHOLD_ENTITY, entity_id=self._household_id)
        return self._parts.photos.add(record_of(self._household_id), content, role, beside=beside)

    # --- the page

    def view(self, data: HomeData, answers: Answers) -> SheetView:
        """Return the page."""
        t, household = self._parts.context.words, data.home.household
        sheet = sheet_of(answers.typed)
        hazardous = sheet.hazardous()
        state, _, _ = home_state_text(t, household.state, household.no_access_count)
        return SheetView(
            title=t("{building} · {room}").format(building=household.building, room=household.room),
            subtitle="  ·  ".join(
                each for each in (household.community, household.device_serial or "", state) if each
            ),
            blocks=(
                *self._gas(data.forms),
                *self._shut_off(data, sheet),
                *self._before(household.hazards),
                *self._noted(data.answers.noted),
                *(form_rows(t, data.forms) if data.forms.comes_first() else ()),
                *(block for key, items in GROUPS for block in self._group(key, items, answers)),
                *(block for item in hazardous for block in self._hazard(item, sheet, answers)),
                *self._notice(sheet, answers, data),
                *(() if data.forms.comes_first() else form_rows(t, data.forms)),
            ),
            primary=self._primary(data, sheet),
            secondary=SheetButton(
                key="nobody",
                text=t("Nobody opens"),
                icon="door-closed-lock",
                kind="ghost",
                needs_again=self._seen(answers.typed, data.answers.earlier, data.forms)
                is Seen.NOTHING,
            ),
            message=answers.message,
        )

    def _primary(self, data: HomeData, sheet: Sheet) -> SheetButton:
        """Return the big button: danger calls a crew before anything else is asked."""
        t = self._parts.context.words
        if _call_wanted(data, sheet):
            return SheetButton(
                key=_CALL, text=t("Order a crew now"), icon="alarm-light", kind="danger"
            )
        return SheetButton(
            key="done",
            text=t("Finish, next home") if sheet.hazardous() else t("Passed, next home"),
            icon="check-bold",
            refusal=self._refusal(sheet, data.forms),
        )

    def _shut_off(self, data: HomeData, sheet: Sheet) -> list[Block]:
        """Return the red card of a grave hazard, before everything else on the page."""
        t, grave = self._parts.context.words, _grave(sheet)
        if not grave:
            return []
        asked = order_standing(data.asked, grave, data.now_ms)
        text = t("Say what is wrong, then order a crew. Leave only when it is shut off.")
        if data.asked and data.asked[-1].status is OpStatus.REFUSED:
            text = t("Order not received: the office does not know. Call the control room now.")
        elif asked is not None and asked.status in UNHEARD:
            text = t("Order made, not sent yet: call the control room now.")
        elif asked is not None:
            text = t("Order made; the office has it.")
        card = VerdictBlock(
            key="shut-off",
            title=t("Shut the gas off now"),
            text=text,
            tone=Tone.DANGER,
            icon="valve-closed",
        )
        said = (
            (YES, t("The gas is shut off"), Tone.OK),
            (NO, t("The gas still flows"), Tone.DANGER),
        )
        chosen = {True: YES, False: NO, None: ""}[sheet.is_gas_off]
        question = ChoiceBlock(
            key=GAS_OFF,
            title=t("Is the gas shut off?"),
            lines=tuple(
                ChoiceLine(
                    value=value,
                    text=words,
                    icon="valve-closed" if value == YES else "alert-circle",
                    tone=tone,
                    is_selected=value == chosen,
                )
                for value, words, tone in said
            ),
        )
        return [card, question]

    def _gas(self, forms: FormsSeen) -> list[Block]:
        t = self._parts.context.words
        if not is_explosive(forms.lel_pct):
            return []
        text = t("No flame, no switch, no phone here. Record a defect of severity 1.")
        title, icon = t("Get out, keep others away"), "alert-octagon"
        return [VerdictBlock(key="danger", title=title, text=text, tone=Tone.DANGER, icon=icon)]

    def _before(self, hazards: Sequence[Hazard]) -> list[Block]:
        t = self._parts.context.words
        if not hazards:
            return []
        names = ", ".join(item_text(t, hazard.item) for hazard in hazards)
        text = t("Found last time: {items}").format(items=names)
        return [NoticeBlock(key="before", text=text, tone=Tone.WARN, icon="history")]

    def _noted(self, noted: Sequence[NotedHazard]) -> list[Block]:
        """Return what was found here and not finished: each item is asked for by itself."""
        t, context = self._parts.context.words, self._parts.context
        blocks: list[Block] = []
        for index, each in enumerate(noted):
            what = ", ".join(item_text(t, item) for item in each.items)
            text = t("Noted by {name}, {time}, and not finished: {what}. Look again.").format(
                name=self._parts.person_name(each.author),
                time=time_text(t, each.at_ms, context.clock.now_utc(), context.zone),
                what=f"{what} ({each.note})" if each.note else what,
            )
            blocks.append(
                NoticeBlock(key=f"noted:{index}", text=text, tone=Tone.DANGER, icon="alert-circle")
            )
        return blocks

    def _group(self, key: str, items: tuple[CheckItem, ...], answers: Answers) -> list[Block]:
        t, chosen = self._parts.context.words, answers.get(key)
        names = " · ".join(item_text(t, item) for item in items)
        block = ChoiceBlock(
            key=key,
            title=names,
            lines=(
                ChoiceLine(
                    value=_OK,
                    text=t("Seen, all in order"),
                    icon="check-circle",
                    tone=Tone.OK,
                    is_selected=chosen == _OK,
                ),
                ChoiceLine(
                    value=_WRONG,
                    text=t("Something is wrong"),
                    icon="alert-circle",
                    tone=Tone.DANGER,
                    is_selected=chosen == _WRONG,
                ),
            ),
        )
        if (chosen != _WRONG and not found_wrong(items, answers.typed)) or len(items) == 1:
            return [block]
        return [block, *(self._item(item, answers) for item in items)]

    def _item(self, item: CheckItem, answers: Answers) -> Block:
        t, chosen = self._parts.context.words, answers.get(f"item:{item}")
        return ChoiceBlock(
            key=f"item:{item}",
            title=item_text(t, item),
            lines=(
                ChoiceLine(
                    value=_OK,
                    text=t("in order"),
                    icon="check-circle",
                    tone=Tone.OK,
                    is_selected=chosen == _OK,
                ),
                ChoiceLine(
                    value=_WRONG,
                    text=t("wrong"),
                    icon="alert-circle",
                    tone=Tone.DANGER,
                    is_selected=chosen == _WRONG,
                ),
            ),
        )

    def _hazard(self, item: CheckItem, sheet: Sheet, answers: Answers) -> list[Block]:
        t, severity = self._parts.context.words, sheet.severity_of(item)
        tones = {1: Tone.DANGER, 2: Tone.WARN, 3: Tone.INFO}
        return [
            ChoiceBlock(
                key=f"severity:{item}",
                title=t("Hazard: {item}").format(item=item_text(t, item)),
                columns=3,
                lines=tuple(
                    ChoiceLine(
                        value=str(each),
                        text=severity_text(t, each),
                        icon=SEVERITY_ICONS[each],
                        tone=tones[each],
                        is_selected=each == severity,
                    )
                    for each in (1, 2, 3)
                ),
            ),
            NoteBlock(
                key=f"note:{item}", label=t("What is wrong?"), text=answers.get(f"note:{item}")
            ),
        ]

    def _notice(self, sheet: Sheet, answers: Answers, data: HomeData) -> list[Block]:
        t, context = self._parts.context.words, self._parts.context
        hazards = hazards_of(sheet, context.clock.now_utc())
        if not hazards:
            return []
        blocks: list[Block] = []
        due = [hazard.due_at_utc for hazard in hazards if hazard.due_at_utc is not None]
        until = (
            t("To be removed until {date}").format(date=date_text(t, min(due), context.zone))
            if due
            else ""
        )
        photos = t("Photos: {count}").format(count=data.photo_count)
        error = self._photo_trouble or data.kept.get("photo_error", "")
        row = RowLine(
            key="notice-row",
            title=t("Hazards in the notice: {count}").format(count=len(hazards)),
            detail="  ·  ".join(each for each in (until, photos, error) if each),
            icon="file-document",
            tone=Tone.WARN,
            actions=(RowAction(key="photo", text=t("Photo"), icon="camera"),),
        )
        chosen = answers.get(NOTICE)
        signing = RowAction(key="sign", text=t("Sign here"), icon="pencil", kind="primary")
        unsigned = t("Signature of the household")
        if answers.get(SIGNATURE):
            unsigned = t("The hazards have changed: sign again")
        signature = RowLine(
            key="signature",
            title=t("Signed") if sheet.signature_sha256 else unsigned,
            icon="check-circle" if sheet.signature_sha256 else "pencil",
            tone=Tone.OK if sheet.signature_sha256 else Tone.PLAIN,
            actions=() if sheet.signature_sha256 else (signing,),
        )
        lines = (row, signature) if chosen != str(NoticeOutcome.REFUSED) else (row,)
        blocks.append(RowsBlock(key="notice-rows", title="", lines=lines))
        blocks.append(self._refused(chosen))
        return blocks

    def _refused(self, chosen: str) -> Block:
        t = self._parts.context.words
        return ChoiceBlock(
            key=NOTICE,
            title="",
            columns=1,
            lines=(
                ChoiceLine(
                    value=str(NoticeOutcome.REFUSED),
                    text=t("The household refuses to sign"),
                    note=t("the notice stays there all the same"),
                    icon="cancel",
                    tone=Tone.WARN,
                    is_selected=chosen == str(NoticeOutcome.REFUSED),
                ),
            ),
        )


def _grave(sheet: Sheet) -> tuple[CheckItem, ...]:
    """Return what endangers people in the home."""
    return tuple(item for item in sheet.hazardous() if sheet.severity_of(item) == 1)


def _call_wanted(data: HomeData, sheet: Sheet) -> bool:
    """Return whether a danger that has its words is not told yet."""
    grave = _grave(sheet)
    is_worded = all(sheet.notes.get(item, "").strip() for item in grave)
    return bool(grave) and is_worded and order_standing(data.asked, grave, data.now_ms) is None
