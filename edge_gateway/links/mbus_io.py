"""One strict M-Bus exchange at a time on one line: ask, wait as the standard says, and doubt.

Bytes that came late, an answer with anything around it, and colliding answers are thrown away;
before the next request the line is listened to until it is quiet. Never raises for the line.
"""

import time
from collections.abc import Callable

from edge_gateway.links.answers import Fault
from edge_gateway.links.link_url import MbusUrl, SerialLine
from edge_gateway.links.mbus_answers import (
    Complaint,
    Flaw,
    Heard,
    Question,
    bytes_missing,
    judge,
)
from edge_gateway.links.ports_io import BytePort, open_port
from edge_gateway.links.telegram_line_io import QUIET_BITS, TelegramLine, least_quiet_s
from meter_telegrams.mbus.frames import LONGEST_FRAME

STANDARD_BAUD = 2400
"""Speed on the meters' side where the line does not say: behind a TCP level converter."""

CHAR_BITS = 11
"""Bits of a character: start, eight, even parity, stop; EN 13757-2:2018 section 5.4."""

LATEST_START_BITS = 330
LATEST_START_S = 0.05
"""A meter begins to answer 11 to 330 bit times + 50 ms after the request; EN 13757-2:2018 5.5."""

LONGEST_GAP_S = 0.25
"""Wall seconds between two pieces of one answer. Judgement: level converters behind TCP and radio
modems cut frames into pieces; on a wire there are no gaps at all."""

DRAIN_CHARS = 20
"""Characters of silence after which a doubted line is believed to be quiet. Judgement."""

TIMEOUTS_BEFORE_REOPEN = 10
"""Time-outs in a row after which a TCP connection itself is doubted. Judgement: more than the dead
meters of one line that are probed one after the other. A serial port is never closed for silence:
its lines feed small level converters, and with them the bus."""


class MbusLink:
    """One line to meters behind a level converter; one request at a time, by one thread.

    Attributes:
        counts: What the line has done.
        standard_s: Wall seconds within which a meter begins to answer by the standard.
        timeout_s: Wall seconds that are waited for the beginning of an answer.
        has_selection: Whether a meter may be selected by its secondary address.
        is_scanned: Whether silence is what most addresses are expected to answer.
    """

    def __init__(
        self,
        open_port: Callable[[], BytePort],
        timeout_s: float,
        *,
        bit_s: float = 1 / STANDARD_BAUD,
        quiet_s: float = 0.0,
        timeouts_before_reopen: int | None = TIMEOUTS_BEFORE_REOPEN,
    ) -> None:
        """Remember how to open the line; nothing is opened before the first request.

        Args:
            open_port: Opens the line or raises OSError.
            timeout_s: Wall seconds until an answer begins; the standard's time is the least.
            bit_s: Seconds of one bit on the meters' side.
            quiet_s: Least seconds of silence behind an answer; three characters, if that is more.
            timeouts_before_reopen: Time-outs in a row after which the line is opened afresh; None:
                never.
        """
        self._line = TelegramLine(open_port, timeouts_before_reopen=timeouts_before_reopen)
        self.counts = self._line.counts
        self._quiet_s = max(quiet_s, QUIET_BITS * bit_s)
        self._char_s = CHAR_BITS * bit_s
        self.standard_s = LATEST_START_BITS * bit_s + LATEST_START_S
        self.timeout_s = max(timeout_s, self.standard_s)
        self.has_selection = True
        self.is_scanned = False

    def open(self) -> bool:
        """Return whether the line is open now; attempts that fail are paced."""
        return self._line.is_open()

    def close(self) -> None:
        """Close the line; the next request opens it again."""
        self._line.close()

    def transact(self, question: Question, *, timeout_s: float | None = None) -> Heard | Fault:
        """Return the answer to one request, or why there is none.

        Args:
            question: The request.
            timeout_s: Wall seconds until an answer begins, where the line's own do not fit.
        """
        wait_s = self.timeout_s if timeout_s is None else timeout_s
        is_probe = timeout_s is not None or self.is_scanned

        def exchange(port: BytePort) -> Heard | Fault:
            received = self._exchange(port, question, wait_s)
            return self._judged(judge(received, question), is_probe=is_probe)

        return self._line.ask(exchange)

    def _exchange(self, port: BytePort, question: Question, wait_s: float) -> bytes:
        """Return what came after the request, up to the end of its answer or the time-out."""
        self._listen_until_quiet(port)
        port.write(question.telegram)
        self.counts.bytes_out += len(question.telegram)
        asked_s = time.monotonic() + len(question.telegram) * self._char_s
        until_s = asked_s + wait_s
        received = b""
        while (left_s := until_s - time.monotonic()) > 0:
            piece = port.read(left_s)
            received += piece
            missing = bytes_missing(received, question)
            if missing is not None and missing <= 0:
                taken_s = max(0.0, time.monotonic() - asked_s - len(received) * self._char_s)
                self.counts.turnarounds = self.counts.turnarounds.added(taken_s)
                received += self._line.tail(port, self._quiet_s)
                break
            if piece and not question.telegram.startswith(received):
                coming = LONGEST_FRAME if missing is None else missing
                until_s = time.monotonic() + min(coming * self._char_s, wait_s) + LONGEST_GAP_S
        self.counts.bytes_in += len(received)
        return received

    def _listen_until_quiet(self, port: BytePort) -> None:
        """Throw away what earlier requests left, at most for one time-out and one answer."""
        longest_s = self.timeout_s + LONGEST_FRAME * self._char_s
        for _ in self._line.late_bytes(port, DRAIN_CHARS * self._char_s, longest_s):
            self.counts.late_answers += 1

    def _judged(self, outcome: Heard | Complaint, *, is_probe: bool) -> Heard | Fault:
        if isinstance(outcome, Heard):
            self._line.answered()
            return outcome
        if outcome.flaw is Flaw.SILENCE:
            return self._line.silent(outcome.text, is_expected=is_probe)
        return self._line.mistaken(outcome.text, is_checksum=outcome.flaw is Flaw.CHECKSUM)


def open_mbus(url: MbusUrl, timeout_s: float) -> MbusLink:
    """Return the link of a URL; nothing is opened before the first request."""
    line = url.line
    is_serial = isinstance(line, SerialLine)
    return MbusLink(
        lambda: open_port(line, timeout_s=timeout_s),
        timeout_s,
        bit_s=1 / (line.baud if isinstance(line, SerialLine) else STANDARD_BAUD),
        quiet_s=least_quiet_s(is_serial=is_serial),
        timeouts_before_reopen=None if is_serial else TIMEOUTS_BEFORE_REOPEN,
    )
