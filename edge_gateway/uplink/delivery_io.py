"""Offers the frames of the queue to the server and marks what the server has."""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import MqttConfig
from edge_gateway.figures import UplinkFigures
from edge_gateway.queue.epoch_store import EpochStore
from edge_gateway.queue.queue_store import QueueStore
from edge_gateway.queue.queued import AckEffect, StoredFrame
from edge_gateway.queue.seq_ranges import Ranges, merged
from edge_gateway.uplink.batching import batch_payload, take_batch
from edge_gateway.uplink.lanes import (
    Allowance,
    Lanes,
    advance_block,
    give_up_live,
    offer_again,
    open_block,
    start_lanes,
)
from edge_gateway.uplink.offers import (
    Offer,
    Window,
    add_offer,
    forget_all,
    is_overdue,
    repeat_offer,
    settle,
    take_out,
)
from wire_contracts.acks import Ack
from wire_contracts.frames import MAX_FRAMES

ALARM_ATTEMPTS = 3
"""Publications of one batch without the server's word, that is two waits in vain, after which it
is alarmed: on MQTT 3.1.1 a broker says in no other way that it denies a publication (R12)."""

STALLED_S = 10.0
"""Wall seconds without room for live frames after which they count as backlog: when the server is
back, the newest come first."""

LONGEST_HOLD_S = 300.0
"""Longest pause after the broker denied a publication."""

MOST_LONE = 2
"""Frames of doubtful batches that are offered one by one at the same time."""

ASK_EVERY_S = 30.0
"""Wall seconds between two questions what the server holds of a damaged file's epoch."""

_SEVERAL_TEXT = (
    "several servers acknowledge the same frames in turn, each without the other's; let one alone "
    "hear this gateway; what is kept is offered again once one alone has answered for an hour"
)

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryParts:
    """What the delivery works with.

    Attributes:
        gateway_id: Whose frames these are.
        mqtt: Window, time-out and rate of the backlog.
        queue: The durable queue.
        publish: Hands a batch to the network; returns its message id, None when it cannot.
        lateness: Returns the judgement whether a frame is late by now.
        tell: Publishes an event: a stable kind, and a text for people.
    """

    gateway_id: str
    mqtt: MqttConfig
    queue: QueueStore
    publish: Callable[[bytes], int | None]
    lateness: Callable[[], Callable[[bytes], bool]]
    tell: Callable[[str, str], None]


