"""One exchange at a time on one line: keep silent, ask, listen, and judge what is heard.

Nothing is accepted but a whole frame with a right checksum or transaction, of the unit, function
and length that were asked. Whatever else comes is named; after any doubt the line is left alone
for a time-out, and what comes meanwhile is thrown away.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.dtu_signs import is_text
from edge_gateway.links.held_line_io import HeldLine
from edge_gateway.links.line_rules import Manners, Rules, Timing
from edge_gateway.links.mbap_frames import HEADER_BYTES
from edge_gateway.links.modbus_frames import Expected, Frame, Shape
from edge_gateway.links.owed_answers import OwedAnswers
from edge_gateway.links.ports_io import BytePort
from wire_contracts.quality import (
    BAD_CRC,
    BAD_MISMATCH,
    BAD_TIMEOUT,
    QualityCode,
    bad_exception,
)

TIMEOUTS_BEFORE_REOPEN = 3
"""Time-outs in a row after which a connection itself is doubted; gateway notes 5."""

MOST_HEARD = 2048
"""Bytes kept of one exchange: several times the longest frame; a babbling line fills no memory."""

SETTLE_SHARE = 0.25
LONGEST_SETTLE_S = 0.05
"""How long a damaged answer is listened after for a right one behind it. Judgement."""

LEAST_PATIENCE_S = 0.5
"""How long, at least, silence is waited for. Judgement: far longer than a busy machine stalls."""

GLITCH_BYTES = 3
"""Stray bytes that a driver on a two-wire bus makes when it lets go; more are somebody talking."""

KNOWN_TRANSACTIONS = 64
"""How far back a transaction number is known as ours: far more than are ever late."""


class NoAnswer(Exception):  # noqa: N818  # reads as what the caller gets
    """The exchange gave no answer; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        """Keep the fault."""
        super().__init__(fault.detail)
        self.fault = fault


@dataclass(slots=True)
class _Listening:
    """The running account of one exchange."""

    expected: Expected
    deadline_s: float
    sent_s: float
    heard: bytes = b""
    last_s: float = 0.0
    echoes: int = 0
    foreign: str = ""
    doubtful_exception: int = 0
    others: list[str] = field(default_factory=list)


