"""Decides whether the next answer of a unit may hold the words of an earlier request.

A serial server that falls one answer behind gives every request the words of the one before it,
under the right number and with a right checksum. Two blocks of different lengths in a row tell;
two of one length do not, and neither does one block that is read again and again. What stands
between them, a probe, is proof.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.modbus_frames import Shape, read_shape
from edge_gateway.links.read_plan import BIT_FUNCTIONS
from firmware_profiles.words import Span

CHANGES_TO_TRUST = 3
"""Meters that hang up after every answer are believed to be in step after three changes."""

SAME_SIZES_TO_TRUST = 2
"""A meter that answers two probes in a row with the length of the block that is wanted does not
heed the count, where one that is behind would have answered the second with the first's length."""

PROVED_FOR_S = 60.0
"""Wall seconds for which one block read again and again is believed to be today's and not the
poll before's: what a control room calls current (judgement)."""

SILENT_PROBES = 2
"""Probes in a row without a sign after which the block itself is asked: some meters answer whole
blocks and nothing else."""

MUTE_FOR_S = 3600.0
"""Wall seconds in which a meter that answers its block and no probe is left alone with them."""

UNREACHABLE = frozenset({10, 11})
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
        last: The block that it answered last.
        is_lost: Whether a request since then was lost, heard by the unit or not.
        opening: Which opening of the line `last` was on.
        changes: How often it answered another shape than before, each with its own, after the
            line had been opened afresh.
        had_words: Whether it answered with words, and not with an exception.
        is_in_step: Whether it has answered two different shapes in a row, each with its own.
        proved_s: When it did so last, in monotonic seconds.
        fixed: The shape with which it answered probes for a block of that shape.
        fixed_count: How many of them in a row.
        silent_probes: Probes in a row that nothing answered.
        mute_until_s: Until when it is not asked a probe for the age of its words alone.
        caught_until_s: Until when it is not believed unproved: it has given a wrong answer.
    """

    spare: Sequence[Span] = ()
    blocks: list[Span] = field(default_factory=list)
    last: Span | None = None
    is_lost: bool = False
    opening: int = 0
    changes: int = 0
    had_words: bool = False
    is_in_step: bool = False
    proved_s: float = -inf
    fixed: Shape | None = None
    fixed_count: int = 0
    silent_probes: int = 0
    mute_until_s: float = -inf
    caught_until_s: float = -inf

    def note_probe(self, wanted: Shape, heard_instead: bytes, *, is_silent: bool) -> None:
        """Take what a probe brought: is one length, or nothing, all that the unit answers with?"""
        self.silent_probes = self.silent_probes + 1 if is_silent else 0
        is_fixed = wanted.fits(heard_instead)
        is_again = is_fixed and self.fixed == wanted
        self.fixed = wanted if is_fixed else None
        self.fixed_count = self.fixed_count + 1 if is_again else int(is_fixed)

    def note(self, block: Span, answer: Answer, *, opening: int, now_s: float) -> None:
        """Take what became of a request."""
        if isinstance(answer, Fault) and (
            answer.kind is not FaultKind.EXCEPTION or answer.exception in UNREACHABLE
        ):
            self.is_in_step = False
            self.is_lost = True
            self.changes = 0
            if answer.kind is FaultKind.MISMATCH:
                self.caught_until_s = now_s + PROVED_FOR_S
            return
        had_words, self.had_words = self.had_words, not isinstance(answer, Fault)
        if self._has_changed(block) and (had_words or self.had_words):
            self.proved_s = now_s
            if not self.is_in_step:
                self.changes += 1
                self.is_in_step = self.opening == opening or self.changes >= CHANGES_TO_TRUST
        self.last = block
        self.is_lost = False
        self.opening = opening

    def note_words(self, block: Span, now_s: float) -> None:
        """Keep a few blocks of different shapes that this unit answers with words."""
        if self.silent_probes >= SILENT_PROBES:
            self.mute_until_s = now_s + MUTE_FOR_S
            self.spare = ()
        self.silent_probes = 0
        if block in self.blocks:
            return
        shape = shape_of(0, block)
        others = [each for each in self.blocks if shape_of(0, each) != shape]
        self.blocks = [*others[-_KNOWN_BLOCKS + 1 :], block]

    def doubt(self, block: Span, shape: Shape, now_s: float) -> Doubt:
        """Return what an answer of the right shape may be instead of the one to `block`.

        A unit that was in step may fall behind at any moment, without any fault. Therefore two
        blocks of one shape are never asked for in a row, nor one of them alone for long: what
        stands between them tells.
        """
        if self.fixed_count >= SAME_SIZES_TO_TRUST and self.fixed == shape:
            return Doubt.NONE
        is_alone = self.last is None or self.last is block or self.last == block
        if self.silent_probes >= SILENT_PROBES and (is_alone or not self._has_own_probe(block)):
            return Doubt.NONE
        if self.is_lost and not self.is_in_step:
            return Doubt.FOREIGN
        if is_alone:
            is_old = now_s - self.proved_s > PROVED_FOR_S and now_s >= self.mute_until_s
            return Doubt.OLD if is_old else Doubt.NONE
        return Doubt.NONE if self._has_changed(block) else Doubt.FOREIGN

    def is_caught(self, block: Span, shape: Shape, now_s: float) -> bool:
        """Return whether a block is refused that may be foreign and that no probe can prove."""
        is_foreign = self.doubt(block, shape, now_s) is Doubt.FOREIGN and self.last is not None
        return is_foreign and now_s < self.caught_until_s

    def probes(self, unit: int, block: Span) -> Iterator[Span]:
        """Yield reads whose answer tells, known to be right first, within `block` before others."""
        wanted = shape_of(unit, block)
        last = None if self.last is None else shape_of(unit, self.last)
        known = sorted(self.blocks, key=lambda each: each.word_count)
        for span in (*known, *_parts(block), *self.spare):
            if shape_of(unit, span) not in {last, wanted}:
                yield span

    def _has_own_probe(self, block: Span) -> bool:
        wanted = shape_of(0, block)
        return any(shape_of(0, each) != wanted for each in (*self.blocks, *_parts(block)))

    def _has_changed(self, block: Span) -> bool:
        if self.last is None or self.last is block or self.is_lost:
            return False
        return shape_of(0, self.last) != shape_of(0, block)


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
    for count in (2, 4, 1, 3, 6, 5, 8, 7):
        part = replace(block, word_count=count * unit)
        if part.word_count < block.word_count:
            yield part
