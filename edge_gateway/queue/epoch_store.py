"""Owns one queue file: a frame is in it until the server has acknowledged it, and a while longer.

Every change of frames is one transaction that has reached the disk when the method returns
(WAL, `synchronous=FULL`); what the server has is written with the next one. An acknowledged frame
stays, marked, so that a restored server can be given it again (RULINGS R1).
"""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import QueueConfig
from edge_gateway.queue.given_io import GivenFile
from edge_gateway.queue.handing_store import Handing
from edge_gateway.queue.lineage import SEVERAL, Lineage, Word, complete_upto, lost, take_word
from edge_gateway.queue.queue_file_io import connect, get_meta
from edge_gateway.queue.queued import (
    AckEffect,
    Cursor,
    HeldFrame,
    QueueFigures,
    StoredFrame,
)
from edge_gateway.queue.room_store import Room
from edge_gateway.queue.rows_store import FrameRows, figures_of
from edge_gateway.queue.seq_ranges import Ranges, intersect, merged, subtract
from wire_contracts.acks import Ack, EpochAck
from wire_contracts.frames import MAX_SEQ, Frame, TimeQuality, ms_from_utc

NOT_TAKEN = "the server takes it not"
KEPT_TOO_LONG_AGO = "sent and no longer kept"
FILE_DAMAGED = "queue file damaged"
NEVER_WRITTEN = "the disk took nothing"

EVERYTHING: Ranges = ((1, MAX_SEQ),)

_MILLISECOND = timedelta(milliseconds=1)
_LOG: FilteringBoundLogger = structlog.get_logger()


