"""Owns what the demo without a server shows: a handful of made-up orders, places, homes, meters."""

from datetime import datetime, timedelta

from field_app.demo_places import AREA, CORNER, demo_evidence, demo_network, demo_site
from wire_contracts.fields import JsonObject
from wire_contracts.home_checks import (
    HOUSEHOLD_ENTITY,
    CheckItem,
    Hazard,
    Household,
    HouseholdState,
    household_json,
)
from wire_contracts.meter_rounds import METER_ENTITY, PastReading, RoundMeter, round_meter_json
from wire_contracts.network import ENTITY as NETWORK_ENTITY
from wire_contracts.network import LayerPart, pipes_json, points_json
from wire_contracts.orders import ENTITY, OrderType, SafetyClass, WorkOrderDocument, order_json
from wire_contracts.patrols import (
    CHECKPOINT_ENTITY,
    PLAN_ENTITY,
    Checkpoint,
    CheckpointKind,
    Measure,
    PatrolPlan,
    ValueLimit,
    checkpoint_json,
    plan_json,
)
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.van import ENTITY as VAN_ENTITY
from wire_contracts.van import AirValue, GasDetector, Van, VanPart, van_json
from wire_contracts.work_order_states import WorkOrderState

Row = tuple[str, str, JsonObject]
"""Entity, id, document."""

CREW = "demo-crew"
CREW_NAME = "演示班组"
PERSON = "演示人员"

_LATITUDE, _LONGITUDE = CORNER.latitude_deg, CORNER.longitude_deg
_DEGREE_M = 111_195.0

_ORDERS = (
    (Medium.GAS, SafetyClass.A, 1, "Gas smell behind the regulator", "调压箱后有燃气异味"),
    (Medium.WATER, SafetyClass.B, 2, "Flow 8 times the usual", "流量为平时 8 倍"),
    (Medium.HEAT, SafetyClass.C, 3, "Return temperature too high", "回水温度偏高"),
    (Medium.GAS, SafetyClass.C, 3, "Meter may be stuck", "疑似表计卡滞"),
    (Medium.WATER, SafetyClass.C, 4, "Meter is silent", "表计无通讯"),
)

_STEPS = (
    BilingualText(en="Test the air before you open anything.", zh="开箱前先检测空气。"),
    BilingualText(en="Read the meter, wait 5 minutes, read again.", zh="读表，5 分钟后再读一次。"),
)

_PLACES = (
    (CheckpointKind.VALVE_WELL, "Valve well 1", "阀门井 1", 0.0, 0.0),
    (CheckpointKind.REGULATOR_BOX, "Regulator box 2", "调压箱 2", 180.0, 60.0),
    (CheckpointKind.VALVE_WELL, "Valve well 3", "阀门井 3", 320.0, 10.0),
    (CheckpointKind.PIPELINE, "Crossing 4", "穿越段 4", 400.0, 240.0),
    (CheckpointKind.REGULATOR_BOX, "Regulator box 5", "调压箱 5", 210.0, 330.0),
)

_WELL = (
    ValueLimit(measure=Measure.GAS_LEL_PCT, high=1.0),
    ValueLimit(measure=Measure.WELL_WATER_CM, high=20.0),
)
_BOX = (
    ValueLimit(measure=Measure.GAS_LEL_PCT, high=1.0),
    ValueLimit(measure=Measure.OUTLET_PRESSURE_KPAG, low=2.0, high=3.0),
)


def demo_rows(now_utc: datetime) -> list[Row]:
    """Return every row of the demo, its times counted from `now_utc`."""
    network = demo_network()
    ground: list[Row] = [
        (NETWORK_ENTITY, f"{AREA}:{LayerPart.PIPES}", pipes_json(network)),
        (NETWORK_ENTITY, f"{AREA}:{LayerPart.POINTS}", points_json(network)),
    ]
    ground.append((VAN_ENTITY, CREW, van_json(_van(now_utc))))
    return [*ground, *_orders(now_utc), *_patrol(now_utc), *_homes(), *_meters(now_utc)]


_PARTS = (
    ("gasket-dn20", "Gasket DN 20", "DN20 垫片", tuple(Medium), 18, 5),
    ("ball-valve-dn20", "Ball valve DN 20", "DN20 球阀", tuple(Medium), 2, 2),
    ("ptfe-tape", "Sealing tape", "生料带", tuple(Medium), 9, 3),
    ("hose-gas-1m", "Gas hose 1 m", "燃气软管 1 米", (Medium.GAS,), 6, 3),
    ("float-valve", "Float valve", "浮球阀", (Medium.WATER, Medium.HEAT), 3, 1),
    ("seal-wire", "Seal and wire", "铅封及封线", tuple(Medium), 42, 10),
)
_DETECTORS = (
    ("GX-7", "4-gas", frozenset(AirValue), 160),
    ("GX-9", "4-gas", frozenset(AirValue), -3),
)


