"""The commands that keep everything safe: copies, the audit chain, the way to another database."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError

from sync_server.access.audit_store import verify_audit
from sync_server.blobs.copies_io import FOLDER, CopyReport, copy_blobs
from sync_server.blobs.files_io import BlobFiles
from sync_server.clock_io import SystemClock
from sync_server.db.backup_io import BackupError, back_up, restore
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.forgetting_io import empty_log_wholly
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import draw_server_epoch, note_restored
from sync_server.safekeeping.anchors_io import AnchorError, check_anchors
from sync_server.safekeeping.ended_access_io import end_again, ended_access, ended_anywhere
from sync_server.safekeeping.erased_again_io import erase_again, erased_anywhere, read_former
from sync_server.safekeeping.moving_io import Move, MoveError, move_database
from sync_server.sync.sealing_keys_io import FOLDER as KEY_FOLDER
from sync_server.sync.sealing_keys_io import copy_keys

Say = Callable[[str], None]
AddCommand = Callable[[str, str], argparse.ArgumentParser]


class BrokenAuditError(RuntimeError):
    """The audit chain was changed; the text names the first event that does not fit."""


REFUSALS = (AnchorError, BackupError, BrokenAuditError, MoveError)
"""What ends one of these commands with status 1 and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeDesk:
    """What the commands work with."""

    database_url: str
    blob_folder: Path
    sealing_folder: Path
    say: Say
    anchor_file: Path | None = None


def add_safe_commands(add: AddCommand) -> None:
    """Add the commands to the parser of `sync-server`."""
    backup = add("backup", "copy the SQLite database while it is in use")
    backup.add_argument("file", type=Path)
    back = add("restore", "put a copy back; the server must be stopped")
    back.add_argument("file", type=Path)
    photos = add("copy-photos", "copy the photos to a folder; `backup` does so for SQLite")
    photos.add_argument("folder", type=Path)
    photos.add_argument("--back", action="store_true", help="from the folder to the server")
    add("new-epoch", "after restoring PostgreSQL: let gateways offer again")
    add("verify-audit", "check that no audit event was changed, removed or put in between")
    move = add("migrate-database", "move everything to another database; stop the server first")
    move.add_argument("--to", required=True, metavar="URL", help=_TO)
    move.add_argument("--afresh", action="store_true", help="forget a move left half-way there")


_TO = (
    "postgresql+psycopg://USER@HOST/NAME or sqlite:///FILE, empty; the password comes from"
    " PGPASSWORD or the file .pgpass"
)


def run_backup(desk: SafeDesk, options: argparse.Namespace) -> None:
    """Copy the database, the photos and the sealing keys while the server works."""
    back_up(desk.database_url, options.file)
    desk.say(f"copied to {options.file}")
    beside = options.file.resolve().parent
    _copy_keys(desk, desk.sealing_folder, beside / KEY_FOLDER)
    _copy_blobs(desk, desk.blob_folder, beside / FOLDER)


def run_restore(desk: SafeDesk, options: argparse.Namespace) -> None:
    """Put a copy back under a new epoch, with its photos and keys; ended access stays ended.

    All of it is done before the copy takes the place of the database.
    """
    beside = options.file.resolve().parent

    def make_ready(engine: Engine, formers: Sequence[Path]) -> None:
        _end_access_again(desk, engine, formers)
        _copy_keys(desk, beside / KEY_FOLDER, desk.sealing_folder)
        _copy_blobs(desk, beside / FOLDER, desk.blob_folder)

    epoch = restore(desk.database_url, options.file, make_ready)
    desk.say(f"restored; new server epoch {epoch}: gateways and tablets will offer again")
    desk.say(_CHECK_ORDERS)


