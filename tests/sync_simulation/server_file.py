"""The server's database as a real file that begins anew, for processes that die."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from sync_server.db import engine_io
from sync_server.db.server_store import draw_server_epoch

Told = Callable[[str], None]


def unwatched(_statement: str) -> None:
    """Let a statement pass."""


@dataclass(slots=True)
class FileServer:
    """SQLite in WAL with the real PRAGMAs; `watch` is told every statement before it runs."""

    path: Path
    watch: Told = field(default=unwatched)
    engine: Engine = field(init=False)
    kept: bytes = b""
    backup: bytes = b""

    def __post_init__(self) -> None:
        self.engine = create_engine("sqlite://", poolclass=QueuePool, creator=self._connect)
        event.listen(self.engine, "connect", engine_io._prepare_sqlite)
        event.listen(self.engine, "begin", engine_io._begin_sqlite)
        watch_engine(self.engine, self._tell)

    def watch_with(self, told: Told) -> None:
        self.watch = told

    def _tell(self, statement: str) -> None:
        self.watch(statement)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, check_same_thread=False)

    @property
    def has_backup(self) -> bool:
        return bool(self.backup)

    def back_up(self) -> None:
        self.backup = self._whole()

    def restore(self) -> None:
        """Go back to the backup, as an administrator does: under a new epoch (R1)."""
        self._fill(self.backup)
        with self.engine.begin() as connection:
            draw_server_epoch(connection)

    def keep(self) -> None:
        """Let every later `begin_anew` go back to what is there now; nobody works on it."""
        self.kept = self._whole()

    def begin_anew(self) -> None:
        self._fill(self.kept)

    def _whole(self) -> bytes:
        self.engine.dispose()  # the last connection takes the log into the file
        return self.path.read_bytes()

    def _fill(self, content: bytes) -> None:
        self.engine.dispose()
        for end in ("-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        self.path.write_bytes(content)


def watch_engine(engine: Engine, told: Told) -> None:
    """Tell every statement of the engine before it runs, its COMMIT included."""
    event.listen(engine, "before_cursor_execute", lambda *given: told(str(given[2])))
    event.listen(engine, "commit", lambda _connection: told(COMMIT))


COMMIT = "COMMIT"
