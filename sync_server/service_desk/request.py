"""The values of a service request: what a caller wants, where, how urgent, where it stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.request_states import RequestEvent, RequestState


class RequestKind(StrEnum):
    """What a caller comes with (rules A-01, B-07, D-25, E-10)."""

    REPAIR = "repair"
    COMPLAINT = "complaint"
    CONSULTATION = "consultation"
    SUGGESTION = "suggestion"
    WHISTLE_BLOW = "whistle_blow"
    APPLICATION = "application"


class RequestClass(StrEnum):
    """What it is about; `catalogue.RULES` says what follows from it."""

    GAS_LEAK = "gas_leak"
    CARBON_MONOXIDE = "carbon_monoxide"
    HOT_WATER_BURST = "hot_water_burst"
    HEAT_LEAK = "heat_leak"
    WATER_BURST = "water_burst"
    NO_GAS = "no_gas"
    NO_WATER = "no_water"
    NO_HEAT = "no_heat"
    COLD_ROOM = "cold_room"
    METER_FAULT = "meter_fault"
    METER_DISPUTE = "meter_dispute"
    CONDUCT = "conduct"
    SUPPLY_QUALITY = "supply_quality"
    NO_CALLBACK = "no_callback"
    BILLING = "billing"
    PRICE_QUESTION = "price_question"
    HOW_TO = "how_to"
    OTHER_QUESTION = "other_question"
    SUGGESTION = "suggestion"
    MISCONDUCT_REPORT = "misconduct_report"
    OPEN_ACCOUNT = "open_account"
    PIPE_WORK = "pipe_work"
    EXCHANGE_METER = "exchange_meter"
    BUY_GAS = "buy_gas"
    STOP_HEATING = "stop_heating"


class Channel(StrEnum):
    """How it came in (policy K12)."""

    PHONE = "phone"
    COUNTER = "counter"
    WEB = "web"
    MESSENGER = "messenger"
    MAIL = "mail"
    INTERNAL = "internal"


class Triage(StrEnum):
    """Whose side the trouble is on (rule D-23)."""

    USER_SIDE = "user_side"
    COMPANY_SIDE = "company_side"
    UNKNOWN = "unknown"


class NoteKind(StrEnum):
    """What somebody wrote about a request."""

    PROGRESS = "progress"
    RESULT = "result"
    REPLY = "reply"
    CALLBACK = "callback"
    LEADER_TOLD = "leader_told"
    REMINDER = "reminder"
    DECIDED = "decided"
    REPLY_APPROVED = "reply_approved"
    REPLY_RETURNED = "reply_returned"
    DESK_INFORMED = "desk_informed"
    IN_WARRANTY = "in_warranty"
    OUT_OF_WARRANTY = "out_of_warranty"
    CONSENT = "consent"
    STEP_APPROVED = "step_approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who called and in which words: personal, kept apart, erasable."""

    name: str = ""
    phone: str = ""
    words: str = ""
    customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """A request as an agent records it.

    Attributes:
        medium: Heat, gas or water; None where it does not matter.
        priority: 1 to 4; the agent may raise what the class proposes.
        received_at_utc: When the caller said it; earlier than now for what is entered later.
        group_id: The group it joins, if any.
    """

    kind: RequestKind
    request_class: RequestClass
    caller: Caller
    received_at_utc: datetime
    medium: Medium | None = None
    priority: int = 3
    safety_class: SafetyClass = SafetyClass.C
    channel: Channel = Channel.PHONE
    triage: Triage = Triage.UNKNOWN
    is_major: bool = False
    is_media: bool = False
    premises_id: str | None = None
    community_id: str | None = None
    address: str = ""
    meter_id: str | None = None
    repeat_of: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A request as it stands, without its person.

    Attributes:
        first_contact: The account that took it and owns it until somebody accepts (rule D-14).
        owner: The account that has it now.
        team: The crew that it was sent to, if any.
        due_from_utc: When the next running clock began, None when none runs.
        due_at_utc: When the next running clock is over, None when none runs.
        due_clock: Which clock that is, such as `CL6`.
        order_steps_seen: How many steps of its order it has followed.
    """

    request_id: str
    number: str
    kind: RequestKind
    request_class: RequestClass
    medium: Medium | None
    channel: Channel
    state: RequestState
    priority: int
    safety_class: SafetyClass
    triage: Triage
    is_major: bool
    is_media: bool
    premises_id: str | None
    community_id: str | None
    address: str
    meter_id: str | None
    first_contact: str
    owner: str
    team: str | None
    order_id: str | None
    group_id: str | None
    repeat_of: str | None
    duplicate_of: str | None
    call_id: str | None
    received_at_utc: datetime
    recorded_at_utc: datetime
    on_site_at_utc: datetime | None
    due_from_utc: datetime | None
    due_at_utc: datetime | None
    due_clock: str | None
    order_steps_seen: int
    is_satisfied: bool | None
    reopen_count: int
    changed_at_utc: datetime

    @property
    def is_safety(self) -> bool:
        """Return whether it is class A: never grouped away, a crew goes at once."""
        return self.safety_class is SafetyClass.A


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStep:
    """One step of a request's path, never changed afterwards."""

    event: RequestEvent
    from_state: RequestState
    to_state: RequestState
    actor: str
    reason: str
    happened_at_utc: datetime
    recorded_at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestNote:
    """What somebody wrote."""

    kind: NoteKind
    actor: str
    text: str
    at_utc: datetime
