"""One exchange at a time on one line: ask when it is silent, and listen until it is decided.

Nothing is accepted but a whole frame with a right checksum or transaction, of the unit, function
and length that were asked. Whatever else comes is named; after any doubt the line is left alone
for a time-out, and what comes meanwhile is thrown away.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from edge_gateway.links.answers import Fault, FaultKind, NoAnswer
from edge_gateway.links.held_line_io import HeldLine
from edge_gateway.links.line_rules import MOST_HEARD, Manners, Rules, Timing
from edge_gateway.links.mbap_frames import HEADER_BYTES
from edge_gateway.links.modbus_answers import AnswerJudge, Listening, torn
from edge_gateway.links.modbus_frames import Expected, Frame, Shape
from edge_gateway.links.owed_answers import OwedAnswers
from edge_gateway.links.ports_io import BytePort
from edge_gateway.links.quiet_line_io import QuietLine
from edge_gateway.links.signed_answers import has_sign
from edge_gateway.links.torn_frames import Behind, has_beginning
from wire_contracts.quality import BAD_CRC, BAD_TIMEOUT

TIMEOUTS_BEFORE_REOPEN = 3
"""Time-outs in a row after which a connection itself is doubted; gateway notes 5."""

SETTLE_SHARE = 0.25
LONGEST_SETTLE_S = 0.05
"""How long a damaged answer is listened after for a right one behind it, and one that may be torn
for the end of what it was completed with. Judgement."""

OPEN_S = 0.25
"""How long an answer is listened after whose last bytes may be the beginning of a DTU's own words:
radio modems cut what they send into pieces. Judgement."""


class Exchange:
    """Sends one request and returns the raw frame of its answer; used by one thread."""

    def __init__(self, line: HeldLine, rules: Rules, timing: Timing, manners: Manners) -> None:
        """Take the parts; nothing is opened or sent."""
        self.owed = OwedAnswers()
        self.counts = line.counts
        self.kind = rules.kind
        self.meanwhile: Callable[[], None] | None = None
        self._line = line
        self._rules = rules
        self._timing = timing
        self._manners = manners
        self._is_numbered = rules.is_numbered
        self._shape: Shape | None = None
        self._wait_s = timing.timeout_s
        self._now: Listening | None = None
        self._timeouts_in_row = 0
        self._quiet = QuietLine(line, rules, timing, manners, self.owed)
        self._judge = AnswerJudge(rules, manners, self.owed, line.counts)

    def expect(self, shape: Shape, deadline_s: float | None) -> None:
        """Say what the next request's answer must be, and how long it may take."""
        self._shape = shape
        self._now = None
        wire_s = shape.length * self._timing.char_s
        self._wait_s = self._timing.timeout_s + wire_s if deadline_s is None else deadline_s

    @property
    def heard_instead(self) -> bytes:
        """Return unit, function and data of a whole frame that came in place of the answer."""
        return b"" if self._now is None else self._now.instead

    def is_ambiguous(self, shape: Shape) -> bool:
        """Return whether an answer of this shape could be that of an earlier request."""
        if self._is_numbered:
            return False
        return self.owed.owes(shape, now_s=time.monotonic())

    def catch_up(self) -> None:
        """Wait until the line is silent, and take what comes: late answers settle their debts."""
        try:
            self._quiet.port()
        except OSError as error:
            self._line.lose(error)
        except NoAnswer:
            return

    def weigh_rest(self) -> None:
        """Judge what came behind the last answer at once, and not before the next request."""
        if self._quiet.rest:
            self.catch_up()

    def send(self, request: bytes) -> None:
        """Send a request when the line is silent.

        Raises:
            NoAnswer: The line is down, or somebody will not stop talking.
        """
        assert self._shape is not None  # noqa: S101  # expect comes first, by contract
        number = int.from_bytes(request[:2], "big") if self._is_numbered else 0
        expected = Expected(shape=self._shape, request=request, transaction=number)
        if self.owed.copied_s:
            self._quiet.await_copies(self.owed.awaited_s(self._shape.unit))
        try:
            self._send_on(self._quiet.port(), expected)
        except OSError as error:
            self._line.lose(error)
            port = self._line.port()
            if port is None:
                self._quiet.refuse_down()
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
            self._quiet.refuse_down()
        try:
            return self._heard_at_once(port, now) or self._listen(port, now)
        except NoAnswer as silence:
            self._count_fault(now, silence.fault)
            raise
        except OSError as error:
            self._line.lose(error)
            self._quiet.rest = b""
            fault = self._lost(now, error)
            self._count_fault(now, fault)
            raise NoAnswer(fault) from error
        finally:
            self.counts.busy_s += time.monotonic() - now.sent_s

    def _lost(self, now: Listening, error: OSError) -> Fault:
        """Return why a line that went away gave no answer: what came before may be no Modbus."""
        if self._is_numbered and self._is_damaged(now):
            fault = self._judge.conclude(now, self._wait_s)
            return replace(fault, detail=f"{fault.detail}, then the line was lost: {error}")
        detail = f"the line was lost: {error}"
        return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=detail)

    def _send_again(self, port: BytePort, expected: Expected) -> None:
        """Use the line that was just opened, in place of the one that was found gone."""
        self._quiet.rest = b""
        try:
            self._send_on(port, expected)
        except OSError as error:
            self._line.lose(error)
            self._quiet.refuse_down()

    def _send_on(self, port: BytePort, expected: Expected) -> None:
        port.write(expected.request)
        sent_s = time.monotonic() + len(expected.request) * self._timing.char_s
        self._quiet.last_byte_s = sent_s
        if expected.transaction:
            self.owed.numbers.append(expected.transaction)
        self._now = Listening(expected, sent_s + self._wait_s, sent_s)
        self.counts.requests += 1
        self.counts.bytes_out += len(expected.request)

    def _heard_at_once(self, port: BytePort, now: Listening) -> Frame | None:
        """Return a numbered answer that comes whole and alone, as most do; keep what else comes."""
        if not self._is_numbered:
            return None
        heard = port.read(now.deadline_s - time.monotonic())
        now.last_s = time.monotonic()
        self._quiet.hear(heard, now.last_s)
        shape, payload = now.expected.shape, heard[HEADER_BYTES:]
        head = now.expected.request[:4] + shape.length.to_bytes(2, "big")
        is_whole = heard.startswith(head) and shape.fits(payload)
        if not is_whole or now.expected.is_echo(heard) or self._may_hold_more(heard):
            now.heard = heard[-MOST_HEARD:]
            return None
        frame = Frame(payload=payload, raw=heard, end=len(heard))
        self._accept(now, frame)
        return frame

    def _may_hold_more(self, heard: bytes) -> bool:
        """Return whether something else may stand in an answer: another frame, a DTU's words."""
        signs = self._manners.signs
        return has_beginning(heard) or (signs is not None and has_sign(heard, signs.known))

    def _hear_behind(self, port: BytePort, now: Listening, frame: Frame) -> None:
        """Listen until it is told whether an answer is whole; nearly always it is at once.

        Raises:
            NoAnswer: Another frame completed it.
        """
        is_final = False
        until_s = time.monotonic() + self._settle_s()
        while (seen := self._judge.what_is_behind(now, frame, is_final=is_final)) is Behind.OPEN:
            heard = self._last_words(port, until_s - time.monotonic())
            is_final = not heard
            self._quiet.hear(heard, time.monotonic())
            now.heard = (now.heard + heard)[-MOST_HEARD:]
        if seen is Behind.TORN:
            raise torn(now, frame)

    def _last_words(self, port: BytePort, left_s: float) -> bytes:
        """Return what comes behind an answer; a far end that hangs up has said all it had to."""
        try:
            return port.read(left_s) if left_s > 0 else b""
        except OSError as error:
            self._line.lose(error)
            return b""

    def _listen(self, port: BytePort, now: Listening) -> Frame:
        is_final = False
        while True:
            while (frame := self._judge.next_frame(now, is_final=is_final)) is not None:
                if self._judge.is_answer(now, frame):
                    self._hear_behind(port, now, frame)
                    self._accept(now, frame)
                    return frame
            if is_final:
                raise NoAnswer(self._judge.conclude(now, self._wait_s))
            left_s = self._limit_s(now) - time.monotonic()
            heard = port.read(left_s) if left_s > 0 else b""
            is_final = not heard and self._limit_s(now) <= time.monotonic()
            now.last_s = time.monotonic()
            self._quiet.hear(heard, now.last_s)
            now.heard = (now.heard + heard)[-MOST_HEARD:]

    def _limit_s(self, now: Listening) -> float:
        """Return until when to listen: less than the deadline once the answer came damaged."""
        if now.is_open:
            return min(now.deadline_s, self._quiet.last_byte_s + OPEN_S)
        if self._manners.signs is not None or not self._is_damaged(now):
            return now.deadline_s
        settle_s = max(self._settle_s(), self._timing.silence_s)
        return min(now.deadline_s, self._quiet.last_byte_s + settle_s)

    def _settle_s(self) -> float:
        return min(LONGEST_SETTLE_S, self._timing.timeout_s * SETTLE_SHARE)

    def _is_damaged(self, now: Listening) -> bool:
        return bool(now.heard) and self._rules.is_damaged(now.heard, now.expected)

    def _accept(self, now: Listening, frame: Frame) -> None:
        self._quiet.rest = now.heard
        self._timeouts_in_row = 0
        self.owed.settle(now.expected.shape)
        if not self._is_numbered:
            self.owed.say(frame.payload, now.last_s)
        spent_s = time.monotonic() - now.sent_s - len(frame.raw) * self._timing.char_s
        self.counts.last_turnaround_s = max(0.0, spent_s)
        self.counts.turnarounds.add(spent_s)

    def _count_fault(self, now: Listening, fault: Fault) -> None:
        """Count a fault; the line is left alone for a while, or opened afresh."""
        self._doubt(now)
        if fault.kind is FaultKind.EXCEPTION:
            return
        if fault.kind is FaultKind.TIMEOUT:
            self.counts.timeouts += 1
            self._timeouts_in_row += 1
        elif fault.quality == BAD_CRC:
            self.counts.crc_errors += 1
        else:
            self.counts.mismatches += 1
        is_tired = self._timeouts_in_row >= TIMEOUTS_BEFORE_REOPEN
        if (self._is_numbered and fault.kind is FaultKind.MISMATCH) or is_tired:
            self._reopen(fault.detail)

    def _doubt(self, now: Listening) -> None:
        """Be silent for a time-out; what was not answered, not even damaged, is owed."""
        now_s = time.monotonic()
        if self._is_numbered:
            return
        self._quiet.until_s = now_s + self._wait_s
        if self._manners.signs is not None or not self._is_damaged(now):
            longest_s = max(self._wait_s, self._timing.timeout_s)
            self.owed.lose(now.expected.shape, now_s=now_s, timeout_s=longest_s)

    def _reopen(self, reason: str) -> None:
        """Open a connection afresh; one that a DTU opened can only be waited for."""
        self._timeouts_in_row = 0
        self._quiet.rest = b""
        if self._manners.signs is None and not self._timing.char_s:
            self._line.drop(reason)
