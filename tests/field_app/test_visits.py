"""What a visit still counts of the one before: valves and new parts, but no air and no pressure."""

from field_app.orders.work_record import ARRIVED, OwnFact, work_record
from wire_contracts.fields import JsonObject
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.site_facts import (
    DoneStep,
    Handover,
    IsolationEvent,
    SafetyStep,
    StepDone,
    ValveAction,
    isolation_json,
    step_json,
)

NOON_MS = 1_795_000_000_000
CLOSED = isolation_json(IsolationEvent(valve_id="v-1", action=ValveAction.CLOSED))
COUNT: JsonObject = {"value": 12.0}


def fact(fact_type: str, payload: JsonObject | None = None) -> OwnFact:
    return OwnFact(
        fact_id="f", fact_type=fact_type, actor="li-wei", at_ms=NOON_MS, payload=payload or {}
    )


def step(which: SafetyStep, **values: str) -> OwnFact:
    return fact(FactType.SAFETY_STEP, step_json(StepDone(step=which, values=values)))


ARRIVAL = fact(ARRIVED)
ALL_DONE = [step(each, gas_lel_pct="8") for each in SafetyStep]
LEFT = fact(FactType.VISIT_END, {"reason": "parts_missing"})
FINISHED = fact(FactType.FORM_ANSWERSET, {"form": FINDING_FORM})
OUT_OF_DANGER = fact(FactType.FORM_ANSWERSET, {"form": FINDING_FORM, "is_unfinished": True})
CHECKLIST = fact(FactType.FORM_ANSWERSET, {"form": "leak-gas@2"})


def test_the_next_day_is_ventilated_and_measured_again() -> None:
    record = work_record([ARRIVAL, *ALL_DONE, CHECKLIST, OUT_OF_DANGER, LEFT, ARRIVAL])

    assert record.done == {SafetyStep.ISOLATE, SafetyStep.REPAIR}
    assert record.lel_pct == 8, "what was measured is not forgotten before the order is finished"


def test_a_step_of_this_visit_stands() -> None:
    record = work_record([ARRIVAL, *ALL_DONE, LEFT, ARRIVAL, step(SafetyStep.VENTILATE)])

    assert SafetyStep.VENTILATE in record.done
    assert SafetyStep.MEASURE not in record.done


def test_a_reopened_order_begins_from_nothing_but_closed_valves() -> None:
    facts = [ARRIVAL, *ALL_DONE, fact(FactType.ISOLATION, CLOSED)]
    facts += [fact(FactType.METER_READING, COUNT), FINISHED, ARRIVAL]
    record = work_record(facts)

    assert record.done == frozenset()
    assert record.lel_pct is None
    assert record.counts == ()
    assert [each.valve_id for each in record.valves] == ["v-1"]


def test_a_finish_that_was_refused_keeps_its_steps() -> None:
    assert work_record([ARRIVAL, *ALL_DONE, FINISHED]).done == set(SafetyStep)


def test_the_next_crew_ventilates_and_measures_for_itself() -> None:
    steps = tuple(DoneStep(step=each, at_ms=NOON_MS, by="Anna") for each in SafetyStep)
    handover = Handover(note="", by="Anna", at_ms=NOON_MS, steps=steps, lel_pct=15.0)
    record = work_record([ARRIVAL], handover)

    assert record.done == {SafetyStep.ISOLATE, SafetyStep.REPAIR}
    assert record.lel_pct == 15.0


def test_gas_that_was_typed_and_not_kept_was_in_the_air() -> None:
    typed = {"gate.lel_pct": "14", "measure.gas_lel_pct": "45", "remeasure.gas_lel_pct": "x"}

    assert work_record([], typed=typed).lel_pct == 45
