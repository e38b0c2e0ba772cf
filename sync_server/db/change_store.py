"""The change index: what tablets are given, in the order of the commits (sync spec 1.2).

The sequence is taken inside the commit: the first publication of a transaction adds one to the
single row of `change_head` and so holds its lock until the transaction ends. A reader that sees
sequence n therefore sees everything up to n (trap T1). All rows of one transaction carry one
sequence, so that a page can refuse to split them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, cast

from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from sync_server.db.bulk_io import OnExisting, find_among, put_rows
from sync_server.db.order_tables import WORK_ORDER
from sync_server.db.sync_tables import BUCKET_SUM, CHANGE, CHANGE_HEAD, PUBLISHED
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import ENTITY as ORDER_ENTITY
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import hash_row_text

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


def is_area_bucket(bucket: str) -> bool:
    """Return whether the bucket is one of an area."""
    return bucket.startswith(area_bucket(""))


def personal_bucket(crew_id: str) -> str:
    """Return the bucket of whom a crew meets: names and numbers, for 48 hours (RULINGS R19)."""
    return f"personal:{crew_id}"


def user_bucket(account_id: str) -> str:
    """Return the bucket of what one person is given."""
    return f"user:{account_id}"


class Publication(NamedTuple):
    """A thing as tablets shall see it from this transaction on; a tuple, of which a push has many.

    Attributes:
        entity: Its type, such as `work_order`.
        entity_id: Its id.
        document: Its content; as bytes it is the JSON that `dump_json` would make of it.
        buckets: Where it is seen; empty takes it away everywhere.
        is_in_own_row: The caller writes the document into the thing's own row, in this
            transaction (work orders); otherwise it is kept in `published`.
    """

    entity: str
    entity_id: str
    document: JsonObject | bytes
    buckets: frozenset[str]
    is_in_own_row: bool = False


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
    seq = int(connection.exec_driver_sql(_DRAW).scalar_one())
    connection.info[_SEQ_OF_TRANSACTION] = (transaction, seq)
    return seq


_DRAW = f"UPDATE change_head SET seq = seq + 1 WHERE shard = {_SHARD} RETURNING seq"  # noqa: S608  # our own number
"""Written out: every change asks, and to put it together takes longer."""


def publish(connection: Connection, publication: Publication, now_utc: datetime) -> int:
    """Write what tablets see of a thing; return the sequence at which they see it.

    A bucket it left gets a tombstone (trap T6). Equal content in equal buckets changes nothing
    and returns the sequence of the last change.
    """
    seqs = publish_all(connection, [publication], now_utc)
    return seqs[publication.entity, publication.entity_id]


def publish_all(
    connection: Connection, publications: Sequence[Publication], now_utc: datetime
) -> dict[tuple[str, str], int]:
    """Write what tablets see of many things, each once; return (entity, id) -> sequence.

    Like `publish` for each of them, in a handful of statements.
    """
    places = publish_in_places(connection, publications, now_utc)
    return {key: max(seqs.values(), default=0) for key, seqs in places.items()}


def publish_in_places(
    connection: Connection, publications: Sequence[Publication], now_utc: datetime
) -> dict[tuple[str, str], Mapping[str, int]]:
    """Do as `publish_all`; return (entity, id) -> bucket -> sequence of its last entry there."""
    things = [_Thing(each) for each in publications]
    before = _before(connection, things)
    writer = _Writer(0, 0)
    if any(thing.differs_from(before[thing.key]) for thing in things):
        writer = _Writer(commit_seq(connection), ms_from_utc(now_utc))
        if connection.dialect.name != "sqlite":  # where writers had each other out all along
            before = _before(connection, things)  # once more: nobody else writes from here on
        for thing in things:
            writer.take(thing, before[thing.key].shown)
        writer.write(connection)
    for key, buckets in writer.moved.items():
        before[key].seqs.update(dict.fromkeys(buckets, writer.seq))
    return {thing.key: before[thing.key].seqs for thing in things}


_Key = tuple[str, str]
"""(entity, id)."""


class _Thing:
    """A publication with its content as text and the hash of that."""

    def __init__(self, publication: Publication) -> None:
        self.key: _Key = (publication.entity, publication.entity_id)
        self.buckets = publication.buckets
        self.is_in_own_row = publication.is_in_own_row
        content = publication.document
        self.document = content if isinstance(content, bytes) else dump_json(content)
        self.row_hash = hash_row_text(*self.key, self.document)

    def differs_from(self, before: "_Before") -> bool:
        """Return whether any bucket shows something else than it should."""
        return before.shown != dict.fromkeys(self.buckets, self.row_hash)


class _Before(NamedTuple):
    """Where a thing was seen: bucket -> the hash of what it showed, and its last sequence there."""

    shown: dict[str, int]
    seqs: dict[str, int]


def _before(connection: Connection, things: Sequence[_Thing]) -> Mapping[_Key, _Before]:
    """Return where each thing that is to be published was seen until now."""
    found = {thing.key: _Before({}, {}) for thing in things}
    for entity in sorted({thing.key[0] for thing in things}):
        ids = [thing.key[1] for thing in things if thing.key[0] == entity]
        rows = find_among(connection, CHANGE, _ENTRY, "entity_id", ids, entity=entity)
        for row in rows:
            entity_id, bucket, seq, is_gone, row_hash = cast(
                "_Entry", row
            )  # in the order of _ENTRY
            shown, seqs = found[entity, entity_id]
            seqs[bucket] = seq
            if not is_gone:
                shown[bucket] = row_hash
    return found


_ENTRY = ("entity_id", "bucket", "seq", "is_gone", "row_hash")
_Entry = tuple[str, str, int, bool, int]


class _Change(NamedTuple):
    """A row of the index that is to be written, in the order of its columns."""

    bucket: str
    entity: str
    entity_id: str
    seq: int
    is_gone: bool
    row_hash: int
    at_ms: int


class _Writer:
    """Collects the entries of many things under the head's lock and writes them at once."""

    def __init__(self, seq: int, at_ms: int) -> None:
        self.seq = seq
        self.moved: dict[_Key, list[str]] = {}
        self._at_ms = at_ms
        self._entries: list[_Change] = []
        self._sums: dict[str, tuple[int, int]] = {}
        self._documents: list[tuple[str, str, int, str]] = []
        self._withdrawn: list[dict[str, str]] = []

    def take(self, thing: _Thing, shown: Mapping[str, int]) -> None:
        """Note what changes for one thing: where it appears, where it is gone."""
        if not shown.keys() <= thing.buckets:
            for bucket in sorted(shown.keys() - thing.buckets):
                self.leave(thing.key, bucket, shown[bucket])
        for bucket in sorted(thing.buckets):
            if shown.get(bucket) != thing.row_hash:
                self.put(thing.key, bucket, thing.row_hash, shown.get(bucket))
        if thing.key in self.moved and not thing.is_in_own_row:
            self.keep_document(thing)

    def put(self, key: _Key, bucket: str, row_hash: int, old_hash: int | None) -> None:
        """Show the thing in a bucket; `old_hash` None when it was not there."""
        self._move(key, bucket, is_gone=False, row_hash=row_hash)
        self._add(bucket, 1 if old_hash is None else 0, (old_hash or 0) ^ row_hash)

    def leave(self, key: _Key, bucket: str, old_hash: int) -> None:
        """Put a tombstone in a bucket that the thing left."""
        self._move(key, bucket, is_gone=True, row_hash=0)
        self._add(bucket, -1, old_hash)

    def keep_document(self, thing: _Thing) -> None:
        """Keep the content for later pulls, or forget it when no bucket shows it."""
        entity, entity_id = thing.key
        if not thing.buckets:
            self._withdrawn.append({"b_entity": entity, "b_id": entity_id})
            return
        self._documents.append((entity, entity_id, thing.row_hash, thing.document.decode()))

    def write(self, connection: Connection) -> None:
        """Write everything that was noted."""
        put_rows(connection, CHANGE, self._entries, OnExisting.REPLACE)
        put_rows(connection, PUBLISHED, self._documents, OnExisting.REPLACE)
        if self._withdrawn:
            gone = delete(PUBLISHED).where(
                PUBLISHED.c.entity == bindparam("b_entity"),
                PUBLISHED.c.entity_id == bindparam("b_id"),
            )
            connection.execute(gone, self._withdrawn)
        rows = [(bucket, *change) for bucket, change in sorted(self._sums.items())]
        if rows:
            connection.exec_driver_sql(_ADD_TO_SUM[connection.dialect.name], rows)

    def _move(self, key: _Key, bucket: str, *, is_gone: bool, row_hash: int) -> None:
        self.moved.setdefault(key, []).append(bucket)
        self._entries.append(_Change(bucket, *key, self.seq, is_gone, row_hash, self._at_ms))

    def _add(self, bucket: str, rows: int, hash_change: int) -> None:
        count, change = self._sums.get(bucket, (0, 0))
        self._sums[bucket] = (count + rows, change ^ hash_change)


