"""The answer to a pull: changes by bucket, in columns (sync spec 1.2)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from wire_contracts.codes import Code
from wire_contracts.fields import MAX_VERSION, FieldReader, JsonObject, JsonValue
from wire_contracts.frames import LATEST_MS
from wire_contracts.payloads import dump_json
from wire_contracts.sealed import key_text, parse_key

MAX_ROWS = 500
"""Rows on one page, RULINGS R12."""

MAX_PAGE_BYTES = 1024 * 1024
"""Size of one page, RULINGS R12."""

MAX_SEQ = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRow:
    """One thing as it stands.

    Attributes:
        entity: Its type, such as `work_order`.
        entity_id: Its id.
        seq: The change that brought it here.
        row_hash: `hash_row` of its content, for the bucket's checksum.
        document: Its content; fields unknown to the tablet are kept as they came.
    """

    entity: str
    entity_id: str
    seq: int
    row_hash: int
    document: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A thing that left the bucket: deleted, or moved out of its scope."""

    entity: str
    entity_id: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketEnd:
    """What the tablet's bucket must add up to when the pull has reached its head."""

    count: int
    checksum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPage:
    """The next changes of one bucket.

    Attributes:
        bucket: Its name: `org`, `area:<id>`, `crew:<id>` or `user:<id>`.
        is_reset: The tablet must forget the bucket's rows before it takes these.
        rows: Changed or new things, ascending in seq.
        tombstones: Things that left, ascending in seq.
        end: Present when the bucket's head was reached.
    """

    bucket: str
    is_reset: bool
    rows: Sequence[EntityRow] = ()
    tombstones: Sequence[Tombstone] = ()
    end: BucketEnd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullAnswer:
    """The answer to `GET /sync/v1/pull`.

    Attributes:
        server_epoch: Changes when the server was restored from a backup (R1).
        server_now_ms: The server's clock, for the tablet's offset.
        token: Opaque; the tablet keeps it in the transaction that keeps the rows.
        has_more: Ask again at once with the token.
        buckets: Pages of the buckets that changed.
        dropped_buckets: Buckets the log-in no longer reaches; their rows are forgotten.
        protocol: Version that the answer is written in: the lower of the two sides'.
        lease_until_ms: Until when received personal data may be kept without another contact,
            ms since 1970 UTC; every answer of protocol 2 carries it, earlier ones None.
        sealing_key: The server's public key of 32 bytes for `wire_contracts.sealed`, kept in the
            transaction that keeps the token; None: the one that the tablet has still holds.
    """

    server_epoch: int
    server_now_ms: int
    token: str
    has_more: bool
    buckets: Sequence[BucketPage] = ()
    dropped_buckets: Sequence[str] = ()
    protocol: int = 1
    lease_until_ms: int | None = None
    sealing_key: bytes | None = None


def hash_row(entity: str, entity_id: str, document: JsonObject) -> int:
    """Return the 63-bit hash of a row: equal content gives an equal number on both sides."""
    return hash_row_text(entity, entity_id, dump_json(document))


def hash_row_text(entity: str, entity_id: str, document: bytes) -> int:
    """Return the hash of a row whose content is there as `dump_json` writes it."""
    digest = hashlib.sha256(f"{entity}\0{entity_id}\0".encode() + document).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def dump_pull(answer: PullAnswer) -> bytes:
    """Return the answer as JSON; rows travel in columns, one table per type."""
    body: dict[str, JsonValue] = {
        "v": answer.protocol,
        "se": answer.server_epoch,
        "now": answer.server_now_ms,
        "token": answer.token,
        "more": answer.has_more,
        "buckets": [_page_json(page) for page in answer.buckets],
        "dropped": list(answer.dropped_buckets),
    }
    if answer.lease_until_ms is not None:
        body["lease_until"] = answer.lease_until_ms
    if answer.sealing_key is not None:
        body["sealing_key"] = key_text(answer.sealing_key)
    return dump_json(body)


def _page_json(page: BucketPage) -> JsonObject:
    body: dict[str, JsonValue] = {
        "bucket": page.bucket,
        "reset": page.is_reset,
        "tables": _tables(page.rows),
        "dels": [[gone.entity, gone.entity_id, gone.seq] for gone in page.tombstones],
    }
    if page.end is not None:
        body["end"] = {"count": page.end.count, "checksum": page.end.checksum}
    return body


def _tables(rows: Sequence[EntityRow]) -> list[JsonValue]:
    by_type: dict[str, list[EntityRow]] = {}
    for row in rows:
        by_type.setdefault(row.entity, []).append(row)
    return [_table_json(entity, each) for entity, each in by_type.items()]


