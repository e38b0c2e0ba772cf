"""One document of each kind of row and fact of protocol 2, frozen as a file."""

from datetime import date
from pathlib import Path

from tests.wire_contracts.test_site_work import (
    END,
    GAS,
    HANDOVER,
    HELP,
    NOON_MS,
    PART,
    PLANE,
    STEP,
    VALVE,
    WATCH,
)
from tests.wire_contracts.wire_samples_v1 import NOON, ORDER_ID
from tests.wire_contracts.wire_samples_v2 import PHOTO
from wire_contracts import site_facts as facts
from wire_contracts.blobs import photo_ref_json
from wire_contracts.enrolment import TabletPerson, person_json
from wire_contracts.evidence import ChartPoint, Evidence, EvidenceNumber
from wire_contracts.forms.answer_sets import AnswerSet, answer_set_json
from wire_contracts.forms.model import parse_model
from wire_contracts.forms.publication import FormState, publication_json
from wire_contracts.kinds import FindingResult
from wire_contracts.network import (
    NetworkPart,
    NetworkPoint,
    Pipe,
    PipeLevel,
    PointKind,
    pipes_json,
    points_json,
)
from wire_contracts.order_site import Count, OrderSite
from wire_contracts.orders import OrderType, SafetyClass, WorkOrderDocument, order_json
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.review_outcomes import Choice, ReviewOutcome, review_outcome_json
from wire_contracts.texts import BilingualText
from wire_contracts.van import AirValue, GasDetector, Van, VanPart, van_json
from wire_contracts.work_order_states import WorkOrderState

FROZEN = Path(__file__).resolve().parent.parent / "data" / "wire" / "rows"
NAME = BilingualText(en="Gasket", zh="垫片")
LIMIT = EvidenceNumber(name=NAME, value=1.5, unit="m3/h", limit=0.2, is_trigger=True)

ORDER = WorkOrderDocument(
    number="WO-000017",
    state=WorkOrderState.WORKING,
    order_type=OrderType.LEAK_CHECK,
    medium=Medium.GAS,
    safety_class=SafetyClass.A,
    priority=1,
    title=NAME,
    address="解放大街 97 号",
    created_at_utc=NOON,
    due_at_utc=NOON,
    meter_id="M-1",
    device_serial="HM-1",
    alert_id="a-1",
    evidence=Evidence(
        sentence=NAME,
        quantity="flow_m3h",
        unit="m3/h",
        rule_from_utc=NOON,
        rule_to_utc=NOON,
        points=(ChartPoint(at_utc=NOON, observed=1.5, expected_low=0.0, expected_high=0.2),),
        numbers=(LIMIT,),
        check_first=(NAME,),
        effects=(LIMIT,),
        against=(LIMIT,),
        flags=(NAME,),
    ),
    instructions=(NAME,),
    crew_id="crew-1",
    diagnosis="found at night",
    result=FindingResult.LEAK,
    cause="joint",
    note="湿 wet",
    site=OrderSite(
        x_m=1240.5,
        y_m=0.0,
        meter_class="household",
        meter_size="G4",
        quantity=Quantity.VOLUME_ACTUAL_M3,
        counts=(Count(at_ms=NOON_MS, value=42.0),),
    ),
    handover=HANDOVER,
)
PIPES = NetworkPart(
    area_id="west",
    plane=PLANE,
    pipes=(
        Pipe(
            pipe_id="p",
            medium=Medium.GAS,
            level=PipeLevel.MEDIUM,
            line_m=((0.0, 0.0), (10.5, -3.2)),
            diameter_mm=160,
            closed_by=("a", "b"),
        ),
    ),
)
POINTS = NetworkPart(
    area_id="west",
    plane=PLANE,
    points=(
        NetworkPoint(
            point_id="a",
            kind=PointKind.VALVE_WELL,
            medium=Medium.GAS,
            level=PipeLevel.LOW,
            x_m=1.0,
            y_m=2.0,
        ),
    ),
)
VAN = Van(
    parts=(
        VanPart(
            part_id="gasket-dn50",
            name=NAME,
            media=frozenset({Medium.GAS, Medium.WATER}),
            unit="pcs",
            quantity=3.5,
            least=2.0,
        ),
    ),
    detectors=(
        GasDetector(
            detector_id="GX-7",
            model="X-am",
            values=frozenset({AirValue.LEL_PCT, AirValue.OXYGEN_PCT}),
            calibrated_until=date(2026, 12, 31),
        ),
    ),
)
ANSWERS = AnswerSet(
    form="trial@1",
    form_sha256="ab" * 32,
    about="household",
    about_id="hh-1",
    answers={"smell": "yes", "rooms[1]/room": "厨房"},
    measured={"lel_pct": 0.5},
)
PERSON = TabletPerson(account_id=ORDER_ID, name="Wang 王", role="crew_member", language="zh_CN")
FORM = parse_model(read_json("form.json", (FROZEN / "form.json").read_bytes()).object("model"))
"""As the office's compiler made it from a workbook with every kind of question."""

REVIEW_OUTCOME = ReviewOutcome(
    op_id="0190c1d2-0000-7000-8000-000000000007",
    entity="work_order",
    entity_id="0190c1d2-0000-7000-8000-000000000017",
    kind="merged",
    choice=Choice.OTHER,
    value="normal",
    reason="看过照片",
    at_ms=1793592000000,
)

FILES: dict[str, bytes] = {
    f"{name}.json": dump_json(document)
    for name, document in {
        "answer_set": answer_set_json(ANSWERS),
        "form": publication_json(FORM, FormState.PUBLISHED, NOON, "ab" * 32),
        "gas_measurement": facts.gas_json(GAS),
        "handover": facts.handover_json(HANDOVER),
        "help_call": facts.help_json(HELP),
        "isolation": facts.isolation_json(VALVE),
        "lone_worker": facts.watch_json(WATCH),
        "network_pipes": pipes_json(PIPES),
        "network_points": points_json(POINTS),
        "part_used": facts.part_json(PART),
        "person": person_json(PERSON),
        "photo": photo_ref_json(PHOTO),
        "review_outcome": review_outcome_json(REVIEW_OUTCOME),
        "safety_step": facts.step_json(STEP),
        "van": van_json(VAN),
        "visit_end": facts.visit_end_json(END),
        "work_order": order_json(ORDER),
    }.items()
}
"""Name of the frozen file to the document as today's code writes it."""
