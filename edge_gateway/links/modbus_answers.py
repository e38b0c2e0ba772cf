"""Whether a frame is the answer to the one Modbus request outstanding; else why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_gateway.links.answers import Fault, FaultKind, NoAnswer, exception_fault
from edge_gateway.links.dtu_signs import is_text
from edge_gateway.links.line_rules import Manners, Rules
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.modbus_frames import Expected, Frame, Shape
from edge_gateway.links.owed_answers import OwedAnswers
from edge_gateway.links.signed_answers import find_signed, has_sign
from edge_gateway.links.torn_frames import Behind, what_is_behind
from wire_contracts.quality import BAD_CRC, BAD_MISMATCH, BAD_TIMEOUT

_TORN = "a cut answer, and another one that began in it"
_SIGNED = "an answer that may hold words of the DTU's own"


@dataclass(slots=True)
class Listening:
    """The running account of one exchange; times are monotonic seconds.

    Attributes:
        expected: The request, and what its answer must be.
        deadline_s: When the answer must be there.
        sent_s: When the request was over.
        heard: What is not judged yet.
        last_s: When the line was read last.
        is_repeated: The adapter has repeated the request, as its URL says it does.
        foreign: A frame that was not the answer, for people.
        instead: Its unit, function and data.
        before: What came before the frame that is looked at, where frames carry no number.
        is_open: An answer is there, but its last bytes may be the beginning of something else.
        is_certain: What is behind the answer was looked at already.
        doubtful_exception: Code of an exception that may be that of an earlier request.
    """

    expected: Expected
    deadline_s: float
    sent_s: float
    heard: bytes = b""
    last_s: float = 0.0
    is_repeated: bool = False
    foreign: str = ""
    instead: bytes = b""
    before: bytes = b""
    is_open: bool = False
    is_certain: bool = False
    doubtful_exception: int = 0


class AnswerJudge:
    """Holds frames against the request; used by one thread."""

    def __init__(
        self, rules: Rules, manners: Manners, owed: OwedAnswers, counts: LinkCounts
    ) -> None:
        """Take the parts."""
        self._rules = rules
        self._manners = manners
        self._owed = owed
        self._counts = counts
        self._is_numbered = rules.is_numbered

    def next_frame(self, now: Listening, *, is_final: bool) -> Frame | None:
        """Take the next frame out of what was heard, if need be from between a DTU's own words."""
        known = () if self._manners.signs is None else self._manners.signs.known
        if self._is_numbered and has_sign(now.heard, known):
            return self._signed_frame(now, known, is_final=is_final)
        now.is_open = now.is_certain = False
        frame = self._rules.find(now.heard, now.expected, is_final=is_final)
        if frame is not None:
            now.before = now.heard[: frame.end - len(frame.raw)]
            now.heard = now.heard[frame.end :]
            return frame
        now.before = b""
        signs = self._manners.signs
        for heard in () if signs is None else signs.without(now.heard):
            frame = self._rules.find(heard, now.expected, is_final=is_final)
            if frame is not None and now.expected.shape.fits(frame.payload):
                now.heard = heard[frame.end :]
                return frame
        return None

    def _signed_frame(
        self, now: Listening, known: Sequence[bytes], *, is_final: bool
    ) -> Frame | None:
        """Take the answer out of a DTU's own words; else, when the time is over, say why not."""
        signed = find_signed(now.heard, now.expected, known)
        now.is_open = signed.is_open
        if signed.frame is not None and (is_final or not signed.is_open):
            now.heard, now.is_certain = signed.rest, True
            return signed.frame
        if not is_final:
            return None
        if signed.is_doubtful:
            raise _mistaken(_SIGNED)
        now.heard = self._stripped(now.heard)
        frame = self._rules.find(now.heard, None, is_final=True)
        if frame is None:
            return None
        now.heard = now.heard[frame.end :]
        if frame.transaction == now.expected.transaction:
            now.instead = frame.payload
            raise _mistaken(_SIGNED)
        return frame

    def what_is_behind(self, now: Listening, frame: Frame, *, is_final: bool) -> Behind:
        """Return whether a numbered answer is whole; `OPEN`: listen for what comes behind it."""
        if now.is_certain or not self._is_numbered:
            return Behind.CLEAR
        seen = what_is_behind(frame.raw, now.heard, now.expected)
        if not is_final or seen is not Behind.OPEN:
            return seen
        return Behind.TORN if now.heard else Behind.CLEAR

    def is_answer(self, now: Listening, frame: Frame) -> bool:
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
            if now.expected.is_begun(now.before, frame.raw):
                now.instead = payload
                raise _mistaken(_TORN)
            return True
        if shape.is_refusal(payload):
            return self._is_own_refusal(now, frame)
        if self._owed.hear(payload, now_s=now.last_s):
            self._counts.late_answers += 1
            return False
        return self._is_stranger(now, payload)

    def _is_echo(self, now: Listening, frame: Frame) -> bool:
        if frame.raw != now.expected.request:
            return False
        if self._manners.echo and not now.is_repeated:
            now.is_repeated = True
            return True
        if now.is_repeated or now.expected.is_echoed:
            return False
        detail = "our own request came back; add echo=true to the URL if the adapter repeats"
        raise _mistaken(detail)

    def _is_own_refusal(self, now: Listening, frame: Frame) -> bool:
        """Return whether an exception is certainly ours; else the earlier request has had it."""
        if not frame.payload[2]:
            raise _mistaken("an exception without a number")
        if not self._owed.owes_refusal(now.expected.shape, now_s=now.last_s):
            return True
        self._owed.hear(frame.payload, now_s=now.last_s)
        now.doubtful_exception = frame.payload[2]
        return False

    def _is_numbered_answer(self, now: Listening, frame: Frame) -> bool:
        shape, payload = now.expected.shape, frame.payload
        if frame.transaction != now.expected.transaction:
            if frame.transaction in self._owed.numbers:
                self._counts.late_answers += 1
                return False
            now.foreign = f"an answer to transaction {frame.transaction}, which nobody asked"
            if not frame.transaction:
                raise _mistaken(now.foreign)
            return False
        if now.expected.is_echo(frame.raw):
            raise _mistaken("our own request came back")
        if now.expected.is_torn(frame.raw, now.heard):
            now.instead = payload
            raise _mistaken(_TORN)
        if shape.fits(payload) or (shape.is_refusal(payload) and payload[2]):
            return True
        now.instead = payload
        raise _mistaken(_described(payload, shape))

    def _is_stranger(self, now: Listening, payload: bytes) -> bool:
        """Go on listening after the frame of another unit; give up after a wrong one of this."""
        described = _described(payload, now.expected.shape)
        now.instead = payload
        if self._owed.is_copy(payload, now.last_s):
            self._counts.late_answers += 1
            now.foreign = described
            return False
        self._owed.distrust(payload[0])
        if payload[0] == now.expected.shape.unit:
            raise _mistaken(described)
        now.foreign = described
        return False

    def conclude(self, now: Listening, waited_s: float) -> Fault:
        """Return what the matter is, when the time is over.

        An exception may have been that of an earlier request; ours may then still come.
        """
        if now.doubtful_exception:
            return exception_fault(now.doubtful_exception)
        if now.foreign:
            return _mismatch(now.foreign)
        heard = self._stripped(now.heard)
        if not heard:
            detail = f"no answer within {waited_s:.3g} s"
            return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=detail)
        left = self._rules.explain(heard, now.expected)
        quality = BAD_CRC if left.is_checksum else BAD_MISMATCH
        return Fault(kind=FaultKind.MISMATCH, quality=quality, detail=left.text)

    def _stripped(self, heard: bytes) -> bytes:
        """Return what was heard without a DTU's own words; plain text is learnt as such."""
        signs = self._manners.signs
        if signs is None or not heard:
            return heard
        rest = signs.stripped(heard)
        if rest and is_text(rest):
            signs.learn(rest, is_at_once=not self._is_numbered)
            return b""
        return rest


def torn(now: Listening, frame: Frame) -> NoAnswer:
    """Return that an answer was completed by another frame."""
    now.instead = frame.payload
    return _mistaken(_TORN)


def _mismatch(detail: str) -> Fault:
    return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=detail)


def _mistaken(detail: str) -> NoAnswer:
    return NoAnswer(_mismatch(detail))


def _described(payload: bytes, shape: Shape) -> str:
    if payload[0] != shape.unit:
        return f"an answer of unit {payload[0]}, not {shape.unit}"
    if payload[1] & 0x7F != shape.function:
        return f"an answer to function {payload[1] & 0x7F}, not {shape.function}"
    if payload[1] != shape.function:
        return "an exception without a number"
    return f"an answer of {len(payload) - 3} bytes, not {shape.length - 3}"
