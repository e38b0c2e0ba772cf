"""The silence before a request: who is waited for, and whose are the bytes that come meanwhile."""

import time
from typing import NoReturn

from edge_gateway.links.answers import Fault, FaultKind, NoAnswer
from edge_gateway.links.held_line_io import HeldLine
from edge_gateway.links.line_rules import MOST_HEARD, Manners, Rules, Timing
from edge_gateway.links.owed_answers import OwedAnswers
from edge_gateway.links.ports_io import BytePort
from wire_contracts.quality import BAD_CRC, BAD_TIMEOUT

LEAST_PATIENCE_S = 0.5
"""How long, at least, silence is waited for. Judgement: far longer than a busy machine stalls."""

GLITCH_BYTES = 3
"""Stray bytes that a driver on a two-wire bus makes when it lets go; more are somebody talking."""


class QuietLine:
    """One line between two requests; used by one thread.

    Attributes:
        until_s: Monotonic second until which nobody may be asked.
        last_byte_s: Monotonic second of the last byte on the line, ours or another's.
        rest: What came behind the last answer.
    """

    def __init__(
        self, line: HeldLine, rules: Rules, timing: Timing, manners: Manners, owed: OwedAnswers
    ) -> None:
        """Take the parts; nothing is opened."""
        self.until_s = 0.0
        self.last_byte_s = 0.0
        self.rest = b""
        self._line = line
        self._counts = line.counts
        self._rules = rules
        self._timing = timing
        self._manners = manners
        self._owed = owed

    def port(self) -> BytePort:
        """Return the port once nobody talks; what is heard meanwhile is no answer to come.

        Raises:
            NoAnswer: The line is down or never silent.
            OSError: It is gone.
        """
        port = self._line.port()
        if port is None:
            self.refuse_down()
        begun_s = time.monotonic()
        if self._is_silent(port, begun_s):
            return port
        patience_s = max(LEAST_PATIENCE_S, 2 * self._timing.timeout_s)
        give_up_s = max(begun_s, self.until_s) + patience_s
        stray, self.rest = self.rest, b""
        while True:
            until_s = max(self.until_s, self.last_byte_s + self._timing.silence_s)
            heard = port.read(until_s - time.monotonic())
            now_s = time.monotonic()
            self.hear(heard, now_s)
            stray = (stray + heard)[-MOST_HEARD:]
            if not heard and now_s >= until_s:
                if not stray:
                    break
                self._weigh_stray(stray, now_s)
                stray = b""
            elif now_s > give_up_s:
                self._refuse_babble()
        self._counts.busy_s += time.monotonic() - begun_s
        return port

    def _is_silent(self, port: BytePort, now_s: float) -> bool:
        """Return whether nobody has to be waited for; what is heard meanwhile is kept."""
        least_s = max(self.until_s, self.last_byte_s + self._timing.silence_s)
        if self.rest or now_s < least_s:
            return False
        self.rest = port.read(0)
        self.hear(self.rest, now_s)
        return not self.rest

    def await_copies(self, late_s: float) -> None:
        """Listen so long after the last byte: what a unit says twice is heard in silence."""
        self.until_s = max(self.until_s, self.last_byte_s + late_s)

    def hear(self, heard: bytes, now_s: float) -> None:
        """Note that bytes came just now."""
        if heard:
            self._counts.bytes_in += len(heard)
            self.last_byte_s = now_s

    def refuse_down(self) -> NoReturn:
        """Say that the line is down.

        Raises:
            NoAnswer: Always.
        """
        detail = self._line.down_reason
        raise NoAnswer(Fault(kind=FaultKind.LINK_DOWN, quality=BAD_TIMEOUT, detail=detail))

    def _refuse_babble(self) -> NoReturn:
        self._counts.crc_errors += 1
        detail = "the line is never silent: noise, another master, or the wrong speed"
        raise NoAnswer(Fault(kind=FaultKind.MISMATCH, quality=BAD_CRC, detail=detail))

    def _weigh_stray(self, stray: bytes, now_s: float) -> None:
        """Judge what came while nothing was outstanding: late, a sign of a DTU, or a stranger."""
        rest, is_strange = self._without_known(stray, now_s)
        if self._rules.is_numbered:
            if rest and self._manners.signs is None:
                message = "a torn frame stood before the request"
                raise OSError(message)
            is_strange = False
        signs = self._manners.signs
        if rest and signs is not None and self._owed.is_clear(now_s):
            signs.learn(rest, is_at_once=not self._rules.is_numbered)
            rest = signs.stripped(rest)
        if is_strange or len(rest) > GLITCH_BYTES:
            self.until_s = now_s + self._timing.timeout_s

    def _without_known(self, stray: bytes, now_s: float) -> tuple[bytes, bool]:
        """Return what no frame explains, and whether there was a frame that nobody owed."""
        is_strange = False
        signs = self._manners.signs
        while (frame := self._rules.find(stray, None, is_final=True)) is not None:
            stray = stray[frame.end :]
            if (
                self._owed.hear(frame.payload, now_s=now_s)
                or frame.transaction in self._owed.numbers
            ):
                self._counts.late_answers += 1
            elif not self._owed.is_copy(frame.payload, now_s):
                self._owed.distrust(frame.payload[0])
                is_strange = True
        return (stray if signs is None else signs.stripped(stray)), is_strange
