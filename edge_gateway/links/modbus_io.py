"""Reads words through a strict session: one block at a time, and never an answer in doubt.

Where frames carry no number, a request of the same shape as one that was lost is not sent before
a probe of another shape has been answered: then every earlier answer has come or never will
(`owed_answers`). On every line a unit may be answering one behind, with the right number and all:
before a second block of one shape, and before a block that has long been the only one, it is asked
such a probe, too (`in_step`). A probe reads only what the caller has asked for or allowed.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.in_step import Doubt, UnitStep, shape_of
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.modbus_frames import Shape
from edge_gateway.links.modbus_session_io import ModbusSession, owing
from firmware_profiles.words import Span
from wire_contracts.quality import BAD_MISMATCH, BAD_TIMEOUT

BUSY = 6
BUSY_PAUSE_S = 0.2
"""Exception 6 asks for patience: one repetition after 200 ms; gateway notes 5."""

MOST_PROBES = 2
"""Probes before one request: the second where an exception settled only the oldest debt."""

PROBE_SHARE = 0.02
"""Of a line's time at most so much goes to probes that nothing but the age of words asks for: far
below the 5 % that dead meters may take (judgement)."""


_UNPROVABLE = Fault(
    kind=FaultKind.MISMATCH,
    quality=BAD_MISMATCH,
    detail="it gave a wrong answer before, and no read of another length can prove this one",
)


def quiet_pymodbus() -> None:
    """Keep pymodbus from logging an error of its own for every missing answer."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)


class ModbusLink:
    """One line of Modbus meters, read only; used by one thread, one request at a time."""

    def __init__(self, session: ModbusSession) -> None:
        """Take the session; nothing is opened before the first transaction."""
        self._session = session
        self._units: dict[int, UnitStep] = {}
        self._next_proof_s = 0.0

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

    def allow(self, device_address: int, spare: Sequence[Span]) -> None:
        """Say what may be read of a unit where nothing that is asked can be a probe."""
        self._unit(device_address).spare = spare

    def meanwhile(self, work: Callable[[], None] | None) -> None:
        """Have something done as soon as the next request is on its way; None: nothing."""
        self._session.exchange.meanwhile = work

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
        shape = shape_of(device_address, block)
        fault = self._settle_debts(shape, block, deadline_s)
        if fault is not None:
            return fault
        answer = self._ask(shape, block, deadline_s)
        if isinstance(answer, Fault) and answer.exception == BUSY:
            time.sleep(BUSY_PAUSE_S)
            answer = self._ask(shape, block, deadline_s)
        if not isinstance(answer, Fault):
            self._unit(device_address).note_words(block, time.monotonic())
        return answer

    def _settle_debts(self, shape: Shape, block: Span, deadline_s: float | None) -> Fault | None:
        """Send probes until no earlier answer can be taken for that of `block`."""
        if self._session.exchange.is_ambiguous(shape):
            self._session.exchange.catch_up()
        known = self._unit(shape.unit)
        for _ in range(MOST_PROBES):
            if not self._must_probe(known, block, shape):
                return None
            probe = next(self._probes(shape.unit, block), None)
            if probe is None:
                if known.is_caught(block, shape, time.monotonic()):
                    return _UNPROVABLE
                break
            fault = self._probe(known, probe, shape, deadline_s)
            if fault is not None:
                return fault
        if not self._session.exchange.is_ambiguous(shape):
            return None
        detail = "an earlier request may still be answered, and no probe is left; wait"
        return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=detail)

    def _must_probe(self, known: UnitStep, block: Span, shape: Shape) -> bool:
        """Return whether something must be proved first; what is only old waits for its share."""
        now_s = time.monotonic()
        doubt = known.doubt(block, shape, now_s)
        is_in_share = known.last is None or now_s >= self._next_proof_s
        if doubt is Doubt.FOREIGN or (doubt is Doubt.OLD and is_in_share):
            return True
        return self._session.exchange.is_ambiguous(shape)

    def _probe(
        self, known: UnitStep, probe: Span, wanted: Shape, deadline_s: float | None
    ) -> Fault | None:
        """Return what a probe brought instead of a proof."""
        self.counts.probes += 1
        begun_s = time.monotonic()
        answer = self._ask(shape_of(wanted.unit, probe), probe, deadline_s)
        now_s = time.monotonic()
        self._next_proof_s = now_s + (now_s - begun_s) / PROBE_SHARE
        if not isinstance(answer, Fault):
            known.note_words(probe, now_s)
        if not isinstance(answer, Fault) or answer.kind is FaultKind.EXCEPTION:
            known.note_probe(wanted, b"", is_silent=False)
            return None
        is_silent = answer.kind is FaultKind.TIMEOUT
        known.note_probe(wanted, self._session.exchange.heard_instead, is_silent=is_silent)
        return owing(answer)

    def _probes(self, unit: int, block: Span) -> Iterator[Span]:
        """Return reads whose answer can be told from every earlier one."""
        for span in self._unit(unit).probes(unit, block):
            if not self._session.exchange.is_ambiguous(shape_of(unit, span)):
                yield span

    def _unit(self, unit: int) -> UnitStep:
        known = self._units.get(unit)
        if known is None:
            known = self._units[unit] = UnitStep()
        return known

    def _ask(self, shape: Shape, block: Span, deadline_s: float | None) -> Answer:
        answer = self._session.read(shape.unit, block, shape, deadline_s)
        if not (isinstance(answer, Fault) and answer.kind is FaultKind.LINK_DOWN):
            self._unit(shape.unit).note(
                block, answer, opening=self.counts.opens, now_s=time.monotonic()
            )
        return answer
