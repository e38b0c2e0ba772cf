"""The work order as the tablet sees it: one document with typed fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire_contracts.evidence import Evidence, evidence_json, parse_evidence
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.kinds import FindingResult
from wire_contracts.order_site import OrderSite, order_site_json, parse_order_site
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import Handover, handover_json, parse_handover
from wire_contracts.texts import BilingualText, parse_text, text_json
from wire_contracts.work_order_states import WorkOrderState

ENTITY = "work_order"
"""The entity type of a work order in sync messages."""

FINDING_FORM = "finding@1"
"""The form of the finding that a meter check ends with, as `form_answerset` fact."""


class OrderType(StrEnum):
    """What the crew is asked to do (domain model 2.5).

    The last six are done along the office's checklist of the same purpose.
    """

    LEAK_CHECK = "leak_check"
    METER_CHECK = "meter_check"
    COMM_CHECK = "comm_check"
    NO_SUPPLY = "no_supply"
    COLD_ROOM = "cold_room"
    METER_EXCHANGE = "meter_exchange"
    CONNECTION = "connection"
    AREA_CHECK = "area_check"
    STOP_HEATING = "stop_heating"


class SafetyClass(StrEnum):
    """A goes out at once: gas leak, carbon monoxide, hot-water burst (domain model 2.5)."""

    A = "A"
    B = "B"
    C = "C"


class FactType(StrEnum):
    """The insert-only facts of sync spec 1.1."""

    PATROL_RUN = "patrol_run"
    PATROL_POINT = "patrol_point"
    CHECK_IN = "check_in"
    METER_READING = "meter_reading"
    TIME_ENTRY = "time_entry"
    PART_USED = "part_used"
    PHOTO_REF = "photo_ref"
    SIGNATURE = "signature"
    FORM_ANSWERSET = "form_answerset"
    COMMENT = "comment"
    GAS_MEASUREMENT = "gas_measurement"
    SAFETY_STEP = "safety_step"
    ISOLATION = "isolation"
    LONE_WORKER = "lone_worker"
    HELP_CALL = "help_call"
    VISIT_END = "visit_end"
    HANDOVER = "handover"
    SHIFT_NOTE = "shift_note"
    SAFETY_CHECK = "safety_check"
    ORDER_REQUEST = "order_request"


FIELD_OWNED = frozenset({"diagnosis", "result", "cause"})
"""The crew's word stands; an office value overwritten by it is recorded (sync spec 1.4)."""

APPENDED = frozenset({"note"})
"""Both sides' words are kept, one after the other (RULINGS R18)."""

OFFICE_OWNED = frozenset({"priority", "due_at", "crew_id", "address", "title", "safety_class"})
"""The office's word stands; the crew's is kept as a conflict for a person to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrderDocument:
    """A work order as it travels to the tablet.

    Attributes:
        number: The utility's number, such as `WO-000123`.
        state: Where the work stands.
        order_type: What is asked.
        medium: Heat, gas or water.
        safety_class: A to C.
        priority: 1 (most urgent) to 4.
        title: One line.
        address: Where, without a person's name.
        due_at_utc: Promised time, if any.
        created_at_utc: When it was made.
        meter_id: The meter to look at, if any.
        device_serial: What is printed on that meter.
        alert_id: The alert it came from, if any.
        evidence: Why it was raised.
        instructions: Steps in the order that safety demands.
        crew_id: Who shall do it.
        diagnosis: What the crew saw, in words.
        result: The crew's finding.
        cause: Its structured cause.
        note: Remarks of both sides, appended.
        site: Where it is and what its meter counted lately, None from a server before that.
        handover: What the crew before left half done, if any.
    """

    number: str
    state: WorkOrderState
    order_type: OrderType
    medium: Medium
    safety_class: SafetyClass
    priority: int
    title: BilingualText
    address: str
    created_at_utc: datetime
    due_at_utc: datetime | None = None
    meter_id: str | None = None
    device_serial: str | None = None
    alert_id: str | None = None
    evidence: Evidence | None = None
    instructions: Sequence[BilingualText] = ()
    crew_id: str | None = None
    diagnosis: str = ""
    result: FindingResult | None = None
    cause: str = ""
    note: str = ""
    site: OrderSite | None = None
    handover: Handover | None = None


def order_json(document: WorkOrderDocument) -> JsonObject:
    """Return the document as JSON; absent values are null, `site` and `handover` left out.

    An order of a server before them has the same hash as one that has neither.
    """
    due_at_utc = document.due_at_utc
    instructions: list[JsonValue] = [text_json(step) for step in document.instructions]
    body: dict[str, JsonValue] = {
        "number": document.number,
        "state": str(document.state),
        "order_type": str(document.order_type),
        "medium": str(document.medium),
        "safety_class": str(document.safety_class),
        "priority": document.priority,
        "title": text_json(document.title),
        "address": document.address,
        "created_at": ms_from_utc(document.created_at_utc),
        "due_at": None if due_at_utc is None else ms_from_utc(due_at_utc),
        "meter_id": document.meter_id,
        "device_serial": document.device_serial,
        "alert_id": document.alert_id,
        "evidence": None if document.evidence is None else evidence_json(document.evidence),
        "instructions": instructions,
        "crew_id": document.crew_id,
        "diagnosis": document.diagnosis,
        "result": None if document.result is None else str(document.result),
        "cause": document.cause,
        "note": document.note,
    }
    if document.site is not None:
        body["site"] = order_site_json(document.site)
    if document.handover is not None:
        body["handover"] = handover_json(document.handover)
    return body


def parse_order(reader: FieldReader) -> WorkOrderDocument:
    """Return the document; unknown fields are left alone, a missing one raises ContractError."""
    return WorkOrderDocument(
        number=reader.text("number"),
        state=reader.choice("state", WorkOrderState),
        order_type=reader.choice("order_type", OrderType),
        medium=reader.choice("medium", Medium),
        safety_class=reader.choice("safety_class", SafetyClass),
        priority=reader.integer("priority", low=1, high=4),
        title=parse_text(reader.object("title")),
        address=reader.text("address", longest=400),
        created_at_utc=_time(reader, "created_at"),
        due_at_utc=_time(reader, "due_at") if reader.has("due_at") else None,
        meter_id=reader.text_or_none("meter_id"),
        device_serial=reader.text_or_none("device_serial"),
        alert_id=reader.text_or_none("alert_id"),
        evidence=parse_evidence(reader.object("evidence")) if reader.has("evidence") else None,
        instructions=tuple(
            parse_text(each) for each in reader.objects("instructions", longest=100)
        ),
        crew_id=reader.text_or_none("crew_id"),
        diagnosis=_free_text(reader, "diagnosis"),
        result=reader.choice("result", FindingResult) if reader.has("result") else None,
        cause=_free_text(reader, "cause"),
        note=_free_text(reader, "note"),
        site=parse_order_site(reader.object("site")) if reader.has("site") else None,
        handover=parse_handover(reader.object("handover")) if reader.has("handover") else None,
    )


def _time(reader: FieldReader, key: str) -> datetime:
    return utc_from_ms(reader.integer(key, low=EARLIEST_MS, high=LATEST_MS))


def _free_text(reader: FieldReader, key: str) -> str:
    return reader.text(key, longest=20_000) if reader.values.get(key) else ""
