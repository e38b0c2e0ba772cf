"""What a visit still counts of the one before: valves and new parts, but no air and no pressure."""

from dataclasses import replace

from field_app.orders.own_facts import ARRIVED, OwnFact
from field_app.orders.work_record import closed_valves, work_record
from wire_contracts.fields import JsonObject
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.site_facts import (
    ClosedValve,
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
OPENED = isolation_json(IsolationEvent(valve_id="v-1", action=ValveAction.REOPENED))
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

    assert record.done == {SafetyStep.REPAIR}
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

    assert record.done == {SafetyStep.REPAIR}
    assert record.lel_pct == 15.0


def at(minute: int, each: OwnFact, *, is_told: bool = True, offset_ms: int = 0) -> OwnFact:
    wall_ms = NOON_MS + minute * 60_000
    contact_ms = wall_ms + offset_ms
    clocks = DeviceTime(
        wall_ms=wall_ms, mono_ms=0, boot_id="b", offset_ms=offset_ms, contact_ms=contact_ms
    )
    return replace(each, at_ms=wall_ms, at=clocks, is_told=is_told)


SHUT, OPEN = fact(FactType.ISOLATION, CLOSED), fact(FactType.ISOLATION, OPENED)
BY_ANNA = ClosedValve(valve_id="v-1", at_ms=NOON_MS, by="Anna", may_reopen="Wang")


def by_anna(minute: int, *valves: ClosedValve, lel_pct: float | None = None) -> Handover:
    steps = (DoneStep(step=SafetyStep.ISOLATE, at_ms=NOON_MS, by="Anna"),)
    at_ms = NOON_MS + minute * 60_000
    return Handover(note="", by="Anna", at_ms=at_ms, valves=valves, steps=steps, lel_pct=lel_pct)


def test_a_newer_hand_over_stands_for_what_this_crew_had_told_before() -> None:
    reopened = [at(0, ARRIVAL), at(1, SHUT), at(2, OPEN), at(60, ARRIVAL)]
    closed = [at(0, ARRIVAL), at(1, SHUT), at(60, ARRIVAL)]

    assert work_record(reopened, by_anna(30, BY_ANNA)).valves == (BY_ANNA,)
    assert work_record(closed, by_anna(30)).valves == ()
    assert closed_valves(closed, by_anna(30)) == ()
    assert work_record([*closed, at(61, SHUT)], by_anna(30)).valves != ()
    assert work_record([*reopened, at(61, OPEN)], by_anna(30, BY_ANNA)).valves == ()


def test_what_nobody_else_can_know_stands_beside_a_hand_over() -> None:
    untold = [at(0, ARRIVAL), at(1, SHUT, is_told=False), at(2, LEFT)]
    ahead = [at(0, ARRIVAL), at(10, SHUT, offset_ms=-30 * 60_000), at(11, LEFT)]
    behind = [at(0, ARRIVAL), at(10, SHUT, offset_ms=30 * 60_000), at(11, LEFT)]

    assert len(work_record(untold, by_anna(30)).valves) == 1
    assert work_record(ahead, by_anna(5)).valves == (), "its clock was half an hour ahead"
    assert len(work_record(behind, by_anna(30)).valves) == 1


def test_no_clock_of_another_tablet_takes_a_valve_of_this_visit_from_the_list() -> None:
    facts = [at(0, ARRIVAL), at(1, SHUT), at(2, step(SafetyStep.ISOLATE, how="valve_closed"))]
    gone = [*facts, at(3, LEFT)]

    assert len(work_record(facts, by_anna(60)).valves) == 1, "the other clock is an hour ahead"
    assert len(closed_valves(facts, by_anna(60))) == 1
    assert work_record(gone, by_anna(60)).valves == ()


def test_steps_of_before_a_hand_over_are_those_that_it_names() -> None:
    repaired = at(3, step(SafetyStep.REPAIR, how="made_safe"))
    record = work_record([at(0, ARRIVAL), repaired, at(60, ARRIVAL)], by_anna(30, BY_ANNA))

    assert record.done == {SafetyStep.ISOLATE}, "whoever came next took the repair back"


def test_gas_that_another_crew_handed_over_after_the_own_finding_counts() -> None:
    facts = [at(0, ARRIVAL), at(5, FINISHED), at(60, ARRIVAL)]

    assert work_record(facts, by_anna(30, lel_pct=30.0)).lel_pct == 30
    assert work_record(facts, by_anna(30, BY_ANNA)).done == {SafetyStep.ISOLATE}
    assert work_record(facts, by_anna(4, lel_pct=30.0)).lel_pct is None
    assert work_record(facts, by_anna(4)).done == frozenset()


def test_gas_that_was_typed_and_not_kept_was_in_the_air() -> None:
    typed = {"gate.lel_pct": "14", "measure.gas_lel_pct": "45", "remeasure.gas_lel_pct": "x"}

    assert work_record([], typed=typed).lel_pct == 45
