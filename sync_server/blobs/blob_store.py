"""Maps what is known of every blob: awaited, safe, or refused."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.db.blob_tables import BLOB
from wire_contracts.blobs import BlobMime, WantReason
from wire_contracts.frames import ms_from_utc, utc_from_ms


class BlobState(StrEnum):
    """Where a blob stands; REFUSED bytes are kept aside and never shown."""

    AWAITING = "awaiting"
    HAVE = "have"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBlob:
    """A blob as it is first heard of: from a fact, or from a tablet's offer."""

    sha256: str
    size_bytes: int
    mime: BlobMime
    tablet_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRecord:
    """What is known of one blob; `wanted_by` is who asked for it, None when nobody did."""

    sha256: str
    size_bytes: int
    mime: BlobMime
    state: BlobState
    tablet_id: str | None
    known_at_utc: datetime
    have_at_utc: datetime | None
    wanted_reason: WantReason | None
    wanted_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeBlob:
    """A blob whose bytes are safe, as they turned out to be."""

    sha256: str
    size_bytes: int
    mime: BlobMime
    width_px: int
    height_px: int


def note_blob(connection: Connection, new: NewBlob, now_utc: datetime) -> None:
    """Keep that there is a blob; one that is known already is left as it is."""
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(
        make(BLOB)
        .values(
            sha256=new.sha256,
            size_bytes=new.size_bytes,
            mime=str(new.mime),
            state=str(BlobState.AWAITING),
            tablet_id=new.tablet_id,
            known_at_ms=ms_from_utc(now_utc),
        )
        .on_conflict_do_nothing(index_elements=[BLOB.c.sha256])
    )


def find_blob(connection: Connection, sha256: str) -> BlobRecord | None:
    """Return what is known of a blob, None when nobody ever named it."""
    row = connection.execute(select(BLOB).where(BLOB.c.sha256 == sha256)).one_or_none()
    return None if row is None else record_from(row)


def mark_have(connection: Connection, whole: WholeBlob, now_utc: datetime) -> None:
    """Keep that the bytes are safe; what a fact or an offer said of them gives way to the truth."""
    connection.execute(
        update(BLOB)
        .where(BLOB.c.sha256 == whole.sha256)
        .values(
            state=str(BlobState.HAVE),
            size_bytes=whole.size_bytes,
            mime=str(whole.mime),
            width_px=whole.width_px,
            height_px=whole.height_px,
            have_at_ms=ms_from_utc(now_utc),
            wanted_reason=None,
            wanted_at_ms=None,
            wanted_by=None,
        )
    )


def mark_state(connection: Connection, sha256: str, state: BlobState) -> None:
    """Keep that a blob is awaited again, or that it is no picture."""
    connection.execute(
        update(BLOB).where(BLOB.c.sha256 == sha256).values(state=str(state), have_at_ms=None)
    )


def taken_since(connection: Connection, tablet_id: str, since_utc: datetime) -> tuple[int, int]:
    """Return how many blobs, of how many bytes in all, a tablet has delivered since a moment."""
    row = connection.execute(
        select(func.count(), func.coalesce(func.sum(BLOB.c.size_bytes), 0)).where(
            BLOB.c.tablet_id == tablet_id, BLOB.c.have_at_ms >= ms_from_utc(since_utc)
        )
    ).one()
    return int(row[0]), int(row[1])


def names_in(connection: Connection, state: BlobState) -> list[str]:
    """Return the names of the blobs in a state, sorted."""
    query = select(BLOB.c.sha256).where(BLOB.c.state == str(state)).order_by(BLOB.c.sha256)
    return list(connection.execute(query).scalars())


def record_from(row: Row[str]) -> BlobRecord:
    """Return the record of a row of the table."""
    return BlobRecord(
        sha256=row.sha256,
        size_bytes=int(row.size_bytes),
        mime=BlobMime(row.mime),
        state=BlobState(row.state),
        tablet_id=row.tablet_id,
        known_at_utc=utc_from_ms(row.known_at_ms),
        have_at_utc=None if row.have_at_ms is None else utc_from_ms(row.have_at_ms),
        wanted_reason=None if row.wanted_reason is None else WantReason(row.wanted_reason),
        wanted_by=row.wanted_by,
    )
