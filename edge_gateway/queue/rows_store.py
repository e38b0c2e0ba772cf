"""Owns the rows of one queue file and what they add up to; the caller holds the transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from zlib import crc32

from edge_gateway.queue.bodies import frame_body
from edge_gateway.queue.fresh_frames import FreshFrames
from edge_gateway.queue.marks_store import Marks
from edge_gateway.queue.numbers_store import Numbers
from edge_gateway.queue.queued import HeldFrame, QueueFigures, StoredFrame
from edge_gateway.queue.seq_ranges import Ranges, complement, covers, merged, subtract
from edge_gateway.queue.thinning import Loss, Waiting, losses
from wire_contracts.acks import EpochAck
from wire_contracts.frames import (
    MAX_SEQ,
    Frame,
    GapRecord,
    TimeQuality,
    gap_json,
    ms_from_utc,
)
from wire_contracts.payloads import dump_json

AT_MS = "coalesce(at_ms, json_extract(CAST(body AS TEXT), '$.t'), 0)"
"""When a row was measured; rows of files of version 1 tell it in their body only."""

_CHUNK = 500

_ROWS_AT_ONCE = 50
_INSERT = "INSERT INTO frame (seq, at_ms, boot_id, boot_ms, crc, body) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_MANY = _INSERT + ", (?, ?, ?, ?, ?, ?)" * (_ROWS_AT_ONCE - 1)

_Row = tuple[int, int, str | None, int | None, int, bytes]
"""seq, at_ms, boot_id, boot_ms, crc, body."""


@dataclass(slots=True, kw_only=True)
class Sizes:
    """What the rows add up to, so that nobody has to count them."""

    open_count: int = 0
    open_bytes: int = 0
    kept_count: int = 0
    kept_bytes: int = 0
    held_count: int = 0
    aside_count: int = 0


class FrameRows:
    """The rows of one file: frames and gap records, open, held, kept or put aside."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read the marks and add up the rows."""
        self.connection = connection
        self.numbers = Numbers(connection)
        self.epoch = self.numbers.get("epoch")
        self.fresh = FreshFrames()
        self.marks = Marks(connection)
        self.sizes = read_sizes(connection, self.marks.acked)

    def insert(self, frames: Iterable[Frame | HeldFrame]) -> Sequence[int]:
        """Return the numbers given to the frames."""
        first = self.numbers.get("last_seq") + 1
        newest_ms = self.numbers.get("newest_ms")
        rows: list[_Row] = []
        for seq, each in enumerate(frames, first):
            frame = each.frame if isinstance(each, HeldFrame) else each
            uptime = each.uptime if isinstance(each, HeldFrame) else None
            at_ms = ms_from_utc(frame.measured_at_utc)
            body = frame_body(frame, seq)
            if uptime is None:
                newest_ms = max(newest_ms, at_ms)
                rows.append((seq, at_ms, None, None, crc32(body), body))
            else:
                rows.append((seq, at_ms, uptime.boot_id, uptime.ms, crc32(body), body))
                self.sizes.held_count += 1
        self._write(rows)
        self._count_open(len(rows), sum(len(row[-1]) for row in rows))
        self.numbers.put("last_seq", first + len(rows) - 1)
        self.numbers.put("newest_ms", newest_ms)
        self._remember(rows)
        return [row[0] for row in rows]

    def _write(self, rows: Sequence[_Row]) -> None:
        """Write rows, many by one statement: SQLite works through it without the interpreter."""
        at = 0
        while at + _ROWS_AT_ONCE <= len(rows):
            some = rows[at : at + _ROWS_AT_ONCE]
            self.connection.execute(_INSERT_MANY, [*chain.from_iterable(some)])
            at += _ROWS_AT_ONCE
        if at < len(rows):
            self.connection.executemany(_INSERT, rows[at:])

    def _remember(self, rows: Sequence[_Row]) -> None:
        """Keep in memory what is sent next, and nothing that waits for the time to be known."""
        if any(row[2] is not None for row in rows):
            self.fresh.clear()
            return
        self.fresh.add([StoredFrame(seq=row[0], body=row[-1], epoch=self.epoch) for row in rows])

    def waiting(self, after: int, upto: int = MAX_SEQ) -> Iterator[Waiting]:
        """Yield the open rows above `after`, ascending; rows may be deleted meanwhile."""
        last = min(upto, self.numbers.get("last_seq"))
        for low, high in complement(self.marks.acked, after + 1, last):
            at = low
            while at <= high:
                rows = self.connection.execute(
                    f"SELECT seq, length(body), body, {AT_MS}, boot_id, boot_ms, gap_first,"  # noqa: S608  # a literal
                    " gap_last, gap_count FROM frame WHERE seq BETWEEN ? AND ?"
                    " ORDER BY seq LIMIT ?",
                    (at, high, _CHUNK),
                ).fetchall()
                yield from map(_waiting, rows)
                if len(rows) < _CHUNK:
                    break
                at = rows[-1][0] + 1

    def drop(self, gone: Sequence[Waiting], why: str) -> None:
        """Delete open rows; gap records in their place say what is missing."""
        if not gone:
            return
        self.fresh.clear()
        self.connection.executemany("DELETE FROM frame WHERE seq = ?", [(g.seq,) for g in gone])
        self._count_open(-len(gone), -sum(each.size for each in gone))
        self.sizes.held_count -= sum(each.boot_id is not None for each in gone)
        for each in gone:
            if each.gap is None:
                self._count_missed(each.seq)
        for loss in losses(gone):
            self.add_gap(loss, why)

    def add_gap(self, loss: Loss, why: str) -> None:
        """Add a gap record under a number of its own."""
        self.fresh.clear()
        seq = self.numbers.get("last_seq") + 1
        gap = GapRecord(seq=seq, first=loss.first, last=loss.last, count=loss.count, why=why)
        body = dump_json(gap_json(gap))
        self.connection.execute(
            "INSERT INTO frame (seq, at_ms, gap_first, gap_last, gap_count, crc, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (seq, self._newest_ms(), loss.first, loss.last, loss.count, crc32(body), body),
        )
        self.numbers.put("last_seq", seq)
        self._count_open(1, len(body))

    def lose_unwritten(self, count: int, why: str) -> None:
        """Give numbers to frames that never reached the disk, and say so in a gap record."""
        last = self.numbers.get("last_seq")
        self.numbers.put("last_seq", last + count)
        self.add_gap(Loss(first=last + 1, last=last + count, count=count), why)

    def mark(self, ranges: Ranges, now_ms: int) -> Sequence[int]:
        """Mark numbers as acknowledged and return those whose rows are here."""
        seqs: list[int] = []
        size = held = 0
        for low, high in ranges:
            count, length, waiting = self.connection.execute(
                "SELECT count(*), total(length(body)), count(boot_id) FROM frame"
                " WHERE seq BETWEEN ? AND ?",
                (low, high),
            ).fetchone()
            seqs += range(low, high + 1) if count == high - low + 1 else self._seqs(low, high)
            size += int(length)
            held += waiting
        self.marks.add(ranges, now_ms)
        self._count_open(-len(seqs), -size)
        self.sizes.kept_count += len(seqs)
        self.sizes.kept_bytes += size
        self.sizes.held_count -= held
        return seqs

    def _seqs(self, low: int, high: int) -> Sequence[int]:
        query = "SELECT seq FROM frame WHERE seq BETWEEN ? AND ?"
        return [row[0] for row in self.connection.execute(query, (low, high))]

    def reopen(self) -> None:
        """Open again every acknowledged row that is still here."""
        self.fresh.clear()
        self.marks.reopen()
        self.sizes = read_sizes(self.connection, self.marks.acked)

    def forget(self, ranges: Ranges) -> None:
        """Delete acknowledged rows."""
        self.fresh.clear()
        for low, high in ranges:
            unread = self._unread_in(low, high)
            rows = self.connection.execute(
                "DELETE FROM frame WHERE seq BETWEEN ? AND ? RETURNING length(body)", (low, high)
            ).fetchall()
            self.sizes.kept_count -= len(rows)
            self.sizes.kept_bytes -= sum(row[0] for row in rows)
            self.connection.executemany(
                "UPDATE cursor SET missed = missed + ? WHERE name = ?", unread
            )
        if ranges:
            self.marks.forget(ranges)

    def _unread_in(self, low: int, high: int) -> Sequence[tuple[int, str]]:
        """Return how many frames of a range each reader has not read, where there are any."""
        behind = self.connection.execute("SELECT name, seq FROM cursor WHERE seq < ?", (high,))
        return [
            (
                self.connection.execute(
                    "SELECT count(*) FROM frame WHERE seq BETWEEN ? AND ? AND gap_first IS NULL",
                    (max(low, seq + 1), high),
                ).fetchone()[0],
                name,
            )
            for name, seq in behind.fetchall()
        ]

    def oldest_kept(self, excess: int) -> Ranges:
        """Return the oldest acknowledged numbers whose rows hold at least `excess` bytes."""
        found: list[tuple[int, int]] = []
        for mark in self.marks.kept():
            last = mark.first - 1
            for seq, size in self.connection.execute(
                "SELECT seq, length(body) FROM frame WHERE seq BETWEEN ? AND ? ORDER BY seq",
                (mark.first, mark.last),
            ):
                last = seq
                excess -= size
                if excess <= 0:
                    return merged([*found, (mark.first, last)])
            found.append((mark.first, mark.last))
        return merged(found)

    def date(self, boot_id: str, offset_ms: int, quality: TimeQuality) -> int:
        """Return how many held rows of one start were dated, at most some hundred at a time."""
        self.fresh.clear()
        rows = self.connection.execute(
            "SELECT seq, body, boot_ms, crc FROM frame WHERE boot_id = ? ORDER BY seq LIMIT ?",
            (boot_id, _CHUNK),
        ).fetchall()
        newest_ms = self.numbers.get("newest_ms")
        for seq, body, boot_ms, crc in rows:
            at_ms = boot_ms + offset_ms
            # a damaged body keeps its wrong check sum: it is found when it is to be sent
            is_whole = crc32(body) == crc
            content = {**json.loads(body), "t": at_ms, "tq": str(quality)} if is_whole else {}
            dated = dump_json(content) if is_whole else body
            self.connection.execute(
                "UPDATE frame SET body = ?, crc = ?, at_ms = ?, boot_id = NULL, boot_ms = NULL"
                " WHERE seq = ?",
                (dated, crc32(dated) if is_whole else crc, at_ms, seq),
            )
            self._count_open(0, len(dated) - len(body))
            if quality is TimeQuality.REPAIRED and is_whole:
                newest_ms = max(newest_ms, at_ms)
        self.sizes.held_count -= len(rows)
        self.numbers.put("newest_ms", newest_ms)
        return len(rows)

    def put_aside(self, seq: int, why: str) -> bool:
        """Return whether an open row was put aside, a gap record in its place."""
        found = list(self.waiting(seq - 1, seq))
        for each in found:
            self.connection.execute(
                "INSERT OR REPLACE INTO aside VALUES (?, ?, ?)", (seq, each.body, why)
            )
            self.sizes.aside_count += 1
        self.drop(found, why)
        return bool(found)

    def gaps(self) -> Ranges:
        """Return the numbers that gap records in the file speak for."""
        query = "SELECT gap_first, gap_last FROM frame WHERE gap_first IS NOT NULL"
        return merged(self.connection.execute(query))

    def explain_missing(self, entry: EpochAck, upto: int, why: str) -> None:
        """Add gap records for what neither this file nor the server holds, up to a number."""
        last = self.numbers.get("last_seq")
        known = merged([(1, entry.upto), *entry.ranges, *self.gaps()])
        missing = subtract(self._absent(min(last, upto)), known)
        for first, high in missing:
            self.add_gap(Loss(first=first, last=high, count=high - first + 1), why)

    def _absent(self, last: int) -> Ranges:
        """Return the numbers up to `last` that have no row."""
        islands = self.connection.execute(
            "SELECT min(seq), max(seq) FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq)"
            " AS island FROM frame) GROUP BY island"
        )
        return complement(merged(islands), 1, last)

    def _newest_ms(self) -> int:
        return self.numbers.get("newest_ms")

    def _count_open(self, count: int, size: int) -> None:
        self.sizes.open_count += count
        self.sizes.open_bytes += size

    def _count_missed(self, seq: int) -> None:
        self.connection.execute("UPDATE cursor SET missed = missed + 1 WHERE seq < ?", (seq,))


