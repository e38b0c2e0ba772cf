"""The broker connection of the server: messages in, acknowledgements out, nothing taken on trust.

A message is confirmed to the broker only after the database has it; what a gateway may delete is
said by our own acknowledgement alone (RULINGS R3), so a broker that forgets loses nothing.
"""

import itertools
import queue
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from structlog.typing import FilteringBoundLogger

from sync_server.config import BrokerConfig
from wire_contracts.acks import Ack, dump_ack
from wire_contracts.topics import Channel, Topic, subscription

_UNSUPPORTED_PROTOCOL = 132
"""CONNACK reason of a broker that does not speak MQTT 5; MQTT 5.0 section 3.2.2.2."""

_SESSION_EXPIRY_S = 7 * 24 * 3600
"""The broker keeps messages for us while we are away; gateways keep theirs anyway."""

_RECEIVE_MAXIMUM = 2000
"""Messages under way to us; enough to fill a transaction while another one commits."""

_UNANSWERED_S = 4.0
"""A broker that leaves an MQTT 5 greeting unanswered for so long is taken for an old one."""

_UNSUBSCRIBED_S = 8.0
"""A broker that accepts us and leaves our topics unanswered for so long is left and greeted again,
then given twice as long; amqtt 0.12 may forget to answer when others connect at the same time."""

_LONGEST_UNSUBSCRIBED_S = 256.0

WAITING_MESSAGES = 4000
"""Messages held here at most until they are stored; the broker keeps the rest."""

_KEEPALIVE_S = 30
_RECONNECT_S = (1, 10)
_FAREWELL_S = 2.0
CHANNELS = (Channel.UP, Channel.STATE, Channel.EVENT, Channel.HEALTH, Channel.RES)
"""What gateways say, in the order in which it is subscribed to."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that the broker still holds for us until `confirm`.

    `connection_number` names the connection it came by.
    """

    topic: str
    payload: bytes
    mid: int
    connection_number: int


