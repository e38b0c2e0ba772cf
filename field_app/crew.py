"""The crew without screens: presenters' core, store and sync of a real tablet (RULINGS R26)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from field_app.config import TabletConfig
from field_app.contact_io import Connect, connect_over_http
from field_app.forms.finding import MEASURED_PREFIX
from field_app.forms.numbers import shown_number
from field_app.orders.next_action import next_event
from field_app.orders.order_list_store import OrderFilter, OrderLine, OrderQuery
from field_app.orders.seen_order_store import SeenOrder
from field_app.platform.ports import Vault
from field_app.sync.engine import SyncVerdict
from field_app.sync.sync_store import SyncStatus
from field_app.tablet import Tablet, open_tablet
from wire_contracts.blobs import BlobRole
from wire_contracts.clock import Clock
from wire_contracts.fields import JsonValue
from wire_contracts.findings import Cause
from wire_contracts.kinds import FindingResult
from wire_contracts.quantities import Quantity
from wire_contracts.work_order_states import WorkOrderEvent

MOST_ORDERS: Final = 10_000
"""The stress figure of RULINGS R19."""


class HeadlessCrew:
    """One crew with its tablet: reads its orders, takes the steps, records what it found.

    Everything goes through the store of a real tablet: offline it works alike, and what it did
    reaches the server with a later `sync_now`.
    """

    def __init__(
        self,
        data: Path,
        clock: Clock,
        *,
        connect: Connect = connect_over_http,
        vault: Vault | None = None,
    ) -> None:
        """Open the tablet in `data`; `connect` replaces the way to the server, `vault` its own."""
        self.tablet: Tablet = open_tablet(data, clock, connect=connect, vault=vault)

    @property
    def is_enrolled(self) -> bool:
        """Return whether the tablet knows its server and crew."""
        return self.tablet.is_enrolled

    def enrol(
        self, server_url: str, code: str, *, device_name: str = TabletConfig().device_name
    ) -> None:
        """Trade a one-time code for the tablet's token; raise SyncProblem when it is refused."""
        self.tablet.enrol(server_url, code, device_name)

    def go_offline(self) -> None:
        """Switch the radio off: not one byte leaves the tablet."""
        self.tablet.set_online(is_on=False)

    def go_online(self) -> None:
        """Switch the radio on again; the next contact is due at once."""
        self.tablet.set_online(is_on=True)

    def sync_now(self) -> SyncVerdict:
        """Sync; return how it ended."""
        return self.tablet.sync_now()

    def status(self) -> SyncStatus:
        """Return where the tablet's words stand."""
        return self.tablet.status()

    def open_orders(self) -> tuple[OrderLine, ...]:
        """Return the orders with something left to do, most dangerous and soonest due first."""
        return self._lines(OrderFilter.OPEN)

    def done_orders(self) -> tuple[OrderLine, ...]:
        """Return the orders with nothing left for the crew."""
        return self._lines(OrderFilter.DONE)

    def order(self, order_id: str) -> SeenOrder | None:
        """Return one order with the own words on top, None when the tablet does not know it."""
        return self.tablet.desk.order(order_id)

    def act(self, order_id: str, event: WorkOrderEvent) -> None:
        """Take one step; raise RefusedTransition when it is not possible now."""
        self.tablet.desk.tap(order_id, event)

    def accept(self, order_id: str) -> None:
        """Accept an order."""
        self.act(order_id, WorkOrderEvent.ACCEPT)

    def depart(self, order_id: str) -> None:
        """Set off."""
        self.act(order_id, WorkOrderEvent.DEPART)

    def arrive(self, order_id: str) -> None:
        """Arrive on site."""
        self.act(order_id, WorkOrderEvent.ARRIVE)

    def begin(self, order_id: str) -> None:
        """Begin the work."""
        self.act(order_id, WorkOrderEvent.BEGIN)

    def go_to_work(self, order_id: str) -> None:
        """Take every step that is left up to the work itself."""
        for event in (
            WorkOrderEvent.ACCEPT,
            WorkOrderEvent.DEPART,
            WorkOrderEvent.ARRIVE,
            WorkOrderEvent.BEGIN,
        ):
            seen = self.order(order_id)
            document = None if seen is None else seen.document
            if document is not None and next_event(document.state) is event:
                self.act(order_id, event)

    def answer(self, order_id: str, answers: Mapping[str, JsonValue]) -> None:
        """Keep single answers of the finding form, as typing them would."""
        self.tablet.desk.save_answers(order_id, answers)

    def finish(
        self,
        order_id: str,
        result: FindingResult,
        cause: Cause,
        *,
        note: str = "",
        measured: Mapping[Quantity, float] | None = None,
    ) -> None:
        """Record the finding and finish the order.

        Raises:
            FindingIncompleteError: Something is missing: for gas a leak, or that all is well, needs
                `gas_lel_pct`; for water and heat `normal` needs any one measured value.
            RefusedTransition: The work has not begun.
        """
        answers: dict[str, JsonValue] = {
            "result": str(result),
            "cause": str(cause),
            "note": note,
        }
        for quantity, value in (measured or {}).items():
            answers[f"{MEASURED_PREFIX}{quantity}"] = shown_number(value)
        self.answer(order_id, answers)
        self.tablet.desk.finish(order_id)

    def protect(self, pin: str) -> None:
        """Give the person at work a PIN, or open the tablet with it when it has one."""
        tablet = self.tablet
        if tablet.identity is not None and tablet.identity.actor in tablet.vault.people():
            tablet.unlock(tablet.identity.actor, pin)
        elif tablet.vault.availability().is_available:
            tablet.set_pin(pin)

    def photograph(
        self, order_id: str, content: bytes, role: BlobRole = BlobRole.PHOTO
    ) -> str | None:
        """Keep a photo or a signature of an order; return its name, None without a vault."""
        if not self.tablet.photos.availability().is_available:
            return None
        return self.tablet.photos.add(order_id, content, role)

    def close(self) -> None:
        """Write what is queued and close the tablet."""
        self.tablet.close()

    def _lines(self, chosen: OrderFilter) -> tuple[OrderLine, ...]:
        query = OrderQuery(chosen=chosen, limit=MOST_ORDERS)
        return self.tablet.desk.page(query).lines