def _end_access_again(desk: SafeDesk, engine: Engine, formers: Sequence[Path]) -> None:
    """End and erase again what the database that is replaced says, the first of `formers`.

    Those of earlier restores count where this copy was made of them: the day that a wrong copy, or
    one that was put back twice, has taken from the database that is replaced.
    """
    now_utc = SystemClock().now_utc()
    with engine.begin() as connection:
        found = [(ended_access(each), read_former(each, connection)) for each in formers]
        known = [
            (ended, former)
            for number, (ended, former) in enumerate(found)
            if ended is not None and former is not None and (number == 0 or former.is_continued)
        ]
        tablets, people, count = 0, 0, 0
        if known:
            ended = ended_anywhere([each for each, _ in known])
            tablets, people = end_again(connection, ended, now_utc)
            count = erase_again(connection, erased_anywhere([each for _, each in known]), now_utc)
    empty_log_wholly(engine)
    if known:
        desk.say(
            f"access that ended after the copy: {tablets} tablets, {people} people, ended again"
        )
        desk.say(f"people, callers and messages erased after the copy: {count}, erased again")
    is_live_read = all(each is not None for each in found[0])
    if not is_live_read or not any(former.is_continued for _, former in known):
        desk.say(_CHECK_ACCESS)


_CHECK_ACCESS = (
    "access that ended after the copy was made is open again, and whoever was erased is back:"
    " withdraw lost tablets, end the access of people who left and erase people once more"
)


_CHECK_ORDERS = (
    "orders that the office made after the copy are not here: what crews did on them waits on the"
    " page of reviews; make them anew there, and tell the crews that are on their way"
)


def run_copy_photos(desk: SafeDesk, options: argparse.Namespace) -> None:
    """Copy the photos to a folder, or back from there."""
    here, there = desk.blob_folder, options.folder
    source, target = (there, here) if options.back else (here, there)
    _copy_blobs(desk, source, target)


def run_new_epoch(desk: SafeDesk, _options: argparse.Namespace) -> None:
    """Let gateways and tablets offer again what a restored database does not know."""
    engine = open_engine(desk.database_url)
    try:
        migrate(engine)
        with engine.begin() as connection:
            epoch = draw_server_epoch(connection)
            note_restored(connection, SystemClock().now_utc())
    finally:
        engine.dispose()
    desk.say(f"new server epoch {epoch}: gateways and tablets will offer again")
    desk.say(_CHECK_ORDERS)
    desk.say(_CHECK_ACCESS)


def run_verify_audit(desk: SafeDesk, _options: argparse.Namespace) -> None:
    """Check the chain of audit events; raise BrokenAuditError where it does not fit."""
    engine = open_engine(desk.database_url)
    try:
        migrate(engine)
        with reading(engine) as connection:
            verdict = verify_audit(connection)
            path = desk.anchor_file
            anchors = None if path is None else check_anchors(connection, path)
    finally:
        engine.dispose()
    if not verdict.is_whole:
        message = (
            f"audit: event {verdict.broken_at}: does not fit the chain; "
            "keep this database and compare it with the last backup"
        )
        raise BrokenAuditError(message)
    desk.say(f"{verdict.event_count} events, the chain is whole")
    if anchors is not None:
        desk.say(f"{anchors} anchors in {desk.anchor_file}, each fits the chain")


def run_migrate_database(desk: SafeDesk, options: argparse.Namespace) -> None:
    """Move every row to another database, and compare them; an interrupted move goes on."""
    try:
        source, target = open_engine(desk.database_url), open_engine(options.to)
    except (ValueError, ArgumentError) as error:
        raise MoveError(f"--to: url: {error}") from error
    try:
        move = Move(source=source, target=target, show=_show, is_afresh=options.afresh)
        report = move_database(move, SystemClock())
    finally:
        source.dispose()
        target.dispose()
    desk.say(f"{report.row_count} rows in {report.table_count} tables, the same in both databases")
    desk.say(f"now set url in [database] to {target.url.render_as_string(hide_password=True)}")


def _show(table: str, done: int, total: int) -> None:
    """Tell a person at a terminal where the move is; a log file is spared."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{table}: {done} of {total} rows")
        sys.stderr.flush()


def _copy_blobs(desk: SafeDesk, source: Path, target: Path) -> None:
    report: CopyReport = copy_blobs(BlobFiles(source), BlobFiles(target))
    desk.say(f"photos: {report.copied} copied to {target}, {report.present} were there")
    for name in report.broken:
        desk.say(f"photos: {name} is not what its name says; it was left out")
    for name in report.unreadable:
        desk.say(f"photos: the disk does not give {name}; it was left out, look at that disk")


def _copy_keys(desk: SafeDesk, source: Path, target: Path) -> None:
    count = copy_keys(source, target)
    if count:
        desk.say(
            f"sealing keys: {count} copied to {target}; keep that folder as safe as the server"
        )
