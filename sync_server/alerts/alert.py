"""The values of an alert: what a detector raises, what is kept of it, what a page asks for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire_contracts.alert_states import Condition, Disposition, Visibility
from wire_contracts.evidence import Evidence
from wire_contracts.fields import JsonValue
from wire_contracts.kinds import Family, FindingResult, Kind, Label
from wire_contracts.quantities import Medium

MAX_SHELVE_H = 7 * 24
"""Longest shelving; ISA-18.2 asks for a maximum, a week is this product's policy default."""

SYSTEM_ACTOR = "system"
"""Who did what no person did: detection, expiry."""


class AlertEvent(StrEnum):
    """What can be read in an alert's history."""

    RAISED = "raised"
    RAISED_AGAIN = "raised_again"
    ESCALATED = "escalated"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SHELVE_EXPIRED = "shelve_expired"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    ORDERED = "ordered"
    ORDER_CANCELLED = "order_cancelled"
    FINDING = "finding"
    RETRACTED = "retracted"
    RESET = "reset"
    TAKEN_OUT = "taken_out"
    PUT_BACK = "put_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFinding:
    """A detector's verdict on one meter, ready to become an alert.

    Attributes:
        meter_id: Whose.
        medium: Heat, gas or water.
        kind: What is wrong; its family decides which open alert it belongs to.
        rule: The detector.
        started_at_utc: When the abnormal state is believed to have begun.
        detected_at_utc: The newest measured instant behind the verdict.
        score: Statistic divided by threshold; 1.0 is just at the threshold.
        evidence: Why.
        is_suppressed: Another alert shows the same cause; keep this one out of the list.
        lane: Findings of one meter and lane are one alert while it is active; empty: the family's.
        rule_version: Which version of the rules said so.
    """

    meter_id: str
    medium: Medium
    kind: Kind
    rule: str
    started_at_utc: datetime
    detected_at_utc: datetime
    score: float
    evidence: Evidence
    is_suppressed: bool = False
    lane: str = ""
    rule_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """An alert as it is kept; three independent axes (RULINGS R15).

    `ended_at_utc` is when the abnormal state ended by the meter's own time; `retracted_at_utc` is
    when late readings showed that it never was. `priority` is 1 (most urgent) to 4. `place` is the
    community's name, `address` where the meter hangs. `returned_at_utc` is when the condition was
    last seen to be gone.
    """

    alert_id: str
    meter_id: str
    medium: Medium
    kind: Kind
    family: Family
    rule: str
    condition: Condition
    visibility: Visibility
    disposition: Disposition
    priority: int
    score: float
    started_at_utc: datetime
    detected_at_utc: datetime
    raised_at_utc: datetime
    last_seen_at_utc: datetime
    returned_at_utc: datetime | None
    acknowledged_at_utc: datetime | None
    acknowledged_by: str | None
    shelved_until_utc: datetime | None
    shelved_by: str | None
    shelve_reason: str | None
    work_order_id: str | None
    finding_result: FindingResult | None
    finding_has_evidence: bool | None
    finding_at_utc: datetime | None
    label: Label | None
    rule_version: str | None
    lane: str
    ended_at_utc: datetime | None
    retracted_at_utc: datetime | None
    evidence: Evidence
    address: str
    community_id: str | None
    place_en: str
    place_zh: str
    device_serial: str | None

    @property
    def is_open(self) -> bool:
        """Whether a person still has to look: everything but normal (the screen's cleared)."""
        return self.condition is not Condition.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEventRecord:
    """One step in an alert's history, never changed afterwards."""

    event: AlertEvent
    at_utc: datetime
    actor: str
    detail: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts a page wants; the default is the operator's list: open and shown."""

    is_open: bool | None = True
    visibility: Visibility | None = Visibility.SHOWN
    medium: Medium | None = None
    kind: Kind | None = None
    meter_id: str | None = None
    raised_from_utc: datetime | None = None
    limit: int = 500


class AlertNotFoundError(LookupError):
    """No alert has this id."""
