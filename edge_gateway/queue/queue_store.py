"""The durable queue of a gateway: the present file, and what is left of damaged ones.

A damaged file is renamed, never deleted, and a new one begins, because readings of tomorrow must
not wait for a repair. What it still holds is offered on under its own epoch (RULINGS R3).
"""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import QueueConfig
from edge_gateway.queue.claims_io import Claim, read_claim, write_claim
from edge_gateway.queue.doubts import Doubt, Remembered, doubt_of
from edge_gateway.queue.epoch_store import EVERYTHING, EpochStore, open_store
from edge_gateway.queue.given_io import Given, read_given
from edge_gateway.queue.queue_file_io import (
    SCHEMA_VERSION,
    QueueError,
    is_damage,
    remove,
    rename,
)
from edge_gateway.queue.queued import AckEffect, Cursor, HeldFrame, QueueFigures, StoredFrame
from edge_gateway.queue.remains_io import look_at
from edge_gateway.queue.rows_store import FrameRows, figures_of
from edge_gateway.queue.salvage_io import Salvaged, epoch_file, salvage
from edge_gateway.queue.seq_ranges import Ranges
from wire_contracts.acks import Ack
from wire_contracts.frames import Frame, TimeQuality

T = TypeVar("T")

_NOT_READ_OUT = ".todo"
"""Ends the name of a mark beside a damaged file that has not been read out yet."""

_PUT_AT_ONCE = 500
_LOG: FilteringBoundLogger = structlog.get_logger()


