"""The answer to a pull: changes by bucket, in columns (sync spec 1.2)."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import NamedTuple

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

MAX_HASH = 2**63 - 1

LONGEST_ID = 200

LONGEST_SEEN = 64
"""Letters of `PullAnswer.seen`."""

_BRIEF_SINCE = 2
"""Protocol from which on an idle answer leaves out what did not change."""


class EntityRow(NamedTuple):
    """One thing as it stands.

    A tuple: a page has five hundred, and a value class takes five times as long to make.

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
        total: Rows that the bucket holds in all, while a first pass through it is under way.
    """

    bucket: str
    is_reset: bool
    rows: Sequence[EntityRow] = ()
    tombstones: Sequence[Tombstone] = ()
    end: BucketEnd | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullAnswer:
    """The answer to `GET /sync/v1/pull`.

    Attributes:
        server_epoch: Changes when the server was restored from a backup (R1); None in the answer
            that nothing changed, which it would not be otherwise.
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
        seen: Names all that the tablet may see as it stands now, in a few letters: a later poll may
            ask with it instead of the token. Empty while more is to come.
    """

    server_epoch: int | None
    server_now_ms: int
    token: str
    has_more: bool
    buckets: Sequence[BucketPage] = ()
    dropped_buckets: Sequence[str] = ()
    protocol: int = 1
    lease_until_ms: int | None = None
    sealing_key: bytes | None = None
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollAnswer:
    """The answer to `GET /sync/v1/pull?seen=...`: whether anything is new, and nothing of it.

    Attributes:
        server_now_ms: The server's clock.
        has_news: Ask with the token; otherwise all is as it was seen.
        lease_until_ms: As in `PullAnswer`.
        protocol: As in `PullAnswer`.
    """

    server_now_ms: int
    has_news: bool
    lease_until_ms: int | None = None
    protocol: int = _BRIEF_SINCE


def dump_poll(answer: PollAnswer) -> bytes:
    """Return the answer as JSON; without news it is the answer that nothing changed."""
    body: dict[str, JsonValue] = {"v": answer.protocol, "now": answer.server_now_ms}
    if answer.lease_until_ms is not None:
        body["lease_until"] = answer.lease_until_ms
    if answer.has_news:
        body["more"] = True
    return dump_json(body)


def has_news(root: FieldReader) -> bool:
    """Return whether the answer to a poll wants to be asked with the token."""
    return root.has("more") and not root.has("token")


def hash_row(entity: str, entity_id: str, document: JsonObject) -> int:
    """Return the 63-bit hash of a row: equal content gives an equal number on both sides."""
    return hash_row_text(entity, entity_id, dump_json(document))


def hash_row_text(entity: str, entity_id: str, document: bytes) -> int:
    """Return the hash of a row whose content is there as `dump_json` writes it."""
    digest = hashlib.sha256(f"{entity}\0{entity_id}\0".encode() + document).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def dump_pull(answer: PullAnswer, asked_token: str | None = None) -> bytes:
    """Return the answer as JSON; see `pull_json`."""
    return dump_json(pull_json(answer, asked_token))


def pull_json(answer: PullAnswer, asked_token: str | None = None) -> JsonObject:
    """Return the answer as it travels: rows in columns, one table per type.

    From version 2 on the answer that nothing changed since `asked_token` says only that: most
    answers are this one, and a tablet may pay by the byte (sync spec 3: at most 400 to and fro).
    """
    body: dict[str, JsonValue] = {"v": answer.protocol, "now": answer.server_now_ms}
    if answer.lease_until_ms is not None:
        body["lease_until"] = answer.lease_until_ms
    if answer.seen:
        body["seen"] = answer.seen
    if answer.protocol >= _BRIEF_SINCE and _is_unchanged(answer, asked_token):
        return body
    body |= {
        "se": answer.server_epoch,
        "token": answer.token,
        "more": answer.has_more,
        "buckets": [page_json(page, answer.protocol) for page in answer.buckets],
        "dropped": list(answer.dropped_buckets),
    }
    if answer.sealing_key is not None:
        body["sealing_key"] = key_text(answer.sealing_key)
    return body


def _is_unchanged(answer: PullAnswer, asked_token: str | None) -> bool:
    has_news = answer.has_more or answer.buckets or answer.dropped_buckets
    return answer.token == asked_token and not has_news


def page_json(page: BucketPage, protocol: int) -> JsonObject:
    """Return one bucket's page as it travels in an answer of that version."""
    body: dict[str, JsonValue] = {
        "bucket": page.bucket,
        "reset": page.is_reset,
        "tables": _tables(page.rows),
        "dels": [[gone.entity, gone.entity_id, gone.seq] for gone in page.tombstones],
    }
    if page.end is not None:
        body["end"] = {"count": page.end.count, "checksum": page.end.checksum}
    if page.total is not None and protocol >= _BRIEF_SINCE:
        body["of"] = page.total
    return body


def _tables(rows: Sequence[EntityRow]) -> list[JsonValue]:
    by_type: dict[str, list[EntityRow]] = {}
    for row in rows:
        by_type.setdefault(row.entity, []).append(row)
    return [_table_json(entity, each) for entity, each in by_type.items()]


