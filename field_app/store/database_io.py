"""Owns the tablet's file: opens it, migrates it, gives it one writer thread and short readers."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from field_app.store import reserve_io, settings_store
from field_app.store.connections_io import (
    Watch,
    copy_before,
    empty_log,
    is_damage,
    is_full,
    is_unreadable,
    make_private,
    open_reader_engine,
    open_writer_engine,
)
from field_app.store.log_end_io import commits_behind_the_end
from field_app.store.readable import unreadable
from field_app.store.salvage_io import finish_set_aside, set_aside
from field_app.store.schema_steps import STEPS, Step
from field_app.store.settings_store import Key

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LONGEST_DAMAGE: Final = 200


class StoreTooNewError(RuntimeError):
    """The file was written by a newer app; this one must not guess."""


class StoreFullError(RuntimeError):
    """There is no room for what was to be written; the file stays as it was before."""


class StoreDamagedError(RuntimeError):
    """SQLite cannot read the file; `open_database` sets it aside."""


class StoreUnreadableError(DatabaseError):
    """A page of the file cannot be read now; nothing was written. `Database.damage` says why."""


class StoreClosedError(RuntimeError):
    """Somebody wrote after the tablet was closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDatabase:
    """The database, and the damaged file that was set aside to open it, if any."""

    database: "Database"
    set_aside: Path | None


