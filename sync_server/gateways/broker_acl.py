"""Decides who may say and hear what at the broker, and writes it in the broker's own words."""

from collections.abc import Iterable
from enum import StrEnum

from wire_contracts.topics import DOWNWARD, UPWARD, Channel


class BrokerKind(StrEnum):
    """Brokers whose rules we can write."""

    MOSQUITTO = "mosquitto"
    RABBITMQ = "rabbitmq"


def broker_acl(kind: BrokerKind, server_name: str) -> list[str]:
    """Return the lines that keep each gateway to its own topics, and give the server all.

    A gateway's user name is its id: its account, or the common name of its certificate.

    Args:
        kind: Whose words.
        server_name: The server's user name at the broker.
    """
    if kind is BrokerKind.MOSQUITTO:
        return list(_mosquitto(server_name))
    return list(_rabbitmq(server_name))


def _sorted(channels: Iterable[Channel]) -> list[Channel]:
    return [channel for channel in Channel if channel in set(channels)]


def _mosquitto(server_name: str) -> Iterable[str]:
    yield f"user {server_name}"
    yield from (f"topic read lamp/v1/+/+/{channel}" for channel in _sorted(UPWARD))
    yield from (f"topic write lamp/v1/+/+/{channel}" for channel in _sorted(DOWNWARD))
    yield from (f"pattern write lamp/v1/+/%u/{channel}" for channel in _sorted(UPWARD))
    yield from (f"pattern read lamp/v1/+/%u/{channel}" for channel in _sorted(DOWNWARD))


def _rabbitmq(server_name: str) -> Iterable[str]:
    """RabbitMQ writes MQTT topics with dots and expands {username} in topic permissions."""
    up, down = "|".join(_sorted(UPWARD)), "|".join(_sorted(DOWNWARD))
    own, every = r"^lamp\.v1\.\d\d\.{username}\.", r"^lamp\.v1\.\d\d\.[a-z0-9-]+\."
    yield "# for each gateway, after: rabbitmqctl add_user GATEWAY"
    yield "rabbitmqctl set_permissions GATEWAY '^mqtt-subscription-' '^(mqtt-subscription-|amq.topic$)' '^(mqtt-subscription-|amq.topic$)'"  # noqa: E501  # one command
    yield f"rabbitmqctl set_topic_permissions GATEWAY amq.topic '{own}({up})$' '{own}({down})$'"
    yield f"rabbitmqctl set_permissions {server_name} '^mqtt-subscription-' '^(mqtt-subscription-|amq.topic$)' '^(mqtt-subscription-|amq.topic$)'"  # noqa: E501  # one command
    every_up = rf"^lamp\.v1\.(\d\d|\*)\.([a-z0-9-]+|\*)\.({up})$"
    yield (
        f"rabbitmqctl set_topic_permissions {server_name} amq.topic '{every}({down})$' '{every_up}'"
    )
