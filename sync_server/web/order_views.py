"""What the order pages show: rows, the line of states, the finding, the buttons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_server.access.roles import Action, Role, may
from sync_server.web.alert_views import EventRow, OrderBrief, OrderLine
from sync_server.web.labels import (
    MEDIA,
    ORDER_EVENTS,
    ORDER_STATES,
    ORDER_TYPES,
    QUANTITIES,
    RESULTS,
    WELL_ENTRIES,
    label,
    unit_of,
)
from sync_server.web.places import Place, PlaceNames, place_for
from sync_server.web.words import Words, mark, quantity
from sync_server.work_orders.order import RULE_ACTOR, Fact, OrderRecord, OrderStep
from wire_contracts.fields import JsonValue
from wire_contracts.findings import CAUSE_TEXT, Cause
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

_S = WorkOrderState
_E = WorkOrderEvent

_TONES: Mapping[WorkOrderState, tuple[str, str]] = {
    _S.PLANNED: ("", "clock"),
    _S.RELEASED: ("info", "truck"),
    _S.ACCEPTED: ("info", "check"),
    _S.EN_ROUTE: ("info", "truck"),
    _S.ON_SITE: ("info", "pin"),
    _S.WORKING: ("info", "wrench"),
    _S.FINISHED: ("ok", "check"),
    _S.CANNOT_FINISH: ("warn", "warn"),
    _S.NO_ACCESS: ("warn", "lock"),
    _S.VERIFIED: ("ok", "eye"),
    _S.CLOSED: ("out", "check"),
    _S.CANCELLED: ("out", "x"),
}
"""State -> class and icon of its chip."""

LINE: Sequence[WorkOrderState] = (
    _S.PLANNED,
    _S.RELEASED,
    _S.ACCEPTED,
    _S.EN_ROUTE,
    _S.ON_SITE,
    _S.WORKING,
    _S.FINISHED,
    _S.VERIFIED,
    _S.CLOSED,
)
"""The straight way of an order; RULINGS R14."""

_STOPPED = frozenset({_S.CANNOT_FINISH, _S.NO_ACCESS, _S.CANCELLED})

DONE = frozenset({_S.FINISHED, _S.VERIFIED, _S.CLOSED})

STATES_IN_TAB: Mapping[str, frozenset[WorkOrderState]] = {
    "open": frozenset(_S) - DONE - {_S.CANCELLED},
    "done": DONE,
    "all": frozenset(_S),
}
"""Tab of the list of orders -> the states it shows."""

BUSY = frozenset({_S.RELEASED, _S.ACCEPTED, _S.EN_ROUTE, _S.ON_SITE, _S.WORKING})
"""States in which the order is in a crew's hands."""

_NOWHERE = PlaceNames(en="", zh="")

