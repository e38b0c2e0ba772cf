"""What a shift leaves open: work begun, closed valves, a watch, a route, hazards."""

from collections.abc import Sequence
from dataclasses import dataclass

from field_app.orders.lone_watch import Watch, WatchState
from field_app.orders.order_store import OrderLine, OrderQuery
from field_app.patrols.noted import noted_homes
from field_app.presenters.ports import Words
from field_app.presenters.sheet_views import Block, RowLine, RowsBlock
from field_app.presenters.views import Tone
from field_app.presenters.wording import state_text
from field_app.tablet import Tablet
from wire_contracts.site_facts import ClosedValve
from wire_contracts.work_order_states import WorkOrderState

_AT_WORK = frozenset({WorkOrderState.ON_SITE, WorkOrderState.WORKING})
_MOST = 20
"""Orders that are looked through: what is at work comes first in the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOpen:
    """What is open on a tablet; `noted_count`: homes with a hazard that nobody finished."""

    orders: Sequence[OrderLine]
    valves: Sequence[tuple[str, ClosedValve]]
    watch: Watch
    has_run: bool
    noted_count: int


def read_still_open(tablet: Tablet) -> StillOpen:
    """Return what is open now."""
    lines = tablet.desk.page(OrderQuery(limit=_MOST)).lines
    return StillOpen(
        orders=[each for each in lines if each.state in _AT_WORK],
        valves=tablet.site.closed_elsewhere(""),
        watch=tablet.calls.watch(),
        has_run=tablet.inspections.open_run() is not None,
        noted_count=tablet.database.read(noted_homes),
    )


def still_open_rows(t: Words, found: StillOpen) -> list[Block]:
    """Return it as a list, nothing where nothing is open."""
    lines = [
        RowLine(
            key=f"order-{each.order_id}",
            title=each.title.in_language(t.language),
            detail=f"{each.number}  ·  {state_text(t, each.state)}",
            icon="clipboard-list",
            tone=Tone.WARN,
        )
        for each in found.orders
    ]
    lines += [
        RowLine(
            key=f"valve-{number}-{valve.valve_id}",
            title=t("{valve} is closed").format(valve=valve.valve_id),
            detail="  ·  ".join(
                each
                for each in (
                    number,
                    t("may open: {name}").format(name=valve.may_reopen)
                    if valve.may_reopen
                    else t("nobody named"),
                )
                if each
            ),
            icon="valve-closed",
            tone=Tone.WARN,
        )
        for number, valve in found.valves
    ]
    rest = (
        (found.watch.state is not WatchState.OFF, "watch", t("The watch is running"), "timer"),
        (found.has_run, "run", t("A route is under way; end it first."), "routes"),
        (
            bool(found.noted_count),
            "homes",
            t("hazards not finished: {count}").format(count=found.noted_count),
            "alert-circle",
        ),
    )
    lines += [
        RowLine(key=key, title=text, icon=icon, tone=Tone.WARN)
        for is_open, key, text, icon in rest
        if is_open
    ]
    return [RowsBlock(key="open", title=t("Still open"), lines=tuple(lines))] if lines else []
