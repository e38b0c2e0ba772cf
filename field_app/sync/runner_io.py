"""Owns the background thread that runs the sync whenever it is due."""

import logging
import threading
from typing import Final, Protocol

from field_app.store.database_io import Database
from field_app.sync.engine import SyncVerdict
from field_app.sync.reasons import LONGEST_WAIT_S

_log = logging.getLogger(__name__)

_LONGEST_NAP_S: Final = 30.0
"""The due time is read from the file at least this often: another process may have changed it."""


class Syncs(Protocol):
    """What can be synced: the tablet, whose engine changes with its enrolment."""

    def seconds_until_due(self) -> float | None:
        """Return the wall seconds until the next sync, None while nothing can be due."""
        ...

    def sync(self) -> SyncVerdict:
        """Sync now."""
        ...


class SyncRunner:
    """One thread; `close` waits for the contact under way (at most its time-outs)."""

    def __init__(self, database: Database, engine: Syncs) -> None:
        """Prepare the thread; `start` starts it."""
        self._engine = engine
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._is_syncing = threading.Event()
        self._end_subscription = database.subscribe(self._wake.set)
        self._thread = threading.Thread(target=self._run, name="tablet-sync", daemon=True)

    @property
    def is_syncing(self) -> bool:
        """Return whether a contact is under way."""
        return self._is_syncing.is_set()

    def start(self) -> None:
        """Begin to sync whenever it is due."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the contact under way."""
        self._stop.set()
        self._wake.set()
        self._end_subscription()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if not self._step():
                return

    def _step(self) -> bool:
        try:
            wait_s = self._engine.seconds_until_due()
            if wait_s is not None and wait_s <= 0:
                self._is_syncing.set()
                self._engine.sync()
                return True
        except Exception:  # noqa: BLE001  # one failed sync must not end all later ones
            _log.exception("sync failed for a reason of this tablet; it is tried again")
            wait_s = LONGEST_WAIT_S
        finally:
            self._is_syncing.clear()
        self._wake.wait(_LONGEST_NAP_S if wait_s is None else min(wait_s, _LONGEST_NAP_S))
        return not self._stop.is_set()
