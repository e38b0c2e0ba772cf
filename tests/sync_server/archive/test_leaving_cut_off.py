"""A run cut off behind a file, before anything is deleted, neither loses nor fills a disk."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, insert
from sqlalchemy.exc import OperationalError

from sync_server.archive.archive_store import part_file, parts_between
from sync_server.archive.parquet_io import read_part, write_part
from sync_server.archive.retention_io import let_leave
from sync_server.archive.tiers import DAY_MS
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import READING_ARCHIVE
from tests.sync_server.archive.archive_parts import (
    METERS,
    OLD,
    OLD_DAYS,
    count,
    keep,
    keeper,
    old_town,
    rows,
)
from tests.sync_server.real_parts import NOON, wait_until
from wire_contracts.frames import LATEST_MS, ms_from_utc

OLD_ROWS = 16 * OLD_DAYS * len(METERS)
LEAVE = """
import sys
from pathlib import Path
from sync_server.archive.retention_io import let_leave
from sync_server.db.engine_io import open_engine
from tests.sync_server.archive.archive_parts import keeper
from tests.sync_server.real_parts import NOON
let_leave(keeper(open_engine(sys.argv[1]), Path(sys.argv[2])), NOON)
"""


def archived_rows(engine: Engine, folder: Path) -> int:
    with reading(engine) as connection:
        parts = parts_between(connection, 0, LATEST_MS)
    return sum(1 for part in parts for _ in read_part(folder / part.file))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.parquet*"))


def limit_pages(engine: Engine, pages: int) -> Callable[[], None]:
    """Let the file grow no further, as on a full disk; call what is returned to make room."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}").close()

    engine.dispose()
    event.listen(engine, "connect", limit)

    def make_room() -> None:
        event.remove(engine, "connect", limit)
        engine.dispose()

    return make_room


def fill(engine: Engine) -> None:
    """Fill the page that the next file would be listed on, and the rest of the disk."""
    noted = {"file": "f" * 40, "row_count": 1, "byte_count": 1, "sha256": "0" * 64}
    for day in range(10_000):
        with engine.begin() as connection:
            at = {"day_at_ms": LATEST_MS + day, "part": 1, "archived_at_ms": 0}
            connection.execute(insert(READING_ARCHIVE).values(**noted, **at))


def test_a_full_disk_keeps_readings_and_is_not_filled_by_trying_again(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    old_town(sqlite_engine)
    keep(sqlite_engine, raw=40)
    with sqlite_engine.begin() as connection:
        pages: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    make_room = limit_pages(sqlite_engine, pages)
    with pytest.raises(OperationalError, match="full"):
        fill(sqlite_engine)
    before = count(sqlite_engine)

    for _ in range(3):
        with pytest.raises(OperationalError, match="full"):
            let_leave(keeper(sqlite_engine, tmp_path / "archive"), NOON)

    assert count(sqlite_engine) == before
    assert len(files(tmp_path / "archive")) == 1
    make_room()
    let_leave(keeper(sqlite_engine, tmp_path / "archive"), NOON)
    assert archived_rows(sqlite_engine, tmp_path / "archive") == OLD_ROWS
    assert len(files(tmp_path / "archive")) == OLD_DAYS + 1
    assert count(sqlite_engine) == before - OLD_ROWS


def test_a_run_killed_between_the_file_and_the_deletion_is_gone_on_with(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    old_town(sqlite_engine)
    keep(sqlite_engine, raw=40)
    before = count(sqlite_engine)
    url = sqlite_engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", LEAVE, url, str(folder)]
    with sqlite_engine.begin(), subprocess.Popen(command) as run:  # it waits for the writer's lock
        wait_until(lambda: any(name.endswith(".parquet") for name in files(folder)))
        run.kill()
    left, written = count(sqlite_engine), files(folder)

    let_leave(keeper(sqlite_engine, folder), NOON)

    assert (left, len(written)) == (before, 1)
    assert len(files(folder)) == OLD_DAYS + 1
    assert archived_rows(sqlite_engine, folder) == OLD_ROWS
    assert count(sqlite_engine) == before - OLD_ROWS


def test_a_file_of_other_rows_or_of_none_is_left_alone(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    old_town(sqlite_engine)
    keep(sqlite_engine, raw=40)
    day_at_ms = ms_from_utc(OLD.replace(hour=0))
    torn, other = (tmp_path / part_file(day_at_ms, part) for part in (1, 2))
    write_part(other, rows(sqlite_engine)[:5])  # type: ignore[arg-type]  # rows of the table
    torn.write_bytes(other.read_bytes()[:100])
    kept = [path.read_bytes() for path in (torn, other)]

    let_leave(keeper(sqlite_engine, tmp_path), NOON)

    with reading(sqlite_engine) as connection:
        parts = parts_between(connection, day_at_ms, day_at_ms + DAY_MS)
    assert [part.part for part in parts] == [3]
    assert [path.read_bytes() for path in (torn, other)] == kept
    assert archived_rows(sqlite_engine, tmp_path) == OLD_ROWS
