"""The sheet of a visit that ends without a finding: why, what was left, when next, who goes on."""

from typing_extensions import override

from field_app.forms.finding import is_gas_present
from field_app.forms.numbers import shown_number, worst_lel_pct
from field_app.orders.entry_gate import is_air_bad
from field_app.orders.safety_steps import LEL_STOP_PCT
from field_app.orders.seen_order_store import OrderGoneError
from field_app.orders.site_sheet import SiteSheet
from field_app.orders.work_record import EARLIER_GAS
from field_app.presenters.form_tools import order_evidence
from field_app.presenters.next_visit import (
    appointment_blocks,
    appointment_ms,
    appointment_refusal,
)
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoteBlock,
    NoticeBlock,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
)
from field_app.presenters.site_page import SitePage
from field_app.presenters.site_words import END_ICONS, air_text, reason_of_end_text, step_text
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.quantities import Quantity
from wire_contracts.site_facts import VisitEnd, VisitEndReason
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

_NO_ACCESS = (
    VisitEndReason.NOBODY_HOME,
    VisitEndReason.REFUSED,
    VisitEndReason.LOCKED,
    VisitEndReason.DANGEROUS,
)
_CANNOT = (
    VisitEndReason.PARTS_MISSING,
    VisitEndReason.OTHER_TRADE,
    VisitEndReason.NEEDS_SHUTDOWN,
    VisitEndReason.DANGEROUS,
    VisitEndReason.WEATHER,
)


