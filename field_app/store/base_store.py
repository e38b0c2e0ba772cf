"""Maps the rows as the server sent them, with count and checksum of every bucket kept in step."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    union,
    update,
)
from sqlalchemy.dialects import sqlite

from field_app.store import order_copy_store
from field_app.store.among import is_among_bound
from field_app.store.draft_store import forms_in_use
from field_app.store.personal_rows import PERSONAL, Keep, keep_nothing
from field_app.store.row_text import checked_texts
from field_app.store.tables import base_row, bucket, draft_answer, outbox_op, sync_report
from wire_contracts.fields import JsonObject
from wire_contracts.orders import ENTITY as ORDER
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import BucketEnd, BucketPage, EntityRow, Tombstone

KEPT = ""
"""The bucket of rows that left the tablet's scope while own words about them are on the way, and of
forms that somebody has begun."""

_ONE: ColumnElement[int] = literal_column("1")
"""Written out, for SQLite takes a partial index only when it sees the value."""

Thing = tuple[str, str]
"""(entity, entity_id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRow:
    """One row of the server: the newest copy when several buckets hold it."""

    entity: str
    entity_id: str
    seq: int
    document: JsonObject
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A bucket whose rows do not add up to what the server says."""

    bucket: str
    ours: BucketEnd
    theirs: BucketEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What one transaction does to a bucket's tally."""

    count: int = 0
    checksum: int = 0


def apply_page(
    connection: Connection,
    page: BucketPage,
    keep: Keep = keep_nothing,
    *,
    is_swept: bool = True,
) -> set[Thing]:
    """Take one bucket's page; return the things it touched.

    `keep` says what of a personal row may be kept. Without `is_swept` the caller sweeps what a
    finished fresh pass did not confirm.

    Raises:
        ContractError: A row does not match its own hash; the whole page is refused.
    """
    touched: set[Thing] = set()
    if page.is_reset:
        mark_stale(connection, page.bucket)
    if not (page.rows or page.tombstones):
        _change_tally(connection, page.bucket, 0, ())
    if page.rows:
        touched |= _put(connection, page.bucket, page.rows, keep)
    if page.tombstones:
        touched |= _remove(connection, page.bucket, page.tombstones)
    if is_swept and page.end is not None:
        touched |= sweep_stale(connection, page.bucket)
    return touched


def check_bucket(connection: Connection, name: str, theirs: BucketEnd) -> Mismatch | None:
    """Return the difference between our tally and the server's, or None when they agree."""
    ours = load_tally(connection, name)
    return None if ours == theirs else Mismatch(bucket=name, ours=ours, theirs=theirs)


def add_report(connection: Connection, kind: str, body: JsonObject, at_ms: int) -> None:
    """Keep one report about the store itself."""
    connection.execute(
        insert(sync_report).values(at_ms=at_ms, kind=kind, body=dump_json(body).decode())
    )


def load_reports(connection: Connection) -> list[tuple[str, JsonObject]]:
    """Return (kind, body) of every report, oldest first."""
    rows = connection.execute(select(sync_report).order_by(sync_report.c.report_id)).all()
    return [(row.kind, json.loads(row.body)) for row in rows]


_TALLY = select(bucket).where(bucket.c.name == bindparam("wanted"))
"""Built once: every page asks."""


def load_tally(connection: Connection, name: str) -> BucketEnd:
    """Return count and checksum of a bucket as they are kept."""
    row = connection.execute(_TALLY, {"wanted": name}).one_or_none()
    if row is None:
        return BucketEnd(count=0, checksum=0)
    return BucketEnd(count=row.row_count, checksum=row.checksum)


def recount_tally(connection: Connection, name: str) -> BucketEnd:
    """Return count and checksum of a bucket, computed anew from its rows (invariant I12)."""
    hashes = connection.execute(
        select(base_row.c.row_hash).where(base_row.c.bucket == name, base_row.c.is_stale == 0)
    ).scalars()
    change = _Change()
    for row_hash in hashes:
        change = _Change(count=change.count + 1, checksum=change.checksum ^ row_hash)
    return BucketEnd(count=change.count, checksum=change.checksum)


def bucket_names(connection: Connection) -> list[str]:
    """Return the names of the buckets that the tablet knows."""
    return list(connection.execute(select(bucket.c.name).order_by(bucket.c.name)).scalars())


def mark_stale(connection: Connection, name: str | None = None) -> None:
    """Mark the rows of a bucket (None: of all) as to be confirmed or swept by a fresh pass.

    They stay readable meanwhile: half a list must never look like the whole one.
    """
    if name is None:
        connection.execute(_ALL_STALE)
        connection.execute(_NO_TALLIES)
    else:
        connection.execute(_STALE, {"of_bucket": name})
        connection.execute(_KEEP_TALLY, {"wanted": name, "rows": 0, "sum": 0})


_ALL_STALE: Final = update(base_row).where(base_row.c.bucket != KEPT).values(is_stale=1)
_STALE: Final = (
    update(base_row).where(base_row.c.bucket == bindparam("of_bucket")).values(is_stale=1)
)
_NO_TALLIES: Final = update(bucket).values(row_count=0, checksum=0)


def sweep_stale(connection: Connection, name: str | None = None) -> set[Thing]:
    """Remove the rows that a finished fresh pass did not confirm; return what was removed."""
    swept = _SWEPT_ALL if name is None else _SWEPT
    return _take_away(connection, swept, name)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows: the query that names their things, and the statement that removes them."""

    things: Select[str, str]
    removal: Delete


def _rows(condition: ColumnElement[bool]) -> _Rows:
    things = select(base_row.c.entity, base_row.c.entity_id).where(condition)
    return _Rows(things, delete(base_row).where(condition))


_IS_STALE: Final[ColumnElement[bool]] = base_row.c.is_stale == _ONE
_IN_BUCKET: Final = base_row.c.bucket == bindparam("of_bucket")
_SWEPT: Final = _rows(and_(_IS_STALE, _IN_BUCKET))
_SWEPT_ALL: Final = _rows(_IS_STALE)
_DROPPED: Final = _rows(_IN_BUCKET)


def _take_away(connection: Connection, rows: _Rows, name: str | None) -> set[Thing]:
    """Remove rows of a bucket (None: of all); what own words are about is kept aside."""
    asked = {} if name is None else {"of_bucket": name}
    gone = {(entity, entity_id) for entity, entity_id in connection.execute(rows.things, asked)}
    if gone:
        _keep_needed(connection, gone, name)
        orders = [entity_id for entity, entity_id in gone if entity == ORDER]
        order_copy_store.keep_leaving(connection, orders)
        connection.execute(rows.removal, asked)
    return gone


def drop_bucket(connection: Connection, name: str) -> set[Thing]:
    """Forget a bucket that the log-in no longer reaches; return the things that left."""
    gone = _take_away(connection, _DROPPED, name)
    connection.execute(_FORGET_TALLY, {"wanted": name})
    return gone


_FORGET_TALLY: Final = delete(bucket).where(bucket.c.name == bindparam("wanted"))


def load_row(connection: Connection, entity: str, entity_id: str) -> BaseRow | None:
    """Return the newest copy of a thing, a kept one only when no bucket holds it; None: unknown."""
    return load_rows(connection, entity, [entity_id]).get(entity_id)


def load_rows(connection: Connection, entity: str, entity_ids: Sequence[str]) -> dict[str, BaseRow]:
    """Return the newest copies by id, as `load_row` does; what is unknown is left out."""
    asked = {"of_entity": entity, "ids": json.dumps(entity_ids)}
    rows = connection.execute(_NEWEST_COPIES, asked)
    return {
        row.entity_id: BaseRow(
            entity=entity,
            entity_id=row.entity_id,
            seq=row.seq,
            document=json.loads(row.document),
            is_kept=row.bucket == KEPT,
        )
        for row in rows
    }


_NEWEST_COPIES: Final = (
    select(base_row.c.entity_id, base_row.c.seq, base_row.c.document, base_row.c.bucket)
    .where(base_row.c.entity == bindparam("of_entity"), is_among_bound(base_row.c.entity_id, "ids"))
    .order_by((base_row.c.bucket != KEPT), base_row.c.seq)
)
"""The last of a thing is its newest."""


def load_documents(connection: Connection, entity: str) -> list[str]:
    """Return the documents of one type as JSON text, ordered by id."""
    return list(connection.execute(_DOCUMENTS, {"of_entity": entity}).scalars())


_DOCUMENTS: Final = (
    select(base_row.c.document)
    .where(base_row.c.entity == bindparam("of_entity"), base_row.c.bucket != KEPT)
    .order_by(base_row.c.entity_id)
)


def forget_kept(connection: Connection, entity: str, entity_ids: Sequence[str]) -> None:
    """Remove kept copies: nothing of ours is on the way any more, or the thing is back."""
    if entity_ids:
        asked = {"of_bucket": KEPT, "of_entity": entity, "ids": json.dumps(entity_ids)}
        connection.execute(_REMOVE, asked)


_REMOVE: Final = delete(base_row).where(
    base_row.c.bucket == bindparam("of_bucket"),
    base_row.c.entity == bindparam("of_entity"),
    is_among_bound(base_row.c.entity_id, "ids"),
)


_COPIES: Final = select(base_row.c.entity_id, base_row.c.row_hash).where(
    base_row.c.bucket == bindparam("of_bucket"),
    base_row.c.entity == bindparam("of_entity"),
    is_among_bound(base_row.c.entity_id, "ids"),
    base_row.c.is_stale == 0,
)
"""Built once: every page asks."""


def _fresh_hashes(
    connection: Connection, name: str, things: Sequence[Thing]
) -> Mapping[Thing, int]:
    found: dict[Thing, int] = {}
    for entity, ids in _ids_by_entity(things).items():
        asked = {"of_bucket": name, "of_entity": entity, "ids": ids}
        for entity_id, row_hash in connection.execute(_COPIES, asked):
            found[entity, entity_id] = row_hash
    return found


def _ids_by_entity(things: Iterable[Thing]) -> dict[str, str]:
    """Return the ids of each type as statements that are built once take them."""
    found: dict[str, list[str]] = {}
    for entity, entity_id in things:
        found.setdefault(entity, []).append(entity_id)
    return {entity: json.dumps(ids) for entity, ids in found.items()}


_PUT: Final = """
    INSERT INTO base_row (bucket, entity, entity_id, seq, row_hash, is_stale, document)
    VALUES (?, ?, ?, ?, ?, 0, CAST(? AS TEXT))
    ON CONFLICT (bucket, entity, entity_id) DO UPDATE SET
        seq = excluded.seq, row_hash = excluded.row_hash, is_stale = 0,
        document = excluded.document
"""
"""The text comes as the bytes that were hashed: to decode it costs as much as to write it."""


def _put(connection: Connection, name: str, rows: Sequence[EntityRow], keep: Keep) -> set[Thing]:
    last = {(row.entity, row.entity_id): row for row in rows}
    known = _fresh_hashes(connection, name, list(last))
    came = list(last.values())
    order_copy_store.keep_forgotten(connection, came)
    cells = [
        (name, row.entity, row.entity_id, row.seq, row.row_hash, text)
        for row, text in zip(came, _texts(name, came, keep), strict=True)
    ]
    connection.exec_driver_sql(_PUT, cells)
    hashes = [*known.values(), *(row.row_hash for row in came)]
    _change_tally(connection, name, len(came) - len(known), hashes)
    return set(last)


def _texts(name: str, rows: Sequence[EntityRow], keep: Keep) -> list[bytes]:
    texts = checked_texts(name, rows)
    for place, row in enumerate(rows):
        if row.entity in PERSONAL:
            texts[place] = dump_json(keep(row.entity, row.entity_id, row.document))
    return texts


def _remove(connection: Connection, name: str, tombstones: Sequence[Tombstone]) -> set[Thing]:
    things = [(gone.entity, gone.entity_id) for gone in tombstones]
    known = _fresh_hashes(connection, name, things)
    _keep_needed(connection, set(things), name)
    for entity, ids in _ids_by_entity(things).items():
        connection.execute(_REMOVE, {"of_bucket": name, "of_entity": entity, "ids": ids})
    _change_tally(connection, name, -len(known), known.values())
    return set(things)


_KEEP_TALLY: Final = (
    update(bucket)
    .where(bucket.c.name == bindparam("wanted"))
    .values(row_count=bindparam("rows"), checksum=bindparam("sum"))
)


_TALLY_MORE: Final = """
    INSERT INTO bucket (name, row_count, checksum) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET
        row_count = row_count + excluded.row_count,
        checksum = (checksum | excluded.checksum) - (checksum & excluded.checksum)
"""
"""SQLite has no exclusive-or of its own."""


def _change_tally(connection: Connection, name: str, count: int, hashes: Iterable[int]) -> None:
    """Count rows and hashes in or out; a bucket is known from its first page on."""
    connection.exec_driver_sql(_TALLY_MORE, (name, count, reduce(xor, hashes, 0)))


def _keep_needed(connection: Connection, things: set[Thing], name: str | None) -> None:
    """Copy rows about to leave into the kept bucket where own words about them exist."""
    orders = [entity_id for entity, entity_id in things if entity == ORDER]
    order_copy_store.keep_since_restore(connection, orders)
    needed = _needed(connection, [entity_id for _, entity_id in things])
    own = ((entity, each) for entity, each in things if each in needed and entity not in PERSONAL)
    for entity, ids in _ids_by_entity(own).items():
        asked = {"of_entity": entity, "ids": ids} | ({} if name is None else {"of_bucket": name})
        leaving = connection.execute(_LEAVING_STALE if name is None else _LEAVING, asked).mappings()
        kept = [{**row, "bucket": KEPT} for row in leaving]
        if kept:
            connection.execute(_KEEP, kept)
            if entity == ORDER:
                order_copy_store.keep_moving(connection, [row["entity_id"] for row in kept])


_COPY: Final = select(
    base_row.c.entity,
    base_row.c.entity_id,
    base_row.c.seq,
    base_row.c.row_hash,
    literal_column("0").label("is_stale"),
    base_row.c.document,
).where(
    base_row.c.entity == bindparam("of_entity"),
    is_among_bound(base_row.c.entity_id, "ids"),
)
_LEAVING: Final = _COPY.where(_IN_BUCKET)
_LEAVING_STALE: Final = _COPY.where(_IS_STALE)
_NEW_KEPT: Final = sqlite.insert(base_row)
_KEEP: Final = _NEW_KEPT.on_conflict_do_update(
    index_elements=["bucket", "entity", "entity_id"],
    set_={"seq": _NEW_KEPT.excluded.seq, "document": _NEW_KEPT.excluded.document},
)


_VERSION: Final = "@"
"""Stands in the id of a form before its version, and in no other id."""


def _needed(connection: Connection, entity_ids: Sequence[str]) -> set[str]:
    asked = {"ids": json.dumps(entity_ids)}
    found = set(connection.execute(_NEEDED, asked).scalars())
    if any(_VERSION in each for each in entity_ids):
        found |= forms_in_use(connection) & set(entity_ids)
    return found


_NEEDED: Final = union(
    select(outbox_op.c.order_id).where(
        is_among_bound(outbox_op.c.order_id, "ids"),
        (outbox_op.c.look == 1) | outbox_op.c.status.in_(["queued", "sending", "received", "held"]),
    ),
    select(draft_answer.c.order_id).where(is_among_bound(draft_answer.c.order_id, "ids")),
)


def count_rows(connection: Connection) -> int:
    """Return how many rows of the server the tablet holds."""
    return connection.execute(
        select(func.count()).select_from(base_row).where(base_row.c.bucket != KEPT)
    ).scalar_one()
