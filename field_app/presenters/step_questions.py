"""Draws what a step asks: its values, the clock of its watch, what is wrong with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from field_app.forms.numbers import shown_number
from field_app.orders.safety_steps import (
    TYPED_AT,
    FieldKind,
    StepField,
    StepPlan,
    Trouble,
    old_values,
    trouble_of,
    troubles_of,
)
from field_app.orders.site_sheet import SiteSheet
from field_app.orders.step_timer import timer_at, with_clock
from field_app.presenters.ports import Words
from field_app.presenters.sheet import Answers
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoticeBlock,
    NumberBlock,
    RowAction,
    RowLine,
    RowsBlock,
    TextBlock,
    TimerBlock,
)
from field_app.presenters.site_words import (
    OPTION_ICONS,
    field_text,
    option_text,
    step_text,
    trouble_text,
)
from field_app.presenters.views import Tone
from field_app.presenters.watch import clock_text
from wire_contracts.site_facts import SafetyStep

CLOCK: Final = "timer:"
"""Keys of buttons that start the clock of a step are this and the step."""

_IN_USE: Final = frozenset({"relit", "reopened"})
"""What says that something runs again."""

_MINUTE_KEYS: Final = ("5", "10", "20")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepQuestions:
    """The questions of the step that is next.

    Attributes:
        t: The reader's words.
        time: How a moment (ms) reads.
        data: The order's work as it stands.
        plan: The step.
        answers: What was typed.
    """

    t: Words
    time: Callable[[int], str]
    data: SiteSheet
    plan: StepPlan
    answers: Answers

    def blocks(self) -> list[Block]:
        """Return the questions, above them what is not safe or lies behind a closed valve."""
        values = self.values()
        blocks: list[Block] = []
        found, old = troubles_of(self.plan, values), self.old()
        if Trouble.NOT_SAFE in found.values():
            blocks.append(
                NoticeBlock(
                    key="not-safe",
                    text=self.t("Not safe. Ventilate, isolate better, measure again."),
                    tone=Tone.DANGER,
                    icon="alert-octagon",
                )
            )
        if _is_behind_valve(self.data, self.plan.step, values):
            text = self.t("{valve} is still closed on the list: open it there, or name who may.")
            text = text.format(valve=self.data.record.valves[0].valve_id)
            blocks.append(NoticeBlock(key="behind", text=text, tone=Tone.WARN, icon="valve-closed"))
        blocks.append(
            TextBlock(
                key=f"title-{self.plan.step}",
                text=step_text(self.t, self.plan.step, self.data.document.medium),
                is_title=True,
            )
        )
        blocks += self._clock()
        blocks += [
            self._question(field, values[field.key], old.get(field.key))
            for field in self.plan.fields
            if not _is_clocked(self.plan, field)
        ]
        return blocks

    def _clock(self) -> list[Block]:
        """Return the clock of a step that is watched, or the button that starts it."""
        t = self.t
        if self.plan.wait_min is None:
            return []
        timer = timer_at(self.data.typed, self.plan.step, self.plan.wait_min, self.data.moment)
        if timer is None:
            title = self._watch_text() if self.plan.wait_min else t("How long does it take?")
            return [self._starter(title, t("Start the clock"))]
        is_stale = any(timer.minutes > each.high for each in self.plan.fields if _is_minutes(each))
        is_over = bool(self.plan.wait_min) and not timer.left_ms and not is_stale
        label = t("Long enough") if is_over else t("Still to be watched")
        label = t("Too long ago: start anew") if is_stale else label
        return [
            TimerBlock(
                key=f"timer-{self.plan.step}",
                label=label if self.plan.wait_min or is_stale else t("Running for"),
                text=clock_text(timer.left_ms or timer.elapsed_ms),
                tone=Tone.OK if is_over else Tone.INFO,
                share=timer.share,
            ),
            self._starter(t("Started too early, or long ago?"), t("Start anew")),
        ]

    def _starter(self, title: str, text: str) -> Block:
        """Return the row whose button starts the clock of a step."""
        start = RowAction(key=f"{CLOCK}{self.plan.step}", text=text, icon="timer")
        line = RowLine(key="clock", title=title, icon="timer", actions=(start,))
        return RowsBlock(key=f"clock-{self.plan.step}", title="", lines=(line,))

    def _question(self, field: StepField, text: str, old: Trouble | None) -> Block:
        t = self.t
        key = f"{self.plan.step}.{field.key}"
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

    def old(self) -> dict[str, Trouble]:
        """Return the values that say nothing of the air now; one that is being typed is new."""
        start = f"{self.plan.step}."
        typed = {key: self.data.typed.get(f"{start}{key}", "") for key in _names_of(self.plan)}
        old = old_values(self.plan, typed, self.data.moment)
        same = {key for key in old if self.answers.get(f"{start}{key}") == typed[key]}
        return dict.fromkeys(same, Trouble.TOO_OLD)

    def values(self) -> dict[str, str]:
        """Return the values as typed, with the minutes of the clock."""
        timer = timer_at(
            self.answers.typed, self.plan.step, self.plan.wait_min or 0.0, self.data.moment
        )
        values = {
            field.key: self.answers.get(f"{self.plan.step}.{field.key}")
            for field in self.plan.fields
        }
        return with_clock(self.plan, values, timer)

    def refusal(self, left: dict[str, Trouble]) -> str:
        """Return why the step cannot be taken, from the troubles that are left; empty: it can."""
        for field in self.plan.fields:
            is_typed = not _is_clocked(self.plan, field)
            if is_typed and left.get(field.key, Trouble.MISSING) is not Trouble.MISSING:
                return (
                    f"{field_text(self.t, field)}: {trouble_text(self.t, field, left[field.key])}"
                )
        missing = [
            self._wait_text() if _is_clocked(self.plan, field) else field_text(self.t, field)
            for field in self.plan.fields
            if field.key in left
        ]
        return self.t("Still needed: {what}").format(what=", ".join(missing)) if missing else ""

    def _wait_text(self) -> str:
        return self.t("Watch it for {minutes} min").format(minutes=f"{self.plan.wait_min:g}")

    def _watch_text(self) -> str:
        """Return how long the step is watched, and that it was not safe while it was."""
        unsafe = self.data.record.unsafe.get(self.plan.step)
        void = self.data.record.void.get(self.plan.step, (0, 0))
        if unsafe is None or unsafe.place <= void:
            return self._wait_text()
        text = self.t("Not safe at {time}: watch it anew for {minutes} min")
        return text.format(time=self.time(unsafe.at_ms), minutes=f"{self.plan.wait_min:g}")


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
