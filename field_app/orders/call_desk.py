"""Turns calls for help and the watch over who works alone into facts, each tap one transaction."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.orders.kept_calls import newest_calls, renew_kept
from field_app.orders.lone_watch import (
    HelpCalled,
    Watch,
    WatchMoment,
    watch_at,
)
from field_app.orders.moments import surely_passed_ms
from field_app.orders.own_facts import OwnFact
from field_app.orders.site_changes import Change, new_fact, operation_of
from field_app.orders.stamps import Stamps
from field_app.store import lease_store, outbox_store, settings_store
from field_app.store.database_io import Database
from field_app.store.settings_store import Key
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType
from wire_contracts.site_facts import (
    HelpCall,
    LoneWorkerEvent,
    WatchEvent,
    help_json,
    parse_help,
    parse_watch,
    watch_json,
)

_DAY: Final = timedelta(days=1)
_WATCH_BACK: Final = timedelta(hours=18)
"""A watch over which the control room was called does not outlive a shift."""


class CallDesk:
    """Help and the watch of one tablet; who taps is told at the moment of the tap."""

    def __init__(self, database: Database, stamps: Stamps) -> None:
        """Work on the database; every tap is stamped by `stamps`."""
        self._database = database
        self._stamps = stamps

    def watch(self) -> Watch:
        """Return how the watch over the person at work stands."""
        return self._database.read(self._watch)

    def help_called(self) -> HelpCalled:
        """Return whether a call for help of this tablet is open, and the control room has it."""
        fact = self._database.read(self._open_call)
        if fact is None:
            return HelpCalled.NO
        if fact.is_refused:
            return HelpCalled.REFUSED
        return HelpCalled.TOLD if fact.is_told else HelpCalled.NOT_SENT

    def open_call(self) -> HelpCall | None:
        """Return the call for help that is not over, as it was told last."""
        fact = self._database.read(self._open_call)
        if fact is None:
            return None
        return parse_help(FieldReader(place="call for help", values=fact.payload))

    def tell_watch(self, event: LoneWorkerEvent) -> None:
        """Keep an event of the watch over somebody who works alone."""
        self._tell(None, FactType.LONE_WORKER, watch_json(event))

    def report_watch(self) -> WatchEvent | None:
        """Keep that the time is over, or that nobody answers, once; return what was kept."""

        def work(connection: Connection) -> WatchEvent | None:
            watch = self._watch(connection)
            if watch.must_report is None:
                return None
            event = LoneWorkerEvent(
                event=watch.must_report,
                person=watch.person,
                due_ms=watch.due_ms,
                place=watch.place,
            )
            self._append(connection, new_fact(None, FactType.LONE_WORKER, watch_json(event)))
            return watch.must_report

        if self.watch().must_report is None:
            return None
        return self._database.write(work)

    def call_help(self, call: HelpCall, order_id: str | None = None) -> None:
        """Call for help, or say that it is over."""
        self._tell(order_id, FactType.HELP_CALL, help_json(call))

    # --- inside a transaction

    def _open_call(self, connection: Connection) -> OwnFact | None:
        """Return the newest call that is not over: for a day, and while nobody has heard it."""
        facts = newest_calls(connection, FactType.HELP_CALL)
        if not facts or facts[-1].payload.get("is_over") is True:
            return None
        newest = facts[-1]
        is_unheard = not newest.is_told and not newest.is_refused
        is_open = is_unheard or _is_within(newest, _DAY, self._stamps.now(connection))
        return newest if is_open else None

    def _watch(self, connection: Connection) -> Watch:
        now = self._stamps.now(connection)
        facts = newest_calls(connection, FactType.LONE_WORKER)
        moments = [moment for fact in facts if (moment := _moment(fact)) is not None]
        return watch_at([] if moments and _is_past(moments[-1], now) else moments, now)

    def _tell(self, order_id: str | None, fact_type: FactType, payload: JsonObject) -> None:
        self._database.write(
            lambda connection: self._append(connection, new_fact(order_id, fact_type, payload))
        )

    def _append(self, connection: Connection, change: Change) -> None:
        stamp = self._stamps.stamp(connection)
        outbox_store.append_group(connection, [operation_of(change, stamp)], stamp)
        renew_kept(connection)
        settings_store.ask_contact(connection)
        if lease_store.is_withdrawn(connection):
            settings_store.save(connection, Key.NEXT_TRY_MS, None)  # it asks rarely, else
        if change.order_id is not None:
            order_store.rebuild_lines(connection, {change.order_id})


def _is_within(fact: OwnFact, back: timedelta, now: DeviceTime) -> bool:
    """Return whether a fact may be so young: a wall clock that was put right says nothing."""
    past_ms = now.wall_ms - fact.at_ms if fact.at is None else surely_passed_ms(fact.at, now)
    return past_ms <= back // timedelta(milliseconds=1)


def _is_past(last: WatchMoment, now: DeviceTime) -> bool:
    """Return whether a watch ends by itself: it was told that nobody answers, a shift ago.

    Before that no clock and no restart ends it.
    """
    is_over = last.event.event is WatchEvent.ESCALATED and (last.is_told or last.is_refused)
    return is_over and surely_passed_ms(last.at, now) > _WATCH_BACK // timedelta(milliseconds=1)


def _moment(fact: OwnFact) -> WatchMoment | None:
    try:
        event = parse_watch(FieldReader(place="watch", values=fact.payload))
    except ContractError:
        return None
    if fact.at is None:
        return None
    return WatchMoment(at=fact.at, event=event, is_told=fact.is_told, is_refused=fact.is_refused)
