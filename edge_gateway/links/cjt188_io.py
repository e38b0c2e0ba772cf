"""One strict CJ/T 188 exchange at a time on one line: wake up, ask, wait, and doubt.

Every request carries the next serial number, and only the answer with that number counts, so a
late answer is never taken for that of a later request. After silence or garbage the line is
listened to until it is quiet before anything is sent again. The meter's own echo of a two-wire
adapter and noise around a frame cost nothing.
"""

import time
from collections.abc import Callable

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.held_line_io import HeldLine, LinePlan
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.link_url import Cjt188Url, SerialLine
from edge_gateway.links.ports_io import BytePort, open_port
from meter_telegrams.cjt188.exchange import (
    SERIAL_COUNT,
    Cjt188Answer,
    Cjt188Request,
    Fit,
    explain,
    find_answer,
)
from meter_telegrams.cjt188.frames import frames_in
from meter_telegrams.errors import TelegramError
from wire_contracts.quality import BAD_CRC, BAD_MISMATCH, BAD_TIMEOUT, bad_exception

CHAR_S = 11 / 2400
"""Seconds of one character on the meters' side: 2400 baud, 8E1; CJ/T 188-2018 section 5."""

QUIET_CHARS = 20
"""Characters of silence after which nobody is sending any more. Judgement: meters send a frame in
one go; converters and radio modems cut it into pieces a few characters apart."""

LONGEST_ANSWER = 100
"""Characters of the longest answer waited for; heat meters send 59, FE bytes come before."""

TIMEOUTS_BEFORE_REOPEN = 3
"""Time-outs in a row after which the connection itself is doubted; gateway notes 5."""


class Cjt188Link:
    """One line to one or more meters; one request at a time, by one thread."""

    def __init__(
        self, open_port: Callable[[], BytePort], timeout_s: float, *, char_s: float = CHAR_S
    ) -> None:
        """Remember how to open the line; nothing is opened before the first request.

        Args:
            open_port: Opens the line or raises OSError.
            timeout_s: Wall seconds until an answer begins.
            char_s: Seconds of one character on the meters' side.
        """
        self.counts = LinkCounts()
        self._line = HeldLine(LinePlan(place="the line", opener=open_port), self.counts)
        self._timeout_s = timeout_s
        self._char_s = char_s
        self._serial = 0
        self._is_doubtful = False
        self._timeouts_in_row = 0

    def open(self) -> bool:
        """Return whether the line is open now; attempts that fail are paced."""
        return self._opened() is not None

    def close(self) -> None:
        """Close the line; the next request opens it again."""
        self._line.close()

    def transact(self, make: Callable[[int], Cjt188Request]) -> Cjt188Answer | Fault:
        """Return the answer to one request, or why there is none. Never raises for the line.

        Args:
            make: Makes the request of a serial number.
        """
        port = self._opened()
        if port is None:
            detail = f"the line cannot be opened: {self.counts.down_reason}"
            return Fault(kind=FaultKind.LINK_DOWN, quality=BAD_TIMEOUT, detail=detail)
        self._serial = (self._serial + 1) % SERIAL_COUNT
        request = make(self._serial)
        self.counts.requests += 1
        started_s = time.monotonic()
        try:
            return self._judged(request, self._exchange(port, request))
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

    def _exchange(self, port: BytePort, request: Cjt188Request) -> bytes:
        """Return what came after the request, up to its answer or the time-out."""
        self._listen_until_quiet(port)
        telegram = request.telegram()
        port.write(telegram)
        self.counts.bytes_out += len(telegram)
        asked_s = time.monotonic() + len(telegram) * self._char_s
        until_s = asked_s + self._timeout_s + LONGEST_ANSWER * self._char_s
        received = b""
        while (left_s := until_s - time.monotonic()) > 0:
            received += port.read(left_s)
            if _is_settled(received, request):
                taken_s = max(0.0, time.monotonic() - asked_s)
                self.counts.turnarounds = self.counts.turnarounds.added(taken_s)
                break
        self.counts.bytes_in += len(received)
        return received

    def _listen_until_quiet(self, port: BytePort) -> None:
        """Throw away what earlier requests left, at most for one time-out and one answer."""
        quiet_s = QUIET_CHARS * self._char_s if self._is_doubtful else 0.0
        until_s = time.monotonic() + self._timeout_s + LONGEST_ANSWER * self._char_s
        while (late := port.read(quiet_s)) and time.monotonic() < until_s:
            self.counts.bytes_in += len(late)
            self.counts.late_answers += any(frames_in(late))

    def _judged(self, request: Cjt188Request, received: bytes) -> Cjt188Answer | Fault:
        try:
            answer = find_answer(received, request)
        except TelegramError as error:
            return self._mistaken(Fit.OTHER, str(error))
        if answer is None:
            complaint = explain(received, request)
            if complaint.fit is Fit.NOTHING:
                return self._silent(complaint.text)
            return self._mistaken(complaint.fit, complaint.text)
        self._timeouts_in_row = 0
        self._is_doubtful = False
        return self._refused(request, answer) if answer.is_refusal else answer

    def _silent(self, text: str) -> Fault:
        self._is_doubtful = True
        self.counts.timeouts += 1
        self._timeouts_in_row += 1
        if self._timeouts_in_row >= TIMEOUTS_BEFORE_REOPEN:
            self._line.drop(text)
        return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=text)

    def _mistaken(self, fit: Fit, text: str) -> Fault:
        self._is_doubtful = True
        if fit is Fit.CHECKSUM:
            self.counts.crc_errors += 1
        else:
            self.counts.mismatches += 1
        quality = BAD_CRC if fit is Fit.CHECKSUM else BAD_MISMATCH
        return Fault(kind=FaultKind.MISMATCH, quality=quality, detail=text)

    def _refused(self, request: Cjt188Request, answer: Cjt188Answer) -> Fault:
        """Return a refusal as exception 193 (C1H) or 195 (C3H): the control code of the answer."""
        code = answer.frame.control
        self.counts.add_exception(code)
        status = answer.payload.hex().upper() or "none"
        return Fault(
            kind=FaultKind.EXCEPTION,
            quality=bad_exception(code),
            exception=code,
            detail=f"refused {request.identifier.hex().upper()} with {code:02X}, status {status}",
        )


def open_cjt188(url: Cjt188Url, timeout_s: float) -> Cjt188Link:
    """Return the link of a URL; nothing is opened before the first request."""
    line = url.line
    char_s = line.char_s if isinstance(line, SerialLine) else CHAR_S
    return Cjt188Link(lambda: open_port(line, timeout_s=timeout_s), timeout_s, char_s=char_s)


def _is_settled(received: bytes, request: Cjt188Request) -> bool:
    """Return whether waiting on can change nothing: an answer is there, or two that differ."""
    try:
        return find_answer(received, request) is not None
    except TelegramError:
        return True
