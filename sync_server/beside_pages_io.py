"""Runs beside the pages what each site does once: upkeep of files and readings, calls, letters."""

import threading
from contextlib import suppress

import structlog
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from sync_server.archive.frames_leaving_store import LedgerKeeper, let_frames_leave
from sync_server.archive.parquet_io import ArchiveError
from sync_server.archive.retention_io import Keeper, let_leave
from sync_server.archive.tiers import TierError
from sync_server.archive.upkeep_io import keep_partitions
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.blobs.sweep import sweep
from sync_server.messages.messenger_io import FileMessenger
from sync_server.messages.send_run_io import send_until
from sync_server.paging.pager_io import FilePager
from sync_server.paging.paging_run_io import Site as PagedSite
from sync_server.paging.paging_run_io import watch
from sync_server.run_site import UPKEEP_EVERY, Site, blob_folder
from sync_server.safekeeping.anchors_io import append_anchor
from sync_server.safekeeping.retention import forget_due
from sync_server.sync.lone_workers import Watchman
from sync_server.sync.photo_reviews import review_refused_photo

_LOG: FilteringBoundLogger = structlog.get_logger()

ANCHOR_EVERY_S = 600.0
"""Wall seconds between two anchors: what was done in between could be rewritten unseen."""


LONE_WORKERS_EVERY_S = 20.0
"""Of the site's time between two looks at who works alone, as often as a tablet looks itself."""


def beside_pages(site: Site) -> list[threading.Thread]:
    """Return what runs beside the pages, once per site and where its files are."""
    config = site.config
    chosen = [
        ("blob-sweep", _sweep_daily, True),
        ("readings-upkeep", _keep_readings, True),
        ("audit-anchor", _anchor_audit, config.anchor_file is not None),
        ("lone-workers", _look_after_lone_workers, True),
        ("paging", _page_people, config.paging_file is not None),
        ("messages", _write_customers, config.messages_file is not None),
    ]
    return [
        threading.Thread(target=work, args=(site,), name=name)
        for name, work, is_wanted in chosen
        if is_wanted
    ]


def _anchor_audit(site: Site) -> None:
    """Note the end of the audit chain in a file outside the database, now and then."""
    path = site.config.anchor_file
    while path is not None and not site.stop.is_set():
        try:
            append_anchor(site.engine, path, site.clock.now_utc())
        except (OSError, ValueError, SQLAlchemyError):
            _LOG.exception("audit.anchor_failed", file=str(path))
        site.stop.wait(ANCHOR_EVERY_S)
    if path is not None:
        with suppress(OSError, ValueError, SQLAlchemyError):
            append_anchor(site.engine, path, site.clock.now_utc())


def _look_after_lone_workers(site: Site) -> None:
    """Ask for people who work alone and whose tablets say nothing any more."""
    watchman = Watchman(site.clock.now_utc())
    while not site.stop.is_set():
        try:
            with site.engine.begin() as connection:
                watchman.look(connection, site.clock.now_utc())
        except SQLAlchemyError:
            _LOG.exception("lone_workers.look_failed")
        site.stop.wait(max(site.clock.wall_seconds(LONE_WORKERS_EVERY_S), 0.2))


def _page_people(site: Site) -> None:
    """Call whoever should look at a danger, through the file that the settings name."""
    path = site.config.paging_file
    if path is not None:
        told = PagedSite(public_url=site.config.public_url, zone=site.config.timezone)
        watch(site.engine, site.clock, FilePager(path), told, site.stop)


def _write_customers(site: Site) -> None:
    """Send what customers are to hear, through the file that the settings name."""
    path = site.config.messages_file
    if path is not None:
        name = site.config.site_name
        send_until(site.engine, site.clock, FileMessenger(path), name, site.stop)


def _sweep_daily(site: Site) -> None:
    """Compare photos and database at the start and once a day; only where the files are."""
    files = BlobFiles(blob_folder(site.config))
    intake = Intake(site.engine, files, site.clock, review_refused_photo)
    while not site.stop.is_set():
        try:
            sweep(site.engine, files, intake, site.clock.now_utc())
        except Exception:  # noqa: BLE001  # a disk that fails must not end the pages
            _LOG.exception("blobs.sweep_failed")
        _forget(site)
        site.stop.wait(max(site.clock.wall_seconds(UPKEEP_EVERY.total_seconds()), 1.0))


def _keep_readings(site: Site) -> None:
    """Keep the readings in order at the start and once a day."""
    while not site.stop.is_set():
        try:
            keep_partitions(site.engine, site.clock.now_utc())
            let_leave(_keeper(site), site.clock.now_utc())
            ledger = LedgerKeeper(engine=site.engine, is_stopped=site.stop.is_set)
            let_frames_leave(ledger, site.clock.now_utc())
        except (ArchiveError, TierError, OperationalError) as error:
            _LOG.warning("readings.upkeep_waits", reason=str(error))
        except Exception:  # noqa: BLE001  # a database that is busy must not end the pages
            _LOG.exception("readings.upkeep_failed")
        site.stop.wait(max(site.clock.wall_seconds(UPKEEP_EVERY.total_seconds()), 1.0))


def _keeper(site: Site) -> Keeper:
    return Keeper(
        engine=site.engine,
        folder=site.config.archive_folder,
        zone=site.config.timezone,
        is_stopped=site.stop.is_set,
    )


def _forget(site: Site) -> None:
    """Forget what has been kept long enough; what was forgotten is in the audit or in the log."""
    try:
        with site.engine.begin() as connection:
            forgotten = forget_due(connection, site.clock.now_utc())
    except Exception:  # noqa: BLE001  # a database that is busy must not end the pages
        _LOG.exception("retention.failed")
    else:
        _LOG.info("retention.done", **forgotten)