def _waiting(row: Sequence[object]) -> Waiting:
    seq, size, body, at_ms, boot_id, boot_ms, *gap = row
    return Waiting(
        seq=_int(seq),
        size=_int(size),
        body=body if isinstance(body, bytes) else b"",
        at_ms=_int(at_ms),
        boot_id=boot_id if isinstance(boot_id, str) else None,
        boot_ms=None if boot_ms is None else _int(boot_ms),
        gap=None if gap[0] is None else (_int(gap[0]), _int(gap[1]), _int(gap[2])),
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def read_sizes(connection: sqlite3.Connection, acked: Ranges) -> Sizes:
    """Return what the rows add up to, counted once through the file."""
    rows = connection.execute("SELECT seq, length(body), boot_id IS NOT NULL FROM frame")
    sizes = Sizes(aside_count=connection.execute("SELECT count(*) FROM aside").fetchone()[0])
    for seq, size, is_held in rows:
        if covers(acked, seq):
            sizes.kept_count += 1
            sizes.kept_bytes += size
        else:
            sizes.open_count += 1
            sizes.open_bytes += size
            sizes.held_count += is_held
    return sizes


def figures_of(sizes: Sizes, epoch: int, last_seq: int) -> QueueFigures:
    """Return what the rows of a file add up to, for other parts."""
    return QueueFigures(
        epoch=epoch,
        last_seq=last_seq,
        open_count=sizes.open_count,
        open_bytes=sizes.open_bytes,
        kept_count=sizes.kept_count,
        kept_bytes=sizes.kept_bytes,
        held_count=sizes.held_count,
        aside_count=sizes.aside_count,
    )
