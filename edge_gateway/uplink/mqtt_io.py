"""One MQTT connection: version 5, or 3.1.1 where the broker knows no better."""

import queue
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from structlog.typing import FilteringBoundLogger

from edge_gateway.broker_tls_io import explain_tls, tls_context
from edge_gateway.config import MqttConfig, MqttVersion
from edge_gateway.uplink.messages import Event

UNSUPPORTED_PROTOCOL = 132
"""CONNACK reason of a broker that does not speak MQTT 5; MQTT 5.0 section 3.2.2.2."""

REFUSED_FROM = 0x80
"""Reason codes from here on are refusals; MQTT 5.0 section 2.4."""

NO_SUBSCRIBERS = 0x10
"""PUBACK reason of a broker that hands a message to nobody; MQTT 5.0 section 3.4.2.1."""

_RECONNECT_S = (1, 15)
_FAREWELL_S = 2.0
_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The broker accepted us and has said what it lets us hear.

    Attributes:
        receive_maximum: So many messages may be on their way to it.
        is_deaf: Whether it refuses a subscription.
    """

    receive_maximum: int
    is_deaf: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """The connection is gone; `is_tls_refused`: the broker ended it over a certificate."""

    is_tls_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The broker has the message `mid`, or refuses it for `refusal`.

    Attributes:
        mid: Its id.
        refusal: Why the broker does not take it; None: it does.
        is_heard: Whether it has somebody to hand it to, as far as it tells (MQTT 5).
    """

    mid: int
    refusal: str | None
    is_heard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message for us."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRefused:
    """The broker does not speak MQTT 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """Somebody else has work for the uplink."""


_PROTOCOLS = {
    MqttVersion.V5: MQTTProtocolVersion.MQTTv5,
    MqttVersion.V311: MQTTProtocolVersion.MQTTv311,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """Something happened that people must be told."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Responded:
    """Another part has answered an order of the server."""

    payload: bytes


MqttEvent = (
    Connected | Disconnected | Published | Received | VersionRefused | Woken | Announced | Responded
)
Inbox = queue.SimpleQueue[MqttEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who we are to the broker.

    Attributes:
        client_id: The gateway's id.
        subscriptions: Topics to hear.
        state_topic: Retained topic of the gateway's state.
        will: What the broker says there when we vanish.
    """

    client_id: str
    subscriptions: Sequence[str]
    state_topic: str
    will: bytes


class MqttConnection:
    """A paho client that reports everything into an inbox; it reconnects by itself."""

    def __init__(
        self, config: MqttConfig, session: Session, inbox: Inbox, version: MqttVersion
    ) -> None:
        """Prepare the client; `start` connects.

        Raises:
            TlsFileError: A file that TLS needs cannot be used.
        """
        self._config = config
        self._session = session
        self._inbox = inbox
        self._version = version
        self._owed_since_s: float | None = None
        self._receive_maximum: int | None = None
        self._last_problem = ""
        self._is_tls_refused = False
        self._client = self._new_client()

    def unanswered_s(self) -> float:
        """Return for how many wall seconds the broker has owed its word on greeting or topics."""
        owed_since_s = self._owed_since_s
        return 0.0 if owed_since_s is None else time.monotonic() - owed_since_s

    def is_greeted(self) -> bool:
        """Return whether the broker has accepted this connection."""
        return self._receive_maximum is not None

    def start(self) -> None:
        """Begin to connect, in the background, again and again until it works."""
        if self._version is MqttVersion.V5:
            self._client.connect_async(
                self._config.host, self._config.port, self._config.keepalive_s, clean_start=True
            )
        else:
            self._client.connect_async(
                self._config.host, self._config.port, self._config.keepalive_s
            )
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, *, is_retained: bool = False) -> int | None:
        """Return the message's id once it is handed to the network, None when it is not."""
        info = self._client.publish(topic, payload, qos=1, retain=is_retained)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def close(self, farewell: bytes | None) -> None:
        """Say goodbye on the state topic if we can, and end the network thread."""
        if farewell is not None and self._client.is_connected():
            info = self._client.publish(self._session.state_topic, farewell, qos=1, retain=True)
            try:
                info.wait_for_publish(_FAREWELL_S)
            except (RuntimeError, ValueError):
                _LOG.info("mqtt.no_farewell")
        self._client.disconnect()
        self._client.loop_stop()
        self._let_go()

    def _let_go(self) -> None:
        """Break the circle of client and callbacks, so that paho closes its sockets now."""
        client = self._client
        client.on_socket_open = client.on_connect_fail = client.on_connect = None
        client.on_disconnect = client.on_publish = client.on_message = None
        client.on_subscribe = None

    def _new_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._session.client_id,
            protocol=_PROTOCOLS[self._version],
        )
        client.max_inflight_messages_set(0)
        client.reconnect_delay_set(*_RECONNECT_S)
        client.will_set(self._session.state_topic, self._session.will, qos=1, retain=True)
        if self._config.username is not None:
            client.username_pw_set(self._config.username, self._config.password)
        if self._config.tls is not None:
            client.tls_set_context(tls_context(self._config.tls))
            client.on_log = self._on_log
        client.on_socket_open = self._on_socket_open
        client.on_connect_fail = self._on_connect_fail
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _on_socket_open(self, _client: Client, _userdata: object, _socket: object) -> None:
        self._receive_maximum = None
        self._owed_since_s = time.monotonic()

    def _on_connect_fail(self, _client: Client, _userdata: object) -> None:
        """Say why there is no connection, once for each reason; paho is handling the error."""
        self._complain(str(sys.exc_info()[1]))

    def _complain(self, problem: str) -> None:
        if problem != self._last_problem:
            meaning = explain_tls(problem) or ""
            _LOG.warning(
                "mqtt.unreachable", host=self._config.host, problem=problem, meaning=meaning
            )
        self._last_problem = problem

    def _on_log(self, _client: Client, _userdata: object, level: int, text: str) -> None:
        """Hear why a broker ends a connection that TLS had opened: paho tells it only here."""
        if level == LogLevel.MQTT_LOG_ERR and explain_tls(text) is not None:
            self._is_tls_refused = True
            self._complain(text)

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._owed_since_s = None
        if reason.value == UNSUPPORTED_PROTOCOL:
            self._inbox.put(VersionRefused())
            return
        if reason.is_failure:
            if str(reason) != self._last_problem:
                _LOG.error("mqtt.refused", reason=str(reason), username=self._config.username)
            self._last_problem = str(reason)
            return
        self._last_problem = ""
        client.drop_out_messages()
        self._receive_maximum = int(getattr(properties, "ReceiveMaximum", 0xFFFF))
        self._owed_since_s = time.monotonic()
        client.subscribe([(topic, 1) for topic in self._session.subscriptions])

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        _mid: int,
        reasons: Sequence[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        """Go to work: what is published before the broker has our topics is answered to nobody."""
        self._owed_since_s = None
        if self._receive_maximum is None:
            return
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            _LOG.error("mqtt.subscription_refused", reasons=refused)
        self._inbox.put(Connected(receive_maximum=self._receive_maximum, is_deaf=bool(refused)))

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._owed_since_s = None
        self._inbox.put(Disconnected(is_tls_refused=self._is_tls_refused))
        self._is_tls_refused = False

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        refusal = str(reason) if reason.value >= REFUSED_FROM else None
        is_heard = reason.value != NO_SUBSCRIBERS
        self._inbox.put(Published(mid=mid, refusal=refusal, is_heard=is_heard))

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._inbox.put(Received(topic=message.topic, payload=bytes(message.payload)))
