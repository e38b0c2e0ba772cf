"""The next changes of the buckets a tablet may see, in pages that never split a transaction."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import orjson
from sqlalchemy import Connection

from sync_server.db.change_store import (
    ChangeEntry,
    bucket_states,
    entries_after,
    newest_seqs,
    next_seq,
)
from sync_server.sync.page_bytes import WrittenPage, written_page
from sync_server.sync.page_shelf import KeptPage, PageKey, PageShelf
from sync_server.sync.scope import names_of_marks
from sync_server.sync.tokens import Cursor, Position, dump_token, mark_of
from wire_contracts.pulls import (
    MAX_PAGE_BYTES,
    MAX_ROWS,
    BucketEnd,
    BucketPage,
    EntityRow,
    PullAnswer,
    Tombstone,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What is asked: from where, of which buckets, how much.

    Attributes:
        head: The last committed sequence of the snapshot that is read.
        horizon: Up to where its tombstones were purged.
        key_id: The sealing key that the tablet has when it has taken the answer.
    """

    cursor: Cursor | None
    buckets: Sequence[str]
    limit: int
    head: int
    horizon: int
    server_epoch: int
    server_now_ms: int
    key_id: str = ""

    @property
    def is_of_another_life(self) -> bool:
        """Whether the tablet has read what this database never had, under the same epoch.

        The database was put back without a new epoch: as a file, or with its whole machine.
        """
        cursor = self.cursor
        return (
            cursor is not None
            and cursor.server_epoch == self.server_epoch
            and any(each.known > self.head for each in cursor.positions.values())
        )


@dataclass(slots=True)
class _Budget:
    """What is left of the page, in rows and bytes."""

    rows: int
    byte_count: int

    @property
    def is_spent(self) -> bool:
        return self.rows <= 0 or self.byte_count <= 0


def read_changes(connection: Connection, request: PullRequest) -> PullAnswer:
    """Return one page. The connection must see one snapshot for the whole call (trap T17).

    A bucket appears when something changed in it or when it starts anew; an idle answer carries
    none (sync spec 3: at most 400 bytes).
    """
    answer, pages = _walk(connection, request, lambda ask, budget: _read(connection, ask, budget))
    return replace(answer, buckets=tuple(pages))


def written_changes(
    connection: Connection, request: PullRequest, shelf: PageShelf, protocol: int
) -> tuple[PullAnswer, list[WrittenPage]]:
    """Return what `read_changes` does with the pages apart, as they go over the wire.

    Pages that another tablet was given come from the shelf.
    """

    def read(ask: _Ask, budget: _Budget) -> _Reading[WrittenPage]:
        if not ask.has_news:
            return _Reading(page=None, end_pos=_end_without_news(ask))
        key = _key(connection, request, ask, budget, protocol)
        kept = shelf.find(key)
        if kept is None:
            kept = _kept(connection, ask, budget, protocol)
            shelf.keep(key, kept)
        budget.rows -= kept.rows
        budget.byte_count -= kept.byte_count
        return _Reading(page=kept.page, end_pos=kept.end_pos or ask.head)

    return _walk(connection, request, read)


def _key(
    connection: Connection, request: PullRequest, ask: "_Ask", budget: "_Budget", protocol: int
) -> PageKey:
    """Return what the page's content depends on: entries between two of a bucket never change."""
    return PageKey(
        server_epoch=request.server_epoch,
        horizon=ask.horizon,
        bucket=ask.bucket,
        first_seq=next_seq(connection, ask.bucket, ask.start.pos),
        last_seq=ask.look.newest,
        is_reset=ask.is_reset,
        is_first_pass=ask.start.floor > 0,
        row_limit=budget.rows,
        byte_limit=budget.byte_count,
        protocol=protocol,
    )


def _kept(connection: Connection, ask: "_Ask", budget: "_Budget", protocol: int) -> KeptPage:
    spent = replace(budget)
    reading = _read(connection, ask, spent)
    page = None if reading.page is None else written_page(reading.page, protocol)
    return KeptPage(
        page=page,
        end_pos=None if reading.end_pos == ask.head else reading.end_pos,
        rows=budget.rows - spent.rows,
        byte_count=budget.byte_count - spent.byte_count,
    )


def seen_of(connection: Connection, request: PullRequest) -> str:
    """Return what names all that these buckets hold now: equal when nothing in them has changed.

    Never a bucket's hash: a row that went and came back is a change. The horizon is part of it, so
    that a tablet's position keeps up with what is purged.
    """
    newest = newest_seqs(connection, sorted(request.buckets))
    parts = [request.server_epoch, request.key_id, request.horizon, *sorted(request.buckets)]
    parts += [newest.get(bucket, 0) for bucket in sorted(request.buckets)]
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return base64.urlsafe_b64encode(digest)[:_SEEN_LETTERS].decode()


_SEEN_LETTERS = 16
"""96 bits: two states of a tablet's buckets never share a name."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading(Generic[P]):
    """A bucket's page (None when nothing changed) and how far it was read."""

    page: P | None
    end_pos: int