class Database:
    """The file with one writer thread; `write` returns only after the commit.

    Close it; everything that was queued before is written first.
    """

    def __init__(
        self, path: Path, *, steps: Sequence[Step] = STEPS, watch: Watch | None = None
    ) -> None:
        """Open, check and migrate the file, then start the writer; `watch` is told its statements.

        Raises:
            StoreTooNewError: A newer app wrote it.
            StoreDamagedError: SQLite cannot read it; see `open_database`.
        """
        self._path = path
        self._reserve = path.with_name(f"{path.name}-reserve")
        self._writer_engine = open_writer_engine(path, watch)
        self._reader_engine = open_reader_engine(path)
        self._jobs: queue.SimpleQueue[Callable[[Connection], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._has_room = True
        self._damage: str | None = None
        self._listeners: list[Callable[[], None]] = []
        try:
            _check(self._writer_engine)
            with self._writer_engine.connect() as connection:
                _check_what_was_seen(connection)
                _migrate(connection, path, steps)
                _check_words(connection)
        except BaseException as error:
            self._dispose()
            if isinstance(error, OperationalError) and is_unreadable(error):
                raise StoreDamagedError(str(error.orig)) from error
            raise
        self._thread = threading.Thread(target=self._run, name="tablet-writer", daemon=True)
        self._thread.start()

    @property
    def has_room(self) -> bool:
        """Return whether the last write found room on the disk."""
        return self._has_room

    @property
    def damage(self) -> str | None:
        """Return what a read or a write has found that the disk does not give as it was written.

        None while there was nothing, or since every page could be read again.
        """
        return self._damage

    def forget_damage(self) -> None:
        """Take back what was found: every page has been looked at, and all are well."""
        self._damage = None

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction on the writer thread; return its answer once committed.

        Whatever `work` raises rolls back everything it did and is raised here.

        Raises:
            StoreFullError: The disk is full; nothing of it was written, and it can be tried again.
            StoreUnreadableError: A page cannot be read; nothing of it was written.
        """
        return self.submit(work).result()

    def submit(self, work: Callable[[Connection], T]) -> "Future[T]":
        """Queue `work` for the writer; the future is done once it is committed.

        The work sees the context variables of whoever asked: under whose name it is kept.
        """
        future: Future[T] = Future()
        context = copy_context()

        def job(connection: Connection) -> None:
            try:
                with connection.begin():
                    settings_store.gather(connection)
                    answer = context.run(work, connection)
                    settings_store.write_gathered(connection)
            except BaseException as error:  # noqa: BLE001  # handed to whoever asked
                full = _full(error)
                self._has_room = full is None
                future.set_exception(full or self._unreadable(error) or error)
            else:
                self._has_room = True
                future.set_result(answer)

        self._enqueue(job)
        return future

    def _enqueue(self, job: Callable[[Connection], None]) -> None:
        with self._lock:
            if self._is_closed:
                message = "the tablet's store is closed; open it again before writing"
                raise StoreClosedError(message)
            self._jobs.put(job)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a short read-only connection that sees one consistent state.

        Raises:
            StoreUnreadableError: A page cannot be read.
        """
        try:
            with self._reader_engine.begin() as connection:
                return work(connection)
        except DatabaseError as error:
            unreadable = self._unreadable(error)
            if unreadable is None:
                raise
            raise unreadable from error

    def _unreadable(self, error: BaseException) -> StoreUnreadableError | None:
        """Note a damaged page and return the error of it, None when something else is wrong."""
        if not isinstance(error, DatabaseError) or not is_damage(error):
            return None
        if self._damage is None:
            self._damage = str(error.orig)[:_LONGEST_DAMAGE]
            _log.error("the tablet's file is damaged: %s", self._damage)
        unreadable = StoreUnreadableError(error.statement, error.params, error.orig or error)
        unreadable.__cause__ = error
        return unreadable

    def keep_reserve(self) -> None:
        """Hold some room of the disk back, where there is some to spare."""
        reserve_io.keep_reserve(self._reserve)

    def give_back_reserve(self) -> bool:
        """Return whether there was room held back; it is free now."""
        return reserve_io.give_back(self._reserve)

    def is_short_of_room(self) -> bool:
        """Return whether there is neither a reserve nor room for one."""
        return reserve_io.is_short(self._reserve)

    def tidy(self, *, patiently: bool = False) -> bool:
        """Bring everything from the log into the file and empty the log; return whether it worked.

        After a wipe no former page stays in the log. A reader that is under way puts it off;
        `patiently` waits for it as long as a write would. So does a disk that fails, which is
        `damage` from then on where it does not give what it has.
        """
        future: Future[bool] = Future()

        def job(connection: Connection) -> None:
            try:
                future.set_result(empty_log(connection, patiently=patiently))
            except DatabaseError as error:
                self._unreadable(error)
                _log.warning("the log is not emptied: %s", error.orig)
                future.set_result(False)
            except Exception as error:  # noqa: BLE001  # handed to whoever asked
                future.set_exception(error)

        self._enqueue(job)
        return future.result()

    def log_bytes(self) -> int:
        """Return how long the log is, 0 when there is none."""
        log = self._path.with_name(f"{self._path.name}-wal")
        return log.stat().st_size if log.exists() else 0

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` on the writer thread after every commit; return what ends that."""
        self._listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return end

    def close(self) -> None:
        """Write what is queued, stop the writer and close the file; twice is once."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._jobs.put(None)
        self._thread.join()
        self._dispose()

    def _dispose(self) -> None:
        self._reader_engine.dispose()
        self._writer_engine.dispose()

    def _run(self) -> None:
        with self._writer_engine.connect() as connection:
            while (job := self._jobs.get()) is not None:
                job(connection)
                self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:  # noqa: BLE001  # a broken screen must not stop the writer
                _log.exception("a listener failed after a commit; the writer goes on")


def open_database(path: Path, *, watch: Watch | None = None) -> OpenedDatabase:
    """Return the database; a damaged file is set aside and a fresh one takes its place.

    The caller salvages the crew's words out of the file set aside.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    former = finish_set_aside(path)
    try:
        _check_log(path)
        make_private(path)
        return OpenedDatabase(database=Database(path, watch=watch), set_aside=former)
    except StoreDamagedError:
        _log.exception("store damaged; it is set aside and the outbox is saved from it")
    aside = set_aside(path)
    make_private(path)
    return OpenedDatabase(database=Database(path, watch=watch), set_aside=aside)


def _full(error: BaseException) -> StoreFullError | None:
    """Return the error of a full disk, None when something else is wrong."""
    if not (isinstance(error, OperationalError) and is_full(error)):
        return None
    full = StoreFullError("the tablet's store: disk: is full; free some space, it is tried again")
    full.__cause__ = error
    return full


def _check_log(path: Path) -> None:
    lost = commits_behind_the_end(path)
    if lost:
        message = f"the log is damaged: {lost} commits stand behind its end"
        raise StoreDamagedError(message)


def _check(engine: Engine) -> None:
    try:
        with engine.connect() as connection, connection.begin():
            verdict = str(connection.exec_driver_sql("PRAGMA quick_check").scalar())
    except OperationalError:
        raise  # locked or full: the file itself is well; one with a bad sector is not
    except DatabaseError as error:
        verdict = str(error.orig)
    except UnicodeDecodeError as error:  # SQLite's own complaint quotes the damaged schema
        verdict = str(error)
    if verdict != "ok":
        message = f"quick_check: {verdict}"
        raise StoreDamagedError(message)


def _check_what_was_seen(connection: Connection) -> None:
    """Set aside what the weekly look found damaged, though a quick look finds nothing."""
    with connection.begin():
        known = "SELECT count(*) FROM sqlite_master WHERE name = 'setting'"
        if not connection.exec_driver_sql(known).scalar():
            return
        seen = settings_store.load_text(connection, Key.DAMAGE_SEEN)
    if seen is not None:
        message = f"integrity_check: {seen}"
        raise StoreDamagedError(message)


def _check_words(connection: Connection) -> None:
    """Find what quick_check does not look at: cells whose content is not what was written."""
    with connection.begin():
        problem = unreadable(connection)
    if problem is not None:
        raise StoreDamagedError(problem)


def _migrate(connection: Connection, path: Path, steps: Sequence[Step]) -> None:
    with connection.begin():
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > len(steps):
        message = (
            f"{path.name}: user_version: the file is of version {version}, this app knows"
            f" {len(steps)}; install the newer app, the file is left as it is"
        )
        raise StoreTooNewError(message)
    for number in range(version, len(steps)):
        try:
            _take_step(connection, path, number, steps[number])
        except OperationalError as error:
            if not is_full(error):
                raise
            raise StoreFullError(_no_room(path, number)) from error


def _take_step(connection: Connection, path: Path, number: int, step: Step) -> None:
    if number:
        copy_before(connection, path, number)
    with connection.begin():
        for statement in step:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version = {number + 1}")


def _no_room(path: Path, number: int) -> str:
    return (
        f"{path.name}: step {number + 1}: the disk is full; free"
        f" {path.stat().st_size * 2 // 1_000_000 + 1} MB and start again, nothing was changed"
    )
