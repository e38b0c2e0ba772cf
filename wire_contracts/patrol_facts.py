"""What an inspector did on a patrol, as facts: being there, what was found, how the run ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import LATEST_MS
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.patrols import MOST_STOPS, POSSIBLE, Measure, number_in
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText, parse_text, text_json

LONGEST_TRACK = 16 * 1024
"""Characters of a run's track: about 2,500 points, far more than a day needs after the filter."""

LONGEST_NOTE = 4000

LONGEST_BEGUN = 500
"""Characters of words that nobody kept: a run tells those of up to `MOST_BEGUN` stops and people at
once, and all of it together stays far below the most that a push may hold."""

LONGEST_VALUE = 40
MOST_BEGUN = 60


class CheckInWay(StrEnum):
    """How being there was shown, the strongest proof first."""

    NFC = "nfc"
    QR = "qr"
    TYPED = "typed"
    GEOFENCE = "geofence"
    BY_HAND = "by_hand"


class PointOutcome(StrEnum):
    """How a checkpoint was left (domain model 2.7)."""

    OK = "ok"
    DEFECT = "defect"
    NOT_REACHABLE = "not_reachable"
    SKIPPED = "skipped"


class WellEntry(StrEnum):
    """Whether anybody went into what people climb down into or shut behind them."""

    STAYED_OUTSIDE = "stayed_outside"
    WENT_IN = "went_in"


