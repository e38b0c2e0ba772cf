"""One thread between the queue and the broker: offers frames, hears the server, marks them."""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.clock_step import clock_step
from edge_gateway.config import GatewayConfig, MqttVersion
from edge_gateway.figures import LinkFigures, RemoteFigures, UplinkFigures
from edge_gateway.moments import Moment
from edge_gateway.queue.queue_store import QueueStore
from edge_gateway.queue.queued import StoredFrame
from edge_gateway.uplink import messages
from edge_gateway.uplink.batching import batch_payload, take_batch
from edge_gateway.uplink.mqtt_io import (
    Announced,
    Connected,
    Disconnected,
    Inbox,
    MqttConnection,
    MqttEvent,
    Published,
    Received,
    Responded,
    Session,
    VersionRefused,
    Woken,
)
from edge_gateway.uplink.offers import (
    Offer,
    Window,
    add_offer,
    forget_all,
    is_overdue,
    repeat_offer,
    settle,
)
from wire_contracts.acks import parse_ack
from wire_contracts.clock import Clock
from wire_contracts.errors import ContractError
from wire_contracts.frames import MAX_FRAMES
from wire_contracts.gateway_health import GatewayHealth, dump_health
from wire_contracts.payloads import unpack
from wire_contracts.topics import Channel, Topic

AFTER_PUBLISH = "gateway.after_publish"
"""Named point: the broker has a batch, the server's acknowledgement has not been handled."""

ALARM_ATTEMPTS = 3
"""Publications of one batch without the server's word after which it is alarmed (R12)."""

DROPS_BEFORE_FALLBACK = 2
"""Connections closed before an answer after which a broker older than MQTT 5 is assumed."""

CONNACK_WITHIN_S = 3.0
"""Wall seconds within which a broker answers; amqtt 0.12 is silent to a will of MQTT 5."""

LONGEST_WAIT_S = 0.5
MAX_EVENTS = 100
SHORTEST_HEALTH_S = 1.0
PRUNE_EVERY_S = 60.0

_LOG: FilteringBoundLogger = structlog.get_logger()


