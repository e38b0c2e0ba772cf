"""Steps that fall again: a valve that is opened, gas that is found later, half an hour."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.orders.own_facts import ARRIVED, OwnFact
from field_app.orders.safety_steps import next_step, steps_offered
from field_app.orders.step_book import Again
from field_app.orders.work_record import WorkRecord, work_record
from field_app.store.saved_at import place_text
from wire_contracts.fields import JsonObject
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType, OrderType
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import (
    ClosedValve,
    DoneStep,
    GasMeasurement,
    GasPurpose,
    Handover,
    IsolationEvent,
    SafetyStep,
    StepDone,
    ValveAction,
    gas_json,
    isolation_json,
    step_json,
)

NOON_MS = 1_795_000_000_000
MINUTE_MS = 60_000
PLANS = steps_offered(OrderType.LEAK_CHECK, Medium.GAS)


def clocks(wall_ms: int, *, mono_ms: int | None = None) -> DeviceTime:
    mono = wall_ms - NOON_MS if mono_ms is None else mono_ms
    return DeviceTime(wall_ms=wall_ms, mono_ms=mono, boot_id="b", offset_ms=0)


def fact(fact_type: str, payload: JsonObject, at_ms: int = NOON_MS) -> OwnFact:
    return OwnFact(
        fact_id="f",
        fact_type=fact_type,
        actor="li-wei",
        at_ms=at_ms,
        payload=payload,
        at=clocks(at_ms),
        n=at_ms,
    )


def step(which: SafetyStep, at_ms: int = NOON_MS, **values: str) -> OwnFact:
    return fact(FactType.SAFETY_STEP, step_json(StepDone(step=which, values=values)), at_ms)


def undone(which: SafetyStep) -> OwnFact:
    done = StepDone(step=which, values={}, is_undone=True)
    return fact(FactType.SAFETY_STEP, step_json(done))


def valve(action: ValveAction, valve_id: str = "v-1") -> OwnFact:
    return fact(
        FactType.ISOLATION, isolation_json(IsolationEvent(valve_id=valve_id, action=action))
    )


def gas(lel_pct: float) -> OwnFact:
    measured = GasMeasurement(
        purpose=GasPurpose.ENTRY,
        place="W-1",
        detector_id="GX-7",
        calibration_due_ms=None,
        lel_pct=lel_pct,
        is_entry_allowed=False,
    )
    return fact(FactType.GAS_MEASUREMENT, gas_json(measured))


ARRIVAL = fact(ARRIVED, {})
GATE = "gate.lel_pct"


def typed_gas(lel_pct: str, at_ms: int) -> dict[str, str]:
    return {GATE: lel_pct, f"{GATE}.place": place_text((at_ms, 1))}


def later(minutes: int, which: SafetyStep, **values: str) -> OwnFact:
    return step(which, NOON_MS + minutes * MINUTE_MS, **values)


def test_what_stood_on_the_repair_before_stands_on_no_new_one() -> None:
    relit = [later(n, each, gas_lel_pct="0") for n, each in enumerate(SafetyStep)]
    at_ms = NOON_MS + 10 * MINUTE_MS
    fell = work_record(relit, typed=typed_gas("30", at_ms))
    assert fell.again == dict.fromkeys(
        (SafetyStep.REMEASURE, SafetyStep.RELIGHT), Again.GAS_FOUND
    ), "so that no undo of them is told"
    anew = [*relit, undone(SafetyStep.REPAIR), later(20, SafetyStep.REPAIR)]

    assert work_record(anew).done == set(list(SafetyStep)[:4])
    without_undo = [*relit, later(20, SafetyStep.REPAIR)]
    assert work_record(without_undo).done == set(list(SafetyStep)[:4])


def test_who_ventilates_after_gas_was_typed_has_ventilated() -> None:
    before = [later(n, each, gas_lel_pct="0") for n, each in enumerate(list(SafetyStep)[:3])]
    gas_typed = typed_gas("30", NOON_MS + 10 * MINUTE_MS)
    assert work_record(before, typed=gas_typed).done == {SafetyStep.ISOLATE}
    aired = [*before, later(15, SafetyStep.VENTILATE)]

    assert work_record(aired, typed=gas_typed).done == {SafetyStep.ISOLATE, SafetyStep.VENTILATE}


CLOSED, OPENED = valve(ValveAction.CLOSED), valve(ValveAction.REOPENED)
ISOLATED = step(SafetyStep.ISOLATE, how="valve_closed")
VENTILATED = step(SafetyStep.VENTILATE, how="fan")
MEASURED = step(SafetyStep.MEASURE, gas_lel_pct="8")
REPAIRED = step(SafetyStep.REPAIR, how="repaired")
PROVEN = step(SafetyStep.REMEASURE, gas_lel_pct="0")
RELIT = step(SafetyStep.RELIGHT, how="relit")
SAFE = [ARRIVAL, CLOSED, ISOLATED, VENTILATED, MEASURED]


def comes_next(record: WorkRecord) -> SafetyStep | None:
    plan = next_step(PLANS, record.done)
    return None if plan is None else plan.step


def test_a_valve_opened_before_the_repair_makes_the_pipe_open_again() -> None:
    record = work_record([*SAFE, OPENED])

    assert comes_next(record) is SafetyStep.ISOLATE
    assert record.done == frozenset()
    assert record.again[SafetyStep.ISOLATE] is Again.VALVE_OPENED
    anew = work_record([*SAFE, OPENED, CLOSED, ISOLATED])
    assert comes_next(anew) is SafetyStep.VENTILATE, "gas may have come while it was open"
    assert SafetyStep.ISOLATE not in anew.again


def test_one_of_two_valves_opened_is_an_open_pipe() -> None:
    second = valve(ValveAction.CLOSED, "v-2")

    assert comes_next(work_record([ARRIVAL, second, *SAFE, OPENED])) is SafetyStep.ISOLATE


def test_a_valve_opened_between_two_visits_or_crews_counts() -> None:
    left = fact(FactType.VISIT_END, {"reason": "parts_missing"})
    closed = (ClosedValve(valve_id="v-1", at_ms=NOON_MS, by="Anna", may_reopen=""),)
    steps = (DoneStep(step=SafetyStep.ISOLATE, at_ms=NOON_MS, by="Anna"),)
    handover = Handover(note="", by="Anna", at_ms=NOON_MS, steps=steps, valves=closed)

    assert comes_next(work_record([*SAFE, left, OPENED, ARRIVAL])) is SafetyStep.ISOLATE
    assert comes_next(work_record([ARRIVAL], handover)) is SafetyStep.VENTILATE
    assert comes_next(work_record([ARRIVAL, OPENED], handover)) is SafetyStep.ISOLATE


@pytest.mark.parametrize("how", ["not_needed", "by_control_room"])
def test_what_is_not_isolated_by_a_valve_does_not_hang_on_one(how: str) -> None:
    steps = [ARRIVAL, CLOSED, step(SafetyStep.ISOLATE, how=how), VENTILATED, MEASURED, OPENED]

    assert comes_next(work_record(steps)) is SafetyStep.REPAIR


def test_after_the_repair_a_valve_is_opened_to_try_the_joint() -> None:
    repaired = [*SAFE, REPAIRED, OPENED]

    assert comes_next(work_record(repaired)) is SafetyStep.REMEASURE
    again = work_record([*repaired, undone(SafetyStep.REPAIR)])
    assert comes_next(again) is SafetyStep.ISOLATE, "a repair taken back is begun behind a valve"


def test_gas_found_after_the_measurement_is_ventilated_and_measured_again() -> None:
    record = work_record([*SAFE, gas(45.0)])

    assert comes_next(record) is SafetyStep.VENTILATE
    assert record.done == {SafetyStep.ISOLATE}
    assert record.again == dict.fromkeys(
        (SafetyStep.VENTILATE, SafetyStep.MEASURE), Again.GAS_FOUND
    )
    anew = work_record([*SAFE, gas(45.0), VENTILATED, MEASURED])
    assert comes_next(anew) is SafetyStep.REPAIR
    assert comes_next(work_record([*SAFE, gas(19.9)])) is SafetyStep.REPAIR
    assert comes_next(work_record([*SAFE, gas(20.0)])) is SafetyStep.VENTILATE
    assert comes_next(work_record([ARRIVAL, gas(45.0), *SAFE[1:]])) is SafetyStep.REPAIR


def test_gas_typed_at_the_gate_after_the_measurement_counts_before_it_is_kept() -> None:
    typed, before = typed_gas("45", NOON_MS), typed_gas("45", NOON_MS - 1)

    assert comes_next(work_record(SAFE, typed=typed)) is SafetyStep.VENTILATE
    assert comes_next(work_record(SAFE, typed=before)) is SafetyStep.REPAIR


def test_gas_found_after_the_joint_was_proven_asks_for_the_proof_again() -> None:
    whole = [*SAFE, REPAIRED, PROVEN, RELIT]

    assert comes_next(work_record(whole)) is None
    assert comes_next(work_record([*whole, gas(1.0)])) is None
    record = work_record([*whole, gas(3.0)])
    assert comes_next(record) is SafetyStep.REMEASURE
    assert SafetyStep.RELIGHT not in record.done


def test_a_measurement_of_the_air_is_good_for_half_an_hour_before_the_repair() -> None:
    def next_after(minutes: float, facts: Sequence[OwnFact] = SAFE) -> SafetyStep | None:
        now = clocks(NOON_MS + round(minutes * MINUTE_MS))
        return comes_next(work_record(facts, now=now))

    assert next_after(29.9) is SafetyStep.REPAIR
    assert next_after(30) is SafetyStep.MEASURE
    assert next_after(600, [*SAFE, REPAIRED]) is SafetyStep.REMEASURE
    connected = [ARRIVAL, MEASURED, PROVEN, RELIT]
    assert next_after(600, connected) is SafetyStep.ISOLATE, "nothing of it is measured again"
    heat = [ARRIVAL, ISOLATED, VENTILATED, step(SafetyStep.MEASURE, supply_temp_degc="40")]
    assert next_after(600, heat) is SafetyStep.REPAIR, "a temperature is no air"


def test_air_counts_from_when_it_was_measured_and_by_the_clock_that_says_longer() -> None:
    done = StepDone(
        step=SafetyStep.MEASURE,
        values={"gas_lel_pct": "8"},
        measured_at_ms=NOON_MS - 25 * MINUTE_MS,
    )
    facts = [*SAFE[:-1], fact(FactType.SAFETY_STEP, step_json(done))]
    set_back = clocks(NOON_MS + MINUTE_MS, mono_ms=40 * MINUTE_MS)

    assert comes_next(work_record(facts, now=clocks(NOON_MS + 4 * MINUTE_MS))) is SafetyStep.REPAIR
    late = work_record(facts, now=clocks(NOON_MS + 5 * MINUTE_MS))
    assert comes_next(late) is SafetyStep.MEASURE
    assert late.again == {SafetyStep.MEASURE: Again.TOO_OLD}
    assert comes_next(work_record(SAFE, now=set_back)) is SafetyStep.MEASURE


HAPPENS = (CLOSED, OPENED, ISOLATED, VENTILATED, MEASURED, REPAIRED, PROVEN, gas(0), gas(45))


@given(st.lists(st.sampled_from(HAPPENS), max_size=14))
def test_nobody_repairs_behind_an_open_valve_or_in_gas(happened: list[OwnFact]) -> None:
    facts = [ARRIVAL, *(replace(each, fact_id=str(n)) for n, each in enumerate(happened))]
    record = work_record(facts)
    if comes_next(record) is not SafetyStep.REPAIR:
        return
    measured = max(n for n, each in enumerate(facts) if each.payload == MEASURED.payload)
    isolated = max(n for n, each in enumerate(facts) if each.payload == ISOLATED.payload)
    is_shut, openings = False, []
    for number, each in enumerate(facts):
        if each.payload == OPENED.payload and is_shut:
            openings.append(number)
        is_shut = each.payload == CLOSED.payload or (is_shut and each.payload != OPENED.payload)

    assert not [each for each in facts[measured:] if each.payload.get("lel_pct") == 45]
    assert [number for number in openings if number > isolated] == []
