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
heed the count, where one that is behind would by then have answered with the first's length."""

PROVED_FOR_S = 60.0
"""Wall seconds for which one block read again and again is believed to be today's and not the
poll before's: what a control room calls current (judgement)."""

DOUBTED_FOR_S = 60.0
"""Wall seconds for which nothing is believed without a proof behind it, after a unit has said what
nobody asked, or another answer than its own (judgement)."""

SILENT_PROBES = 2
"""Proofs in a row without a sign after which the block itself is asked of a unit that never gave
one: some meters answer whole blocks and nothing else."""

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
        held: Blocks whose words wait for a proof behind them.
        is_spoilt: Whether something was heard since that takes every such word away.
        opening: Which opening of the line its last answer was on.
        hang_ups: How many answers in a row came each on an opening of its own.
        proved_s: When it proved itself last, in monotonic seconds.
        fixed: The shape with which it answered proofs for a block of that shape.
        fixed_count: How many of them in a row.
        silent_probes: Proofs in a row that nothing answered.
        mute_until_s: Until when it is not asked for any proof.
        doubted_until_s: Until when all its words wait for a proof.
        failures: Spans that did not serve as a proof, and how often; 0: it has served once.
    """

    spare: Sequence[Span] = ()
    blocks: list[Span] = field(default_factory=list)
    asked: deque[Span] = field(default_factory=lambda: deque(maxlen=DEPTH))
    must_prove: bool = False
    held: int = 0
    is_spoilt: bool = False
    opening: int = 0
    hang_ups: int = 0
    proved_s: float = -inf
    fixed: Shape | None = None
    fixed_count: int = 0
    silent_probes: int = 0
    mute_until_s: float = -inf
    doubted_until_s: float = -inf
    failures: dict[Span, int] = field(default_factory=dict)

    def note(self, block: Span, answer: Answer, *, opening: int) -> bool:
        """Take what became of a request; return whether it came over a line opened since."""
        self.asked.append(block)
        if isinstance(answer, Fault):
            self.must_prove |= (
                answer.kind is not FaultKind.EXCEPTION or answer.exception in UNREACHABLE
            )
            return False
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
        self.doubted_until_s = now_s + DOUBTED_FOR_S
        self.is_spoilt |= self.held > 0

    def note_proof(self, span: Span, now_s: float) -> None:
        """Take a proof: every block before it was answered with its own words."""
        self.failures[span] = 0
        self.proved_s = now_s
        self.must_prove = False
        self.held = 0
        self.silent_probes = 0
        self.fixed_count = 0

    def note_no_proof(self, span: Span, wanted: Shape, heard_instead: bytes) -> None:
        """Take what was no proof: is one length, or nothing, all that the unit answers with?"""
        if self.failures.get(span) != 0:
            self.failures[span] = self.failures.get(span, 0) + 1
        is_fixed = wanted.fits(heard_instead)
        is_again = is_fixed and self.fixed == wanted
        self.silent_probes = 0 if heard_instead else self.silent_probes + 1
        self.fixed = wanted if is_fixed else None
        self.fixed_count = self.fixed_count + 1 if is_again else int(is_fixed)

    def note_words(self, block: Span, now_s: float) -> None:
        """Keep a few blocks of different shapes that this unit answers with words."""
        if self._is_silent(now_s):
            self.mute_until_s = now_s + MUTE_FOR_S
            self.must_prove = False
        self.silent_probes = 0
        if block in self.blocks:
            return
        shape = shape_of(0, block)
        others = [each for each in self.blocks if shape_of(0, each) != shape]
        self.blocks = [*others[-_KNOWN_BLOCKS + 1 :], block]

    def doubt(self, block: Span, shape: Shape, now_s: float) -> Doubt:
        """Return what an answer of the right shape may be instead of the one to `block`.

        A unit that was in step may fall behind at any moment, without any fault: what is only
        `may_be_foreign` waits for the proof behind it.
        """
        if self.is_without_proofs(shape, now_s):
            return Doubt.NONE
        if self.must_prove:
            return Doubt.FOREIGN
        if self.held >= MOST_HELD and self.may_be_foreign(block, now_s):
            return Doubt.FOREIGN
        return Doubt.OLD if now_s - self.proved_s > PROVED_FOR_S else Doubt.NONE

    def is_without_proofs(self, shape: Shape | None, now_s: float) -> bool:
        """Return whether it is one of those that give no proofs, ever."""
        if now_s < self.mute_until_s or self._is_silent(now_s):
            return True
        return self.fixed_count >= SAME_SIZES_TO_TRUST and shape in {None, self.fixed}

    def may_be_foreign(self, block: Span, now_s: float) -> bool:
        """Return whether one of the last requests asked another block of this shape."""
        if now_s < self.doubted_until_s:
            return True
        for each in self.asked:
            if each is not block and each != block and shape_of(0, each) == shape_of(0, block):
                return True
        return False

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
            key=lambda each: (self._is_vain(each), asked_at.get(shape_of(unit, each), -1)),
        )

    def _candidates(self, block: Span | None) -> Iterator[Span]:
        known = sorted(self.blocks, key=lambda each: each.word_count)
        yield from known
        for each in () if block is None else (block,):
            yield from _parts(each)
        for each in known[-1:]:
            yield from _parts(each)
        yield from self.spare

    def _is_vain(self, span: Span) -> bool:
        return self.failures.get(span, 0) >= VAIN_AFTER

    def _is_silent(self, now_s: float) -> bool:
        """Return whether proofs are in vain: it gives none, and has not given any lately."""
        return self.silent_probes >= SILENT_PROBES and now_s - self.proved_s > MUTE_FOR_S


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
