"""Maps how far every blob is on its way to the server, until its file may go."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from field_app.store.among import is_among_bound
from field_app.store.base_store import load_documents
from field_app.store.bulk_write import change_rows
from field_app.store.tables import photo_job, photo_link
from wire_contracts.blobs import (
    MAX_THUMB_BYTES,
    MIN_CHUNK_BYTES,
    WANT_ENTITY,
    BlobMime,
    BlobRole,
    WantReason,
    parse_blob_want,
)
from wire_contracts.errors import ContractError
from wire_contracts.payloads import read_json

KEEP: Final = timedelta(days=7)
"""How long a photo stays here after the server had it: its backups may be older (RULINGS R1 gives
gateways the same)."""


class PhotoStatus(StrEnum):
    """Where the upload of one blob stands.

    HELD needs a person, GONE has no file any more. Of SEALED only the sealed copy is here, which
    goes by another way (a withdrawal left it).
    """

    QUEUED = "queued"
    SEALED = "sealed"
    DONE = "done"
    HELD = "held"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoJob:
    """The upload of one blob.

    Attributes:
        order_id: The record it was first taken for.
        sent_bytes: What the server had of it when it last said so.
        is_wanted: The server or the crew wants it now, on any network.
        chunk_bytes: How much to send at once; learnt from the network.
        error: Why it is held or waits, empty when nothing is wrong.
        done_at_ms: The server's clock when it had the whole, 0 before. Of one that is not done:
            when it held a sealed copy that it cannot open.
        failed_count: At how many contacts it failed since it was queued.
    """

    sha256: str
    order_id: str
    role: BlobRole
    mime: BlobMime
    size_bytes: int
    sent_bytes: int
    status: PhotoStatus
    is_wanted: bool
    chunk_bytes: int
    error: str
    made_at_ms: int
    done_at_ms: int
    is_file_gone: bool
    failed_count: int = 0


def next_job(
    connection: Connection,
    *,
    is_free: bool,
    tried: Collection[str] = (),
    only_begun: bool = False,
) -> PhotoJob | None:
    """Return what to send next, None when nothing else than `tried` may go over this network.

    What is small goes first and over any network; then what somebody asked for; the other
    originals wait for a network that costs nothing (sync spec 1.8). Whatever has failed at two
    contacts goes behind all that has not (trap T11). With `only_begun` nothing is returned of
    which the server was never told.
    """
    query = _NEXT if is_free else _NEXT_SMALL
    cells = {"tried": json.dumps(list(tried)), "only_begun": int(only_begun)}
    found = connection.execute(query, cells).mappings().first()
    return None if found is None else job_of_cells(found)


_IS_QUEUED: Final = photo_job.c.status == PhotoStatus.QUEUED
_NEXT: Final = (
    select(photo_job)
    .where(
        _IS_QUEUED,
        ~is_among_bound(photo_job.c.sha256, "tried"),
        or_(
            bindparam("only_begun") == 0,
            photo_job.c.sent_bytes > 0,
            photo_job.c.failed_count > 0,
        ),
    )
    .order_by(
        photo_job.c.failed_count.op("/")(2),  # SQLite's whole numbers: 0 and 1 are one
        photo_job.c.size_bytes > MAX_THUMB_BYTES,
        photo_job.c.is_wanted.desc(),
        photo_job.c.made_at_ms,
        photo_job.c.sha256,
    )
    .limit(1)
)
_NEXT_SMALL: Final = _NEXT.where(
    or_(photo_job.c.size_bytes <= MAX_THUMB_BYTES, photo_job.c.is_wanted == 1)
)
"""Built once, as whatever every contact asks: to put a statement together takes longer."""


def find_job(connection: Connection, sha256: str) -> PhotoJob | None:
    """Return the upload of a blob, None when this tablet never had it."""
    row = connection.execute(_JOB, {"blob": sha256}).mappings().first()
    return None if row is None else job_of_cells(row)


_JOB: Final = select(photo_job).where(photo_job.c.sha256 == bindparam("blob"))


def note_progress(connection: Connection, sha256: str, sent_bytes: int, chunk_bytes: int) -> None:
    """Keep how much the server has, and how much to send at once."""
    _change(connection, sha256, sent_bytes=sent_bytes, chunk_bytes=chunk_bytes, error="")


def note_error(connection: Connection, sha256: str, error: str) -> None:
    """Keep why a blob waits; it is tried again."""
    _change(connection, sha256, error=error)


def note_failure(connection: Connection, job: PhotoJob, error: str, *, may_pass: bool) -> None:
    """Keep that a blob did not go at this contact, and why.

    With `may_pass` a contact that brought the server one more byte does not count.
    """
    known = find_job(connection, job.sha256) or job
    is_further = known.sent_bytes > job.sent_bytes
    failed_count = job.failed_count + (0 if may_pass and is_further else 1)
    _change(connection, job.sha256, error=error, failed_count=failed_count)


def mark_done(connection: Connection, job: PhotoJob, at_ms: int) -> set[str]:
    """Keep that the server has the whole blob; return its records."""
    _change(
        connection,
        job.sha256,
        status=str(PhotoStatus.DONE),
        sent_bytes=job.size_bytes,
        is_done=1,
        is_wanted=0,
        error="",
        done_at_ms=at_ms,
    )
    return records_of(connection, job.sha256)


def note_closed(connection: Connection, sha256: str, at_ms: int) -> None:
    """Keep when the server held a sealed copy that it cannot open: it has not arrived."""
    _change(connection, sha256, done_at_ms=at_ms)


def hold(connection: Connection, sha256: str, status: PhotoStatus, error: str) -> set[str]:
    """Set a blob aside that cannot be sent as it is; return its records."""
    _change(connection, sha256, status=str(status), error=error)
    return records_of(connection, sha256)


def release_held(connection: Connection) -> set[str]:
    """Queue held blobs again; return their records."""
    return _queue(connection, photo_job.c.status == PhotoStatus.HELD)


def queue_all_again(connection: Connection) -> set[str]:
    """Queue everything whose file is still here: the server was restored (RULINGS R1).

    What it still has costs one question each. Returns the records.
    """
    is_kept = and_(photo_job.c.status == PhotoStatus.DONE, photo_job.c.is_file_gone == 0)
    return _queue(connection, is_kept)


def want_order_now(connection: Connection, order_id: str) -> None:
    """Let the originals of a record go over any network: the crew says so."""
    mine = select(photo_link.c.sha256).where(photo_link.c.order_id == order_id)
    connection.execute(
        update(photo_job)
        .where(photo_job.c.sha256.in_(mine), photo_job.c.status == PhotoStatus.QUEUED)
        .values(is_wanted=1)
    )


def take_wants(connection: Connection) -> set[str]:
    """Take up what the server asks for; return the records of what is sent again."""
    touched: set[str] = set()
    for document in load_documents(connection, WANT_ENTITY):
        try:
            want = parse_blob_want(read_json("blob_want row", document.encode()))
        except ContractError:
            continue  # of a newer server; it asks again in words that this app will know
        mine = photo_job.c.sha256 == want.sha256
        connection.execute(_WANT, {"blob": want.sha256})
        if want.reason is WantReason.LOST:
            is_kept = and_(photo_job.c.status == PhotoStatus.DONE, photo_job.c.is_file_gone == 0)
            touched |= _queue(connection, and_(mine, is_kept), is_wanted=1)
    return touched


_WANT: Final = (
    update(photo_job).where(photo_job.c.sha256 == bindparam("blob"), _IS_QUEUED).values(is_wanted=1)
)


def deletable(connection: Connection, *, server_now_ms: int) -> list[str]:
    """Return the blobs whose files may go: the server has had them for a week."""
    before_ms = server_now_ms - KEEP // timedelta(milliseconds=1)
    return list(connection.execute(_DELETABLE, {"before_ms": before_ms}).scalars())


_DELETABLE: Final = select(photo_job.c.sha256).where(
    photo_job.c.status == PhotoStatus.DONE,
    photo_job.c.is_file_gone == 0,
    photo_job.c.done_at_ms < bindparam("before_ms"),
)


def unsent_names(connection: Connection) -> list[str]:
    """Return the photos that the server does not have."""
    return list(connection.execute(_UNSENT).scalars())


_UNSENT: Final = select(photo_job.c.sha256).where(photo_job.c.is_done == 0)


def done_names(connection: Connection) -> list[str]:
    """Return the photos that the server has and whose files may still be here."""
    return list(connection.execute(_SENT).scalars())


_SENT: Final = select(photo_job.c.sha256).where(
    photo_job.c.is_done == 1, photo_job.c.is_file_gone == 0
)


def mark_file_gone(connection: Connection, sha256: str) -> None:
    """Keep that the file was taken away."""
    _change(connection, sha256, is_file_gone=1)


def waiting(connection: Connection) -> tuple[int, int]:
    """Return how many blobs, of how many bytes, are not at the server yet."""
    row = connection.execute(_WAITING).one()
    return row[0], row[1]


_WAITING: Final = select(
    func.count(),
    func.coalesce(func.sum(photo_job.c.size_bytes - photo_job.c.sent_bytes), 0),
).where(photo_job.c.status.in_([PhotoStatus.QUEUED, PhotoStatus.SEALED]))


def known_names(connection: Connection) -> set[str]:
    """Return the names of all blobs of this tablet."""
    return set(connection.execute(select(photo_job.c.sha256)).scalars())


def records_of(connection: Connection, sha256: str) -> set[str]:
    """Return the records of a blob, as photo or as thumb."""
    return set(connection.execute(_RECORDS, {"blob": sha256}).scalars())


_RECORDS: Final = select(photo_link.c.order_id).where(
    or_(photo_link.c.sha256 == bindparam("blob"), photo_link.c.thumb_sha256 == bindparam("blob"))
)


def _queue(
    connection: Connection, condition: ColumnElement[bool], *, is_wanted: int = 0
) -> set[str]:
    names = list(connection.execute(select(photo_job.c.sha256).where(condition)).scalars())
    records: set[str] = set()
    for sha256 in names:
        _change(
            connection,
            sha256,
            status=str(PhotoStatus.QUEUED),
            is_done=0,
            is_wanted=is_wanted,
            sent_bytes=0,
            chunk_bytes=MIN_CHUNK_BYTES,
            error="",
            done_at_ms=0,
            failed_count=0,
        )
        records |= records_of(connection, sha256)
    return records


def _change(connection: Connection, sha256: str, **values: str | int) -> None:
    change_rows(connection, photo_job, list(values), [(*values.values(), sha256)])


def job_of_cells(cells: RowMapping) -> PhotoJob:
    """Return the upload that a row of `photo_job` keeps."""
    return PhotoJob(
        sha256=cells["sha256"],
        order_id=cells["order_id"],
        role=BlobRole(cells["role"]),
        mime=BlobMime(cells["mime"]),
        size_bytes=cells["size_bytes"],
        sent_bytes=cells["sent_bytes"],
        status=PhotoStatus(cells["status"]),
        is_wanted=bool(cells["is_wanted"]),
        chunk_bytes=cells["chunk_bytes"],
        error=cells["error"],
        made_at_ms=cells["made_at_ms"],
        done_at_ms=cells["done_at_ms"],
        is_file_gone=bool(cells["is_file_gone"]),
        failed_count=cells["failed_count"],
    )
