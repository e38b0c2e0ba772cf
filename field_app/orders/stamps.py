"""Owns what every tap is stamped with: who, under which log-in, when, by which app (trap T12)."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from sqlalchemy import Connection

from field_app.clock_io import TapClock
from field_app.orders.moments import TimerMoment
from field_app.store import lease_store, settings_store
from field_app.store.lease import since_contact
from field_app.store.outbox_store import TapStamp
from field_app.store.sealed_store import Seal
from field_app.store.settings_store import Key
from wire_contracts.operations import DeviceTime

T = TypeVar("T")

_SAID_BY: ContextVar[tuple[str, str] | None] = ContextVar("said_by", default=None)
"""Under whose name (actor, session) something is kept; None: who is at work."""


class InThatName:
    """Does work under the name of one person and log-in."""

    def __init__(self, who: tuple[str, str]) -> None:
        """Use the name `who`: actor and session."""
        self._who = who

    def __call__(self, work: Callable[[], T]) -> T:
        """Return what the work returns."""
        token = _SAID_BY.set(self._who)
        try:
            return work()
        finally:
            _SAID_BY.reset(token)


class Stamps:
    """Makes the stamp of a tap; actor and log-in are asked at the moment of the tap."""

    def __init__(
        self, tap_clock: TapClock, who: Callable[[], tuple[str, str]], seal: Seal, app: str
    ) -> None:
        """Stamp with the (actor, session) that `who` tells; `app` is the app's version."""
        self._tap_clock = tap_clock
        self._at_work = who
        self._seal = seal
        self._app = app

    def _who(self) -> tuple[str, str]:
        return _SAID_BY.get() or self._at_work()

    def as_now(self) -> "InThatName":
        """Return what does work under the name of who is at work now, whoever is then.

        What somebody said and found no room stays that person's when a colleague has the tablet.
        """
        return InThatName(self._who())

    def actor(self) -> str:
        """Return who is at work now."""
        return self._who()[0]

    def wall_ms(self) -> int:
        """Return the time by the tablet's wall clock."""
        return self._tap_clock.stamp(0).wall_ms

    def elapsed_ms(self) -> int | None:
        """Return the time of this boot that nobody sets, None where no clock tells it."""
        return self._tap_clock.elapsed_ms()

    def moment(self) -> TimerMoment:
        """Return the time by the clocks that waits and ages are measured with."""
        at = self._tap_clock.stamp(0)
        return TimerMoment(at.wall_ms, self.elapsed_ms(), at.boot_id)

    def now(self, connection: Connection) -> DeviceTime:
        """Return the time by every clock, with what the last contact told of the server's."""
        offset_ms = settings_store.load_integer(connection, Key.OFFSET_MS)
        contact = settings_store.load_text(connection, Key.LAST_CONTACT_MS)
        contact_ms = None if contact is None else int(contact) + offset_ms
        at = self._tap_clock.stamp(offset_ms, contact_ms)
        told = lease_store.load_contact_clock(connection)
        counts_sleep = self.elapsed_ms() is not None
        return at if told is None else since_contact(told, at, counts_sleep=counts_sleep)

    def stamp(self, connection: Connection) -> TapStamp:
        """Return the stamp of a tap that is made now."""
        actor, session = self._who()
        return TapStamp(
            actor=actor,
            session=session,
            at=self.now(connection),
            app=self._app,
            elapsed_ms=self.elapsed_ms(),
            seal=self._seal,
        )
