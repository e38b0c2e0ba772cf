"""Decides which group of the outbox is passed over: one that is answered badly delays no other.

A server that answers 5xx to one body, or a filter before it that answers in its place, says nothing
about the others. Such a group is sent by itself, passed over for a while and tried again; what is
behind it about the same order waits with it, all else goes.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from field_app.store import outgoing_store, passed_over_store
from field_app.store.outgoing_store import Outgoing
from field_app.sync.reasons import Reason, SyncProblem, wait_after
from wire_contracts.clock import Clock
from wire_contracts.frames import ms_from_utc

Choose = Callable[[Connection], Sequence[Outgoing]]
"""Returns what of the outbox is sent next."""

OF_ONE: Final = frozenset({Reason.SERVER, Reason.CAPTIVE_PORTAL})
"""What may be wrong with one body alone, where the pull of the same contact was answered."""

_CONTACTS: Final = 2
"""Contacts in a row that end so before groups are sent by themselves."""

ENOUGH: Final = 3
"""Groups in a row that are not answered well: the others wait for the next contact."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Passing:
    """What is known from one contact to the next; a new process learns it in two contacts."""

    clock: Clock
    failed_contacts: int = 0
    tries: int = 0
    tried_ms: int = 0
    turn_no: int = 0
    tried_in: dict[str, int] = field(default_factory=dict)

    def is_due(self) -> bool:
        """Return whether what is passed over is tried again: after the wait of any failure."""
        passed_s = (ms_from_utc(self.clock.now_utc()) - self.tried_ms) / 1000
        if self.tries == 0 or passed_s < 0:  # the clock was set back
            return True
        rest_s = wait_after(Reason.SERVER, self.tries) - self.clock.wall_seconds(passed_s)
        return rest_s <= 0 or self.clock.wall_seconds(1.0) <= 0

    def note_try(self) -> None:
        """Keep that it was tried just now."""
        self.tries += 1
        self.tried_ms = ms_from_utc(self.clock.now_utc())


class Turn:
    """One push: what it chooses, and what it does with an answer that is none.

    Attributes:
        is_answered: Whether the server has answered a push of this turn.
        has_enough: Whether too many in a row were answered badly to believe that it is them.
    """

    def __init__(self, passing: Passing, *, are_steps_held: bool, may_pass: bool) -> None:
        """Begin a push; without `may_pass` nobody knows whether the server answers at all."""
        self._passing = passing
        self._are_steps_held = are_steps_held
        self._may_pass = may_pass
        self._suspects: set[str] = set()
        self._passed: frozenset[str] = frozenset()
        self._failed = 0
        self._in_a_row = 0
        self._is_due: bool | None = None
        self.is_answered = False
        self.has_enough = False
        passing.turn_no += 1

    def choose_first(self, connection: Connection) -> Sequence[Outgoing]:
        """Return what opens a contact."""
        if self._are_steps_held:
            return self._choose(outgoing_store.next_without_steps, connection)
        return self._choose(outgoing_store.first_batch, connection)

    def choose_next(self, connection: Connection) -> Sequence[Outgoing]:
        """Return what follows."""
        if self._are_steps_held:
            return self._choose(outgoing_store.next_without_steps, connection)
        return self._choose(outgoing_store.next_batch, connection)

    def take(self, operations: Sequence[Outgoing], problem: SyncProblem) -> bool:
        """Note how a batch was answered; return whether the trouble may be of one group alone."""
        if not self._may_pass or problem.reason not in OF_ONE:
            return False
        if self._failed == 0:
            self._passing.failed_contacts += 1
        self._failed += 1
        _log.warning("%d operations are answered badly: %s", len(operations), problem.detail)
        return bool(self._passed) or self._passing.failed_contacts >= _CONTACTS

    def pass_over(self, operations: Sequence[Outgoing], connection: Connection) -> None:
        """Pass over a group that was sent by itself; of several each is sent so from here on."""
        groups = {each.group for each in operations}
        if len(groups) > 1:
            self._suspects |= groups
            return
        group = operations[0].group
        passed = passed_over_store.load(connection)
        is_new = group not in passed
        if is_new:
            passed_over_store.save(connection, passed | groups)
        if self._is_due is None:
            self._is_due = False  # one that has just failed is not tried again at once
            self._passing.note_try()
        self._passing.tried_in[group] = self._passing.turn_no
        self._in_a_row += 1
        self.has_enough = is_new and self._in_a_row >= ENOUGH

    def note_answer(self) -> None:
        """Note that a batch was answered: the server is well."""
        self.is_answered = True
        self._in_a_row = 0

    def end(self, settled: int) -> None:
        """End a push that has nothing left to send; `settled` operations got their outcome."""
        if settled and self._failed == 0:
            self._passing.failed_contacts = 0

    # --- inside a transaction

    def _choose(self, ordinary: Choose, connection: Connection) -> Sequence[Outgoing]:
        passed = passed_over_store.load(connection)
        if passed:
            passed = passed_over_store.drop_gone(connection, passed)
        self._passed = passed
        if not passed:
            self._passing.tries = 0
            return self._by_itself(ordinary(connection))
        left = passed_over_store.find_left(connection, passed)
        held = self._are_steps_held
        batch = outgoing_store.next_past(connection, left.groups, are_steps_held=held)
        return self._by_itself(batch) or self._again(left.free, connection)

    def _by_itself(self, batch: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Return the first group alone where one of the batch is suspected."""
        if self._suspects and not self._suspects.isdisjoint(each.group for each in batch):
            return _first(batch)
        return batch

    def _again(self, free: Sequence[str], connection: Connection) -> Sequence[Outgoing]:
        """Return the passed-over group that was tried longest ago, if it is time."""
        if self._is_due is None:
            self._is_due = self._may_pass and self._passing.is_due()
            if self._is_due:
                self._passing.note_try()
        if not self._is_due or self._in_a_row >= ENOUGH:
            return ()
        tried_in = self._passing.tried_in
        for group in sorted(free, key=lambda each: tried_in.get(each, 0)):
            if tried_in.get(group, 0) == self._passing.turn_no:
                continue
            batch = outgoing_store.one_group(connection, group, are_steps_held=self._are_steps_held)
            if batch:
                return batch
        return ()


def first_group(choose: Choose, connection: Connection) -> Sequence[Outgoing]:
    """Return the first group of what `choose` chooses."""
    return _first(choose(connection))


def _first(batch: Sequence[Outgoing]) -> Sequence[Outgoing]:
    return [each for each in batch if each.group == batch[0].group]
