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
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import sqlite

from field_app.store.among import is_among, is_among_bound
from field_app.store.draft_store import forms_in_use
from field_app.store.personal_rows import PERSONAL, Keep, keep_nothing
from field_app.store.row_text import checked_texts
from field_app.store.tables import base_row, bucket, draft_answer, outbox_op, sync_report
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import BucketEnd, BucketPage, EntityRow, Tombstone

KEPT = ""
"""The bucket of rows that left the tablet's scope while own words about them are on the way, and of
forms that somebody has begun."""

_CHUNK = 400
"""Things per IN list, two variables each: older SQLite builds take 999."""

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


def apply_page(connection: Connection, page: BucketPage, keep: Keep = keep_nothing) -> set[Thing]:
    """Take one bucket's page; return the things it touched.

    `keep` says what of a personal row may be kept.

    Raises:
        ContractError: A row does not match its own hash; the whole page is refused.
    """
    touched: set[Thing] = set()
    _ensure_bucket(connection, page.bucket)
    if page.is_reset:
        mark_stale(connection, page.bucket)
    if page.rows:
        touched |= _put(connection, page.bucket, page.rows, keep)
    for start in range(0, len(page.tombstones), _CHUNK):
        touched |= _remove(connection, page.bucket, page.tombstones[start : start + _CHUNK])
    if page.end is not None:
        touched |= sweep_stale(connection, page.bucket)
    return touched


def check_bucket(connection: Connection, name: str, theirs: BucketEnd) -> Mismatch | None:
    """Return the difference between our tally and the server's, or None when they agree."""
    ours = load_tally(connection, name)
    return None if ours == theirs else Mismatch(bucket=name, ours=ours, theirs=theirs)


def report_mismatch(connection: Connection, mismatch: Mismatch, at_ms: int) -> None:
    """Keep the manifest (ids and hashes) of a bucket that does not add up, for the developers."""
    rows = connection.execute(
        select(base_row.c.entity, base_row.c.entity_id, base_row.c.seq, base_row.c.row_hash)
        .where(base_row.c.bucket == mismatch.bucket)
        .order_by(base_row.c.entity, base_row.c.entity_id)
    ).all()
    manifest: list[JsonValue] = [[row.entity, row.entity_id, row.seq, row.row_hash] for row in rows]
    body: JsonObject = {
        "bucket": mismatch.bucket,
        "ours": {"count": mismatch.ours.count, "checksum": mismatch.ours.checksum},
        "theirs": {"count": mismatch.theirs.count, "checksum": mismatch.theirs.checksum},
        "manifest": manifest,
    }
    add_report(connection, "bucket_mismatch", body, at_ms)


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
    rows = update(base_row).where(base_row.c.bucket != KEPT).values(is_stale=1)
    tallies = update(bucket).values(row_count=0, checksum=0)
    if name is not None:
        rows = rows.where(base_row.c.bucket == name)
        tallies = tallies.where(bucket.c.name == name)
    connection.execute(rows)
    connection.execute(tallies)


def sweep_stale(connection: Connection, name: str | None = None) -> set[Thing]:
    """Remove the rows that a finished fresh pass did not confirm; return what was removed."""
    condition: ColumnElement[bool] = base_row.c.is_stale == _ONE
    if name is not None:
        condition = and_(condition, base_row.c.bucket == name)
    gone = _things(connection, condition)
    if not gone:
        return gone
    _keep_needed(connection, gone, name)
    connection.execute(delete(base_row).where(condition))
    return gone


def drop_bucket(connection: Connection, name: str) -> set[Thing]:
    """Forget a bucket that the log-in no longer reaches; return the things that left."""
    mine = base_row.c.bucket == name
    gone = _things(connection, mine)
    _keep_needed(connection, gone, name)
    connection.execute(delete(base_row).where(mine))
    connection.execute(delete(bucket).where(bucket.c.name == name))
    return gone


def load_row(connection: Connection, entity: str, entity_id: str) -> BaseRow | None:
    """Return the newest copy of a thing, a kept one only when no bucket holds it; None: unknown."""
    return load_rows(connection, entity, [entity_id]).get(entity_id)


def load_rows(connection: Connection, entity: str, entity_ids: Sequence[str]) -> dict[str, BaseRow]:
    """Return the newest copies by id, as `load_row` does; what is unknown is left out."""
    rows = connection.execute(
        select(base_row)
        .where(base_row.c.entity == entity, is_among(base_row.c.entity_id, entity_ids))
        .order_by((base_row.c.bucket != KEPT), base_row.c.seq)
    )
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


