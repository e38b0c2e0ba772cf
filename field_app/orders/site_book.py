"""SiteBook: what one tablet knows about the work on site, read and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from field_app.orders.moments import TimerMoment
from field_app.orders.order_entry import OrderEntry, entry_of
from field_app.orders.shift_numbers import (
    NOTES_KEPT_MS,
    LeftNote,
    ShiftNumbers,
    count_shift,
    notes_left,
)
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.site_drafts_store import texts_of
from field_app.orders.site_sheet import SiteSheet, WellSheet
from field_app.orders.site_sheets_store import (
    ClosedElsewhere,
    load_closed_elsewhere,
    load_sheet,
    load_well,
)
from field_app.orders.site_store import facts_since, load_network
from field_app.orders.stamps import Stamps
from field_app.orders.van_store import load_van
from field_app.orders.work_record import WorkRecord
from field_app.store import draft_store
from field_app.store.database_io import Database
from field_app.store.draft_store import DraftKey
from wire_contracts.network import NetworkPart, Plane
from wire_contracts.orders import FactType, WorkOrderDocument
from wire_contracts.van import Van


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was typed for a record and when the last of it was kept."""

    typed: Mapping[str, str]
    saved_at_ms: int | None


class SiteBook:
    """What is read about the work on site; `SiteDesk` adds what a crew does there."""

    def __init__(self, database: Database, stamps: Stamps) -> None:
        """Read the database; who is at work and what time it is are told by `stamps`."""
        self._database = database
        self._stamps = stamps

    def sheet(self, order_id: str) -> SiteSheet:
        """Return everything about the work on an order.

        Raises:
            OrderGoneError: The tablet does not know the order, or cannot read it.
        """
        return self._database.read(
            lambda connection: load_sheet(connection, order_id, self._stamps)
        )

    def well(self, record: str) -> WellSheet:
        """Return what was measured under a record that is no order, such as a stop of a round."""
        return self._database.read(lambda each: load_well(each, record, self._stamps))

    def entry(self, order_id: str, document: WorkOrderDocument, record: WorkRecord) -> OrderEntry:
        """Return what was answered about going into the well of an order."""
        kept = self._database.read(
            lambda connection: draft_store.load_everyones(connection, order_id, WORK_FORM)
        )
        return entry_of(document, record, kept, self.moment())

    def network(self) -> Sequence[NetworkPart]:
        """Return the map; tens of milliseconds for a town."""
        return self._database.read(load_network)

    def plane(self) -> Plane | None:
        """Return the site's plane, None while there is no map."""
        parts = self.network()
        return parts[0].plane if parts else None

    def closed_elsewhere(self, order_id: str) -> Sequence[ClosedElsewhere]:
        """Return the valves that are closed for other orders.

        Of an order that this crew has no more (its number is empty) nobody tells what became of
        a valve: for a month it is believed closed.
        """
        return self._database.read(
            lambda connection: load_closed_elsewhere(connection, order_id, self._stamps)
        )

    def van(self) -> Van:
        """Return what the crew has with it."""
        return self._database.read(load_van)

    def numbers(self, midnight_ms: int) -> ShiftNumbers:
        """Return the day's numbers since a moment of the tablet's clock."""

        def work(connection: Connection) -> ShiftNumbers:
            return count_shift(facts_since(connection, set(FactType), midnight_ms))

        return self._database.read(work)

    def notes_left(self) -> tuple[LeftNote, ...]:
        """Return the notes that shifts before have left on this tablet, the newest first."""

        def work(connection: Connection) -> tuple[LeftNote, ...]:
            now_ms = self._stamps.now(connection).wall_ms
            facts = facts_since(connection, {FactType.SHIFT_NOTE}, now_ms - NOTES_KEPT_MS)
            return notes_left(facts, now_ms)

        return self._database.read(work)

    def draft(self, record: str) -> Draft:
        """Return what was typed for a record that is no order, such as the note of a shift."""

        def work(connection: Connection) -> Draft:
            key = DraftKey(order_id=record, form=WORK_FORM, author=self._stamps.actor())
            draft = draft_store.load_draft(connection, key)
            return Draft(typed=texts_of(draft.answers), saved_at_ms=draft.saved_at_ms)

        return self._database.read(work)

    def moment(self) -> TimerMoment:
        """Return the time by the clocks that waits and ages are measured with."""
        return self._stamps.moment()
