"""Reads frames out of one queue file to hand them on; a row that is not what was written never is.

The caller holds the lock of the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from edge_gateway.queue.queued import StoredFrame
from edge_gateway.queue.rows_store import AT_MS, FrameRows
from edge_gateway.queue.seq_ranges import complement, covers
from edge_gateway.queue.thinning import HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What was read.

    Attributes:
        frames: The frames, ascending.
        broken: Numbers of rows that are not what was written.
    """

    frames: Sequence[StoredFrame] = ()
    broken: Sequence[int] = ()


class Handing:
    """The rows of one file as those see them to whom they go."""

    def __init__(self, rows: FrameRows) -> None:
        """Take the rows."""
        self._rows = rows
        self._connection = rows.connection

    def open_after(self, seq: int, limit: int, upto: int) -> Handed:
        """Return at most `limit` open frames above `seq` up to `upto`; none waits to be dated."""
        if self._has_nothing_to_send():
            return Handed()
        last = min(upto, self._rows.numbers.get("last_seq"))
        wanted = complement(self._rows.marks.acked, seq + 1, last)
        if wanted == ((seq + 1, last),):
            fresh = self._rows.fresh.between(seq + 1, last, limit)
            if fresh is not None:
                return Handed(frames=fresh)
        found: list[StoredFrame] = []
        broken: list[int] = []
        for low, high in wanted:
            rows = self._connection.execute(
                "SELECT seq, body, crc FROM frame WHERE seq BETWEEN ? AND ? AND boot_id IS NULL"
                " ORDER BY seq LIMIT ?",
                (low, high, limit - len(found)),
            ).fetchall()
            found += self._whole(rows, broken)
            if len(found) >= limit:
                break
        return Handed(frames=found, broken=broken)

    def open_among(self, seqs: Sequence[int]) -> Handed:
        """Return those of the frames that are still open."""
        wanted = [seq for seq in seqs if not covers(self._rows.marks.acked, seq)]
        marks = ",".join("?" * len(wanted))
        query = f"SELECT seq, body, crc FROM frame WHERE seq IN ({marks}) ORDER BY seq"  # noqa: S608  # only question marks
        broken: list[int] = []
        rows = self._connection.execute(query, tuple(wanted)).fetchall()
        return Handed(frames=self._whole(rows, broken), broken=broken)

    def read_after(self, seq: int, limit: int) -> Sequence[StoredFrame]:
        """Return frames above `seq`, open or kept, at most `limit`; no gap records.

        It ends before the first frame that waits for the time to be known, so that a reader may
        move its cursor to the last frame it got.
        """
        rows = self._connection.execute(
            "SELECT seq, body, crc, boot_id FROM frame WHERE seq > ? AND gap_first IS NULL"
            " ORDER BY seq LIMIT ?",
            (seq, limit),
        ).fetchall()
        dated = next((at for at, row in enumerate(rows) if row[3] is not None), len(rows))
        return self._whole((row[:3] for row in rows[:dated]), [])

    def newest_hour(self, upto: int) -> tuple[int, int] | None:
        """Return first and last seq of the newest hour among open frames up to `upto`.

        None when nothing is open there. What waits for the time to be known is left out.
        """
        if self._has_nothing_to_send():
            return None
        last = min(upto, self._rows.numbers.get("last_seq"))
        for low, high in reversed(complement(self._rows.marks.acked, 1, last)):
            top = self._connection.execute(
                f"SELECT seq, {AT_MS} FROM frame WHERE seq BETWEEN ? AND ?"  # noqa: S608  # a literal
                " AND boot_id IS NULL ORDER BY seq DESC LIMIT 1",
                (low, high),
            ).fetchone()
            if top is not None:
                return self._hour_start(top[0], top[1] - top[1] % HOUR_MS), top[0]
        return None

    def held_boots(self) -> Mapping[str, tuple[int, int]]:
        """Return the starts of the machine that frames wait for: first and last uptime in ms.

        The newest start comes first.
        """
        rows = self._connection.execute(
            "SELECT boot_id, min(boot_ms), max(boot_ms), max(seq) FROM frame"
            " WHERE boot_id IS NOT NULL GROUP BY boot_id ORDER BY 4 DESC"
        ).fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}

    def _has_nothing_to_send(self) -> bool:
        return self._rows.sizes.held_count == self._rows.sizes.open_count

    def _hour_start(self, top: int, hour_at_ms: int) -> int:
        """Return the seq from which on everything up to `top` was measured in its hour."""
        before = self._connection.execute(
            f"SELECT seq FROM frame WHERE seq < ? AND {AT_MS} BETWEEN 1 AND ?"  # noqa: S608  # a literal
            " ORDER BY seq DESC LIMIT 1",
            (top, hour_at_ms - 1),
        ).fetchone()
        return 1 if before is None else int(before[0]) + 1

    def _whole(
        self, rows: Iterable[tuple[int, bytes, int | None]], broken: list[int]
    ) -> Sequence[StoredFrame]:
        """Return the frames whose bodies are what was written; the others' numbers go to `broken`.

        SQLite notices damaged pages, not damaged content. Rows of version 1 have no check sum.
        """
        found = []
        for seq, body, crc in rows:
            if crc is None or crc == crc32(body):
                found.append(StoredFrame(seq=seq, body=body, epoch=self._rows.epoch))
            else:
                broken.append(seq)
        return found
