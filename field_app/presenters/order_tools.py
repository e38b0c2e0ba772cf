"""Decides which tools an order page offers, what each says, and what the next step opens."""

from collections.abc import Sequence

from field_app.orders.safety_steps import next_step
from field_app.orders.site_desk import SiteSheet
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.site_words import step_text
from field_app.presenters.views import ActionView, LabelledText, OrderTool, Tone
from field_app.presenters.wording import time_text
from wire_contracts.orders import OrderType
from wire_contracts.site_facts import SafetyStep
from wire_contracts.work_order_states import WorkOrderState

OPENS_WORK = "work"
"""The event of a next step that opens the sheet of the steps."""

_ON_SITE = frozenset({WorkOrderState.ON_SITE, WorkOrderState.WORKING})


def order_tools(sheet: SiteSheet, context: PresenterContext) -> tuple[OrderTool, ...]:
    """Return the tools of an order that the crew stands before; none before it is there."""
    t = context.words
    if sheet.document.state not in _ON_SITE:
        return ()
    return tuple(tool for tool in _tools(sheet, t) if tool is not None)


def _tools(sheet: SiteSheet, t: Words) -> Sequence[OrderTool | None]:
    record = sheet.record
    opens_pipes = sheet.document.order_type is not OrderType.COMM_CHECK
    steps = OrderTool(
        key="work",
        text=t("Steps"),
        detail=f"{len(record.done)} / {len(sheet.plans)}",
        icon="format-list-checks",
        tone=Tone.OK if len(record.done) == len(sheet.plans) else Tone.INFO,
    )
    gas = OrderTool(
        key="gate",
        text=t("Gas test"),
        detail=str(len(record.gas)) if record.gas else t("before entry"),
        icon="air-filter",
        tone=Tone.OK if record.gas else Tone.PLAIN,
    )
    valves = OrderTool(
        key="valves",
        text=t("Valves"),
        detail=t("{count} closed").format(count=len(record.valves)) if record.valves else "0",
        icon="valve-closed" if record.valves else "valve",
        tone=Tone.WARN if record.valves else Tone.PLAIN,
    )
    parts = OrderTool(
        key="parts",
        text=t("Parts"),
        detail=f"{sum(part.quantity for part in record.parts):g}",
        icon="package-variant",
        tone=Tone.OK if record.parts else Tone.PLAIN,
    )
    reading = OrderTool(
        key="reading",
        text=t("Reading"),
        detail=f"{record.counts[-1].value:g}" if record.counts else "–",
        icon="counter",
        tone=Tone.OK if record.counts else Tone.PLAIN,
    )
    photos = OrderTool(
        key="photos",
        text=t("Photos"),
        detail=str(sheet.photos),
        icon="camera",
        tone=Tone.OK if sheet.photos else Tone.PLAIN,
    )
    signature = OrderTool(
        key="signature", text=t("Signature"), detail="", icon="signature-freehand", tone=Tone.PLAIN
    )
    handover = OrderTool(
        key="handover", text=t("Hand over"), detail="", icon="swap-horizontal", tone=Tone.PLAIN
    )
    is_working = sheet.document.state is WorkOrderState.WORKING
    return (
        steps if opens_pipes else None,
        gas if opens_pipes else None,
        valves if opens_pipes else None,
        photos,
        parts,
        reading if sheet.document.meter_id is not None else None,
        signature,
        handover if is_working else None,
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


def handover_facts(sheet: SiteSheet, context: PresenterContext) -> tuple[LabelledText, ...]:
    """Return what the crew before left, nothing when nobody handed the order over."""
    handover = sheet.document.handover
    if handover is None:
        return ()
    t, medium = context.words, sheet.document.medium
    at = time_text(handover.at_ms, context.clock.now_utc(), context.zone)
    steps = ", ".join(step_text(t, each.step, medium) for each in handover.steps)
    valves = ", ".join(each.valve_id for each in handover.valves)
    lines = (
        (f"{handover.by}  ·  {at}", handover.note, "words"),
        (t("Done so far"), steps, "result"),
        (t("Valves that stay closed"), valves, "cause"),
    )
    return tuple(
        LabelledText(label=label, text=text, icon=icon) for label, text, icon in lines if text
    )
