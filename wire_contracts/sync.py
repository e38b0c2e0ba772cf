"""The sync conversation as one protocol: the server answers it, the tablet's client speaks it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.pulls import PullAnswer

PROTOCOL = 2
"""Version of the sync protocol that this code speaks; a change of it is a line of `SINCE`."""

FIRST_PROTOCOL = 1
"""The oldest that was ever released."""

OLDEST_PROTOCOL = max(FIRST_PROTOCOL, PROTOCOL - 2)
"""What the server still answers: n-1 and n-2 (invariant I15)."""


class Feature(StrEnum):
    """What not every version of the protocol has."""

    BLOBS = "blobs"
    POKE = "poke"
    PERSONAL = "personal"
    LEASE = "lease"
    SEALED = "sealed"
    SEEN = "seen"


SINCE: Mapping[Feature, int] = {
    Feature.BLOBS: 2,
    Feature.POKE: 2,
    Feature.PERSONAL: 2,
    Feature.LEASE: 2,
    Feature.SEALED: 2,
    Feature.SEEN: 2,
}
"""The version that brought each; an older peer is never told of it and never asked for it."""

PULL_PATH = "/sync/v1/pull"
PUSH_PATH = "/sync/v1/push"

PROTOCOL_HEADER = "Lamp-Sync-Protocol"
"""Present in every answer of the server: what lacks it is a captive portal (trap T24)."""

CONTENT_TYPE = "application/json"


def agreed_protocol(peer: int) -> int:
    """Return the version in which both sides talk: the lower of the peer's and ours."""
    return min(PROTOCOL, max(peer, 0))


def has_feature(protocol: int, feature: Feature) -> bool:
    """Return whether a conversation in this version may carry the feature."""
    return protocol >= SINCE[feature]


class SyncApi(Protocol):
    """What a tablet asks of the server; implemented by the server and by the HTTP client."""

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        """Return the changes after `token` (None: from nothing), at most about `limit` rows."""
        ...

    def push(self, push: WrittenPush) -> PushAnswer:
        """Return one permanent outcome per operation."""
        ...
