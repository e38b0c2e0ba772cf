"""Decides how the clock of a step stands: ventilation that goes on, a pressure that is watched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from field_app.orders.moments import TimerMoment, moment_of
from field_app.orders.safety_steps import FieldKind, StepPlan
from wire_contracts.site_facts import SafetyStep

TIMER_PAGE: Final = "timer"
"""Drafts of clocks are `timer.<step>` and hold the moment of the start."""

_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimer:
    """A clock that runs.

    Attributes:
        elapsed_ms: Since it was started, never less than nothing: clocks are set back, too.
        left_ms: Until the wait is over; 0 when it is, or when nothing is waited for.
        share: How much of the wait has passed, 0..1; 1 when nothing is waited for.
    """

    elapsed_ms: int
    left_ms: int
    share: float

    @property
    def minutes(self) -> int:
        """Return the whole minutes that have passed, at least one: it was started."""
        return max(self.elapsed_ms // _MINUTE_MS, 1)


def timer_at(
    typed: Mapping[str, str], step: SafetyStep, wait_min: float, now: TimerMoment
) -> StepTimer | None:
    """Return how the clock of a step stands, None when it was not started in this boot."""
    started = moment_of(typed.get(timer_key(step), ""))
    elapsed_ms = None if started is None else now.since(started)
    if elapsed_ms is None:
        return None
    wait_ms = int(wait_min * _MINUTE_MS)
    return StepTimer(
        elapsed_ms=elapsed_ms,
        left_ms=max(wait_ms - elapsed_ms, 0),
        share=min(elapsed_ms / wait_ms, 1.0) if wait_ms else 1.0,
    )


def with_clock(
    plan: StepPlan, values: Mapping[str, str], timer: StepTimer | None
) -> dict[str, str]:
    """Return the values of a step with its minutes.

    How long a joint was watched is what the clock has shown, whatever was typed; how long was
    ventilated is what was typed, or what the clock shows.
    """
    shown = "" if timer is None or timer.left_ms else str(timer.minutes)
    said = {field.key: values.get(field.key, "") for field in plan.fields}
    for field in plan.fields:
        if field.kind is FieldKind.MINUTES:
            typed = "" if plan.wait_min else said[field.key]
            said[field.key] = typed or shown
    return said


def timer_key(step: SafetyStep) -> str:
    """Return the draft field of a step's clock."""
    return f"{TIMER_PAGE}.{step}"
