"""Holds one line open: opens it, paces the attempts, remembers why it is down."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_gateway.links.driver import Notice
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.ports_io import BytePort

FIRST_RECONNECT_S = 0.5
LAST_RECONNECT_S = 30.0
"""Wall seconds between attempts to open a line that refuses, doubling."""

_CLOSED_WITHIN_S = 0.02
"""How long a new connection is watched after one that was closed before it said anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePlan:
    """How a line is opened.

    Attributes:
        place: What people call it.
        opener: Opens it; OSError says why not.
        close: Ends what the opener keeps running, if anything.
        after_connect_s: Wall seconds of silence after it was opened.
        is_paced: Whether attempts to open it are spread; a listening port only looks.
        doubt: Takes note that the meters at the far end are not those of the settings.
        take_notices: Returns, once, what people should be told of who dials in.
    """

    place: str
    opener: Callable[[], BytePort]
    close: Callable[[], None] = lambda: None
    after_connect_s: float = 0.0
    is_paced: bool = True
    doubt: Callable[[], None] = lambda: None
    take_notices: Callable[[], Sequence[Notice]] = tuple


class HeldLine:
    """One line, opened when it is needed."""

    def __init__(self, plan: LinePlan, counts: LinkCounts) -> None:
        """Take the plan; nothing is opened yet."""
        self.counts = counts
        self.place = plan.place
        self._plan = plan
        self._port: BytePort | None = None
        self._next_open_s = 0.0
        self._pause_s = FIRST_RECONNECT_S
        self._heard_at_open = 0
        self._is_suspicious = False

    def port(self) -> BytePort | None:
        """Return the open port, opened now if need be and if it is time; None: it is down."""
        if self._port is None and time.monotonic() >= self._next_open_s:
            self._open()
        return self._port

    @property
    def down_reason(self) -> str:
        """Return why the line is not open."""
        return f"{self.place}: {self.counts.down_reason}"

    def drop(self, reason: str) -> None:
        """Close the port, because it is doubted or lost; the next call of `port` opens it."""
        if self._port is None:
            return
        self._is_suspicious = self.counts.bytes_in == self._heard_at_open
        self.counts.reopens += 1
        self._shut(reason)

    def lose(self, error: OSError) -> None:
        """Close the port, because the far end is gone."""
        self.counts.losses += 1
        self.drop(str(error))

    def doubt_far_end(self) -> None:
        """Say that the meters at the far end are not those of the settings: is another waiting?"""
        self._plan.doubt()

    def take_notices(self) -> Sequence[Notice]:
        """Return, once, what people should be told of who dials in."""
        return self._plan.take_notices()

    def close(self) -> None:
        """Close the line and what stands behind it; it may be opened again."""
        self._shut("closed")
        self._plan.close()

    def _shut(self, reason: str) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None
        self.counts.is_open = False
        self.counts.down_reason = reason

    def _open(self) -> None:
        try:
            port = self._plan.opener()
        except OSError as error:
            self._put_off(str(error.strerror or error))
            return
        try:
            self._settle(port)
        except OSError:
            port.close()
            self._put_off("closed right after it was opened; its limit of connections is reached")
            return
        self._pause_s = FIRST_RECONNECT_S
        self._port = port
        self._heard_at_open = self.counts.bytes_in
        self.counts.opens += 1
        self.counts.is_open = True
        self.counts.down_reason = ""

    def _settle(self, port: BytePort) -> None:
        """Leave a new line alone as long as it asks; raise OSError when it closes meanwhile."""
        watch_s = _CLOSED_WITHIN_S if self._is_suspicious and self._plan.is_paced else 0.0
        until_s = time.monotonic() + max(self._plan.after_connect_s, watch_s)
        while (left_s := until_s - time.monotonic()) > 0:
            self.counts.bytes_in += len(port.read(left_s))

    def _put_off(self, reason: str) -> None:
        self.counts.losses += 1
        self.counts.is_open = False
        self.counts.down_reason = reason
        if self._plan.is_paced:
            self._next_open_s = time.monotonic() + self._pause_s
            self._pause_s = min(LAST_RECONNECT_S, self._pause_s * 2)
