"""Maps which record a blob belongs to: noted with the fact, whether the bytes are here or not."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.blobs.blob_store import BlobState, NewBlob, note_blob
from sync_server.db.blob_tables import BLOB, BLOB_REF
from sync_server.db.order_tables import FACT
from sync_server.work_orders.order import Fact, WaitsFor
from wire_contracts.blobs import BlobMime, BlobRole, PhotoRef, WantReason, parse_photo_ref
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import ENTITY, FactType

PHOTO_FACTS = frozenset({FactType.PHOTO_REF, FactType.SIGNATURE})
"""Facts whose payload names a blob. A signature is no evidence of a finding (RULINGS R6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRef:
    """One blob of one record, with what is known of its bytes."""

    fact_id: str
    role: BlobRole
    sha256: str
    state: BlobState
    size_bytes: int
    wanted: WantReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoCount:
    """How many photos and signatures a record has; `missing_bytes` are those still awaited."""

    total: int
    here: int
    missing_bytes: int


def note_photo(connection: Connection, fact: Fact, beside: tuple[str, str] | None = None) -> None:
    """Note which blob a fact names, in the transaction that keeps the fact.

    It belongs to the fact's order; without one to `beside`, the (entity, id) it was attached to.
    A fact of another type, or one whose payload cannot be read, names none; it is kept all the
    same. The bytes may come before, after, or never (trap T15).
    """
    record = beside if fact.order_id is None else (ENTITY, fact.order_id)
    ref = _read(fact) if fact.fact_type in PHOTO_FACTS else None
    if ref is None or record is None:
        return
    named = [(ref.role, ref.sha256, ref.size_bytes, ref.mime)]
    if ref.thumb is not None:
        named.append((BlobRole.THUMB, ref.thumb.sha256, ref.thumb.size_bytes, BlobMime.JPEG))
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    for role, sha256, size_bytes, mime in named:
        new = NewBlob(sha256=sha256, size_bytes=size_bytes, mime=mime, tablet_id=fact.tablet_id)
        note_blob(connection, new, fact.received_at_utc)
        statement = make(BLOB_REF).values(
            fact_id=fact.fact_id,
            role=str(role),
            sha256=sha256,
            entity=record[0],
            entity_id=record[1],
            tablet_id=fact.tablet_id,
            noted_at_ms=ms_from_utc(fact.received_at_utc),
        )
        key = [BLOB_REF.c.fact_id, BLOB_REF.c.role]
        connection.execute(statement.on_conflict_do_nothing(index_elements=key))


def adopt_photos(connection: Connection, fact: Fact) -> None:
    """Give the order of a fact the photos that were attached to the fact before it came.

    The payload of a photo stays as it was written; only what it belongs to was not known.
    """
    if fact.order_id is None or fact.fact_type in PHOTO_FACTS:
        return
    cells = BLOB_REF.c
    early = (cells.entity == str(fact.fact_type)) & (cells.entity_id == fact.fact_id)
    fact_ids = set(connection.execute(select(cells.fact_id).where(early)).scalars())
    if not fact_ids:
        return
    without = FACT.c.fact_id.in_(fact_ids) & FACT.c.order_id.is_(None)
    waits_for = None if fact.waits_for is not WaitsFor.ORDER else str(WaitsFor.ORDER)
    connection.execute(
        update(FACT)
        .where(without)
        .values(
            order_id=fact.order_id,
            visit=fact.visit,
            waits_for=waits_for,
            is_orphan=waits_for is not None,
        )
    )
    connection.execute(update(BLOB_REF).where(early).values(entity=ENTITY, entity_id=fact.order_id))


def refs_of_record(connection: Connection, entity: str, entity_id: str) -> list[BlobRef]:
    """Return the blobs of a record, photo before thumb, in the order they were noted."""
    query = _refs(BLOB_REF.c.entity == entity, BLOB_REF.c.entity_id == entity_id).order_by(
        BLOB_REF.c.noted_at_ms, BLOB_REF.c.fact_id, BLOB_REF.c.role
    )
    return [
        BlobRef(
            fact_id=row.fact_id,
            role=BlobRole(row.role),
            sha256=row.sha256,
            state=BlobState(row.state),
            size_bytes=int(row.size_bytes),
            wanted=None if row.wanted_reason is None else WantReason(row.wanted_reason),
        )
        for row in connection.execute(query)
    ]


def count_photos(connection: Connection, entity: str, entity_id: str) -> PhotoCount:
    """Return how many photos and signatures of a record are here; thumbs are not counted."""
    refs = [
        ref for ref in refs_of_record(connection, entity, entity_id) if ref.role != BlobRole.THUMB
    ]
    missing = [ref for ref in refs if ref.state is BlobState.AWAITING]
    return PhotoCount(
        total=len(refs),
        here=len(refs) - len(missing),
        missing_bytes=sum(ref.size_bytes for ref in missing),
    )


def records_of(connection: Connection, sha256: str) -> list[tuple[str, str]]:
    """Return (entity, id) of every record that a blob belongs to, as it is or as its thumb."""
    query = (
        select(BLOB_REF.c.entity, BLOB_REF.c.entity_id)
        .where(BLOB_REF.c.sha256 == sha256)
        .distinct()
        .order_by(BLOB_REF.c.entity, BLOB_REF.c.entity_id)
    )
    return [(row.entity, row.entity_id) for row in connection.execute(query)]


def tablets_of(connection: Connection, sha256: str) -> list[str]:
    """Return the tablets that took the photo: they may still have it."""
    query = select(BLOB_REF.c.tablet_id).where(BLOB_REF.c.sha256 == sha256).distinct()
    return sorted(connection.execute(query).scalars())


def awaited_count(connection: Connection) -> int:
    """Return how many blobs that records name are not here."""
    query = (
        select(func.count(func.distinct(BLOB_REF.c.sha256)))
        .join(BLOB, BLOB.c.sha256 == BLOB_REF.c.sha256)
        .where(BLOB.c.state == str(BlobState.AWAITING))
    )
    return int(connection.execute(query).scalar_one())


def _refs(*conditions: ColumnElement[bool]) -> Select[str]:
    """Return the query of refs with their blobs, without those that a later fact corrected."""
    correction = FACT.alias("correction")
    is_corrected = exists().where(correction.c.supersedes == BLOB_REF.c.fact_id)
    return (
        select(BLOB_REF, BLOB.c.state, BLOB.c.size_bytes, BLOB.c.wanted_reason)
        .join(BLOB, BLOB.c.sha256 == BLOB_REF.c.sha256)
        .where(*conditions, ~is_corrected)
    )


def _read(fact: Fact) -> PhotoRef | None:
    payload = fact.payload
    if not isinstance(payload, Mapping):
        return None
    try:
        return parse_photo_ref(FieldReader(place=f"fact {fact.fact_id}", values=payload))
    except ContractError:
        return None
