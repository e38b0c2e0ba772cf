"""What a patrol looks at: checkpoints with limits for their values, and the routes through them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText, parse_text, text_json

CHECKPOINT_ENTITY = "checkpoint"
PLAN_ENTITY = "patrol_plan"

MOST_STOPS = 500
"""Stops of one route: three working days of a patrol (domain model 2.7)."""

WIDEST_RADIUS_M = 1000.0

LONGEST_INTERVAL_S = 400 * 86_400


class CheckpointKind(StrEnum):
    """What stands there (places of a gas, heat or water network)."""

    VALVE_WELL = "valve_well"
    REGULATOR_BOX = "regulator_box"
    PIPELINE = "pipeline"
    SUBSTATION = "substation"
    OTHER = "other"


class Measure(StrEnum):
    """What an inspector measures at a checkpoint; the suffix is the unit."""

    GAS_LEL_PCT = "gas_lel_pct"
    INLET_PRESSURE_KPAG = "inlet_pressure_kpag"
    OUTLET_PRESSURE_KPAG = "outlet_pressure_kpag"
    WELL_WATER_CM = "well_water_cm"


POSSIBLE: Mapping[Measure, tuple[float, float]] = {
    Measure.GAS_LEL_PCT: (0.0, 100.0),
    Measure.INLET_PRESSURE_KPAG: (0.0, 6300.0),
    Measure.OUTLET_PRESSURE_KPAG: (0.0, 1600.0),
    Measure.WELL_WATER_CM: (0.0, 1000.0),
}
"""What an instrument can show at all: % LEL by definition; up to high pressure B 4.0 MPa and the
first level above it (GB 50028 table 6.1.6); a well is no deeper than 10 m."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueLimit:
    """One value to be measured, and between which bounds all is well; None: no bound that side."""

    measure: Measure
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One place of a patrol.

    Attributes:
        tag: What its NFC tag or printed code says; empty when it carries none.
        radius_m: So near counts as being there, on top of the accuracy of the position.
        limits: The values to be measured, in the order in which they are asked.
        recheck_reason: Why it must be looked at again soon, in the office's code; empty: not.
        seen_at_utc: When an inspector made the newest result that is known of it.
    """

    kind: CheckpointKind
    medium: Medium
    name: BilingualText
    address: str
    latitude_deg: float
    longitude_deg: float
    tag: str = ""
    radius_m: float = 30.0
    limits: Sequence[ValueLimit] = ()
    recheck_reason: str = ""
    seen_at_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolPlan:
    """A route that a crew walks again and again.

    Attributes:
        stops: Ids of the checkpoints in the order of the route.
        due_at_utc: When it is to be walked next; None: as the crew sees fit.
        last_done_at_utc: When it was last walked to its end.
    """

    name: BilingualText
    crew_id: str
    stops: Sequence[str]
    interval_s: int
    due_at_utc: datetime | None = None
    last_done_at_utc: datetime | None = None


def checkpoint_json(checkpoint: Checkpoint) -> JsonObject:
    """Return the checkpoint as the document of a row."""
    limits: list[JsonValue] = [
        {"measure": str(limit.measure), "low": limit.low, "high": limit.high}
        for limit in checkpoint.limits
    ]
    seen_at_ms = ms_or_none(checkpoint.seen_at_utc)
    seen: JsonObject = {} if seen_at_ms is None else {"seen_at": seen_at_ms}
    return {
        **seen,
        "kind": str(checkpoint.kind),
        "medium": str(checkpoint.medium),
        "name": text_json(checkpoint.name),
        "address": checkpoint.address,
        "latitude_deg": checkpoint.latitude_deg,
        "longitude_deg": checkpoint.longitude_deg,
        "tag": checkpoint.tag,
        "radius_m": checkpoint.radius_m,
        "limits": limits,
        "recheck_reason": checkpoint.recheck_reason,
    }


def parse_checkpoint(reader: FieldReader) -> Checkpoint:
    """Return the checkpoint; raise ContractError that names the field.

    A measure that this app does not know is left out: a newer office may ask for more.
    """
    return Checkpoint(
        kind=_kind(reader),
        medium=reader.choice("medium", Medium),
        name=parse_text(reader.object("name")),
        address=reader.text_or_empty("address", longest=400),
        latitude_deg=number_in(reader, "latitude_deg", -90.0, 90.0),
        longitude_deg=number_in(reader, "longitude_deg", -180.0, 180.0),
        tag=reader.text_or_empty("tag", longest=200),
        radius_m=number_in(reader, "radius_m", 1.0, WIDEST_RADIUS_M),
        limits=tuple(
            ValueLimit(
                measure=Measure(each.text("measure")),
                low=each.number("low") if each.has("low") else None,
                high=each.number("high") if each.has("high") else None,
            )
            for each in reader.objects("limits", longest=20)
            if each.text("measure") in set(Measure)
        ),
        recheck_reason=reader.text_or_empty("recheck_reason", longest=200),
        seen_at_utc=time_or_none(reader, "seen_at"),
    )


def _kind(reader: FieldReader) -> CheckpointKind:
    kind = reader.text("kind")
    return CheckpointKind(kind) if kind in set(CheckpointKind) else CheckpointKind.OTHER


def plan_json(plan: PatrolPlan) -> JsonObject:
    """Return the route as the document of a row."""
    return {
        "name": text_json(plan.name),
        "crew_id": plan.crew_id,
        "stops": list(plan.stops),
        "interval_s": plan.interval_s,
        "due_at": ms_or_none(plan.due_at_utc),
        "last_done_at": ms_or_none(plan.last_done_at_utc),
    }


def parse_plan(reader: FieldReader) -> PatrolPlan:
    """Return the route; raise ContractError that names the field."""
    return PatrolPlan(
        name=parse_text(reader.object("name")),
        crew_id=reader.text("crew_id", longest=64),
        stops=tuple(str(each) for each in reader.array("stops", longest=MOST_STOPS)),
        interval_s=reader.integer("interval_s", low=0, high=LONGEST_INTERVAL_S),
        due_at_utc=time_or_none(reader, "due_at"),
        last_done_at_utc=time_or_none(reader, "last_done_at"),
    )


def number_in(reader: FieldReader, key: str, low: float, high: float) -> float:
    """Return a required number inside `low..high`; raise ContractError otherwise."""
    value = reader.number(key)
    if not low <= value <= high:
        problem = f"{value} is outside {low}..{high}"
        raise reader.refuse(key, problem, "correct the sender", Code.FIELD_RANGE)
    return value


def ms_or_none(moment_utc: datetime | None) -> int | None:
    """Return milliseconds since 1970, None for none."""
    return None if moment_utc is None else ms_from_utc(moment_utc)


def time_or_none(reader: FieldReader, key: str) -> datetime | None:
    """Return the moment of a field, None when it is absent."""
    if not reader.has(key):
        return None
    return utc_from_ms(reader.integer(key, low=EARLIEST_MS, high=LATEST_MS))
