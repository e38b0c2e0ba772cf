"""The change index: what tablets are given, in the order of the commits (sync spec 1.2).

The sequence is taken inside the commit: the first publication of a transaction adds one to the
single row of `change_head` and so holds its lock until the transaction ends. A reader that sees
sequence n therefore sees everything up to n (trap T1). All rows of one transaction carry one
sequence, so that a page can refuse to split them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from sync_server.db.sync_tables import BUCKET_SUM, CHANGE, CHANGE_HEAD, PUBLISHED
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import hash_row

ORG_BUCKET = "org"
"""What every tablet of the organisation is given."""

_SHARD = 1
_SEQ_OF_TRANSACTION = "lamplighter_change_seq"


def crew_bucket(crew_id: str) -> str:
    """Return the bucket of one crew's orders and people."""
    return f"crew:{crew_id}"


def area_bucket(area_id: str) -> str:
    """Return the bucket of an area's orders that no crew has taken yet."""
    return f"area:{area_id}"


def user_bucket(account_id: str) -> str:
    """Return the bucket of what one person is given."""
    return f"user:{account_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A thing as tablets shall see it from this transaction on.

    Attributes:
        entity: Its type, such as `work_order`.
        entity_id: Its id.
        document: Its content.
        buckets: Where it is seen; empty takes it away everywhere.
    """

    entity: str
    entity_id: str
    document: JsonObject
    buckets: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketState:
    """How many rows a bucket has and the exclusive-or of their hashes."""

    row_count: int
    checksum: int


def commit_seq(connection: Connection) -> int:
    """Return this transaction's sequence, drawing it (and the head's lock) at the first call.

    Call it as late as possible: from here to the commit no other change can commit.
    """
    transaction = connection.get_transaction()
    if transaction is None or connection.in_nested_transaction():
        message = "a change needs the caller's own transaction, without savepoints"
        raise RuntimeError(message)
    known = connection.info.get(_SEQ_OF_TRANSACTION)
    if known is not None and known[0] is transaction:
        return int(known[1])
    seq = connection.execute(
        update(CHANGE_HEAD)
        .where(CHANGE_HEAD.c.shard == _SHARD)
        .values(seq=CHANGE_HEAD.c.seq + 1)
        .returning(CHANGE_HEAD.c.seq)
    ).scalar_one()
    connection.info[_SEQ_OF_TRANSACTION] = (transaction, seq)
    return int(seq)


def publish(connection: Connection, publication: Publication, now_utc: datetime) -> int:
    """Write what tablets see of a thing; return the sequence at which they see it.

    A bucket it left gets a tombstone (trap T6). Equal content in equal buckets changes nothing
    and returns the sequence of the last change.
    """
    before = _entries_of(connection, publication)
    row_hash = hash_row(publication.entity, publication.entity_id, publication.document)
    puts = {
        bucket
        for bucket in publication.buckets
        if bucket not in before or before[bucket].is_gone or before[bucket].row_hash != row_hash
    }
    leaves = {
        bucket
        for bucket, entry in before.items()
        if bucket not in publication.buckets and not entry.is_gone
    }
    if not puts and not leaves:
        return max((int(entry.seq) for entry in before.values()), default=0)
    writer = _Writer(connection, publication, commit_seq(connection), ms_from_utc(now_utc))
    for bucket in sorted(leaves):
        writer.leave(bucket, before[bucket])
    for bucket in sorted(puts):
        writer.put(bucket, before.get(bucket), row_hash)
    writer.keep_document(row_hash)
    return writer.seq


_Entry = Row[str, int, bool, int]


def _entries_of(connection: Connection, publication: Publication) -> dict[str, _Entry]:
    query = select(CHANGE.c.bucket, CHANGE.c.seq, CHANGE.c.is_gone, CHANGE.c.row_hash).where(
        CHANGE.c.entity == publication.entity, CHANGE.c.entity_id == publication.entity_id
    )
    return {row.bucket: row for row in connection.execute(query)}


class _Writer:
    """Writes the entries of one thing under the head's lock."""

    def __init__(
        self, connection: Connection, publication: Publication, seq: int, at_ms: int
    ) -> None:
        self.seq = seq
        self._connection = connection
        self._thing = publication
        self._at_ms = at_ms

    def put(self, bucket: str, before: _Entry | None, row_hash: int) -> None:
        """Show the thing in a bucket."""
        if before is None:
            row = {"bucket": bucket, "seq": self.seq, "is_gone": False, "row_hash": row_hash}
            self._connection.execute(insert(CHANGE).values(**row, **self._key(), at_ms=self._at_ms))
        else:
            self._move(bucket, is_gone=False, row_hash=row_hash)
        was_there = before is not None and not before.is_gone
        old_hash = int(before.row_hash) if before is not None and was_there else 0
        self._add(bucket, 0 if was_there else 1, old_hash ^ row_hash)

    def leave(self, bucket: str, before: _Entry) -> None:
        """Put a tombstone in a bucket that the thing left."""
        self._move(bucket, is_gone=True, row_hash=0)
        self._add(bucket, -1, int(before.row_hash))

    def keep_document(self, row_hash: int) -> None:
        """Keep the content for later pulls, or forget it when no bucket shows it."""
        thing = self._thing
        where = (PUBLISHED.c.entity == thing.entity, PUBLISHED.c.entity_id == thing.entity_id)
        if not thing.buckets:
            self._connection.execute(delete(PUBLISHED).where(*where))
            return
        content = {"row_hash": row_hash, "document": dump_json(thing.document).decode()}
        done = self._connection.execute(update(PUBLISHED).where(*where).values(**content))
        if done.rowcount == 0:
            self._connection.execute(insert(PUBLISHED).values(**self._key(), **content))

    def _key(self) -> dict[str, str]:
        return {"entity": self._thing.entity, "entity_id": self._thing.entity_id}

    def _move(self, bucket: str, *, is_gone: bool, row_hash: int) -> None:
        self._connection.execute(
            update(CHANGE)
            .where(
                CHANGE.c.bucket == bucket,
                CHANGE.c.entity == self._thing.entity,
                CHANGE.c.entity_id == self._thing.entity_id,
            )
            .values(seq=self.seq, is_gone=is_gone, row_hash=row_hash, at_ms=self._at_ms)
        )

    def _add(self, bucket: str, rows: int, hash_change: int) -> None:
        state = bucket_state(self._connection, bucket)
        changed = {"row_count": state.row_count + rows, "checksum": state.checksum ^ hash_change}
        done = self._connection.execute(
            update(BUCKET_SUM).where(BUCKET_SUM.c.bucket == bucket).values(**changed)
        )
        if done.rowcount == 0:
            self._connection.execute(insert(BUCKET_SUM).values(bucket=bucket, **changed))


