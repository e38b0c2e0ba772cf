"""Decides which steps an order asks for, in the order that safety demands, and their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from field_app.forms.numbers import parse_number, worst_lel_pct
from field_app.orders.entry_gate import is_too_old
from field_app.orders.moments import TimerMoment, moment_of, typed_ms
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import OrderType
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.site_facts import SafetyStep

LEL_SAFE_PCT: Final = 1.0
"""After the repair the air must show less: 20 % LEL is where work must stop (CJJ 51 section 5.3),
and a joint that holds shows nothing."""

LEL_STOP_PCT: Final = 20.0
"""From here on nobody works: everybody goes out and ventilates first (CJJ 51 section 5.3)."""


class FieldKind(StrEnum):
    """How a value is given."""

    NUMBER = "number"
    CHOICE = "choice"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepField:
    """One value of a step.

    Attributes:
        low: Lowest possible value; a value outside is a slip of the finger.
        high: Highest possible value.
        highest_good: Above it the step cannot be done; None: any possible value will do.
        first_bad: From it on the step cannot be done.
        options: The choices, the usual one first.
        bad_options: Choices with which the step is not done.
    """

    key: str
    kind: FieldKind
    unit: str = ""
    low: float = 0.0
    high: float = 100.0
    highest_good: float | None = None
    first_bad: float | None = None
    options: Sequence[str] = ()
    bad_options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step and what it must say; `wait_min` is how long it must be watched, None: not at all.

    A wait is shown as a clock; it is kept with the step when the clock was started. Where there is
    something to wait for, the clock alone says the minutes: none are typed.
    """

    step: SafetyStep
    fields: Sequence[StepField]
    wait_min: float | None = None


class Trouble(StrEnum):
    """What is wrong with a value of a step."""

    MISSING = "missing"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    NOT_SAFE = "not_safe"
    TOO_OLD = "too_old"


_LEL = StepField(
    key="gas_lel_pct",
    kind=FieldKind.NUMBER,
    unit="% LEL",
    high=100.0,
    first_bad=LEL_STOP_PCT,
)
_LEL_AFTER = StepField(
    key="gas_lel_pct",
    kind=FieldKind.NUMBER,
    unit="% LEL",
    high=100.0,
    highest_good=LEL_SAFE_PCT,
)
_ISOLATED = StepField(
    key="how", kind=FieldKind.CHOICE, options=("valve_closed", "not_needed", "by_control_room")
)
_VENTILATED = StepField(
    key="how", kind=FieldKind.CHOICE, options=("doors_windows", "fan", "open_air")
)
_MINUTES = StepField(key="minutes", kind=FieldKind.MINUTES, unit="min", low=1.0, high=600.0)
_REPAIRED = StepField(
    key="how", kind=FieldKind.CHOICE, options=("repaired", "replaced", "made_safe")
)
_TIGHT = StepField(
    key="tight",
    kind=FieldKind.CHOICE,
    options=("holds", "drops"),
    bad_options=frozenset({"drops"}),
)
_RELIT = StepField(key="how", kind=FieldKind.CHOICE, options=("relit", "sealed", "no_flame"))
_REOPENED = StepField(key="how", kind=FieldKind.CHOICE, options=("reopened", "stays_closed"))
_PRESSURE = StepField(key="pressure_mpag", kind=FieldKind.NUMBER, unit="MPa", high=2.5)
_TEMPERATURE = StepField(key="supply_temp_degc", kind=FieldKind.NUMBER, unit="°C", high=200.0)

_ROOM = StepField(key="room_temp_degc", kind=FieldKind.NUMBER, unit="°C", low=-20.0, high=45.0)
_HELPED = StepField(
    key="how", kind=FieldKind.CHOICE, options=("vented", "balanced", "repaired", "user_side")
)
_EXCHANGED = StepField(key="how", kind=FieldKind.CHOICE, options=("exchanged", "put_back"))

_GAS_HOLD_MIN: Final = 10.0
"""The office's own instruction: no gas and a steady pressure for ten minutes."""
_HOLD_MIN: Final = 5.0
"""How long a joint of water or heat is watched under pressure; judgement."""

