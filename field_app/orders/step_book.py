"""Decides which steps still stand: an opened valve, gas found later and half an hour undo them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from field_app.forms.numbers import worst_lel_pct
from field_app.orders.entry_gate import is_too_old
from field_app.orders.moments import TimerMoment, moment_at
from field_app.orders.safety_steps import LEL_SAFE_PCT, LEL_STOP_PCT, is_gas_beyond
from field_app.store.saved_at import Place
from wire_contracts.operations import DeviceTime
from wire_contracts.site_facts import DoneStep, SafetyStep, StepDone

OUTLASTS_VISIT: Final = frozenset({SafetyStep.ISOLATE, SafetyStep.REPAIR})
"""Steps that still stand on another day: a closed valve, a new part. Air and pressure do not."""

VALVE_CLOSED: Final = "valve_closed"
"""How a pipe was isolated when it hangs on a valve of the list."""

_VENTED: Final = (SafetyStep.VENTILATE, SafetyStep.MEASURE)
_SHUT: Final = (SafetyStep.ISOLATE, *_VENTED)
_PROVEN: Final = (SafetyStep.REMEASURE, SafetyStep.RELIGHT)
_OF_AIR: Final = (SafetyStep.MEASURE, SafetyStep.REMEASURE)
_ORDER: Final = tuple(SafetyStep)


class Again(StrEnum):
    """Why a step that was done is asked again."""

    VALVE_OPENED = "valve_opened"
    GAS_FOUND = "gas_found"
    TOO_OLD = "too_old"
    ANOTHER_VISIT = "another_visit"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenStep:
    """What a crew said of one step, when, and at which place in the order of writing."""

    done: StepDone
    fact_id: str
    by: str
    at_ms: int
    at: DeviceTime | None
    place: Place

    @property
    def lel_pct(self) -> float | None:
        """Return the gas that the step measured in the air, None when it measured none."""
        return worst_lel_pct(str(self.done.values.get("gas_lel_pct", "")))

    def is_too_old(self, now: DeviceTime) -> bool:
        """Return whether its air says nothing of the air now, by the clock that says longer."""
        lay_ms = self.at_ms - (self.done.measured_at_ms or self.at_ms)
        by_wall = TimerMoment(self.at_ms - lay_ms)
        taken = by_wall if self.at is None else moment_at(self.at).earlier(lay_ms)
        return any(is_too_old(each, moment_at(now)) for each in (by_wall, taken))


@dataclass(slots=True, kw_only=True)
class StepBook:
    """The steps of one order while its facts are read, the oldest first.

    Attributes:
        steps: The steps that stand, in the order they were done.
        facts: The fact that stands for each step this crew did, to be superseded.
        again: Why a step that was done does not stand any more.
        is_behind_valve: The pipe is isolated by a valve of the list, not in another way.
        void: Before which place nothing counts that was typed for a step and not kept: a joint that
            is repaired anew, gas and an opened valve are newer than what was measured and watched.
    """

    steps: dict[SafetyStep, DoneStep] = field(default_factory=dict)
    facts: dict[SafetyStep, str] = field(default_factory=dict)
    again: dict[SafetyStep, Again] = field(default_factory=dict)
    is_behind_valve: bool = False
    void: dict[SafetyStep, Place] = field(default_factory=dict)
    _taken: dict[SafetyStep, TakenStep] = field(default_factory=dict)
    _since_isolated: bool = False
    _gas_since: dict[SafetyStep, float] = field(default_factory=dict)

    def arrive(self) -> None:
        """Begin a visit: only what outlasts one still stands.

        A pipe that somebody else shut, or that needed no shutting then, is looked at anew: only a
        valve of the list stays closed until somebody says that it is open.
        """
        for step in [each for each in self.steps if each not in OUTLASTS_VISIT]:
            del self.steps[step]
        self.again.clear()
        if not self.is_behind_valve:
            self._fall((SafetyStep.ISOLATE,), Again.ANOTHER_VISIT)

    def take(self, taken: TakenStep) -> None:
        """Take a step that was done or taken back; one that was not safe changes nothing."""
        done = taken.done
        if done.is_unsafe:
            return
        self.steps.pop(done.step, None)
        self.again.pop(done.step, None)
        self.facts[done.step] = taken.fact_id
        if done.is_undone:
            fallen = _ORDER[_ORDER.index(done.step) :]
            self._drop(fallen)
            self._void(fallen, taken.place)
        else:
            if done.step is SafetyStep.REPAIR:
                self._drop(_PROVEN)
                self._void(_PROVEN, taken.place)
            self.steps[done.step] = DoneStep(step=done.step, at_ms=taken.at_ms, by=taken.by)
            self._taken[done.step] = taken
            self._gas_since.pop(done.step, None)
            if done.step is SafetyStep.ISOLATE:
                self.is_behind_valve = done.values.get("how") == VALVE_CLOSED
                self._since_isolated = False
        self._settle()

    def open_valve(self, place: Place) -> None:
        """Take it that a valve which was closed is open again."""
        self._since_isolated = True
        if SafetyStep.REPAIR not in self.steps:
            self._void(_SHUT, place)
        self._settle()

    def fall(self, step: SafetyStep, place: Place) -> None:
        """Take it that another tablet of the crew took a step back, or opened what it had shut."""
        if step is SafetyStep.ISOLATE and SafetyStep.REPAIR in self.steps:
            return
        fallen = _ORDER[_ORDER.index(step) :]
        if step in self.steps:
            self._fall(fallen, Again.TAKEN_BACK)
            self._void(fallen, place)

    def join(self, done: DoneStep) -> None:
        """Take a step that another tablet of the crew did after all that this one said of it."""
        self.steps[done.step] = done
        self.again.pop(done.step, None)

    def find_gas(self, lel_pct: float | None, place: Place, *, is_kept: bool) -> None:
        """Take it that the air held so much; None says nothing.

        What is typed and not `is_kept` is no fact: its place says after which step it was written.
        """
        if lel_pct is not None and lel_pct > LEL_SAFE_PCT:
            self._void(_OF_AIR, place)
        for step in _OF_AIR:
            taken = self._taken.get(step)
            if lel_pct is None or taken is None:
                continue
            if is_kept or place > taken.place:
                self._gas_since[step] = max(lel_pct, self._gas_since.get(step, 0.0))
        newer = {} if is_kept else self._taken_after(place)
        self._settle()
        self.steps |= newer
        for step in newer:
            self.again.pop(step, None)

    def _taken_after(self, place: Place) -> dict[SafetyStep, DoneStep]:
        """Return the steps that stand and were taken after a place: they answer what was then."""
        return {
            step: done
            for step, done in self.steps.items()
            if step in self._taken and self._taken[step].place > place
        }

    def places(self) -> dict[SafetyStep, Place]:
        """Return where the steps that this crew took last stand in the order of writing."""
        return {step: taken.place for step, taken in self._taken.items()}

    def grow_old(self, now: DeviceTime) -> None:
        """Take back air that was measured too long ago for the repair or the flame after it."""
        if SafetyStep.RELIGHT not in self.steps:
            self._grow_old(SafetyStep.REMEASURE, now)
        if not {SafetyStep.REPAIR, SafetyStep.REMEASURE} & self.steps.keys():
            self._grow_old(SafetyStep.MEASURE, now)

    def _grow_old(self, step: SafetyStep, now: DeviceTime) -> None:
        taken = self._taken.get(step)
        if taken is not None and taken.lel_pct is not None and taken.is_too_old(now):
            self._fall((step,), Again.TOO_OLD)

    def _drop(self, steps: Iterable[SafetyStep]) -> None:
        """Take it that steps were never taken: what they stood on was done anew, or taken back."""
        for step in steps:
            self.steps.pop(step, None)
            self.again.pop(step, None)

    def _void(self, steps: Iterable[SafetyStep], place: Place) -> None:
        for step in steps:
            self.void[step] = max(place, self.void.get(step, place))

    def _settle(self) -> None:
        if SafetyStep.REPAIR not in self.steps:
            if self.is_behind_valve and self._since_isolated and SafetyStep.ISOLATE in self.steps:
                self._fall(_SHUT, Again.VALVE_OPENED)
            if self._has_gas(SafetyStep.MEASURE, LEL_STOP_PCT):
                self._fall(_VENTED, Again.GAS_FOUND)
        if self._has_gas(SafetyStep.REMEASURE, LEL_SAFE_PCT):
            self._fall(_PROVEN, Again.GAS_FOUND)

    def _has_gas(self, step: SafetyStep, limit_pct: float) -> bool:
        """Return whether more gas was found since a step that had measured the air."""
        taken = self._taken.get(step)
        is_of_air = step in self.steps and taken is not None and taken.lel_pct is not None
        return is_of_air and is_gas_beyond(self._gas_since.get(step, 0.0), limit_pct)

    def _fall(self, steps: Iterable[SafetyStep], why: Again) -> None:
        for step in steps:
            if self.steps.pop(step, None) is not None:
                self.again[step] = why
