"""Maps which photos and signatures belong to which record."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, case, func, insert, literal, select
from sqlalchemy.dialects import sqlite

from field_app.store.among import is_among_bound
from field_app.store.tables import photo_job, photo_link
from field_app.store.upload_store import PhotoJob, PhotoStatus, job_of_cells
from wire_contracts.blobs import BlobMime, BlobRole


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPhoto:
    """A photo as it is put down: its blob, its thumb, its record."""

    fact_id: str
    order_id: str
    role: BlobRole
    sha256: str
    mime: BlobMime
    size_bytes: int
    thumb_sha256: str | None
    thumb_bytes: int
    made_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoCount:
    """The photos and signatures of one record: how many, how many the server has."""

    total: int
    done: int
    waiting_bytes: int
    held: int


NO_PHOTOS: Final = PhotoCount(total=0, done=0, waiting_bytes=0, held=0)


def add_photo(connection: Connection, new: NewPhoto) -> None:
    """Put down a photo with its thumb; a blob that is known already gets one record more."""
    cells = {
        "fact_id": new.fact_id,
        "order_id": new.order_id,
        "sha256": new.sha256,
        "thumb_sha256": new.thumb_sha256,
        "role": str(new.role),
        "made_at_ms": new.made_at_ms,
    }
    connection.execute(_LINK, cells)
    _add_job(connection, new, new.sha256, new.role, new.size_bytes)
    if new.thumb_sha256 is not None:
        _add_job(connection, new, new.thumb_sha256, BlobRole.THUMB, new.thumb_bytes)


def _add_job(
    connection: Connection, new: NewPhoto, sha256: str, role: BlobRole, size_bytes: int
) -> None:
    cells = {
        "sha256": sha256,
        "order_id": new.order_id,
        "size_bytes": size_bytes,
        "sent_bytes": 0,
        "is_done": 0,
        "role": str(role),
        "mime": str(BlobMime.JPEG if role is BlobRole.THUMB else new.mime),
        "status": str(PhotoStatus.QUEUED),
        "made_at_ms": new.made_at_ms,
    }
    connection.execute(_ADD_JOB, cells)


_LINK: Final = insert(photo_link)
_ADD_JOB: Final = sqlite.insert(photo_job).on_conflict_do_update(
    index_elements=["sha256"],
    set_={
        "is_file_gone": 0,
        "status": case(
            (photo_job.c.status.in_([PhotoStatus.GONE, PhotoStatus.SEALED]), PhotoStatus.QUEUED),
            else_=photo_job.c.status,
        ),
    },
)
"""Where there is a job, the file was written again: one whose file had gone has one now."""


def is_linked(connection: Connection, order_id: str, sha256: str) -> bool:
    """Return whether the record has this very photo already."""
    query = select(photo_link.c.fact_id).where(
        photo_link.c.order_id == order_id, photo_link.c.sha256 == sha256
    )
    return connection.execute(query).first() is not None


_IS_DONE = photo_job.c.status == PhotoStatus.DONE
_IS_HELD = photo_job.c.status.in_([literal(PhotoStatus.HELD), literal(PhotoStatus.GONE)])
COUNTS = (
    select(
        photo_link.c.order_id,
        func.count(),
        func.sum(case((_IS_DONE, 1), else_=0)),
        func.sum(case((_IS_DONE, 0), else_=photo_job.c.size_bytes - photo_job.c.sent_bytes)),
        func.sum(case((_IS_HELD, 1), else_=0)),
    )
    .join(photo_job, photo_job.c.sha256 == photo_link.c.sha256)
    .where(is_among_bound(photo_link.c.order_id, "order_ids"))
    .group_by(photo_link.c.order_id)
)
"""Built once: every line of the list that is made anew asks it."""


def count_by_order(connection: Connection, order_ids: Sequence[str]) -> dict[str, PhotoCount]:
    """Return the photos by record; one without any is left out. Thumbs are not counted."""
    rows = connection.execute(COUNTS, {"order_ids": json.dumps(order_ids)})
    return {
        row[0]: PhotoCount(total=row[1], done=row[2], waiting_bytes=row[3], held=row[4])
        for row in rows
    }


def jobs_of(connection: Connection, order_id: str) -> list[tuple[PhotoJob, str | None]]:
    """Return (upload, name of the thumb) of every photo of a record, the oldest first."""
    rows = connection.execute(
        select(photo_job, photo_link.c.thumb_sha256)
        .join(photo_link, photo_link.c.sha256 == photo_job.c.sha256)
        .where(photo_link.c.order_id == order_id)
        .order_by(photo_link.c.made_at_ms, photo_link.c.fact_id)
    ).mappings()
    return [(job_of_cells(row), row["thumb_sha256"]) for row in rows]
