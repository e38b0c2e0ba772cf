"""The route of the orders to gateways: what was ordered, by whom, how far it came, the answer.

The page orders nothing: an order carries the signature of a key that is on nobody's server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sync_server.db.engine_io import reading
from sync_server.gateways.order_store import OrderRecord, list_orders
from sync_server.web.guarded_io import SeeGateways
from sync_server.web.labels import label
from sync_server.web.pages_io import Pages
from sync_server.web.words import Words, mark
from wire_contracts.gateway_commands import CommandKind, CommandOutcome

KINDS: Mapping[str, str] = {
    str(CommandKind.PING): mark("Ask for a sign of life"),
    str(CommandKind.READ_NOW): mark("Read a meter now"),
    str(CommandKind.IDENTIFY): mark("Identify a meter"),
    str(CommandKind.GET_CONFIG): mark("Ask for the settings"),
    str(CommandKind.APPLY_CONFIG): mark("New settings"),
    str(CommandKind.ROLLBACK_CONFIG): mark("Back to former settings"),
    str(CommandKind.WRITE): mark("Write to a meter"),
}

_OUTCOMES: Mapping[CommandOutcome, tuple[str, str, str]] = {
    CommandOutcome.ACCEPTED: (mark("under way"), "info", "clock"),
    CommandOutcome.DONE: (mark("done"), "ok", "check"),
    CommandOutcome.REFUSED: (mark("refused"), "danger", "x"),
    CommandOutcome.FAILED: (mark("failed"), "danger", "warn"),
    CommandOutcome.UNKNOWN: (mark("unclear: look first"), "warn", "warn"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOrderRow:
    """One order with how far it came."""

    command_id: str
    gateway_id: str
    what: str
    ordered_by: str
    made: str
    expires: str
    sent: int
    state: str
    chip_class: str
    chip_icon: str
    answer: str
    facts: Sequence[tuple[str, str]]


def gateway_orders_router(pages: Pages) -> APIRouter:
    """Return the route of the page."""
    router = APIRouter()

    @router.get("/gateways/orders")
    def orders(request: Request, person: SeeGateways, gateway: str = "") -> Response:
        """Show the newest hundred orders, of one gateway or of all."""
        reader = pages.reader(person)
        with reading(pages.engine) as connection:
            found = list_orders(connection, gateway[:32] or None)
        now_utc = pages.clock.now_utc()
        return pages.page(
            request,
            reader,
            "gateway_orders.html",
            "gateways",
            gateway=gateway[:32],
            rows=[gateway_order_row(each, reader.words, now_utc) for each in found],
        )

    return router


def gateway_order_row(order: OrderRecord, words: Words, now_utc: datetime) -> GatewayOrderRow:
    """Return an order in the reader's words; one that nobody answered in time has expired."""
    result = order.result
    if result is not None:
        message, chip_class, icon = _OUTCOMES[result.outcome]
    elif order.expires_at_utc <= now_utc:
        message, chip_class, icon = mark("expired without an answer"), "warn", "clock"
    elif order.sent_count:
        message, chip_class, icon = mark("sent, no answer yet"), "info", "right"
    else:
        message, chip_class, icon = mark("waits to be sent"), "", "clock"
    what = label(words, KINDS, str(order.kind))
    return GatewayOrderRow(
        command_id=order.command_id,
        gateway_id=order.gateway_id,
        what=what if order.number is None else f"{what} {order.number}",
        ordered_by=order.ordered_by,
        made=words.near_clock(order.created_at_utc, now_utc),
        expires=words.near_clock(order.expires_at_utc, now_utc),
        sent=order.sent_count,
        state=words.gettext(message),
        chip_class=chip_class,
        chip_icon=icon,
        answer=result.text if result is not None else "",
        facts=sorted(result.facts.items()) if result is not None else (),
    )
