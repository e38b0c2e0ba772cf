"""What the links and the uplink have done since the gateway started, for health messages."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFigures:
    """What one link has done since the gateway started; `suspects` are silent meters' serials."""

    name: str
    is_open: bool
    requests: int
    timeouts: int
    exceptions: int
    mismatches: int
    reopens: int
    frames: int
    skipped: int
    suspects: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkFigures:
    """What the uplink has done since the gateway started."""

    is_connected: bool
    published: int
    republished: int
    acknowledged: int
    refused: int
