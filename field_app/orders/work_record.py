"""Decides what the facts of an order come to: steps done, valves closed, parts, gas, readings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from field_app.forms.numbers import parse_number
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType
from wire_contracts.site_facts import (
    ClosedValve,
    DoneStep,
    GasMeasurement,
    Handover,
    IsolationEvent,
    PartUsed,
    SafetyStep,
    StepDone,
    ValveAction,
    parse_gas,
    parse_isolation,
    parse_part,
    parse_step,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFact:
    """A fact as this tablet keeps it: who made it, when, what it says.

    Attributes:
        is_told: The server has confirmed it.
        is_refused: The server did not take it.
        at: The time of the tap by every clock; None where only the wall's is known.
    """

    fact_id: str
    fact_type: str
    actor: str
    at_ms: int
    payload: JsonObject
    is_told: bool = False
    is_refused: bool = False
    at: DeviceTime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCount:
    """A reading of the dial, as the crew took it."""

    value: float
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRecord:
    """What was done at an order, from the crew before and from this one.

    Attributes:
        steps: Steps that stand, in the order they were done; taken-back ones are left out.
        step_facts: The fact that stands for each step this crew did, to be superseded.
        valves: Valves that are still closed.
        gas: Measurements of this crew, the newest last, with when they were taken.
        parts: Parts by id, with everything that was taken and put back added up.
        counts: Readings of the dial, the newest last.
        lel_pct: The most of what this crew's step *measure* and its newest measurement of the air
            found, % LEL; None where neither says anything.
        gas_at: When the newest measurement of the air was taken, by every clock.
    """

    steps: Sequence[DoneStep] = ()
    step_facts: Mapping[SafetyStep, str] = field(default_factory=dict)
    valves: Sequence[ClosedValve] = ()
    gas: Sequence[tuple[int, GasMeasurement]] = ()
    parts: Sequence[PartUsed] = ()
    counts: Sequence[MeterCount] = ()
    lel_pct: float | None = None
    gas_at: DeviceTime | None = None

    @property
    def done(self) -> frozenset[SafetyStep]:
        """Return the steps that are done."""
        return frozenset(each.step for each in self.steps)


def work_record(facts: Sequence[OwnFact], handover: Handover | None = None) -> WorkRecord:
    """Return what was done; a fact that this app cannot read counts as none."""
    steps = {each.step: each for each in (handover.steps if handover else ())}
    valves = {each.valve_id: each for each in (handover.valves if handover else ())}
    step_facts: dict[SafetyStep, str] = {}
    in_step: float | None = None
    for fact in facts:
        if fact.fact_type == FactType.SAFETY_STEP:
            done = _take_step(fact, steps, step_facts)
            if done is not None and done.step is SafetyStep.MEASURE:
                in_step = parse_number(str(done.values.get("gas_lel_pct", "")))
        elif fact.fact_type == FactType.ISOLATION:
            _take_valve(fact, valves)
    gas = _gas(facts)
    in_air = gas[-1][1].lel_pct if gas else None
    return WorkRecord(
        steps=tuple(steps.values()),
        step_facts=step_facts,
        valves=tuple(valves.values()),
        gas=gas,
        gas_at=_gas_at(facts),
        parts=_parts(facts),
        counts=_counts(facts),
        lel_pct=max((value for value in (in_step, in_air) if value is not None), default=None),
    )


def _read(fact: OwnFact, parse: Callable[[FieldReader], T]) -> T | None:
    try:
        return parse(FieldReader(place=f"fact {fact.fact_id}", values=fact.payload))
    except ContractError:
        return None


def _take_step(
    fact: OwnFact, steps: dict[SafetyStep, DoneStep], step_facts: dict[SafetyStep, str]
) -> StepDone | None:
    done: StepDone | None = _read(fact, parse_step)
    if done is None:
        return None
    steps.pop(done.step, None)
    step_facts[done.step] = fact.fact_id
    if not done.is_undone:
        steps[done.step] = DoneStep(step=done.step, at_ms=fact.at_ms, by=fact.actor)
    return done


def _take_valve(fact: OwnFact, valves: dict[str, ClosedValve]) -> None:
    event: IsolationEvent | None = _read(fact, parse_isolation)
    if event is None:
        return
    if event.action is ValveAction.NAMED:
        if event.valve_id in valves:
            named = replace(valves[event.valve_id], may_reopen=event.may_reopen)
            valves[event.valve_id] = named
        return
    valves.pop(event.valve_id, None)
    if event.action is ValveAction.CLOSED:
        valves[event.valve_id] = ClosedValve(
            valve_id=event.valve_id, at_ms=fact.at_ms, by=fact.actor, may_reopen=event.may_reopen
        )


def _gas(facts: Sequence[OwnFact]) -> tuple[tuple[int, GasMeasurement], ...]:
    found: list[tuple[int, GasMeasurement]] = []
    for fact in facts:
        if fact.fact_type == FactType.GAS_MEASUREMENT:
            gas = _read(fact, parse_gas)
            if gas is not None:
                found.append((fact.at_ms, gas))
    return tuple(found)


def _gas_at(facts: Sequence[OwnFact]) -> DeviceTime | None:
    measured = [fact for fact in facts if fact.fact_type == FactType.GAS_MEASUREMENT]
    return measured[-1].at if measured else None


def _parts(facts: Sequence[OwnFact]) -> tuple[PartUsed, ...]:
    sums: dict[str, PartUsed] = {}
    for fact in facts:
        part = _read(fact, parse_part) if fact.fact_type == FactType.PART_USED else None
        if part is None:
            continue
        before = sums.get(part.part_id)
        quantity = part.quantity + (0.0 if before is None else before.quantity)
        sums[part.part_id] = PartUsed(
            part_id=part.part_id, name=part.name, quantity=quantity, unit=part.unit
        )
    return tuple(part for part in sums.values() if part.quantity > 0)


def _counts(facts: Sequence[OwnFact]) -> tuple[MeterCount, ...]:
    found: list[MeterCount] = []
    for fact in facts:
        value = fact.payload.get("value") if fact.fact_type == FactType.METER_READING else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append(MeterCount(value=float(value), at_ms=fact.at_ms))
    return tuple(found)
