"""Turns one order into its page: facts, evidence, finding, buttons, and what needs eyes."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from field_app.access.personal_data import SeenPerson
from field_app.forms.numbers import shown_number
from field_app.orders.next_action import is_open, next_event, side_events
from field_app.orders.seen_order_store import SeenOrder
from field_app.presenters.dates import short_day_text, time_text
from field_app.presenters.outcome_words import advice_text, operation_text, outcome_text
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.views import (
    ActionView,
    ChartPointView,
    EvidenceView,
    LabelledText,
    LookHere,
    MarkView,
    OrderView,
    Tone,
)
from field_app.presenters.wording import (
    count_unit,
    due_text,
    event_text,
    gap_text,
    mark_view,
    medium_text,
    result_text,
    state_text,
)
from field_app.store.outbox_store import Look, OutboxEntry
from field_app.store.record_states import RecordState
from wire_contracts.evidence import ChartPoint, Evidence
from wire_contracts.findings import CAUSE_TEXT, Cause
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import FactType, SafetyClass, WorkOrderDocument
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

_MOST_CHART_POINTS: Final = 600
"""More than the pixels of the chart on any tablet."""

_SHOWN_COUNTS: Final = 3
"""Former readings on the order's page; its sheet of the reading has more."""


def blank_order(order_id: str) -> OrderView:
    """Return the view before anything was read."""
    return _unread(order_id, is_busy=True, is_gone=False, problem="")


def gone_order(order_id: str, t: Words) -> OrderView:
    """Return the view of an order that is not on this tablet any more."""
    problem = t("This order is not on this tablet any more.")
    return _unread(order_id, is_busy=False, is_gone=True, problem=problem)


def _unread(order_id: str, *, is_busy: bool, is_gone: bool, problem: str) -> OrderView:
    return OrderView(
        order_id=order_id,
        number="",
        title="",
        address="",
        state=WorkOrderState.RELEASED,
        state_text="",
        medium=Medium.GAS,
        medium_text="",
        safety_class=SafetyClass.C,
        priority=4,
        priority_text="",
        due_text="",
        is_overdue=False,
        mark=MarkView(state=RecordState.UNTOUCHED, text="", tone=Tone.PLAIN),
        facts=(),
        finding=(),
        evidence=None,
        instructions=(),
        note="",
        next_action=None,
        other_actions=(),
        look_here=(),
        message="",
        problem=problem,
        is_gone=is_gone,
        is_busy=is_busy,
    )


def person_facts(person: SeenPerson, context: PresenterContext) -> tuple[LabelledText, ...]:
    """Return who is to be met at an order, or in one line why nobody is shown."""
    t = context.words
    label = t("Whom to meet")
    if person.person is None:
        text = gap_text(t, person.gap)
        return (LabelledText(label=label, text=text, icon="person"),) if text else ()
    at_utc = person.person.appointment_at_utc
    at_ms = None if at_utc is None else ms_from_utc(at_utc)
    lines = (
        (label, person.person.name, "person"),
        (t("Phone"), person.person.phone, "phone"),
        (t("Remark"), person.person.note, "note"),
        (
            t("Appointment"),
            ""
            if at_ms is None
            else time_text(context.words, at_ms, context.clock.now_utc(), context.zone),
            "time",
        ),
    )
    return tuple(
        LabelledText(label=name, text=text, icon=icon) for name, text, icon in lines if text
    )


