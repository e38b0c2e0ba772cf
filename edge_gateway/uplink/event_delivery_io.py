"""Keeps events until the broker has them, and sends them in the order in which they happened."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.uplink import messages
from edge_gateway.uplink.event_store import EventStore, KeptEvent
from edge_gateway.uplink.messages import Event

AT_ONCE = 4
"""Events on their way at the same time: few, because the broker allows only so many messages."""

MAX_UNKEPT = 100
"""Events held in memory while the disk takes nothing; the newest are held."""

HOLD_S = 60.0
"""Wall seconds before events are sent again to a broker that denied one."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDeliveryParts:
    """What the delivery of events works with.

    Attributes:
        gateway_id: Whose events these are.
        store: Where they wait.
        publish: Hands an event to the network; returns its message id, None when it cannot.
        now_utc: Now as well as it is known.
    """

    gateway_id: str
    store: EventStore
    publish: Callable[[bytes], int | None]
    now_utc: Callable[[], datetime]


class EventDelivery:
    """Events between what happened and the broker's word; everything runs in one thread."""

    def __init__(self, parts: EventDeliveryParts) -> None:
        """Begin with nothing on its way."""
        self._parts = parts
        self._unkept: list[Event] = []
        self._under_way: dict[int, KeptEvent] = {}
        self._last_sent: KeptEvent | None = None
        self._at_once = 0
        self._held_until_s = 0.0
        self._may_wait = True

    def tell(self, event: Event) -> None:
        """Take an event; it is on disk after the next `work`."""
        self._unkept = [*self._unkept[1 - MAX_UNKEPT :], event]

    def connected(self, at_once: int) -> None:
        """Begin a connection: everything that is not confirmed goes again."""
        self._under_way.clear()
        self._last_sent = None
        self._may_wait = True
        self._at_once = at_once
        self._held_until_s = 0.0
        self._guarded(lambda: self._parts.store.tell_losses(self._parts.now_utc()))

    def disconnected(self) -> None:
        """Stop until the next connection."""
        self._at_once = 0

    def work(self, now_s: float) -> None:
        """Keep what was told, and send what has its turn."""
        self._guarded(self._keep)
        if now_s >= self._held_until_s:
            self._guarded(self._send)

    def published(self, mid: int, refusal: str | None, now_s: float) -> bool:
        """Return whether the message was an event; one that was denied goes again later."""
        kept = self._under_way.pop(mid, None)
        if kept is None:
            return False
        if refusal is None:
            self._guarded(lambda: self._parts.store.forget(kept))
        else:
            _LOG.warning("event.denied", reason=refusal)
            self._last_sent = None
            self._may_wait = True
            self._held_until_s = now_s + HOLD_S
        return True

    def close(self) -> None:
        """Keep what was told last, and close the file."""
        self._guarded(self._keep)
        self._parts.store.close()

    def _keep(self) -> None:
        if self._unkept:
            self._may_wait = True
            self._parts.store.add(self._unkept)
            self._unkept = []

    def _send(self) -> None:
        room = self._at_once - len(self._under_way)
        if room <= 0 or not self._may_wait:
            return
        under_way = {kept.name for kept in self._under_way.values()}
        waiting = self._parts.store.after(self._last_sent, room)
        self._may_wait = bool(waiting)
        for kept in waiting:
            if kept.name not in under_way:
                payload = messages.event(self._parts.gateway_id, kept.name, kept.event)
                mid = self._parts.publish(payload)
                if mid is None:
                    return
                self._under_way[mid] = kept
            self._last_sent = kept

    def _guarded(self, work: Callable[[], None]) -> None:
        """Work with the file; what a disk refuses now is tried again with the next event."""
        try:
            work()
        except sqlite3.DatabaseError as error:
            _LOG.warning("events.file_refuses", error=str(error))
