"""Owns the thread that listens for pokes: a priority order arrives in seconds, not by polling.

A poke carries nothing; it makes the next contact due, and the sync does what it always does. What
goes wrong here is waited out: polling alone is enough for everything else.
"""

import logging
import threading
from collections.abc import Callable

from field_app.store import settings_store
from field_app.store.database_io import Database
from field_app.sync.client_io import HttpStream
from field_app.sync.reasons import Reason, SyncProblem, wait_after
from wire_contracts.errors import ContractError
from wire_contracts.pokes import PokeReader

_log = logging.getLogger(__name__)

_NOT_WANTED_WAIT_S = 5.0
"""Wall seconds until it is asked again whether somebody wants to listen."""

OpenStream = Callable[[], HttpStream | None]
"""Opens the stream; None while there is nobody to ask, or no contact."""


class PokeListener:
    """One thread; it wakes the sync through the file, as a tap does."""

    def __init__(self, database: Database, open_stream: OpenStream) -> None:
        """Prepare the thread; `start` starts it."""
        self._database = database
        self._open_stream = open_stream
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._stream: HttpStream | None = None
        self._seq = -1
        self._failed_tries = 0
        self._thread = threading.Thread(target=self._run, name="tablet-poke", daemon=True)

    @property
    def is_listening(self) -> bool:
        """Return whether a stream is open."""
        return self._stream is not None

    def start(self) -> None:
        """Begin to listen whenever there is contact."""
        self._thread.start()

    def hang_up(self) -> None:
        """End the stream that is open, if any: who listens, or where, has changed."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()

    def close(self) -> None:
        """Stop listening at once."""
        self._stop.set()
        self.hang_up()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                wait_s = self._listen()
            except SyncProblem as problem:
                wait_s = self._after(problem.reason, problem.detail)
            except ContractError as error:
                wait_s = self._after(Reason.CAPTIVE_PORTAL, str(error))
            except Exception:  # noqa: BLE001  # one broken stream must not end all later ones
                _log.exception("listening failed for a reason of this tablet; polling goes on")
                wait_s = self._after(Reason.SERVER, "")
            self._stop.wait(wait_s)

    def _listen(self) -> float:
        """Take pokes until the stream ends; return how long to wait before the next."""
        stream = self._open_stream()
        if stream is None:
            return _NOT_WANTED_WAIT_S
        with self._lock:
            self._stream = stream
        try:
            if not self._stop.is_set():
                self._take(stream)
        finally:
            with self._lock:
                self._stream = None
            stream.close()
        return self._after(Reason.NO_NETWORK, "the stream ended")

    def _take(self, stream: HttpStream) -> None:
        reader = PokeReader()
        self._seq = -1  # a restored server may count up to the same number again
        for piece in stream.pieces():
            self._failed_tries = 0
            for poke in reader.feed(piece):
                if poke.seq != self._seq:
                    self._seq = poke.seq
                    self._database.write(settings_store.ask_contact)

    def _after(self, reason: Reason, detail: str) -> float:
        self._failed_tries += 1
        _log.info("not listening: %s: %s", reason, detail)
        return wait_after(reason, self._failed_tries)
