"""Owns one sync from beginning to end: pull, push, pull the echo; the verdict is kept in the file.

Nothing of it lives in memory alone: a process that is killed at any instant goes on from the file.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from field_app.clock_io import monotonic_s
from field_app.store import lease_store, sealed_sending_store, settings_store
from field_app.store.connections_io import is_damage
from field_app.store.database_io import Database, StoreFullError
from field_app.store.personal_rows import Keep, keep_nothing
from field_app.store.settings_store import Key
from field_app.sync import sync_store
from field_app.sync.pulling import pull_round
from field_app.sync.pushing import Pusher, RenewReplica
from field_app.sync.reasons import IDLE_WAIT_S, Reason, SyncProblem
from field_app.sync.turns_io import end_turn, is_others_turn
from field_app.sync.uploading import Uploader
from wire_contracts.clock import Clock
from wire_contracts.sync import SyncApi

LISTEN_WHILE_SENDING_S = 10.0
"""Wall seconds: while photos go out for minutes, an urgent order is heard of this soon. An idle
answer is some 300 bytes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncVerdict:
    """How one sync ended: NONE is well; `settled` operations got their outcome."""

    reason: Reason
    detail: str = ""
    settled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """Whether a contact began: `verdict` says why it did not."""

    verdict: SyncVerdict | None
    is_withdrawn: bool = False


def _nothing_begun(_connection: Connection) -> int:
    """Tell nothing: nobody knows what was begun."""
    return 0


def _nothing_older() -> int:
    """Send nothing: nobody carries sealed things."""
    return 0


_OF_PULLS: Final = frozenset({Reason.SERVER, Reason.DAMAGED})
"""What may be wrong with the office's rows alone: the crew's words go all the same."""

CONTACTS_THAT_STEPS_WAIT: Final = 20
"""Contacts in a row on which the server takes nothing that was sealed; after that something is
wrong there, and what the crew does now counts for more than the order of the steps."""

OTHERS_TURN_WAIT_S: Final = 5.0
"""Wall seconds until it is looked again whether another process still syncs the file."""


