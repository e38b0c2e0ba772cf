"""What a crew does on site, as facts: gas measured, valves closed, steps taken, danger, hand-over.

The payload of each fact is one of these values as JSON, with `order_id` where it belongs to an
order; the type of the fact (`wire_contracts.orders.FactType`) says which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS

_LONGEST_ID = 64
_LONGEST_NAME = 200
_LONGEST_TEXT = 4000
_MOST_STEPS = 40
_MOST_VALVES = 200
_MOST_VALUES = 40


class SafetyStep(StrEnum):
    """The order that safety demands; not every order asks for every step."""

    ISOLATE = "isolate"
    VENTILATE = "ventilate"
    MEASURE = "measure"
    REPAIR = "repair"
    REMEASURE = "remeasure"
    RELIGHT = "relight"


class GasPurpose(StrEnum):
    """Why the air was measured."""

    ENTRY = "entry"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class GasMeasurement:
    """What a detector showed; a value it does not have is None, never zero.

    Attributes:
        detector_id: Which detector; its calibration was good until `calibration_due_ms`.
        is_entry_allowed: What the app said to whoever wanted to go in; None when nobody did.
        measured_at_ms: When the oldest of the values was typed, by the tablet's wall clock; None:
            with the tap that kept them.
        run_id: The run of a patrol that this belongs to, empty at an order.
        checkpoint_id: The stop of that run whose air it was, empty at an order.
    """

    purpose: GasPurpose
    place: str
    detector_id: str
    calibration_due_ms: int | None
    lel_pct: float | None = None
    oxygen_pct: float | None = None
    carbon_monoxide_ppm: float | None = None
    hydrogen_sulphide_ppm: float | None = None
    is_entry_allowed: bool | None = None
    measured_at_ms: int | None = None
    run_id: str = ""
    checkpoint_id: str = ""


class ValveAction(StrEnum):
    """What was done to a valve; `named`: it stays closed, and who may open it is told later."""

    CLOSED = "closed"
    NAMED = "named"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolationEvent:
    """A valve was closed or opened again; who did it is the actor of the operation.

    Attributes:
        may_reopen: Who may open it again, as the crew wrote it on the tag.
        tag_number: The number of the tag that hangs on it, empty without one.
        word_from: Who gave the word to open it, as whoever opened it says.
    """

    valve_id: str
    action: ValveAction
    may_reopen: str = ""
    tag_number: str = ""
    word_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """One step with its values; `is_undone` takes it back (the fact supersedes the former one).

    `is_unsafe`: it was tried and its values were not safe, so that it is not done (`is_undone`
    says that to readers from before); the values are kept for whoever asks what was measured.
    `measured_at_ms` is when its air was measured, by the tablet's wall clock; None: with the tap.
    """

    step: SafetyStep
    values: Mapping[str, JsonValue]
    is_undone: bool = False
    is_unsafe: bool = False
    measured_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartUsed:
    """Material taken from the van."""

    part_id: str
    name: str
    quantity: float
    unit: str


class WatchEvent(StrEnum):
    """What happened to the watch over somebody who works alone."""

    STARTED = "started"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    OVERDUE = "overdue"
    ESCALATED = "escalated"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneWorkerEvent:
    """One event of the watch; `due_ms` is when the person must answer next, None at its end."""

    event: WatchEvent
    person: str
    due_ms: int | None
    place: str = ""


class HelpReason(StrEnum):
    """Why help is wanted."""

    INJURY = "injury"
    GAS = "gas"
    FIRE = "fire"
    THREAT = "threat"
    CREW = "crew"


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpCall:
    """Somebody calls for help; degrees in WGS 84, None where the tablet does not know."""

    reason: HelpReason
    place: str
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    is_over: bool = False


class VisitEndReason(StrEnum):
    """Why a visit ended without a finding."""

    NOBODY_HOME = "nobody_home"
    REFUSED = "refused"
    LOCKED = "locked"
    DANGEROUS = "dangerous"
    PARTS_MISSING = "parts_missing"
    OTHER_TRADE = "other_trade"
    NEEDS_SHUTDOWN = "needs_shutdown"
    WEATHER = "weather"
    HANDED_OVER = "handed_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEnd:
    """Why the crew left without finishing.

    Attributes:
        notice: The number of the notice that was left, empty without one.
        appointment_ms: When the crew, or another one, is expected next.
    """

    reason: VisitEndReason
    note: str = ""
    notice: str = ""
    appointment_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneStep:
    """One step as the next crew must know it."""

    step: SafetyStep
    at_ms: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedValve:
    """One valve that is still closed."""

    valve_id: str
    at_ms: int
    by: str
    may_reopen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedValve:
    """A valve of which the newest word is that it is open; `fact_id` is that word."""

    valve_id: str
    at_ms: int
    fact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FallenStep:
    """A step that does not stand any more: `fact_id` took it back, or opened its valve."""

    step: SafetyStep
    at_ms: int
    fact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A half-done order, given to whoever comes next.

    `lel_pct` is the most gas that was measured there, by this crew and those before; None: nobody
    measured any. One of the moment `SO_FAR_MS` is no hand-over: it is what the tablets of the crew
    at work have told so far, for each other. `opened` and `fallen` are what the server has heard
    last of valves and lasting steps that do not stand: a tablet's own former word gives way.
    """

    note: str
    by: str
    at_ms: int
    lel_pct: float | None = None
    steps: Sequence[DoneStep] = ()
    valves: Sequence[ClosedValve] = ()
    opened: Sequence[OpenedValve] = ()
    fallen: Sequence[FallenStep] = ()

    @property
    def is_so_far(self) -> bool:
        """Return whether it stands for nothing that a tablet says: it is only what others told."""
        return self.at_ms == SO_FAR_MS


