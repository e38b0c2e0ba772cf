"""One thread between the queue and the broker: offers frames, hears the server, marks them."""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.broker_tls_io import TlsFileError
from edge_gateway.config import GatewayConfig, MqttVersion
from edge_gateway.figures import UplinkFigures
from edge_gateway.uplink import messages
from edge_gateway.uplink.batching import late_by
from edge_gateway.uplink.clock_watch_io import ClockWatch
from edge_gateway.uplink.delivery_io import Delivery, DeliveryParts
from edge_gateway.uplink.event_delivery_io import AT_ONCE, EventDelivery, EventDeliveryParts
from edge_gateway.uplink.event_store import EVENTS_FILE, EventStore
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
from edge_gateway.uplink.uplink_parts import UplinkParts
from wire_contracts.acks import parse_ack
from wire_contracts.errors import ContractError
from wire_contracts.gateway_health import GatewayHealth, dump_health
from wire_contracts.payloads import unpack
from wire_contracts.topics import Channel, Topic

AFTER_PUBLISH = "gateway.after_publish"
"""Named point: the broker has a batch, the server's acknowledgement has not been handled."""

DROPS_BEFORE_FALLBACK = 2
"""Connections closed before an answer after which a broker older than MQTT 5 is assumed."""

CONNACK_WITHIN_S = 3.0
"""Wall seconds within which a broker answers; amqtt 0.12 is silent to a will of MQTT 5. Then it is
given twice as long, again and again: an answer over NB-IoT may take 10 s and more."""

LONGEST_CONNACK_S = 48.0

PUBACK_WITHIN_TIMEOUTS = 2.0
"""A broker that owes its word on topics or batches, and gives it on none for so many
`ack_timeout_s`, is left and greeted again; then it is given twice as long, because the way to it
may just be slow. amqtt 0.12 may forget topics when others connect at the same time."""

LONGEST_PATIENCE = 64.0

FLUSH_EVERY_S = 2.0
"""Wall seconds after which the server's word is in the file though nothing new was read."""

RETRY_FILES_S = 3.0
"""Wall seconds after which files that TLS could not use are read again: a renewal was half done."""

LONGEST_WAIT_S = 0.5
MAX_ANSWERS = 100
SHORTEST_HEALTH_S = 1.0
PRUNE_EVERY_S = 60.0
UNHEARD = "no server listens"
"""Why an event is not with the broker: one that was started afresh hands it to nobody."""

REFUSAL_TOLD_EVERY_S = 60.0
"""Wall seconds between two log lines about a disk that takes no marks; the outbox tells people."""

_LOG: FilteringBoundLogger = structlog.get_logger()


