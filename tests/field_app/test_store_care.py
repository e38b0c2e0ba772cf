"""An idle tablet cares for its file: the log is emptied, every page is looked at weekly."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from field_app.store import base_store, settings_store
from field_app.store.care import FULL_CHECK_EVERY, LOG_WORTH_EMPTYING_BYTES, care_for
from field_app.store.database_io import Database, open_database
from field_app.store.settings_store import Key
from field_app.tablet import STORE_FILE

NOW_MS = 1_793_592_000_000
WEEK_MS = FULL_CHECK_EVERY // timedelta(milliseconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / STORE_FILE)) as found:
        yield found


def write_much(database: Database) -> None:
    for number in range(LOG_WORTH_EMPTYING_BYTES // 50_000 + 2):
        text = f"{number:04}" * 12_500
        database.write(partial(settings_store.save, key=Key.REASON_DETAIL, value=text))
    database.write(partial(settings_store.save, key=Key.REASON_DETAIL, value="the last word"))


def test_a_grown_log_is_emptied_and_nothing_is_lost(database: Database) -> None:
    write_much(database)

    care_for(database, NOW_MS)
    care_for(database, NOW_MS)

    assert database.log_bytes() < LOG_WORTH_EMPTYING_BYTES
    last = database.read(lambda c: settings_store.load_text(c, Key.REASON_DETAIL))
    assert last == "the last word"


def test_a_reader_under_way_puts_the_emptying_off_and_blocks_no_writer(
    database: Database, tmp_path: Path
) -> None:
    write_much(database)
    with closing(sqlite3.connect(tmp_path / STORE_FILE)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM setting").fetchall()
        was_emptied = database.tidy()
        database.write(lambda c: settings_store.save(c, Key.LANGUAGE, "en"))
    database.write(lambda c: settings_store.save(c, Key.LANGUAGE, "zh_CN"))

    assert not was_emptied
    assert database.tidy(patiently=True)
    assert database.log_bytes() == 0


def test_every_page_is_looked_at_once_a_week(database: Database) -> None:
    care_for(database, NOW_MS)
    care_for(database, NOW_MS + WEEK_MS - 1)
    first = last_check(database)
    care_for(database, NOW_MS + WEEK_MS)
    second = last_check(database)
    care_for(database, NOW_MS)

    assert (first, second, last_check(database)) == (NOW_MS, NOW_MS + WEEK_MS, NOW_MS)


def last_check(database: Database) -> int:
    return database.read(lambda c: settings_store.load_integer(c, Key.LAST_FULL_CHECK_MS))


def test_what_only_the_weekly_look_finds_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / STORE_FILE
    with closing(Database(path)) as database:
        for number in range(40):
            database.write(partial(base_store.add_report, kind="note", body={}, at_ms=number))
    cut_an_index(path)
    with closing(Database(path)) as database:
        is_well = care_for(database, NOW_MS)
        reports = [kind for kind, _ in database.read(base_store.load_reports)]

    opened = open_database(path)
    with closing(opened.database):
        assert not is_well
        assert reports.count("damage_seen") == 1
        assert opened.set_aside is not None


def cut_an_index(path: Path) -> None:
    """Let an index and its table differ, which a quick look does not compare."""
    values = ("a" * 64, "order-one")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(
            "INSERT INTO photo_job (sha256, order_id, size_bytes, sent_bytes, is_done)"
            " VALUES (?, ?, 1, 0, 0)",
            values,
        )
        raw.commit()
        root = "SELECT rootpage FROM sqlite_master WHERE name = 'photo_job_by_order'"
        (page,) = raw.execute(root).fetchone()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    content = bytearray(path.read_bytes())
    at = content.index(b"order-one", (page - 1) * 4096)
    content[at : at + 9] = b"order-two"
    path.write_bytes(content)