SO_FAR_MS: Final = EARLIEST_MS
"""The moment of a hand-over that nobody wrote: every word of a tablet is newer than it."""


def gas_json(gas: GasMeasurement) -> JsonObject:
    """Return a measurement as JSON; what was not measured is null."""
    told: dict[str, JsonValue] = {
        "purpose": str(gas.purpose),
        "place": _cut(gas.place),
        "detector_id": _cut(gas.detector_id, _LONGEST_ID),
        "calibration_due": gas.calibration_due_ms,
        "lel_pct": gas.lel_pct,
        "oxygen_pct": gas.oxygen_pct,
        "carbon_monoxide_ppm": gas.carbon_monoxide_ppm,
        "hydrogen_sulphide_ppm": gas.hydrogen_sulphide_ppm,
        "is_entry_allowed": gas.is_entry_allowed,
    }
    if gas.measured_at_ms is not None:
        told["measured_at"] = gas.measured_at_ms
    if gas.checkpoint_id:
        told["run_id"], told["checkpoint_id"] = gas.run_id, gas.checkpoint_id
    return told


def parse_gas(reader: FieldReader) -> GasMeasurement:
    """Return a measurement; raise ContractError that names the field."""
    return GasMeasurement(
        purpose=reader.choice("purpose", GasPurpose),
        place=_text(reader, "place"),
        detector_id=_text(reader, "detector_id"),
        calibration_due_ms=_time(reader, "calibration_due"),
        lel_pct=_number(reader, "lel_pct"),
        oxygen_pct=_number(reader, "oxygen_pct"),
        carbon_monoxide_ppm=_number(reader, "carbon_monoxide_ppm"),
        hydrogen_sulphide_ppm=_number(reader, "hydrogen_sulphide_ppm"),
        is_entry_allowed=reader.boolean("is_entry_allowed")
        if reader.has("is_entry_allowed")
        else None,
        measured_at_ms=_time(reader, "measured_at"),
        run_id=_text(reader, "run_id", _LONGEST_ID),
        checkpoint_id=_text(reader, "checkpoint_id", _LONGEST_ID),
    )


def isolation_json(event: IsolationEvent) -> JsonObject:
    """Return what was done to a valve as JSON."""
    told: JsonObject = {
        "valve_id": _cut(event.valve_id, _LONGEST_ID),
        "action": str(event.action),
        "may_reopen": _cut(event.may_reopen),
        "tag_number": _cut(event.tag_number, _LONGEST_ID),
    }
    return {**told, "word_from": _cut(event.word_from)} if event.word_from else told


