"""Decides what a message from the broker is: a batch, a gateway's event, or unusable and why."""

from dataclasses import dataclass

import orjson

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject
from wire_contracts.frames import Batch, parse_batch
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


def read_message(topic_text: str, payload: bytes) -> Batch | GatewayWord | Unusable:
    """Return what a message is; never raises for what a sender may send."""
    gateway_id = "unknown"
    try:
        topic = parse_topic(topic_text)
        gateway_id = topic.gateway_id
        reader = unpack(f"gateway {gateway_id}", payload, orjson.loads)
        if topic.channel is not Channel.UP:
            return GatewayWord(gateway_id=gateway_id, channel=topic.channel, values=reader.values)
        batch = parse_batch(reader)
        if batch.gateway_id != gateway_id:
            raise reader.refuse(
                "gw",
                f"is {batch.gateway_id!r} on the topic of {gateway_id!r}",
                "publish to the gateway's own topic",
                Code.TOPIC_MISMATCH,
            )
    except ContractError as error:
        return Unusable(gateway_id=gateway_id, payload=payload, code=error.code, reason=str(error))
    except (ValueError, RecursionError) as error:
        return Unusable(
            gateway_id=gateway_id,
            payload=payload,
            code=Code.PAYLOAD_FORM,
            reason=f"gateway {gateway_id}: payload: cannot be taken apart "
            f"({str(error)[:200]!a}); correct the sender",
        )
    return batch
