"""Decides what the finding form asks of an order and what is missing in its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from field_app.forms.numbers import parse_number, shown_number, worst_lel_pct
from field_app.forms.pressures import (
    TYPED_UNIT,
    in_unit,
    kept_pressure,
    pressure_barg,
    shown_pressure,
)
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.findings import Cause, causes_for
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import FINDING_FORM, OrderType
from wire_contracts.patrol_facts import WellEntry
from wire_contracts.quantities import Medium, Quantity

LONGEST_NOTE = 4000
"""Characters of a note; the wire takes 20,000 for both sides together."""

MEASURED_PREFIX = "measured."
"""Draft fields of measured values are `measured.<quantity>` and hold the text as typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredField:
    """One value the crew may measure.

    `low` and `high` are what is physically possible on the networks served, in `unit`; a value
    outside is a slip of the finger or of the unit, not a finding. `quantity` has the unit of the
    wire: a pressure is typed in another one, and turned into it when it is sealed.
    """

    quantity: Quantity
    unit: str
    low: float
    high: float


_GAS_LEL = MeasuredField(quantity=Quantity.GAS_LEL_PCT, unit="% LEL", low=0.0, high=100.0)
"""A detector reads 0..100 % of the lower explosive limit by definition (IEC 60079-29-1)."""

_WATER_FLOW = MeasuredField(quantity=Quantity.FLOW_M3H, unit="m³/h", low=0.0, high=5000.0)
_GAS_FLOW = MeasuredField(quantity=Quantity.FLOW_ACTUAL_M3H, unit="m³/h", low=0.0, high=5000.0)
"""Above the largest commercial meters (DN400, about 4000 m³/h)."""

_GAS_PRESSURE = MeasuredField(
    quantity=Quantity.PRESSURE_BARG, unit=TYPED_UNIT[Medium.GAS], low=0.0, high=4000.0
)
"""High pressure A of a town gas network ends at 4.0 MPa (GB 50028 table 6.1.6)."""

HOME_MOST_BARG: Final = 0.1
"""Low pressure, which homes have, ends below 0.01 MPa (GB 50028 table 6.1.6)."""

_WATER_PRESSURE = MeasuredField(
    quantity=Quantity.PRESSURE_BARG, unit=TYPED_UNIT[Medium.WATER], low=0.0, high=2.5
)
"""PN 25 is the strongest class of water and heating pipework in a town."""

_SUPPLY = MeasuredField(quantity=Quantity.SUPPLY_TEMP_DEGC, unit="°C", low=0.0, high=200.0)
_RETURN = MeasuredField(quantity=Quantity.RETURN_TEMP_DEGC, unit="°C", low=0.0, high=200.0)
"""Hot-water networks are designed for at most 200 °C (CJJ 34 scope)."""

MEASURED: Mapping[Medium, tuple[MeasuredField, ...]] = {
    Medium.GAS: (_GAS_LEL, _GAS_FLOW, _GAS_PRESSURE),
    Medium.WATER: (_WATER_FLOW, _WATER_PRESSURE),
    Medium.HEAT: (_WATER_FLOW, _SUPPLY, _RETURN, _WATER_PRESSURE),
}
"""What the form offers per medium, the safety value first."""


class Problem(StrEnum):
    """What keeps a finding from being finished."""

    RESULT_MISSING = "result_missing"
    CAUSE_MISSING = "cause_missing"
    CAUSE_OF_ANOTHER_RESULT = "cause_of_another_result"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    GAS_TEST_MISSING = "gas_test_missing"
    GAS_TEST_OLD = "gas_test_old"
    GAS_PRESENT = "gas_present"
    MEASUREMENT_MISSING = "measurement_missing"
    NOTE_MISSING = "note_missing"
    NOTE_TOO_LONG = "note_too_long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One problem, at the measured field it concerns, if any."""

    problem: Problem
    measured: MeasuredField | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingAnswers:
    """The answers as typed; measured values stay text until they are sealed."""

    result: FindingResult | None = None
    cause: Cause | None = None
    note: str = ""
    measured: Mapping[Quantity, str] = field(default_factory=dict)


def read_answers(draft: Mapping[str, JsonValue]) -> FindingAnswers:
    """Return the answers of a draft; an answer this app does not know counts as not given."""
    measured = {
        Quantity(name.removeprefix(MEASURED_PREFIX)): str(value)
        for name, value in draft.items()
        if name.startswith(MEASURED_PREFIX) and value and _is_quantity(name)
    }
    result = str(draft.get("result") or "")
    cause = str(draft.get("cause") or "")
    return FindingAnswers(
        result=FindingResult(result) if result in set(FindingResult) else None,
        cause=Cause(cause) if cause in set(Cause) else None,
        note=str(draft.get("note") or ""),
        measured=measured,
    )


