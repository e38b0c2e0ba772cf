"""Reads orders and turns taps into operations, each tap one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from field_app.forms.finding import Missing
from field_app.orders import lost_orders_store, order_list_store, order_store, seen_order_store
from field_app.orders.begun_findings import GAS_FIELD, tell_others
from field_app.orders.completion import Evidence, Lacking
from field_app.orders.finding_changes import finding_group, gas_asked, gas_group, with_entry
from field_app.orders.finding_sheet import FindingSheet, finding_key, load_finding
from field_app.orders.order_list_store import OrderFilter, OrderLine, OrderPage, OrderQuery
from field_app.orders.own_facts import is_case_over
from field_app.orders.seen_order_store import SeenOrder, load_document
from field_app.orders.site_changes import go, new_id, note_added
from field_app.orders.site_drafts_store import begin_anew, keep_gas_typed_over
from field_app.orders.site_store import facts_of_order
from field_app.orders.stamps import Stamps
from field_app.store import draft_store, look_store, outbox_store, sealed_store, settings_store
from field_app.store.database_io import Database
from field_app.store.draft_store import DraftAnswer
from field_app.store.outbox_store import NewOperation
from field_app.store.settings_store import Key
from field_app.store.tables import outbox_op
from wire_contracts.fields import JsonValue
from wire_contracts.orders import FINDING_FORM, WorkOrderDocument
from wire_contracts.sealed import SealedKind
from wire_contracts.work_order_states import CREW_EVENTS, WORK_ORDER, WorkOrderEvent

_MOST_SEEN: Final = 500
"""Urgent orders that are remembered as acknowledged: more than a crew sees in a month."""


def _seen_urgent(connection: Connection) -> list[str]:
    text = settings_store.load_text(connection, Key.ALERTS_SEEN)
    return [] if text is None else [str(each) for each in json.loads(text)]


class FindingIncompleteError(ValueError):
    """The finding cannot be finished; `missing` lists why, `lacking` what the site work lacks."""

    def __init__(self, missing: Sequence[Missing], lacking: Sequence[Lacking] = ()) -> None:
        """Keep what is missing."""
        words = [str(each.problem) for each in missing] + [str(each.lack) for each in lacking]
        super().__init__(", ".join(words))
        self.missing = tuple(missing)
        self.lacking = tuple(lacking)


class OrderDesk:
    """The orders of one tablet; who taps is told at the moment of the tap."""

    def __init__(self, database: Database, stamps: Stamps) -> None:
        """Work on the database; every tap is stamped by `stamps`."""
        self._database = database
        self._stamps = stamps

    def page(self, query: OrderQuery) -> OrderPage:
        """Return the first lines of a query, as the person at work sees them."""
        viewer = self._stamps.actor()

        def work(connection: Connection) -> OrderPage:
            page = order_list_store.load_page(connection, query, viewer)
            lost = lost_orders_store.load_lost(connection, self._stamps.now(connection))
            page = replace(page, counts={**page.counts, OrderFilter.LOST: len(lost)})
            if query.chosen is not OrderFilter.LOST:
                return page
            return lost_orders_store.page_of_lost(page, lost, query)

        return self._database.read(work)

    def order(self, order_id: str) -> SeenOrder | None:
        """Return an order as the crew sees it, None when the tablet does not know it."""
        return self._database.read(
            lambda connection: seen_order_store.load_order(connection, order_id)
        )

    def order_or_lost(self, order_id: str) -> SeenOrder | None:
        """Return the same; one that a restored server does not show any more as it was last."""

        def work(connection: Connection) -> SeenOrder | None:
            seen = seen_order_store.load_order(connection, order_id)
            if seen is not None and not seen.is_gone:
                return seen
            lost = lost_orders_store.load_lost(connection, self._stamps.now(connection))
            return lost_orders_store.as_lost(order_id, seen, lost)

        return self._database.read(work)

    def is_lost(self, order_id: str) -> bool:
        """Return whether a restored server does not show the order, which may be made again."""

        def work(connection: Connection) -> bool:
            now = self._stamps.now(connection)
            return order_id in lost_orders_store.load_lost(connection, now)

        return self._database.read(work)

    def unseen_urgent(self) -> Sequence[OrderLine]:
        """Return the class-A orders that came in and that nobody here has acknowledged."""

        def work(connection: Connection) -> Sequence[OrderLine]:
            return order_list_store.load_urgent(connection, _seen_urgent(connection))

        return self._database.read(work)

    def note_seen(self, order_id: str) -> None:
        """Note that a person has acknowledged the arrival of an urgent order."""

        def work(connection: Connection) -> None:
            seen = [each for each in _seen_urgent(connection) if each != order_id]
            kept = json.dumps([*seen[-_MOST_SEEN:], order_id])
            settings_store.save(connection, Key.ALERTS_SEEN, kept)

        self._database.write(work)

    def tap(self, order_id: str, event: WorkOrderEvent) -> None:
        """Take one step of an order; committed when this returns.

        Raises:
            RefusedTransition: The step is not possible now; the text says which are.
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            document = load_document(connection, order_id)
            _check_step(document, event)
            if event is WorkOrderEvent.ACCEPT:
                self._begin_anew(connection, order_id)
            self._append(connection, order_id, [go(order_id, event)])

        self._database.write(work)

    def add_note(self, order_id: str, text: str) -> None:
        """Append a remark to an order; an empty one is left out."""
        words = text.replace("\0", "").strip()
        if not words:
            return

        def work(connection: Connection) -> None:
            document = load_document(connection, order_id)
            self._append(connection, order_id, [note_added(order_id, document.note, words)])

        self._database.write(work)

    def mark_seen(self, order_id: str) -> None:
        """Note that a person has seen what became of the order's operations."""

        def work(connection: Connection) -> None:
            look_store.mark_seen(connection, outbox_op.c.order_id == order_id)
            order_store.rebuild_lines(connection, [order_id])

        self._database.write(work)

    def finding(self, order_id: str) -> FindingSheet:
        """Return the finding form: the draft, or the answers sealed last, to be corrected.

        Raises:
            OrderGoneError: The tablet does not know the order.
        """
        author = self._stamps.actor()

        def work(connection: Connection) -> FindingSheet:
            return load_finding(connection, order_id, author, self._stamps.moment())

        return self._database.read(work)

    def save_answers(self, order_id: str, answers: Mapping[str, JsonValue]) -> int | None:
        """Keep answers of the finding form; return when (ms), once committed; None for none."""
        if not answers:
            return None

        def work(connection: Connection) -> int:
            stamp = self._stamps.stamp(connection)
            if GAS_FIELD in answers:
                keep_gas_typed_over(connection, order_id, str(answers[GAS_FIELD] or ""), stamp)
            for name, value in answers.items():
                answer = DraftAnswer(
                    order_id=order_id,
                    form=FINDING_FORM,
                    field=name,
                    value=value,
                    actor=stamp.actor,
                )
                draft_store.save_answer(connection, answer, stamp.saved_at)
            draft = finding_key(order_id, stamp.actor)
            sealed_store.seal_draft(connection, stamp.seal, draft, stamp.at.wall_ms)
            order_store.rebuild_lines(connection, [order_id])
            return stamp.at.wall_ms

        return self._database.write(work)

    def finish(self, order_id: str, outside: Evidence | None = None) -> None:
        """Seal the finding and finish the order as one group; the draft goes with it.

        `outside` says what else there is, and that what the order type demands beside the form is
        demanded; None: only the form is looked at.

        Raises:
            FindingIncompleteError: Something is missing; nothing was changed.
            RefusedTransition: The order cannot be finished now; nothing was changed.
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            stamp = self._stamps.stamp(connection)
            sheet = load_finding(connection, order_id, stamp.actor, self._stamps.moment())
            _check_step(sheet.document, WorkOrderEvent.FINISH)
            lacking: Sequence[Lacking] = ()
            if outside is not None:
                lacking = sheet.lacking(sheet.answers, outside)
            if sheet.missing or lacking:
                raise FindingIncompleteError(sheet.missing, lacking)
            tell_others(connection, order_id, stamp)
            said = sheet if outside is None else with_entry(sheet, outside)
            entry = None if outside is None else outside.entry.answer
            self._append(connection, order_id, finding_group(said, new_id(stamp), entry))
            draft_store.forget_draft(connection, finding_key(order_id, stamp.actor))
            begin_anew(connection, order_id, stamp, is_case_over=False)
            sealed_store.forget_sealed(connection, SealedKind.DRAFT, [order_id], stamp.actor)
            order_store.rebuild_lines(connection, [order_id])

        self._database.write(work)

    def report_gas(self, order_id: str, outside: Evidence | None = None) -> None:
        """End the visit over gas that this order has no steps for; it makes an order of class A.

        One group: the order (unless this visit made it already), the answers as they stand, the
        end of the visit as too dangerous. Nothing that the form lacks is waited for. `outside`
        tells of gas in checklists.

        Raises:
            FindingIncompleteError: The form and the measurements say nothing of gas.
            RefusedTransition: The work has not begun; nothing was changed.
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            stamp = self._stamps.stamp(connection)
            sheet = load_finding(connection, order_id, stamp.actor, self._stamps.moment())
            if not sheet.is_gas_for_others(sheet.answers, outside or Evidence()):
                raise FindingIncompleteError(sheet.missing)
            _check_step(sheet.document, WorkOrderEvent.CANNOT_FINISH)
            self._append(connection, order_id, gas_group(sheet, stamp, outside or Evidence()))
            draft_store.forget_draft(connection, finding_key(order_id, stamp.actor))
            begin_anew(connection, order_id, stamp, is_case_over=False)
            sealed_store.forget_sealed(connection, SealedKind.DRAFT, [order_id], stamp.actor)
            order_store.rebuild_lines(connection, [order_id])

        self._database.write(work)

    def call_gas(self, order_id: str, outside: Evidence | None = None) -> None:
        """Make an order of class A for gas at work on water or heat; the visit goes on.

        Raises:
            FindingIncompleteError: Nothing says that a crew for gas is needed and not called yet.
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            stamp = self._stamps.stamp(connection)
            sheet = load_finding(connection, order_id, stamp.actor, self._stamps.moment())
            found = outside or Evidence()
            if not sheet.is_gas_for_others(sheet.answers, found):
                raise FindingIncompleteError(sheet.missing)
            self._append(connection, order_id, [gas_asked(sheet, stamp, found)])

        self._database.write(work)

    def _begin_anew(self, connection: Connection, order_id: str) -> None:
        """Leave what was measured on an earlier visit behind, before this one begins."""
        is_over = is_case_over(facts_of_order(connection, order_id))
        begin_anew(connection, order_id, self._stamps.stamp(connection), is_case_over=is_over)

    def _append(
        self, connection: Connection, order_id: str, changes: Sequence[NewOperation]
    ) -> None:
        outbox_store.append_group(connection, changes, self._stamps.stamp(connection))
        settings_store.ask_contact(connection)
        order_store.rebuild_lines(connection, [order_id])


def _check_step(document: WorkOrderDocument, event: WorkOrderEvent) -> None:
    if event not in CREW_EVENTS:
        message = f"{event} belongs to the office; a tablet may {', '.join(sorted(CREW_EVENTS))}"
        raise ValueError(message)
    WORK_ORDER.next_state(document.state, event)