class LeavePage(SitePage):
    """Why the crew leaves; `event` says how: no access, cannot finish, or handed over."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str, how: str) -> None:
        """Leave the order `order_id`; `how` is an event of the life cycle, or `handover`."""
        super().__init__(tablet, context, order_id, "leave")
        self._how = how
        self._told_lel_pct: float | None = None
        self._finding_lel_pct: float | None = None

    @override
    def read(self) -> SiteSheet | None:
        """Return the order's work; what the finding and checklists tell of gas is read with it."""
        sheet = super().read()
        if sheet is not None:
            self._told_lel_pct = self._gas_told(sheet)
        return sheet

    def _gas_told(self, sheet: SiteSheet) -> float | None:
        """Return the most gas that is told beside the record of the work, % LEL."""
        finding = self._tablet.desk.finding(self._order_id).answers
        self._finding_lel_pct = worst_lel_pct(finding.measured.get(Quantity.GAS_LEL_PCT, ""))
        told = (
            self._finding_lel_pct,
            order_evidence(self._tablet, sheet, self.t).forms_lel_pct,
        )
        return max((each for each in told if each is not None), default=None)

    def view(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self.t
        if self._how == "handover":
            return self._handover(data, answers)
        is_no_access = self._how == WorkOrderEvent.NO_ACCESS
        blocks: list[Block] = [*self._gas(data), self._reasons(data, answers)]
        if is_no_access:
            blocks.append(
                NoteBlock(
                    key="notice",
                    label=t("Number of the notice at the door"),
                    text=answers.get("notice"),
                    hint=t("As printed on the notice"),
                )
            )
        blocks += [
            *appointment_blocks(t, answers, data.now_ms, self._context.zone),
            NoteBlock(
                key="note",
                label=t("Note"),
                text=answers.get("note"),
                hint=t("What the office should know"),
                is_long=True,
            ),
        ]
        return SheetView(
            title=t("Nobody lets us in") if is_no_access else t("Cannot finish"),
            subtitle=self._subtitle(data),
            blocks=tuple(blocks),
            primary=SheetButton(
                key="leave",
                text=t("End the visit"),
                icon="door-closed-lock" if is_no_access else "pause",
                kind="danger",
                refusal=self._refusal(data, answers),
                needs_again=True,
            ),
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """End the visit, or hand the order over."""
        del key
        actor = self._tablet.identity.actor if self._tablet.identity else ""
        sheet = self.read()
        if sheet is None:
            return Tapped(message=self.t("This order is not on this tablet any more."))
        refusal = self._refusal(sheet, answers)
        if self._how != "handover" and refusal:
            return Tapped(message=refusal)
        told = self._told_lel_pct
        if is_gas_present(told) and told is not None and told > (sheet.record.lel_pct or 0.0):
            self._tablet.site.keep(self._order_id, "", {EARLIER_GAS: repr(told)})
        try:
            if self._how == "handover":
                self._tablet.site.hand_over(self._order_id, answers.get("note"), self._name(actor))
            else:
                event, end = WorkOrderEvent(self._how), self._end(sheet, answers)
                self._tablet.site.leave(self._order_id, event, end, self._name(actor))
        except (RefusedTransition, OrderGoneError):
            return Tapped(message=self.t("The order has moved on meanwhile."))
        return Tapped(is_done=True)

    def _end(self, data: SiteSheet, answers: Answers) -> VisitEnd:
        """Return what is told: only what the page offers and shows as chosen."""
        is_no_access = self._how == WorkOrderEvent.NO_ACCESS
        return VisitEnd(
            reason=VisitEndReason(answers.get("reason")),
            note=answers.get("note").strip(),
            notice=answers.get("notice").strip() if is_no_access else "",
            appointment_ms=appointment_ms(answers, data.now_ms, self._context.zone),
        )

    def _gas(self, data: SiteSheet) -> list[Block]:
        """Return that there was gas: nobody leaves over it as if it were the weather."""
        bad = [gas for _at_ms, gas in data.record.gas if is_air_bad(gas)]
        text = self.t("{values} in the air: say in the note where it was")
        words = text.format(values=air_text(bad[-1] if bad else None))
        notice = NoticeBlock(key="air", text=words, tone=Tone.DANGER, icon="alert-circle")
        air: list[Block] = [notice] if bad else []
        lel_pct = max(data.record.lel_pct or 0.0, self._told_lel_pct or 0.0)
        if not is_gas_present(lel_pct):
            return air
        text = self.t(
            "{lel} % LEL was measured here: it is handed over. "
            "While gas is there keep people away and call the control room before you leave."
        ).format(lel=shown_number(lel_pct))
        return [NoticeBlock(key="gas", text=text, tone=Tone.DANGER, icon="alert-circle"), *air]

    def _offered(self, data: SiteSheet) -> tuple[VisitEndReason, ...]:
        """Return the reasons; over gas that may burn and still stands there is one alone."""
        standing = (
            data.record.standing_lel_pct,
            self._finding_lel_pct,
            None if data.record.is_air_proven else self._told_lel_pct,
        )
        if any(each is not None and each >= LEL_STOP_PCT for each in standing):
            return (VisitEndReason.DANGEROUS,)
        return _NO_ACCESS if self._how == WorkOrderEvent.NO_ACCESS else _CANNOT

    def _reasons(self, data: SiteSheet, answers: Answers) -> ChoiceBlock:
        offered = self._offered(data)
        is_gas = offered == (VisitEndReason.DANGEROUS,)
        return ChoiceBlock(
            key="reason",
            title=self.t("Why?"),
            lines=tuple(
                ChoiceLine(
                    value=str(each),
                    text=reason_of_end_text(self.t, each),
                    note=self.t("Over this gas there is no other reason.") if is_gas else "",
                    icon=END_ICONS[each],
                    tone=Tone.DANGER if is_gas else Tone.INFO,
                    is_selected=answers.get("reason") == each,
                )
                for each in offered
            ),
        )

    def _refusal(self, data: SiteSheet, answers: Answers) -> str:
        t = self.t
        if answers.get("reason") not in self._offered(data):
            return t("Say why first.")
        is_notice_due = (
            self._how == WorkOrderEvent.NO_ACCESS
            and answers.get("reason") != VisitEndReason.DANGEROUS
        )
        if is_notice_due and not answers.get("notice").strip():
            return t("Leave a notice and enter its number.")
        if lacking := appointment_refusal(t, answers, data.now_ms, self._context.zone):
            return lacking
        open_valves = [each for each in data.record.valves if not each.may_reopen]
        if open_valves:
            return t("Valve {valve} is closed and nobody is named who may open it").format(
                valve=open_valves[0].valve_id
            )
        return ""

    def _handover(self, data: SiteSheet, answers: Answers) -> SheetView:
        t = self.t
        refusal = ""
        if data.document.state is not WorkOrderState.WORKING:
            refusal = t("Only work that has begun can be handed over.")
        elif not answers.get("note").strip():
            refusal = t("Write what the next crew must know.")
        return SheetView(
            title=t("Hand over to the next crew"),
            subtitle=self._subtitle(data),
            blocks=(
                *self._gas(data),
                NoticeBlock(
                    key="what",
                    text=t("The next crew gets the steps, the closed valves and your note."),
                    tone=Tone.INFO,
                    icon="swap-horizontal",
                ),
                self._steps_done(data),
                self._valves_closed(data),
                NoteBlock(
                    key="note",
                    label=t("What must the next crew know?"),
                    text=answers.get("note"),
                    hint=t("What is open, where the key is, who waits"),
                    is_long=True,
                ),
            ),
            primary=SheetButton(
                key="leave",
                text=t("Hand over"),
                icon="swap-horizontal",
                refusal=refusal,
                needs_again=True,
            ),
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def _steps_done(self, data: SiteSheet) -> RowsBlock:
        t = self.t
        return RowsBlock(
            key="steps",
            title=t("Done so far"),
            lines=tuple(
                RowLine(
                    key=str(each.step),
                    title=step_text(t, each.step, data.document.medium),
                    detail=f"{self._name(each.by)}  ·  {self._time(each.at_ms)}",
                    icon="check-circle",
                    tone=Tone.OK,
                )
                for each in data.record.steps
            ),
            empty_text=t("No step was taken yet."),
        )

    def _valves_closed(self, data: SiteSheet) -> RowsBlock:
        t = self.t
        return RowsBlock(
            key="valves",
            title=t("Valves that stay closed"),
            lines=tuple(
                RowLine(
                    key=each.valve_id,
                    title=each.valve_id,
                    detail=each.may_reopen,
                    icon="valve-closed",
                    tone=Tone.WARN,
                )
                for each in data.record.valves
            ),
            empty_text=t("No valve is closed."),
        )
