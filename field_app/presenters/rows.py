"""Turns orders into the rows of the list."""

import math
from typing import Final

from field_app.orders.order_list_store import OrderFilter, OrderLine, OrderPage
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.views import FilterChip, OrderRow
from field_app.presenters.wording import due_text, mark_view, medium_text, state_text
from wire_contracts.orders import SafetyClass

_KILOMETRE_M: Final = 1000.0


def distance_text(t: Words, metres: float) -> str:
    """Return a distance: metres up to one kilometre, then kilometres."""
    if metres < _KILOMETRE_M:
        return t("{metres} m").format(metres=round(metres / 10) * 10)
    return t("{kilometres} km").format(kilometres=f"{metres / _KILOMETRE_M:.1f}")


def _distance(t: Words, line: OrderLine, here: tuple[float, float] | None) -> str:
    if here is None or line.x_m is None or line.y_m is None:
        return ""
    return distance_text(t, math.dist(here, (line.x_m, line.y_m)))


def _priority_text(line: OrderLine) -> str:
    """Return the priority; danger to people is said first, whatever the priority."""
    priority = f"P{line.priority}"
    return f"A  ·  {priority}" if line.safety_class is SafetyClass.A else priority


def order_row(
    line: OrderLine, context: PresenterContext, here: tuple[float, float] | None = None
) -> OrderRow:
    """Return one row in the reader's language."""
    t = context.words
    due, is_overdue = due_text(t, line.due_at_ms, context.clock.now_utc(), context.zone)
    return OrderRow(
        order_id=line.order_id,
        number=line.number,
        title=line.title.in_language(t.language),
        address=line.address,
        state=line.state,
        state_text=state_text(t, line.state),
        medium=line.medium,
        medium_text=medium_text(t, line.medium),
        safety_class=line.safety_class,
        priority=line.priority,
        priority_text=_priority_text(line),
        due_text=due,
        is_overdue=is_overdue,
        mark=mark_view(t, line.mark),
        has_draft=line.has_draft,
        distance_text=_distance(t, line, here),
    )


def filter_chips(t: Words, page: OrderPage, chosen: OrderFilter) -> tuple[FilterChip, ...]:
    """Return the filters with their counts; an empty one is left out unless it is chosen."""
    texts = {
        OrderFilter.OPEN: t("To do"),
        OrderFilter.URGENT: t("Urgent"),
        OrderFilter.LOOK_HERE: t("Look here"),
        OrderFilter.LOST: t("Missing since a restore"),
        OrderFilter.HEAT: t("Heat"),
        OrderFilter.GAS: t("Gas"),
        OrderFilter.WATER: t("Water"),
        OrderFilter.DONE: t("Done"),
    }
    always = {OrderFilter.OPEN, OrderFilter.DONE, chosen}
    return tuple(
        FilterChip(
            key=str(each), text=text, count=page.counts.get(each, 0), is_selected=each is chosen
        )
        for each, text in texts.items()
        if each in always or page.counts.get(each, 0)
    )