def parse_isolation(reader: FieldReader) -> IsolationEvent:
    """Return what was done to a valve; raise ContractError that names the field."""
    return IsolationEvent(
        valve_id=_name(reader, "valve_id"),
        action=reader.choice("action", ValveAction),
        may_reopen=_text(reader, "may_reopen"),
        tag_number=_text(reader, "tag_number"),
        word_from=_text(reader, "word_from"),
    )


def step_json(done: StepDone) -> JsonObject:
    """Return one step as JSON."""
    told: dict[str, JsonValue] = {
        "step": str(done.step),
        "values": dict(done.values),
        "is_undone": done.is_undone,
    }
    if done.is_unsafe:
        told["is_unsafe"] = True
    if done.measured_at_ms is not None:
        told["measured_at"] = done.measured_at_ms
    return told


def parse_step(reader: FieldReader) -> StepDone:
    """Return one step; raise ContractError that names the field."""
    values = reader.object_or_empty("values").values
    return StepDone(
        step=reader.choice("step", SafetyStep),
        values=dict(list(values.items())[:_MOST_VALUES]),
        is_undone=reader.boolean("is_undone"),
        is_unsafe=reader.boolean("is_unsafe") if reader.has("is_unsafe") else False,
        measured_at_ms=_time(reader, "measured_at"),
    )


def part_json(part: PartUsed) -> JsonObject:
    """Return a part as JSON."""
    return {
        "part_id": _cut(part.part_id, _LONGEST_ID),
        "name": _cut(part.name, _LONGEST_NAME),
        "quantity": part.quantity,
        "unit": _cut(part.unit, _LONGEST_ID),
    }


def parse_part(reader: FieldReader) -> PartUsed:
    """Return a part; raise ContractError that names the field."""
    return PartUsed(
        part_id=_name(reader, "part_id"),
        name=_name(reader, "name"),
        quantity=reader.number("quantity"),
        unit=_text(reader, "unit", _LONGEST_ID),
    )


def watch_json(event: LoneWorkerEvent) -> JsonObject:
    """Return an event of the watch as JSON."""
    return {
        "event": str(event.event),
        "person": _cut(event.person),
        "due": event.due_ms,
        "place": _cut(event.place),
    }


def parse_watch(reader: FieldReader) -> LoneWorkerEvent:
    """Return an event of the watch; raise ContractError that names the field."""
    return LoneWorkerEvent(
        event=reader.choice("event", WatchEvent),
        person=_text(reader, "person"),
        due_ms=_time(reader, "due"),
        place=_text(reader, "place"),
    )


def help_json(call: HelpCall) -> JsonObject:
    """Return a call for help as JSON."""
    return {
        "reason": str(call.reason),
        "place": _cut(call.place),
        "lat_deg": call.latitude_deg,
        "lon_deg": call.longitude_deg,
        "is_over": call.is_over,
    }


def parse_help(reader: FieldReader) -> HelpCall:
    """Return a call for help; raise ContractError that names the field."""
    return HelpCall(
        reason=reader.choice("reason", HelpReason),
        place=_text(reader, "place"),
        latitude_deg=_number(reader, "lat_deg"),
        longitude_deg=_number(reader, "lon_deg"),
        is_over=reader.boolean("is_over"),
    )


def visit_end_json(end: VisitEnd) -> JsonObject:
    """Return the end of a visit as JSON."""
    return {
        "reason": str(end.reason),
        "note": _cut(end.note, _LONGEST_TEXT),
        "notice": _cut(end.notice, _LONGEST_ID),
        "appointment": end.appointment_ms,
    }


def parse_visit_end(reader: FieldReader) -> VisitEnd:
    """Return the end of a visit; raise ContractError that names the field."""
    return VisitEnd(
        reason=reader.choice("reason", VisitEndReason),
        note=_text(reader, "note", _LONGEST_TEXT),
        notice=_text(reader, "notice"),
        appointment_ms=_time(reader, "appointment"),
    )