def bucket_state(connection: Connection, bucket: str) -> BucketState:
    """Return the incrementally kept count and checksum of a bucket."""
    query = select(BUCKET_SUM.c.row_count, BUCKET_SUM.c.checksum).where(
        BUCKET_SUM.c.bucket == bucket
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return BucketState(row_count=0, checksum=0)
    return BucketState(row_count=int(row.row_count), checksum=int(row.checksum))


def recomputed_state(connection: Connection, bucket: str) -> BucketState:
    """Return count and checksum counted anew from the index, for the self-check (I12)."""
    query = select(CHANGE.c.row_hash).where(CHANGE.c.bucket == bucket, CHANGE.c.is_gone.is_(False))
    hashes = [int(row_hash) for row_hash in connection.execute(query).scalars()]
    return BucketState(row_count=len(hashes), checksum=_xor(hashes))


def _xor(hashes: Iterable[int]) -> int:
    checksum = 0
    for row_hash in hashes:
        checksum ^= row_hash
    return checksum


def broken_buckets(connection: Connection) -> list[str]:
    """Return the buckets whose kept sum differs from the recomputed one; empty when all is well."""
    names = connection.execute(select(BUCKET_SUM.c.bucket)).scalars().all()
    return [
        name
        for name in names
        if bucket_state(connection, name) != recomputed_state(connection, name)
    ]


def head_and_horizon(connection: Connection) -> tuple[int, int]:
    """Return the last committed sequence and the sequence up to which tombstones were purged."""
    row = connection.execute(select(CHANGE_HEAD.c.seq, CHANGE_HEAD.c.horizon)).one()
    return int(row.seq), int(row.horizon)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """One entry of the index with the content it points at (None for a tombstone)."""

    entity: str
    entity_id: str
    seq: int
    row_hash: int
    document_text: str | None


def entries_after(
    connection: Connection, bucket: str, seq: int, limit: int
) -> tuple[list[ChangeEntry], bool]:
    """Return about `limit` entries after `seq`, ascending, and whether those were all.

    The last transaction is complete, so that there may be more than `limit`.
    """
    found = connection.execute(_entry_query(bucket, CHANGE.c.seq > seq).limit(limit + 1)).all()
    entries = [_entry(row) for row in found]
    if len(entries) <= limit:
        return entries, True
    last = entries[limit - 1].seq
    whole = connection.execute(_entry_query(bucket, CHANGE.c.seq == last)).all()
    later = connection.execute(_entry_query(bucket, CHANGE.c.seq > last).limit(1)).first()
    entries = [entry for entry in entries if entry.seq < last]
    return [*entries, *(_entry(row) for row in whole)], later is None


_Found = Row[str, str, int, int, str | None]


def _entry_query(
    bucket: str, window: ColumnElement[bool]
) -> Select[str, str, int, int, str | None]:
    content = and_(
        PUBLISHED.c.entity == CHANGE.c.entity,
        PUBLISHED.c.entity_id == CHANGE.c.entity_id,
        CHANGE.c.is_gone.is_(False),
    )
    return (
        select(
            CHANGE.c.entity,
            CHANGE.c.entity_id,
            CHANGE.c.seq,
            CHANGE.c.row_hash,
            PUBLISHED.c.document,
        )
        .select_from(CHANGE.outerjoin(PUBLISHED, content))
        .where(CHANGE.c.bucket == bucket, window)
        .order_by(CHANGE.c.seq, CHANGE.c.entity, CHANGE.c.entity_id)
    )


def _entry(row: _Found) -> ChangeEntry:
    return ChangeEntry(
        entity=row.entity,
        entity_id=row.entity_id,
        seq=int(row.seq),
        row_hash=int(row.row_hash),
        document_text=row.document,
    )


def purge_tombstones(connection: Connection, before_utc: datetime) -> int:
    """Forget tombstones older than a moment; return the new horizon (trap T13).

    A tablet whose position is below the horizon may have missed one: it is told to start anew.
    """
    connection.execute(
        select(CHANGE_HEAD.c.seq).where(CHANGE_HEAD.c.shard == _SHARD).with_for_update()
    )
    old = (CHANGE.c.is_gone.is_(True), CHANGE.c.at_ms < ms_from_utc(before_utc))
    newest = connection.execute(select(func.max(CHANGE.c.seq)).where(*old)).scalar_one()
    _, horizon = head_and_horizon(connection)
    if newest is None:
        return horizon
    connection.execute(delete(CHANGE).where(*old))
    horizon = max(horizon, int(newest))
    connection.execute(
        update(CHANGE_HEAD).where(CHANGE_HEAD.c.shard == _SHARD).values(horizon=horizon)
    )
    return horizon


def last_seq_of(connection: Connection, entity: str, entity_id: str, buckets: Sequence[str]) -> int:
    """Return the sequence of the thing's last entry in these buckets, 0 when there is none."""
    query = select(func.max(CHANGE.c.seq)).where(
        CHANGE.c.entity == entity,
        CHANGE.c.entity_id == entity_id,
        CHANGE.c.bucket.in_(list(buckets)),
    )
    return int(connection.execute(query).scalar_one() or 0)
