"""The sheet of the work itself: the steps in the order that safety demands, one after the other."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from typing_extensions import override

from field_app.forms.numbers import shown_number
from field_app.orders.safety_steps import (
    LEL_SAFE_PCT,
    LEL_STOP_PCT,
    TYPED_AT,
    FieldKind,
    StepField,
    StepPlan,
    Trouble,
    is_gas_beyond,
    is_of_air,
    is_unsafe,
    next_step,
    old_values,
    trouble_of,
    troubles_of,
)
from field_app.orders.site_desk import StepRefusedError
from field_app.orders.site_sheet import GasTold, SiteSheet
from field_app.orders.step_book import Again
from field_app.orders.step_timer import timer_at, timer_key, with_clock
from field_app.presenters.order_tools import cancelled_text
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoticeBlock,
    NumberBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
    StepLine,
    StepsBlock,
    StepStanding,
    TextBlock,
    TimerBlock,
    VerdictBlock,
)
from field_app.presenters.site_page import SitePage
from field_app.presenters.site_words import (
    OPTION_ICONS,
    again_text,
    field_text,
    option_text,
    step_advice,
    step_text,
    trouble_text,
)
from field_app.presenters.views import Tone
from field_app.presenters.watch import clock_text
from field_app.tablet import Tablet
from wire_contracts.site_facts import SafetyStep
from wire_contracts.work_order_states import WorkOrderState

_CLOCK: Final = "timer:"
"""Keys of buttons that start the clock of a step are this and the step."""

_UNSAFE: Final = "unsafe:"
"""Keys of buttons that keep values with which a step is not safe are this and the step."""

_VALVES: Final = "valves"
"""The page of the order on which closed valves are listed."""

_IN_USE: Final = frozenset({"relit", "reopened"})
"""What says that something runs again."""

_MINUTE_KEYS: Final = ("5", "10", "20")


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
            blocks += self._questions(data, plan, answers)
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
        if key.startswith(_CLOCK):
            if data is not None:
                self.keep({timer_key(SafetyStep(key.removeprefix(_CLOCK))): data.moment.text})
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

    def _clock(self, data: SiteSheet, plan: StepPlan) -> list[Block]:
        """Return the clock of a step that is watched, or the button that starts it."""
        t = self.t
        if plan.wait_min is None:
            return []
        timer = timer_at(data.typed, plan.step, plan.wait_min, data.moment)
        if timer is None:
            title = self._watch_text(data, plan) if plan.wait_min else t("How long does it take?")
            return [self._starter(plan, title, t("Start the clock"))]
        is_stale = any(timer.minutes > each.high for each in plan.fields if _is_minutes(each))
        is_over = bool(plan.wait_min) and not timer.left_ms and not is_stale
        label = t("Long enough") if is_over else t("Still to be watched")
        label = t("Too long ago: start anew") if is_stale else label
        return [
            TimerBlock(
                key=f"timer-{plan.step}",
                label=label if plan.wait_min or is_stale else t("Running for"),
                text=clock_text(timer.left_ms or timer.elapsed_ms),
                tone=Tone.OK if is_over else Tone.INFO,
                share=timer.share,
            ),
            self._starter(plan, t("Started too early, or long ago?"), t("Start anew")),
        ]

    def _starter(self, plan: StepPlan, title: str, text: str) -> Block:
        """Return the row whose button starts the clock of a step."""
        start = RowAction(key=f"{_CLOCK}{plan.step}", text=text, icon="timer")
        line = RowLine(key="clock", title=title, icon="timer", actions=(start,))
        return RowsBlock(key=f"clock-{plan.step}", title="", lines=(line,))

    def _old(self, data: SiteSheet, plan: StepPlan, answers: Answers) -> dict[str, Trouble]:
        """Return the values that say nothing of the air now; one that is being typed is new."""
        start = f"{plan.step}."
        typed = {key: data.typed.get(f"{start}{key}", "") for key in _names_of(plan)}
        old = old_values(plan, typed, data.moment)
        same = {key for key in old if answers.get(f"{start}{key}") == typed[key]}
        return dict.fromkeys(same, Trouble.TOO_OLD)

    def _wait_text(self, plan: StepPlan) -> str:
        return self.t("Watch it for {minutes} min").format(minutes=f"{plan.wait_min:g}")

    def _watch_text(self, data: SiteSheet, plan: StepPlan) -> str:
        """Return how long the step is watched, and that it was not safe while it was."""
        unsafe = data.record.unsafe.get(plan.step)
        void = data.record.void.get(plan.step, (0, 0))
        if unsafe is None or unsafe.place <= void:
            return self._wait_text(plan)
        text = self.t("Not safe at {time}: watch it anew for {minutes} min")
        return text.format(time=self._time(unsafe.at_ms), minutes=f"{plan.wait_min:g}")

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

    def _questions(self, data: SiteSheet, plan: StepPlan, answers: Answers) -> list[Block]:
        values = self._values(data, plan, answers)
        blocks: list[Block] = []
        found, old = troubles_of(plan, values), self._old(data, plan, answers)
        if Trouble.NOT_SAFE in found.values():
            blocks.append(
                NoticeBlock(
                    key="not-safe",
                    text=self.t("Not safe. Ventilate, isolate better, measure again."),
                    tone=Tone.DANGER,
                    icon="alert-octagon",
                )
            )
        if _is_behind_valve(data, plan.step, values):
            text = self.t("{valve} is still closed on the list: open it there, or name who may.")
            text = text.format(valve=data.record.valves[0].valve_id)
            blocks.append(NoticeBlock(key="behind", text=text, tone=Tone.WARN, icon="valve-closed"))
        blocks.append(
            TextBlock(
                key=f"title-{plan.step}",
                text=step_text(self.t, plan.step, data.document.medium),
                is_title=True,
            )
        )
        blocks += self._clock(data, plan)
        blocks += [
            self._question(plan, field, values[field.key], old.get(field.key))
            for field in plan.fields
            if not _is_clocked(plan, field)
        ]
        return blocks

    def _question(self, plan: StepPlan, field: StepField, text: str, old: Trouble | None) -> Block:
        t = self.t
        key = f"{plan.step}.{field.key}"
        if field.kind is FieldKind.CHOICE:
            lines = tuple(
                ChoiceLine(
                    value=option,
                    text=option_text(t, option),
                    icon=OPTION_ICONS.get(option, ""),
                    tone=Tone.DANGER if option in field.bad_options else Tone.INFO,
                    is_selected=option == text,
                )
                for option in field.options
            )
            return ChoiceBlock(
                key=key, title=field_text(t, field), lines=lines, columns=2, is_kept=True
            )
        trouble = trouble_of(field, text) or old
        return NumberBlock(
            key=key,
            label=field_text(t, field),
            unit=t("min") if _is_minutes(field) else field.unit,
            text=text,
            hint=self._hint(field),
            error="" if trouble is None else trouble_text(t, field, trouble),
            steps=_MINUTE_KEYS if _is_minutes(field) else (),
        )

    def _hint(self, field: StepField) -> str:
        if field.first_bad is not None:
            limit = f"{shown_number(field.first_bad)} {field.unit}"
            return self.t("Less than {limit}").format(limit=limit)
        if field.highest_good is not None:
            limit = f"{shown_number(field.highest_good)} {field.unit}"
            return self.t("At most {limit}").format(limit=limit)
        if _is_minutes(field):
            return ""
        return self.t("Possible: {low} to {high}").format(
            low=shown_number(field.low), high=shown_number(field.high)
        )

    def _values(self, data: SiteSheet, plan: StepPlan, answers: Answers) -> dict[str, str]:
        """Return the values as typed, with the minutes of the clock."""
        timer = timer_at(answers.typed, plan.step, plan.wait_min or 0.0, data.moment)
        values = {field.key: answers.get(f"{plan.step}.{field.key}") for field in plan.fields}
        return with_clock(plan, values, timer)

    def _primary(self, data: SiteSheet, plan: StepPlan | None, answers: Answers) -> SheetButton:
        t = self.t
        if plan is None:
            return SheetButton(key="finding", text=t("Record finding"), icon="clipboard-check")
        name = step_text(t, plan.step, data.document.medium)
        values = self._values(data, plan, answers)
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
        left = {**troubles_of(plan, values), **self._old(data, plan, answers)}
        return SheetButton(
            key=str(plan.step),
            text=t("Done: {step}").format(step=name),
            icon="check-bold",
            refusal=self._refusal(plan, left),
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
                    key=f"undo:{_STANDS_ON[plan.step].falls}",
                    text=self.t("It is there now"),
                    icon="alert-octagon",
                    kind="danger",
                ),
            ),
        )
        return [RowsBlock(key="gas", title="", lines=(line,))]

    def _refusal(self, plan: StepPlan, left: dict[str, Trouble]) -> str:
        for field in plan.fields:
            is_typed = not _is_clocked(plan, field)
            if is_typed and left.get(field.key, Trouble.MISSING) is not Trouble.MISSING:
                return (
                    f"{field_text(self.t, field)}: {trouble_text(self.t, field, left[field.key])}"
                )
        missing = [
            self._wait_text(plan) if _is_clocked(plan, field) else field_text(self.t, field)
            for field in plan.fields
            if field.key in left
        ]
        return self.t("Still needed: {what}").format(what=", ".join(missing)) if missing else ""


class _StandsOn(NamedTuple):
    """On which measurement a step stands, how much gas was too much for it, and what falls then."""

    measuring: SafetyStep
    limit_pct: float
    falls: SafetyStep


_STANDS_ON: Final = {
    SafetyStep.REPAIR: _StandsOn(SafetyStep.MEASURE, LEL_STOP_PCT, SafetyStep.VENTILATE),
    SafetyStep.RELIGHT: _StandsOn(SafetyStep.REMEASURE, LEL_SAFE_PCT, SafetyStep.REMEASURE),
}


def gas_since_air(data: SiteSheet, step: SafetyStep) -> GasTold | None:
    """Return the most gas told elsewhere since the air that a step stands on.

    It may be what was found at first, written down later: a person says which, nobody else can.
    So it takes no step back by itself, as gas at the gate does (ADR 0034).
    """
    stands_on = _STANDS_ON.get(step)
    if stands_on is None or stands_on.measuring not in data.record.done:
        return None
    measured = data.record.step_places.get(stands_on.measuring, (0, 0))
    newer = (
        each
        for each in data.gas_elsewhere
        if is_gas_beyond(each.lel_pct, stands_on.limit_pct) and each.place > measured
    )
    return max(newer, key=lambda each: each.lel_pct, default=None)


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


def _is_behind_valve(data: SiteSheet, step: SafetyStep, values: Mapping[str, str]) -> bool:
    is_running = step is SafetyStep.RELIGHT and values.get("how") in _IN_USE
    return is_running and bool(data.record.valves)


def _names_of(plan: StepPlan) -> list[str]:
    """Return the draft names of a step's values, and of when each was typed."""
    return [name for field in plan.fields for name in (field.key, f"{field.key}{TYPED_AT}")]


def _is_clocked(plan: StepPlan, field: StepField) -> bool:
    """Return whether the clock alone says this value."""
    return bool(plan.wait_min) and _is_minutes(field)


def _is_minutes(field: StepField) -> bool:
    return field.kind is FieldKind.MINUTES