def _table_json(entity: str, rows: Sequence[EntityRow]) -> JsonObject:
    documents = [row.document for row in rows]
    names = documents[0].keys()
    is_ragged = any(document.keys() != names for document in documents)
    columns = sorted(set().union(*documents) if is_ragged else names)
    return {
        "type": entity,
        "id": [row.entity_id for row in rows],
        "seq": [row.seq for row in rows],
        "hash": [row.row_hash for row in rows],
        "cols": list(columns),
        "cells": [
            [document.get(name) for document in documents]
            if is_ragged
            else list(map(itemgetter(name), documents))
            for name in columns
        ],
        "absent": [[name not in document for document in documents] for name in columns]
        if is_ragged
        else None,
    }


def parse_pull(root: FieldReader, asked_token: str | None = None) -> PullAnswer:
    """Return the answer; raise ContractError that names the field.

    An answer without a token says that nothing changed since `asked_token`.
    """
    protocol = root.integer("v", low=1, high=MAX_VERSION)
    now_ms = root.integer("now", low=0, high=LATEST_MS)
    has_lease = root.has("lease_until")
    lease_until_ms = root.integer("lease_until", low=0, high=LATEST_MS) if has_lease else None
    seen = root.text("seen", longest=LONGEST_SEEN) if root.has("seen") else ""
    if asked_token is not None and protocol >= _BRIEF_SINCE and not root.has("token"):
        return PullAnswer(
            protocol=protocol,
            server_epoch=None,
            server_now_ms=now_ms,
            token=asked_token,
            has_more=False,
            lease_until_ms=lease_until_ms,
            seen=seen,
        )
    dropped = root.array("dropped", longest=10_000)
    return PullAnswer(
        protocol=protocol,
        server_epoch=root.integer("se", low=0, high=MAX_HASH),
        server_now_ms=now_ms,
        token=root.text("token", longest=64 * 1024),
        has_more=root.boolean("more"),
        buckets=tuple(_parse_page(each) for each in root.objects("buckets", longest=10_000)),
        dropped_buckets=tuple(str(name) for name in dropped),
        lease_until_ms=lease_until_ms,
        sealing_key=parse_key(root, "sealing_key") if root.has("sealing_key") else None,
        seen=seen,
    )


_by_seq = attrgetter("seq")


def _parse_page(reader: FieldReader) -> BucketPage:
    rows: list[EntityRow] = []
    for table in reader.objects("tables", longest=1000):
        rows.extend(_parse_table(table))
    return BucketPage(
        bucket=reader.text("bucket", longest=80),
        is_reset=reader.boolean("reset"),
        rows=tuple(sorted(rows, key=_by_seq)),
        tombstones=_parse_tombstones(reader),
        end=_parse_end(reader.object("end")) if reader.has("end") else None,
        total=reader.integer("of", low=0, high=MAX_SEQ) if reader.has("of") else None,
    )


def _parse_end(reader: FieldReader) -> BucketEnd:
    return BucketEnd(
        count=reader.integer("count", low=0, high=MAX_SEQ),
        checksum=reader.integer("checksum", low=0, high=MAX_HASH),
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
    entity = reader.text("type")
    ids = _texts(reader, "id")
    columns = [str(name) for name in reader.array("cols", longest=1000)]
    cells = _grid(reader, "cells", len(columns), len(ids))
    documents = [dict(zip(columns, each, strict=True)) for each in zip(*cells, strict=True)]
    if reader.has("absent"):
        absent = _grid(reader, "absent", len(columns), len(ids))
        documents = _without_absent(documents, columns, absent)
    return list(
        map(
            EntityRow,
            repeat(entity),
            ids,
            _integers(reader, "seq", len(ids), MAX_SEQ),
            _integers(reader, "hash", len(ids), MAX_HASH),
            documents if columns else [{} for _ in ids],
        )
    )


def _texts(reader: FieldReader, key: str) -> Sequence[str]:
    values = reader.array(key, longest=1_000_000)
    texts = [each for each in values if isinstance(each, str) and 0 < len(each) <= LONGEST_ID]
    if len(texts) != len(values):
        for place in _cells_of(reader, key, values):
            place.text(key, longest=LONGEST_ID)
    return texts


def _integers(reader: FieldReader, key: str, length: int, high: int) -> Sequence[int]:
    values = _exact(reader, key, reader.array(key, longest=1_000_000), length)
    numbers = [each for each in values if type(each) is int and 0 <= each <= high]
    if len(numbers) != length:
        for place in _cells_of(reader, key, values):
            place.integer(key, low=0, high=high)
    return numbers


def _cells_of(reader: FieldReader, key: str, values: Sequence[JsonValue]) -> Iterable[FieldReader]:
    """Return a reader over each value, to name the first that is wrong."""
    return (
        FieldReader(place=reader.place, values={key: value}, path=f"{reader.path}[{index}]")
        for index, value in enumerate(values)
    )


def _without_absent(
    documents: Sequence[dict[str, JsonValue]],
    columns: Sequence[str],
    absent: Sequence[Sequence[JsonValue]],
) -> list[dict[str, JsonValue]]:
    missing = zip(*absent, strict=True)
    return [
        {
            name: document[name]
            for name, is_absent in zip(columns, each, strict=True)
            if not is_absent
        }
        for document, each in zip(documents, missing, strict=True)
    ]


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