class Delivery:
    """What is on its way over one connection; everything runs in the uplink's thread."""

    def __init__(self, parts: DeliveryParts) -> None:
        """Begin with nothing on its way."""
        self._parts = parts
        self._window = Window(size=parts.mqtt.window, timeout_s=parts.mqtt.ack_timeout_s)
        rate = parts.mqtt.backlog_per_s
        self._allowance = Allowance(per_s=rate, left=rate, counted_at_s=0.0)
        self._lanes: dict[int, Lanes] = {}
        self._sent: dict[int, Ranges] = {}
        self._lone: deque[tuple[int, int]] = deque()
        self._mids: set[int] = set()
        self._confirmed_at_s = 0.0
        self._receive_maximum = 0
        self._live_ok_s = 0.0
        self._hold_s = self._held_until_s = 0.0
        self._next_question_s = 0.0
        self._is_alarmed = False
        self.figures = UplinkFigures(
            is_connected=False, published=0, republished=0, acknowledged=0, refused=0
        )

    def connected(self, receive_maximum: int, now_s: float) -> None:
        """Begin a connection: what is open has waited, what comes now is live."""
        self._receive_maximum = receive_maximum
        self._window = forget_all(self._window)
        self._lanes.clear()
        self._lone.clear()
        self._mids.clear()
        self._live_ok_s = now_s
        self._next_question_s = now_s
        self.figures = replace(self.figures, is_connected=True)

    def disconnected(self) -> None:
        """Stop until the next connection."""
        self._receive_maximum = 0
        self.figures = replace(self.figures, is_connected=False)

    def unconfirmed_s(self, now_s: float) -> float:
        """Return for how long the broker has owed its word on batches and not given it on any."""
        return now_s - self._confirmed_at_s if self._mids else 0.0

    def offer_everything(self) -> None:
        """Look at everything that is open again: frames were dated, or the queue was replaced."""
        self._lanes = {epoch: offer_again(lanes) for epoch, lanes in self._lanes.items()}

    def send_due(self, now_s: float) -> None:
        """Publish what is due: repeats, live frames, and beside them what waited."""
        if not self._receive_maximum or now_s < self._held_until_s:
            return
        stores = self._parts.queue.stores()
        self._repeat_overdue(stores, now_s)
        self._offer_lone(stores, now_s)
        has_live = self._send_live(stores[0], now_s)
        self._allowance = self._allowance.at(now_s)
        for store in stores:
            self._send_backlog(store, now_s, has_live=has_live)
        if now_s >= self._next_question_s:
            self._next_question_s = now_s + ASK_EVERY_S
            for store in stores:
                self._ask(store)

    def published(self, mid: int, refusal: str | None, now_s: float) -> bool:
        """Return whether a batch of ours reached the broker; one that was denied is held."""
        if mid not in self._mids:
            return False
        self._mids.discard(mid)
        self._confirmed_at_s = now_s
        if refusal is None:
            if self._hold_s:
                _LOG.info("mqtt.publish_allowed")
                self._parts.tell("publish_allowed", "the broker takes frames again")
            self._hold_s = 0.0
            return True
        if not self._hold_s:
            _LOG.error("mqtt.publish_denied", reason=refusal)
            text = f"the broker refuses frames: {refusal}; give the gateway its topics"
            self._parts.tell("publish_denied", text)
        self._hold_s = min(LONGEST_HOLD_S, max(self._window.timeout_s, 2 * self._hold_s))
        self._held_until_s = now_s + self._hold_s
        return False

    def hear(self, ack: Ack, now_utc: datetime) -> None:
        """Mark what the server has."""
        for store in self._parts.queue.stores():
            try:
                effect = store.acknowledge(ack, now_utc, self._sent.get(store.epoch, ()))
            except sqlite3.OperationalError as error:
                _LOG.warning("ack.not_kept", error=str(error), text="the frames will go again")
                continue
            self._settle(store.epoch, effect)
            if effect.is_new_server:
                self._new_server(ack.server_epoch)
            if effect.is_disputed:
                self._parts.tell("server_disagrees", _SEVERAL_TEXT)

    def _settle(self, epoch: int, effect: AckEffect) -> None:
        if not effect.seqs:
            return
        self._window = settle(self._window, effect.seqs, epoch=epoch)
        self._is_alarmed = self._is_alarmed and any(
            offer.attempts >= ALARM_ATTEMPTS for offer in self._window.offers
        )
        if effect.refused:
            codes = sorted({code for _, code in effect.refused})
            first = min(seq for seq, _ in effect.refused)
            _LOG.warning("frames.quarantined", codes=codes, count=len(effect.refused), first=first)
        self.figures = replace(
            self.figures,
            acknowledged=self.figures.acknowledged + len(effect.seqs),
            refused=self.figures.refused + len(effect.refused),
        )

    def _new_server(self, server_epoch: int) -> None:
        text = "the server was restored; everything still kept is offered again"
        _LOG.warning("server.restored", text=text, server_epoch=server_epoch)
        self._parts.tell("server_restored", text)
        self._window = forget_all(self._window)
        self.offer_everything()

    def _lanes_of(self, store: EpochStore) -> Lanes:
        """Return the lanes of a file; a new one begins with all of it as backlog."""
        if store.epoch not in self._lanes:
            self._lanes[store.epoch] = start_lanes(store.figures().last_seq)
        return self._lanes[store.epoch]

    def _may_publish(self) -> bool:
        """Return whether the broker's own limit of unconfirmed messages leaves room."""
        return len(self._mids) < self._receive_maximum

    def _has_backlog(self) -> bool:
        return any(lanes.has_backlog() for lanes in self._lanes.values())

    def _send_live(self, store: EpochStore, now_s: float) -> bool:
        """Publish what was just read; return whether some of it found no room."""
        while True:
            lanes = self._lanes_of(store)
            frames = take_batch(store.open_after(lanes.live_at, MAX_FRAMES))
            if not frames:
                self._live_ok_s = now_s
                return False
            has_room = self._window.has_room(has_other=self._has_backlog())
            if not (has_room and self._may_publish() and self._send(store, frames, now_s)):
                if now_s - self._live_ok_s > STALLED_S:
                    self._lanes[store.epoch] = give_up_live(lanes, store.figures().last_seq)
                return True
            self._live_ok_s = now_s
            self._lanes[store.epoch] = replace(lanes, live_at=frames[-1].seq)
            self._window = add_offer(
                self._window, [frame.seq for frame in frames], now_s, epoch=store.epoch
            )

    def _send_backlog(self, store: EpochStore, now_s: float, *, has_live: bool) -> None:
        """Publish what waited, newest hour first, as far as room and rate allow."""
        if store.epoch != self._parts.queue.epoch:
            lanes = self._lanes_of(store)
            self._lanes[store.epoch] = give_up_live(lanes, store.figures().last_seq)
        least = min(MAX_FRAMES, self._parts.mqtt.backlog_per_s)
        while (
            self._allowance.left >= least
            and self._window.has_room(is_backlog=True, has_other=has_live)
            and self._may_publish()
        ):
            frames = self._next_backlog(store)
            if not frames or not self._send(store, frames, now_s):
                return
            seqs = [frame.seq for frame in frames]
            self._lanes[store.epoch] = advance_block(self._lanes[store.epoch], seqs[-1])
            self._allowance = self._allowance.spend(len(seqs))
            self._window = add_offer(self._window, seqs, now_s, epoch=store.epoch, is_backlog=True)

    def _next_backlog(self, store: EpochStore) -> Sequence[StoredFrame]:
        """Return the next frames of the newest hour that waits; none: nothing waits."""
        limit = max(1, min(MAX_FRAMES, int(self._allowance.left)))
        while (lanes := self._lanes_of(store)).has_backlog():
            if lanes.block is None:
                lanes = open_block(lanes, store.newest_hour(lanes.rest[-1][1]))
            else:
                found = store.open_after(lanes.block[0] - 1, limit, lanes.block[1])
                offered = self._window.offered(store.epoch)
                fresh = [frame for frame in found if frame.seq not in offered]
                if fresh:
                    return take_batch(fresh)
                lanes = advance_block(lanes, found[-1].seq if found else None)
            self._lanes[store.epoch] = lanes
        return ()

    def _ask(self, store: EpochStore) -> None:
        """Ask what the server holds of an epoch whose file was damaged: a batch without frames."""
        if store.needs_answer():
            self._send(store, (), 0.0)

    def _repeat_overdue(self, stores: Sequence[EpochStore], now_s: float) -> None:
        by_epoch = {store.epoch: store for store in stores}
        for offer in self._window.offers:
            if not is_overdue(self._window, offer, now_s) or not self._may_publish():
                continue
            store = by_epoch.get(offer.epoch)
            frames = () if store is None else store.open_among(offer.seqs)
            if store is None or not frames:
                self._window = take_out(self._window, offer)
            elif offer.is_doubtful():
                self._doubt(store, offer)
            elif self._send(store, frames, now_s):
                self._repeated(offer, frames, now_s)

    def _repeated(self, offer: Offer, frames: Sequence[StoredFrame], now_s: float) -> None:
        self._window = repeat_offer(self._window, offer, now_s)
        self.figures = replace(self.figures, republished=self.figures.republished + len(frames))
        if offer.attempts + 1 >= ALARM_ATTEMPTS and not self._is_alarmed:
            self._is_alarmed = True
            text = f"no acknowledgement for seq {frames[0].seq} after {ALARM_ATTEMPTS} publications"
            _LOG.error("uplink.unacknowledged", text=text)
            self._parts.tell("unacknowledged", text)

    def _doubt(self, store: EpochStore, offer: Offer) -> None:
        """Offer a batch that is left out frame by frame; put the lone offender aside."""
        self._window = take_out(self._window, offer)
        if len(offer.seqs) > 1:
            self._lone.extend((store.epoch, seq) for seq in offer.seqs)
            _LOG.warning("uplink.one_by_one", first=offer.seqs[0], count=len(offer.seqs))
            return
        seq = offer.seqs[0]
        if store.put_aside(seq):
            text = f"the server does not take frame {seq}; it is put aside in the queue file"
            _LOG.error("frame.put_aside", seq=seq, epoch=store.epoch)
            self._parts.tell("frame_put_aside", text)

    def _offer_lone(self, stores: Sequence[EpochStore], now_s: float) -> None:
        by_epoch = {store.epoch: store for store in stores}
        under_way = sum(len(offer.seqs) == 1 for offer in self._window.offers)
        while self._lone and under_way < MOST_LONE and self._may_publish():
            epoch, seq = self._lone[0]
            store = by_epoch.get(epoch)
            frames = () if store is None else store.open_among([seq])
            if store is not None and frames and not self._send(store, frames, now_s):
                return
            self._lone.popleft()
            if frames:
                self._window = add_offer(self._window, [seq], now_s, epoch=epoch, is_backlog=True)
                under_way += 1

    def _send(self, store: EpochStore, frames: Sequence[StoredFrame], now_s: float) -> bool:
        """Publish one batch; return whether the network took it."""
        parts = self._parts
        payload, late = batch_payload(parts.gateway_id, store.epoch, frames, parts.lateness())
        mid = parts.publish(payload)
        if mid is None:
            return False
        if not frames:
            return True
        if not self._mids:
            self._confirmed_at_s = now_s
        self._mids.add(mid)
        sent = self._sent.get(store.epoch, ())
        self._sent[store.epoch] = merged([*sent, *_ranges_of(frames)])
        figures = self.figures
        self.figures = replace(
            figures, published=figures.published + len(frames), late=figures.late + late
        )
        return True


def _ranges_of(frames: Sequence[StoredFrame]) -> Ranges:
    """Return the numbers of frames in their order; nearly always they are neighbours."""
    first, last = frames[0].seq, frames[-1].seq
    if last - first + 1 == len(frames):
        return ((first, last),)
    return tuple((frame.seq, frame.seq) for frame in frames)