_GAS_AFTER = StepPlan(
    step=SafetyStep.REMEASURE,
    fields=(_LEL_AFTER, _TIGHT, replace(_MINUTES, low=_GAS_HOLD_MIN)),
    wait_min=_GAS_HOLD_MIN,
)
_AFTER = StepPlan(
    step=SafetyStep.REMEASURE,
    fields=(_PRESSURE, _TIGHT, replace(_MINUTES, low=_HOLD_MIN)),
    wait_min=_HOLD_MIN,
)

_LEAK_STEPS: Mapping[Medium, Sequence[StepPlan]] = {
    Medium.GAS: (
        StepPlan(step=SafetyStep.ISOLATE, fields=(_ISOLATED,)),
        StepPlan(step=SafetyStep.VENTILATE, fields=(_VENTILATED, _MINUTES), wait_min=0.0),
        StepPlan(step=SafetyStep.MEASURE, fields=(_LEL,)),
        StepPlan(step=SafetyStep.REPAIR, fields=(_REPAIRED,)),
        _GAS_AFTER,
        StepPlan(step=SafetyStep.RELIGHT, fields=(_RELIT,)),
    ),
    Medium.WATER: (
        StepPlan(step=SafetyStep.ISOLATE, fields=(_ISOLATED,)),
        StepPlan(step=SafetyStep.REPAIR, fields=(_REPAIRED,)),
        _AFTER,
        StepPlan(step=SafetyStep.RELIGHT, fields=(_REOPENED,)),
    ),
    Medium.HEAT: (
        StepPlan(step=SafetyStep.ISOLATE, fields=(_ISOLATED,)),
        StepPlan(step=SafetyStep.MEASURE, fields=(_TEMPERATURE,)),
        StepPlan(step=SafetyStep.REPAIR, fields=(_REPAIRED,)),
        _AFTER,
        StepPlan(step=SafetyStep.RELIGHT, fields=(_REOPENED,)),
    ),
}

_GAS_TEST = StepPlan(step=SafetyStep.MEASURE, fields=(_LEL,))

_RELIGHT = StepPlan(step=SafetyStep.RELIGHT, fields=(_RELIT,))
_REOPEN = StepPlan(step=SafetyStep.RELIGHT, fields=(_REOPENED,))
_ISOLATE = StepPlan(step=SafetyStep.ISOLATE, fields=(_ISOLATED,))
_EXCHANGE = StepPlan(step=SafetyStep.REPAIR, fields=(_EXCHANGED,))

_EXCHANGE_STEPS: Mapping[Medium, Sequence[StepPlan]] = {
    Medium.GAS: (_ISOLATE, _GAS_TEST, _EXCHANGE, _GAS_AFTER, _RELIGHT),
    Medium.WATER: (_ISOLATE, _EXCHANGE, _AFTER, _REOPEN),
    Medium.HEAT: (_ISOLATE, _EXCHANGE, _AFTER, _REOPEN),
}
_CONNECTION_STEPS: Mapping[Medium, Sequence[StepPlan]] = {
    Medium.GAS: (_GAS_TEST, _GAS_AFTER, _RELIGHT),
    Medium.WATER: (_AFTER, _REOPEN),
    Medium.HEAT: (_AFTER, _REOPEN),
}
_COLD_STEPS = (
    StepPlan(step=SafetyStep.MEASURE, fields=(_ROOM, _TEMPERATURE)),
    StepPlan(step=SafetyStep.REPAIR, fields=(_HELPED,)),
)

_NO_PIPES = frozenset({OrderType.COMM_CHECK, OrderType.AREA_CHECK, OrderType.STOP_HEATING})
"""Nothing is opened: a silent line, a tape measure, a look at a closed valve."""

_DONE_WHOLE = frozenset({OrderType.METER_EXCHANGE, OrderType.CONNECTION})
"""What was done was done whole, or the result is another one."""


def steps_offered(order_type: OrderType, medium: Medium) -> Sequence[StepPlan]:
    """Return the steps of an order before its result is known: those of the worst that it can be.

    Where no pipe is opened nothing is asked.
    """
    if order_type in _NO_PIPES:
        return ()
    if order_type is OrderType.COLD_ROOM:
        return _COLD_STEPS
    if order_type is OrderType.METER_EXCHANGE:
        return _EXCHANGE_STEPS[medium]
    return (_CONNECTION_STEPS if order_type is OrderType.CONNECTION else _LEAK_STEPS)[medium]