class EpochStore:
    """The frames of one gateway and epoch in one file; safe to use from several threads."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        config: QueueConfig,
        free_bytes: Callable[[], int],
        given: GivenFile | None = None,
    ) -> None:
        """Take an open file; `open_store` makes one.

        Args:
            connection: From `queue_file_io.connect`.
            config: What the file may hold.
            free_bytes: Tells the free space on the file's disk.
            given: Where the numbers given are noted; None: nowhere.
        """
        self._given = given
        self._connection = connection
        self._lock = threading.Lock()
        self._rows = FrameRows(connection)
        self._room = Room(self._rows, config, free_bytes)
        self._handing = Handing(self._rows)
        self._numbers = self._rows.numbers
        self._lineage = Lineage(server_epoch=self._numbers.get("server_epoch"))
        self.epoch = self._rows.epoch

    def adopt(self, config: QueueConfig) -> None:
        """Keep to other bounds from the next commit on; nothing in the file changes."""
        with self._lock:
            self._room.config = config

    def put(self, frames: Iterable[Frame | HeldFrame], never_written: int = 0) -> Sequence[int]:
        """Return the seqs given to the frames, which are on disk when this returns.

        When a bound is passed old frames give way, and gap records name them.

        Args:
            frames: In the order they were read.
            never_written: Frames that were lost before them because the disk took nothing; they
                get numbers too, and a gap record says what became of those.
        """
        with self._transaction():
            self._room.spare_disk()
            if never_written:
                self._rows.lose_unwritten(never_written, NEVER_WRITTEN)
            seqs = self._rows.insert(frames)
            self._room.keep_bound()
        return seqs

    def open_after(self, seq: int, limit: int, upto: int = MAX_SEQ) -> Sequence[StoredFrame]:
        """Return open frames above `seq` up to `upto`, ascending, at most `limit`.

        Frames that wait for the time to be known are left out.
        """
        with self._lock:
            found = self._handing.open_after(seq, limit, upto)
        if found.broken:
            self._drop_broken(found.broken)
            return self.open_after(seq, limit, upto)
        return found.frames

    def _drop_broken(self, seqs: Sequence[int]) -> None:
        """Replace rows that are not what was written by gap records."""
        _LOG.error("queue.broken_rows", epoch=self.epoch, count=len(seqs), first=seqs[0])
        with self._transaction():
            for seq in seqs:
                self._rows.drop(list(self._rows.waiting(seq - 1, seq)), FILE_DAMAGED)

    def newest_hour(self, upto: int) -> tuple[int, int] | None:
        """Return first and last seq of the newest hour among open frames up to `upto`.

        None when nothing is open there. What waits for the time to be known is left out.
        """
        with self._lock:
            return self._handing.newest_hour(upto)

    def open_among(self, seqs: Sequence[int]) -> Sequence[StoredFrame]:
        """Return those of the frames that are still open, ascending."""
        with self._lock:
            found = self._handing.open_among(seqs)
        if found.broken:
            self._drop_broken(found.broken)
        return found.frames

    def read_after(self, seq: int, limit: int) -> Sequence[StoredFrame]:
        """Return frames above `seq`, open or kept, ascending, at most `limit`; no gap records.

        See `Handing.read_after`.
        """
        with self._lock:
            return self._handing.read_after(seq, limit)

    def cursor(self, name: str) -> Cursor:
        """Return how far a reader has come; a new one begins behind the newest frame."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT seq, missed FROM cursor WHERE name = ?", (name,)
            ).fetchone()
            if row is None:
                row = (self._numbers.get("last_seq"), 0)
                connection.execute("INSERT INTO cursor VALUES (?, ?, ?)", (name, *row))
        return Cursor(name=name, seq=row[0], missed_count=row[1])

    def move_cursor(self, name: str, seq: int) -> None:
        """Remember that a reader has everything up to `seq`; it never goes back."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO cursor VALUES (?, ?, 0)"
                " ON CONFLICT (name) DO UPDATE SET seq = max(seq, excluded.seq)",
                (name, seq),
            )

    def drop_cursor(self, name: str) -> None:
        """Forget a reader that is not there any more; nothing is kept for it."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM cursor WHERE name = ?", (name,))

    def acknowledge(self, ack: Ack, now_utc: datetime, sent: Ranges = EVERYTHING) -> AckEffect:
        """Return what the server's word changed: marked frames, or all opened for a new server.

        A server that lacks what it had acknowledged was put back without saying so: what is kept
        is opened for it, too. See `lineage`.

        Args:
            ack: The server's word.
            now_utc: Now.
            sent: The numbers that were sent. Others stay open whatever the word covers: after a
                card was copied or put back, the server knows these numbers from other frames.
        """
        entry = next((one for one in ack.epochs if one.epoch == self.epoch), None)
        if entry is None:
            return AckEffect()
        now_ms = ms_from_utc(now_utc)
        with self._lock:
            fresh = self._fresh(entry, sent)
            lacks = self._lacks(entry, fresh)
            before = self._lineage
            after, word = take_word(before, ack.server_epoch, now_ms, lacks=lacks)
            is_plain = after.server_epoch == before.server_epoch and word is not Word.RESTORED
            if is_plain and not self._must_explain(word):
                self._lineage = after
                return _effect(self._rows.mark(fresh, now_ms), entry)
        with self._transaction():
            self._numbers.put("server_epoch", after.server_epoch)
            if word is Word.RESTORED:
                self._rows.reopen()
                self._room.begin_anew()
            if word is Word.RESTORED or self._must_explain(word):
                self._explain(entry)
            seqs = self._rows.mark(self._fresh(entry, sent), now_ms)
        self._lineage = after
        effect = _effect(seqs, entry)
        is_disputed = SEVERAL == after.server_epoch != before.server_epoch
        return replace(effect, is_new_server=word is Word.RESTORED, is_disputed=is_disputed)

    def _must_explain(self, word: Word) -> bool:
        """Return whether a word is to answer what the server holds of a damaged file."""
        return word is not Word.DISPUTED and bool(self._numbers.get("must_explain"))

    def _explain(self, entry: EpochAck) -> None:
        """Declare missing what neither side holds; a word that is cut short answers not all."""
        why = FILE_DAMAGED if self._numbers.get("must_explain") else KEPT_TOO_LONG_AGO
        upto = complete_upto(entry)
        self._rows.explain_missing(entry, upto, why)
        self._numbers.put("must_explain", int(upto < self._numbers.get("last_seq")))

    def _lacks(self, entry: EpochAck, fresh: Ranges) -> bool | None:
        """Return whether a word lacks what was acknowledged before.

        None: it brings nothing new, and may be an old one that comes once more.
        """
        if not fresh:
            return None
        gone = lost(self._rows.marks.acked, entry)
        return bool(gone) and bool(subtract(gone, self._rows.gaps()))

    def _fresh(self, entry: EpochAck, sent: Ranges) -> Ranges:
        """Return the numbers that the server confirms, that were sent and are not marked yet."""
        last = self._numbers.get("last_seq")
        said = merged([(1, min(entry.upto, last)), *entry.ranges])
        return subtract(intersect(intersect(said, sent), ((1, last),)), self._rows.marks.acked)

    def put_aside(self, seq: int) -> bool:
        """Return whether an open frame that no server takes was put aside, a gap in its place."""
        with self._transaction():
            return self._rows.put_aside(seq, NOT_TAKEN)

    def prune(self, now_utc: datetime, *, is_time_known: bool = True) -> int:
        """Return how many frames were forgotten: kept too long, too many, or waited too long.

        What waits is judged by its age only while the time is known. A kept frame that a second
        reader has not read stays until its bytes are needed.
        """
        now_ms, config = ms_from_utc(now_utc), self._room.config
        with self._transaction() as connection:
            sizes = self._rows.sizes
            kept_before, open_before = sizes.kept_count, sizes.open_count
            oldest_ms = now_ms - config.keep_sent // _MILLISECOND
            old = [mark for mark in self._rows.marks.kept() if mark.at_ms < oldest_ms]
            unread = connection.execute("SELECT min(seq) FROM cursor").fetchone()[0]
            read = merged([(1, MAX_SEQ if unread is None else unread)])
            self._rows.forget(intersect(merged((m.first, m.last) for m in old), read))
            excess = sizes.kept_bytes - config.keep_sent_bytes
            if excess > 0:
                self._rows.forget(self._rows.oldest_kept(excess))
            if is_time_known:
                self._room.drop_aged(now_ms - config.max_age // _MILLISECOND)
            return kept_before - sizes.kept_count + max(0, open_before - sizes.open_count)

    def repair(self, boot_id: str, offset_ms: int, quality: TimeQuality) -> int:
        """Return how many frames of one start of the machine were dated and may now be sent.

        Args:
            boot_id: That start.
            offset_ms: What its uptime has to be added to for milliseconds since 1970.
            quality: REPAIRED, or BOOT_RELATIVE when the offset is a guess.
        """
        done = 0
        while True:
            with self._transaction():
                dated = self._rows.date(boot_id, offset_ms, quality)
            if not dated:
                return done
            done += dated

    def held_boots(self) -> Mapping[str, tuple[int, int]]:
        """Return the starts of the machine that frames wait for: first and last uptime in ms.

        The newest start comes first.
        """
        with self._lock:
            return self._handing.held_boots()

    def newest_ms(self) -> int:
        """Return the newest trusted time that was ever stored, in ms since 1970; 0: none."""
        with self._lock:
            return self._numbers.get("newest_ms")

    def needs_answer(self) -> bool:
        """Return whether the server must be asked what it holds: the file was damaged."""
        with self._lock:
            return bool(self._numbers.get("must_explain"))

    def figures(self) -> QueueFigures:
        """Return how much the queue holds now; costs nothing."""
        with self._lock:
            last_seq = self._numbers.get("last_seq")
            return figures_of(self._rows.sizes, self.epoch, last_seq)

    def oldest_open_ms(self) -> int | None:
        """Return when the oldest frame that waits was measured, in ms since 1970; None: none."""
        with self._lock:
            found = (each.at_ms for each in self._rows.waiting(0) if each.gap is None)
            return next(found, None)

    def is_sound(self) -> bool:
        """Return whether SQLite finds nothing wrong with the file."""
        try:
            with self._lock:
                return bool(self._connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        except sqlite3.DatabaseError:
            return False

    def close(self) -> None:
        """Write the last marks and close the file; all frames are on disk already."""
        with suppress(sqlite3.Error):
            self.flush()
        with self._lock:
            self._connection.close()

    def flush(self) -> None:
        """Bring marks that wait for the next change of the file into it now."""
        if not self._rows.marks.is_written():
            with self._transaction():
                pass

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            before = replace(self._rows.sizes), self._rows.marks.all, self._numbers.all
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._rows.marks.write(self._connection)
                self._numbers.write(self._connection)
                last = self._numbers.get("last_seq")
                if self._given is not None:
                    self._given.reserve(last)
                self._connection.execute("COMMIT")
                if self._given is not None:
                    self._given.note(last)
            except BaseException as error:
                self._rows.sizes = before[0]
                self._rows.fresh.clear()
                self._rows.marks.restore(before[1])
                self._numbers.restore(before[2])
                self._roll_back(error)
                raise
            self._rows.marks.written()
            self._numbers.written()
            self._room.taken()

    def _roll_back(self, error: BaseException) -> None:
        """Return to what the file says; a file that says nothing any more is set aside soon."""
        self._room.refused(error)
        with suppress(sqlite3.DatabaseError):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _effect(seqs: Sequence[int], entry: EpochAck) -> AckEffect:
    done = frozenset(seqs)
    return AckEffect(seqs=seqs, refused=[pair for pair in entry.refused if pair[0] in done])


def open_store(path: Path, config: QueueConfig, *, is_noted: bool = False) -> EpochStore | None:
    """Return the queue in a file, None when the file is damaged.

    A missing file is created, with an epoch that is drawn.

    Args:
        path: The file.
        config: What it may hold.
        is_noted: Whether the numbers given in it are noted beside it.

    Raises:
        QueueError: The file was written by a newer version, or the folder cannot be written.
    """
    connection = connect(path)
    if connection is None:
        return None
    numbers = get_meta(connection, "epoch"), get_meta(connection, "last_seq")
    given = GivenFile(path, *numbers) if is_noted else None
    return EpochStore(connection, config, lambda: shutil.disk_usage(path.parent).free, given)
