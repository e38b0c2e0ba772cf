"""Decides whether an answer of a unit may hold the words of an earlier request.

A serial server that falls some answers behind gives every request the words of an earlier one,
under the right number and with a right checksum. What tells is a *proof*: a read whose answer has
another shape (function and byte count) than those of the requests before it, so that whichever of
them is answered in its place is seen. A unit proves itself before the first words and after
whatever went wrong; words that may be those of another address wait for a proof behind them.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.modbus_frames import Shape, read_shape
from edge_gateway.links.read_plan import BIT_FUNCTIONS
from firmware_profiles.words import Span

DEPTH = 8
"""Requests among which no two answers may be confused: no unit is believed to be further behind.
Serial servers queue four to eight requests (judgement)."""

MOST_HELD = 6
"""Blocks that wait for one proof: with two proofs around them they are within `DEPTH`."""

HANG_UPS_TO_TRUST = 3
"""Meters that hang up after every answer are believed without a proof after three of them."""

SAME_SIZES_TO_TRUST = DEPTH + 1
"""A meter that answers nine proofs in a row with the length of the block that is wanted does not
heed the count, where one that is behind would by then have answered with the first's length. It
must never have given a proof, its words must have changed meanwhile, and no other block may have
their length: a server whose answer froze gives one answer to everything."""

PROVED_FOR_S = 60.0
"""Wall seconds for which one block read again and again is believed to be today's and not the
poll before's: what a control room calls current (judgement)."""

DOUBTED_FOR_S = 60.0
"""Wall seconds for which nothing is believed without a proof behind it, after a unit has said what
nobody asked, or another answer than its own (judgement)."""

SILENT_PROBES = 1
"""Proofs in a row without a sign after which the block itself is asked of a unit that never gave
one: some meters answer whole blocks and nothing else, and others are only starting up. Whoever is
not there at all costs one time-out with every poll, as without proofs."""

WORDS_ALONE = 3
"""So often a unit must answer its block and then be silent to the proof behind it, before it is
believed to be of that sort: one that is behind would answer the proof with the block's words. The
rounds follow one another at once (`asks_again`): three time-outs, once after a start."""

MUTE_FOR_S = 3600.0
"""Wall seconds in which a meter that answers its block and no proof is left alone with them."""

VAIN_AFTER = 3
"""Failures after which a span that was never answered is the last to be chosen for a proof."""

UNREACHABLE = frozenset({4, 10, 11})
"""Exceptions of a gateway whose own line fails; what it hears late it may hand on shifted."""

_KNOWN_BLOCKS = 4
_BITS_OF_BYTE = 8


class Doubt(StrEnum):
    """What the next answer of the right shape may be instead of the answer."""

    NONE = "none"
    OLD = "the same words as they were a poll ago"
    FOREIGN = "the words of another block"


