"""HomePage: one home: twelve items in five taps, hazards, the notice, the next home."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from field_app.checklists.form_sheet import FormSubject
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
from field_app.patrols.home_facts import items_called
from field_app.patrols.home_sheet import (
    NOTICE,
    SIGNATURE,
    SIGNED_FOR,
    Dangers,
    answers_of_visit,
    grave_in_forms,
    noted_in_forms,
    sheet_of,
    signed_for,
    with_taken_back,
)
from field_app.patrols.inspection_book import home_draft
from field_app.patrols.left_places import PLACE
from field_app.patrols.noted import WRONG
from field_app.patrols.values import is_explosive
from field_app.photos.album import Beside
from field_app.photos.glass_io import Glass
from field_app.photos.photo_files_io import NoVaultError
from field_app.photos.pictures_io import PictureError
from field_app.presenters.form_tools import FORM_TOOL
from field_app.presenters.home_blocks import HomeBlocks, HomeData, call_wanted
from field_app.presenters.round_forms import FormsSeen, form_refusal, form_rows, forms_of
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import (
    door_text,
    home_state_text,
    lack_text,
    seen_text,
)
from field_app.presenters.rounds import OPEN_STATES
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    SheetButton,
    SheetView,
)
from field_app.presenters.wording import no_room_text
from field_app.store.database_io import StoreFullError
from field_app.store.ids_io import draw_uuid7
from field_app.store.round_records import record_of
from wire_contracts.blobs import BlobRole
from wire_contracts.home_checks import (
    HOUSEHOLD_ENTITY,
    HouseholdState,
    NoticeOutcome,
)

ONE_VISIT: Final = timedelta(hours=12)
"""A home is visited again after weeks: a form of the last shift belongs to this visit."""

_CALL: Final = "call"


class HomePage:
    """One home; `SheetPresenter` shows it.

    `leads_to` is the page after it, empty for none; `place_text` its address, once it was read;
    `is_read_again`: what was kept last has changed another answer.
    """

    is_of_round = True

    def __init__(self, parts: RoundParts, household_id: str) -> None:
        """Show the check of a home."""
        self._parts = parts
        self._household_id = household_id
        self._draft = home_draft(household_id)
        opened_at_utc = parts.context.clock.now_utc()
        self._opened_s = opened_at_utc.timestamp()
        self._visit_id = draw_uuid7(opened_at_utc)
        self._photo_trouble = ""
        self._blocks = HomeBlocks(parts)
        self.leads_to = ""
        self.place_text = self._whole_place = ""
        self.is_read_again = False

    def read(self) -> HomeData | None:
        """Return the home with its answers, None when the tablet knows it no more."""
        self.is_read_again = False
        home = self._parts.desk.home(self._household_id)
        if home is None:
            return None
        household = home.household
        self.place_text = household.address
        whole = (household.address, household.building, household.room, household.device_serial)
        self._whole_place = " · ".join(each for each in whole if each)
        now = self._parts.site.moment()
        author, everyones = self._parts.desk.everyones(self._draft)
        inside_n = self._parts.desk.inside_n(self._household_id)
        begun = self._parts.forms.begun_by_anybody(self.subject, inside_n)
        finished = self._parts.desk.finished_in_home(self._household_id)
        in_forms = [*begun, *finished.standing]
        answers = answers_of_visit([*everyones, *noted_in_forms(in_forms)], author, now)
        told = self._parts.desk.told_of_home(self._household_id)
        photos = self._parts.photos.count(record_of(self._household_id))
        forms = self._forms()
        return HomeData(
            home=home,
            answers=answers,
            told=told | grave_in_forms([*in_forms, *finished.former]),
            kept={**home_answers(forms.done), **answers.typed},
            photo_count=photos.total,
            forms=forms,
            asked=self._parts.desk.orders_of_home(self._household_id),
            now=now,
            unheard=self._parts.desk.unheard(),
        )

    def _forms(self) -> FormsSeen:
        within_ms = ONE_VISIT // timedelta(milliseconds=1)
        return forms_of(self._parts.forms, self.subject, (), within_ms=within_ms)

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

    def _seen(self, typed: Mapping[str, str], data: HomeData) -> Seen:
        """Return what was seen today: what was noted before opens no door."""
        today = {
            name: text for name, text in typed.items() if data.answers.earlier.get(name) != text
        }
        is_hazard = is_explosive(data.forms.lel_pct) or self._has_just_told(data)
        return Seen.HAZARD if is_hazard else seen_inside(sheet_of(today))

    def _has_just_told(self, data: HomeData) -> bool:
        """Return whether this tablet told a hazard of the home in this very shift."""
        at = data.home.visited_at
        shift_ms = ONE_VISIT // timedelta(milliseconds=1)
        is_of_now = at is not None and data.now.surely_ms(at) < shift_ms
        return is_of_now and data.home.household.state is HouseholdState.HAZARD

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
        """Keep answers at once; with a hazard also where it is, the home may leave the tablet."""
        also = {PLACE: self._whole_place} if WRONG in answers.values() else {}
        if self._is_refused_no_more(answers):
            also[NOTICE] = ""
            self.is_read_again = True
        self._parts.desk.save_answers(self._draft, {**answers, **also})
        return None

    def _is_refused_no_more(self, answers: Mapping[str, str]) -> bool:
        """Return whether a hazard comes in that the household has not refused to sign for."""
        kept = {name: str(each) for name, each in self._parts.desk.answers(self._draft).items()}
        if kept.get(NOTICE) != NoticeOutcome.REFUSED or NOTICE in answers:
            return False
        was, now = (signed_for(sheet_of(each)).split() for each in (kept, {**kept, **answers}))
        return not set(now) <= set(was)

    def _sheet(self, data: HomeData, typed: Mapping[str, str]) -> Sheet:
        """Return the answers as the twelve items, with the dangers that were taken back."""
        dangers = data.answers.grave | items_called(data.asked)
        known = Dangers(before=dangers, told=data.told)
        return with_taken_back(sheet_of(typed), known, typed)

    # --- taps

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Take a photo, or keep the visit; the next home of the list comes after it."""
        if key == "photo":
            self._parts.hardware.camera.take_photo(self._photographed)
            return Tapped()
        if key.startswith(FORM_TOOL) or key == "sign":
            self._parts.desk.save_answers(self._draft, {PLACE: self._whole_place})
            return Tapped(opens=f"sign:{self._household_id}" if key == "sign" else key)
        data = self.read()
        if data is None:
            gone = self._parts.context.words("This place is not on this tablet any more.")
            return Tapped(message=gone, is_done=True)
        answers = replace(answers, typed={**data.kept, **answers.typed})  # no danger by a quick tap
        if key == _CALL:
            sheet = self._told_sheet(sheet_of(answers.typed))
            if call_wanted(data, sheet):
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
        seen = self._seen(answers.typed, data)
        refusal = seen_text(self._parts.context.words, seen)
        if not refusal:
            self._parts.desk.no_access(self._household_id, self._visit_id)
        return refusal

    def _end_visit(self, data: HomeData, answers: Answers) -> str:
        """Keep the whole visit; return why not, empty when it is kept."""
        sheet = self._sheet(data, answers.typed)
        refusal = self._refusal(sheet, data.forms)
        if not refusal:
            now_s = self._parts.context.clock.now_utc().timestamp()
            seconds = now_s - self._opened_s
            told = self._told_sheet(sheet)
            self._parts.desk.finish_home(self._household_id, self._visit_id, told, seconds)
        return refusal

    def _told_sheet(self, sheet: Sheet) -> Sheet:
        """Return the sheet as it is told: words of grave hazards say whether the gas is off."""
        t = self._parts.context.words
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
        sheet = self._sheet(data, answers.typed)
        draw = self._blocks
        state, _, _ = home_state_text(t, household.state, household.no_access_count)
        return SheetView(
            title=door_text(t, household.building, household.room),
            subtitle="  ·  ".join(
                each for each in (household.community, household.device_serial or "", state) if each
            ),
            blocks=(
                *draw.unheard(data, sheet),
                *draw.gas(data.forms),
                *draw.shut_off(data, sheet),
                *draw.before(household.hazards),
                *draw.noted(data.answers.noted),
                *draw.taken_back(sheet, answers),
                *(form_rows(t, data.forms) if data.forms.comes_first() else ()),
                *(
                    block
                    for key, items in GROUPS
                    for block in draw.group(key, items, answers, sheet)
                ),
                *draw.notice(sheet, answers, data, self._photo_trouble),
                *(() if data.forms.comes_first() else form_rows(t, data.forms)),
            ),
            primary=self._primary(data, sheet),
            secondary=SheetButton(
                key="nobody",
                text=t("Nobody opens"),
                icon="door-closed-lock",
                kind="ghost",
                needs_again=self._seen(answers.typed, data) is Seen.NOTHING,
            ),
            message=answers.message,
        )

    def _primary(self, data: HomeData, sheet: Sheet) -> SheetButton:
        """Return the big button: danger calls a crew before anything else is asked."""
        t = self._parts.context.words
        if call_wanted(data, sheet):
            return SheetButton(
                key=_CALL, text=t("Order a crew now"), icon="alarm-light", kind="danger"
            )
        return SheetButton(
            key="done",
            text=t("Finish, next home") if sheet.hazardous() else t("Passed, next home"),
            icon="check-bold",
            refusal=self._refusal(sheet, data.forms),
        )