def order_view(
    seen: SeenOrder,
    document: WorkOrderDocument,
    context: PresenterContext,
    message: str,
    *,
    is_lost: bool = False,
) -> OrderView:
    """Return the page of an order that can be read."""
    t = context.words
    now_utc = context.clock.now_utc()
    due_at = document.due_at_utc
    due_at_ms = None if due_at is None else ms_from_utc(due_at)
    due, is_overdue = due_text(t, due_at_ms, now_utc, context.zone)
    event = None if seen.is_gone else next_event(document.state)
    sides = () if seen.is_gone else side_events(document.state)
    return OrderView(
        order_id=seen.order_id,
        number=document.number,
        title=document.title.in_language(t.language),
        address=document.address,
        state=document.state,
        state_text=state_text(t, document.state),
        medium=document.medium,
        medium_text=medium_text(t, document.medium),
        safety_class=document.safety_class,
        priority=document.priority,
        priority_text=f"P{document.priority}",
        due_text=due,
        is_overdue=is_overdue and is_open(document.state),
        mark=mark_view(t, seen.mark),
        facts=_facts(document, context),
        finding=_finding(document, t),
        evidence=None if document.evidence is None else _evidence(document.evidence, context),
        instructions=tuple(step.in_language(t.language) for step in document.instructions),
        note=document.note,
        next_action=None if event is None else _action(t, event),
        other_actions=tuple(_action(t, each) for each in sides),
        look_here=tuple(look_here(t, entry) for entry in seen.entries if entry.look is Look.YES),
        message=message,
        problem=gone_text(seen, t, is_lost=is_lost) if seen.is_gone else "",
        is_gone=seen.is_gone,
        is_busy=False,
    )


def gone_text(seen: SeenOrder, t: Words, *, is_lost: bool = False) -> str:
    """Return that the order has left, and what became of a finding that was begun."""
    if is_lost:
        return t(
            "The office's server was restored and does not show this order any more. The office is "
            "asked to make it again; what is typed in its forms stays here for a day."
        )
    if any(_is_begun_finding(entry) for entry in seen.entries):
        return t("This order has left your list; what was begun goes to the office as it stands.")
    return t("This order has left your list; your words are still sent.")


def _is_begun_finding(entry: OutboxEntry) -> bool:
    payload = entry.operation.payload or {}
    is_begun = entry.operation.field == FactType.FORM_ANSWERSET and payload.get("is_unfinished")
    return is_begun is True


def _action(t: Words, event: WorkOrderEvent) -> ActionView:
    return ActionView(
        event=str(event),
        text=event_text(t, event),
        opens_finding=event is WorkOrderEvent.FINISH,
    )


def look_here(t: Words, entry: OutboxEntry, order_number: str = "") -> LookHere:
    """Return one operation that a person must see: the server's reason, and what to do now."""
    text = operation_text(t, entry.operation)
    return LookHere(
        op_id=entry.operation.op_id,
        text="  ·  ".join(part for part in (order_number, text) if part),
        reason=outcome_text(t, entry),
        advice=advice_text(t, entry),
    )


def _facts(document: WorkOrderDocument, context: PresenterContext) -> tuple[LabelledText, ...]:
    t = context.words
    created = time_text(
        context.words, ms_from_utc(document.created_at_utc), context.clock.now_utc(), context.zone
    )
    facts = (
        LabelledText(label=t("Order"), text=document.number, icon="order"),
        LabelledText(label=t("Address"), text=document.address, icon="address"),
        LabelledText(label=t("Meter"), text=document.meter_id or "", icon="meter"),
        LabelledText(label=t("Number on the meter"), text=document.device_serial or "", icon="tag"),
        LabelledText(label=t("Last readings"), text=_last_counts(document, context), icon="meter"),
        LabelledText(label=t("Made"), text=created, icon="time"),
    )
    return tuple(fact for fact in facts if fact.text)


def _last_counts(document: WorkOrderDocument, context: PresenterContext) -> str:
    """Return what the meter counted lately, the newest first, empty where nobody knows."""
    site = document.site
    if site is None:
        return ""
    now_utc = context.clock.now_utc()
    unit = count_unit(site.quantity)
    return "\n".join(
        f"{shown_number(each.value)} {unit}".strip()
        + f"  ·  {time_text(context.words, each.at_ms, now_utc, context.zone)}"
        for each in reversed(site.counts[-_SHOWN_COUNTS:])
    )


