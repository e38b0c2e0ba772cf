"""The values of a work order: what is asked for, what is kept, what a page filters by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from wire_contracts.evidence import Evidence
from wire_contracts.fields import JsonValue
from wire_contracts.orders import FactType, OrderType, SafetyClass, WorkOrderDocument
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

RULE_ACTOR = "rule:R8"
"""Actor of what the automatic policy does; it may create and release, nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to be made; it is released at once when a crew is named.

    `order_id` is the UUIDv7 under which the field knows it already, None: the server draws one. One
    that is made again has the number and the moment that it had, if nobody has the number since.
    """

    order_type: OrderType
    medium: Medium
    safety_class: SafetyClass
    priority: int
    title: BilingualText
    address: str
    area_id: str | None = None
    meter_id: str | None = None
    device_serial: str | None = None
    alert_id: str | None = None
    evidence: Evidence | None = None
    instructions: Sequence[BilingualText] = ()
    due_at_utc: datetime | None = None
    crew_id: str | None = None
    order_id: str | None = None
    note: str = ""
    number: str = ""
    made_at_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order as the office sees it.

    Attributes:
        order_id: Its UUIDv7.
        document: What the tablet sees.
        area_id: Where it may be taken by any crew of the area while it has none.
        is_done_after_cancel: The crew finished it although it had been cancelled or moved.
        created_by: Account id, or the rule that made it.
        finished_at_utc: When the crew said it was finished, on the crew's corrected clock.
        changed_at_utc: When it was last changed.
        visit: How often it was reopened; a finding belongs to its visit.
        visit_from_utc: When it was reopened last, None when never.
    """

    order_id: str
    document: WorkOrderDocument
    area_id: str | None
    is_done_after_cancel: bool
    created_by: str
    finished_at_utc: datetime | None
    changed_at_utc: datetime
    visit: int = 0
    visit_from_utc: datetime | None = None

    @property
    def state(self) -> WorkOrderState:
        """Where the work stands."""
        return self.document.state


class OrderHead(NamedTuple):
    """What decides whether a crew may write a field of an order; the names are `OrderRecord`'s.

    A tuple: a push makes hundreds, and a value class takes several times as long to make.
    """

    order_id: str
    crew_id: str | None
    state: WorkOrderState
    visit: int
    visit_from_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders a page wants; the default is everything, the newest first.

    `number` is the whole number people know an order by, in capitals. Without `has_evidence` an
    order comes without its evidence, which is most of its size. With `before`, only orders older
    than the one of that id: a page begins where the last one ended, and nothing is counted past.
    """

    states: frozenset[WorkOrderState] | None = None
    crew_id: str | None = None
    alert_id: str | None = None
    meter_id: str | None = None
    number: str | None = None
    has_evidence: bool = True
    before: str | None = None
    limit: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStep:
    """One step of an order's path, never changed afterwards.

    `happened_at_utc` is the event's own time (an offline tablet keeps its true times),
    `recorded_at_utc` when the server learnt of it.
    """

    event: WorkOrderEvent
    from_state: WorkOrderState
    to_state: WorkOrderState
    actor: str
    crew_id: str | None
    op_id: str | None
    happened_at_utc: datetime
    recorded_at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """Who moves an order, by which operation, and when it happened.

    `word_utc`: of a step repeated after a restore, the server's last word to the tablet before it.
    """

    actor: str
    happened_at_utc: datetime
    crew_id: str | None = None
    op_id: str | None = None
    word_utc: datetime | None = None


class WaitsFor(StrEnum):
    """What a parked fact waits for (sync spec 1.4)."""

    ORDER = "order"
    FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something a crew saw or did; a correction is a new fact that supersedes this one.

    Attributes:
        visit: The visit of the order that it belongs to.
        is_time_doubtful: No clock tells when it happened: `happened_at_utc` is a guess.
        word_utc: When the server had last spoken to the tablet before the tap; None: not known.
        replica_id: The copy of the store that made it; empty where that is not known.
        n: Its place among the taps of that copy.
        waits_for: What is not known here yet and will link it; None when it is linked.
    """

    fact_id: str
    fact_type: FactType
    order_id: str | None
    actor: str
    tablet_id: str
    op_id: str
    payload: JsonValue
    happened_at_utc: datetime
    received_at_utc: datetime
    supersedes: str | None = None
    waits_for: WaitsFor | None = None
    visit: int = 0
    is_time_doubtful: bool = False
    word_utc: datetime | None = None
    replica_id: str = ""
    n: int = 0

    @property
    def is_orphan(self) -> bool:
        """Return whether it is parked."""
        return self.waits_for is not None