class QueueStore:
    """Every frame of one gateway; safe to use from several threads."""

    def __init__(self, path: Path, config: QueueConfig, now_utc: datetime) -> None:
        """Open the files; `open_queue` does it for you."""
        self._path = path
        self._config = config
        self._named_at_utc = now_utc
        self._changing = threading.RLock()
        self._older: list[EpochStore] = []
        self._notices: list[str] = []
        self._aside: Path | None = None
        self._put_off: set[Path] = set()
        self._current = self._open()
        self._open_older()
        self._read_out_damaged()
        self._open_older()

    @property
    def epoch(self) -> int:
        """The epoch that new frames get their numbers in."""
        return self._current.epoch

    @property
    def aside(self) -> Path | None:
        """Where the last damaged file was set aside, None when none was."""
        return self._aside

    def stores(self) -> Sequence[EpochStore]:
        """Return the files in the order in which they are served: the present one first."""
        with self._changing:
            return [self._current, *self._older]

    def take_notices(self) -> Sequence[str]:
        """Return, once, what became of damaged files, for people."""
        with self._changing:
            notices, self._notices = self._notices, []
        return notices

    def adopt(self, config: QueueConfig) -> None:
        """Keep to other bounds from the next commit on; nothing in the files changes."""
        with self._changing:
            self._config = config
            for store in self.stores():
                store.adopt(config)

    def put(self, frames: Iterable[Frame | HeldFrame], never_written: int = 0) -> Sequence[int]:
        """Return the seqs given to the frames, which are on disk when this returns.

        See `EpochStore.put`. A file that turns out to be damaged is replaced first.
        """
        batch = tuple(frames)
        return self._guarded(lambda store: store.put(batch, never_written))

    def open_after(self, seq: int, limit: int) -> Sequence[StoredFrame]:
        """Return open frames of the present epoch above `seq`, ascending, at most `limit`."""
        return self._guarded(lambda store: store.open_after(seq, limit))

    def open_among(self, seqs: Sequence[int]) -> Sequence[StoredFrame]:
        """Return those of the frames of the present epoch that are still open, ascending."""
        return self._guarded(lambda store: store.open_among(seqs))

    def read_after(self, seq: int, limit: int) -> Sequence[StoredFrame]:
        """Return frames of the present epoch above `seq`, open or kept; no gap records.

        A second reader begins at 0 again when `epoch` has changed. See `EpochStore.read_after`.
        """
        return self._guarded(lambda store: store.read_after(seq, limit))

    def cursor(self, name: str) -> Cursor:
        """Return how far a second reader has come; a new one begins behind the newest frame."""
        return self._guarded(lambda store: store.cursor(name))

    def move_cursor(self, name: str, seq: int) -> None:
        """Remember that a reader has everything up to `seq`; it never goes back."""
        self._guarded(lambda store: store.move_cursor(name, seq))

    def drop_cursor(self, name: str) -> None:
        """Forget a reader that is not there any more; nothing is kept for it."""
        self._guarded(lambda store: store.drop_cursor(name))

    def acknowledge(self, ack: Ack, now_utc: datetime, sent: Ranges = EVERYTHING) -> AckEffect:
        """Return what the server's word changed in the present epoch."""
        return self._guarded(lambda store: store.acknowledge(ack, now_utc, sent))

    def prune(self, now_utc: datetime, *, is_time_known: bool = True) -> int:
        """Return how many frames were forgotten; files of earlier epochs go when empty."""
        with self._changing:
            older = list(self._older)
        gone = self._guarded(lambda store: store.prune(now_utc, is_time_known=is_time_known))
        for store in older:
            gone += store.prune(now_utc, is_time_known=is_time_known)
            left = store.figures()
            holds = left.open_count or left.kept_count or left.aside_count
            if not (holds or store.needs_answer()):
                self._let_go(store)
        return gone

    def repair(self, boot_id: str, offset_ms: int, quality: TimeQuality) -> int:
        """Return how many frames of one start of the machine were dated, in all files."""
        return sum(store.repair(boot_id, offset_ms, quality) for store in self.stores())

    def oldest_open_ms(self) -> int | None:
        """Return when the oldest frame that waits was measured, in ms since 1970; None: none."""
        found = [store.oldest_open_ms() for store in self.stores()]
        return min((at_ms for at_ms in found if at_ms is not None), default=None)

    def newest_ms(self) -> int:
        """Return the newest trusted time that was ever stored, in ms since 1970; 0: none."""
        return max(store.newest_ms() for store in self.stores())

    def figures(self) -> QueueFigures:
        """Return how much all files hold; epoch and last number are the present file's."""
        first, *rest = [store.figures() for store in self.stores()]
        for each in rest:
            first = replace(
                first,
                open_count=first.open_count + each.open_count,
                open_bytes=first.open_bytes + each.open_bytes,
                kept_count=first.kept_count + each.kept_count,
                kept_bytes=first.kept_bytes + each.kept_bytes,
                held_count=first.held_count + each.held_count,
                aside_count=first.aside_count + each.aside_count,
            )
        return first

    def recover(self, error: sqlite3.DatabaseError) -> None:
        """Replace what is damaged; raise the error again when it says anything else."""
        if not is_damage(error):
            raise error
        with self._changing:
            for store in self.stores():
                if not store.is_sound():
                    self._replace(store)

    def flush(self) -> None:
        """Bring what the server has into the files now, not with the next change."""
        for store in self.stores():
            store.flush()

    def close(self) -> None:
        """Close the files; everything in them is already on disk."""
        with self._changing:
            for store in self.stores():
                store.close()

    def _guarded(self, work: Callable[[EpochStore], T]) -> T:
        """Do something with the present file; once more when it had to be replaced."""
        store = self._current
        try:
            return work(store)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            with self._changing:
                if self._current is store:
                    self._replace(store)
        return work(self._current)

    def _open(self) -> EpochStore:
        given = self._unaccounted()
        if self._path.is_dir():
            message = f"{self._path}: queue: is a folder; move it away"
            raise QueueError(message)
        known = None if given is None else _remembered(given)
        found = look_at(self._path)
        doubt = doubt_of(found, known)
        if doubt is None and found.epoch and epoch_file(self._path, found.epoch).exists():
            doubt = Doubt.OTHER  # an old copy: numbers of its epoch were given since
        store = None
        if doubt is None:
            store = open_store(self._path, self._config, is_noted=True)
            doubt = Doubt.DAMAGED
        if store is None:
            self._set_aside(self._path, doubt, _claim(given, doubt))
            store = open_store(self._path, self._config, is_noted=True)
        if store is None:
            message = f"{self._path}: queue: is damaged again at once; give it another disk"
            raise QueueError(message)
        return store

    def _replace(self, store: EpochStore) -> None:
        """Set a damaged file aside, go on with a new one, and read out the damaged one."""
        store.close()
        if store is self._current:
            given = self._unaccounted()
            self._set_aside(self._path, Doubt.DAMAGED, _claim(given, Doubt.DAMAGED))
            self._current = self._open()
        else:
            self._older.remove(store)
            self._set_aside(epoch_file(self._path, store.epoch), Doubt.DAMAGED)
        self._read_out_damaged()
        self._open_older()

    def _unaccounted(self) -> Given | None:
        """Return which numbers the present file must have; None: of it nothing is known.

        What is known of a file that was set aside, before a new one began, is not of that one.
        """
        given = read_given(self._path)
        if given is None or epoch_file(self._path, given.epoch).exists():
            return None
        claims = [read_claim(todo) for todo in self._todos()]
        is_aside = any(claim is not None and claim.epoch == given.epoch for _, claim in claims)
        return None if is_aside else given

    def _todos(self) -> Sequence[Path]:
        return sorted(self._path.parent.glob(f"{self._path.name}.damaged-*{_NOT_READ_OUT}"))

    def _set_aside(self, path: Path, why: Doubt, claim: Claim | None = None) -> None:
        stamp = self._named_at_utc.strftime("%Y%m%dT%H%M%SZ")
        aside = path.with_name(f"{self._path.name}.damaged-{stamp}-{secrets.token_hex(2)}")
        write_claim(aside.with_name(aside.name + _NOT_READ_OUT), why, claim)
        rename(path, aside)
        aside.touch()
        self._aside = aside
        _LOG.error("queue.set_aside", file=str(aside), why=why.value)

    def _read_out_damaged(self) -> None:
        """Save what damaged files still hold; a kill in between is made up for later.

        One that cannot be saved stops nothing: it keeps its mark, and the next start tries again.
        """
        for todo in self._todos():
            if todo in self._put_off:
                continue
            damaged = todo.with_name(todo.name.removesuffix(_NOT_READ_OUT))
            try:
                self._notices.append(self._read_out(todo, damaged))
            except Exception as error:  # noqa: BLE001  # no old reading may stop new ones
                self._put_off.add(todo)
                _LOG.exception("queue.not_salvaged", file=str(damaged))
                self._notices.append(
                    f"the queue file {read_claim(todo)[0]} and is kept as {damaged}; its frames "
                    f"could not be saved ({type(error).__name__}: {error}); the next start of the "
                    "gateway tries again"
                )

    def _read_out(self, todo: Path, damaged: Path) -> str:
        """Save what one damaged file still holds; return what became of it, for people."""
        why, claim = read_claim(todo)
        found = salvage(damaged, self._path, claim, self._release)
        for start in range(0, len(found.strays), _PUT_AT_ONCE):
            self._current.put(found.strays[start : start + _PUT_AT_ONCE])
        todo.unlink()
        return (
            f"the queue file {why} and is kept as {damaged}; {found.count} of its frames "
            f"could be read and go on to the server{_what_else(found, claim)}"
        )

    def _open_older(self) -> None:
        """Open the files of earlier epochs; one that is damaged in its turn is read out, too."""
        known = {epoch_file(self._path, store.epoch) for store in self._older}
        for file in sorted(self._path.parent.glob(f"{self._path.name}.epoch-*")):
            if file in known or not file.name.rpartition("-")[2].isdecimal():
                continue
            doubt = doubt_of(look_at(file), None)
            store = None if doubt else open_store(file, self._config)
            if store is None:
                self._set_aside(file, doubt or Doubt.DAMAGED)
                self._read_out_damaged()
                store = open_store(file, self._config) if file.exists() else None
            if store is not None:
                self._older.append(store)

    def _release(self, epoch: int) -> None:
        """Close the file of an epoch that is about to get more frames; it is opened again."""
        for store in [each for each in self._older if each.epoch == epoch]:
            self._older.remove(store)
            store.close()

    def _let_go(self, store: EpochStore) -> None:
        with self._changing:
            if store in self._older:
                self._older.remove(store)
                store.close()
                remove(epoch_file(self._path, store.epoch))


