"""The server's database in memory: founded once, copied in a moment, backed up and restored."""

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import StaticPool
from typing_extensions import override

from sync_server.db import engine_io
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import draw_server_epoch
from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.seeded_chance import Machines, pinned
from tests.sync_simulation.store_engines import begin_with
from tests.sync_simulation.town import Town, found_town_of_crews


class LastingConnection(sqlite3.Connection):
    """Closing it only ends the transaction: the database would be gone with the connection."""

    @override
    def close(self) -> None:
        if self.in_transaction:
            self.rollback()

    def close_for_ever(self) -> None:
        super().close()


@dataclass(slots=True)
class MemoryServer:
    """SQLite in memory with the real transactions; one connection, so nothing runs at once."""

    raw: LastingConnection
    engine: Engine = field(init=False)
    backup: bytes | None = None

    def __post_init__(self) -> None:
        self.engine = create_engine(
            "sqlite://", poolclass=StaticPool, creator=lambda: self.raw, hide_parameters=True
        )
        event.listen(self.engine, "connect", engine_io._prepare_sqlite)
        begin_with(self.engine, "BEGIN")  # nobody else is there to be locked out

    @property
    def has_backup(self) -> bool:
        return self.backup is not None

    def back_up(self) -> None:
        self.backup = self.raw.serialize()

    def fill(self, content: bytes) -> None:
        """Make the database that of the bytes.

        They are copied out of a database of their own: `deserialize` frees the schema that SQLite's
        json_each still points at (seen with 3.40), and the next statement with it ends the process.
        """
        with closing(sqlite3.connect(":memory:")) as source:
            source.deserialize(content)
            source.backup(self.raw)

    def restore(self) -> None:
        """Go back to the backup, as `sync-server restore` does: under a new epoch (R1)."""
        assert self.backup is not None
        self.fill(self.backup)
        with self.engine.begin() as connection:
            draw_server_epoch(connection)


def _empty() -> MemoryServer:
    raw = sqlite3.connect(":memory:", check_same_thread=False, factory=LastingConnection)
    return MemoryServer(raw)


def found_pinned(engine: Engine) -> Town:
    """Found the town on a migrated server, with the same ids at every founding."""
    with pinned(random.Random(0), Machines(HandClock())):
        return found_town_of_crews(engine)


@cache
def founded() -> tuple[bytes, Town]:
    """Return the bytes of a migrated, founded database, and who is on it."""
    server = _empty()
    migrate(server.engine)
    town = found_pinned(server.engine)
    content = server.raw.serialize()
    server.raw.close_for_ever()
    return content, town


@cache
def _lasting_server() -> MemoryServer:
    return _empty()


def memory_server() -> tuple[MemoryServer, Town]:
    """Return a founded server in memory, and who is on it; every call founds the same one anew.

    What is compiled belongs to the engine: one for all histories compiles a statement once.
    """
    content, town = founded()
    server = _lasting_server()
    server.fill(content)
    server.backup = None
    return server, town
