"""Migrations make what the code declares on both databases; feed, epoch and pragmas hold."""

import importlib
import pkgutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

import sync_server.db
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.feed_store import Topic, append_feed, newest_feed_id, read_feed
from sync_server.db.metadata import METADATA
from sync_server.db.migrate_io import migrate, schema_revision
from sync_server.db.server_store import (
    asset_version,
    draw_server_epoch,
    raise_asset_version,
    server_epoch,
)
from tests.sync_server.real_parts import NOON


def _import_all_tables() -> None:
    for module in pkgutil.iter_modules(sync_server.db.__path__):
        if module.name.endswith("_tables"):
            importlib.import_module(f"sync_server.db.{module.name}")


def _partitions_of(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        return set()
    query = text("SELECT relname FROM pg_class WHERE relispartition")
    return set(connection.execute(query).scalars())


def test_migrations_make_exactly_the_tables_that_the_code_declares(engine: Engine) -> None:
    _import_all_tables()

    with engine.connect() as connection:
        pieces = _partitions_of(connection)

        def is_whole(name: str | None, kind: str, _parent: object) -> bool:
            return kind != "table" or name not in pieces

        options = {"compare_type": True, "include_name": is_whole}
        difference = compare_metadata(
            MigrationContext.configure(connection, opts=options), METADATA
        )

    assert difference == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    before = schema_revision(engine)

    migrate(engine)

    assert schema_revision(engine) == before is not None


def test_a_failing_migration_leaves_an_existing_file_as_it_was(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE meter (note TEXT)"))

    with pytest.raises(OperationalError, match="meter already exists"):
        migrate(engine)

    names = inspect(engine).get_table_names()
    engine.dispose()
    assert names == ["meter"]


def test_sqlite_commits_to_disk_and_checks_foreign_keys(sqlite_engine: Engine) -> None:
    with reading(sqlite_engine) as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert found == ["wal", 2, 1, 5000]


def test_a_reader_does_not_wait_for_a_writer(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as writer:
        append_feed(writer, Topic.ALERT, "a", NOON)
        with reading(sqlite_engine) as reader:
            seen_meanwhile = newest_feed_id(reader)

    with reading(sqlite_engine) as reader:
        assert (seen_meanwhile, newest_feed_id(reader)) == (0, 1)


def test_an_unknown_database_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"'mysql' is not supported; use sqlite:///FILE"):
        open_engine("mysql://localhost/x")


def test_the_feed_gives_what_came_after_in_order(engine: Engine) -> None:
    later = NOON + timedelta(seconds=1)
    with engine.begin() as connection:
        append_feed(connection, Topic.ALERT, "a1", NOON)
        append_feed(connection, Topic.ORDER, "o1", later)
        append_feed(connection, Topic.GATEWAY, "gw-1", later)

    with reading(engine) as connection:
        entries = read_feed(connection, 1, 10)
        first = read_feed(connection, 0, 1)

    assert [(entry.feed_id, entry.topic, entry.ref_id, entry.at_utc) for entry in entries] == [
        (2, Topic.ORDER, "o1", later),
        (3, Topic.GATEWAY, "gw-1", later),
    ]
    assert [entry.ref_id for entry in first] == ["a1"]


def test_a_rolled_back_change_leaves_no_feed(engine: Engine) -> None:
    with engine.connect() as connection:
        append_feed(connection, Topic.ALERT, "a1", NOON)
        connection.rollback()

    with reading(engine) as connection:
        assert newest_feed_id(connection) == 0


def test_the_server_epoch_stays_until_it_is_drawn_anew(engine: Engine) -> None:
    with engine.begin() as connection:
        first = server_epoch(connection)
        again = server_epoch(connection)
        drawn = draw_server_epoch(connection)
        now = server_epoch(connection)

    assert first == again
    assert drawn == now != first
    assert 0 < drawn < 2**63


def test_the_asset_version_rises(engine: Engine) -> None:
    with engine.begin() as connection:
        before = asset_version(connection)
        raise_asset_version(connection)
        raise_asset_version(connection)
        after = asset_version(connection)

    assert (before, after) == (0, 2)


def test_the_library_under_the_driver_is_new_enough() -> None:
    assert sqlite3.sqlite_version_info >= (3, 35), "RETURNING and upserts need SQLite 3.35"


def test_an_error_never_shows_the_values_of_its_statement(engine: Engine) -> None:
    statement = text("INSERT INTO nowhere (password_hash) VALUES (:secret)")

    with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
        connection.execute(statement, {"secret": "argon2-of-wang"})

    assert "argon2-of-wang" not in str(caught.value)