_RESULT_TONES: Mapping[FindingResult, str] = {
    FindingResult.LEAK: "danger",
    FindingResult.INACCURATE: "warn",
    FindingResult.NORMAL: "ok",
    FindingResult.OTHER: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order in the reader's words."""

    order_id: str
    number: str
    href: str
    priority: int
    safety_class: str
    medium: str
    medium_message: str
    order_type: str
    title: str
    meter_id: str
    place: Place
    crew: str
    state: str
    chip_class: str
    chip_icon: str
    result: str
    result_class: str
    made: str
    due: str
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One state of the line: `phase` is done, now, stopped or later."""

    words: str
    at: str
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderButton:
    """One action that the order's state and the reader's role allow."""

    event: str
    words: str
    key: str
    icon: str
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """What the crew found; `entry` says whether anybody went into the well, empty: not asked."""

    result: str
    chip_class: str
    cause: str
    diagnosis: str
    note: str
    measured: Sequence[tuple[str, str]]
    label: str
    entry: str = ""


_BUTTONS: Sequence[tuple[WorkOrderEvent, Action, str, str, str]] = (
    (_E.VERIFY, Action.VERIFY_ORDER, "v", "eye", "p"),
    (_E.CLOSE, Action.CLOSE_ORDER, "c", "check", "p"),
    (_E.RELEASE, Action.DISPATCH_ORDER, "r", "truck", "p"),
    (_E.REOPEN, Action.REOPEN_ORDER, "o", "ret", ""),
    (_E.CANCEL, Action.CANCEL_ORDER, "x", "x", ""),
)
"""Event, the action it needs, key, icon, class: the office's events in the order of the line."""


def buttons_for(record: OrderRecord, role: Role, words: Words) -> list[OrderButton]:
    """Return what the reader may do with the order now."""
    possible = set(WORK_ORDER.possible_events(record.state))
    return [
        OrderButton(
            event=str(event),
            words=label(words, ORDER_EVENTS, event),
            key=key,
            icon=icon,
            style=style,
        )
        for event, action, key, icon, style in _BUTTONS
        if event in possible
        and may(role, action)
        and not (event is _E.RELEASE and record.document.crew_id is None)
    ]


def can_be_sent(record: OrderRecord, role: Role) -> bool:
    """Return whether the reader may give the order to a crew now, or to another one."""
    possible = WORK_ORDER.possible_events(record.state)
    is_possible = _E.REASSIGN in possible or _E.RELEASE in possible
    return is_possible and may(role, Action.DISPATCH_ORDER)


def brief_of(line: OrderLine, words: Words, crews: Mapping[str, str]) -> OrderBrief:
    """Return the order in the two lines of an alert row."""
    tone = _TONES[line.state][0]
    state = label(words, ORDER_STATES, line.state)
    crew = crews.get(line.crew_id or "", line.crew_id or "")
    return OrderBrief(
        order_id=line.order_id,
        number=line.number,
        words=f"{state} · {crew}" if crew else state,
        tone=tone if tone not in {"out", ""} else "muted",
    )


def order_row(
    record: OrderRecord,
    words: Words,
    now_utc: datetime,
    crews: Mapping[str, str],
    places: Mapping[str, PlaceNames],
) -> OrderRow:
    """Return the order's row for one reader; `places` names the meters' communities."""
    names = places.get(record.document.meter_id or "", _NOWHERE)
    document = record.document
    chip_class, chip_icon = _TONES[record.state]
    result = document.result
    due = document.due_at_utc
    return OrderRow(
        order_id=record.order_id,
        number=document.number,
        href=f"/orders/{record.order_id}",
        priority=document.priority,
        safety_class=str(document.safety_class),
        medium=str(document.medium),
        medium_message=MEDIA[document.medium],
        order_type=label(words, ORDER_TYPES, document.order_type),
        title=document.title.in_language(words.language),
        meter_id=document.meter_id or "",
        place=place_for(words, names.en, names.zh, document.address),
        crew=crews.get(document.crew_id or "", document.crew_id or ""),
        state=label(words, ORDER_STATES, record.state),
        chip_class=chip_class,
        chip_icon=chip_icon,
        result=label(words, RESULTS, result) if result else "",
        result_class=_RESULT_TONES[result] if result else "",
        made=words.near_clock(document.created_at_utc, now_utc),
        due=words.near_clock(due, now_utc) if due else "",
        is_late=due is not None and due < now_utc and record.state in STATES_IN_TAB["open"],
    )


def line_of(
    record: OrderRecord, path: Iterable[OrderStep], words: Words, now_utc: datetime
) -> list[StepView]:
    """Return the line of states with the time each was reached; a stop is added where it is."""
    reached: dict[WorkOrderState, datetime] = {_S.PLANNED: record.document.created_at_utc}
    for step in path:
        reached[step.to_state] = step.happened_at_utc
    stopped_at = record.state if record.state in _STOPPED else None
    states = [*LINE] if stopped_at is None else [*_before(reached), stopped_at]
    now_index = states.index(record.state)
    return [
        StepView(
            words=label(words, ORDER_STATES, state),
            at=words.near_clock(reached[state], now_utc)
            if state in reached and index <= now_index
            else "",
            phase=_phase(index, now_index, state),
        )
        for index, state in enumerate(states)
    ]


def _before(reached: Mapping[WorkOrderState, datetime]) -> list[WorkOrderState]:
    return [state for state in LINE if state in reached]


def _phase(index: int, now_index: int, state: WorkOrderState) -> str:
    if state in _STOPPED:
        return "stopped"
    if index < now_index or (index == now_index and state is _S.CLOSED):
        return "done"
    return "now" if index == now_index else "later"


def finding_view(
    record: OrderRecord, facts: Sequence[Fact], words: Words, alert_label: str
) -> FindingView | None:
    """Return the crew's finding, None while there is none."""
    document = record.document
    if document.result is None:
        return None
    known = CAUSE_TEXT[Cause(document.cause)] if document.cause in set(Cause) else None
    return FindingView(
        result=label(words, RESULTS, document.result),
        chip_class=_RESULT_TONES[document.result],
        cause=known.in_language(words.language) if known else document.cause,
        diagnosis=document.diagnosis,
        note=document.note,
        measured=_measured(facts),
        label=alert_label,
        entry=_entry(facts, words),
    )


def _entry(facts: Sequence[Fact], words: Words) -> str:
    """Return whether anybody went into the well of the order, empty where nobody was asked."""
    said = _newest_answers(facts).get("entry")
    return label(words, WELL_ENTRIES, said) if isinstance(said, str) else ""


def _newest_answers(facts: Sequence[Fact]) -> Mapping[str, JsonValue]:
    """Return the answers of the newest finding, none where there is none."""
    findings = [
        fact.payload
        for fact in facts
        if fact.fact_type is FactType.FORM_ANSWERSET and is_finding(fact.payload)
    ]
    newest = findings[-1] if findings else None
    answered = newest.get("answers") if isinstance(newest, Mapping) else None
    return answered if isinstance(answered, Mapping) else {}


def _measured(facts: Sequence[Fact]) -> list[tuple[str, str]]:
    measured = _newest_answers(facts).get("measured")
    if not isinstance(measured, Mapping):
        return []
    return [
        (name, quantity(value, unit_of(name)) if isinstance(value, int | float) else str(value))
        for name, value in measured.items()
    ]


def is_finding(payload: JsonValue) -> bool:
    """Return whether answers are those of the finding form, and not of an office's checklist."""
    form = payload.get("form") if isinstance(payload, Mapping) else None
    return form is None or str(form).startswith(f"{FINDING_FORM.partition('@')[0]}@")


def measured_words(pairs: Sequence[tuple[str, str]], words: Words) -> list[tuple[str, str]]:
    """Return the measured quantities by the reader's names."""
    return [(label(words, QUANTITIES, name), value) for name, value in pairs]


_ON_CHART = frozenset({_S.ON_SITE, _S.FINISHED})


def order_steps(path: Iterable[OrderStep], words: Words) -> list[tuple[datetime, str]]:
    """Return what a chart flags of an order's work: on site, finished; moment and words."""
    return [
        (step.happened_at_utc, label(words, ORDER_STATES, step.to_state))
        for step in path
        if step.to_state in _ON_CHART
    ]


def path_view(
    path: Iterable[OrderStep], words: Words, now_utc: datetime, names: Mapping[str, str]
) -> list[EventRow]:
    """Return the steps of an order, newest first; a late entry says when it was recorded."""
    rows = []
    for step in reversed(list(path)):
        tone, icon = _TONES[step.to_state]
        who = (
            words.gettext(mark("automatic rule"))
            if step.actor == RULE_ACTOR
            else names.get(step.actor, step.actor)
        )
        is_late = (step.recorded_at_utc - step.happened_at_utc).total_seconds() > 60  # noqa: PLR2004  # seconds
        recorded = words.gettext(mark("recorded {time}")).format(
            time=words.near_clock(step.recorded_at_utc, now_utc)
        )
        rows.append(
            EventRow(
                at=words.near_clock(step.happened_at_utc, now_utc),
                title=label(words, ORDER_STATES, step.to_state),
                text=f"{who} · {recorded}" if is_late else who,
                tone="" if tone == "out" else tone,
                icon=icon,
            )
        )
    return rows