GAS_FREE_LEL_PCT: Final = 1.0
"""The zero of a detector may drift by so much; a joint that holds shows nothing (CJJ 51)."""


def measured_value(quantity: Quantity, text: str) -> float | None:
    """Return a value of a draft in the unit that the quantity's name tells, None when it is none.

    A pressure says its unit in the draft.
    """
    if quantity is Quantity.PRESSURE_BARG:
        return pressure_barg(text)
    return parse_number(text)


def shown_value(one: MeasuredField, text: str) -> str:
    """Return a value of a draft as its field shows it."""
    return shown_pressure(text, one.unit) if one.quantity is Quantity.PRESSURE_BARG else text


def kept_value(one: MeasuredField, typed: str) -> str:
    """Return a typed value as the draft keeps it."""
    return kept_pressure(typed, one.unit) if one.quantity is Quantity.PRESSURE_BARG else typed


def _is_quantity(name: str) -> bool:
    return name.removeprefix(MEASURED_PREFIX) in set(Quantity)


_DIGITS: Final = 6
_PRESSURE_DIGITS: Final = 9
"""Behind the point: what was typed in kPa is a thousandth of a Pa in bar."""


def draft_of_sealed(answers: JsonObject) -> dict[str, JsonValue]:
    """Return the draft fields of answers that were sealed before, to begin a correction with."""
    draft: dict[str, JsonValue] = {
        name: answers[name] for name in ("result", "cause", "note") if answers.get(name)
    }
    measured = answers.get("measured")
    if isinstance(measured, Mapping):
        for name, value in measured.items():
            if isinstance(value, int | float):
                digits = _PRESSURE_DIGITS if name == Quantity.PRESSURE_BARG else _DIGITS
                draft[f"{MEASURED_PREFIX}{name}"] = shown_number(value, digits)
    return draft


def offered_fields(medium: Medium) -> tuple[MeasuredField, ...]:
    """Return the measured fields of a medium, the safety value first."""
    return MEASURED[medium]


MEASURED_ELSEWHERE: Final = frozenset(
    {
        OrderType.COLD_ROOM,
        OrderType.METER_EXCHANGE,
        OrderType.CONNECTION,
        OrderType.AREA_CHECK,
        OrderType.STOP_HEATING,
    }
)
"""The values of these orders stand in their steps and their checklist."""

NO_GAS_TEST: Final = MEASURED_ELSEWHERE | {OrderType.COMM_CHECK}
"""Where a result that says nothing of a leak stands without a gas test of its own."""


def is_required(
    one: MeasuredField, result: FindingResult | None, order_type: OrderType | None = None
) -> bool:
    """Return whether the result cannot stand without this value.

    Gas is tested whatever was found; only where nothing is opened, or a step asks for the value, a
    result that says nothing of a leak stands without. For water and heat any one measured value
    is enough that all is well: it calls an alert false and needs evidence (RULINGS R6).
    """
    if one.quantity is not Quantity.GAS_LEL_PCT or result is None:
        return False
    is_of_leaks = result in {FindingResult.LEAK, FindingResult.NORMAL}
    return is_of_leaks or order_type not in NO_GAS_TEST


def is_contradicted(one: MeasuredField, text: str, result: FindingResult | None) -> bool:
    """Return whether a measured value says that the result is wrong.

    Where gas is in the air nothing is well, and the meter is not what the order is closed over. A
    leak, or what the note tells of another source, may be found with any value.
    """
    is_gas = one.quantity is Quantity.GAS_LEL_PCT and is_gas_present(worst_lel_pct(text))
    return is_gas and result in GAS_FREE_RESULTS


GAS_FREE_RESULTS: Final = frozenset({FindingResult.NORMAL, FindingResult.INACCURATE})
"""Results that gas in the air says are wrong."""


def is_gas_present(lel_pct: float | None) -> bool:
    """Return whether a measured value (% LEL) is more than the drift of a detector."""
    return lel_pct is not None and lel_pct > GAS_FREE_LEL_PCT


def has_gas(answers: FindingAnswers) -> bool:
    """Return whether the form tells of gas in the air."""
    return is_gas_present(worst_lel_pct(answers.measured.get(Quantity.GAS_LEL_PCT, "")))