def handover_json(handover: Handover) -> JsonObject:
    """Return a hand-over as JSON."""
    steps: list[JsonValue] = [
        {"step": str(each.step), "at": each.at_ms, "by": _cut(each.by)} for each in handover.steps
    ]
    valves: list[JsonValue] = [
        {
            "valve_id": _cut(each.valve_id, _LONGEST_ID),
            "at": each.at_ms,
            "by": _cut(each.by),
            "may_reopen": _cut(each.may_reopen),
        }
        for each in handover.valves
    ]
    told: JsonObject = {
        "note": _cut(handover.note, _LONGEST_TEXT),
        "by": _cut(handover.by),
        "at": handover.at_ms,
        "steps": steps,
        "valves": valves,
    }
    if handover.lel_pct is not None:
        told = {**told, "lel_pct": handover.lel_pct}
    return {**told, **_not_standing_json(handover)}


def _not_standing_json(handover: Handover) -> JsonObject:
    """Return what does not stand any more, left out where there is none."""
    opened: list[JsonValue] = [
        {"valve_id": _cut(each.valve_id, _LONGEST_ID), "at": each.at_ms, "fact_id": each.fact_id}
        for each in handover.opened
    ]
    fallen: list[JsonValue] = [
        {"step": str(each.step), "at": each.at_ms, "fact_id": each.fact_id}
        for each in handover.fallen
    ]
    told: dict[str, JsonValue] = {"opened": opened, "fallen": fallen}
    return {name: each for name, each in told.items() if each}


def parse_handover(reader: FieldReader) -> Handover:
    """Return a hand-over; raise ContractError that names the field."""
    return Handover(
        note=_text(reader, "note", _LONGEST_TEXT),
        by=_text(reader, "by"),
        at_ms=reader.integer("at", low=EARLIEST_MS, high=LATEST_MS),
        lel_pct=_number(reader, "lel_pct"),
        steps=tuple(
            DoneStep(
                step=each.choice("step", SafetyStep),
                at_ms=each.integer("at", low=EARLIEST_MS, high=LATEST_MS),
                by=_text(each, "by"),
            )
            for each in reader.objects("steps", longest=_MOST_STEPS)
        ),
        valves=tuple(
            ClosedValve(
                valve_id=_name(each, "valve_id"),
                at_ms=each.integer("at", low=EARLIEST_MS, high=LATEST_MS),
                by=_text(each, "by"),
                may_reopen=_text(each, "may_reopen"),
            )
            for each in reader.objects("valves", longest=_MOST_VALVES)
        ),
        opened=_opened(reader) if reader.has("opened") else (),
        fallen=_fallen(reader) if reader.has("fallen") else (),
    )


def _opened(reader: FieldReader) -> tuple[OpenedValve, ...]:
    return tuple(
        OpenedValve(
            valve_id=_name(each, "valve_id"),
            at_ms=each.integer("at", low=EARLIEST_MS, high=LATEST_MS),
            fact_id=_text(each, "fact_id", _LONGEST_ID),
        )
        for each in reader.objects("opened", longest=_MOST_VALVES)
    )


def _fallen(reader: FieldReader) -> tuple[FallenStep, ...]:
    return tuple(
        FallenStep(
            step=each.choice("step", SafetyStep),
            at_ms=each.integer("at", low=EARLIEST_MS, high=LATEST_MS),
            fact_id=_text(each, "fact_id", _LONGEST_ID),
        )
        for each in reader.objects("fallen", longest=_MOST_STEPS)
    )


LONGEST_PLACE = 400
"""Characters of a place, and of any text without a bound of its own."""


def _cut(text: str, longest: int = LONGEST_PLACE) -> str:
    """Return a text no longer than its reader takes: a fact is never lost for the length of it."""
    return text[:longest].rstrip()


def _text(reader: FieldReader, key: str, longest: int = LONGEST_PLACE) -> str:
    """Return what a person typed, empty without it; what is too long is cut, never refused.

    A closed valve and gas in the air are told with it: they must be read whatever its length.
    """
    value = reader.values.get(key)
    if isinstance(value, str) and len(value) > longest:
        return value[:longest]
    return reader.text(key, longest=longest) if value else ""


def _name(reader: FieldReader, key: str) -> str:
    """Return the same of what must be there."""
    return _text(reader, key) or reader.text(key)


def _number(reader: FieldReader, key: str) -> float | None:
    return reader.number(key) if reader.has(key) else None


def _time(reader: FieldReader, key: str) -> int | None:
    return reader.integer(key, low=EARLIEST_MS, high=LATEST_MS) if reader.has(key) else None