class Uplink:
    """Publishes what is open and marks what the server has; everything runs in one thread."""

    def __init__(self, parts: UplinkParts) -> None:
        """Prepare; `run` connects."""
        mqtt = parts.config.mqtt
        self._parts = parts
        self._clock = ClockWatch(parts.clock, parts.timekeeper, self.announce)
        self._inbox: Inbox = queue.SimpleQueue()
        self._version = mqtt.version or MqttVersion.V5
        self._is_version_fixed = mqtt.version is not None
        self._connection: MqttConnection | None = None
        self._receive_maximum: int | None = None
        self._drops = 0
        self._patience = PUBACK_WITHIN_TIMEOUTS
        self._connack_s = CONNACK_WITHIN_S
        self._is_broker_silent = False
        self._said_once: set[str] = set()
        self._next_health_s = self._next_prune_s = 0.0
        self._next_flush_s = self._next_connect_s = self._next_refusal_s = 0.0
        self._file_problem = ""
        self._delivery = Delivery(
            DeliveryParts(
                gateway_id=parts.config.gateway_id,
                mqtt=mqtt,
                queue=parts.queue,
                publish=lambda payload: self._publish(Channel.UP, payload),
                lateness=lambda: late_by(self._clock.time_utc(), self._parts.interval),
                tell=self.announce,
            )
        )
        self._events = EventDelivery(
            EventDeliveryParts(
                gateway_id=parts.config.gateway_id,
                store=EventStore(parts.config.data / EVENTS_FILE),
                publish=lambda payload: self._publish(Channel.EVENT, payload),
                now_utc=self._clock.time_utc,
            )
        )
        self._unsaid: list[Responded] = []

    def wake(self) -> None:
        """Tell the uplink that there is something new in the queue; any thread may."""
        self._inbox.put(Woken())

    def announce(self, kind: str, text: str) -> None:
        """Have an event kept, and published as soon as there is a connection; any thread may."""
        at_utc, quality = self._clock.time_utc(), self._clock.quality()
        event = messages.Event(at_utc=at_utc, quality=quality, kind=kind, text=text)
        self._inbox.put(Announced(event=event))

    def respond(self, payload: bytes) -> None:
        """Have an answer to an order published, as soon as there is a connection; any thread may.

        The newest `MAX_ANSWERS` wait; none is kept over a restart, because it is asked for again.
        """
        self._inbox.put(Responded(payload=payload))

    def snapshot(self) -> UplinkFigures:
        """Return what the uplink has done since the start; any thread may."""
        return self._delivery.figures

    def health(self) -> GatewayHealth:
        """Return how the gateway is; any thread may ask."""
        parts = self._parts
        queued = parts.queue.figures()
        figures = messages.Figures(
            queue=replace(queued, open_count=queued.open_count + parts.unkept()),
            uplink=self._delivery.figures,
            links=parts.links(),
            oldest_ms=parts.queue.oldest_open_ms(),
            remote=parts.remote(),
            clock=None if parts.timekeeper is None else parts.timekeeper.quality(),
        )
        return messages.health(parts.config.gateway_id, self._clock.time_utc(), figures)

    def adopt(self, config: GatewayConfig) -> None:
        """Go on with other settings, the broker's apart; any thread may."""
        self._parts = replace(self._parts, config=config)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, then say goodbye."""
        self._connect()
        try:
            while not stop.is_set():
                self._parts.beat()
                self._take_inbox(LONGEST_WAIT_S)
                self._work()
        finally:
            self._take_inbox(0)
            self._events.close()
            if self._connection is not None:
                self._connection.close(messages.offline_state(self._parts.config.gateway_id))

    def _work(self) -> None:
        """Send what is due and keep house; a queue file found damaged is replaced at once."""
        self._events.work(time.monotonic())
        try:
            self._as_far_as_the_disk_goes(lambda: self._delivery.send_due(time.monotonic()))
            self._keep_house()
        except sqlite3.DatabaseError as error:
            self._parts.queue.recover(error)
            self._delivery.offer_everything()

    def _as_far_as_the_disk_goes(self, work: Callable[[], None]) -> None:
        """Do something that may change the queue file; what a disk refuses is tried again later."""
        try:
            work()
        except sqlite3.OperationalError as error:
            self._put_off(error)

    def _put_off(self, error: sqlite3.OperationalError) -> None:
        """Leave for later what the disk does not take now: nothing that was committed is lost."""
        now_s = time.monotonic()
        if now_s >= self._next_refusal_s:
            self._next_refusal_s = now_s + REFUSAL_TOLD_EVERY_S
            _LOG.warning("queue.refuses", error=str(error))

    def _take_inbox(self, longest_wait_s: float) -> None:
        """Wait for the first message, briefly, and handle all that have come."""
        try:
            self._handle(self._inbox.get(timeout=longest_wait_s))
            while True:
                self._handle(self._inbox.get_nowait())
        except queue.Empty:
            return

    def _handle(self, event: MqttEvent) -> None:
        match event:
            case Connected():
                self._connected(event)
            case Disconnected():
                self._disconnected(event)
            case VersionRefused():
                self._fall_back()
            case Published():
                self._published(event)
            case Received():
                self._received(event)
            case Announced() | Responded() | Woken():
                self._take_word(event)

    def _take_word(self, event: Announced | Responded | Woken) -> None:
        """Take what another part of the gateway has to say."""
        if isinstance(event, Announced):
            self._events.tell(event.event)
        elif isinstance(event, Responded):
            self._unsaid = [*self._unsaid[1 - MAX_ANSWERS :], event]
            self._say()

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
        mqtt = self._parts.config.mqtt
        try:
            self._connection = MqttConnection(mqtt, session, self._inbox, self._version)
        except TlsFileError as error:
            self._connection = None
            self._next_connect_s = time.monotonic() + RETRY_FILES_S
            if str(error) != self._file_problem:
                _LOG.error("mqtt.file_unusable", problem=str(error))
                self.announce("tls_file_unusable", str(error))
            self._file_problem = str(error)
            return
        self._file_problem = ""
        self._connection.start()

    def _connected(self, event: Connected) -> None:
        self._drops = 0
        self._receive_maximum = event.receive_maximum
        of_events = min(AT_ONCE, max(1, event.receive_maximum // 4))
        self._events.connected(of_events)
        batches = max(1, event.receive_maximum - of_events)
        self._delivery.connected(batches, time.monotonic())
        _LOG.info("mqtt.connected", version=str(self._version), host=self._parts.config.mqtt.host)
        self._publish_state()
        self._say()
        if event.is_deaf:
            text = "the broker does not let the gateway hear the server; give it its topics"
            self.announce("subscription_refused", text)

    def _publish_state(self) -> None:
        """Say that we are here; the server answers with the time."""
        state = messages.online_state(
            self._parts.config.gateway_id, self._parts.queue.epoch, self._clock.time_utc()
        )
        self._publish(Channel.STATE, state, is_retained=True)

    def _disconnected(self, event: Disconnected) -> None:
        if self._receive_maximum is not None:
            _LOG.warning("mqtt.disconnected", host=self._parts.config.mqtt.host)
        self._receive_maximum = None
        self._events.disconnected()
        self._delivery.disconnected()
        self._drops += not event.is_tls_refused
        is_5 = self._version is MqttVersion.V5
        if is_5 and self._delivery.figures.published == 0 and self._drops >= DROPS_BEFORE_FALLBACK:
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
        is_greeted = self._connection is not None and self._connection.is_greeted()
        if not is_greeted:
            self._connack_s = min(2 * self._connack_s, LONGEST_CONNACK_S)
        if self._version is MqttVersion.V5 and not (self._is_version_fixed or is_greeted):
            self._fall_back()
            return
        if is_greeted:
            self._patience = min(2 * self._patience, LONGEST_PATIENCE)
        _LOG.warning("mqtt.silent", host=self._parts.config.mqtt.host, is_greeted=is_greeted)
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
        """Publish answers; without a connection the newest `MAX_ANSWERS` wait."""
        if self._receive_maximum is None:
            return
        for word in self._unsaid:
            self._publish(Channel.RES, word.payload)
        self._unsaid = []

    def _published(self, event: Published) -> None:
        unheard = None if event.is_heard else UNHEARD
        if self._events.published(event.mid, event.refusal or unheard, time.monotonic()):
            return
        if self._delivery.published(event.mid, event.refusal, time.monotonic()):
            self._is_broker_silent = False
            self._patience = PUBACK_WITHIN_TIMEOUTS
            self._parts.reached(AFTER_PUBLISH)

    def _received(self, event: Received) -> None:
        if event.topic == self._topic(Channel.CMD):
            self._parts.on_command(event.payload)
            return
        try:
            ack = parse_ack(unpack(event.topic, event.payload))
        except ContractError as error:
            _LOG.error("ack.unusable", error=str(error))
            self._announce_once("ack_unusable", str(error))
            return
        if ack.server_at_ms is not None and self._parts.timekeeper is not None:
            text = self._parts.timekeeper.hear(ack.server_at_ms)
            if text is not None:
                self._announce_once("clock_disagrees", text)
        self._delivery.hear(ack, self._clock.time_utc())

    def _announce_once(self, event: str, text: str) -> None:
        """Tell people what would else be told with every acknowledgement of this run."""
        if event not in self._said_once:
            self._said_once.add(event)
            self.announce(event, text)

    def _keep_house(self) -> None:
        """Look at the clock, publish health, forget what was kept long enough."""
        self._clock.look_for_step()
        now_s = time.monotonic()
        if now_s >= self._next_flush_s:
            self._next_flush_s = now_s + FLUSH_EVERY_S
            self._as_far_as_the_disk_goes(self._parts.queue.flush)
        self._watch_broker(now_s)
        self._as_far_as_the_disk_goes(lambda: self._watch_trust(now_s))
        for text in self._parts.queue.take_notices():
            self.announce("queue_set_aside", text)
        if now_s >= self._next_prune_s:
            self._next_prune_s = now_s + PRUNE_EVERY_S
            self._as_far_as_the_disk_goes(self._prune)
        if now_s >= self._next_health_s and self._receive_maximum is not None:
            interval_s = self._parts.config.health_interval.total_seconds()
            wait_s = max(SHORTEST_HEALTH_S, self._parts.clock.wall_seconds(interval_s))
            self._next_health_s = now_s + wait_s
            self._publish(Channel.HEALTH, dump_health(self.health()))

    def _watch_broker(self, now_s: float) -> None:
        """Leave a broker that accepts the connection and then says nothing."""
        allowed_s = self._patience * self._parts.config.mqtt.ack_timeout_s
        if self._connection is None:
            if now_s >= self._next_connect_s:
                self._connect()
        else:
            owed_s = allowed_s if self._connection.is_greeted() else self._connack_s
            if self._connection.unanswered_s() > owed_s:
                self._give_up_waiting()
        if self._receive_maximum is None or self._delivery.unconfirmed_s(now_s) <= allowed_s:
            return
        text = f"the broker has confirmed nothing for {allowed_s:g} s; connecting afresh"
        _LOG.error("mqtt.unconfirmed", text=text)
        if not self._is_broker_silent:
            self._is_broker_silent = True
            self.announce("broker_silent", text)
        self._patience = min(2 * self._patience, LONGEST_PATIENCE)
        self._disconnected(Disconnected())
        self._reconnect()

    def _watch_trust(self, now_s: float) -> None:
        """Date frames as soon as the time is known; ask for it while it is not."""
        if self._clock.date_frames(self._parts.queue):
            self._delivery.offer_everything()
        if self._receive_maximum is not None and self._clock.must_ask(now_s):
            self._publish_state()

    def _prune(self) -> None:
        is_known = self._clock.is_time_known()
        gone = self._parts.queue.prune(self._clock.time_utc(), is_time_known=is_known)
        if gone:
            _LOG.info("queue.pruned", frames=gone)