def problem_of(one: MeasuredField, text: str) -> Problem | None:
    """Return what is wrong with a typed value, or None when it is empty or right."""
    if not text.strip():
        return None
    value = measured_value(one.quantity, text)
    if value is not None and one.quantity is Quantity.PRESSURE_BARG:
        value = parse_number(in_unit(value, one.unit))
    if value is None:
        return Problem.NOT_A_NUMBER
    return None if one.low <= value <= one.high else Problem.OUT_OF_RANGE


def find_missing(
    medium: Medium,
    answers: FindingAnswers,
    order_type: OrderType | None = None,
    *,
    is_gas_old: bool = False,
) -> tuple[Missing, ...]:
    """Return everything that keeps the finding from being finished, in the form's order.

    `is_gas_old`: the gas was measured too long ago to say that there is none now.
    """
    return (
        *_missing_choices(medium, answers),
        *_missing_measured(medium, answers, order_type),
        *(old_gas(medium, answers) if is_gas_old else ()),
        *_missing_note(answers),
    )


def _missing_choices(medium: Medium, answers: FindingAnswers) -> tuple[Missing, ...]:
    if answers.result is None:
        return (Missing(problem=Problem.RESULT_MISSING),)
    if answers.cause is None:
        return (Missing(problem=Problem.CAUSE_MISSING),)
    if answers.cause not in causes_for(medium, answers.result):
        return (Missing(problem=Problem.CAUSE_OF_ANOTHER_RESULT),)
    return ()


def _missing_measured(
    medium: Medium, answers: FindingAnswers, order_type: OrderType | None
) -> tuple[Missing, ...]:
    missing: list[Missing] = []
    fields = offered_fields(medium)
    for one in fields:
        text = answers.measured.get(one.quantity, "")
        problem = problem_of(one, text)
        if problem is not None:
            missing.append(Missing(problem=problem, measured=one))
        elif is_required(one, answers.result, order_type) and not text.strip():
            missing.append(Missing(problem=Problem.GAS_TEST_MISSING, measured=one))
        elif is_contradicted(one, text, answers.result):
            missing.append(Missing(problem=Problem.GAS_PRESENT, measured=one))
    has_any = any(answers.measured.get(one.quantity, "").strip() for one in fields)
    needs_any = answers.result is FindingResult.NORMAL and medium is not Medium.GAS
    needs_any = needs_any and order_type not in MEASURED_ELSEWHERE
    if needs_any and not has_any:
        missing.append(Missing(problem=Problem.MEASUREMENT_MISSING))
    return tuple(missing)


def old_gas(medium: Medium, answers: FindingAnswers) -> tuple[Missing, ...]:
    """Return the gas field where it says that there is none; gas that was there stands."""
    text = answers.measured.get(Quantity.GAS_LEL_PCT, "")
    if not text.strip() or has_gas(answers):
        return ()
    return tuple(
        Missing(problem=Problem.GAS_TEST_OLD, measured=one)
        for one in offered_fields(medium)
        if one.quantity is Quantity.GAS_LEL_PCT and problem_of(one, text) is None
    )


def _missing_note(answers: FindingAnswers) -> tuple[Missing, ...]:
    if len(answers.note) > LONGEST_NOTE:
        return (Missing(problem=Problem.NOTE_TOO_LONG),)
    needs_note = answers.cause is Cause.SEE_NOTE or (
        answers.result is FindingResult.OTHER and has_gas(answers)
    )
    if needs_note and not answers.note.strip():
        return (Missing(problem=Problem.NOTE_MISSING),)
    return ()


def seal(
    order_id: str,
    answers: FindingAnswers,
    gas_at_ms: int | None = None,
    entry: WellEntry | None = None,
) -> JsonObject:
    """Return the payload of the `form_answerset` fact; call it when nothing is missing.

    Measured values are numbers in the unit that the quantity's wire name tells; `gas_at_ms` is when
    the gas was typed, by the tablet's wall clock, None where nobody knows; `entry` whether anybody
    went into the well of the order, left out where nobody was asked.
    """
    measured: dict[str, JsonValue] = {}
    for quantity, text in answers.measured.items():
        value = measured_value(quantity, text)
        if value is not None:
            measured[str(quantity)] = value
    when: JsonObject = {} if gas_at_ms is None else {"measured_at": gas_at_ms}
    return {
        **when,
        "order_id": order_id,
        "form": FINDING_FORM,
        "answers": {
            "result": str(answers.result or ""),
            "cause": str(answers.cause or ""),
            "note": answers.note.strip(),
            "measured": measured,
            **({} if entry is None else {"entry": str(entry)}),
        },
    }
