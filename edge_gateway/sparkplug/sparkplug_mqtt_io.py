"""One MQTT connection of one Sparkplug session: its will is the session's death."""

import contextlib
import queue
from collections.abc import Sequence
from dataclasses import dataclass

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_gateway.broker_tls_io import tls_context
from edge_gateway.config import MqttVersion, SparkplugConfig
from edge_gateway.sparkplug.host import state_topic
from edge_gateway.sparkplug.node import Message, Node, death_certificate

_GOODBYE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The broker took us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The connection is gone, or never came."""

    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message for us."""

    topic: str
    payload: bytes


Inbox = queue.SimpleQueue["Opened | Closed | Heard"]


class SparkplugClient:
    """A paho client for one session; it reports into an inbox and never reconnects by itself."""

    def __init__(self, config: SparkplugConfig, node: Node, inbox: Inbox) -> None:
        """Prepare the client; `start` connects.

        Raises:
            TlsFileError: A file that TLS needs cannot be used.
        """
        self._config = config
        self._inbox = inbox
        self._death = Message(
            topic=node.name.topic("NDEATH"), payload=death_certificate(node.bd_seq)
        )
        self._topics = [(node.name.topic("NCMD"), 1)]
        if config.primary_host is not None:
            self._topics.append((state_topic(config.primary_host), 1))
        self._client = self._new_client()

    def start(self) -> None:
        """Begin to connect in the background."""
        mqtt = self._config.mqtt
        self._client.connect_async(mqtt.host, mqtt.port, mqtt.keepalive_s)
        self._client.loop_start()

    def is_busy(self) -> bool:
        """Return whether the network has not yet taken what was published."""
        return self._client.want_write()

    def publish(self, message: Message) -> bool:
        """Return whether a message was handed to the network, QoS 0, not retained."""
        info = self._client.publish(message.topic, message.payload, qos=0)
        return info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def say_death(self) -> bool:
        """Return whether the broker has this session's death certificate."""
        if not self._client.is_connected():
            return False
        info = self._client.publish(self._death.topic, self._death.payload, qos=1)
        with contextlib.suppress(RuntimeError, ValueError):
            info.wait_for_publish(_GOODBYE_S)
            return info.is_published()
        return False

    def close(self) -> None:
        """Disconnect and end the network thread."""
        client = self._client
        client.disconnect()
        client.loop_stop()
        # break the circle of client and callbacks, so that paho closes its sockets now
        client.on_connect = client.on_subscribe = client.on_disconnect = None
        client.on_connect_fail = client.on_message = None

    def _new_client(self) -> Client:
        """Return a client with a clean session; MQTT 3.1.1, which every host speaks, unless 5."""
        mqtt = self._config.mqtt
        is_5 = mqtt.version is MqttVersion.V5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{self._config.group_id}-{self._config.node_id}-spb",
            protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
            clean_session=None if is_5 else True,
            reconnect_on_failure=False,
        )
        client.will_set(self._death.topic, self._death.payload, qos=1, retain=False)
        if mqtt.username is not None:
            client.username_pw_set(mqtt.username, mqtt.password)
        if mqtt.tls is not None:
            client.tls_set_context(tls_context(mqtt.tls))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        return client

    def _on_connect(
        self,
        client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._inbox.put(Closed(problem=f"the broker refuses: {reason}"))
            return
        client.subscribe(self._topics)

    def _on_subscribe(
        self,
        _client: Client,
        _data: object,
        _mid: int,
        reasons: Sequence[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._inbox.put(Closed(problem="the broker does not let us hear commands"))
            return
        self._inbox.put(Opened())

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._inbox.put(Closed(problem=f"the connection ended: {reason}"))

    def _on_connect_fail(self, _client: Client, _data: object) -> None:
        self._inbox.put(Closed(problem="the broker cannot be reached"))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._inbox.put(Heard(topic=message.topic, payload=bytes(message.payload)))
