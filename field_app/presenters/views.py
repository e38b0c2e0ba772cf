"""Owns the view data: everything a screen draws, already in words, colours left to the theme."""

from dataclasses import dataclass
from enum import StrEnum

from field_app.store.record_states import RecordState
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderState


class Tone(StrEnum):
    """How something should feel; the theme turns it into a colour and the icon set into a sign."""

    PLAIN = "plain"
    INFO = "info"
    OK = "ok"
    WARN = "warn"
    DANGER = "danger"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkView:
    """The sync state of one record (sync spec 1.5): never by colour alone."""

    state: RecordState
    text: str
    tone: Tone


BLANK_MARK = MarkView(state=RecordState.UNTOUCHED, text="", tone=Tone.PLAIN)
"""What is shown before a record was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order in the list, in the order in which rows are shown.

    Attributes:
        due_text: `due 14:30`, `overdue 1 h 5 min`, or empty without a due time.
        mark: What became of this record's own changes; UNTOUCHED has an empty text.
        has_draft: A finding has been begun and is not finished.
        distance_text: How far away it is, empty where nobody knows.
    """

    order_id: str
    number: str
    title: str
    address: str
    state: WorkOrderState
    state_text: str
    medium: Medium
    medium_text: str
    safety_class: SafetyClass
    priority: int
    priority_text: str
    due_text: str
    is_overdue: bool
    mark: MarkView
    has_draft: bool
    distance_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterChip:
    """One filter above the list; `key` goes back to `choose_filter`."""

    key: str
    text: str
    count: int
    is_selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersView:
    """The list.

    Attributes:
        crew_text: Crew and person, for the bar.
        rows: The rows read so far; `has_more` says that `show_more()` brings further ones.
        total_count: Orders that match filter and search.
        empty_text: What to say instead of rows, empty when there are rows.
        overdue_text: How many open orders are overdue, empty for none.
        today_text: How many more are promised today, empty for none.
    """

    crew_text: str
    search_text: str
    filters: tuple[FilterChip, ...]
    rows: tuple[OrderRow, ...]
    total_count: int
    has_more: bool
    empty_text: str
    is_busy: bool
    overdue_text: str = ""
    today_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledText:
    """A label with its value; `icon` names what it is about, such as `address`."""

    label: str
    text: str
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """A button; `event` goes back to `act`, `opens_finding` opens the form instead.

    `refusal` is why the button cannot be used now, empty when it can.
    """

    event: str
    text: str
    opens_finding: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPointView:
    """One instant of the evidence chart; `x` in 0..1 along the chart, None = a gap."""

    x: float
    observed: float | None
    expected_low: float | None
    expected_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """Why the order was made.

    Attributes:
        rule_from_x: Where the stretch the rule looked at begins, 0..1.
        rule_to_x: Where it ends, 0..1.
        top: Largest value of the chart, for the axis; 0 without points.
        axis_texts: Times under the chart: first, middle, last.
        numbers: Name, value with unit and limit.
    """

    sentence: str
    unit: str
    points: tuple[ChartPointView, ...]
    rule_from_x: float
    rule_to_x: float
    top: float
    axis_texts: tuple[str, ...]
    numbers: tuple[LabelledText, ...]
    check_first: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookHere:
    """An operation that the server refused or merged: what, why, and what to do now."""

    op_id: str
    text: str
    reason: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTool:
    """One tool of an order; `key` names the sheet that it opens, `detail` how far it is."""

    key: str
    text: str
    detail: str
    icon: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """One order.

    Attributes:
        facts: Number, address, meter and so on, top to bottom.
        finding: What was found, empty before.
        next_action: The one primary button; None when nothing is expected of the crew.
        other_actions: No access, cannot finish.
        look_here: What needs the crew's eyes first.
        message: Why the last tap was refused, empty otherwise.
        problem: Why this order cannot be shown fully, empty otherwise.
        tools: What can be done here beside the next step.
        handover: What the crew before left: its note, its steps, its closed valves.
        phone: The number of whom to meet, where this tablet can telephone, else empty.
    """

    order_id: str
    number: str
    title: str
    address: str
    state: WorkOrderState
    state_text: str
    medium: Medium
    medium_text: str
    safety_class: SafetyClass
    priority: int
    priority_text: str
    due_text: str
    is_overdue: bool
    mark: MarkView
    facts: tuple[LabelledText, ...]
    finding: tuple[LabelledText, ...]
    evidence: EvidenceView | None
    instructions: tuple[str, ...]
    note: str
    next_action: ActionView | None
    other_actions: tuple[ActionView, ...]
    look_here: tuple[LookHere, ...]
    message: str
    problem: str
    is_gone: bool
    is_busy: bool
    tools: tuple[OrderTool, ...] = ()
    handover: tuple[LabelledText, ...] = ()
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceView:
    """One choice of a group; `key` goes back to the presenter."""

    key: str
    text: str
    is_selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFieldView:
    """One measured value: what was typed stays as typed, also when it is wrong."""

    key: str
    label: str
    unit: str
    text: str
    range_text: str
    error_text: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """The finding form.

    Attributes:
        results: Leak, inaccurate, normal, other.
        causes: Causes for the chosen result and the order's medium; empty before a result.
        missing: What is missing or wrong, one sentence each; empty when it can be finished.
        gas_text: What the button says that orders a crew for gas, where the order has no steps for
            it; empty without gas, then the button finishes.
        saved_text: When the last answer was kept on this tablet.
        is_finished: The finding has been recorded; the screen closes.
    """

    order_id: str
    number: str
    title: str
    address: str
    results: tuple[ChoiceView, ...]
    causes: tuple[ChoiceView, ...]
    measured: tuple[MeasuredFieldView, ...]
    note: str
    missing: tuple[str, ...]
    can_finish: bool
    finish_text: str
    saved_text: str
    message: str
    is_finished: bool
    is_busy: bool
    gas_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """One user action that the server does not have yet."""

    op_id: str
    text: str
    order_number: str
    at_text: str
    mark: MarkView


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncView:
    """Where the tablet's words stand (sync spec 1.5, overall line).

    Attributes:
        pill_text: Short: `Online`, `Offline · 3 waiting`.
        line_text: Long: last contact, waiting, oldest, reason.
        banner: What a person must do (sign in again, update), empty otherwise.
        next_try_text: When the next try is due, empty while online.
        capabilities: What this tablet can not do, said honestly (camera, NFC, GPS, vault).
        noted_count: Homes with a hazard that somebody noted and nobody finished.
    """

    pill_text: str
    pill_tone: Tone
    line_text: str
    is_online: bool
    is_switched_off: bool
    is_syncing: bool
    waiting_count: int
    look_here_count: int
    last_contact_text: str
    oldest_text: str
    reason_text: str
    next_try_text: str
    banner: str
    waiting: tuple[WaitingRow, ...]
    look_here: tuple[LookHere, ...]
    held_count: int
    capabilities: tuple[LabelledText, ...]
    noted_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A person of the crew who may work on this tablet."""

    account_id: str
    name: str
    is_selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolView:
    """The first start: server address and one-time code.

    Attributes:
        is_enrolled: The tablet knows its crew; the screen may close.
        people: Who may work on it, once enrolled.
        message: Why it did not work, and the remedy; empty otherwise.
        can_scan: The control room's code can be scanned, so that nothing is typed.
    """

    server_url: str
    code: str
    can_enrol: bool
    is_busy: bool
    is_enrolled: bool
    crew_text: str
    people: tuple[PersonView, ...]
    message: str
    can_scan: bool = False


class PinStep(StrEnum):
    """What the PIN pad is for just now; OFF: it is not shown."""

    OFF = "off"
    WHO = "who"
    ENTER = "enter"
    CHOOSE = "choose"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInView:
    """The PIN page.

    Attributes:
        title: What is asked.
        digits_count: How many digits were typed; which ones is never part of a view.
        can_cancel: There is somebody at work to go back to.
        can_set_pin: This tablet has a vault, so a PIN protects something.
        has_pin: The person at work has one.
        offer_text: Why a PIN would be good, empty when there is one or there can be none.
    """

    step: PinStep
    title: str
    people: tuple[PersonView, ...]
    digits_count: int
    message: str
    is_busy: bool
    can_cancel: bool
    can_confirm: bool
    can_set_pin: bool
    has_pin: bool
    offer_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """The banner across the screen; an empty text: nothing calls.

    `order_id` is the order that a tap on the banner opens, empty for a watch and a call for help.
    What has no `answer_text` stands there in silence until it is over.
    """

    text: str
    detail: str
    tone: Tone
    icon: str
    answer_text: str
    order_id: str