class Exchange:
    """Sends one request and returns the raw frame of its answer; used by one thread."""

    def __init__(self, line: HeldLine, rules: Rules, timing: Timing, manners: Manners) -> None:
        """Take the parts; nothing is opened or sent."""
        self.owed = OwedAnswers()
        self.counts = line.counts
        self.kind = rules.kind
        self.heard_instead = b""
        self.meanwhile: Callable[[], None] | None = None
        self._line = line
        self._rules = rules
        self._timing = timing
        self._manners = manners
        self._is_numbered = rules.is_numbered
        self._shape: Shape | None = None
        self._wait_s = timing.timeout_s
        self._now: _Listening | None = None
        self._quiet_until_s = 0.0
        self._last_byte_s = 0.0
        self._rest = b""
        self._timeouts_in_row = 0
        self._ours: deque[int] = deque(maxlen=KNOWN_TRANSACTIONS)

    def expect(self, shape: Shape, deadline_s: float | None) -> None:
        """Say what the next request's answer must be, and how long it may take."""
        self._shape = shape
        self.heard_instead = b""
        wire_s = shape.length * self._timing.char_s
        self._wait_s = self._timing.timeout_s + wire_s if deadline_s is None else deadline_s

    def is_ambiguous(self, shape: Shape) -> bool:
        """Return whether an answer of this shape could be that of an earlier request."""
        if self._is_numbered:
            return False
        return self.owed.owes(shape, now_s=time.monotonic())

    def catch_up(self) -> None:
        """Wait until the line is silent, and take what comes: late answers settle their debts."""
        try:
            self._silent_port()
        except OSError as error:
            self._line.drop(str(error))
        except NoAnswer:
            return

    def send(self, request: bytes) -> None:
        """Send a request when the line is silent.

        Raises:
            NoAnswer: The line is down, or somebody will not stop talking.
        """
        assert self._shape is not None  # noqa: S101  # expect comes first, by contract
        number = int.from_bytes(request[:2], "big") if self._is_numbered else 0
        expected = Expected(shape=self._shape, request=request, transaction=number)
        try:
            self._send_on(self._silent_port(), expected)
        except OSError as error:
            self._line.drop(str(error))
            port = self._line.port()
            if port is None:
                self._refuse_down()
            self._send_again(port, expected)

    def ask(self, request: bytes) -> bytes:
        """Send a request and return its answer: unit, function and data, an exception too.

        Raises:
            NoAnswer: There is none that can be trusted.
        """
        self.send(request)
        if self.meanwhile is not None:
            self._spend_the_wait(self.meanwhile)
        return self._answer().payload

    def _spend_the_wait(self, work: Callable[[], None]) -> None:
        """Do what was left to do while the meter prepares its answer; it loses no time by that."""
        self.meanwhile = None
        begun_s = time.monotonic()
        work()
        if self._now is not None:
            self._now.deadline_s += time.monotonic() - begun_s

    def receive(self) -> bytes:
        """Return the answer's frame as it was heard, an exception answer too.

        Raises:
            NoAnswer: There is none that can be trusted.
        """
        return self._answer().raw

    def _answer(self) -> Frame:
        now = self._now
        port = self._line.port()
        if now is None or port is None:
            self._refuse_down()
        try:
            return self._heard_at_once(port, now) or self._listen(port, now)
        except OSError as error:
            self._line.drop(str(error))
            self._rest = b""
            detail = f"the line was lost: {error}"
            raise self._lost(now, FaultKind.TIMEOUT, BAD_TIMEOUT, detail) from error
        finally:
            self.counts.busy_s += time.monotonic() - now.sent_s

    def _refuse_down(self) -> NoReturn:
        detail = self._line.down_reason
        raise NoAnswer(Fault(kind=FaultKind.LINK_DOWN, quality=BAD_TIMEOUT, detail=detail))

    def _send_again(self, port: BytePort, expected: Expected) -> None:
        """Use the line that was just opened, in place of the one that was found gone."""
        self._rest = b""
        try:
            self._send_on(port, expected)
        except OSError as error:
            self._line.drop(str(error))
            self._refuse_down()

    def _send_on(self, port: BytePort, expected: Expected) -> None:
        port.write(expected.request)
        sent_s = time.monotonic() + len(expected.request) * self._timing.char_s
        self._last_byte_s = sent_s
        if expected.transaction:
            self._ours.append(expected.transaction)
        self._now = _Listening(expected, sent_s + self._wait_s, sent_s)
        self.counts.requests += 1
        self.counts.bytes_out += len(expected.request)

    def _silent_port(self) -> BytePort:
        """Return the port once nobody talks; what is heard meanwhile is no answer to come.

        Raises:
            NoAnswer: The line is down or never silent.
            OSError: It is gone.
        """
        port = self._line.port()
        if port is None:
            self._refuse_down()
        begun_s = time.monotonic()
        if self._is_silent(port, begun_s):
            return port
        patience_s = max(LEAST_PATIENCE_S, 2 * self._timing.timeout_s)
        give_up_s = max(begun_s, self._quiet_until_s) + patience_s
        stray, self._rest = self._rest, b""
        while True:
            until_s = max(self._quiet_until_s, self._last_byte_s + self._timing.silence_s)
            heard = port.read(until_s - time.monotonic())
            now_s = time.monotonic()
            self._hear(heard, now_s)
            stray = (stray + heard)[-MOST_HEARD:]
            if not heard and now_s >= until_s:
                if not stray:
                    break
                self._weigh_stray(stray, now_s)
                stray = b""
            elif now_s > give_up_s:
                self._refuse_babble()
        self.counts.busy_s += time.monotonic() - begun_s
        return port

    def _is_silent(self, port: BytePort, now_s: float) -> bool:
        """Return whether nobody has to be waited for; what is heard meanwhile is kept."""
        least_s = max(self._quiet_until_s, self._last_byte_s + self._timing.silence_s)
        if self._rest or now_s < least_s:
            return False
        self._rest = port.read(0)
        self._hear(self._rest, now_s)
        return not self._rest

    def _hear(self, heard: bytes, now_s: float) -> None:
        if heard:
            self.counts.bytes_in += len(heard)
            self._last_byte_s = now_s

    def _refuse_babble(self) -> NoReturn:
        self.counts.crc_errors += 1
        detail = "the line is never silent: noise, another master, or the wrong speed"
        raise NoAnswer(Fault(kind=FaultKind.MISMATCH, quality=BAD_CRC, detail=detail))

    def _weigh_stray(self, stray: bytes, now_s: float) -> None:
        """Judge what came while nothing was outstanding: late, a sign of a DTU, or a stranger."""
        rest, is_strange = self._without_known(stray, now_s)
        if self._is_numbered:
            if rest and self._manners.signs is None:
                message = "a torn frame stood before the request"
                raise OSError(message)
            is_strange = False
        signs = self._manners.signs
        if rest and signs is not None and self.owed.is_clear(now_s):
            signs.learn(rest)
            rest = signs.stripped(rest)
        if is_strange or len(rest) > GLITCH_BYTES:
            self._quiet_until_s = now_s + self._timing.timeout_s

    def _without_known(self, stray: bytes, now_s: float) -> tuple[bytes, bool]:
        """Return what no frame explains, and whether there was a frame that nobody owed."""
        is_strange = False
        signs = self._manners.signs
        while (frame := self._rules.find(stray, None, is_final=True)) is not None:
            stray = stray[frame.end :]
            if self.owed.hear(frame.payload, now_s=now_s) or frame.transaction in self._ours:
                self.counts.late_answers += 1
            else:
                self.owed.distrust(frame.payload[0])
                is_strange = True
        return (stray if signs is None else signs.stripped(stray)), is_strange

    def _heard_at_once(self, port: BytePort, now: _Listening) -> Frame | None:
        """Return a numbered answer that comes whole and alone, as most do; keep what else comes."""
        if not self._is_numbered:
            return None
        heard = port.read(now.deadline_s - time.monotonic())
        now.last_s = time.monotonic()
        self._hear(heard, now.last_s)
        shape, payload = now.expected.shape, heard[HEADER_BYTES:]
        head = now.expected.request[:4] + shape.length.to_bytes(2, "big")
        is_whole = heard.startswith(head) and shape.fits(payload)
        if not is_whole or now.expected.is_echo(heard) or now.expected.is_torn(heard, b""):
            now.heard = heard[-MOST_HEARD:]
            return None
        frame = Frame(payload=payload, raw=heard, end=len(heard))
        self._accept(now, frame)
        return frame

    def _listen(self, port: BytePort, now: _Listening) -> Frame:
        is_final = False
        while True:
            while (frame := self._find(now, is_final=is_final)) is not None:
                if self._is_answer(now, frame):
                    return frame
            if is_final:
                self._conclude(now)
            left_s = self._limit_s(now) - time.monotonic()
            heard = port.read(left_s) if left_s > 0 else b""
            is_final = not heard and self._limit_s(now) <= time.monotonic()
            now.last_s = time.monotonic()
            self._hear(heard, now.last_s)
            now.heard = (now.heard + heard)[-MOST_HEARD:]

    def _find(self, now: _Listening, *, is_final: bool) -> Frame | None:
        """Take the next frame out of what was heard, if need be from between a DTU's own words."""
        frame = self._rules.find(now.heard, now.expected, is_final=is_final)
        if frame is not None:
            now.heard = now.heard[frame.end :]
            return frame
        signs = self._manners.signs
        for heard in () if signs is None else signs.without(now.heard):
            frame = self._rules.find(heard, now.expected, is_final=is_final)
            if frame is not None and now.expected.shape.fits(frame.payload):
                now.heard = heard[frame.end :]
                return frame
        return None

    def _limit_s(self, now: _Listening) -> float:
        """Return until when to listen: less than the deadline once the answer came damaged."""
        if self._manners.signs is not None or not self._is_damaged(now):
            return now.deadline_s
        settle_s = min(LONGEST_SETTLE_S, self._timing.timeout_s * SETTLE_SHARE)
        return min(now.deadline_s, self._last_byte_s + max(settle_s, self._timing.silence_s))

    def _is_damaged(self, now: _Listening) -> bool:
        return bool(now.heard) and self._rules.is_damaged(now.heard, now.expected)

    def _is_answer(self, now: _Listening, frame: Frame) -> bool:
        """Return whether a frame is the answer; False: go on listening.

        Raises:
            NoAnswer: It shows that the answer will not come, or could not be trusted.
        """
        if self._is_numbered:
            return self._is_numbered_answer(now, frame)
        shape, payload = now.expected.shape, frame.payload
        if self._is_echo(now, frame):
            return False
        if shape.fits(payload):
            return self._accept(now, frame)
        if shape.is_refusal(payload):
            return self._is_own_refusal(now, frame)
        if self.owed.hear(payload, now_s=time.monotonic()):
            self.counts.late_answers += 1
            return False
        return self._is_stranger(now, payload)

    def _is_echo(self, now: _Listening, frame: Frame) -> bool:
        if frame.raw != now.expected.request:
            return False
        if self._manners.echo and not now.echoes:
            now.echoes += 1
            return True
        if now.echoes or now.expected.is_echoed:
            return False
        detail = "our own request came back; add echo=true to the URL if the adapter repeats"
        raise self._lost(now, FaultKind.MISMATCH, BAD_MISMATCH, detail)

    def _is_own_refusal(self, now: _Listening, frame: Frame) -> bool:
        """Return whether an exception is certainly ours; else the earlier request has had it."""
        if not frame.payload[2]:
            detail = "an exception without a number"
            raise self._lost(now, FaultKind.MISMATCH, BAD_MISMATCH, detail)
        if not self.owed.owes_refusal(now.expected.shape, now_s=time.monotonic()):
            return self._accept(now, frame)
        self.owed.hear(frame.payload, now_s=time.monotonic())
        now.doubtful_exception = frame.payload[2]
        return False

    def _is_numbered_answer(self, now: _Listening, frame: Frame) -> bool:
        shape, payload = now.expected.shape, frame.payload
        if frame.transaction != now.expected.transaction:
            if frame.transaction in self._ours:
                self.counts.late_answers += 1
                return False
            now.foreign = f"an answer to transaction {frame.transaction}, which nobody asked"
            if not frame.transaction:
                raise self._lost(now, FaultKind.MISMATCH, BAD_MISMATCH, now.foreign)
            return False
        if now.expected.is_echo(frame.raw):
            raise self._lost(now, FaultKind.MISMATCH, BAD_MISMATCH, "our own request came back")
        if now.expected.is_torn(frame.raw, now.heard):
            detail = "a cut answer, and another one that began in it"
            raise self._lost(now, FaultKind.MISMATCH, BAD_MISMATCH, detail)
        if shape.fits(payload) or (shape.is_refusal(payload) and payload[2]):
            return self._accept(now, frame)
        self.heard_instead = payload
        raise self._lost(now, FaultKind.MISMATCH, BAD_MISMATCH, _described(payload, shape))

    def _is_stranger(self, now: _Listening, payload: bytes) -> bool:
        """Go on listening after the frame of another unit; give up after a wrong one of this."""
        described = _described(payload, now.expected.shape)
        self.heard_instead = payload
        self.owed.distrust(payload[0])
        if payload[0] == now.expected.shape.unit:
            raise self._lost(now, FaultKind.MISMATCH, BAD_MISMATCH, described)
        now.foreign = described
        return False

    def _accept(self, now: _Listening, frame: Frame) -> bool:
        self._rest = now.heard
        self._timeouts_in_row = 0
        longest_s = max(self._wait_s, self._timing.timeout_s)
        self.owed.settle(now.expected.shape, now_s=time.monotonic(), timeout_s=longest_s)
        spent_s = time.monotonic() - now.sent_s - len(frame.raw) * self._timing.char_s
        self.counts.last_turnaround_s = max(0.0, spent_s)
        self.counts.turnarounds.add(spent_s)
        return True

    def _conclude(self, now: _Listening) -> NoReturn:
        """Say what the matter is, when the time is over."""
        if now.doubtful_exception:
            raise self._lost_to_exception(now)
        if now.foreign:
            raise self._lost(now, FaultKind.MISMATCH, BAD_MISMATCH, now.foreign)
        heard = self._stripped(now.heard)
        if not heard:
            detail = f"no answer within {self._wait_s:.3g} s"
            raise self._lost(now, FaultKind.TIMEOUT, BAD_TIMEOUT, detail)
        left = self._rules.explain(heard, now.expected)
        quality = BAD_CRC if left.is_checksum else BAD_MISMATCH
        raise self._lost(now, FaultKind.MISMATCH, quality, left.text)

    def _stripped(self, heard: bytes) -> bytes:
        """Return what was heard without a DTU's own words; plain text is learnt as such."""
        signs = self._manners.signs
        if signs is None or not heard:
            return heard
        rest = signs.stripped(heard)
        if rest and is_text(rest):
            signs.learn(rest)
            return b""
        return rest

    def _lost_to_exception(self, now: _Listening) -> NoAnswer:
        """Return the exception that was ours or an earlier request's; ours may still come."""
        code = now.doubtful_exception
        self._doubt(now)
        fault = Fault(
            kind=FaultKind.EXCEPTION,
            quality=bad_exception(code),
            exception=code,
            detail=f"exception {code}",
        )
        return NoAnswer(fault)

    def _lost(
        self, now: _Listening, kind: FaultKind, quality: QualityCode, detail: str
    ) -> NoAnswer:
        """Return the fault, counted; the line is left alone for a while."""
        self._doubt(now)
        if kind is FaultKind.TIMEOUT:
            self.counts.timeouts += 1
            self._timeouts_in_row += 1
        elif quality == BAD_CRC:
            self.counts.crc_errors += 1
        else:
            self.counts.mismatches += 1
        is_tired = self._timeouts_in_row >= TIMEOUTS_BEFORE_REOPEN
        if (self._is_numbered and kind is FaultKind.MISMATCH) or is_tired:
            self._reopen(detail)
        return NoAnswer(Fault(kind=kind, quality=quality, detail=detail))

    def _doubt(self, now: _Listening) -> None:
        """Be silent for a time-out; what was not answered, not even damaged, is owed."""
        now_s = time.monotonic()
        if self._is_numbered:
            return
        self._quiet_until_s = now_s + self._wait_s
        if self._manners.signs is not None or not self._is_damaged(now):
            longest_s = max(self._wait_s, self._timing.timeout_s)
            self.owed.lose(now.expected.shape, now_s=now_s, timeout_s=longest_s)

    def _reopen(self, reason: str) -> None:
        """Open a connection afresh; one that a DTU opened can only be waited for."""
        self._timeouts_in_row = 0
        self._rest = b""
        if self._manners.signs is None and not self._timing.char_s:
            self._line.drop(reason)


def _described(payload: bytes, shape: Shape) -> str:
    if payload[0] != shape.unit:
        return f"an answer of unit {payload[0]}, not {shape.unit}"
    if payload[1] & 0x7F != shape.function:
        return f"an answer to function {payload[1] & 0x7F}, not {shape.function}"
    if payload[1] != shape.function:
        return "an exception without a number"
    return f"an answer of {len(payload) - 3} bytes, not {shape.length - 3}"
