"""Decides which tools an order page offers, what each says, and what the next step opens."""

from field_app.forms.numbers import shown_number
from field_app.orders.entry_gate import LEL_ENTRY_PCT
from field_app.orders.next_action import CREW_DONE
from field_app.orders.safety_steps import next_step
from field_app.orders.site_sheet import SiteSheet
from field_app.presenters.dates import time_text
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.site_words import step_text
from field_app.presenters.views import ActionView, LabelledText, OrderTool, Tone
from wire_contracts.site_facts import SafetyStep
from wire_contracts.work_order_states import WorkOrderState

OPENS_WORK = "work"
"""The event of a next step that opens the sheet of the steps."""

_ON_SITE = frozenset({WorkOrderState.ON_SITE, WorkOrderState.WORKING})


def order_tools(sheet: SiteSheet, context: PresenterContext) -> tuple[OrderTool, ...]:
    """Return the tools of an order that the crew stands before; none before it is there.

    Valves that it left closed can be opened, or given a keeper, after its end as well: the office
    may cancel an order while somebody stands before a closed valve.
    """
    t = context.words
    safety = _safety_tools(sheet, t)
    if sheet.document.state in CREW_DONE and sheet.record.valves:
        return tuple(each for each in safety if each.key == "valves")
    if sheet.document.state not in _ON_SITE:
        return ()
    if not sheet.plans:  # no pipe is opened, but a well may be entered
        safety = tuple(each for each in safety if each.key == "gate")
    return (*safety, *_record_tools(sheet, t))


def _gas_standing(sheet: SiteSheet, t: Words) -> tuple[str, Tone]:
    """Return what the last measurements of the air say now: go in, stay out, measure again.

    A place whose own last measurement lets nobody in comes before good air in another one. Good
    air of before gas that a step has found since says nothing.
    """
    record = sheet.record
    found = record.gas_since_test or 0.0
    if found > LEL_ENTRY_PCT and SafetyStep.REMEASURE not in record.done:
        return t("{value} % LEL: again").format(value=shown_number(found)), Tone.DANGER
    if not record.gas:
        return t("before entry"), Tone.PLAIN
    by_place = {gas.place.strip().casefold(): gas for _at_ms, gas in record.gas}
    shut = [gas for gas in by_place.values() if gas.is_entry_allowed is not True]
    last = shut[-1] if shut else record.gas[-1][1]
    text, tone = t("Entry allowed"), Tone.OK
    if shut:
        text, tone = t("Nobody went in"), Tone.DANGER
    elif sheet.is_air_old:
        text, tone = t("Measure again"), Tone.WARN
    return " · ".join(part for part in (last.place.strip(), text) if part), tone


def _safety_tools(sheet: SiteSheet, t: Words) -> tuple[OrderTool, ...]:
    """Return the tools of orders for which pipes are opened: steps, air, valves."""
    record = sheet.record
    gas_text, gas_tone = _gas_standing(sheet, t)
    valves_text = t("{count} closed").format(count=len(record.valves)) if record.valves else "0"
    return (
        OrderTool(
            key="work",
            text=t("Steps"),
            detail=f"{len(record.done)} / {len(sheet.plans)}",
            icon="format-list-checks",
            tone=Tone.OK if len(record.done) == len(sheet.plans) else Tone.INFO,
        ),
        OrderTool(
            key="gate",
            text=t("Gas test"),
            detail=gas_text,
            icon="air-filter",
            tone=gas_tone,
        ),
        OrderTool(
            key="valves",
            text=t("Valves"),
            detail=valves_text,
            icon="valve-closed" if record.valves else "valve",
            tone=Tone.WARN if record.valves else Tone.PLAIN,
        ),
    )


def _record_tools(sheet: SiteSheet, t: Words) -> tuple[OrderTool, ...]:
    """Return the tools that keep evidence: photos, parts, the dial, the signature."""
    record = sheet.record
    counts = shown_number(record.counts[-1].value) if record.counts else "–"
    rows = (
        ("photos", t("Photos"), str(sheet.photos), "camera", sheet.photos > 0),
        (
            "parts",
            t("Parts"),
            f"{sum(part.quantity for part in record.parts):g}",
            "package-variant",
            bool(record.parts),
        ),
        ("reading", t("Reading"), counts, "counter", bool(record.counts)),
        ("signature", t("Signature"), "", "signature-freehand", False),
        ("handover", t("Hand over"), "", "swap-horizontal", False),
    )
    left_out = set()
    if sheet.document.meter_id is None:
        left_out.add("reading")
    if sheet.document.state is not WorkOrderState.WORKING:
        left_out.add("handover")
    return tuple(
        OrderTool(
            key=key, text=text, detail=detail, icon=icon, tone=Tone.OK if is_done else Tone.PLAIN
        )
        for key, text, detail, icon, is_done in rows
        if key not in left_out
    )


def work_action(sheet: SiteSheet, t: Words) -> ActionView | None:
    """Return the next step of work that has begun, None when only the finding is left."""
    if sheet.document.state is not WorkOrderState.WORKING:
        return None
    plan = next_step(sheet.plans, sheet.record.done)
    if plan is None:
        return None
    return ActionView(event=OPENS_WORK, text=_next_text(plan.step, sheet, t))


def _next_text(step: SafetyStep, sheet: SiteSheet, t: Words) -> str:
    return t("Next: {step}").format(step=step_text(t, step, sheet.document.medium))


def cancelled_text(sheet: SiteSheet, t: Words) -> str:
    """Return that the office has cancelled an order over closed valves, empty otherwise."""
    if sheet.document.state is not WorkOrderState.CANCELLED or not sheet.record.valves:
        return ""
    return t("Cancelled by the office. Still closed: {valves}. Open it, or name who may.").format(
        valves=", ".join(each.valve_id for each in sheet.record.valves)
    )


def handover_facts(sheet: SiteSheet, context: PresenterContext) -> tuple[LabelledText, ...]:
    """Return what the crew before left, nothing when nobody handed the order over."""
    handover = sheet.document.handover
    if handover is None or handover.is_so_far:
        return ()
    t, medium = context.words, sheet.document.medium
    at = time_text(context.words, handover.at_ms, context.clock.now_utc(), context.zone)
    steps = ", ".join(step_text(t, each.step, medium) for each in handover.steps)
    valves = ", ".join(each.valve_id for each in handover.valves)
    gas = "" if handover.lel_pct is None else f"{shown_number(handover.lel_pct)} % LEL"
    lines = (
        (f"{handover.by}  ·  {at}", handover.note, "words"),
        (t("Done so far"), steps, "result"),
        (t("Valves that stay closed"), valves, "cause"),
        (t("Most gas measured"), gas, "trigger"),
    )
    return tuple(
        LabelledText(label=label, text=text, icon=icon) for label, text, icon in lines if text
    )
