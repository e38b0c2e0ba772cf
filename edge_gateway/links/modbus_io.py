"""Reads words through a strict session: one block at a time, and never an answer in doubt.

Where frames carry no number, a request of the same shape as one that was lost is not sent before
a probe of another shape has been answered: then every earlier answer has come or never will
(`owed_answers`). On every line a unit may be some answers behind, with the right number and all:
it proves that it is not before its first words, after whatever went wrong, once a minute, and
behind words that may be those of another block (`in_step`); one proof behind a job's last block
serves all of them, and stands before the next job. A proof reads only what the caller has asked
for or allowed.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.in_step import UNREACHABLE, Doubt, UnitStep, shape_of
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
_UNASKED = Fault(
    kind=FaultKind.MISMATCH,
    quality=BAD_MISMATCH,
    detail="an answer that nobody asked came among these; none of them is believed",
)


def quiet_pymodbus() -> None:
    """Keep pymodbus from logging an error of its own for every missing answer."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)


class ModbusLink:
    """One line of Modbus meters, read only; used by one thread, one request at a time."""

    def __init__(self, session: ModbusSession) -> None:
        """Take the session; nothing is opened before the first transaction."""
        self.counts: LinkCounts = session.counts
        """What the line has done."""
        self.asks_again = False
        """Whether what the last `release` refused should be asked again at once: the units were
        silent to the proof behind it, which is told from being behind by some rounds."""
        self._session = session
        self._units: dict[int, UnitStep] = {}
        self._holding: list[int] = []
        self._odd = session.exchange.owed.odd
        self._next_proof_s = 0.0

    @property
    def is_holding(self) -> bool:
        """Whether words wait for `release`."""
        return bool(self._holding)

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

    def doubt_far_end(self) -> None:
        """Say that a meter is not the one of the settings: another DTU may wait for the line."""
        self._session.line.doubt_far_end()

    def distrust(self, device_address: int) -> None:
        """Say that a unit gave the words of another: it proves itself before anything else."""
        self._unit(device_address).distrust(time.monotonic())

    def transact(
        self, device_address: int, block: Span, *, deadline_s: float | None = None
    ) -> Answer:
        """Return the words (bits as 0 and 1) of one request, or why there are none.

        Never raises for what a meter, an adapter or the network does. It asks once, once more
        after exception 6, and sends a small probe before or behind where the answer may be that
        of another request; repetitions belong to the caller. After silence or garbage the *next*
        call waits until the line has been left alone for as long as this one waited.

        Args:
            device_address: Unit identifier, 0..255.
            block: What to read.
            deadline_s: Wall seconds from the end of the request to the end of the answer; None:
                the link's time-out, on a serial line plus the time that the bytes take.
        """
        while True:
            answer = self.ask(device_address, block, deadline_s=deadline_s)
            unproved = self.release(deadline_s=deadline_s)
            if unproved is None or not self.asks_again:
                return unproved or answer

    def ask(self, device_address: int, block: Span, *, deadline_s: float | None = None) -> Answer:
        """Return what `transact` does, but words that are not proved: `release` tells.

        Args:
            device_address: Unit identifier, 0..255.
            block: What to read.
            deadline_s: As for `transact`.
        """
        shape = shape_of(device_address, block)
        known = self._unit(device_address)
        known.want(block, shape)
        fault = self._settle_debts(known, shape, block, deadline_s)
        if fault is not None:
            return fault
        must_hold = known.must_hold(block, time.monotonic())
        is_proof = known.proves_itself(shape)
        answer = self._sent(known, shape, block, deadline_s)
        if isinstance(answer, Fault) and answer.exception == BUSY:
            time.sleep(BUSY_PAUSE_S)
            must_hold, is_proof = True, False
            answer = self._sent(known, shape, block, deadline_s)
        if isinstance(answer, Fault):
            return answer
        known.note_words(block)
        if is_proof and not known.held:
            known.note_proof(block, time.monotonic())
        elif must_hold or known.held:
            self._hold(device_address, known)
        return answer

    def release(self, *, deadline_s: float | None = None) -> Fault | None:
        """Return why none of the words since the last release counts; None: they are proved."""
        self.asks_again = False
        if not self._holding:
            return None
        faults: list[Fault] = []
        is_again = True
        for unit in self._holding:
            known = self._units[unit]
            rounds = known.words_alone
            fault = self._prove_behind(unit, known, deadline_s)
            known.held = 0
            known.is_spoilt = False
            if fault is not None:
                faults.append(fault)
                is_again &= known.words_alone > rounds and known.asks_again(time.monotonic())
        self._holding.clear()
        self.asks_again = is_again and bool(faults)
        return faults[-1] if faults else None

    def _hold(self, unit: int, known: UnitStep) -> None:
        known.held += 1
        if unit not in self._holding:
            self._holding.append(unit)

    def _prove_behind(self, unit: int, known: UnitStep, deadline_s: float | None) -> Fault | None:
        """Return why what a unit said since its last proof is not believed."""
        self._weigh_odd(unit, known)
        if self._is_spoilt(known):
            return _UNASKED
        if not known.held or known.is_without_proofs(time.monotonic()):
            return None
        proof = next(self._probes(unit, None), None)
        if proof is None:
            return _UNPROVABLE if known.is_caught(time.monotonic()) else None
        fault = self._probe(known, proof, shape_of(unit, known.asked[-1]), deadline_s)
        if fault is not None:
            return None if known.is_mute(time.monotonic()) else fault
        return _UNASKED if self._is_spoilt(known) else None

    @staticmethod
    def _is_spoilt(known: UnitStep) -> bool:
        """Return whether something was heard that nobody asked; a probe may change it."""
        return known.is_spoilt

    def _settle_debts(
        self, known: UnitStep, shape: Shape, block: Span, deadline_s: float | None
    ) -> Fault | None:
        """Send probes until no earlier answer can be taken for that of `block`."""
        if self._session.exchange.is_ambiguous(shape):
            self._session.exchange.catch_up()
        for place in range(MOST_PROBES):
            if self._odd:
                self._weigh_odd(shape.unit, known)
            if known.is_spoilt:
                return _UNASKED
            if not self._must_probe(known, block, shape, is_first=place == 0):
                return None
            probe = next(self._probes(shape.unit, block), None)
            if probe is None:
                return self._unproved(known, shape)
            fault = self._probe(known, probe, shape, deadline_s)
            if fault is not None:
                return fault
        return self._unproved(known, shape)

    def _unproved(self, known: UnitStep, shape: Shape) -> Fault | None:
        """Return why a block is not asked that no further probe can prove; None: it is asked."""
        if known.must_prove and known.is_caught(time.monotonic()):
            return _UNPROVABLE
        if not self._session.exchange.is_ambiguous(shape):
            return None
        detail = "an earlier request may still be answered, and no probe is left; wait"
        return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=detail)

    def _must_probe(self, known: UnitStep, block: Span, shape: Shape, *, is_first: bool) -> bool:
        """Return whether something must be proved first; what is only old waits for its share."""
        now_s = time.monotonic()
        doubt = known.doubt(block, shape, now_s)
        is_in_share = not known.asked or now_s >= self._next_proof_s
        if doubt is Doubt.FOREIGN or (doubt is Doubt.OLD and is_in_share and is_first):
            return True
        return self._session.exchange.is_ambiguous(shape)

    def _probe(
        self, known: UnitStep, probe: Span, wanted: Shape, deadline_s: float | None
    ) -> Fault | None:
        """Return what a probe brought instead of a proof.

        A refusal proves as well as words do, but for those of a gateway that speaks for a unit.
        """
        self.counts.probes += 1
        begun_s = time.monotonic()
        shape = shape_of(wanted.unit, probe)
        is_sound = known.is_sound(shape)
        answer = self._sent(known, shape, probe, deadline_s)
        if isinstance(answer, Fault) and answer.exception == BUSY:
            time.sleep(BUSY_PAUSE_S)
            answer = self._sent(known, shape, probe, deadline_s)
        now_s = time.monotonic()
        self._next_proof_s = now_s + (now_s - begun_s) / PROBE_SHARE
        if not isinstance(answer, Fault):
            known.note_words(probe)
        elif answer.kind is FaultKind.LINK_DOWN:
            return owing(answer)
        elif answer.kind is not FaultKind.EXCEPTION or answer.exception in {*UNREACHABLE, BUSY}:
            instead = self._session.exchange.heard_instead
            known.note_no_proof(probe, wanted, instead, now_s=now_s)
            return owing(answer)
        self._session.exchange.weigh_rest()
        self._weigh_odd(wanted.unit, known)
        if known.is_spoilt or known.note_proof(probe, now_s, is_sound=is_sound):
            return None
        return _UNPROVABLE

    def _weigh_odd(self, unit: int, known: UnitStep) -> None:
        """Take notice of what a unit said that nobody asked."""
        if unit in self._odd:
            self._odd.discard(unit)
            known.distrust(time.monotonic())

    def _probes(self, unit: int, block: Span | None) -> Iterator[Span]:
        """Return reads whose answer can be told from every earlier one."""
        known = self._unit(unit)
        is_caught = known.is_caught(time.monotonic())
        for span in known.proofs(unit, block):
            shape = shape_of(unit, span)
            is_vain = is_caught and known.was_just_asked(shape)
            if not is_vain and not self._session.exchange.is_ambiguous(shape):
                yield span

    def _unit(self, unit: int) -> UnitStep:
        known = self._units.get(unit)
        if known is None:
            known = self._units[unit] = UnitStep()
        return known

    def _sent(self, known: UnitStep, shape: Shape, block: Span, deadline_s: float | None) -> Answer:
        answer = self._session.read(shape.unit, block, shape, deadline_s)
        if isinstance(answer, Fault):
            if answer.kind is FaultKind.LINK_DOWN:
                return answer
            if answer.kind is FaultKind.MISMATCH and self._session.exchange.heard_instead:
                known.distrust(time.monotonic())
        if known.note(block, answer, opening=self.counts.opens):
            self._hold(shape.unit, known)
        return answer