def steps_demanded(
    order_type: OrderType, medium: Medium, result: FindingResult | None
) -> Sequence[StepPlan]:
    """Return the steps without which an order with this result cannot be closed.

    Gas is measured whatever was found; a leak takes every step that the order offers, as do an
    exchanged meter and a new connection; a cold room is measured.
    """
    offered = steps_offered(order_type, medium)
    is_whole = order_type in _DONE_WHOLE and result not in {None, FindingResult.OTHER}
    if result is FindingResult.LEAK or is_whole:
        return offered
    if order_type is OrderType.COLD_ROOM:
        return _COLD_STEPS[:1]
    return (_GAS_TEST,) if medium is Medium.GAS and offered else ()


def troubles_of(plan: StepPlan, values: Mapping[str, str]) -> dict[str, Trouble]:
    """Return what is wrong with the values of a step, by field; empty when it can be done."""
    found = {field.key: trouble_of(field, values.get(field.key, "")) for field in plan.fields}
    return {key: trouble for key, trouble in found.items() if trouble is not None}


TYPED_AT: Final = ".at"
"""Beside a measured value's own name in the draft: when it was typed, ms of the tablet's clock."""


def is_of_air(key: str) -> bool:
    """Return whether a value of a step says something of the air, which does not stay as it is."""
    return key.rpartition(".")[2] == Quantity.GAS_LEL_PCT


def old_values(plan: StepPlan, typed: Mapping[str, str], now: TimerMoment) -> frozenset[str]:
    """Return the fields whose air was measured too long ago to say anything of the air now."""
    return frozenset(
        field.key
        for field in plan.fields
        if typed.get(field.key, "").strip()
        and (typed_at := moment_of(typed.get(f"{field.key}{TYPED_AT}", ""))) is not None
        and is_too_old(typed_at, now)
    )


def measured_at_ms(plan: StepPlan, typed: Mapping[str, str], now: TimerMoment) -> int | None:
    """Return when the air of a step was measured: when its oldest value was typed; None: none."""
    times = [typed_ms(typed.get(f"{field.key}{TYPED_AT}", ""), now) for field in plan.fields]
    return min((each for each in times if each is not None), default=None)


def is_unsafe(plan: StepPlan, values: Mapping[str, str]) -> bool:
    """Return whether a value says that the step is not safe, and none is a slip of the finger."""
    found = set(troubles_of(plan, values).values())
    return Trouble.NOT_SAFE in found and found <= {Trouble.NOT_SAFE, Trouble.MISSING}


def trouble_of(field: StepField, text: str) -> Trouble | None:
    """Return what is wrong with one value as typed, None when it is good."""
    if not text.strip():
        return Trouble.MISSING
    if field.kind is FieldKind.CHOICE:
        if text not in field.options:
            return Trouble.MISSING
        return Trouble.NOT_SAFE if text in field.bad_options else None
    if field.key == Quantity.GAS_LEL_PCT and _is_bad(field, worst_lel_pct(text) or 0.0):
        return Trouble.NOT_SAFE  # also over the range of the detector, where it shows no number
    return _trouble_of_number(field, parse_number(text))


def _trouble_of_number(field: StepField, value: float | None) -> Trouble | None:
    if value is None:
        return Trouble.NOT_A_NUMBER
    if not field.low <= value <= field.high:
        return Trouble.OUT_OF_RANGE
    return Trouble.NOT_SAFE if _is_bad(field, value) else None


def _is_bad(field: StepField, value: float) -> bool:
    worst_good = field.high if field.highest_good is None else field.highest_good
    return value > worst_good or (field.first_bad is not None and value >= field.first_bad)


def is_gas_beyond(lel_pct: float, limit_pct: float) -> bool:
    """Return whether gas takes a step back: from `LEL_STOP_PCT` on, above any other limit."""
    return lel_pct >= limit_pct if limit_pct == LEL_STOP_PCT else lel_pct > limit_pct


def next_step(plans: Sequence[StepPlan], done: frozenset[SafetyStep]) -> StepPlan | None:
    """Return the first step that is not done; None when all are. No step is taken out of turn."""
    return next((plan for plan in plans if plan.step not in done), None)


def undone_with(plans: Sequence[StepPlan], step: SafetyStep) -> tuple[SafetyStep, ...]:
    """Return the steps that fall with a step that is taken back: it and all that follow."""
    order = [plan.step for plan in plans]
    return tuple(order[order.index(step) :]) if step in order else (step,)