def _no_command(_payload: bytes) -> None:
    """Nobody takes orders in this gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkParts:
    """What the uplink works with.

    Attributes:
        config: The gateway's settings.
        queue: The durable queue.
        clock: The gateway's clock.
        links: Gives the figures of all links for the health message.
        reached: Told at named points.
        on_command: Takes each order of the server, in the uplink's thread: it must not wait.
        remote: Says which settings are in force, for the health message.
    """

    config: GatewayConfig
    queue: QueueStore
    clock: Clock
    links: Callable[[], Sequence[LinkFigures]]
    reached: Callable[[str], None]
    on_command: Callable[[bytes], None] = field(default=_no_command)
    remote: Callable[[], RemoteFigures] = field(default=RemoteFigures)


class Uplink:
    """Publishes what is open and marks what the server has; everything runs in one thread."""

    def __init__(self, parts: UplinkParts) -> None:
        """Prepare; `run` connects."""
        mqtt = parts.config.mqtt
        self._parts = parts
        self._inbox: Inbox = queue.SimpleQueue()
        self._window = Window(size=mqtt.window, timeout_s=mqtt.ack_timeout_s)
        self._version = mqtt.version or MqttVersion.V5
        self._is_version_fixed = mqtt.version is not None
        self._connection: MqttConnection | None = None
        self._receive_maximum: int | None = None
        self._drops = 0
        self._is_alarmed = False
        self._offered_upto = self._sent_upto = 0
        self._up_mids: set[int] = set()
        self._next_health_s = self._next_prune_s = 0.0
        self._figures = UplinkFigures(
            is_connected=False, published=0, republished=0, acknowledged=0, refused=0
        )
        self._unsaid: list[Announced | Responded] = []
        self._looked_at = self._now()

    def wake(self) -> None:
        """Tell the uplink that there is something new in the queue; any thread may."""
        self._inbox.put(Woken())

    def announce(self, kind: str, text: str) -> None:
        """Have an event published as soon as there is a connection; any thread may."""
        self._inbox.put(Announced(kind=kind, text=text))

    def respond(self, payload: bytes) -> None:
        """Have an answer to an order published, as soon as there is a connection; any thread may.

        The newest `MAX_EVENTS` wait; none is kept over a restart.
        """
        self._inbox.put(Responded(payload=payload))

    def snapshot(self) -> UplinkFigures:
        """Return what the uplink has done since the start; any thread may."""
        return self._figures

    def health(self) -> GatewayHealth:
        """Return how the gateway is; any thread may ask."""
        parts = self._parts
        figures = messages.Figures(
            queue=parts.queue.figures(),
            uplink=self._figures,
            links=parts.links(),
            oldest_ms=parts.queue.oldest_open_ms(),
            remote=parts.remote(),
        )
        return messages.health(parts.config.gateway_id, parts.clock.now_utc(), figures)

    def adopt(self, config: GatewayConfig) -> None:
        """Go on with other settings, the broker's apart; any thread may."""
        self._parts = replace(self._parts, config=config)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, then say goodbye."""
        self._connect()
        try:
            while not stop.is_set():
                self._take_events()
                if self._receive_maximum is not None:
                    self._send_due()
                self._keep_house()
        finally:
            if self._connection is not None:
                self._connection.close(messages.offline_state(self._parts.config.gateway_id))

    def _take_events(self) -> None:
        """Wait for the first event, briefly, and handle all that have come."""
        try:
            self._handle(self._inbox.get(timeout=LONGEST_WAIT_S))
            while True:
                self._handle(self._inbox.get_nowait())
        except queue.Empty:
            return

    def _handle(self, event: MqttEvent) -> None:
        match event:
            case Connected():
                self._connected(event)
            case Disconnected():
                self._disconnected()
            case VersionRefused():
                self._fall_back()
            case Published():
                self._published(event)
            case Received():
                self._received(event)
            case Announced() | Responded():
                self._unsaid = [*self._unsaid[1 - MAX_EVENTS :], event]
                self._say()
            case Woken():
                return

    def _topic(self, channel: Channel) -> str:
        return Topic(gateway_id=self._parts.config.gateway_id, channel=channel).text()

    def _connect(self) -> None:
        gateway_id = self._parts.config.gateway_id
        session = Session(
            client_id=gateway_id,
            subscriptions=[self._topic(Channel.ACK), self._topic(Channel.CMD)],
            state_topic=self._topic(Channel.STATE),
            will=messages.offline_state(gateway_id),
        )
        self._connection = MqttConnection(
            self._parts.config.mqtt, session, self._inbox, self._version
        )
        self._connection.start()

    def _connected(self, event: Connected) -> None:
        self._drops = 0
        self._receive_maximum = event.receive_maximum
        self._window = forget_all(self._window)
        self._offered_upto = 0
        self._up_mids.clear()
        self._figures = replace(self._figures, is_connected=True)
        _LOG.info("mqtt.connected", version=str(self._version), host=self._parts.config.mqtt.host)
        state = messages.online_state(
            self._parts.config.gateway_id, self._parts.queue.epoch, self._parts.clock.now_utc()
        )
        self._publish(Channel.STATE, state, is_retained=True)
        self._say()

    def _disconnected(self) -> None:
        if self._receive_maximum is not None:
            _LOG.warning("mqtt.disconnected", host=self._parts.config.mqtt.host)
        self._receive_maximum = None
        self._figures = replace(self._figures, is_connected=False)
        self._drops += 1
        is_5 = self._version is MqttVersion.V5
        if is_5 and self._figures.published == 0 and self._drops >= DROPS_BEFORE_FALLBACK:
            self._fall_back()

    def _fall_back(self) -> None:
        """Go on with MQTT 3.1.1, once; said in one line."""
        if self._version is not MqttVersion.V5 or self._is_version_fixed:
            return
        self._version = MqttVersion.V311
        _LOG.warning(
            "mqtt.fallback", text="the broker does not speak MQTT 5; going on with MQTT 3.1.1"
        )
        self._reconnect()

    def _give_up_waiting(self) -> None:
        """Leave a connection on which the broker says nothing."""
        if self._version is MqttVersion.V5 and not self._is_version_fixed:
            self._fall_back()
            return
        _LOG.warning("mqtt.silent", host=self._parts.config.mqtt.host)
        self._reconnect()

    def _reconnect(self) -> None:
        if self._connection is not None:
            self._connection.close(None)
        self._connect()

    def _publish(
        self, channel: Channel, payload: bytes, *, is_retained: bool = False
    ) -> int | None:
        if self._connection is None:
            return None
        return self._connection.publish(self._topic(channel), payload, is_retained=is_retained)

    def _say(self) -> None:
        """Publish events and answers; without a connection the newest `MAX_EVENTS` wait."""
        if self._receive_maximum is None:
            return
        for word in self._unsaid:
            if isinstance(word, Responded):
                self._publish(Channel.RES, word.payload)
            else:
                self._publish_event(word.kind, word.text)
        self._unsaid = []

    def _publish_event(self, kind: str, text: str) -> None:
        now_utc = self._parts.clock.now_utc()
        self._publish(
            Channel.EVENT, messages.event(self._parts.config.gateway_id, now_utc, kind, text)
        )

    def _published(self, event: Published) -> None:
        if event.mid not in self._up_mids:
            return
        self._up_mids.discard(event.mid)
        if event.refusal is not None:
            _LOG.error("mqtt.publish_refused", reason=event.refusal, topic=self._topic(Channel.UP))
            return
        self._parts.reached(AFTER_PUBLISH)

    def _received(self, event: Received) -> None:
        if event.topic == self._topic(Channel.CMD):
            self._parts.on_command(event.payload)
            return
        try:
            ack = parse_ack(unpack(event.topic, event.payload))
        except ContractError as error:
            _LOG.error("ack.unusable", error=str(error))
            return
        try:
            effect = self._parts.queue.acknowledge(
                ack, self._parts.clock.now_utc(), ((1, self._sent_upto),)
            )
        except sqlite3.OperationalError as error:
            _LOG.warning("ack.not_kept", error=str(error), text="the frames will go again")
            return
        if effect.is_new_server:
            text = "the server was restored; everything still kept is offered again"
            _LOG.warning("server.restored", text=text, server_epoch=ack.server_epoch)
            self._publish_event("server_restored", text)
            self._window = forget_all(self._window)
            self._offered_upto = 0
        if effect.refused:
            codes = sorted({code for _, code in effect.refused})
            seqs = [seq for seq, _ in effect.refused]
            _LOG.warning("frames.quarantined", codes=codes, count=len(seqs), first=min(seqs))
        self._window = settle(self._window, effect.seqs, time.monotonic())
        if effect.seqs:
            self._is_alarmed = False
        self._figures = replace(
            self._figures,
            acknowledged=self._figures.acknowledged + len(effect.seqs),
            refused=self._figures.refused + len(effect.refused),
        )

    def _send_due(self) -> None:
        now_s = time.monotonic()
        for offer in self._window.offers:
            if is_overdue(self._window, offer, now_s) and self._may_publish():
                self._offer_again(offer, now_s)
        while self._window.has_room() and self._may_publish():
            found = self._parts.queue.open_after(self._offered_upto, MAX_FRAMES)
            frames = take_batch(found)
            if not frames or not self._send(frames):
                return
            self._offered_upto = frames[-1].seq
            self._window = add_offer(self._window, [frame.seq for frame in frames], now_s)

    def _may_publish(self) -> bool:
        """Return whether the broker's own limit of unconfirmed messages leaves room."""
        return self._receive_maximum is not None and len(self._up_mids) < self._receive_maximum

    def _offer_again(self, offer: Offer, now_s: float) -> None:
        frames = self._parts.queue.open_among(offer.seqs)
        if not frames:
            self._window = settle(self._window, offer.seqs, self._window.heard_at_s)
            return
        if not self._send(frames):
            return
        self._window = repeat_offer(self._window, offer, now_s)
        self._figures = replace(self._figures, republished=self._figures.republished + len(frames))
        if offer.attempts + 1 >= ALARM_ATTEMPTS and not self._is_alarmed:
            self._is_alarmed = True
            text = f"no acknowledgement for seq {frames[0].seq} after {ALARM_ATTEMPTS} publications"
            _LOG.error("uplink.unacknowledged", text=text)
            self._publish_event("unacknowledged", text)

    def _send(self, frames: Sequence[StoredFrame]) -> bool:
        """Publish one batch; return whether the network took it."""
        payload = batch_payload(self._parts.config.gateway_id, self._parts.queue.epoch, frames)
        mid = self._publish(Channel.UP, payload)
        if mid is None:
            return False
        self._up_mids.add(mid)
        self._sent_upto = max(self._sent_upto, frames[-1].seq)
        published = self._figures.published + len(frames)
        self._figures = replace(self._figures, published=published)
        return True

    def _now(self) -> Moment:
        return Moment(utc=self._parts.clock.now_utc(), wall_s=time.monotonic())

    def _watch_clock(self) -> None:
        before, now = self._looked_at, self._now()
        self._looked_at = now
        moved = clock_step(before, now, self._parts.clock)
        if moved is None:
            return
        old_utc = now.utc - moved
        text = f"the clock was moved from {old_utc.isoformat()} to {now.utc.isoformat()}"
        _LOG.warning("clock.step", text=text)
        self.announce("clock_step", text)

    def _keep_house(self) -> None:
        """Look at the clock, publish health, forget what was kept long enough."""
        self._watch_clock()
        now_s = time.monotonic()
        if self._connection is not None and self._connection.unanswered_s() > CONNACK_WITHIN_S:
            self._give_up_waiting()
        if now_s >= self._next_prune_s:
            self._next_prune_s = now_s + PRUNE_EVERY_S
            self._prune()
        if now_s >= self._next_health_s and self._receive_maximum is not None:
            interval_s = self._parts.config.health_interval.total_seconds()
            wait_s = max(SHORTEST_HEALTH_S, self._parts.clock.wall_seconds(interval_s))
            self._next_health_s = now_s + wait_s
            self._publish(Channel.HEALTH, dump_health(self.health()))

    def _prune(self) -> None:
        try:
            gone = self._parts.queue.prune(self._parts.clock.now_utc())
        except sqlite3.OperationalError as error:
            _LOG.warning("queue.prune_failed", error=str(error))
            return
        if gone:
            _LOG.info("queue.pruned", frames=gone)
