"""What tests of orders from afar share: a key, signed orders, the answers that come back."""

import base64
import hashlib
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_gateway.config import GatewayConfig
from edge_gateway.config_io import parse_config
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from tests.edge_gateway.rig import LOOPBACK, Behave, LedgerServer, from_image, until
from wire_contracts.gateway_commands import (
    Command,
    CommandOutcome,
    CommandResult,
    Order,
    SignedText,
    bytes_to_sign,
    dump_command,
    dump_signed,
    parse_result,
)
from wire_contracts.payloads import pack, unpack
from wire_contracts.quantities import Quantity
from wire_contracts.topics import Channel, Topic

GATEWAY = "gw-01"
PROFILE = "tuf_2000m@1"
UNIT_ID = (3, 1441)
"""Where this meter tells its own unit; the gateway looks before it polls."""

REPEAT_S = 0.2
_NUMBERS = itertools.count(1)


def now_utc() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # orders are signed now


def sound() -> Behave:
    """A meter whose answers mean something."""
    values = {Quantity.FLOW_M3H: 1.5, Quantity.VOLUME_M3: 1234.5}
    return from_image({**encode_values(load_profile(PROFILE), values), UNIT_ID: 1})


@dataclass
class Signer:
    """A person with a key."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_line(self) -> str:
        raw = self.key.public_key().public_bytes_raw()
        return f"ed25519:{base64.b64encode(raw).decode()}"

    @property
    def key_id(self) -> str:
        return hashlib.sha256(self.key.public_key().public_bytes_raw()).hexdigest()[:16]

    def command(
        self,
        order: Order,
        *,
        gateway_id: str = GATEWAY,
        age: timedelta = timedelta(0),
        life: timedelta = timedelta(hours=1),
    ) -> Command:
        created = now_utc() - age
        return Command(
            command_id=f"order-{next(_NUMBERS):06d}",
            gateway_id=gateway_id,
            created_at_utc=created,
            expires_at_utc=created + life,
            by="engineer",
            order=order,
        )

    def signed(self, command: Command) -> SignedText:
        body = dump_command(command)
        signature = self.key.sign(bytes_to_sign(body))
        return SignedText(key_id=self.key_id, body=body, signature=signature)

    def sign(self, command: Command) -> bytes:
        return pack(dump_signed(self.signed(command)))


@dataclass
class OrderDesk:
    """The server's side of orders: publishes, and finds the answers in what the broker heard."""

    server: LedgerServer
    signer: Signer

    def send(self, payload: bytes, gateway_id: str = GATEWAY) -> None:
        topic = Topic(gateway_id=gateway_id, channel=Channel.CMD).text()
        self.server._client.publish(topic, payload, qos=1)

    def give(self, order: Order) -> str:
        command = self.signer.command(order)
        self.send(self.signer.sign(command))
        return command.command_id

    def answers(self, command_id: str) -> list[CommandResult]:
        found = [parse_result(unpack("res", each)) for each in self.server.payloads(Channel.RES)]
        return [each for each in found if each.command_id == command_id]

    def last(self, command_id: str) -> CommandResult | None:
        found = [
            each for each in self.answers(command_id) if each.outcome is not CommandOutcome.ACCEPTED
        ]
        return found[-1] if found else None

    def ask(self, order: Order) -> CommandResult:
        """Give an order, again and again as a server does, until its end is known."""
        command = self.signer.command(order)
        payload = self.signer.sign(command)
        self.send(payload)
        again_s = time.monotonic() + REPEAT_S

        def is_answered() -> bool:
            nonlocal again_s
            if self.last(command.command_id) is None and time.monotonic() > again_s:
                again_s = time.monotonic() + REPEAT_S
                self.send(payload)
            return self.last(command.command_id) is not None

        until(is_answered)
        return self.wait(command.command_id)

    def wait(self, command_id: str) -> CommandResult:
        until(lambda: self.last(command_id) is not None)
        answer = self.last(command_id)
        assert answer is not None
        return answer

    def events(self) -> list[str]:
        return [each.decode() for each in self.server.payloads(Channel.EVENT)]


def link(
    port: int,
    *,
    serial: str = "HM-1",
    name: str = "plant",
    more: str = "",
    profile: str = PROFILE,
) -> str:
    """One link with one meter, as settings and revisions write it."""
    return f"""
[[link]]
name = "{name}"
url = "tcp://{LOOPBACK}:{port}"
timeout_s = 20.0
retry_count = 0
intervals = {{ fast = "1s" }}
{more}
[[link.meter]]
serial = "{serial}"
device_address = 1
profile = "{profile}"
"""


def hasty(links: str) -> str:
    """The same links where nothing good is to come: a trial waits three periods and a time-out."""
    return links.replace("timeout_s = 20.0", "timeout_s = 0.3")


def settings(
    folder: Path, broker_port: int, signer: Signer, links: str, *, profiles: str = ""
) -> GatewayConfig:
    text = settings_text(folder, broker_port, signer, links)
    if profiles:
        text = text.replace("health_interval", f'profiles = "{profiles}"\nhealth_interval', 1)
    return parse_config(
        text,
        place="gateway.toml",
        folder=folder,
        environment={},
    )


def settings_text(folder: Path, broker_port: int, signer: Signer, links: str) -> str:
    return f"""
[gateway]
id = "{GATEWAY}"
data = "{folder / "gateway"}"
health_interval = "1s"
[mqtt]
host = "{LOOPBACK}"
port = {broker_port}
version = "5"
[queue]
commit_s = 0.05
[remote]
trusted_keys = ["{signer.public_line}"]
{links}
"""


@contextmanager
def publisher(port: int, name: str = "somebody") -> Iterator[Client]:
    """A plain MQTT client, connected."""
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5
    )
    client.connect(LOOPBACK, port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