def load_documents(connection: Connection, entity: str) -> list[str]:
    """Return the documents of one type as JSON text, ordered by id."""
    rows = connection.execute(
        select(base_row.c.document)
        .where(base_row.c.entity == entity, base_row.c.bucket != KEPT)
        .order_by(base_row.c.entity_id)
    )
    return list(rows.scalars())


def forget_kept(connection: Connection, entity: str, entity_ids: Sequence[str]) -> None:
    """Remove kept copies: nothing of ours is on the way any more, or the thing is back."""
    connection.execute(
        delete(base_row).where(
            base_row.c.bucket == KEPT,
            base_row.c.entity == entity,
            base_row.c.entity_id.in_(entity_ids),
        )
    )


_NEW_BUCKET: Final = (
    sqlite.insert(bucket)
    .values(name=bindparam("of_bucket"), row_count=0, checksum=0)
    .on_conflict_do_nothing()
)


def _ensure_bucket(connection: Connection, name: str) -> None:
    connection.execute(_NEW_BUCKET, {"of_bucket": name})


def _things(connection: Connection, condition: ColumnElement[bool]) -> set[Thing]:
    rows = connection.execute(select(base_row.c.entity, base_row.c.entity_id).where(condition))
    return {(row.entity, row.entity_id) for row in rows}


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
    by_entity: dict[str, list[str]] = {}
    for entity, entity_id in things:
        by_entity.setdefault(entity, []).append(entity_id)
    found: dict[Thing, int] = {}
    for entity, entity_ids in by_entity.items():
        asked = {"of_bucket": name, "of_entity": entity, "ids": json.dumps(entity_ids)}
        for entity_id, row_hash in connection.execute(_COPIES, asked):
            found[entity, entity_id] = row_hash
    return found


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
    connection.execute(
        delete(base_row).where(
            base_row.c.bucket == name,
            tuple_(base_row.c.entity, base_row.c.entity_id).in_(things),
        )
    )
    _change_tally(connection, name, -len(known), known.values())
    return set(things)


_KEEP_TALLY: Final = (
    update(bucket)
    .where(bucket.c.name == bindparam("wanted"))
    .values(row_count=bindparam("rows"), checksum=bindparam("sum"))
)


def _change_tally(connection: Connection, name: str, count: int, hashes: Iterable[int]) -> None:
    tally = load_tally(connection, name)
    checksum = reduce(xor, hashes, tally.checksum)
    values = {"wanted": name, "rows": tally.count + count, "sum": checksum}
    connection.execute(_KEEP_TALLY, values)


def _keep_needed(connection: Connection, things: set[Thing], name: str | None) -> None:
    """Copy rows about to leave into the kept bucket where own words about them exist."""
    entity_ids = [entity_id for _, entity_id in things]
    for start in range(0, len(entity_ids), _CHUNK):
        chunk = entity_ids[start : start + _CHUNK]
        needed = _needed(connection, chunk)
        if not needed:
            continue
        source = select(base_row).where(
            base_row.c.entity_id.in_(sorted(needed)),
            base_row.c.bucket != KEPT,
            base_row.c.entity.not_in(sorted(PERSONAL)),
        )
        if name is not None:
            source = source.where(base_row.c.bucket == name)
        for row in connection.execute(source).mappings().all():
            upsert = sqlite.insert(base_row).values({**row, "bucket": KEPT, "is_stale": 0})
            connection.execute(
                upsert.on_conflict_do_update(
                    index_elements=["bucket", "entity", "entity_id"],
                    set_={"seq": row["seq"], "document": row["document"]},
                )
            )


_VERSION: Final = "@"
"""Stands in the id of a form before its version, and in no other id."""


def _needed(connection: Connection, entity_ids: Sequence[str]) -> set[str]:
    with_words = select(outbox_op.c.order_id).where(
        outbox_op.c.order_id.in_(entity_ids),
        (outbox_op.c.look == 1) | outbox_op.c.status.in_(["queued", "sending", "received", "held"]),
    )
    with_draft = select(draft_answer.c.order_id).where(draft_answer.c.order_id.in_(entity_ids))
    found = set(connection.execute(with_words).scalars())
    found.update(connection.execute(with_draft).scalars())
    if any(_VERSION in each for each in entity_ids):
        found |= forms_in_use(connection) & set(entity_ids)
    return found


def count_rows(connection: Connection) -> int:
    """Return how many rows of the server the tablet holds."""
    return connection.execute(
        select(func.count()).select_from(base_row).where(base_row.c.bucket != KEPT)
    ).scalar_one()