class RunPhase(StrEnum):
    """Where a run stands."""

    STARTED = "started"
    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFix:
    """The position at a check-in; `is_mock`: the tablet says that another app made it up."""

    latitude_deg: float
    longitude_deg: float
    accuracy_m: float
    is_mock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """An inspector was at a checkpoint.

    Attributes:
        run_id: UUIDv7 of the run, made on the tablet.
        plan_id: The route, None on an ad-hoc one.
        tag: What was read or typed; empty for the other ways.
        fix: Where the tablet was, None when it did not know.
        distance_m: From the checkpoint, None without a fix.
        is_tag_unreadable: There is a tag, and it could not be read.
    """

    run_id: str
    plan_id: str | None
    checkpoint_id: str
    way: CheckInWay
    tag: str = ""
    fix: SeenFix | None = None
    distance_m: float | None = None
    is_tag_unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """Something is wrong there; severity 1 endangers people and becomes an order at once.

    `order_id` is the order that the tablet has asked for, None when it asked for none.
    """

    severity: int
    note: str
    order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolPoint:
    """What was found at a checkpoint; a later one of the same run supersedes it.

    Attributes:
        values: What was measured.
        beyond: Which of them lie outside their limits.
        reason: Why it was skipped or could not be reached.
        entry: Whether anybody went in, None where nobody asked.
    """

    run_id: str
    plan_id: str | None
    checkpoint_id: str
    outcome: PointOutcome
    values: Mapping[Measure, float] = field(default_factory=dict)
    beyond: Sequence[Measure] = ()
    defect: Defect | None = None
    reason: str = ""
    note: str = ""
    entry: WellEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunPoint:
    """What somebody typed at a stop and nobody kept before the run ended.

    Attributes:
        author: The account of whoever typed it.
        at_ms: When the last of it was typed, ms since 1970 UTC by the server's clock as far as the
            tablet knew it.
        severity: Of the defect that was chosen, None without one.
        note: The words.
        values: What was typed for each value, as it was typed: it may be no number.
        beyond: Which of them lie outside their limits, or are no number.
    """

    checkpoint_id: str
    author: str
    at_ms: int
    severity: int | None = None
    note: str = ""
    values: Mapping[Measure, str] = field(default_factory=dict)
    beyond: Sequence[Measure] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolRun:
    """A run began, or ended with what was left out said openly.

    Attributes:
        stops: The checkpoints of this run, in the order of the route.
        skipped: Those that were skipped or not reachable, with a reason each.
        missed: Those that nobody said anything about.
        begun: What was typed at stops and kept by nobody.
        track: The way walked, thinned; see `field_app.patrols.track`.
        track_m: Its length before it was thinned.
    """

    run_id: str
    plan_id: str | None
    phase: RunPhase
    stops: Sequence[str] = ()
    skipped: Sequence[str] = ()
    missed: Sequence[str] = ()
    begun: Sequence[BegunPoint] = ()
    track: str = ""
    track_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order that the field makes: released at once under the id that the tablet drew.

    Attributes:
        order_id: UUIDv7 drawn on the tablet, so that its own words may name the order offline.
        about: What it is about, such as the id of a checkpoint or a household.
    """

    order_id: str
    order_type: OrderType
    medium: Medium
    safety_class: SafetyClass
    title: BilingualText
    address: str
    note: str
    about: str


def check_in_json(check_in: CheckIn) -> JsonObject:
    """Return the check-in as the payload of a `check_in` fact."""
    fix = check_in.fix
    return {
        "run_id": check_in.run_id,
        "plan_id": check_in.plan_id,
        "checkpoint_id": check_in.checkpoint_id,
        "way": str(check_in.way),
        "tag": check_in.tag[:LONGEST_NOTE],
        "fix": None if fix is None else _fix_json(fix),
        "distance_m": check_in.distance_m,
        "is_tag_unreadable": check_in.is_tag_unreadable,
    }


def _fix_json(fix: SeenFix) -> JsonObject:
    return {
        "latitude_deg": fix.latitude_deg,
        "longitude_deg": fix.longitude_deg,
        "accuracy_m": fix.accuracy_m,
        "is_mock": fix.is_mock,
    }


def parse_check_in(reader: FieldReader) -> CheckIn:
    """Return the check-in; raise ContractError that names the field."""
    return CheckIn(
        run_id=reader.text("run_id", longest=64),
        plan_id=reader.text_or_none("plan_id", longest=64),
        checkpoint_id=reader.text("checkpoint_id", longest=64),
        way=reader.choice("way", CheckInWay),
        tag=reader.text_or_empty("tag", longest=LONGEST_NOTE),
        fix=_parse_fix(reader.object("fix")) if reader.has("fix") else None,
        distance_m=reader.number("distance_m") if reader.has("distance_m") else None,
        is_tag_unreadable=reader.boolean("is_tag_unreadable"),
    )


def _parse_fix(reader: FieldReader) -> SeenFix:
    return SeenFix(
        latitude_deg=number_in(reader, "latitude_deg", -90.0, 90.0),
        longitude_deg=number_in(reader, "longitude_deg", -180.0, 180.0),
        accuracy_m=number_in(reader, "accuracy_m", 0.0, 1e7),
        is_mock=reader.boolean("is_mock"),
    )


def point_json(point: PatrolPoint) -> JsonObject:
    """Return the result as the payload of a `patrol_point` fact."""
    defect = point.defect
    entry: JsonObject = {} if point.entry is None else {"entry": str(point.entry)}
    return {
        "run_id": point.run_id,
        "plan_id": point.plan_id,
        "checkpoint_id": point.checkpoint_id,
        "outcome": str(point.outcome),
        "values": {str(measure): value for measure, value in point.values.items()},
        "beyond": [str(measure) for measure in point.beyond],
        "defect": None
        if defect is None
        else {
            "severity": defect.severity,
            "note": defect.note[:LONGEST_NOTE],
            "order_id": defect.order_id,
        },
        "reason": point.reason[:LONGEST_NOTE],
        "note": point.note[:LONGEST_NOTE],
        **entry,
    }


def parse_point(reader: FieldReader) -> PatrolPoint:
    """Return the result; raise ContractError that names the field."""
    values = reader.object_or_empty("values")
    return PatrolPoint(
        run_id=reader.text("run_id", longest=64),
        plan_id=reader.text_or_none("plan_id", longest=64),
        checkpoint_id=reader.text("checkpoint_id", longest=64),
        outcome=reader.choice("outcome", PointOutcome),
        values={
            measure: number_in(values, str(measure), *POSSIBLE[measure])
            for measure in Measure
            if values.has(str(measure))
        },
        beyond=_measures(reader, "beyond"),
        defect=_parse_defect(reader.object("defect")) if reader.has("defect") else None,
        reason=reader.text_or_empty("reason", longest=LONGEST_NOTE),
        note=reader.text_or_empty("note", longest=LONGEST_NOTE),
        entry=reader.choice("entry", WellEntry) if reader.has("entry") else None,
    )


def _parse_defect(reader: FieldReader) -> Defect:
    return Defect(
        severity=reader.integer("severity", low=1, high=3),
        note=reader.text_or_empty("note", longest=LONGEST_NOTE),
        order_id=reader.text_or_none("order_id", longest=64),
    )


def run_json(run: PatrolRun) -> JsonObject:
    """Return the run as the payload of a `patrol_run` fact."""
    begun: JsonObject = {"begun": list(map(_begun_json, run.begun))} if run.begun else {}
    return {
        "run_id": run.run_id,
        "plan_id": run.plan_id,
        "phase": str(run.phase),
        "stops": list(run.stops),
        "skipped": list(run.skipped),
        "missed": list(run.missed),
        "track": run.track,
        "track_m": run.track_m,
        **begun,
    }


def _begun_json(point: BegunPoint) -> JsonObject:
    return {
        "checkpoint_id": point.checkpoint_id,
        "author": point.author,
        "at": point.at_ms,
        "severity": point.severity,
        "note": point.note[:LONGEST_BEGUN],
        "values": {str(measure): text[:LONGEST_VALUE] for measure, text in point.values.items()},
        "beyond": [str(measure) for measure in point.beyond],
    }


def parse_run(reader: FieldReader) -> PatrolRun:
    """Return the run; raise ContractError that names the field."""
    return PatrolRun(
        run_id=reader.text("run_id", longest=64),
        plan_id=reader.text_or_none("plan_id", longest=64),
        phase=reader.choice("phase", RunPhase),
        stops=_ids(reader, "stops"),
        skipped=_ids(reader, "skipped"),
        missed=_ids(reader, "missed"),
        begun=tuple(map(_parse_begun, _begun_of(reader))),
        track=reader.text("track", longest=LONGEST_TRACK) if reader.values.get("track") else "",
        track_m=number_in(reader, "track_m", 0.0, 1e7),
    )


def _begun_of(reader: FieldReader) -> list[FieldReader]:
    return reader.objects("begun", longest=MOST_BEGUN) if reader.has("begun") else []


def _parse_begun(reader: FieldReader) -> BegunPoint:
    values = reader.object_or_empty("values")
    return BegunPoint(
        checkpoint_id=reader.text("checkpoint_id", longest=64),
        author=reader.text("author", longest=64),
        at_ms=reader.integer("at", low=0, high=LATEST_MS),
        severity=reader.integer("severity", low=1, high=3) if reader.has("severity") else None,
        note=reader.text_or_empty("note", longest=LONGEST_BEGUN),
        values={
            measure: values.text(str(measure), longest=LONGEST_VALUE)
            for measure in Measure
            if values.has(str(measure))
        },
        beyond=_measures(reader, "beyond"),
    )


def _measures(reader: FieldReader, key: str) -> tuple[Measure, ...]:
    known = set(Measure)
    return tuple(Measure(str(each)) for each in reader.array(key, longest=20) if str(each) in known)


def order_request_json(request: OrderRequest) -> JsonObject:
    """Return the request as the payload of an `order_request` fact."""
    return {
        "order_id": request.order_id,
        "order_type": str(request.order_type),
        "medium": str(request.medium),
        "safety_class": str(request.safety_class),
        "title": text_json(request.title),
        "address": request.address,
        "note": request.note[:LONGEST_NOTE],
        "about": request.about,
    }


def parse_order_request(reader: FieldReader) -> OrderRequest:
    """Return the request; raise ContractError that names the field."""
    return OrderRequest(
        order_id=reader.text("order_id", longest=36),
        order_type=reader.choice("order_type", OrderType),
        medium=reader.choice("medium", Medium),
        safety_class=reader.choice("safety_class", SafetyClass),
        title=parse_text(reader.object("title")),
        address=reader.text_or_empty("address", longest=LONGEST_NOTE)[:400],
        note=reader.text_or_empty("note", longest=LONGEST_NOTE),
        about=reader.text_or_empty("about", longest=LONGEST_NOTE),
    )


def _ids(reader: FieldReader, key: str) -> tuple[str, ...]:
    values: Sequence[JsonValue] = reader.array(key, longest=MOST_STOPS)
    return tuple(str(each) for each in values)
