"""Reads words through a strict session: one block at a time, and never an answer in doubt.

Where frames carry no number, a request of the same shape as one that was lost is not sent before
a probe of another shape has been answered: then every earlier answer has come or never will
(`owed_answers`). On every line, a unit that has not yet answered two requests of different shapes
in a row, or not since its last fault, may be answering one behind, with the right number and all:
before a second block of one shape it is asked such a probe, too. A probe never reads an address
that the caller has not asked for.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pymodbus.pdu import ModbusPDU

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.modbus_frames import Shape, read_shape
from edge_gateway.links.modbus_session_io import ModbusSession, StrictClient, owing
from edge_gateway.links.read_plan import BIT_FUNCTIONS
from firmware_profiles.words import Span
from wire_contracts.quality import BAD_MISMATCH, BAD_TIMEOUT

BUSY = 6
BUSY_PAUSE_S = 0.2
"""Exception 6 asks for patience: one repetition after 200 ms; gateway notes 5."""

MOST_PROBES = 2
"""Probes before one request: the second where an exception settled only the oldest debt."""

CHANGES_TO_TRUST = 3
"""Meters that hang up after every answer are believed to be in step after three changes."""

SAME_SIZES_TO_TRUST = 2
"""A meter that answers two probes in a row with the length of the block that is wanted does not
heed the count, where one that is behind would have answered the second with the first's length."""

UNREACHABLE = frozenset({10, 11})
"""Exceptions of a gateway whose own line fails; what it hears late it may hand on shifted."""

_KNOWN_BLOCKS = 4
_BITS_OF_BYTE = 8

_Read = Callable[[StrictClient, Span, int], ModbusPDU]


