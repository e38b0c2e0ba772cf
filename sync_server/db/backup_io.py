"""Copies a SQLite database while it is in use, and puts a copy back under a new server epoch."""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
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


MakeReady = Callable[[Engine, Sequence[Path]], None]
"""Told of the copy, migrated and under its new epoch, and of the databases that stood here."""


def restore(database_url: str, copy: Path, make_ready: MakeReady | None = None) -> int:
    """Put a copy in the place of the database and return the new server epoch (RULINGS R1).

    The server must be stopped. Everything is done on a file beside the database; one rename then
    puts it in its place, so that a restore that is killed anywhere leaves the former database or
    the restored one, whole. Every former database stays beside it as `*.before-restore`, the next
    ones as `*.before-restore-2` and so on. Gateways and tablets see the new epoch and offer again
    what the copy does not know.

    Args:
        database_url: Whose file is replaced.
        copy: A file made by `back_up`.
        make_ready: What else must be done to the copy before it takes the place. It reads the
            former databases: the one that is replaced first (which may be missing or damaged), then
            those of earlier restores.

    Raises:
        BackupError: The copy is missing or not sound, or somebody works with the database;
            nothing was changed then.
    """
    target = sqlite_file(database_url)
    if not copy.is_file():
        raise BackupError(f"{copy}: file: does not exist; give a file made by `backup`")
    incoming = target.with_name(f"{target.name}.incoming")
    _copy_in(copy, incoming, target)
    _take_log_in(target)
    there = make_url(database_url).set(database=str(incoming))
    engine = open_engine(there.render_as_string(hide_password=False))
    try:
        migrate(engine)
        with engine.begin() as connection:
            epoch = draw_server_epoch(connection)
            note_restored(connection, datetime.now(tz=UTC))
        if make_ready is not None:
            make_ready(engine, (target, *_kept(target)))
    finally:
        engine.dispose()
    if not _take_log_in(incoming):
        raise BackupError(f"{incoming}: file: cannot be written; make room, or look at the disk")
    _sync_to_disk(incoming)
    _put_in_place(incoming, target, is_whole=_take_log_in(target))
    return epoch


def _copy_in(copy: Path, incoming: Path, target: Path) -> None:
    """Make `incoming` a sound copy that whoever may use the database may use."""
    for suffix in ("", *_BESIDE):  # what a restore that was killed left
        incoming.with_name(incoming.name + suffix).unlink(missing_ok=True)
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as source:
        _check_sound(source, copy)
        incoming.touch(0o600)
        if target.exists():
            former = target.stat()
            incoming.chmod(former.st_mode & 0o777)
            if os.geteuid() == 0:
                os.chown(incoming, former.st_uid, former.st_gid)
        with closing(sqlite3.connect(incoming)) as sink:
            source.backup(sink)


_BESIDE = ("-wal", "-journal", "-shm")
"""What SQLite keeps beside a database, by its name alone: with another file it is poison."""


def _take_log_in(database: Path) -> bool:
    """Return whether the file alone is the whole database now; False: it cannot be read.

    Raises:
        BackupError: Somebody has it open.
    """
    if not database.exists():
        return True
    try:
        with closing(sqlite3.connect(database, timeout=1.0)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return False
        raise BackupError(f"{database}: file: is in use; stop the server, then restore") from error
    except sqlite3.DatabaseError:
        return False
    return True


def _put_in_place(incoming: Path, target: Path, *, is_whole: bool) -> None:
    """Keep the former database under a name of its own, then replace it in one step.

    A database that cannot be read any more keeps its log under that name, too.
    """
    if target.exists():
        kept = _keep(target)
        for suffix in () if is_whole else _BESIDE:
            beside = target.with_name(target.name + suffix)
            if beside.exists():
                beside.rename(kept.with_name(kept.name + suffix))
    for suffix in _BESIDE:
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    incoming.replace(target)
    _sync_to_disk(target.parent)


def _keep(target: Path) -> Path:
    """Return the other name under which the database is kept from now on."""
    kept = target.with_name(_next_name(target))
    if kept.exists():
        return kept
    try:
        os.link(target, kept)
    except OSError:  # a file system without links
        unfinished = kept.with_name(f"{kept.name}.unfinished")
        shutil.copy2(target, unfinished)
        _sync_to_disk(unfinished)
        unfinished.rename(kept)
    _sync_to_disk(target.parent)
    return kept


def _kept(target: Path) -> list[Path]:
    """Return the databases that earlier restores replaced, the newest first."""
    found = [
        (int(match[1] or 1), each)
        for each in target.parent.iterdir()
        if (match := re.fullmatch(re.escape(target.name) + _KEPT, each.name))
    ]
    return [path for _, path in sorted(found, reverse=True)]


_KEPT = r"\.before-restore(?:-([0-9]+))?"


def _next_name(target: Path) -> str:
    """Return the first name behind all that are taken: nothing that is kept is overwritten."""
    first = f"{target.name}.before-restore"
    kept = _kept(target)
    if not kept:
        return first
    if kept[0].samefile(target):  # a restore was killed between the two names
        return kept[0].name
    last = int(kept[0].name.removeprefix(f"{first}-")) if kept[0].name != first else 1
    return f"{first}-{last + 1}"


def _check_sound(connection: sqlite3.Connection, place: Path) -> None:
    try:
        verdict: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise BackupError(f"{place}: file: is not sound ({verdict}); use another copy")


def _sync_to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
