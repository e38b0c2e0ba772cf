"""Owns what kind of network carries the tablet's words: originals of photos wait for a free one."""

from enum import StrEnum
from typing import Protocol


class NetworkKind(StrEnum):
    """FREE costs nothing per byte (Wi-Fi, a cable); UNKNOWN is treated like METERED."""

    FREE = "free"
    METERED = "metered"
    UNKNOWN = "unknown"


class Network(Protocol):
    """Tells which network is in use."""

    def kind(self) -> NetworkKind:
        """Return the kind of the network that is in use now."""
        ...


class DesktopNetwork:
    """A desktop machine: its network costs nothing per byte."""

    def kind(self) -> NetworkKind:
        """Return that the network is free."""
        return NetworkKind.FREE