@dataclass(slots=True)
class UnitStep:
    """What is known of one unit; note every answer, then ask for the doubt.

    Attributes:
        spare: Reads that its map allows beside what is asked.
        blocks: Blocks that it has answered, of different shapes, the newest last.
        asked: Its last requests, answered or not, the newest last.
        must_prove: Whether nothing is asked of it before a proof.
        right_in_row: Requests that were answered in their own shape or refused, in a row.
        is_liar: Whether it gave a wrong answer, and no proof since whose length none of its last
            requests had: another might be answered by one of these.
        held: Blocks whose words wait for a proof behind them.
        is_spoilt: Whether something was heard since that takes every such word away.
        opening: Which opening of the line its last answer was on.
        hang_ups: How many answers in a row came each on an opening of its own.
        proved_s: When it proved itself last, in monotonic seconds.
        wanted: The block of each shape that was asked first.
        shared: Shapes that several blocks have.
        fixed: The shape with which it answered proofs for a block of that shape.
        fixed_said: The first of these answers.
        fixed_count: How many of them in a row.
        has_moved: Whether one of them differed from the first.
        silent_probes: Proofs in a row that nothing answered.
        has_spoken: Whether it has answered a block since the last of them.
        words_alone: How often it did so, and was then silent to the proof.
        mute_until_s: Until when it is not asked for any proof.
        doubted_until_s: Until when all its words wait for a proof.
        failures: Spans that did not serve as a proof, and how often; 0: it has served once.
    """

    spare: Sequence[Span] = ()
    blocks: list[Span] = field(default_factory=list)
    asked: deque[Span] = field(default_factory=lambda: deque(maxlen=DEPTH))
    right_in_row: int = 0
    is_liar: bool = False
    must_prove: bool = False
    held: int = 0
    is_spoilt: bool = False
    opening: int = 0
    hang_ups: int = 0
    proved_s: float = -inf
    wanted: dict[Shape, Span] = field(default_factory=dict)
    shared: set[Shape] = field(default_factory=set)
    fixed: Shape | None = None
    fixed_said: bytes = b""
    fixed_count: int = 0
    has_moved: bool = False
    silent_probes: int = 0
    has_spoken: bool = False
    words_alone: int = 0
    mute_until_s: float = -inf
    doubted_until_s: float = -inf
    failures: dict[Span, int] = field(default_factory=dict)

    def want(self, block: Span, shape: Shape) -> None:
        """Note that a block is about to be asked for its words, not as a proof."""
        first = self.wanted.setdefault(shape, block)
        if first is not block and first != block:
            self.shared.add(shape)

    def note(self, block: Span, answer: Answer, *, opening: int) -> bool:
        """Take what became of a request; return whether it came over a line opened since."""
        self.asked.append(block)
        if isinstance(answer, Fault):
            is_lost = answer.kind is not FaultKind.EXCEPTION or answer.exception in UNREACHABLE
            self.must_prove |= is_lost
            self.right_in_row = 0 if is_lost else self.right_in_row + 1
            return False
        self.right_in_row += 1
        if opening == self.opening:
            self.hang_ups = 0
            return False
        is_first = not self.opening
        self.opening = opening
        self.hang_ups += 1
        return not is_first and self.hang_ups < HANG_UPS_TO_TRUST

    def distrust(self, now_s: float) -> None:
        """Note that it said what nobody asked, or another answer than that to its request."""
        self.must_prove = True
        self.is_liar = True
        self.doubted_until_s = now_s + DOUBTED_FOR_S
        self.is_spoilt |= self.held > 0
        self._hear_it()

    def note_proof(self, span: Span, now_s: float, *, is_sound: bool = True) -> bool:
        """Take a proof: every block before it was answered with its own words; False: it is none.

        Args:
            span: What was read.
            now_s: Monotonic seconds.
            is_sound: Whether none of the last requests had its length (`is_sound`).
        """
        self.failures[span] = 0
        if self.is_liar and not is_sound:
            return False
        self.is_liar = False
        self.proved_s = now_s
        self.must_prove = False
        self.held = 0
        self.fixed = None
        self.fixed_count = 0
        self._hear_it()
        return True

    def note_no_proof(
        self, span: Span, wanted: Shape, heard_instead: bytes, *, now_s: float
    ) -> None:
        """Take what was no proof: is one length, or nothing, all that the unit answers with?"""
        if self.failures.get(span) != 0:
            self.failures[span] = self.failures.get(span, 0) + 1
        if heard_instead:
            self._hear_it()
        else:
            self._note_silence(now_s)
        if not wanted.fits(heard_instead):
            self.fixed = None
            self.fixed_count = 0
        elif self.fixed == wanted:
            self.fixed_count += 1
            self.has_moved |= heard_instead != self.fixed_said
        else:
            self.fixed, self.fixed_said = wanted, heard_instead
            self.fixed_count, self.has_moved = 1, False

    def _hear_it(self) -> None:
        """Note that it does answer proofs, rightly or wrongly."""
        self.silent_probes = 0
        self.words_alone = 0
        self.has_spoken = False
        self.mute_until_s = -inf

    def _note_silence(self, now_s: float) -> None:
        """Note that nothing answered a proof; behind words, again and again, that is its way."""
        self.silent_probes += 1
        self.words_alone += self.has_spoken
        if self.has_spoken and self.words_alone >= WORDS_ALONE and self.is_unproved(now_s):
            self.mute_until_s = now_s + MUTE_FOR_S
            self.must_prove = False
        self.has_spoken = False

    def note_words(self, block: Span) -> None:
        """Keep a few blocks of different shapes that this unit answers with words."""
        self.has_spoken = True
        if self.blocks and (self.blocks[-1] is block or block in self.blocks):
            return
        shape = shape_of(0, block)
        others = [each for each in self.blocks if shape_of(0, each) != shape]
        self.blocks = [*others[-_KNOWN_BLOCKS + 1 :], block]

    def doubt(self, block: Span, shape: Shape, now_s: float) -> Doubt:
        """Return what an answer of the right shape may be instead of the one to `block`.

        A unit that was in step may fall behind at any moment, without any fault: what is only
        `may_be_foreign` waits for the proof behind it.
        """
        if self.is_unproved(now_s) or self._is_fixed(shape):
            return Doubt.NONE
        if self.must_prove:
            return Doubt.NONE if self.proves_itself(shape) else Doubt.FOREIGN
        if self.held >= MOST_HELD and self.may_be_foreign(block, now_s):
            return Doubt.FOREIGN
        return Doubt.OLD if now_s - self.proved_s > PROVED_FOR_S else Doubt.NONE

    def is_unproved(self, now_s: float) -> bool:
        """Return whether its blocks are asked without a proof: it gives none, and has not lately.

        Its words count where it is known for that (`is_mute`); else they wait for a proof behind.
        """
        is_silent = self.silent_probes >= SILENT_PROBES and now_s - self.proved_s > MUTE_FOR_S
        return is_silent and not self.is_caught(now_s)

    def is_mute(self, now_s: float) -> bool:
        """Return whether it answers whole blocks and no proof, and nothing was lost since."""
        return self.is_unproved(now_s) and not self.must_prove and now_s < self.mute_until_s

    def is_without_proofs(self, now_s: float) -> bool:
        """Return whether it is one of those that give no proofs, ever."""
        return self.is_mute(now_s) or (self.fixed is not None and self._is_fixed(self.fixed))

    def asks_again(self, now_s: float) -> bool:
        """Return whether its words are asked again at once, behind which it was silent to a proof.

        It has answered its block and no proof, and not yet so often that this is its way.
        """
        return 0 < self.words_alone < WORDS_ALONE and self.is_unproved(now_s)

    def must_hold(self, block: Span, now_s: float) -> bool:
        """Return whether the words of a block that is asked now wait for a proof behind them."""
        if self.is_unproved(now_s) and not self.is_mute(now_s):
            return True
        return self.may_be_foreign(block, now_s)

    def _is_fixed(self, shape: Shape) -> bool:
        """Return whether a unit does not heed the count, and this is the one block it answers."""
        if self.fixed_count < SAME_SIZES_TO_TRUST or self.fixed != shape:
            return False
        return self.has_moved and self.proved_s == -inf and shape not in self.shared

    def is_sound(self, shape: Shape) -> bool:
        """Return whether none of the last requests would be answered with this shape."""
        return all(shape_of(shape.unit, each) != shape for each in self.asked)

    def proves_itself(self, shape: Shape) -> bool:
        """Return whether the words of a liar's block, asked now, would prove themselves."""
        return self.is_liar and self.right_in_row >= DEPTH and self.is_sound(shape)

    def may_be_foreign(self, block: Span, now_s: float) -> bool:
        """Return whether one of the last requests asked another block of this shape."""
        if now_s < self.doubted_until_s:
            return True
        others = [each for each in self.asked if each is not block]
        if not others:
            return False
        shape = shape_of(0, block)
        return any(shape_of(0, each) == shape and each != block for each in others)

    def is_caught(self, now_s: float) -> bool:
        """Return whether what no proof can tell is refused: it gave a wrong answer lately."""
        return now_s < self.doubted_until_s

    def was_just_asked(self, shape: Shape) -> bool:
        """Return whether a proof of this shape could not be told from the last request's answer."""
        return bool(self.asked) and shape_of(shape.unit, self.asked[-1]) == shape

    def proofs(self, unit: int, block: Span | None = None) -> Iterator[Span]:
        """Yield reads whose answer can be told from those of the last requests, the best first.

        Where a map has fewer lengths than that, those whose shape was asked longest ago come
        first; a unit further behind than that is not found by them. Never the shape of `block`,
        which is to be asked next.
        """
        wanted = None if block is None else shape_of(unit, block)
        asked_at = {shape_of(unit, each): at for at, each in enumerate(self.asked)}
        found: dict[Shape, Span] = {}
        for span in self._candidates(block):
            shape = shape_of(unit, span)
            known = found.get(shape)
            if known is None or (self._is_vain(known) and not self._is_vain(span)):
                found[shape] = span
        found.pop(wanted, None)  # type: ignore[arg-type]  # None is no key of it
        yield from sorted(
            found.values(),
            key=lambda each: self._worth(each, asked_at.get(shape_of(unit, each), -1)),
        )

    def _candidates(self, block: Span | None) -> Iterator[Span]:
        known = sorted(self.blocks, key=lambda each: each.word_count)
        yield from known
        for each in () if block is None else (block,):
            yield from _parts(each)
        for each in known[-1:]:
            yield from _parts(each)
        yield from self.spare

    def _worth(self, span: Span, asked_at: int) -> tuple[bool, bool, int]:
        """Return what is compared of two proofs, the better first."""
        return (self.is_liar and asked_at >= 0, self._is_vain(span), asked_at)

    def _is_vain(self, span: Span) -> bool:
        return self.failures.get(span, 0) >= VAIN_AFTER


def shape_of(unit: int, block: Span) -> Shape:
    """Return what the answer to a read looks like."""
    if block.function_code in BIT_FUNCTIONS:
        return read_shape(unit, block.function_code, -(-block.word_count // _BITS_OF_BYTE))
    return read_shape(unit, block.function_code, 2 * block.word_count)


def _parts(block: Span) -> Iterator[Span]:
    """Return smaller reads inside a block that answer with another length, even and short first.

    Nothing beside the block is read: a profile may forbid the address behind it.
    """
    unit = _BITS_OF_BYTE if block.function_code in BIT_FUNCTIONS else 1
    for count in (2, 4, 1, 3, 6, 5, 8, 7, 10, 9):
        part = replace(block, word_count=count * unit)
        if part.word_count < block.word_count:
            yield part