def _finding(document: WorkOrderDocument, t: Words) -> tuple[LabelledText, ...]:
    if document.result is None:
        return ()
    lines = (
        LabelledText(label=t("Result"), text=result_text(t, document.result), icon="result"),
        LabelledText(label=t("Cause"), text=cause_text(t, document.cause), icon="cause"),
        LabelledText(label=t("In words"), text=document.diagnosis, icon="words"),
    )
    return tuple(line for line in lines if line.text)


def cause_text(t: Words, cause: str) -> str:
    """Return a cause in the reader's language; one that is not known stays as it is."""
    if cause not in set(Cause):
        return cause
    return CAUSE_TEXT[Cause(cause)].in_language(t.language)


_DAYS_ALONE: Final = timedelta(days=3)
"""A chart of more than this names its days: nobody looks for a minute in a fortnight."""


def _evidence(evidence: Evidence, context: PresenterContext) -> EvidenceView:
    t = context.words
    points = _thinned(evidence.points)
    first, last = _span(evidence)
    middle = first + (last - first) / 2
    now_utc = context.clock.now_utc()
    return EvidenceView(
        sentence=evidence.sentence.in_language(t.language),
        unit=evidence.unit,
        points=tuple(
            ChartPointView(
                x=_x(point.at_utc, first, last),
                observed=point.observed,
                expected_low=point.expected_low,
                expected_high=point.expected_high,
            )
            for point in points
        ),
        rule_from_x=_x(evidence.rule_from_utc, first, last),
        rule_to_x=_x(evidence.rule_to_utc, first, last),
        top=_top(points),
        axis_texts=tuple(
            short_day_text(t, moment.astimezone(context.zone).date())
            if last - first > _DAYS_ALONE
            else time_text(t, ms_from_utc(moment), now_utc, context.zone)
            for moment in (first, middle, last)
        ),
        numbers=_numbers(evidence, t),
        check_first=tuple(each.in_language(t.language) for each in evidence.check_first),
    )


def _numbers(evidence: Evidence, t: Words) -> tuple[LabelledText, ...]:
    lines: list[LabelledText] = []
    units = {"d": t("d"), "h": t("h"), "min": t("min")}
    for number in evidence.numbers:
        unit = units.get(number.shown_unit, number.shown_unit)
        text = f"{_short(number.value)} {unit}".strip()
        if number.limit is not None:
            limit = f"{_short(number.limit)} {unit}".strip()
            text = t("{value}, limit {limit}").format(value=text, limit=limit)
        icon = "trigger" if number.is_trigger else ""
        label = number.name.in_language(t.language)
        lines.append(LabelledText(label=label, text=text, icon=icon))
    return tuple(lines)


def _short(value: float) -> str:
    """Return the number with three telling digits, never fewer than its whole part."""
    whole_digits = math.floor(math.log10(abs(value))) if value else 0
    return shown_number(round(value, max(0, 2 - whole_digits)))


def _span(evidence: Evidence) -> tuple[datetime, datetime]:
    if not evidence.points:
        return evidence.rule_from_utc, evidence.rule_to_utc
    return evidence.points[0].at_utc, evidence.points[-1].at_utc


def _x(moment: datetime, first: datetime, last: datetime) -> float:
    length = (last - first).total_seconds()
    if length <= 0:
        return 0.0
    return min(max((moment - first).total_seconds() / length, 0.0), 1.0)


def _top(points: Sequence[ChartPoint]) -> float:
    values = [
        value
        for point in points
        for value in (point.observed, point.expected_high)
        if value is not None
    ]
    return max(values, default=0.0)


def _thinned(points: Sequence[ChartPoint]) -> Sequence[ChartPoint]:
    """Return at most 600 points; of each stretch the highest stays, so that no peak is lost."""
    if len(points) <= _MOST_CHART_POINTS:
        return points
    step = -(-len(points) // _MOST_CHART_POINTS)
    stretches = (points[start : start + step] for start in range(0, len(points), step))
    return tuple(
        max(stretch, key=lambda point: float("-inf") if point.observed is None else point.observed)
        for stretch in stretches
    )
