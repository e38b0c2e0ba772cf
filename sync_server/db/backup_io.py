"""Copies a SQLite database while it is in use, and puts a copy back under a new server epoch."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import draw_server_epoch, note_restored


class BackupError(RuntimeError):
    """A copy that could not be made or put back; the text reads `place: field: problem; remedy`."""


def sqlite_file(database_url: str) -> Path:
    """Return the file of a SQLite URL; raise BackupError for another database."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupError(
            f"database: url: {url.get_backend_name()!r} is not a SQLite file; "
            "use pg_dump and pg_restore for PostgreSQL, then `sync-server new-epoch`"
        )
    return Path(url.database)


def back_up(database_url: str, target: Path) -> None:
    """Write a consistent, checked copy of the database; ingest goes on meanwhile.

    Raises:
        BackupError: The database or the target cannot be used, or the copy is not sound.
    """
    source = sqlite_file(database_url)
    if not source.is_file():
        raise BackupError(f"{source}: file: does not exist; start the server once, or correct url")
    if target.exists():
        raise BackupError(f"{target}: file: exists already; choose another name")
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        unfinished.touch(0o600)
    except OSError as error:
        raise BackupError(
            f"{target.parent}: folder: cannot be written ({error.strerror}); name another folder"
        ) from error
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(unfinished)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").close()
        _check_sound(copy, unfinished)
    _sync_to_disk(unfinished)
    unfinished.rename(target)


def former_file(database_url: str) -> Path:
    """Return where `restore` leaves the database that it replaces."""
    target = sqlite_file(database_url)
    return target.with_name(f"{target.name}.before-restore")


def restore(database_url: str, copy: Path) -> int:
    """Put a copy in the place of the database and return the new server epoch (RULINGS R1).

    The server must be stopped. The former files stay beside it as `*.before-restore`. Gateways
    and tablets see the new epoch and offer again what the copy does not know.

    Raises:
        BackupError: The copy is missing or not sound; nothing was changed then.
    """
    target = sqlite_file(database_url)
    if not copy.is_file():
        raise BackupError(f"{copy}: file: does not exist; give a file made by `backup`")
    incoming = target.with_name(f"{target.name}.incoming")
    incoming.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as source:
        _check_sound(source, copy)
        with closing(sqlite3.connect(incoming)) as sink:
            source.backup(sink)
    _sync_to_disk(incoming)
    for suffix in ("", "-wal", "-shm"):
        former, kept = target.with_name(target.name + suffix), former_file(database_url)
        kept = kept.with_name(kept.name + suffix)
        kept.unlink(missing_ok=True)  # a log of an earlier restore fits no other file
        if former.exists():
            former.rename(kept)
    incoming.rename(target)
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        epoch = draw_server_epoch(connection)
        note_restored(connection, datetime.now(tz=UTC))
    engine.dispose()
    return epoch


def _check_sound(connection: sqlite3.Connection, place: Path) -> None:
    try:
        verdict: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise BackupError(f"{place}: file: is not sound ({verdict}); use another copy")


def _sync_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