def _van(now_utc: datetime) -> Van:
    return Van(
        parts=[
            VanPart(
                part_id=part_id,
                name=BilingualText(en=en, zh=zh),
                media=frozenset(media),
                unit="pcs",
                quantity=quantity,
                least=least,
            )
            for part_id, en, zh, media, quantity, least in _PARTS
        ],
        detectors=[
            GasDetector(
                detector_id=detector_id,
                model=model,
                values=values,
                calibrated_until=(now_utc + timedelta(days=days)).date(),
            )
            for detector_id, model, values, days in _DETECTORS
        ],
    )


def _orders(now_utc: datetime) -> list[Row]:
    rows: list[Row] = []
    for number, (medium, safety_class, priority, en, zh) in enumerate(_ORDERS):
        document = WorkOrderDocument(
            number=f"WO-{number + 1:06d}",
            state=WorkOrderState.RELEASED,
            order_type=OrderType.LEAK_CHECK if priority < 3 else OrderType.METER_CHECK,  # noqa: PLR2004 - the last two of four
            medium=medium,
            safety_class=safety_class,
            priority=priority,
            title=BilingualText(en=en, zh=zh),
            address=f"演示路 {8 * number + 6} 号",
            created_at_utc=now_utc - timedelta(hours=1),
            due_at_utc=now_utc + timedelta(hours=1 + 3 * number),
            meter_id=f"DM-{number + 1}",
            device_serial=f"8023112{number}",
            instructions=_STEPS,
            site=demo_site(number, now_utc),
            evidence=demo_evidence(now_utc) if number == 0 else None,
            crew_id=CREW,
        )
        rows.append((ENTITY, f"01900000-0000-7000-8000-{number:012d}", order_json(document)))
    return rows


def _patrol(now_utc: datetime) -> list[Row]:
    rows: list[Row] = []
    for number, (kind, en, zh, north_m, east_m) in enumerate(_PLACES):
        limits = {CheckpointKind.REGULATOR_BOX: _BOX, CheckpointKind.VALVE_WELL: _WELL}
        checkpoint = Checkpoint(
            kind=kind,
            medium=Medium.GAS,
            name=BilingualText(en=en, zh=zh),
            address=f"演示路 {10 * number + 1} 号",
            latitude_deg=_LATITUDE + north_m / _DEGREE_M,
            longitude_deg=_LONGITUDE + east_m / _DEGREE_M,
            tag=str(1001 + number),
            limits=limits.get(kind, ()),
        )
        rows.append((CHECKPOINT_ENTITY, f"cp-{number}", checkpoint_json(checkpoint)))
    plan = PatrolPlan(
        name=BilingualText(en="Demo ring", zh="演示环线"),
        crew_id=CREW,
        stops=tuple(f"cp-{number}" for number in range(len(_PLACES))),
        interval_s=604_800,
        due_at_utc=now_utc + timedelta(hours=4),
    )
    return [*rows, (PLAN_ENTITY, "plan-1", plan_json(plan))]


def _homes() -> list[Row]:
    old = Hazard(item=CheckItem.HOSE, severity=2)
    return [
        (
            HOUSEHOLD_ENTITY,
            f"hh-{number}",
            household_json(
                Household(
                    community="演示小区",
                    building="1",
                    room=f"1-{101 + number}",
                    address=f"演示小区 1 栋 1 单元 {101 + number} 室",
                    meter_id=f"HM-{number}",
                    device_serial=f"9023112{number}",
                    state=HouseholdState.DUE,
                    hazards=(old,) if number == 1 else (),
                )
            ),
        )
        for number in range(6)
    ]


def _meters(now_utc: datetime) -> list[Row]:
    rows: list[Row] = []
    for number in range(6):
        readings = tuple(
            PastReading(
                at_utc=now_utc - timedelta(days=30 * (3 - month)),
                value=1200.0 + 37 * number + 30.0 * month,
            )
            for month in range(3)
        )
        meter = RoundMeter(
            building="1",
            place=f"1-{101 + number}",
            address="演示小区 1 栋",
            device_serial=f"9023112{number}",
            medium=Medium.GAS,
            unit="m³",
            digits=5,
            decimals=3,
            readings=readings,
        )
        rows.append((METER_ENTITY, f"HM-{number}", round_meter_json(meter)))
    return rows
