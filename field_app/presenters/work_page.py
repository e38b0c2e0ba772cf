"""The sheet of the work itself: the steps in the order that safety demands, one after the other."""

from collections.abc import Mapping
from typing import Final

from typing_extensions import override

from field_app.forms.numbers import shown_number
from field_app.orders.gas_since_air import STANDS_ON, gas_since_air
from field_app.orders.safety_steps import (
    TYPED_AT,
    StepPlan,
    is_of_air,
    is_unsafe,
    next_step,
    troubles_of,
)
from field_app.orders.site_desk import StepRefusedError
from field_app.orders.site_sheet import SiteSheet
from field_app.orders.step_book import Again
from field_app.orders.step_timer import timer_key
from field_app.presenters.order_tools import cancelled_text
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    NoticeBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
    StepLine,
    StepsBlock,
    StepStanding,
    VerdictBlock,
)
from field_app.presenters.site_page import SitePage
from field_app.presenters.site_words import again_text, step_advice, step_text
from field_app.presenters.step_questions import CLOCK, StepQuestions
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from wire_contracts.site_facts import SafetyStep
from wire_contracts.work_order_states import WorkOrderState

_UNSAFE: Final = "unsafe:"
"""Keys of buttons that keep values with which a step is not safe are this and the step."""

_VALVES: Final = "valves"
"""The page of the order on which closed valves are listed."""


