"""The commands that show and apply how long readings stay."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, select
from sqlalchemy import func as sql

from sync_server.archive.archive_store import Part, archive_size, parts_between
from sync_server.archive.frames_leaving_store import (
    FRAME_DAYS,
    LedgerKeeper,
    frame_days,
    let_frames_leave,
)
from sync_server.archive.parquet_io import ArchiveError, sha256_of
from sync_server.archive.pieces_store import oldest_ms
from sync_server.archive.retention_io import Keeper, let_leave, load_tiers
from sync_server.archive.tiers import TIER_NAMES, TierError, policy_name
from sync_server.clock_io import SystemClock
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.db.partition_io import PARTITIONED, has_partitions, list_partitions, rest_of
from sync_server.db.reading_tables import READING, READING_DAILY, READING_HOURLY
from wire_contracts.frames import LATEST_MS, utc_from_ms

Say = Callable[[str], None]
AddCommand = Callable[[str, str], argparse.ArgumentParser]

REFUSALS = (ArchiveError, TierError)
"""What ends one of these commands with status 1 and its text."""

_BEFORE_ALL_MS = -(2**62)
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveDesk:
    """What the commands work with."""

    database_url: str
    folder: Path | None
    zone: tzinfo
    say: Say


def add_archive_commands(add: AddCommand) -> None:
    """Add the commands to the parser of `sync-server`."""
    add("archive-readings", "let readings leave now whose days are over; the server may run")
    shown = add("retention", "show how long readings stay, and what the archive holds")
    shown.add_argument("--check", action="store_true", help="read every file of the archive")


def run_archive_readings(desk: ArchiveDesk, _options: argparse.Namespace) -> None:
    """Let leave what is due, as the server does once a day."""
    with _Opened(desk) as engine:
        keeper = Keeper(engine=engine, folder=desk.folder, zone=desk.zone)
        now_utc = SystemClock().now_utc()
        left = let_leave(keeper, now_utc)
        frames = let_frames_leave(LedgerKeeper(engine=engine), now_utc)
        desk.say(
            f"left: readings of {left.raw_days} days, {left.hours} hours, {left.days} days' figures"
            f", {frames} entries of the ledger of frames"
        )
        _say_archive(desk, engine)


def run_retention(desk: ArchiveDesk, options: argparse.Namespace) -> None:
    """Show the tiers and the archive; with `--check` compare every file with its sum."""
    with _Opened(desk) as engine:
        now_utc = SystemClock().now_utc()
        tiers = load_tiers(engine, now_utc)
        with reading(engine) as connection:
            for name, days in zip(TIER_NAMES, (tiers.raw, tiers.hourly, tiers.daily), strict=True):
                stays = f"{days} days" if days else "for ever"
                desk.say(f"{policy_name(name)}: {stays}, oldest {_oldest(connection, name)}")
            frames = frame_days(connection, now_utc)
            desk.say(f"{FRAME_DAYS}: {f'{frames} days' if frames else 'for ever'}")
            _say_partitions(desk, connection)
        _say_archive(desk, engine)
        if options.check:
            _check(desk, engine)


class _Opened:
    """The database for one command."""

    def __init__(self, desk: ArchiveDesk) -> None:
        self._engine = open_engine(desk.database_url)

    def __enter__(self) -> Engine:
        migrate(self._engine)
        return self._engine

    def __exit__(self, *_details: object) -> None:
        self._engine.dispose()


_TABLES = {
    "raw": (READING, "measured_at_ms"),
    "hourly": (READING_HOURLY, "hour_at_ms"),
    "daily": (READING_DAILY, "day_at_ms"),
}


def _oldest(connection: Connection, tier: str) -> str:
    table, column = _TABLES[tier]
    return _day(oldest_ms(connection, table, column, _BEFORE_ALL_MS))


def _day(at_ms: int | None) -> str:
    return "none" if at_ms is None else f"{utc_from_ms(at_ms):%Y-%m-%d}"


def _say_partitions(desk: ArchiveDesk, connection: Connection) -> None:
    if not has_partitions(connection):
        return
    for table in PARTITIONED:
        names = [each.name for each in list_partitions(connection, table)]
        rest = table.to_metadata(MetaData(), name=rest_of(table))
        count = connection.execute(select(sql.count()).select_from(rest)).scalar_one()
        desk.say(f"{table.name}: {len(names)} partitions, {count} rows wait for theirs")


def _say_archive(desk: ArchiveDesk, engine: Engine) -> None:
    if desk.folder is None:
        desk.say("archive: off; what leaves is gone, set folder in [archive] to keep it")
        return
    with reading(engine) as connection:
        size = archive_size(connection)
    desk.say(
        f"archive: {desk.folder}: {size.file_count} files, {size.row_count} readings,"
        f" {size.byte_count / _MEGABYTE:.1f} MB,"
        f" {_day(size.first_at_ms)} to {_day(size.last_at_ms)}"
    )


def _check(desk: ArchiveDesk, engine: Engine) -> None:
    """Compare every file with what was noted when it was written.

    Raises:
        ArchiveError: The archive is off, or a file is missing or changed; each is named first.
    """
    if desk.folder is None:
        raise ArchiveError("archive: folder: is not set; there is nothing to check")
    with reading(engine) as connection:
        parts = parts_between(connection, _BEFORE_ALL_MS, LATEST_MS)
    broken = [each for each in parts if not _is_whole(desk.folder, each)]
    for each in broken:
        desk.say(f"archive: {each.file}: is missing or not what was written")
    if broken:
        raise ArchiveError(
            f"archive: {desk.folder}: {len(broken)} of {len(parts)} files are damaged;"
            " put them back from a copy"
        )
    desk.say(f"{len(parts)} files, each as it was written")


def _is_whole(folder: Path, part: Part) -> bool:
    try:
        return sha256_of(folder / part.file) == part.sha256
    except OSError:
        return False
