"""The server's database as a real file that can be carried elsewhere, for processes that die."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from sync_server.db import engine_io


@dataclass(slots=True)
class FileServer:
    """SQLite in WAL with the real PRAGMAs; `watch` is told every statement before it runs."""

    path: Path
    watch: Callable[[str], None] = lambda _statement: None
    engine: Engine = field(init=False)
    has_backup: bool = False

    def __post_init__(self) -> None:
        self.engine = create_engine("sqlite://", poolclass=QueuePool, creator=self._connect)
        event.listen(self.engine, "connect", engine_io._prepare_sqlite)
        event.listen(self.engine, "begin", engine_io._begin_sqlite)
        event.listen(self.engine, "before_cursor_execute", lambda *told: self.watch(str(told[2])))
        event.listen(self.engine, "commit", lambda _connection: self.watch("COMMIT"))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, check_same_thread=False)

    def back_up(self) -> None:
        """Not needed where a process dies and its files stay."""

    def restore(self) -> None:
        """Not needed where a process dies and its files stay."""
