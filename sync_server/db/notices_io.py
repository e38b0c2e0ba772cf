"""Tells the processes of a PostgreSQL site that the feed has grown, at the moment of the commit."""

import threading
from collections.abc import Callable

import psycopg
import structlog
from sqlalchemy import Connection, Engine
from structlog.typing import FilteringBoundLogger

FEED_CHANNEL = "lamplighter_feed"

_LISTEN_S = 0.5
"""Wall seconds after which a listener looks whether it is still wanted."""

_AGAIN_S = 1.0
_LOG: FilteringBoundLogger = structlog.get_logger()


def tell(connection: Connection, channel: str) -> None:
    """Let every listener know once the caller's transaction is committed; SQLite has none."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_notify(%s, '')", (channel,))


class Listener:
    """Hears one channel on a connection of its own, in a thread of its own."""

    def __init__(self, engine: Engine, channel: str, heard: Callable[[], None]) -> None:
        """Take the database and what to call; `start` begins to listen."""
        self._url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._channel = channel
        self._heard = heard
        self._stop = threading.Event()
        self._is_listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    @property
    def is_listening(self) -> bool:
        """Whether what is told now will be heard."""
        return self._is_listening.is_set()

    def start(self) -> None:
        """Begin to listen, in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening; waits for the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                _LOG.warning("notices.lost", channel=self._channel, error=str(error)[:200])
            self._is_listening.clear()
            self._heard()
            self._stop.wait(_AGAIN_S)

    def _listen(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"LISTEN {self._channel}".encode())
            self._is_listening.set()
            self._heard()
            while not self._stop.is_set():
                for _notice in connection.notifies(timeout=_LISTEN_S, stop_after=1):
                    self._heard()
