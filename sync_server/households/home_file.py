"""The values of a home's file: documents, errors, changes, new buildings."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from wire_contracts.life_cycle import LifeCycle
from wire_contracts.quantities import Medium


class DocumentKind(StrEnum):
    """What can lie in a file (rules E-05, E-09, E-11)."""

    CONTRACT = "contract"
    REGISTRATION_FORM = "registration_form"
    INVOICE = "invoice"
    CARD = "card"
    SAFETY_CHECK = "safety_check"
    SAFETY_EDUCATION = "safety_education"
    AREA_EVIDENCE = "area_evidence"
    OTHER = "other"


class IssueKind(StrEnum):
    """The four errors of an archive (rule A-27)."""

    CANNOT_PAY = "cannot_pay"
    WRONG_ROOM = "wrong_room"
    MISSED_CHARGE = "missed_charge"
    WRONG_AREA = "wrong_area"


class ChangeKind(StrEnum):
    """What one proposes and another one approves (rules A-28, A-29, A-32)."""

    AREA_M2 = "area_m2"
    CAPACITY_M2 = "capacity_m2"
    STOP_HEATING = "stop_heating"
    RESUME_HEATING = "resume_heating"
    REFUND_YUAN = "refund_yuan"


FIGURES = frozenset({ChangeKind.AREA_M2, ChangeKind.CAPACITY_M2, ChangeKind.REFUND_YUAN})
"""Changes that have a figure."""


class ChangeState(StrEnum):
    """Where a change stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"


class FileState(StrEnum):
    """Where a file stands (domain model 2.10)."""

    DRAFT = "draft"
    COMPLETE = "complete"
    REVIEWED = "reviewed"


class ContractState(StrEnum):
    """Where a contract stands (rule A-30)."""

    NOT_YET = "not_yet"
    IN_FORCE = "in_force"
    EXPIRING = "expiring"
    EXPIRED = "expired"


class BuildingState(StrEnum):
    """Where a new building stands (rule A-31)."""

    ANNOUNCED = "announced"
    VERIFIED = "verified"
    ACCEPTED = "accepted"
    HEATED = "heated"


class BuildingEvent(StrEnum):
    """What moves a new building on."""

    VERIFY = "verify"
    ACCEPT = "accept"
    HEAT = "heat"


BUILDING: LifeCycle[BuildingState, BuildingEvent] = LifeCycle(
    "a new building",
    {
        (BuildingState.ANNOUNCED, BuildingEvent.VERIFY): BuildingState.VERIFIED,
        (BuildingState.VERIFIED, BuildingEvent.ACCEPT): BuildingState.ACCEPTED,
        (BuildingState.ACCEPTED, BuildingEvent.HEAT): BuildingState.HEATED,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document as somebody adds it; `reference` is its number."""

    medium: Medium
    kind: DocumentKind
    reference: str
    dated_on: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document of a file."""

    document_id: int
    premises_id: str
    medium: Medium
    kind: DocumentKind
    reference: str
    dated_on: date
    valid_to: date | None
    added_by: str
    added_at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An error of the archive; `result` is empty until it was put right."""

    issue_id: int
    premises_id: str
    kind: IssueKind
    text: str
    opened_at_utc: datetime
    result: str
    fixed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that somebody proposed; `figure` is in the unit that the kind names."""

    change_id: int
    premises_id: str
    kind: ChangeKind
    figure: float | None
    evidence: str
    state: ChangeState
    proposed_by: str
    proposed_at_utc: datetime
    reason: str
    decided_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBuilding:
    """A building that joins the network."""

    building_id: int
    community_id: str | None
    name: str
    home_count: int
    season_on: date
    state: BuildingState