class SyncEngine:
    """The sync of one tablet; one caller at a time.

    Attributes:
        are_words_whole: Whether pull and push of the last contact were whole, whatever became of
            photos and of sealed things.
    """

    def __init__(
        self,
        database: Database,
        api: SyncApi,
        clock: Clock,
        renew_replica: RenewReplica,
        *,
        keep: Keep = keep_nothing,
    ) -> None:
        """Sync `database` with `api`; `keep` says what of personal rows may stay."""
        self._keep = keep
        self._database = database
        self._api = api
        self._clock = clock
        self._pusher = Pusher(database, api, clock, renew_replica)
        self._photos: Uploader | None = None
        self._send_older: Callable[[], int] = _nothing_older
        self._tell_begun: Callable[[Connection], int] = _nothing_begun
        self._refused_contacts = 0
        self._older: SyncProblem | None = None
        self._is_heard = False
        self.are_words_whole = False
        self._pulled_at_s = 0.0
        self._rests_until_s = 0.0

    def carry_photos(self, photos: Uploader) -> None:
        """Send photos, too, after everything else."""
        self._photos = photos

    def send_first(self, send: Callable[[], int]) -> None:
        """Send with `send`, before anything is pushed, what was left sealed by a withdrawal."""
        self._send_older = send

    def tell_begun(self, tell: Callable[[Connection], int]) -> None:
        """Let `tell` put down, once a contact's words are whole, what was begun at left orders.

        It returns how much: that goes at once, before photos.
        """
        self._tell_begun = tell

    def send_older(self) -> None:
        """Send what is older than the outbox; raise SyncProblem when no contact is to be had.

        A server that does not take it, what answers in its place though the pull of this contact
        was answered, or a page that cannot be read, keeps back no words and no call for help. Steps
        of orders wait a while: without the earlier ones they would be refused for good.
        """
        self._older = None
        try:
            self._send_older()
        except SyncProblem as problem:
            if problem.reason is not Reason.SERVER and not self._is_filtered(problem):
                raise
            if self._database.read(sealed_sending_store.is_any_waiting):
                self._wait_for_older(SyncProblem(Reason.SERVER, problem.detail))
        except DatabaseError as error:
            self._wait_for_older(self._damage_of(error))
        else:
            self._refused_contacts = 0

    def _is_filtered(self, problem: SyncProblem) -> bool:
        """Return whether a page of something in between is no captive portal: the pull came."""
        return self._is_heard and problem.reason is Reason.CAPTIVE_PORTAL

    def _wait_for_older(self, problem: SyncProblem) -> None:
        _log.warning("sealed things wait on: %s", problem.detail)
        self._refused_contacts += 1
        if self._refused_contacts <= CONTACTS_THAT_STEPS_WAIT:
            self._older = problem

    def push(self, *, may_pass: bool = True) -> int:
        """Send the outbox; return how many operations got their outcome; may raise SyncProblem.

        With `may_pass` the server was heard in this contact: one that it answers badly is passed.
        """
        return self._pusher.push_all(are_steps_held=self._older is not None, may_pass=may_pass)

    def seconds_until_due(self) -> float | None:
        """Return the wall seconds until the next sync is due, None while switched off.

        A file that does not say has one due: the words that it gives may go.
        """
        rest_s = self._rests_until_s - monotonic_s()
        if rest_s > 0:
            return rest_s
        try:
            status = self._database.read(sync_store.load_status)
        except DatabaseError as error:
            if not is_damage(error):
                raise
            return 0.0
        if status.is_switched_off:
            return None
        due_s = sync_store.seconds_until_due(status, self._clock)
        if due_s <= 0 and self._is_others_turn():
            return OTHERS_TURN_WAIT_S
        return due_s

    def sync(self) -> SyncVerdict:
        """Sync now, due or not; return how it ended. Never raises for want of contact or room.

        Nor for a damaged file. On a full disk the reserve is given back, and what waits goes out
        before anything comes.
        """
        try:
            return self._sync(is_short=self._database.is_short_of_room())
        except StoreFullError as full:
            if not self._database.give_back_reserve():
                return self._without_room(full)
        try:
            self._pusher.queue_again()
            return self._sync(is_short=True)
        except StoreFullError as full:
            return self._without_room(full)

    def _sync(self, *, is_short: bool) -> SyncVerdict:
        self.are_words_whole = False
        try:
            return self._contact(is_short=is_short)
        except DatabaseError as error:
            return self.give_up_damaged(error)

    def _contact(self, *, is_short: bool) -> SyncVerdict:
        begun = self._database.write(self._begin)
        if begun.verdict is not None:
            return begun.verdict
        try:
            settled = self._converse(is_withdrawn=begun.is_withdrawn, is_short=is_short)
            if self._older is not None:
                raise self._older
        except SyncProblem as problem:
            return self._give_up(problem)
        self._database.write(lambda connection: self._end(connection, None))
        return SyncVerdict(reason=Reason.NONE, settled=settled)

    def give_up_damaged(self, error: DatabaseError) -> SyncVerdict:
        """Return how a contact ended that came upon a damaged page, and keep it where it can be.

        Raises:
            DatabaseError: It is no damage.
        """
        problem = self._damage_of(error)
        with suppress(DatabaseError, StoreFullError):
            return self._give_up(problem)
        self._rest()
        return SyncVerdict(reason=problem.reason, detail=problem.detail)

    def _rest(self) -> None:
        """Wait a while before the next try: the file cannot keep when that is."""
        self._rests_until_s = monotonic_s() + IDLE_WAIT_S

    def _give_up(self, problem: SyncProblem) -> SyncVerdict:
        self._database.write(lambda connection: self._end(connection, problem))
        _log.info("no contact: %s: %s", problem.reason, problem.detail)
        return SyncVerdict(reason=problem.reason, detail=problem.detail)

    def _damage_of(self, error: DatabaseError) -> SyncProblem:
        """Return what is said of a file that cannot be read; the next start sets it aside.

        Raises:
            DatabaseError: It is no damage.
        """
        if not is_damage(error):
            raise error
        text = str(error.orig)
        with suppress(DatabaseError, StoreFullError):  # quick_check at the next start sees it, too
            self._database.write(
                lambda connection: settings_store.save(connection, Key.DAMAGE_SEEN, text[:200])
            )
        return SyncProblem(Reason.DAMAGED, text)

    def _without_room(self, full: StoreFullError) -> SyncVerdict:
        """Say that there is no room, in the file too if that one line fits in."""
        problem = SyncProblem(Reason.NO_ROOM, str(full))
        try:
            self._pusher.queue_again()
            self._database.write(lambda connection: self._end(connection, problem))
        except (StoreFullError, DatabaseError):
            self._rest()
        _log.warning("no contact: %s: %s", problem.reason, problem.detail)
        return SyncVerdict(reason=problem.reason, detail=problem.detail)

    def _begin(self, connection: Connection) -> _Begun:
        if sync_store.is_switched_off(connection):
            return _Begun(verdict=SyncVerdict(reason=Reason.SWITCHED_OFF))
        if not sync_store.begin_contact(connection, self._clock):
            reason = sync_store.load_reason(connection)
            detail = "another process syncs this file now"
            return _Begun(verdict=SyncVerdict(reason=reason, detail=detail))
        return _Begun(verdict=None, is_withdrawn=lease_store.is_withdrawn(connection))

    def _end(self, connection: Connection, problem: SyncProblem | None) -> None:
        end_turn(connection)
        if problem is None:
            sync_store.note_success(connection, self._clock)
        else:
            sync_store.note_failure(connection, self._clock, problem)

    def _is_others_turn(self) -> bool:
        return self._database.read(lambda connection: is_others_turn(connection, self._clock))

    def _converse(self, *, is_withdrawn: bool, is_short: bool) -> int:
        if is_withdrawn:
            raise SyncProblem(Reason.WITHDRAWN, "withdrawn: a new enrolment lets this tablet in")
        if is_short:
            settled = self._pusher.push_all(may_pass=False)
            detail = f"the disk is full; {settled} operations were sent, nothing new is taken"
            raise SyncProblem(Reason.NO_ROOM, detail)
        broken_pull: SyncProblem | None = None
        self._is_heard = False
        try:
            self._pull()
            self._is_heard = True
        except SyncProblem as problem:
            if problem.reason not in _OF_PULLS:
                raise
            broken_pull = problem  # a page we cannot take must not keep the crew's words here
        self.send_older()
        settled = self.push(may_pass=broken_pull is None)
        if broken_pull is not None:
            raise broken_pull
        if settled:
            self._pull()
        self._tell_orders()
        settled += self._push_begun()
        self.are_words_whole = True
        if self._photos is not None:
            self._photos.send_all(self._meanwhile)
        return settled

    def _tell_orders(self) -> None:
        """Tell a restored server of orders it does not know; what it answers keeps back nothing."""
        self._pusher.tell_orders()

    def _push_begun(self) -> int:
        """Send what was begun at orders that left; return how much of it got its outcome."""
        if not self._database.write(self._tell_begun):
            return 0
        settled = self.push()
        self._pull()
        return settled

    def _pull(self) -> None:
        try:
            pull_round(self._database, self._api, self._clock, self._keep)
        except DatabaseError as error:
            raise self._damage_of(error) from error
        self._pulled_at_s = monotonic_s()

    def _meanwhile(self) -> None:
        """Between two pieces of a photo: taps go out, and the office is heard."""
        settled = self.push()
        if settled or monotonic_s() - self._pulled_at_s > LISTEN_WHILE_SENDING_S:
            self._pull()
