"""Decides when a home check is complete: twelve items looked at, hazards judged, notice dealt with.

The items begin as "in order, not looked at": one tap per group says that they were looked at, so
that a household without hazards takes few taps, yet nothing is ever in order by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from wire_contracts.home_checks import CheckItem, Hazard, NoticeOutcome, SafetyCheck

DEADLINE = {2: timedelta(days=30)}
"""How long a household has to remove a hazard of severity 2; 1 is shut off at once, 3 is advice
(domain model 2.8, which names a deadline and no number: 30 days is our default)."""

GROUPS: tuple[tuple[str, tuple[CheckItem, ...]], ...] = (
    ("meter", (CheckItem.METER, CheckItem.METER_VALVE)),
    (
        "pipes",
        (CheckItem.PIPE_TIGHTNESS, CheckItem.PIPE_CORROSION, CheckItem.PIPE_ENCLOSED),
    ),
    ("appliances", (CheckItem.HOSE, CheckItem.STOVE_FLAMEOUT, CheckItem.WATER_HEATER_FLUE)),
    ("room", (CheckItem.VENTILATION, CheckItem.KITCHEN_USE, CheckItem.GAS_ALARM)),
    ("people", (CheckItem.SAFETY_EDUCATION,)),
)
"""The twelve items as one walks through a home."""

USUAL_SEVERITY: Mapping[CheckItem, int] = {
    CheckItem.METER: 2,
    CheckItem.METER_VALVE: 2,
    CheckItem.PIPE_TIGHTNESS: 1,
    CheckItem.PIPE_CORROSION: 2,
    CheckItem.PIPE_ENCLOSED: 2,
    CheckItem.HOSE: 2,
    CheckItem.STOVE_FLAMEOUT: 2,
    CheckItem.WATER_HEATER_FLUE: 1,
    CheckItem.VENTILATION: 2,
    CheckItem.KITCHEN_USE: 2,
    CheckItem.GAS_ALARM: 3,
    CheckItem.SAFETY_EDUCATION: 3,
}
"""What is chosen first when an item is not in order: a leak and a missing flue kill; the inspector
may choose another one."""


class Lack(StrEnum):
    """What keeps a check from being finished."""

    NOT_LOOKED_AT = "not_looked_at"
    NOTE_MISSING = "note_missing"
    NOTICE_MISSING = "notice_missing"
    SIGNATURE_MISSING = "signature_missing"
    WHY_MISSING = "why_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The answers so far.

    Attributes:
        answers: Item -> in order or not; an item that is missing was not looked at.
        severities: Severity of what is not in order.
        notes: What exactly is wrong, in words.
        signature_sha256: The picture of the signature under the notice.
        is_gas_off: What was said of the gas where it has to be shut off; None: nothing.
        taken_back: What was noted before as a danger to people and is none now, with why.
    """

    answers: Mapping[CheckItem, bool] = field(default_factory=dict)
    severities: Mapping[CheckItem, int] = field(default_factory=dict)
    notes: Mapping[CheckItem, str] = field(default_factory=dict)
    notice: NoticeOutcome | None = None
    signature_sha256: str | None = None
    is_gas_off: bool | None = None
    taken_back: Mapping[CheckItem, str] = field(default_factory=dict)

    def hazardous(self) -> tuple[CheckItem, ...]:
        """Return the items that are not in order, in the order of the way through the home."""
        return tuple(item for item in CheckItem if self.answers.get(item) is False)

    def severity_of(self, item: CheckItem) -> int:
        """Return the severity chosen for an item, the usual one before that."""
        return self.severities.get(item, USUAL_SEVERITY[item])


def lacks(sheet: Sheet) -> tuple[tuple[Lack, CheckItem | None], ...]:
    """Return everything that is missing, in the order of the page; empty: it can be finished.

    What must be shut off waits for no other item: its order goes out at once.
    """
    hazardous = sheet.hazardous()
    is_grave = any(sheet.severity_of(item) == 1 for item in hazardous)
    found: list[tuple[Lack, CheckItem | None]] = [
        (Lack.NOT_LOOKED_AT, item)
        for item in CheckItem
        if item not in sheet.answers and not is_grave
    ]
    found += [
        (Lack.NOTE_MISSING, item)
        for item in hazardous
        if sheet.severity_of(item) == 1 and not sheet.notes.get(item, "").strip()
    ]
    found += [(Lack.WHY_MISSING, item) for item, why in sheet.taken_back.items() if not why.strip()]
    if hazardous and sheet.notice is None:
        found.append((Lack.NOTICE_MISSING, None))
    if hazardous and sheet.notice is NoticeOutcome.SIGNED and sheet.signature_sha256 is None:
        found.append((Lack.SIGNATURE_MISSING, None))
    return tuple(found)


class Seen(StrEnum):
    """What tells that somebody did open."""

    NOTHING = ""
    LOOKED_AT = "looked_at"
    HAZARD = "hazard"


def seen_inside(sheet: Sheet) -> Seen:
    """Return what was seen in the home: `nobody opens` is not said over it, and wipes nothing."""
    if sheet.hazardous():
        return Seen.HAZARD
    is_told = bool(sheet.answers) or any(note.strip() for note in sheet.notes.values())
    return Seen.LOOKED_AT if is_told else Seen.NOTHING


def hazards_of(sheet: Sheet, found_at_utc: datetime) -> tuple[Hazard, ...]:
    """Return the hazards with their deadlines, the gravest first."""
    hazards = [
        Hazard(
            item=item,
            severity=sheet.severity_of(item),
            note=sheet.notes.get(item, "").strip(),
            due_at_utc=_deadline(sheet.severity_of(item), found_at_utc),
        )
        for item in sheet.hazardous()
    ]
    return tuple(sorted(hazards, key=lambda hazard: hazard.severity))


def _deadline(severity: int, found_at_utc: datetime) -> datetime | None:
    return found_at_utc + DEADLINE[severity] if severity in DEADLINE else None


def must_shut_off(hazards: Sequence[Hazard]) -> bool:
    """Return whether the gas has to be shut off before the inspector leaves."""
    return any(hazard.severity == 1 for hazard in hazards)


def finished(
    household_id: str, sheet: Sheet, found_at_utc: datetime, seconds: float
) -> SafetyCheck:
    """Return the visit as a fact; raise ValueError when something is missing."""
    if lacks(sheet):
        missing = ", ".join(str(lack) for lack, _ in lacks(sheet))
        message = f"home check {household_id}: is not complete: {missing}"
        raise ValueError(message)
    hazards = hazards_of(sheet, found_at_utc)
    return SafetyCheck(
        household_id=household_id,
        is_no_access=False,
        answers=dict(sheet.answers),
        hazards=hazards,
        notice=sheet.notice if hazards else None,
        signature_sha256=sheet.signature_sha256 if hazards else None,
        seconds=round(max(seconds, 0.0), 1),
        taken_back={item: why.strip() for item, why in sheet.taken_back.items()},
    )