_NEW_SUM = "INSERT INTO bucket_sum (bucket, row_count, checksum) VALUES"
_ADD_TO_SUM = {
    "sqlite": f"""{_NEW_SUM} (?, ?, ?) ON CONFLICT (bucket) DO UPDATE SET
        row_count = row_count + excluded.row_count,
        checksum = (checksum | excluded.checksum) - (checksum & excluded.checksum)""",
    "postgresql": f"""{_NEW_SUM} (%s, %s, %s) ON CONFLICT (bucket) DO UPDATE SET
        row_count = bucket_sum.row_count + excluded.row_count,
        checksum = bucket_sum.checksum # excluded.checksum""",
}
"""The sum with a change of it: rows more or less, and what the exclusive-or of the hashes turns.
SQLite has no exclusive-or of its own."""

_SUM = ("bucket", "row_count", "checksum")


def bucket_states(connection: Connection, buckets: Sequence[str]) -> dict[str, BucketState]:
    """Return the incrementally kept count and checksum of each of these buckets."""
    states = {bucket: BucketState(row_count=0, checksum=0) for bucket in buckets}
    for row in find_among(connection, BUCKET_SUM, _SUM, "bucket", states.keys()):
        states[row.bucket] = BucketState(row_count=int(row.row_count), checksum=int(row.checksum))
    return states


