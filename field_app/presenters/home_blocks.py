"""Draws the parts of a home's page: what was noted, the groups, hazards, the notice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from field_app.orders.moments import TimerMoment
from field_app.patrols.form_answers import OK as _OK
from field_app.patrols.home_check import (
    Sheet,
    hazards_of,
)
from field_app.patrols.home_facts import UNHEARD, AskedOrder, Unheard, order_standing
from field_app.patrols.home_sheet import (
    GAS_OFF,
    NO,
    NOTICE,
    SIGNATURE,
    WHY,
    YES,
    HomeAnswers,
    NotedHazard,
    found_wrong,
)
from field_app.patrols.inspection_store import SeenHome
from field_app.patrols.noted import WRONG as _WRONG
from field_app.patrols.values import is_explosive
from field_app.presenters.dates import date_text, time_text
from field_app.presenters.round_forms import FormsSeen
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import (
    SEVERITY_ICONS,
    item_text,
    severity_text,
    unheard_text,
)
from field_app.presenters.sheet import Answers
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoteBlock,
    NoticeBlock,
    RowAction,
    RowLine,
    RowsBlock,
    VerdictBlock,
)
from field_app.presenters.views import Tone
from field_app.store.record_states import OpStatus
from wire_contracts.home_checks import (
    CheckItem,
    Hazard,
    NoticeOutcome,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeData:
    """What was read for the page; `told` are the dangers that anybody told since the last visit."""

    home: SeenHome
    answers: HomeAnswers
    kept: Mapping[str, str]
    photo_count: int
    forms: FormsSeen
    asked: Sequence[AskedOrder]
    now: TimerMoment
    told: frozenset[CheckItem] = frozenset()
    unheard: Unheard = Unheard.NONE


def grave_of(sheet: Sheet) -> tuple[CheckItem, ...]:
    """Return what endangers people in the home."""
    return tuple(item for item in sheet.hazardous() if sheet.severity_of(item) == 1)


def call_wanted(data: HomeData, sheet: Sheet) -> bool:
    """Return whether a danger that has its words is not told yet."""
    grave = grave_of(sheet)
    is_worded = all(sheet.notes.get(item, "").strip() for item in grave)
    return bool(grave) and is_worded and order_standing(data.asked, grave, data.now) is None


class HomeBlocks:
    """The blocks of one home's page, in the reader's language."""

    def __init__(self, parts: RoundParts) -> None:
        """Draw with the words and names of `parts`."""
        self._parts = parts

    def shut_off(self, data: HomeData, sheet: Sheet) -> list[Block]:
        """Return the red card of a grave hazard, before everything else on the page."""
        t, grave = self._parts.context.words, grave_of(sheet)
        if not grave:
            return []
        asked = order_standing(data.asked, grave, data.now)
        text = t("Say what is wrong, then order a crew. Leave only when it is shut off.")
        if data.asked and data.asked[-1].status is OpStatus.REFUSED:
            text = t("Order not received: the office does not know. Call the control room now.")
        elif asked is not None and asked.status in UNHEARD:
            text = t("Order made, not sent yet: call the control room now.")
        elif asked is not None:
            text = t("Order made; the office has it.")
        if asked is not None and sheet.is_gas_off is False:
            still = t("The gas still flows: tell the control room by telephone.")
            text = f"{text} {still}"
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
            is_kept=True,
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

    def unheard(self, data: HomeData, sheet: Sheet) -> list[Block]:
        """Return that the office lacks an order over another place; this one's has its card."""
        text = unheard_text(self._parts.context.words, data.unheard)
        if not text or grave_of(sheet):
            return []
        return [NoticeBlock(key="unheard", text=text, tone=Tone.DANGER, icon="phone-alert")]

    def gas(self, forms: FormsSeen) -> list[Block]:
        """Return what to do where a form tells of much gas; nothing otherwise."""
        t = self._parts.context.words
        if not is_explosive(forms.lel_pct):
            return []
        text = t("No flame, no switch, no phone here. Record a defect of severity 1.")
        title, icon = t("Get out, keep others away"), "alert-octagon"
        return [VerdictBlock(key="danger", title=title, text=text, tone=Tone.DANGER, icon=icon)]

    def before(self, hazards: Sequence[Hazard]) -> list[Block]:
        """Return what was found the last time."""
        t = self._parts.context.words
        if not hazards:
            return []
        names = ", ".join(item_text(t, hazard.item) for hazard in hazards)
        text = t("Found last time: {items}").format(items=names)
        return [NoticeBlock(key="before", text=text, tone=Tone.WARN, icon="history")]

    def noted(self, noted: Sequence[NotedHazard]) -> list[Block]:
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

    def taken_back(self, sheet: Sheet, answers: Answers) -> list[Block]:
        """Return the questions why what was noted as a danger is none: nothing goes in silence."""
        t = self._parts.context.words
        return [
            NoteBlock(
                key=f"{WHY}{item}",
                label=t("{item}: why is it no danger any more?").format(item=item_text(t, item)),
                text=answers.get(f"{WHY}{item}"),
            )
            for item in sheet.taken_back
        ]

    def group(
        self, key: str, items: tuple[CheckItem, ...], answers: Answers, sheet: Sheet
    ) -> list[Block]:
        """Return the question of a group, with its items where one of them is wrong.

        How bad a hazard is, and its words, stand right below the tap that said so.
        """
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
            hazards = [each for item in items for each in self._hazard_of(item, sheet, answers)]
            return [block, *hazards]
        lines: list[Block] = [block]
        for item in items:
            lines += [self._item(item, answers), *self._hazard_of(item, sheet, answers)]
        return lines

    def _hazard_of(self, item: CheckItem, sheet: Sheet, answers: Answers) -> list[Block]:
        return self._hazard(item, sheet, answers) if item in sheet.hazardous() else []

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
        """Return how bad a hazard is, and its words."""
        t, severity = self._parts.context.words, sheet.severity_of(item)
        tones = {1: Tone.DANGER, 2: Tone.WARN, 3: Tone.INFO}
        return [
            ChoiceBlock(
                key=f"severity:{item}",
                title=t("Hazard: {item}").format(item=item_text(t, item)),
                columns=3,
                is_kept=True,
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

    def notice(self, sheet: Sheet, answers: Answers, data: HomeData, trouble: str) -> list[Block]:
        """Return the notice of the hazards, its signature, and `trouble` with the photo."""
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
        error = trouble or data.kept.get("photo_error", "")
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
