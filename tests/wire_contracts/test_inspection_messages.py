"""Patrols, home checks and meter rounds say on both sides what was meant."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.home_checks import (
    CheckItem,
    Hazard,
    Household,
    HouseholdState,
    NoticeOutcome,
    SafetyCheck,
    household_json,
    parse_household,
    parse_safety_check,
    safety_check_json,
)
from wire_contracts.meter_rounds import (
    Exchange,
    PastReading,
    RoundMeter,
    RoundReading,
    parse_round_meter,
    parse_round_reading,
    round_meter_json,
    round_reading_json,
)
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.patrol_facts import (
    BegunPoint,
    CheckIn,
    CheckInWay,
    Defect,
    OrderRequest,
    PatrolPoint,
    PatrolRun,
    PointOutcome,
    RunPhase,
    SeenFix,
    WellEntry,
    check_in_json,
    order_request_json,
    parse_check_in,
    parse_order_request,
    parse_point,
    parse_run,
    point_json,
    run_json,
)
from wire_contracts.patrols import (
    POSSIBLE,
    Checkpoint,
    CheckpointKind,
    Measure,
    PatrolPlan,
    ValueLimit,
    checkpoint_json,
    parse_checkpoint,
    parse_plan,
    plan_json,
)
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

T = TypeVar("T")

AT_UTC = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
RUN = "01900000-0000-7000-8000-000000000001"
NAME = BilingualText(en="Valve well 31", zh="31 号阀门井")
GOLDEN = Path(__file__).resolve().parent.parent / "data" / "wire" / "inspections.json"

CHECKPOINT = Checkpoint(
    kind=CheckpointKind.VALVE_WELL,
    medium=Medium.GAS,
    name=NAME,
    address="解放大街 97 号",
    latitude_deg=36.651,
    longitude_deg=117.12,
    tag="04a2b3",
    radius_m=25.0,
    limits=(
        ValueLimit(measure=Measure.GAS_LEL_PCT, high=1.0),
        ValueLimit(measure=Measure.WELL_WATER_CM, high=20.0),
    ),
    recheck_reason="missed",
)
PLAN = PatrolPlan(
    name=NAME,
    crew_id="crew-patrol-1",
    stops=("vw-031", "rb-114"),
    interval_s=604_800,
    due_at_utc=AT_UTC,
    last_done_at_utc=AT_UTC - timedelta(days=7),
)
CHECK_IN = CheckIn(
    run_id=RUN,
    plan_id="plan-1",
    checkpoint_id="vw-031",
    way=CheckInWay.GEOFENCE,
    fix=SeenFix(latitude_deg=36.65, longitude_deg=117.12, accuracy_m=6.0, is_mock=True),
    distance_m=12.5,
    is_tag_unreadable=True,
)
POINT = PatrolPoint(
    run_id=RUN,
    plan_id=None,
    checkpoint_id="vw-031",
    outcome=PointOutcome.DEFECT,
    values={Measure.GAS_LEL_PCT: 22.0},
    beyond=(Measure.GAS_LEL_PCT,),
    defect=Defect(severity=1, note="gas in the well", order_id=RUN),
    note="cover lifted",
    entry=WellEntry.STAYED_OUTSIDE,
)
ENDED = PatrolRun(
    run_id=RUN,
    plan_id="plan-1",
    phase=RunPhase.SUBMITTED,
    stops=("vw-031", "rb-114"),
    skipped=("rb-114",),
    track="abc",
    track_m=812.5,
)
BEGUN = BegunPoint(
    checkpoint_id="vw-031",
    author="li-wei",
    at_ms=1_793_592_000_000,
    severity=2,
    note="cover is loose",
    values={Measure.GAS_LEL_PCT: "> 10", Measure.WELL_WATER_CM: "3"},
    beyond=(Measure.GAS_LEL_PCT,),
)
REQUEST = OrderRequest(
    order_id=RUN,
    order_type=OrderType.LEAK_CHECK,
    medium=Medium.GAS,
    safety_class=SafetyClass.A,
    title=NAME,
    address="解放大街 97 号",
    note="gas in the well",
    about="vw-031",
)
HAZARD = Hazard(item=CheckItem.HOSE, severity=2, note="cracked", due_at_utc=AT_UTC)
HOUSEHOLD = Household(
    community="滨河花园",
    building="12",
    room="3-902",
    address="滨河花园 12 栋 3 单元 902 室",
    meter_id="HH-000001",
    device_serial="80231122",
    state=HouseholdState.HAZARD,
    no_access_count=2,
    checked_at_utc=AT_UTC,
    hazards=(HAZARD,),
)
CHECK = SafetyCheck(
    household_id="hh-1",
    is_no_access=False,
    answers=dict.fromkeys(CheckItem, True) | {CheckItem.HOSE: False},
    hazards=(HAZARD,),
    notice=NoticeOutcome.SIGNED,
    signature_sha256="0" * 64,
    seconds=71.5,
)
METER = RoundMeter(
    building="12",
    place="3-902",
    address="滨河花园 12 栋",
    device_serial="80231122",
    medium=Medium.GAS,
    unit="m³",
    digits=5,
    decimals=3,
    readings=(PastReading(at_utc=AT_UTC, value=99_950.0),),
    exchange=Exchange(at_utc=AT_UTC, final=99_990.0, initial=0.5),
)
READING = RoundReading(
    meter_id="HH-000001", value=12.5, is_confirmed=True, doubt="rolled_over", reason="seen"
)


def again(parse: Callable[[FieldReader], T], body: JsonObject) -> T:
    return parse(FieldReader(place="test", values=json.loads(json.dumps(body))))


def test_what_is_said_is_what_is_heard() -> None:
    assert again(parse_checkpoint, checkpoint_json(CHECKPOINT)) == CHECKPOINT
    seen = replace(CHECKPOINT, seen_at_utc=AT_UTC)
    assert again(parse_checkpoint, checkpoint_json(seen)) == seen
    assert again(parse_plan, plan_json(PLAN)) == PLAN
    assert again(parse_check_in, check_in_json(CHECK_IN)) == CHECK_IN
    assert again(parse_point, point_json(POINT)) == POINT
    assert again(parse_run, run_json(ENDED)) == ENDED
    with_begun = replace(ENDED, begun=(BEGUN, replace(BEGUN, severity=None, values={})))
    assert again(parse_run, run_json(with_begun)) == with_begun
    assert "begun" not in run_json(ENDED)
    assert again(parse_order_request, order_request_json(REQUEST)) == REQUEST
    assert again(parse_household, household_json(HOUSEHOLD)) == HOUSEHOLD
    assert again(parse_safety_check, safety_check_json(CHECK)) == CHECK
    taken_back = replace(CHECK, taken_back={CheckItem.HOSE: "a new hose"})
    assert again(parse_safety_check, safety_check_json(taken_back)) == taken_back
    assert "taken_back" not in safety_check_json(CHECK)
    assert again(parse_round_meter, round_meter_json(METER)) == METER
    assert again(parse_round_reading, round_reading_json(READING)) == READING
    sized = replace(METER, permanent_flow_m3h=4.0)
    assert again(parse_round_meter, round_meter_json(sized)) == sized


def test_the_messages_are_those_that_were_released() -> None:
    now = {
        "checkpoint": checkpoint_json(CHECKPOINT),
        "patrol_plan": plan_json(PLAN),
        "check_in": check_in_json(CHECK_IN),
        "patrol_point": point_json(POINT),
        "patrol_run": run_json(ENDED),
        "order_request": order_request_json(REQUEST),
        "household": household_json(HOUSEHOLD),
        "safety_check": safety_check_json(CHECK),
        "round_meter": round_meter_json(METER),
        "meter_reading": round_reading_json(READING),
    }

    assert now == json.loads(GOLDEN.read_text("utf-8"))


def test_a_newer_office_may_ask_for_what_this_app_does_not_know() -> None:
    body = checkpoint_json(CHECKPOINT)
    limits: list[JsonValue] = [
        {"measure": "radon_bq", "low": None, "high": 100},
        {"measure": "gas_lel_pct"},
    ]
    newer: JsonObject = {**body, "kind": "drone_pad", "limits": limits, "colour": "red"}

    checkpoint = again(parse_checkpoint, newer)

    assert checkpoint.kind is CheckpointKind.OTHER
    assert checkpoint.limits == (ValueLimit(measure=Measure.GAS_LEL_PCT),)


@pytest.mark.parametrize(
    ("parse", "body", "field"),
    [
        (parse_checkpoint, {**checkpoint_json(CHECKPOINT), "latitude_deg": 91}, "latitude_deg"),
        (parse_point, {**point_json(POINT), "values": {"gas_lel_pct": 101}}, "values.gas_lel_pct"),
        (parse_point, {**point_json(POINT), "defect": {"severity": 4}}, "defect.severity"),
        (parse_point, {**point_json(POINT), "entry": "half"}, "entry"),
        (parse_order_request, {**order_request_json(REQUEST), "safety_class": "Z"}, "safety_class"),
        (parse_round_reading, {**round_reading_json(READING), "value": -1}, "value"),
        (parse_safety_check, {**safety_check_json(CHECK), "answers": {"hose": 1}}, "answers.hose"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    parse: Callable[[FieldReader], object], body: JsonObject, field: str
) -> None:
    with pytest.raises(ContractError) as refused:
        again(parse, body)

    assert refused.value.field == field


@given(
    st.dictionaries(
        st.sampled_from(list(Measure)), st.floats(min_value=0, max_value=100), max_size=4
    )
)
def test_any_possible_value_survives(values: dict[Measure, float]) -> None:
    point = PatrolPoint(
        run_id=RUN, plan_id=None, checkpoint_id="x", outcome=PointOutcome.OK, values=values
    )

    assert all(low <= 100 <= high for low, high in POSSIBLE.values())
    assert again(parse_point, point_json(point)) == point
    assert "entry" not in point_json(point), "as an older tablet tells it"
