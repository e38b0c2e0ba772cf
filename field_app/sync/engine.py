"""Owns one sync from beginning to end: pull, push, pull the echo; the verdict is kept in the file.

Nothing of it lives in memory alone: a process that is killed at any instant goes on from the file.
"""

import logging
from dataclasses import dataclass

from field_app.store.database_io import Database
from field_app.store.personal_rows import Keep, keep_nothing
from field_app.sync import sync_store
from field_app.sync.pulling import pull_round
from field_app.sync.pushing import Pusher, RenewReplica
from field_app.sync.reasons import Reason, SyncProblem
from wire_contracts.clock import Clock
from wire_contracts.sync import SyncApi

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncVerdict:
    """How one sync ended: NONE is well; `settled` operations got their outcome."""

    reason: Reason
    detail: str = ""
    settled: int = 0


class SyncEngine:
    """The sync of one tablet; one caller at a time."""

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

    def seconds_until_due(self) -> float | None:
        """Return the wall seconds until the next sync is due, None while switched off."""
        status = self._database.read(sync_store.load_status)
        if status.is_switched_off:
            return None
        return sync_store.seconds_until_due(status, self._clock)

    def sync(self) -> SyncVerdict:
        """Sync now, due or not; return how it ended. Never raises for want of contact."""
        status = self._database.read(sync_store.load_status)
        if status.is_switched_off:
            return SyncVerdict(reason=Reason.SWITCHED_OFF)
        try:
            settled = self._converse()
        except SyncProblem as problem:
            caught = problem
            self._database.write(
                lambda connection: sync_store.note_failure(connection, self._clock, caught)
            )
            _log.info("no contact: %s: %s", problem.reason, problem.detail)
            return SyncVerdict(reason=problem.reason, detail=problem.detail)
        self._database.write(lambda connection: sync_store.note_success(connection, self._clock))
        return SyncVerdict(reason=Reason.NONE, settled=settled)

    def _converse(self) -> int:
        broken_pull: SyncProblem | None = None
        try:
            pull_round(self._database, self._api, self._clock, self._keep)
        except SyncProblem as problem:
            if problem.reason is not Reason.SERVER:
                raise
            broken_pull = problem  # a page we cannot take must not keep the crew's words here
        settled = self._pusher.push_all()
        if broken_pull is not None:
            raise broken_pull
        if settled:
            pull_round(self._database, self._api, self._clock, self._keep)
        return settled