def _remembered(given: Given) -> Remembered:
    return Remembered(epoch=given.epoch, last=given.last, is_exact=given.is_of_this_start())


def _what_else(found: Salvaged, claim: Claim | None) -> str:
    """Return what else is to be told of a file that was read out, to be put behind it."""
    told = "" if claim is None else f", of {claim.last} numbers given"
    if found.disputed:
        told += f"; {found.disputed} numbers stood there with several contents, the first counts"
    if found.refused:
        told += f"; {found.refused} rows could not be written and are in that file alone"
    return told


def _claim(given: Given | None, why: Doubt) -> Claim | None:
    if given is None:
        return None
    return Claim(epoch=given.epoch, last=given.highest(), is_end_known=why is Doubt.DAMAGED)


def open_queue(
    path: Path, config: QueueConfig, now_utc: datetime
) -> tuple[QueueStore, Path | None]:
    """Return the queue of a file, and where a damaged predecessor was set aside, if it was.

    A missing file is created with a random epoch.

    Raises:
        QueueError: The file was written by a newer version, or the folder cannot be written.
    """
    store = QueueStore(path, config, now_utc)
    return store, store.aside


def read_figures(path: Path) -> QueueFigures:
    """Return how much a queue file holds, also while a gateway is using it; nothing is changed.

    Raises:
        QueueError: There is no such file, or it is of another version.
    """
    if not path.is_file():
        message = f"{path}: queue: there is no such file; start the gateway once"
        raise QueueError(message)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            message = f"{path}: queue: has version {version}; start the gateway, it brings it up"
            raise QueueError(message)
        connection.execute("BEGIN")
        rows = FrameRows(connection)
        return figures_of(rows.sizes, rows.epoch, rows.numbers.get("last_seq"))
    finally:
        connection.close()
