"""Who may say what on the demo's broker: a gateway only its own topics, the server the rest."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path

from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from wire_contracts.errors import ContractError
from wire_contracts.topics import DOWNWARD, UPWARD, Channel, parse_topic, subscription

SERVER_ACCOUNT = "server"
"""The server's account; no gateway can have it because the seed names them gw-NN."""


def may_publish(account: str, topic: str) -> bool:
    """Return whether an account may publish to a topic (RULINGS R11)."""
    try:
        parts = parse_topic(topic)
    except ContractError:
        return False
    if account == SERVER_ACCOUNT:
        return parts.channel in DOWNWARD
    return parts.gateway_id == account and parts.channel in UPWARD


def may_subscribe(account: str, topic_filter: str) -> bool:
    """Return whether an account may subscribe to a filter (RULINGS R11)."""
    if account == SERVER_ACCOUNT:
        return topic_filter in {subscription(channel) for channel in UPWARD}
    try:
        parts = parse_topic(topic_filter)
    except ContractError:
        return False
    return parts.gateway_id == account and parts.channel in DOWNWARD


def may_receive(account: str, topic: str) -> bool:
    """Return whether a message on a topic may be handed to an account."""
    try:
        parts = parse_topic(topic)
    except ContractError:
        return False
    if account == SERVER_ACCOUNT:
        return parts.channel in UPWARD
    return parts.gateway_id == account and parts.channel in {Channel.ACK, Channel.CMD}


def digest(password: str) -> str:
    """Return the SHA-256 of a password of 256 random bits, which needs no slow hash."""
    return hashlib.sha256(password.encode()).hexdigest()


def _read_accounts(account_file: str) -> dict[str, str]:
    accounts: dict[str, str] = json.loads(Path(account_file).read_text(encoding="utf-8"))
    return accounts


class AccountFilePlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Log-in by account name and random password; the file holds only the digests."""

    @dataclass
    class Config:  # pyright: ignore[reportIncompatibleVariableOverride]  # amqtt reads it so
        """Settings of the plugin."""

        account_file: str = ""

    async def authenticate(self, *, session: Session) -> bool:
        """Return whether the session's name and password are in the file."""
        accounts = _read_accounts(self.config.account_file)
        expected = accounts.get(session.username or "")
        given = digest(session.password or "")
        return expected is not None and hmac.compare_digest(expected, given)


class OwnTopicsPlugin(BaseTopicPlugin):  # type: ignore[misc]  # amqtt has no types
    """Refuses every topic that is not the account's own."""

    @dataclass
    class Config:  # pyright: ignore[reportIncompatibleVariableOverride]  # amqtt reads it so
        """The plugin has no settings: the rule is the same on every site."""

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Return whether the session may do this with the topic."""
        account = (session.username if session else None) or ""
        rule = {
            Action.PUBLISH: may_publish,
            Action.SUBSCRIBE: may_subscribe,
            Action.RECEIVE: may_receive,
        }.get(action or Action.PUBLISH, may_publish)
        return rule(account, topic or "")
