"""Compares database and files: what was lost is awaited and asked for again, what came is known.

Either of the two may have been restored from a backup without the other (RULINGS R1).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Engine

from sync_server.blobs.blob_store import BlobState, mark_state, names_in
from sync_server.blobs.bounds import KEEP_PARTIAL
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake, tell_records
from sync_server.blobs.want_store import want_blob
from sync_server.db.engine_io import reading
from wire_contracts.blobs import WantReason
from wire_contracts.errors import ContractError

_LOG = structlog.get_logger("sync_server.blobs")

HASHED_EVERY_DAYS: Final = 30
"""Each file is read and hashed once in so many days: a disk that loses bits is found out."""

SWEEP: Final = "sweep"
"""Who asked for a blob that was lost, in `blob.wanted_by`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What one round found: `lost` are asked for again, `found` are known now."""

    lost: int
    found: int
    broken: int
    expired_partials: int
    old_stores: int = 0


def sweep(engine: Engine, files: BlobFiles, intake: Intake, now_utc: datetime) -> SweepReport:
    """Return what was found; call it at the start and once a day."""
    broken = _drop_broken(engine, files, now_utc)
    lost = _ask_for_lost(engine, files, now_utc)
    report = SweepReport(
        lost=lost,
        found=_adopt_found(engine, files, intake),
        broken=broken,
        expired_partials=_expire_partials(files),
        old_stores=intake.stores.drop_old(),
    )
    if report != SweepReport(lost=0, found=0, broken=0, expired_partials=0):
        _LOG.warning(
            "blobs_swept",
            lost=report.lost,
            found=report.found,
            broken=report.broken,
            expired_partials=report.expired_partials,
            old_stores=report.old_stores,
        )
    return report


def _drop_broken(engine: Engine, files: BlobFiles, now_utc: datetime) -> int:
    """Hash today's share of the files; take away those that are not what their name says.

    What the disk does not give now stays: a loose cable must not cost a photo.
    """
    share = now_utc.toordinal() % HASHED_EVERY_DAYS
    with reading(engine) as connection:
        names = names_in(connection, BlobState.HAVE)
    broken = [
        name
        for name in names
        if int(name[:8], 16) % HASHED_EVERY_DAYS == share
        and files.size_of(name) is not None
        and _is_broken(files, name)
    ]
    for name in broken:
        files.drop_broken(name)
    return len(broken)


def _is_broken(files: BlobFiles, name: str) -> bool:
    try:
        return not files.is_intact(name)
    except OSError as error:
        _note_unreadable(name, error)
        return False


def _note_unreadable(name: str, error: OSError) -> None:
    _LOG.error("blob_unreadable", sha256=name, problem=error.strerror)


def _ask_for_lost(engine: Engine, files: BlobFiles, now_utc: datetime) -> int:
    with reading(engine) as connection:
        names = names_in(connection, BlobState.HAVE)
    lost = [name for name in names if files.size_of(name) is None]
    for name in lost:
        with engine.begin() as connection:
            mark_state(connection, name, BlobState.AWAITING)
            tell_records(connection, name, now_utc)
            want_blob(connection, name, WantReason.LOST, SWEEP, now_utc)
    return len(lost)


def _adopt_found(engine: Engine, files: BlobFiles, intake: Intake) -> int:
    """Make files known that the database awaits: it is older than they are."""
    with reading(engine) as connection:
        names = names_in(connection, BlobState.AWAITING)
    found = 0
    for name in names:
        if files.size_of(name) is not None:
            try:
                found += int(intake.adopt(name))
            except ContractError as error:
                _LOG.warning("blob_found_refused", sha256=name, problem=error.problem)
            except OSError as error:
                _note_unreadable(name, error)
    return found


def _expire_partials(files: BlobFiles) -> int:
    """Drop uploads that did not grow for long, by the disk's clock: the site's may be simulated."""
    old = [each for each in files.partials() if each.idle_s > KEEP_PARTIAL.total_seconds()]
    for partial in old:
        partial.path.unlink(missing_ok=True)
    return len(old)