def bucket_state(connection: Connection, bucket: str) -> BucketState:
    """Return the incrementally kept count and checksum of a bucket."""
    return bucket_states(connection, [bucket])[bucket]


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
    return [
        name
        for name in bucket_names(connection)
        if bucket_state(connection, name) != recomputed_state(connection, name)
    ]


def note_buckets(connection: Connection, buckets: Collection[str]) -> None:
    """Remember that these buckets were ever given to a tablet, though nothing is in them yet.

    Those that are known are left alone: an insert would wait for whoever writes into them.
    """
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    known = select(BUCKET_SUM.c.bucket).where(BUCKET_SUM.c.bucket.in_(sorted(buckets)))
    new = set(buckets) - set(connection.execute(known).scalars())
    rows = [{"bucket": bucket, "row_count": 0, "checksum": 0} for bucket in sorted(new)]
    if rows:
        connection.execute(make(BUCKET_SUM).on_conflict_do_nothing(), rows)


def bucket_names(connection: Connection) -> list[str]:
    """Return every bucket in which anything ever was, or that was noted."""
    return list(connection.execute(select(BUCKET_SUM.c.bucket)).scalars())


def head_and_horizon(connection: Connection) -> tuple[int, int]:
    """Return the last committed sequence and the sequence up to which tombstones were purged."""
    row = connection.execute(_HEAD).one()
    return int(row.seq), int(row.horizon)


_HEAD = select(CHANGE_HEAD.c.seq, CHANGE_HEAD.c.horizon)

_NEXT = select(func.min(CHANGE.c.seq)).where(
    CHANGE.c.bucket == bindparam("of_bucket"), CHANGE.c.seq > bindparam("after")
)


def newest_seqs(connection: Connection, buckets: Sequence[str]) -> dict[str, int]:
    """Return bucket -> sequence of its last entry; a bucket without any is left out."""
    if not buckets:
        return {}
    asked = {f"bucket_{place}": bucket for place, bucket in enumerate(buckets)}
    row = connection.execute(_newest(len(buckets)), asked).one()
    found: Iterable[tuple[str, int | None]] = zip(buckets, row, strict=True)
    return {bucket: int(seq) for bucket, seq in found if seq is not None}


@lru_cache(maxsize=200)
def _newest(count: int) -> Select[int | None]:
    """Return one query for so many buckets; grouped by bucket it would read all their entries."""
    return select(
        *(
            select(func.max(CHANGE.c.seq))
            .where(CHANGE.c.bucket == bindparam(f"bucket_{place}"))
            .scalar_subquery()
            for place in range(count)
        )
    )


def next_seq(connection: Connection, bucket: str, seq: int) -> int:
    """Return the sequence of the bucket's first entry after `seq`, 0 when there is none."""
    asked = {"of_bucket": bucket, "after": seq}
    return int(connection.execute(_NEXT, asked).scalar_one() or 0)


class ChangeEntry(NamedTuple):
    """One entry of the index with the content it points at (None for a tombstone).

    A tuple, in the order of `_ENTRIES`: a page has five hundred, and a value class takes five
    times as long to make. The content is JSON in UTF-8, as it is stored.
    """

    entity: str
    entity_id: str
    seq: int
    row_hash: int
    document: bytes | None