def all_topics() -> Sequence[str]:
    """Return the filters that match what every gateway says."""
    return [subscription(channel) for channel in CHANNELS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What a link subscribes to, and where its messages go.

    Attributes:
        topics: The filters of its subscription.
        messages: Several links may share one queue.
        numbers: Numbers of connections; links with one queue share it, so that none is used twice.
    """

    topics: Sequence[str] = field(default_factory=all_topics)
    messages: "queue.Queue[Message]" = field(default_factory=lambda: queue.Queue(WAITING_MESSAGES))
    numbers: Iterator[int] = field(default_factory=itertools.count)


class BrokerLink:
    """A paho client with manual confirmation; MQTT 5, or 3.1.1 where the broker knows no better."""

    def __init__(self, config: BrokerConfig, feed: Feed | None = None) -> None:
        """Prepare the client, for the messages of every gateway unless said; `start` connects."""
        self._config = config
        self._feed = feed or Feed()
        self._messages = self._feed.messages
        self._is_closing = threading.Event()
        self._is_connected = threading.Event()
        self._must_fall_back = threading.Event()
        self._is_subscribed = threading.Event()
        self._opened_at_s: float | None = None
        self._asked_at_s: float | None = None
        self._patience_s = _UNSUBSCRIBED_S
        self._connection_number = -1
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._client = self._new_client()

    @property
    def is_shared(self) -> bool:
        """Whether other processes take messages in too; one link takes them all."""
        return False

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us and not gone since."""
        return self._is_connected.is_set()

    @property
    def is_subscribed(self) -> bool:
        """Whether the broker has confirmed our subscriptions on this connection."""
        return self._is_subscribed.is_set()

    def waiting_count(self) -> int:
        """Return how many messages wait to be taken."""
        return self._messages.qsize()

    def start(self) -> None:
        """Begin to connect, in the background, again and again until it works."""
        host, port = self._config.host, self._config.port
        if self._protocol is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
            properties.SessionExpiryInterval = _SESSION_EXPIRY_S
            properties.ReceiveMaximum = _RECEIVE_MAXIMUM
            self._client.connect_async(
                host, port, _KEEPALIVE_S, clean_start=False, properties=properties
            )
        else:
            self._client.connect_async(host, port, _KEEPALIVE_S)
        self._client.loop_start()

    def take(self, timeout_s: float) -> Message | None:
        """Return the next message, None when there was none for so long.

        Also where the link is looked after, see `mind`.
        """
        self.mind()
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def mind(self) -> None:
        """Greet a broker that does not speak MQTT 5 in 3.1.1; leave one that forgot our topics."""
        if self._is_closing.is_set():
            return
        if self._must_fall_back.is_set() or self._is_unanswered():
            self._fall_back()
        if self._is_forgotten():
            _LOG.warning("ingest.not_subscribed", host=self._config.host, port=self._config.port)
            self._patience_s = min(2 * self._patience_s, _LONGEST_UNSUBSCRIBED_S)
            self._begin_again()

    def take_now(self) -> Message | None:
        """Return a message that is here already, None when there is none."""
        try:
            return self._messages.get_nowait()
        except queue.Empty:
            return None

    def confirm(self, message: Message) -> None:
        """Let the broker forget a message; one of an earlier connection comes again instead."""
        if self.holds(message):
            self._client.ack(message.mid, 1)

    def holds(self, message: Message) -> bool:
        """Return whether the message came by the present connection."""
        return message.connection_number == self._connection_number

    def serves(self, gateway_id: str) -> bool:
        """Return whether this process speaks to the gateway; one link speaks to all."""
        del gateway_id
        return True

    def publish_ack(self, gateway_id: str, ack: Ack) -> None:
        """Tell a gateway what is safe, if the broker is there.

        None is kept for a later connection: gateways set clocks by the time in it. A lost
        acknowledgement is asked for again by resending.
        """
        if not self.is_connected:
            return
        topic = Topic(gateway_id=gateway_id, channel=Channel.ACK).text()
        info = self._client.publish(topic, dump_ack(ack), qos=1)
        if info.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
            _LOG.warning("ingest.ack_not_sent", gateway=gateway_id, reason=str(info.rc))

    def publish_order(self, gateway_id: str, payload: bytes) -> bool:
        """Send a signed order; return whether the network took it."""
        topic = Topic(gateway_id=gateway_id, channel=Channel.CMD).text()
        return self._client.publish(topic, payload, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Send what is waiting, say goodbye and end the network thread."""
        close_links([self])

    def say_goodbye(self, deadline_s: float) -> None:
        """Send what is waiting, until a moment of the monotonic clock, and take nothing more."""
        self._is_closing.set()
        while self.is_connected and self._client.want_write() and time.monotonic() < deadline_s:
            self._is_subscribed.wait(0.01)
        self._client.disconnect()

    def end(self) -> None:
        """End the network thread."""
        self._let_go()

    def _is_unanswered(self) -> bool:
        opened_at_s = self._opened_at_s
        return (
            self._protocol is MQTTProtocolVersion.MQTTv5
            and opened_at_s is not None
            and time.monotonic() - opened_at_s > _UNANSWERED_S
        )

    def _fall_back(self) -> None:
        self._must_fall_back.clear()
        self._opened_at_s = None
        if self._protocol is not MQTTProtocolVersion.MQTTv5:
            return
        _LOG.info(
            "ingest.mqtt_fallback", host=self._config.host, port=self._config.port, version="3.1.1"
        )
        self._protocol = MQTTProtocolVersion.MQTTv311
        self._begin_again()

    def _is_forgotten(self) -> bool:
        asked_at_s = self._asked_at_s
        return asked_at_s is not None and time.monotonic() - asked_at_s > self._patience_s

    def _begin_again(self) -> None:
        """Connect with a new client; what the old one held for us the broker sends again."""
        self._asked_at_s = None
        self._let_go()
        self._client = self._new_client()
        self.start()

    def _let_go(self) -> None:
        """End the connection, and the circle of client and callbacks: paho closes its sockets."""
        client = self._client
        client.disconnect()
        client.loop_stop()
        client.on_socket_open = client.on_connect = client.on_disconnect = None
        client.on_subscribe = client.on_message = None

    def _new_client(self) -> Client:
        is_old = self._protocol is MQTTProtocolVersion.MQTTv311
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._config.client_id,
            clean_session=False if is_old else None,
            protocol=self._protocol,
            manual_ack=True,
        )
        client.max_inflight_messages_set(0)
        client.reconnect_delay_set(*_RECONNECT_S)
        if self._config.username is not None:
            client.username_pw_set(self._config.username, self._config.password)
        if self._config.tls is not None:
            client.tls_set_context(_tls_context(self._config))
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_socket_open(self, _client: Client, _userdata: object, _socket: object) -> None:
        self._opened_at_s = time.monotonic()

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._opened_at_s = None
        if reason.value == _UNSUPPORTED_PROTOCOL:
            self._must_fall_back.set()
            return
        if reason.is_failure:
            _LOG.error("ingest.broker_refuses", reason=str(reason), user=self._config.username)
            return
        self._connection_number = next(self._feed.numbers)
        self._is_connected.set()
        self._asked_at_s = time.monotonic()
        client.subscribe([(topic, 1) for topic in self._feed.topics])
        _LOG.info("ingest.connected", host=self._config.host, port=self._config.port)

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._asked_at_s = None
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            _LOG.error("ingest.subscription_refused", reasons=refused)
        else:
            self._patience_s = _UNSUBSCRIBED_S
            self._is_subscribed.set()

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        is_before_answer = self._opened_at_s is not None
        self._opened_at_s = self._asked_at_s = None
        self._is_connected.clear()
        self._is_subscribed.clear()
        if self._is_closing.is_set():
            return
        if is_before_answer and self._protocol is MQTTProtocolVersion.MQTTv5:
            self._must_fall_back.set()
        _LOG.warning("ingest.disconnected", reason=str(reason))

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        taken = Message(
            topic=message.topic,
            payload=bytes(message.payload),
            mid=message.mid,
            connection_number=self._connection_number,
        )
        while not self._is_closing.is_set():
            try:
                self._messages.put(taken, timeout=0.2)
            except queue.Full:
                continue
            return


def close_links(links: Sequence[BrokerLink]) -> None:
    """Send what is waiting, say goodbye and end the network threads.

    Every link is told before any is waited for: without a broker each sleeps up to a second in
    paho, and 64 of them one after another for half a minute.
    """
    deadline_s = time.monotonic() + _FAREWELL_S
    for link in links:
        link.say_goodbye(deadline_s)
    for link in links:
        link.end()


def _tls_context(config: BrokerConfig) -> ssl.SSLContext:
    tls = config.tls
    ca_file = str(tls.ca_file) if tls is not None and tls.ca_file is not None else None
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls is not None and tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context
