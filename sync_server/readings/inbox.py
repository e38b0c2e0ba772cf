"""Decides what a message from the broker is: a batch, a gateway's word, or unusable and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frame_columns import SplitBatch, split_batch
from wire_contracts.frames import Batch, parse_batch
from wire_contracts.gateway_commands import CommandResult, parse_result
from wire_contracts.gateway_health import GatewayHealth, parse_health
from wire_contracts.payloads import unpack
from wire_contracts.topics import Channel, parse_topic


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayWord:
    """What a gateway says about itself: its state, or something that happened to it."""

    gateway_id: str
    channel: Channel
    values: JsonObject

    def is_online(self) -> bool:
        """Return whether it says that the gateway has just connected."""
        return self.channel is Channel.STATE and self.values.get("state") == "online"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A payload that cannot be taken apart, kept verbatim."""

    gateway_id: str
    payload: bytes
    code: Code
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Health or an answer that cannot be read: the next one says the same again."""

    gateway_id: str
    reason: str


Item = Batch | GatewayWord | GatewayHealth | CommandResult | Unusable | Dropped
"""What a message may be."""

REPEATED = frozenset({Channel.HEALTH, Channel.RES})
"""Channels whose messages come again by themselves; one that cannot be read is not kept."""


def read_message(topic_text: str, payload: bytes) -> Item:
    """Return what a message is; never raises for what a sender may send."""
    gateway_id, channel = "unknown", Channel.UP
    try:
        topic = parse_topic(topic_text)
        gateway_id, channel = topic.gateway_id, topic.channel
        reader = unpack(f"gateway {gateway_id}", payload, orjson.loads)
        if channel not in _PARSERS:
            return GatewayWord(gateway_id=gateway_id, channel=channel, values=reader.values)
        item = _PARSERS[channel](reader)
        if item.gateway_id != gateway_id:
            raise reader.refuse(
                "gw",
                f"is {item.gateway_id!r} on the topic of {gateway_id!r}",
                "publish to the gateway's own topic",
                Code.TOPIC_MISMATCH,
            )
    except ContractError as error:
        if channel in REPEATED:
            return Dropped(gateway_id=gateway_id, reason=str(error))
        return Unusable(gateway_id=gateway_id, payload=payload, code=error.code, reason=str(error))
    except (ValueError, RecursionError) as error:
        return Unusable(
            gateway_id=gateway_id,
            payload=payload,
            code=Code.PAYLOAD_FORM,
            reason=f"gateway {gateway_id}: payload: cannot be taken apart "
            f"({str(error)[:200]!a}); correct the sender",
        )
    return item


def read_split(topic_text: str, payload: bytes) -> SplitBatch | None:
    """Return a batch with its ordinary frames as columns; None: `read_message` must judge it."""
    try:
        topic = parse_topic(topic_text)
        if topic.channel is not Channel.UP:
            return None
        batch = split_batch(unpack(f"gateway {topic.gateway_id}", payload, orjson.loads))
    except (ContractError, ValueError, RecursionError):
        return None
    return batch if batch is not None and batch.gateway_id == topic.gateway_id else None


_PARSERS: Mapping[Channel, Callable[[FieldReader], Batch | GatewayHealth | CommandResult]] = {
    Channel.UP: parse_batch,
    Channel.HEALTH: parse_health,
    Channel.RES: parse_result,
}
"""Who reads which channel; the others are kept as they say it."""