def quiet_pymodbus() -> None:
    """Keep pymodbus from logging an error of its own for every missing answer."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)


@dataclass(slots=True)
class _Unit:
    """What is known of one unit.

    Attributes:
        blocks: Blocks that it has answered, of different shapes, the newest last.
        last: The block that it answered last.
        is_lost: Whether a request since then was lost, heard by the unit or not.
        opening: Which opening of the line `last` was on.
        changes: How often it answered another shape than before, each with its own, after the
            line had been opened afresh.
        had_words: Whether it answered with words, and not with an exception.
        is_in_step: Whether it has answered two different shapes in a row, each with its own.
        fixed: The shape with which it answered probes for a block of that shape.
        fixed_count: How many of them in a row.
    """

    blocks: list[Span] = field(default_factory=list)
    last: Span | None = None
    is_lost: bool = False
    opening: int = 0
    changes: int = 0
    had_words: bool = False
    is_in_step: bool = False
    fixed: Shape | None = None
    fixed_count: int = 0

    def note_probe(self, wanted: Shape, heard_instead: bytes) -> None:
        """Take what a probe brought: is one length all that the unit ever answers with?"""
        is_fixed = wanted.fits(heard_instead)
        is_again = is_fixed and self.fixed == wanted
        self.fixed = wanted if is_fixed else None
        self.fixed_count = self.fixed_count + 1 if is_again else int(is_fixed)

    def note(self, block: Span, answer: Answer, opening: int) -> None:
        """Take what became of a request."""
        if isinstance(answer, Fault) and (
            answer.kind is not FaultKind.EXCEPTION or answer.exception in UNREACHABLE
        ):
            self.is_in_step = False
            self.is_lost = True
            self.changes = 0
            return
        had_words, self.had_words = self.had_words, not isinstance(answer, Fault)
        if not self.is_in_step and self._has_changed(block) and (had_words or self.had_words):
            self.changes += 1
            self.is_in_step = self.opening == opening or self.changes >= CHANGES_TO_TRUST
        self.last = block
        self.is_lost = False
        self.opening = opening

    def may_be_behind(self, block: Span, shape: Shape) -> bool:
        """Return whether an answer of the right shape may hold the words of another block.

        A unit that was in step may fall behind at any moment, without any fault. Therefore two
        blocks of one shape are never asked for in a row: what stands between them tells.
        """
        is_deaf = self.fixed_count >= SAME_SIZES_TO_TRUST and self.fixed == shape
        if is_deaf:
            return False
        if self.is_in_step:
            return self.last not in {None, block} and not self._has_changed(block)
        return self.is_lost or not (self.last in {None, block} or self._has_changed(block))

    def _has_changed(self, block: Span) -> bool:
        if self.last is None or self.is_lost:
            return False
        return _shape(0, self.last) != _shape(0, block)


class ModbusLink:
    """One line of Modbus meters, read only; used by one thread, one request at a time."""

    def __init__(self, session: ModbusSession) -> None:
        """Take the session; nothing is opened before the first transaction."""
        self._session = session
        self._units: dict[int, _Unit] = {}

    @property
    def counts(self) -> LinkCounts:
        """Return what the line has done."""
        return self._session.counts

    def open(self) -> bool:
        """Return whether the line is open, opened now if it is time to try."""
        return self._session.open()

    def close(self) -> None:
        """Close the line; the next transaction opens it again."""
        self._session.close()

    def transact(
        self, device_address: int, block: Span, *, deadline_s: float | None = None
    ) -> Answer:
        """Return the words (bits as 0 and 1) of one request, or why there are none.

        Never raises for what a meter, an adapter or the network does. It asks once, once more
        after exception 6, and sends a small probe before where an earlier answer may be taken for
        this one; repetitions belong to the caller. After silence or garbage the *next* call waits
        until the line has been left alone for as long as this one waited.

        Args:
            device_address: Unit identifier, 0..255.
            block: What to read.
            deadline_s: Wall seconds from the end of the request to the end of the answer; None:
                the link's time-out, on a serial line plus the time that the bytes take.
        """
        shape = _shape(device_address, block)
        fault = self._settle_debts(shape, block, deadline_s)
        if fault is not None:
            return fault
        answer = self._ask(shape, block, deadline_s)
        if isinstance(answer, Fault) and answer.exception == BUSY:
            time.sleep(BUSY_PAUSE_S)
            answer = self._ask(shape, block, deadline_s)
        if not isinstance(answer, Fault):
            self._remember(device_address, block)
        return answer

    def _settle_debts(self, shape: Shape, block: Span, deadline_s: float | None) -> Fault | None:
        """Send probes until no earlier answer can be taken for that of `block`."""
        if self._session.exchange.is_ambiguous(shape):
            self._session.exchange.catch_up()
        known = self._unit(shape.unit)
        for _ in range(MOST_PROBES):
            if not known.may_be_behind(block, shape) and not self._session.exchange.is_ambiguous(
                shape
            ):
                return None
            probe = next(self._probes(shape.unit, block), None)
            if probe is None:
                break
            self.counts.probes += 1
            answer = self._ask(_shape(shape.unit, probe), probe, deadline_s)
            if isinstance(answer, Fault) and answer.kind is not FaultKind.EXCEPTION:
                known.note_probe(shape, self._session.exchange.heard_instead)
                return owing(answer)
            known.note_probe(shape, b"")
        if not self._session.exchange.is_ambiguous(shape):
            return None
        detail = "an earlier request may still be answered, and no probe is left; wait"
        return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=detail)

    def _probes(self, unit: int, block: Span) -> Iterator[Span]:
        """Return reads whose answer can be told from every earlier one: known to be right first."""
        known = self._unit(unit)
        wanted = _shape(unit, block)
        last = None if known.last is None else _shape(unit, known.last)
        for span in (*sorted(known.blocks, key=lambda each: each.word_count), *_parts(block)):
            shape = _shape(unit, span)
            if shape not in {last, wanted} and not self._session.exchange.is_ambiguous(shape):
                yield span

    def _unit(self, unit: int) -> _Unit:
        return self._units.setdefault(unit, _Unit())

    def _remember(self, unit: int, block: Span) -> None:
        """Keep a few blocks of different shapes that this unit answers."""
        known = self._unit(unit)
        if block in known.blocks:
            return
        shape = _shape(unit, block)
        others = [each for each in known.blocks if _shape(unit, each) != shape]
        known.blocks = [*others[-_KNOWN_BLOCKS + 1 :], block]

    def _ask(self, shape: Shape, block: Span, deadline_s: float | None) -> Answer:
        read = _READS[block.function_code]
        answer = self._session.ask(
            lambda client: read(client, block, shape.unit), shape, deadline_s=deadline_s
        )
        result = answer if isinstance(answer, Fault) else self._words(answer, block)
        if not (isinstance(result, Fault) and result.kind is FaultKind.LINK_DOWN):
            self._unit(shape.unit).note(block, result, self.counts.opens)
        return result

    def _words(self, answer: ModbusPDU, block: Span) -> Answer:
        if block.function_code in BIT_FUNCTIONS:
            words = tuple(int(bit) for bit in answer.bits[: block.word_count])
        else:
            words = tuple(answer.registers)
        if len(words) == block.word_count:
            return words
        self.counts.mismatches += 1
        detail = f"{len(words)} words, not {block.word_count}"
        return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=detail)


_READS: Mapping[int, _Read] = {
    1: lambda client, block, unit: client.read_coils(
        block.address, count=block.word_count, device_id=unit
    ),
    2: lambda client, block, unit: client.read_discrete_inputs(
        block.address, count=block.word_count, device_id=unit
    ),
    3: lambda client, block, unit: client.read_holding_registers(
        block.address, count=block.word_count, device_id=unit
    ),
    4: lambda client, block, unit: client.read_input_registers(
        block.address, count=block.word_count, device_id=unit
    ),
}


def _shape(unit: int, block: Span) -> Shape:
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
