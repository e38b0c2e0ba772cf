"""Reads words through a strict session: one block at a time, and never an answer in doubt.

Where frames carry no number, a request of the same shape as one that was lost is not sent before
a probe of another shape has been answered: then every earlier answer has come or never will
(`owed_answers`).
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping

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

_KNOWN_BLOCKS = 4
_BITS_OF_BYTE = 8

_Read = Callable[[StrictClient, Span, int], ModbusPDU]


def quiet_pymodbus() -> None:
    """Keep pymodbus from logging an error of its own for every missing answer."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)


class ModbusLink:
    """One line of Modbus meters, read only; used by one thread, one request at a time."""

    def __init__(self, session: ModbusSession) -> None:
        """Take the session; nothing is opened before the first transaction."""
        self._session = session
        self._answered: dict[int, list[Span]] = {}

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
        after exception 6, and sends a small probe before where an earlier answer may still come;
        repetitions belong to the caller. After silence or garbage the *next* call waits until the
        line has been left alone for as long as this one waited.

        Args:
            device_address: Unit identifier, 0..255.
            block: What to read.
            deadline_s: Wall seconds from the end of the request to the end of the answer; None:
                the link's time-out, on a serial line plus the time that the bytes take.
        """
        fault = self._settle_debts(device_address, block, deadline_s)
        if fault is not None:
            return fault
        answer = self._ask(device_address, block, deadline_s)
        if isinstance(answer, Fault) and answer.exception == BUSY:
            time.sleep(BUSY_PAUSE_S)
            answer = self._ask(device_address, block, deadline_s)
        if not isinstance(answer, Fault):
            self._remember(device_address, block)
        return answer

    def _settle_debts(self, unit: int, block: Span, deadline_s: float | None) -> Fault | None:
        """Send probes until no earlier answer can be taken for that of `block`."""
        for _ in range(MOST_PROBES):
            if not self._session.exchange.is_ambiguous(_shape(unit, block)):
                return None
            probe = next(self._probes(unit, block), None)
            if probe is None:
                break
            self.counts.probes += 1
            answer = self._ask(unit, probe, deadline_s)
            if isinstance(answer, Fault) and answer.kind is not FaultKind.EXCEPTION:
                return owing(answer)
        if not self._session.exchange.is_ambiguous(_shape(unit, block)):
            return None
        detail = "earlier requests may still be answered, and every probe was lost; wait"
        return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=detail)

    def _probes(self, unit: int, block: Span) -> Iterator[Span]:
        """Return reads whose answer can be told from every owed one: known to be right first."""
        known = self._answered.get(unit, [])
        for span in (*sorted(known, key=lambda each: each.word_count), *_parts(block)):
            if not self._session.exchange.is_ambiguous(_shape(unit, span)):
                yield span

    def _remember(self, unit: int, block: Span) -> None:
        """Keep a few blocks of different shapes that this unit answers."""
        known = self._answered.setdefault(unit, [])
        shape = _shape(unit, block)
        known[:] = [each for each in known if _shape(unit, each) != shape][-_KNOWN_BLOCKS + 1 :]
        known.append(block)

    def _ask(self, unit: int, block: Span, deadline_s: float | None) -> Answer:
        read = _READS[block.function_code]
        answer = self._session.ask(
            lambda client: read(client, block, unit), _shape(unit, block), deadline_s=deadline_s
        )
        if isinstance(answer, Fault):
            return answer
        words = _words(answer, block)
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
    """Return reads at the same address that answer with another length: even and short first."""
    unit = _BITS_OF_BYTE if block.function_code in BIT_FUNCTIONS else 1
    for count in (2, 4, 1, 3, 6, 5, 8, 7):
        if count * unit != block.word_count:
            yield Span(
                function_code=block.function_code, address=block.address, word_count=count * unit
            )


def _words(answer: ModbusPDU, block: Span) -> tuple[int, ...]:
    if block.function_code in BIT_FUNCTIONS:
        return tuple(int(bit) for bit in answer.bits[: block.word_count])
    return tuple(answer.registers)
