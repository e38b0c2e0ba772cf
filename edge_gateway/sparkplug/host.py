"""Whether the primary host is there: what its STATE messages say (Sparkplug 3.0.0, 6.4.25)."""

import json
from dataclasses import dataclass

from edge_gateway.sparkplug.node import NAMESPACE

MAX_STATE_BYTES = 1024
"""A STATE message has two short members; anything longer is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """The last word of the primary host; until it has spoken it is not there."""

    is_online: bool = False
    at_ms: int = 0


def state_topic(host_id: str) -> str:
    """Return where a host says whether it is there."""
    return f"{NAMESPACE}/STATE/{host_id}"


def hear_host(before: HostState, payload: bytes) -> HostState:
    """Return what is known after a STATE message.

    An older message than the last, and one that is no STATE message, change nothing: the will of
    a host's former connection may arrive after its new birth.
    """
    if len(payload) > MAX_STATE_BYTES:
        return before
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return before
    if not isinstance(said, dict):
        return before
    is_online, at_ms = said.get("online"), said.get("timestamp")
    if not isinstance(is_online, bool) or not isinstance(at_ms, int) or isinstance(at_ms, bool):
        return before
    return before if at_ms < before.at_ms else HostState(is_online=is_online, at_ms=at_ms)