def _table_json(entity: str, rows: Sequence[EntityRow]) -> JsonObject:
    columns = sorted({name for row in rows for name in row.document})
    cells: list[JsonValue] = [[row.document.get(name) for row in rows] for name in columns]
    return {
        "type": entity,
        "id": [row.entity_id for row in rows],
        "seq": [row.seq for row in rows],
        "hash": [row.row_hash for row in rows],
        "cols": list(columns),
        "cells": cells,
        "absent": [[name not in row.document for row in rows] for name in columns]
        if any(name not in row.document for row in rows for name in columns)
        else None,
    }


def parse_pull(root: FieldReader) -> PullAnswer:
    """Return the answer; raise ContractError that names the field."""
    dropped = root.array("dropped", longest=10_000)
    return PullAnswer(
        protocol=root.integer("v", low=1, high=MAX_VERSION),
        server_epoch=root.integer("se", low=0, high=2**63 - 1),
        server_now_ms=root.integer("now", low=0, high=LATEST_MS),
        token=root.text("token", longest=64 * 1024),
        has_more=root.boolean("more"),
        buckets=tuple(_parse_page(each) for each in root.objects("buckets", longest=10_000)),
        dropped_buckets=tuple(str(name) for name in dropped),
        lease_until_ms=root.integer("lease_until", low=0, high=LATEST_MS)
        if root.has("lease_until")
        else None,
        sealing_key=parse_key(root, "sealing_key") if root.has("sealing_key") else None,
    )


def _parse_page(reader: FieldReader) -> BucketPage:
    rows: list[EntityRow] = []
    for table in reader.objects("tables", longest=1000):
        rows.extend(_parse_table(table))
    return BucketPage(
        bucket=reader.text("bucket", longest=80),
        is_reset=reader.boolean("reset"),
        rows=tuple(sorted(rows, key=lambda row: row.seq)),
        tombstones=_parse_tombstones(reader),
        end=_parse_end(reader.object("end")) if reader.has("end") else None,
    )


def _parse_end(reader: FieldReader) -> BucketEnd:
    return BucketEnd(
        count=reader.integer("count", low=0, high=MAX_SEQ),
        checksum=reader.integer("checksum", low=0, high=2**63 - 1),
    )


def _parse_tombstones(reader: FieldReader) -> tuple[Tombstone, ...]:
    tombstones: list[Tombstone] = []
    for index, value in enumerate(reader.array("dels", longest=1_000_000)):
        items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
        holder = FieldReader(
            place=reader.place,
            values=dict(zip(("entity", "id", "seq"), items, strict=False)),
            path=f"{reader.name_of('dels')}[{index}]",
        )
        tombstones.append(
            Tombstone(
                entity=holder.text("entity"),
                entity_id=holder.text("id"),
                seq=holder.integer("seq", low=0, high=MAX_SEQ),
            )
        )
    return tuple(tombstones)


def _parse_table(reader: FieldReader) -> list[EntityRow]:
    ids = reader.array("id", longest=1_000_000)
    columns = [str(name) for name in reader.array("cols", longest=1000)]
    absent = _grid(reader, "absent", len(columns), len(ids)) if reader.has("absent") else None
    cells = _grid(reader, "cells", len(columns), len(ids))
    seqs = _exact(reader, "seq", reader.array("seq", longest=1_000_000), len(ids))
    hashes = _exact(reader, "hash", reader.array("hash", longest=1_000_000), len(ids))
    rows: list[EntityRow] = []
    for index, entity_id in enumerate(ids):
        holder = FieldReader(
            place=reader.place,
            values={"id": entity_id, "seq": seqs[index], "hash": hashes[index]},
            path=f"{reader.path}[{index}]",
        )
        document = {
            name: cells[column][index]
            for column, name in enumerate(columns)
            if absent is None or not absent[column][index]
        }
        rows.append(
            EntityRow(
                entity=reader.text("type"),
                entity_id=holder.text("id"),
                seq=holder.integer("seq", low=0, high=MAX_SEQ),
                row_hash=holder.integer("hash", low=0, high=2**63 - 1),
                document=document,
            )
        )
    return rows


def _exact(
    reader: FieldReader, key: str, values: Sequence[JsonValue], length: int
) -> Sequence[JsonValue]:
    if len(values) != length:
        raise reader.refuse(
            key, f"has {len(values)} entries for {length} rows", "send one each", Code.FIELD_RANGE
        )
    return values


def _grid(reader: FieldReader, key: str, columns: int, length: int) -> list[Sequence[JsonValue]]:
    grid: list[Sequence[JsonValue]] = []
    for value in _exact(reader, key, reader.array(key, longest=1000), columns):
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise reader.refuse(
                key, "has a column that is no array", "send arrays", Code.FIELD_TYPE
            )
        grid.append(_exact(reader, key, value, length))
    return grid