class WorkPage(SitePage):
    """Steps: each needs its value, none is taken out of turn."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """Work on the order `order_id`."""
        super().__init__(tablet, context, order_id, "")
        self.is_read_again = False

    @override
    def read(self) -> SiteSheet | None:
        """Return the order's work as it stands."""
        self.is_read_again = False
        return super().read()

    @override
    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep answers; of what was measured in the air also when it was typed."""
        now = self._tablet.site.moment().text
        times = {f"{key}{TYPED_AT}": now for key in answers if is_of_air(key)}
        watched = f"{SafetyStep.REMEASURE}."
        self.is_read_again = any(key.startswith(watched) for key in answers)  # its clock may end
        return super().keep({**answers, **times})

    def view(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self.t
        plan = next_step(data.plans, data.record.done)
        if data.document.state is WorkOrderState.CANCELLED:
            return self._cancelled(data, answers)
        blocks: list[Block] = [StepsBlock(key="steps", lines=self._lines(data, plan))]
        if plan is None:
            blocks.append(
                VerdictBlock(
                    key="all-done",
                    title=t("Every step is done"),
                    text=t("Now record what was found."),
                    tone=Tone.OK,
                    icon="shield-check",
                )
            )
        else:
            blocks += again_notice(t, data.record.again.get(plan.step))
            blocks += self._gas_elsewhere(data, plan)
            blocks += self._questions(data, plan, answers).blocks()
        return SheetView(
            title=t("Work, step by step"),
            subtitle=self._subtitle(data),
            blocks=tuple(blocks),
            primary=self._primary(data, plan, answers),
            secondary=SheetButton(
                key="finding", text=t("Record finding"), icon="clipboard-check", kind="ghost"
            )
            if plan is not None
            else None,
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def _cancelled(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet of an order that the office has cancelled: no step is taken any more."""
        t = self.t
        verdict = VerdictBlock(
            key="cancelled",
            title=t("Cancelled by the office"),
            text=cancelled_text(data, t) or t("Leave the place safe."),
            tone=Tone.DANGER,
            icon="alert-circle",
        )
        return SheetView(
            title=t("Work, step by step"),
            subtitle=self._subtitle(data),
            blocks=(verdict, StepsBlock(key="steps", lines=self._lines(data, None))),
            primary=SheetButton(key=_VALVES, text=t("Valves"), icon="valve")
            if data.record.valves
            else None,
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Take a step, take one back, or go to the finding."""
        if key in {"finding", _VALVES}:
            return Tapped(opens=key)
        data = self.read()
        if data is not None and data.document.state is WorkOrderState.CANCELLED:
            return Tapped(message=self.t("Cancelled by the office"))
        if key.startswith(CLOCK):
            if data is not None:
                self.keep({timer_key(SafetyStep(key.removeprefix(CLOCK))): data.moment.text})
            return Tapped()
        if key.startswith(_UNSAFE):
            return self._keep_unsafe(SafetyStep(key.removeprefix(_UNSAFE)))
        if key.startswith("undo:"):
            self._tablet.site.undo_step(self._order_id, SafetyStep(key.removeprefix("undo:")))
            return Tapped()
        return self._take(SafetyStep(key), answers)

    def _take(self, step: SafetyStep, answers: Answers) -> Tapped:
        data = self.read()
        if data is not None and _lacks_valve(data, step, {"how": answers.get(f"{step}.how")}):
            return Tapped(message=self.t("Put the valve that you closed on the list first."))
        try:
            self._tablet.site.do_step(self._order_id, step)
        except StepRefusedError:
            return Tapped(message=self.t("This step cannot be taken now: look at its values."))
        return Tapped()

    def _keep_unsafe(self, step: SafetyStep) -> Tapped:
        try:
            self._tablet.site.keep_unsafe(self._order_id, step)
        except StepRefusedError:
            return Tapped(message=self.t("This step cannot be taken now: look at its values."))
        return Tapped(message=self.t("Kept as not safe. Make it safe, then measure again."))

    def _lines(self, data: SiteSheet, plan: StepPlan | None) -> tuple[StepLine, ...]:
        medium = data.document.medium
        done = {each.step: each for each in data.record.steps}
        last = max(
            (number for number, one in enumerate(data.plans) if one.step in done), default=-1
        )
        lines: list[StepLine] = []
        for number, one in enumerate(data.plans):
            here = done.get(one.step)
            detail = ""
            if here is not None:
                detail = f"{self._name(here.by)}  ·  {self._time(here.at_ms)}"
            elif plan is not None and one.step is plan.step:
                detail = step_advice(self.t, one.step, medium)
            standing = StepStanding.DONE if here is not None else StepStanding.LATER
            if plan is not None and one.step is plan.step:
                standing = StepStanding.NOW
            lines.append(
                StepLine(
                    key=str(one.step),
                    number=str(number + 1),
                    title=step_text(self.t, one.step, medium),
                    detail=detail,
                    standing=standing,
                    undo_text=self.t("Undo") if number == last else "",
                )
            )
        return tuple(lines)

    def _questions(self, data: SiteSheet, plan: StepPlan, answers: Answers) -> StepQuestions:
        return StepQuestions(t=self.t, time=self._time, data=data, plan=plan, answers=answers)

    def _primary(self, data: SiteSheet, plan: StepPlan | None, answers: Answers) -> SheetButton:
        t = self.t
        if plan is None:
            return SheetButton(key="finding", text=t("Record finding"), icon="clipboard-check")
        name = step_text(t, plan.step, data.document.medium)
        questions = self._questions(data, plan, answers)
        values = questions.values()
        if is_unsafe(plan, values):
            return SheetButton(
                key=f"{_UNSAFE}{plan.step}",
                text=t("Keep: not safe"),
                icon="alert-octagon",
                kind="danger",
            )
        if _lacks_valve(data, plan.step, values):
            return SheetButton(
                key=_VALVES, text=t("Which valve? Put it on the list"), icon="valve-closed"
            )
        left = {**troubles_of(plan, values), **questions.old()}
        return SheetButton(
            key=str(plan.step),
            text=t("Done: {step}").format(step=name),
            icon="check-bold",
            refusal=questions.refusal(left),
            needs_again=gas_since_air(data, plan.step) is not None,
        )

    def _gas_elsewhere(self, data: SiteSheet, plan: StepPlan) -> list[Block]:
        """Return gas that a finding or a checklist tells of after the air was measured last."""
        newer = gas_since_air(data, plan.step)
        if newer is None:
            return []
        line = RowLine(
            key="gas",
            title=self.t(
                "{value} % LEL stands in the finding or a checklist since {time}, after the air "
                "was measured. Is it there now, or was it found at first?"
            ).format(value=shown_number(newer.lel_pct), time=self._time(newer.at_ms)),
            icon="alert-octagon",
            tone=Tone.DANGER,
            actions=(
                RowAction(
                    key=f"undo:{STANDS_ON[plan.step].falls}",
                    text=self.t("It is there now"),
                    icon="alert-octagon",
                    kind="danger",
                ),
            ),
        )
        return [RowsBlock(key="gas", title="", lines=(line,))]


def again_notice(t: Words, why: Again | None) -> list[Block]:
    """Return why a step that was done is asked again, nothing where it was not done."""
    if why is None:
        return []
    text = again_text(t, why)
    return [NoticeBlock(key="again", text=text, tone=Tone.DANGER, icon="alert-octagon")]


def _lacks_valve(data: SiteSheet, step: SafetyStep, values: Mapping[str, str]) -> bool:
    """Return whether a valve was closed that nobody finds: the list names none."""
    is_closed = step is SafetyStep.ISOLATE and values.get("how") == "valve_closed"
    return is_closed and not data.record.valves
