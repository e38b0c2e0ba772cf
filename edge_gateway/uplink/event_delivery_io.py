"""Keeps events until the broker has them, and sends them in the order in which they happened.

What a disk does not take is sent from memory: one of the things events tell is that it refuses.
"""

import sqlite3
from collections.abc import Callable, Sequence
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
        self._memory: EventStore | None = None
        self._last_sent: dict[EventStore, KeptEvent] = {}
        self._at_once = 0
        self._held_until_s = 0.0
        self._may_wait = True

    def tell(self, event: Event) -> None:
        """Take an event; it is on disk after the next `work`."""
        self._unkept = [*self._unkept[1 - MAX_UNKEPT :], event]

    def connected(self, at_once: int) -> None:
        """Begin a connection: everything that is not confirmed goes again."""
        self._under_way.clear()
        self._last_sent.clear()
        self._may_wait = True
        self._at_once = at_once
        self._held_until_s = 0.0
        self._guarded(lambda: self._parts.store.tell_losses(self._parts.now_utc()))

    def disconnected(self) -> None:
        """Stop until the next connection."""
        self._at_once = 0

    def work(self, now_s: float) -> None:
        """Keep what was told, and send what has its turn."""
        if not self._guarded(self._keep) and self._at_once:
            self._hold()
        if now_s >= self._held_until_s:
            self._guarded(self._send)

    def published(self, mid: int, refusal: str | None, now_s: float) -> bool:
        """Return whether the message was an event; one that was denied goes again later."""
        kept = self._under_way.pop(mid, None)
        if kept is None:
            return False
        if refusal is None:
            self._guarded(lambda: self._forget(kept))
        else:
            _LOG.warning("event.denied", reason=refusal)
            self._last_sent.clear()
            self._may_wait = True
            self._held_until_s = now_s + HOLD_S
        return True

    def close(self) -> None:
        """Keep what was told last, and close the file."""
        self._guarded(self._keep)
        for store in self._stores():
            store.close()

    def _keep(self) -> None:
        if self._unkept:
            self._may_wait = True
            self._parts.store.add(self._unkept)
            self._unkept = []

    def _forget(self, kept: KeptEvent) -> None:
        for store in self._stores():
            store.forget(kept)

    def _hold(self) -> None:
        """Have what the disk does not take sent from memory; it is gone with the process."""
        if self._memory is None:
            self._memory = EventStore(None)
        self._memory.add(self._unkept)
        self._unkept = []

    def _stores(self) -> Sequence[EventStore]:
        """Return where events wait: those in the file happened first."""
        file = self._parts.store
        return (file,) if self._memory is None else (file, self._memory)

    def _send(self) -> None:
        room = self._at_once - len(self._under_way)
        if room <= 0 or not self._may_wait:
            return
        found = 0
        for store in self._stores():
            waiting = store.after(self._last_sent.get(store), room - found)
            found += len(waiting)
            if not self._send_all(store, waiting) or found >= room:
                return
        self._may_wait = bool(found)

    def _send_all(self, store: EventStore, waiting: Sequence[KeptEvent]) -> bool:
        """Return whether the network took all that waits in one place."""
        under_way = {kept.name for kept in self._under_way.values()}
        for kept in waiting:
            if kept.name not in under_way:
                payload = messages.event(self._parts.gateway_id, kept.name, kept.event)
                mid = self._parts.publish(payload)
                if mid is None:
                    return False
                self._under_way[mid] = kept
            self._last_sent[store] = kept
        return True

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Return whether the file did it; what a disk refuses now is tried again later."""
        try:
            work()
        except sqlite3.DatabaseError as error:
            _LOG.warning("events.file_refuses", error=str(error))
            return False
        return True
