"""The MQTT topics: who may say what where (RULINGS R11)."""

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

PARTITION_COUNT = 64
"""Partitions of the ingest; server notes section 0, recommendation 3."""

_GATEWAY_ID = re.compile(r"[a-z0-9-]{1,32}")
_TOPIC = re.compile(r"lamp/v1/(\d\d)/([a-z0-9-]{1,32})/([a-z]+)")


class Channel(StrEnum):
    """The last level of a topic."""

    UP = "up"
    STATE = "state"
    HEALTH = "health"
    EVENT = "event"
    RES = "res"
    ACK = "ack"
    CMD = "cmd"


UPWARD = frozenset({Channel.UP, Channel.STATE, Channel.HEALTH, Channel.EVENT, Channel.RES})
"""What a gateway may publish."""

DOWNWARD = frozenset({Channel.ACK, Channel.CMD})
"""What the server may publish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic, taken apart."""

    gateway_id: str
    channel: Channel

    def text(self) -> str:
        """Return the topic as it is written on the wire."""
        return f"lamp/v1/{partition_of(self.gateway_id):02d}/{self.gateway_id}/{self.channel}"


def partition_of(gateway_id: str) -> int:
    """Return the partition 0..63 of a gateway: crc32 of its id, modulo 64."""
    return zlib.crc32(gateway_id.encode()) % PARTITION_COUNT


def check_gateway_id(gateway_id: str, *, place: str, field: str) -> str:
    """Return the id when it matches `[a-z0-9-]{1,32}`; raise ContractError otherwise."""
    if not _GATEWAY_ID.fullmatch(gateway_id):
        raise ContractError(
            place=place,
            field=field,
            problem=f"{gateway_id!r} is not a gateway id",
            remedy="use 1 to 32 of a-z, 0-9 and the hyphen",
            code=Code.FIELD_RANGE,
        )
    return gateway_id


def parse_topic(text: str) -> Topic:
    """Return the parts of a topic; raise ContractError when it is not one of ours."""
    found = _TOPIC.fullmatch(text)
    if found is None or found[3] not in set(Channel):
        raise ContractError(
            place=f"topic {text[:80]!r}",
            field="topic",
            problem="is not lamp/v1/<pp>/<gateway>/<channel>",
            remedy="correct the sender",
            code=Code.TOPIC_MISMATCH,
        )
    if int(found[1]) != partition_of(found[2]):
        raise ContractError(
            place=f"topic {text!r}",
            field="pp",
            problem=f"{found[1]} is not the partition of {found[2]!r}",
            remedy=f"publish to partition {partition_of(found[2]):02d}",
            code=Code.TOPIC_MISMATCH,
        )
    return Topic(gateway_id=found[2], channel=Channel(found[3]))


def partition_subscription(partition: int, channel: Channel) -> str:
    """Return the filter that matches one channel of every gateway of one partition."""
    return f"lamp/v1/{partition:02d}/+/{channel}"


def subscription(channel: Channel) -> str:
    """Return the filter that matches one channel of every gateway."""
    return f"lamp/v1/+/+/{channel}"