def _walk(
    connection: Connection,
    request: PullRequest,
    read: "Callable[[_Ask, _Budget], _Reading[P]]",
) -> tuple[PullAnswer, list[P]]:
    """Return the answer without its pages, and the pages, bucket by bucket while there is room."""
    head, horizon = request.head, request.horizon
    known = _positions(request)
    is_lost = request.is_of_another_life
    look = _look(connection, request.buckets, {} if is_lost else known, head)
    budget = _Budget(rows=max(1, min(request.limit, MAX_ROWS)), byte_count=MAX_PAGE_BYTES)
    pages: list[P] = []
    positions: dict[str, Position] = {}
    has_more = False
    marks = {bucket: mark_of(bucket) for bucket in request.buckets}
    for bucket, mark in marks.items():
        before = known.get(mark)
        is_reset = before is None or is_lost or before.known < horizon
        start = Position(pos=0, floor=head) if before is None or is_reset else before
        if budget.is_spent:
            has_more = has_more or is_reset or start.pos < head
            positions |= {} if before is None or is_lost else {mark: before}  # or never dropped
            continue
        seen = look.get(bucket, _NOTHING)
        ask = _Ask(bucket, start, head, horizon, seen, is_reset=is_reset)
        reading = read(ask, budget)
        is_done = reading.end_pos >= start.floor
        positions[mark] = Position(pos=reading.end_pos, floor=0 if is_done else start.floor)
        has_more = has_more or reading.end_pos < head
        pages += [reading.page] if reading.page is not None else []
    answer = PullAnswer(
        server_epoch=request.server_epoch,
        server_now_ms=request.server_now_ms,
        token=dump_token(
            Cursor(server_epoch=request.server_epoch, positions=positions, key_id=request.key_id)
        ),
        has_more=has_more,
        dropped_buckets=tuple(names_of_marks(connection, known.keys() - set(marks.values()))),
    )
    return answer, pages


def _positions(request: PullRequest) -> dict[str, Position]:
    """Positions of another epoch mean nothing here: the pass starts anew (RULINGS R1)."""
    if request.cursor is None or request.cursor.server_epoch != request.server_epoch:
        return {}
    return dict(request.cursor.positions)


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of a bucket before its entries are read: its last entry and its sum."""

    newest: int
    end: BucketEnd


_NOTHING = _Look(newest=0, end=BucketEnd(count=0, checksum=0))


def _look(
    connection: Connection, buckets: Sequence[str], known: Mapping[str, Position], head: int
) -> dict[str, _Look]:
    """Return what is known of each bucket; nothing is asked when nothing has changed anywhere."""
    behind = [
        bucket
        for bucket in buckets
        if (position := known.get(mark_of(bucket))) is None or position.pos < head
    ]
    if not behind:
        return {}
    newest, states = newest_seqs(connection, behind), bucket_states(connection, behind)
    return {
        bucket: _Look(
            newest=newest.get(bucket, 0),
            end=BucketEnd(count=states[bucket].row_count, checksum=states[bucket].checksum),
        )
        for bucket in behind
    }


@dataclass(frozen=True, slots=True)
class _Ask:
    """One bucket to be read from `start` to `head`."""

    bucket: str
    start: Position
    head: int
    horizon: int
    look: _Look
    is_reset: bool

    @property
    def has_news(self) -> bool:
        """Whether there is a page to make, be it an empty one that starts anew."""
        return self.is_reset or self.start.pos < min(self.head, self.look.newest)


def _end_without_news(ask: _Ask) -> int:
    return max(ask.head, ask.start.pos)


def _read(connection: Connection, ask: _Ask, budget: _Budget) -> _Reading[BucketPage]:
    """Return the bucket's page, which is spent from the budget."""
    if not ask.has_news:
        return _Reading(page=None, end_pos=_end_without_news(ask))
    entries, are_all = _entries(connection, ask, budget.rows)
    taken = _whole_transactions(entries, budget)
    is_complete = are_all and len(taken) == len(entries)
    end_pos = ask.head if is_complete else taken[-1].seq
    if not taken and not ask.is_reset:
        return _Reading(page=None, end_pos=end_pos)
    page = BucketPage(
        bucket=ask.bucket,
        is_reset=ask.is_reset,
        rows=_rows([entry for entry in taken if entry.document is not None]),
        tombstones=tuple(_gone(entry) for entry in taken if entry.document is None),
        end=ask.look.end if is_complete else None,
        total=ask.look.end.count if ask.is_reset or ask.start.floor else None,
    )
    return _Reading(page=page, end_pos=end_pos)


def _entries(connection: Connection, ask: _Ask, limit: int) -> tuple[Sequence[ChangeEntry], bool]:
    if ask.look.newest <= ask.start.pos:
        return (), True
    return entries_after(connection, ask.bucket, ask.start.pos, limit)


def _whole_transactions(entries: Sequence[ChangeEntry], budget: _Budget) -> Sequence[ChangeEntry]:
    """Return the transactions that fit, at least one, each with all its rows; they are spent."""
    last: int | None = None
    for index, entry in enumerate(entries):
        if budget.byte_count <= 0 and index and entry.seq != last:
            entries = entries[:index]
            break
        last = entry.seq
        budget.byte_count -= len(entry.document or b"") + len(entry.entity_id)
    budget.rows -= len(entries)
    return entries


def _rows(entries: Sequence[ChangeEntry]) -> tuple[EntityRow, ...]:
    """Return the rows; all documents are read as one text, which is quicker than one by one."""
    documents = orjson.loads(b"[%s]" % b",".join(each.document or b"{}" for each in entries))
    return tuple(
        EntityRow(*entry[:4], document) for entry, document in zip(entries, documents, strict=True)
    )


def _gone(entry: ChangeEntry) -> Tombstone:
    return Tombstone(entity=entry.entity, entity_id=entry.entity_id, seq=entry.seq)
