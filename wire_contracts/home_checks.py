"""The indoor safety check: which homes are due, what was looked at, and which hazards there are.

Life cycle: domain model 2.8. The twelve items: what a household check of gas looks at (CJJ 51,
3.5; the list of the company's own sheet), with the severities of the domain model: 1 shut off at
once, 2 with a deadline, 3 advice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.patrols import ms_or_none, time_or_none

HOUSEHOLD_ENTITY = "household"

_LONGEST_NOTE = 4000

MOST_ATTEMPTS_WITHOUT_LETTER = 2
"""The third visit without access becomes a letter and a line on the community's list."""


class CheckItem(StrEnum):
    """What is looked at, in the order of the way through the home."""

    METER = "meter"
    METER_VALVE = "meter_valve"
    PIPE_TIGHTNESS = "pipe_tightness"
    PIPE_CORROSION = "pipe_corrosion"
    PIPE_ENCLOSED = "pipe_enclosed"
    HOSE = "hose"
    STOVE_FLAMEOUT = "stove_flameout"
    WATER_HEATER_FLUE = "water_heater_flue"
    VENTILATION = "ventilation"
    KITCHEN_USE = "kitchen_use"
    GAS_ALARM = "gas_alarm"
    SAFETY_EDUCATION = "safety_education"


class HouseholdState(StrEnum):
    """Where the check of a home stands."""

    DUE = "due"
    PASSED = "passed"
    HAZARD = "hazard"
    NO_ACCESS = "no_access"
    LETTER = "letter"


class NoticeOutcome(StrEnum):
    """What became of the notice about hazards."""

    SIGNED = "signed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One hazard; `due_at_utc` is when it must be gone, None for severity 1 and advice."""

    item: CheckItem
    severity: int
    note: str = ""
    due_at_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """One home on the list: an address and a meter, never a name.

    Attributes:
        community: Name of the residential area.
        building: Such as `12`; homes are grouped by it.
        room: Such as `3-902`: unit and door.
        no_access_count: Visits in a row at which nobody opened.
        hazards: What was found last time and is not cleared.
    """

    community: str
    building: str
    room: str
    address: str
    meter_id: str | None
    device_serial: str | None
    state: HouseholdState
    no_access_count: int = 0
    checked_at_utc: datetime | None = None
    hazards: Sequence[Hazard] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyCheck:
    """One visit: every item looked at, or nobody there.

    Attributes:
        is_no_access: Nobody opened; then nothing else is said.
        answers: Item -> whether it is in order.
        notice: What became of the notice; None without hazards.
        seconds: From opening the page to its end, for planning.
        taken_back: Why what was noted before as a danger to people is none, by item, in the words
            of whoever looked again.
    """

    household_id: str
    is_no_access: bool
    answers: Mapping[CheckItem, bool]
    hazards: Sequence[Hazard] = ()
    notice: NoticeOutcome | None = None
    signature_sha256: str | None = None
    seconds: float = 0.0
    taken_back: Mapping[CheckItem, str] = field(default_factory=dict)


def household_json(household: Household) -> JsonObject:
    """Return the home as the document of a row."""
    return {
        "community": household.community,
        "building": household.building,
        "room": household.room,
        "address": household.address,
        "meter_id": household.meter_id,
        "device_serial": household.device_serial,
        "state": str(household.state),
        "no_access_count": household.no_access_count,
        "checked_at": ms_or_none(household.checked_at_utc),
        "hazards": hazards_json(household.hazards),
    }


def parse_household(reader: FieldReader) -> Household:
    """Return the home; raise ContractError that names the field."""
    return Household(
        community=reader.text_or_empty("community", longest=200),
        building=reader.text_or_empty("building", longest=80),
        room=reader.text_or_empty("room", longest=80),
        address=reader.text_or_empty("address", longest=400),
        meter_id=reader.text_or_none("meter_id", longest=64),
        device_serial=reader.text_or_none("device_serial", longest=64),
        state=reader.choice("state", HouseholdState),
        no_access_count=reader.integer("no_access_count", low=0, high=1000),
        checked_at_utc=time_or_none(reader, "checked_at"),
        hazards=_parse_hazards(reader),
    )


def safety_check_json(check: SafetyCheck) -> JsonObject:
    """Return the visit as the payload of a `safety_check` fact; `taken_back` only with words."""
    taken_back: JsonObject = {
        str(item): words[:_LONGEST_NOTE] for item, words in check.taken_back.items()
    }
    return {
        "household_id": check.household_id,
        "is_no_access": check.is_no_access,
        "answers": {str(item): is_ok for item, is_ok in check.answers.items()},
        "hazards": hazards_json(check.hazards),
        "notice": None if check.notice is None else str(check.notice),
        "signature": check.signature_sha256,
        "seconds": check.seconds,
        **({"taken_back": taken_back} if taken_back else {}),
    }


def parse_safety_check(reader: FieldReader) -> SafetyCheck:
    """Return the visit; raise ContractError that names the field."""
    answers = reader.object("answers")
    taken_back = reader.object("taken_back") if reader.has("taken_back") else None
    return SafetyCheck(
        household_id=reader.text("household_id", longest=64),
        is_no_access=reader.boolean("is_no_access"),
        answers={item: answers.boolean(str(item)) for item in CheckItem if answers.has(str(item))},
        hazards=_parse_hazards(reader),
        notice=reader.choice("notice", NoticeOutcome) if reader.has("notice") else None,
        signature_sha256=reader.text_or_none("signature", longest=64),
        seconds=reader.number("seconds"),
        taken_back={}
        if taken_back is None
        else {
            item: taken_back.text(str(item), longest=_LONGEST_NOTE)
            for item in CheckItem
            if taken_back.has(str(item))
        },
    )


def hazards_json(hazards: Sequence[Hazard]) -> list[JsonValue]:
    """Return hazards as a JSON array."""
    return [
        {
            "item": str(hazard.item),
            "severity": hazard.severity,
            "note": hazard.note[:_LONGEST_NOTE],
            "due_at": ms_or_none(hazard.due_at_utc),
        }
        for hazard in hazards
    ]


def _parse_hazards(reader: FieldReader) -> tuple[Hazard, ...]:
    return tuple(
        Hazard(
            item=each.choice("item", CheckItem),
            severity=each.integer("severity", low=1, high=3),
            note=each.text_or_empty("note", longest=_LONGEST_NOTE),
            due_at_utc=time_or_none(each, "due_at"),
        )
        for each in reader.objects("hazards", longest=50)
    )
