"""One strict CJ/T 188 exchange at a time on one line: wake up, ask, wait, and doubt.

Every request carries the next serial number, and only the answer with that number counts, so a
late answer is never taken for that of a later request. After silence or garbage the line is
listened to until it is quiet before anything is sent again. The meter's own echo of a two-wire
adapter and noise around a frame cost nothing.
"""

import time
from collections.abc import Callable

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.link_url import Cjt188Url, SerialLine
from edge_gateway.links.ports_io import BytePort, open_port
from edge_gateway.links.telegram_line_io import TelegramLine, least_quiet_s
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
from wire_contracts.quality import bad_exception

CHAR_S = 11 / 2400
"""Seconds of one character on the meters' side: 2400 baud, 8E1; CJ/T 188-2018 section 5."""

QUIET_CHARS = 20
"""Characters of silence after which nobody is sending any more. Judgement: meters send a frame in
one go; converters and radio modems cut it into pieces a few characters apart."""

QUIET_CHARACTERS = 3
"""Characters of silence behind an answer that show it was the only one, as on M-Bus."""

LONGEST_ANSWER = 100
"""Characters of the longest answer waited for; heat meters send 59, FE bytes come before."""

TIMEOUTS_BEFORE_REOPEN = 3
"""Time-outs in a row after which the connection itself is doubted; gateway notes 5."""


class Cjt188Link:
    """One line to one or more meters; one request at a time, by one thread."""

    def __init__(
        self,
        open_port: Callable[[], BytePort],
        timeout_s: float,
        *,
        char_s: float = CHAR_S,
        quiet_s: float = 0.0,
    ) -> None:
        """Remember how to open the line; nothing is opened before the first request.

        Args:
            open_port: Opens the line or raises OSError.
            timeout_s: Wall seconds until an answer begins.
            char_s: Seconds of one character on the meters' side.
            quiet_s: Least seconds of silence behind an answer; three characters, if that is more.
        """
        self._line = TelegramLine(open_port, timeouts_before_reopen=TIMEOUTS_BEFORE_REOPEN)
        self.counts = self._line.counts
        self._timeout_s = timeout_s
        self._char_s = char_s
        self._quiet_s = max(quiet_s, QUIET_CHARACTERS * char_s)
        self._serial = 0

    def open(self) -> bool:
        """Return whether the line is open now; attempts that fail are paced."""
        return self._line.is_open()

    def close(self) -> None:
        """Close the line; the next request opens it again."""
        self._line.close()

    def transact(self, make: Callable[[int], Cjt188Request]) -> Cjt188Answer | Fault:
        """Return the answer to one request, or why there is none. Never raises for the line.

        Args:
            make: Makes the request of a serial number.
        """

        def exchange(port: BytePort) -> Cjt188Answer | Fault:
            self._serial = (self._serial + 1) % SERIAL_COUNT
            request = make(self._serial)
            return self._judged(request, self._exchange(port, request))

        return self._line.ask(exchange)

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
                received += self._line.tail(port, self._quiet_s)
                break
        self.counts.bytes_in += len(received)
        return received

    def _listen_until_quiet(self, port: BytePort) -> None:
        """Throw away what earlier requests left, at most for one time-out and one answer."""
        longest_s = self._timeout_s + LONGEST_ANSWER * self._char_s
        for late in self._line.late_bytes(port, QUIET_CHARS * self._char_s, longest_s):
            self.counts.late_answers += any(frames_in(late))

    def _judged(self, request: Cjt188Request, received: bytes) -> Cjt188Answer | Fault:
        try:
            answer = find_answer(received, request)
        except TelegramError as error:
            return self._line.mistaken(str(error), is_checksum=False)
        if answer is None:
            complaint = explain(received, request)
            if complaint.fit is Fit.NOTHING:
                return self._line.silent(complaint.text)
            is_checksum = complaint.fit is Fit.CHECKSUM
            return self._line.mistaken(complaint.text, is_checksum=is_checksum)
        self._line.answered()
        return self._refused(request, answer) if answer.is_refusal else answer

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
    is_serial = isinstance(line, SerialLine)
    char_s = line.char_s if isinstance(line, SerialLine) else CHAR_S
    return Cjt188Link(
        lambda: open_port(line, timeout_s=timeout_s),
        timeout_s,
        char_s=char_s,
        quiet_s=least_quiet_s(is_serial=is_serial),
    )


def _is_settled(received: bytes, request: Cjt188Request) -> bool:
    """Return whether waiting on can change nothing: an answer is there, or two that differ."""
    try:
        return find_answer(received, request) is not None
    except TelegramError:
        return True
