"""A backup is checked before it replaces anything, and a restored server has a new epoch."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.db.backup_io import BackupError, back_up, restore
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.feed_store import Topic, append_feed, newest_feed_id
from sync_server.db.server_store import server_epoch
from sync_server.service_desk.request_rows_store import next_number
from tests.sync_server.real_parts import NOON


def test_a_restored_server_is_as_it_was_under_a_new_epoch(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    url = str(sqlite_engine.url)
    with sqlite_engine.begin() as connection:
        epoch = server_epoch(connection)
        append_feed(connection, Topic.ALERT, "a", NOON)
    with sqlite_engine.begin() as connection:
        append_feed(connection, Topic.ALERT, "b", NOON)
        back_up(url, tmp_path / "copy.sqlite3")
    sqlite_engine.dispose()

    drawn = restore(url, tmp_path / "copy.sqlite3")

    engine = open_engine(url)
    with reading(engine) as connection:
        state = (server_epoch(connection), newest_feed_id(connection))
    engine.dispose()
    assert state == (drawn, 1)
    assert drawn != epoch
    assert (tmp_path / "server.sqlite3.before-restore").is_file()


def test_no_printed_number_is_given_out_twice_after_a_restore(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    url = str(sqlite_engine.url)
    back_up(url, tmp_path / "copy.sqlite3")
    with sqlite_engine.begin() as connection:
        lost = {next_number(connection, series) for series in ("WO", "R") for _ in range(300)}
    sqlite_engine.dispose()

    restore(url, tmp_path / "copy.sqlite3")

    engine = open_engine(url)
    with engine.begin() as connection:
        given = {next_number(connection, series) for series in ("WO", "R") for _ in range(300)}
    engine.dispose()
    assert given.isdisjoint(lost)


def test_a_damaged_copy_is_refused_and_nothing_changes(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    url = str(sqlite_engine.url)
    damaged = tmp_path / "damaged.sqlite3"
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 5000)

    with pytest.raises(BackupError, match="is not sound"):
        restore(url, damaged)

    with reading(sqlite_engine) as connection:
        assert newest_feed_id(connection) == 0


def test_what_cannot_be_copied_is_refused_with_the_remedy(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    url = str(sqlite_engine.url)
    (tmp_path / "taken").touch()

    with pytest.raises(BackupError, match="exists already; choose another name"):
        back_up(url, tmp_path / "taken")
    with pytest.raises(BackupError, match="does not exist; start the server once"):
        back_up(f"sqlite:///{tmp_path / 'none'}", tmp_path / "copy")
    with pytest.raises(BackupError, match="use pg_dump"):
        back_up("postgresql+psycopg://localhost/x", tmp_path / "copy")
    with pytest.raises(BackupError, match="give a file made by `backup`"):
        restore(url, tmp_path / "none")
