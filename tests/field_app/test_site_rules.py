"""Rules of the work on site: steps in order, what a case holds, what an order still needs."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.orders.completion import Evidence, Lack, what_is_lacking
from field_app.orders.entry_gate import (
    Detector,
    bad_oxygen_pct,
)
from field_app.orders.own_facts import ARRIVED, OwnFact
from field_app.orders.safety_steps import (
    Trouble,
    next_step,
    steps_demanded,
    steps_offered,
    troubles_of,
    undone_with,
)
from field_app.orders.site_sheet import SiteSheet
from field_app.orders.work_record import WorkRecord, work_record
from wire_contracts.fields import JsonObject
from wire_contracts.kinds import FindingResult
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FINDING_FORM, FactType, OrderType, SafetyClass, WorkOrderDocument
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import (
    ClosedValve,
    DoneStep,
    GasMeasurement,
    GasPurpose,
    Handover,
    IsolationEvent,
    PartUsed,
    SafetyStep,
    StepDone,
    ValveAction,
    gas_json,
    isolation_json,
    part_json,
    step_json,
)
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderState

GOOD_DETECTOR = Detector(detector_id="GX-7", calibrated_until=date(2026, 12, 31))
GAS_PLAN = steps_offered(OrderType.LEAK_CHECK, Medium.GAS)
MINUTE_MS = 60_000
NOON_MS = 1_795_000_000_000


def order_of(medium: Medium) -> WorkOrderDocument:
    return WorkOrderDocument(
        number="WO-1",
        state=WorkOrderState.WORKING,
        order_type=OrderType.LEAK_CHECK,
        medium=medium,
        safety_class=SafetyClass.B,
        priority=2,
        title=BilingualText(en="Leak", zh="泄漏"),
        address="Nordring 46",
        created_at_utc=datetime(2026, 11, 21, tzinfo=UTC),
    )


def fact(fact_type: FactType, payload: JsonObject, *, name: str = "f1") -> OwnFact:
    return OwnFact(
        fact_id=name,
        fact_type=fact_type,
        actor="li-wei",
        at_ms=NOON_MS,
        payload=payload,
    )


def test_gas_work_goes_the_way_that_safety_demands() -> None:
    assert [plan.step for plan in GAS_PLAN] == list(SafetyStep)


@given(done=st.frozensets(st.sampled_from(list(SafetyStep))))
def test_the_next_step_is_the_first_that_is_not_done(done: frozenset[SafetyStep]) -> None:
    plan = next_step(GAS_PLAN, done)

    left = [each for each in SafetyStep if each not in done]
    assert (None if plan is None else plan.step) == (left[0] if left else None)


def test_taking_a_step_back_takes_back_what_was_built_on_it() -> None:
    assert undone_with(GAS_PLAN, SafetyStep.REMEASURE) == (
        SafetyStep.REMEASURE,
        SafetyStep.RELIGHT,
    )


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", Trouble.MISSING),
        ("0", None),
        ("0,5", None),
        ("1.5", Trouble.NOT_SAFE),
        ("-1", Trouble.OUT_OF_RANGE),
        ("a lot", Trouble.NOT_A_NUMBER),
    ],
)
def test_gas_that_is_still_there_after_the_repair_stops_the_work(
    text: str, trouble: Trouble | None
) -> None:
    plan = next(each for each in GAS_PLAN if each.step is SafetyStep.REMEASURE)

    found = troubles_of(plan, {"gas_lel_pct": text, "tight": "holds"})

    assert found.get("gas_lel_pct") == trouble


def test_a_joint_whose_pressure_drops_is_not_repaired() -> None:
    plan = next(each for each in GAS_PLAN if each.step is SafetyStep.REMEASURE)

    values = {"gas_lel_pct": "0", "tight": "drops", "minutes": "10"}
    assert troubles_of(plan, values) == {"tight": Trouble.NOT_SAFE}


@pytest.mark.parametrize(
    ("step", "minutes", "trouble"),
    [
        (SafetyStep.VENTILATE, "0", Trouble.OUT_OF_RANGE),
        (SafetyStep.VENTILATE, "1", None),
        (SafetyStep.REMEASURE, "", Trouble.MISSING),
        (SafetyStep.REMEASURE, "9", Trouble.OUT_OF_RANGE),
        (SafetyStep.REMEASURE, "10", None),
    ],
)
def test_what_must_last_is_not_done_before_it_has_lasted(
    step: SafetyStep, minutes: str, trouble: Trouble | None
) -> None:
    plan = next(each for each in GAS_PLAN if each.step is step)

    assert troubles_of(plan, {"minutes": minutes}).get("minutes") == trouble


def test_a_silent_line_opens_no_pipe() -> None:
    assert steps_offered(OrderType.COMM_CHECK, Medium.GAS) == ()
    assert steps_demanded(OrderType.COMM_CHECK, Medium.GAS, FindingResult.LEAK) == ()


def done(step: SafetyStep, *, is_undone: bool = False, name: str = "f1") -> OwnFact:
    payload = step_json(StepDone(step=step, values={}, is_undone=is_undone))
    return fact(FactType.SAFETY_STEP, payload, name=name)


def test_a_case_begins_with_the_arrival_where_the_clock_was_put_right_after_the_last_one() -> None:
    told = {"form": FINDING_FORM}
    finding = replace(fact(FactType.FORM_ANSWERSET, told), at_ms=NOON_MS + 7_200_000)
    arrived = OwnFact(fact_id="a", fact_type=ARRIVED, actor="li-wei", at_ms=NOON_MS + 1, payload={})

    assert work_record([finding, arrived]).begun_at_ms == NOON_MS + 1


def test_a_step_that_was_taken_back_does_not_stand() -> None:
    record = work_record(
        [done(SafetyStep.ISOLATE), done(SafetyStep.ISOLATE, is_undone=True, name="f2")]
    )

    assert record.done == frozenset()
    assert record.step_facts == {SafetyStep.ISOLATE: "f2"}


def test_the_next_crew_goes_on_where_the_one_before_stopped() -> None:
    before = Handover(
        note="",
        by="Anna",
        at_ms=NOON_MS,
        steps=(DoneStep(step=SafetyStep.ISOLATE, at_ms=NOON_MS, by="Anna"),),
        valves=(ClosedValve(valve_id="vw-1", at_ms=NOON_MS, by="Anna"),),
    )

    record = work_record([done(SafetyStep.VENTILATE)], before)

    plan = next_step(GAS_PLAN, record.done)
    assert plan is not None
    assert plan.step is SafetyStep.MEASURE


def test_a_valve_stays_on_the_list_until_it_is_opened_again() -> None:
    closed = isolation_json(
        IsolationEvent(valve_id="v-1", action=ValveAction.CLOSED, may_reopen="Li Wei")
    )
    opened = isolation_json(IsolationEvent(valve_id="v-1", action=ValveAction.REOPENED))
    named = isolation_json(
        IsolationEvent(valve_id="v-1", action=ValveAction.NAMED, may_reopen="Anna")
    )

    assert [
        each.may_reopen
        for each in work_record(
            [fact(FactType.ISOLATION, closed), fact(FactType.ISOLATION, named)]
        ).valves
    ] == ["Anna"]
    assert work_record([fact(FactType.ISOLATION, named)]).valves == (), "it was never closed"
    assert [each.valve_id for each in work_record([fact(FactType.ISOLATION, closed)]).valves] == [
        "v-1"
    ]
    assert (
        work_record([fact(FactType.ISOLATION, closed), fact(FactType.ISOLATION, opened)]).valves
        == ()
    )


def test_parts_put_back_into_the_van_are_not_used() -> None:
    def part(quantity: float) -> OwnFact:
        used = PartUsed(part_id="g", name="Gasket", quantity=quantity, unit="pcs")
        return fact(FactType.PART_USED, part_json(used))

    assert [each.quantity for each in work_record([part(2), part(1), part(-1)]).parts] == [2]
    assert work_record([part(1), part(-1)]).parts == ()


def test_a_leak_is_closed_only_with_its_steps_and_a_photo() -> None:
    document = order_of(Medium.GAS)
    nothing = what_is_lacking(
        document, FindingResult.LEAK, WorkRecord(), Evidence(keeps_photos=True)
    )
    everything = what_is_lacking(
        document,
        FindingResult.LEAK,
        work_record([done(step, name=step) for step in SafetyStep]),
        Evidence(photos=1, keeps_photos=True),
    )

    assert [each.step for each in nothing if each.lack is Lack.STEP] == list(SafetyStep)
    assert nothing[-1].lack is Lack.PHOTO
    assert everything == []


def steps_missing(
    result: FindingResult,
    record: WorkRecord,
    *,
    order_type: OrderType = OrderType.LEAK_CHECK,
    medium: Medium = Medium.GAS,
    has_gas: bool = False,
) -> list[SafetyStep | None]:
    order = replace(order_of(medium), order_type=order_type)
    lacking = what_is_lacking(order, result, record, Evidence(has_gas=has_gas))
    return [each.step for each in lacking if each.lack is Lack.STEP]


def measured(lel_pct: str) -> OwnFact:
    step = StepDone(step=SafetyStep.MEASURE, values={"gas_lel_pct": lel_pct})
    return fact(FactType.SAFETY_STEP, step_json(step))


@pytest.mark.parametrize("result", FindingResult)
def test_gas_in_the_air_demands_the_steps_of_a_leak_whatever_was_found(
    result: FindingResult,
) -> None:
    by_step = work_record([measured("15")])

    assert steps_missing(result, WorkRecord(), has_gas=True) == list(SafetyStep)
    assert steps_missing(result, by_step) == [
        step for step in SafetyStep if step is not SafetyStep.MEASURE
    ]


@pytest.mark.parametrize("result", [FindingResult.NORMAL, FindingResult.INACCURATE])
def test_what_the_own_step_measured_contradicts_a_finding_without_gas(
    result: FindingResult,
) -> None:
    def told(lel_pct: str) -> list[float]:
        record = work_record([measured(lel_pct)])
        lacking = what_is_lacking(order_of(Medium.GAS), result, record, Evidence())
        return [each.lel_pct for each in lacking if each.lack is Lack.GAS_MEASURED]

    assert told("15") == [15.0]
    assert told("0,5") == []


@pytest.mark.parametrize("has_note", [True, False])
def test_air_in_a_checklist_that_nobody_may_breathe_wants_a_word_in_the_finding(
    has_note: bool,  # noqa: FBT001 - drawn
) -> None:
    evidence = Evidence(has_note=has_note, forms_oxygen_pct=bad_oxygen_pct({"oxygen": "16 %"}))
    order = order_of(Medium.GAS)
    lacking = what_is_lacking(order, FindingResult.NORMAL, WorkRecord(), evidence)
    airs = [each.air for each in lacking if each.lack is Lack.AIR_NOTE]

    assert [each.oxygen_pct for each in airs if each] == ([] if has_note else [16.0])


def test_the_most_air_of_the_gate_counts_like_the_own_step() -> None:
    def air(lel_pct: float) -> OwnFact:
        gas = GasMeasurement(
            purpose=GasPurpose.ENTRY,
            place="VW-031",
            detector_id="GX-7",
            calibration_due_ms=None,
            lel_pct=lel_pct,
        )
        return fact(FactType.GAS_MEASUREMENT, gas_json(gas))

    assert work_record([air(0), air(45)]).lel_pct == 45
    assert work_record([air(45), measured("3"), air(0)]).lel_pct == 45


@pytest.mark.parametrize("medium", Medium)
@pytest.mark.parametrize("result", FindingResult)
def test_what_was_repaired_is_measured_again_whatever_was_found(
    medium: Medium, result: FindingResult
) -> None:
    plans = steps_offered(OrderType.LEAK_CHECK, medium)
    before = [plan.step for plan in plans if plan.step is not SafetyStep.RELIGHT]
    taken = before[: before.index(SafetyStep.REPAIR) + 1]
    record = work_record([done(step, name=step) for step in taken])

    assert steps_missing(result, record, medium=medium) == [
        SafetyStep.REMEASURE,
        SafetyStep.RELIGHT,
    ]


@pytest.mark.parametrize(
    ("order_type", "medium"),
    [
        (OrderType.METER_EXCHANGE, Medium.GAS),
        (OrderType.CONNECTION, Medium.GAS),
        (OrderType.COLD_ROOM, Medium.HEAT),
    ],
)
def test_what_the_form_does_not_ask_the_step_must_have_measured(
    order_type: OrderType, medium: Medium
) -> None:
    missing = steps_missing(FindingResult.OTHER, WorkRecord(), order_type=order_type, medium=medium)

    assert missing == [SafetyStep.MEASURE]


def test_a_leak_of_gas_is_not_closed_over_an_order_without_steps() -> None:
    order = replace(order_of(Medium.GAS), order_type=OrderType.COMM_CHECK)

    def lacks(result: FindingResult, *, has_gas: bool) -> list[Lack]:
        lacking = what_is_lacking(order, result, WorkRecord(), Evidence(has_gas=has_gas))
        return [each.lack for each in lacking]

    assert lacks(FindingResult.LEAK, has_gas=False) == [Lack.GAS_NOT_FOR_THIS]
    assert lacks(FindingResult.OTHER, has_gas=True) == [Lack.GAS_NOT_FOR_THIS]
    assert lacks(FindingResult.OTHER, has_gas=False) == []


@pytest.mark.parametrize(
    ("passed_min", "set_back_min", "is_old"),
    [(40, 20, True), (40, 0, True), (29, 0, False), (29, 20, False)],
)
def test_air_grows_old_though_the_wall_clock_was_set_back(
    passed_min: int,
    set_back_min: int,
    is_old: bool,  # noqa: FBT001 - what is expected
) -> None:
    def clocks(minutes: int, back_min: int = 0) -> DeviceTime:
        wall_ms = NOON_MS + (minutes - back_min) * MINUTE_MS
        return DeviceTime(wall_ms=wall_ms, mono_ms=minutes * MINUTE_MS, boot_id="b", offset_ms=0)

    gas = GasMeasurement(
        purpose=GasPurpose.ENTRY, place="VW-031", detector_id="GX-7", calibration_due_ms=None
    )
    measured_at = replace(fact(FactType.GAS_MEASUREMENT, gas_json(gas)), at=clocks(0))
    now = clocks(passed_min, set_back_min)
    sheet = SiteSheet(
        order_id="o-1",
        document=order_of(Medium.GAS),
        record=work_record([measured_at]),
        typed={},
        detector=GOOD_DETECTOR,
        now_ms=now.wall_ms,
        now=now,
    )

    assert sheet.is_air_old is is_old


def test_a_valve_without_a_keeper_keeps_the_order_open() -> None:
    document = order_of(Medium.WATER)
    closed = isolation_json(IsolationEvent(valve_id="v-1", action=ValveAction.CLOSED))

    lacking = what_is_lacking(
        document,
        FindingResult.NORMAL,
        work_record([fact(FactType.ISOLATION, closed)]),
        Evidence(),
    )

    assert [(each.lack, each.valve_id) for each in lacking] == [(Lack.VALVE_CLOSED, "v-1")]
