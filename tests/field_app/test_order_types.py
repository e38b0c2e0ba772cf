"""What each type of order asks for: its steps, their clocks, its checklist."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.forms.finding import FindingAnswers, Problem, find_missing
from field_app.orders.completion import ALONG_A_CHECKLIST, Evidence, Lack, what_is_lacking
from field_app.orders.moments import TimerMoment, moment_of, typed_ms
from field_app.orders.safety_steps import steps_demanded, steps_offered
from field_app.orders.step_timer import timer_at, timer_key
from field_app.orders.work_record import WorkRecord
from field_app.presenters.site_words import air_text
from sync_server.work_orders.instructions import instructions_for
from wire_contracts.findings import causes_for
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import OrderType, SafetyClass, WorkOrderDocument
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import GasMeasurement, GasPurpose, SafetyStep
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderState

MINUTE_MS = 60_000
NOON_MS = 1_795_000_000_000

ORDER = WorkOrderDocument(
    number="WO-1",
    state=WorkOrderState.WORKING,
    order_type=OrderType.COLD_ROOM,
    medium=Medium.HEAT,
    safety_class=SafetyClass.C,
    priority=3,
    title=BilingualText(en="Room too cold", zh="室温不达标"),
    address="12 Lake Street",
    created_at_utc=datetime(2026, 11, 21, 6, tzinfo=UTC),
)


@pytest.mark.parametrize("order_type", OrderType)
@pytest.mark.parametrize("medium", Medium)
def test_what_is_demanded_can_be_done(order_type: OrderType, medium: Medium) -> None:
    offered = list(steps_offered(order_type, medium))

    for result in (None, *FindingResult):
        assert all(plan in offered for plan in steps_demanded(order_type, medium, result))
    assert instructions_for(order_type, medium)


@pytest.mark.parametrize(
    "order_type", [OrderType.AREA_CHECK, OrderType.STOP_HEATING, OrderType.COMM_CHECK]
)
def test_where_no_pipe_is_opened_no_step_is_asked_for(order_type: OrderType) -> None:
    assert steps_offered(order_type, Medium.HEAT) == ()


@pytest.mark.parametrize("medium", Medium)
def test_an_exchanged_meter_was_tested_before_it_runs_again(medium: Medium) -> None:
    demanded = steps_demanded(OrderType.METER_EXCHANGE, medium, FindingResult.INACCURATE)
    nothing_done = steps_demanded(OrderType.METER_EXCHANGE, medium, FindingResult.OTHER)

    assert [plan.step for plan in demanded][-2:] == [SafetyStep.REMEASURE, SafetyStep.RELIGHT]
    assert len(nothing_done) < len(demanded)


def test_a_cold_room_is_measured_whatever_the_reason() -> None:
    demanded = steps_demanded(OrderType.COLD_ROOM, Medium.HEAT, FindingResult.OTHER)

    assert [field.key for plan in demanded for field in plan.fields] == [
        "room_temp_degc",
        "supply_temp_degc",
    ]


@pytest.mark.parametrize("order_type", sorted(ALONG_A_CHECKLIST))
def test_an_open_checklist_keeps_the_order_open(order_type: OrderType) -> None:
    order = replace(ORDER, order_type=order_type)
    evidence = Evidence(open_checklists=("Room too cold",))
    lacking = what_is_lacking(order, FindingResult.OTHER, WorkRecord(), evidence)

    assert [each.checklist for each in lacking if each.lack is Lack.CHECKLIST] == ["Room too cold"]
    assert not what_is_lacking(order, None, WorkRecord(), evidence) or any(
        each.lack is Lack.STEP for each in what_is_lacking(order, None, WorkRecord(), evidence)
    )


def test_a_leak_check_does_not_wait_for_a_checklist() -> None:
    order = replace(ORDER, order_type=OrderType.COMM_CHECK)
    evidence = Evidence(open_checklists=("Meter check",))

    assert what_is_lacking(order, FindingResult.NORMAL, WorkRecord(), evidence) == []


def test_any_order_waits_for_a_checklist_that_the_office_requires() -> None:
    order = replace(ORDER, order_type=OrderType.COMM_CHECK)
    evidence = Evidence(required_checklists=("Seal number",))
    lacking = what_is_lacking(order, FindingResult.NORMAL, WorkRecord(), evidence)

    assert [each.checklist for each in lacking] == ["Seal number"]
    assert what_is_lacking(order, None, WorkRecord(), evidence) == []


def test_values_of_a_checklist_are_not_asked_for_twice() -> None:
    cause = causes_for(Medium.HEAT, FindingResult.NORMAL)[0]
    answers = FindingAnswers(result=FindingResult.NORMAL, cause=cause, note="seen")
    plain = find_missing(Medium.HEAT, answers, OrderType.METER_CHECK)

    assert [each.problem for each in plain] == [Problem.MEASUREMENT_MISSING]
    assert find_missing(Medium.HEAT, answers, OrderType.AREA_CHECK) == ()


def test_a_clock_that_was_not_started_does_not_run() -> None:
    noon, torn = TimerMoment(NOON_MS), {timer_key(SafetyStep.REMEASURE): "soon"}

    assert timer_at({}, SafetyStep.REMEASURE, 10, noon) is None
    assert timer_at(torn, SafetyStep.REMEASURE, 10, noon) is None


@given(
    passed_ms=st.integers(-MINUTE_MS, 60 * MINUTE_MS), wait_min=st.sampled_from([0.0, 5.0, 10.0])
)
def test_a_clock_never_runs_backwards_and_ends_when_the_wait_is_over(
    passed_ms: int, wait_min: float
) -> None:
    typed = {timer_key(SafetyStep.REMEASURE): str(NOON_MS)}
    timer = timer_at(typed, SafetyStep.REMEASURE, wait_min, TimerMoment(NOON_MS + passed_ms))

    assert timer is not None
    assert timer.elapsed_ms >= 0
    assert 0 <= timer.share <= 1
    assert timer.minutes >= 1
    assert (timer.left_ms == 0) == (max(passed_ms, 0) >= wait_min * MINUTE_MS)


@given(
    wall_ms=st.integers(-90 * MINUTE_MS, 90 * MINUTE_MS),
    elapsed_ms=st.integers(0, 90 * MINUTE_MS),
)
def test_a_wait_is_over_only_when_both_clocks_of_the_tablet_say_so(
    wall_ms: int, elapsed_ms: int
) -> None:
    started = TimerMoment(NOON_MS, 5_000, "boot-1")
    typed = {timer_key(SafetyStep.REMEASURE): started.text}
    now = TimerMoment(NOON_MS + wall_ms, 5_000 + elapsed_ms, "boot-1")

    timer = timer_at(typed, SafetyStep.REMEASURE, 10.0, now)

    assert moment_of(started.text) == started
    assert timer is not None
    assert timer.elapsed_ms == max(min(wall_ms, elapsed_ms), 0)
    assert timer_at(typed, SafetyStep.REMEASURE, 10.0, now._replace(boot_id="boot-2")) is None


@given(
    set_by_ms=st.integers(-90 * MINUTE_MS, 90 * MINUTE_MS),
    elapsed_ms=st.integers(0, 90 * MINUTE_MS),
)
def test_a_value_is_as_old_as_the_longer_of_both_clocks_says(
    set_by_ms: int, elapsed_ms: int
) -> None:
    typed = TimerMoment(NOON_MS, 5_000, "boot-1")
    now = TimerMoment(NOON_MS + elapsed_ms + set_by_ms, 5_000 + elapsed_ms, "boot-1")

    at_ms = typed_ms(typed.text, now)

    assert at_ms is not None
    assert now.wall_ms - at_ms == max(elapsed_ms, elapsed_ms + set_by_ms)
    assert typed_ms(typed.text, now._replace(boot_id="boot-2")) == NOON_MS
    assert typed_ms(str(NOON_MS), now) == NOON_MS


def test_gas_in_a_checklist_says_that_not_all_is_well() -> None:
    order = replace(ORDER, order_type=OrderType.LEAK_CHECK, medium=Medium.GAS)
    lacking = what_is_lacking(
        order, FindingResult.NORMAL, WorkRecord(), Evidence(forms_lel_pct=45.0)
    )

    assert [each.lel_pct for each in lacking if each.lack is Lack.GAS_MEASURED] == [45.0]
    assert sum(each.lack is Lack.STEP for each in lacking) == len(SafetyStep)


@pytest.mark.parametrize("medium", [Medium.GAS, Medium.WATER])
@pytest.mark.parametrize(
    ("air", "words"),
    [
        ({"carbon_monoxide_ppm": 300.0}, "CO 300 ppm"),
        ({"oxygen_pct": 16.0, "carbon_monoxide_ppm": 0.0}, "O₂ 16 %, CO 0 ppm"),
        ({"hydrogen_sulphide_ppm": 7.0}, "H₂S 7 ppm"),
        ({"oxygen_pct": 20.9, "carbon_monoxide_ppm": 16.0}, ""),
    ],
)
def test_air_that_nobody_may_breathe_wants_a_word_whatever_was_found(
    medium: Medium, air: dict[str, float], words: str
) -> None:
    gas = GasMeasurement(
        purpose=GasPurpose.ENTRY,
        place="cellar",
        detector_id="GX-7",
        calibration_due_ms=None,
        lel_pct=0.0,
        **air,  # type: ignore[arg-type] # by field name
    )
    record = WorkRecord(gas=[(NOON_MS, gas)])
    order = replace(ORDER, medium=medium)

    def said(evidence: Evidence) -> list[str]:
        lacking = what_is_lacking(order, FindingResult.NORMAL, record, evidence)
        return [air_text(each.air) for each in lacking if each.lack is Lack.AIR_NOTE]

    assert said(Evidence()) == ([words] if words else [])
    assert said(Evidence(has_note=True)) == []
