"""Owns what a screen shows before its presenter has spoken for the first time."""

from field_app.presenters.views import (  # type: ignore[attr-defined] # RecordState is part of the view data
    EnrolView,
    FindingView,
    LogInView,
    MarkView,
    OrderRow,
    OrdersView,
    OrderView,
    PinStep,
    RecordState,
    SyncView,
    Tone,
)
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderState

_MARK = MarkView(state=RecordState("untouched"), text="", tone=Tone.PLAIN)

BLANK_ROW = OrderRow(
    order_id="",
    number="",
    title="",
    address="",
    state=WorkOrderState.PLANNED,
    state_text="",
    medium=Medium.WATER,
    medium_text="",
    safety_class=SafetyClass.C,
    priority=4,
    priority_text="",
    due_text="",
    is_overdue=False,
    mark=_MARK,
    has_draft=False,
)

BLANK_ORDERS = OrdersView(
    crew_text="",
    search_text="",
    filters=(),
    rows=(),
    total_count=0,
    has_more=False,
    empty_text="",
    is_busy=True,
)

BLANK_ORDER = OrderView(
    order_id="",
    number="",
    title="",
    address="",
    state=WorkOrderState.PLANNED,
    state_text="",
    medium=Medium.WATER,
    medium_text="",
    safety_class=SafetyClass.C,
    priority=4,
    priority_text="",
    due_text="",
    is_overdue=False,
    mark=_MARK,
    facts=(),
    finding=(),
    evidence=None,
    instructions=(),
    note="",
    next_action=None,
    other_actions=(),
    look_here=(),
    message="",
    problem="",
    is_gone=False,
    is_busy=True,
)

BLANK_FINDING = FindingView(
    order_id="",
    number="",
    title="",
    address="",
    results=(),
    causes=(),
    measured=(),
    note="",
    missing=(),
    can_finish=False,
    finish_text="",
    saved_text="",
    message="",
    is_finished=False,
    is_busy=True,
)

BLANK_SYNC = SyncView(
    pill_text="",
    pill_tone=Tone.PLAIN,
    line_text="",
    is_online=False,
    is_switched_off=False,
    is_syncing=False,
    waiting_count=0,
    look_here_count=0,
    last_contact_text="",
    oldest_text="",
    reason_text="",
    next_try_text="",
    banner="",
    waiting=(),
    look_here=(),
    held_count=0,
    capabilities=(),
)

BLANK_ENROL = EnrolView(
    server_url="",
    code="",
    can_enrol=False,
    is_busy=False,
    is_enrolled=False,
    crew_text="",
    people=(),
    message="",
)

BLANK_LOG_IN = LogInView(
    step=PinStep.OFF,
    title="",
    people=(),
    digits_count=0,
    message="",
    is_busy=False,
    can_cancel=False,
    can_confirm=False,
    can_set_pin=False,
    has_pin=False,
    offer_text="",
)