def entries_after(
    connection: Connection, bucket: str, seq: int, limit: int
) -> tuple[list[ChangeEntry], bool]:
    """Return about `limit` entries after `seq`, ascending, and whether those were all.

    The last transaction is complete, so that there may be more than `limit`.
    """
    asked = {"bucket": bucket, "after": seq, "most": limit + 1}
    entries = _in_order(connection.execute(_ENTRIES_AFTER, asked))
    if len(entries) <= limit:
        return entries, True
    last = entries[limit - 1].seq
    whole = _in_order(connection.execute(_ENTRIES_AT, {"bucket": bucket, "at": last}))
    later = connection.execute(_ENTRIES_AFTER, {"bucket": bucket, "after": last, "most": 1}).first()
    entries = [entry for entry in entries if entry.seq < last]
    return [*entries, *whole], later is None


_by_place = itemgetter(2, 0, 1)


def _in_order(rows: Iterable[Row[str, str, int, int, bytes]]) -> list[ChangeEntry]:
    """Return the entries by sequence, entity and id.

    They come by sequence, as the index has them: to sort the rest, SQLite would copy every text.
    """
    return sorted((ChangeEntry(*row) for row in rows), key=_by_place)


def shown_entries(connection: Connection) -> Iterator[ChangeEntry]:
    """Yield what every bucket shows, in no order, for the self-check (I3)."""
    for row in connection.execute(_ALL_ENTRIES.where(CHANGE.c.is_gone.is_(False))):
        yield ChangeEntry(*row)


class _Utf8(FunctionElement[bytes]):
    """A text as the bytes it is stored in: decoded, a page would be encoded again to be read."""

    name = "utf8"
    type: TypeEngine[bytes] = LargeBinary()
    inherit_cache: bool | None = True


@compiles(_Utf8, "sqlite")
def _utf8_on_sqlite(element: _Utf8, compiler: SQLCompiler, **names: object) -> str:
    return f"CAST({compiler.process(element.clauses, **names)} AS BLOB)"


@compiles(_Utf8, "postgresql")
def _utf8_on_postgresql(element: _Utf8, compiler: SQLCompiler, **names: object) -> str:
    return f"convert_to({compiler.process(element.clauses, **names)}, 'UTF8')"


_ALL_ENTRIES: Select[str, str, int, int, bytes] = select(
    CHANGE.c.entity,
    CHANGE.c.entity_id,
    CHANGE.c.seq,
    CHANGE.c.row_hash,
    _Utf8(func.coalesce(WORK_ORDER.c.document, PUBLISHED.c.document)),
).select_from(
    CHANGE.outerjoin(
        WORK_ORDER,
        and_(
            CHANGE.c.entity == ORDER_ENTITY,
            CHANGE.c.is_gone.is_(False),
            WORK_ORDER.c.order_id == CHANGE.c.entity_id,
        ),
    ).outerjoin(
        PUBLISHED,
        and_(
            CHANGE.c.entity != ORDER_ENTITY,
            CHANGE.c.is_gone.is_(False),
            PUBLISHED.c.entity == CHANGE.c.entity,
            PUBLISHED.c.entity_id == CHANGE.c.entity_id,
        ),
    )
)
"""Built once: to put a statement together costs more than to run it, and every pull runs some."""

_ENTRIES = _ALL_ENTRIES.where(CHANGE.c.bucket == bindparam("bucket")).order_by(CHANGE.c.seq)
_ENTRIES_AFTER = _ENTRIES.where(CHANGE.c.seq > bindparam("after")).limit(
    bindparam("most", type_=Integer)
)
_ENTRIES_AT = _ENTRIES.where(CHANGE.c.seq == bindparam("at"))


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


def last_seqs_of(
    connection: Connection, things: Iterable[tuple[str, str]], buckets: Collection[str]
) -> dict[tuple[str, str], int]:
    """Return (entity, id) -> sequence of its last entry in these buckets; none is left out."""
    ids_by_entity: dict[str, list[str]] = {}
    for entity, entity_id in sorted(set(things)):
        ids_by_entity.setdefault(entity, []).append(entity_id)
    found: dict[tuple[str, str], int] = {}
    for entity, ids in ids_by_entity.items():
        rows = find_among(connection, CHANGE, _PLACE, "entity_id", ids, entity=entity)
        for row in rows:
            if row.bucket in buckets:
                thing = (entity, row.entity_id)
                found[thing] = max(row.seq, found.get(thing, 0))
    return found


_PLACE = ("entity_id", "bucket", "seq")
