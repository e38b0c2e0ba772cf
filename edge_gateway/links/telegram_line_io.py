"""One request at a time on a line of telegrams, and the doubt that a fault leaves behind.

After silence or garbage the line is listened to until it is quiet before anything is sent again.
Never raises for the line.
"""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.held_line_io import HeldLine, LinePlan
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.ports_io import BytePort
from wire_contracts.quality import BAD_CRC, BAD_MISMATCH, BAD_TIMEOUT

AnswerT = TypeVar("AnswerT")

QUIET_BITS = 33
"""Bit times of silence that end a frame: three characters; EN 13757-2:2018 section 5.5.3."""

LEAST_QUIET_S = 0.02
"""Adapters on USB hand on what they hear every 16 ms."""

TCP_QUIET_S = 0.05
"""Two frames that follow each other on the bus may come this far apart through a converter, which
sends the second packet when the first is confirmed: after up to 40 ms. Judgement."""

LONGEST_TAIL_S = 1.0
"""A line that is not quiet behind an answer for so long is not listened to any more. Judgement."""


def least_quiet_s(*, is_serial: bool) -> float:
    """Return the least silence behind an answer, wall seconds, that shows it was the only one.

    Args:
        is_serial: Whether the port is ours, and no converter is in between.
    """
    return LEAST_QUIET_S if is_serial else TCP_QUIET_S


class TelegramLine:
    """One line; one request at a time, by one thread.

    Attributes:
        counts: What the line has done.
    """

    def __init__(
        self, open_port: Callable[[], BytePort], *, timeouts_before_reopen: int | None
    ) -> None:
        """Remember how to open the line; nothing is opened before the first request.

        Args:
            open_port: Opens the line or raises OSError.
            timeouts_before_reopen: Time-outs in a row after which the line is opened afresh; None:
                never.
        """
        self.counts = LinkCounts()
        self._line = HeldLine(LinePlan(place="the line", opener=open_port), self.counts)
        self._is_doubtful = False
        self._timeouts_in_row = 0
        self._timeouts_before_reopen = timeouts_before_reopen

    def is_open(self) -> bool:
        """Return whether the line is open now; attempts that fail are paced."""
        return self._opened() is not None

    def close(self) -> None:
        """Close the line; the next request opens it again."""
        self._line.close()

    def drop(self, reason: str) -> None:
        """Close the line because it is lost or doubted; the next request opens it again."""
        self._line.drop(reason)

    def ask(self, exchange: Callable[[BytePort], AnswerT | Fault]) -> AnswerT | Fault:
        """Return what an exchange brought, or why the line cannot carry it."""
        port = self._opened()
        if port is None:
            detail = f"the line cannot be opened: {self.counts.down_reason}"
            return Fault(kind=FaultKind.LINK_DOWN, quality=BAD_TIMEOUT, detail=detail)
        self.counts.requests += 1
        started_s = time.monotonic()
        try:
            return exchange(port)
        except OSError as error:
            self.counts.timeouts += 1
            self._line.drop(str(error))
            return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=f"line lost: {error}")
        finally:
            self.counts.busy_s += time.monotonic() - started_s

    def _opened(self) -> BytePort | None:
        """Return the port; on one that was just opened anything may still be on its way."""
        opens = self.counts.opens
        port = self._line.port()
        if self.counts.opens != opens:
            self._timeouts_in_row = 0
            self._is_doubtful = True
        return port

    def late_bytes(self, port: BytePort, quiet_s: float, longest_s: float) -> Iterator[bytes]:
        """Yield what earlier requests left until the line is quiet; it is not to be used.

        Args:
            port: The open port.
            quiet_s: Wall seconds of silence after which a line in doubt is believed to be quiet.
            longest_s: Wall seconds after which it is asked all the same.
        """
        until_s = time.monotonic() + longest_s
        wait_s = quiet_s if self._is_doubtful else 0.0
        while (late := port.read(wait_s)) and time.monotonic() < until_s:
            self.counts.bytes_in += len(late)
            yield late

    def tail(self, port: BytePort, quiet_s: float) -> bytes:
        """Return what follows a whole answer until the line is quiet: a second meter's, perhaps.

        A far end that hangs up has said all it had to say.
        """
        received = b""
        until_s = time.monotonic() + LONGEST_TAIL_S
        try:
            while (piece := port.read(quiet_s)) and time.monotonic() < until_s:
                received += piece
        except OSError as error:
            self._line.drop(str(error))
        return received

    def answered(self) -> None:
        """Believe the line: the answer came, whole and alone."""
        self._timeouts_in_row = 0
        self._is_doubtful = False

    def silent(self, text: str, *, is_expected: bool = False) -> Fault:
        """Return the fault of an answer that did not come.

        Args:
            text: What was heard instead, for people.
            is_expected: Whether silence says nothing about the line.
        """
        self._is_doubtful = True
        self.counts.timeouts += 1
        self._timeouts_in_row += not is_expected
        if self._timeouts_in_row == self._timeouts_before_reopen:
            self._line.drop(text)
        return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=text)

    def mistaken(self, text: str, *, is_checksum: bool) -> Fault:
        """Return the fault of bytes that are no answer; they prove that somebody is there."""
        self._is_doubtful = True
        self._timeouts_in_row = 0
        if is_checksum:
            self.counts.crc_errors += 1
        else:
            self.counts.mismatches += 1
        quality = BAD_CRC if is_checksum else BAD_MISMATCH
        return Fault(kind=FaultKind.MISMATCH, quality=quality, detail=text)
