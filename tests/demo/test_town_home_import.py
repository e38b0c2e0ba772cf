"""The homes' readings go on while the town runs."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from demo.home_import_io import import_homes_of_day, keep_importing_homes
from demo.seed_server_io import seed_assets
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC, Anchor, TownClock
from demo.town_time import local_day
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.reading_tables import READING

TODAY = local_day(DEFAULT_START_UTC)
PATIENCE_S = 60.0


@pytest.fixture
def engine(tmp_path: Path, town: Town) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'server.sqlite3'}")
    migrate(made)
    with made.begin() as connection:
        seed_assets(connection, town, DEFAULT_START_UTC)
    yield made
    made.dispose()


def readings(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(READING)).scalar_one())


def clock_from(start_utc: datetime, rate: float) -> TownClock:
    anchor = Anchor(start_utc=start_utc, wall_start_s=time.monotonic(), rate=rate)
    return TownClock(anchor, time.monotonic)


def test_a_day_that_is_imported_twice_is_stored_once(town: Town, engine: Engine) -> None:
    clock = clock_from(DEFAULT_START_UTC, 1.0)

    first = import_homes_of_day(engine, town, TODAY, clock)
    again = import_homes_of_day(engine, town, TODAY, clock)

    assert (first, again, readings(engine)) == (50, 0, 50)


def test_the_radio_building_is_read_every_day_until_the_town_stops(
    town: Town, engine: Engine
) -> None:
    stop = threading.Event()
    start = datetime(2026, 12, 14, 16, 0, tzinfo=UTC)
    importer = threading.Thread(
        target=keep_importing_homes, args=(engine, town, clock_from(start, 200_000.0), stop)
    )

    importer.start()
    deadline = time.monotonic() + PATIENCE_S
    while readings(engine) < 3 * 50 and time.monotonic() < deadline:
        stop.wait(0.05)
    stop.set()
    importer.join(PATIENCE_S)

    assert not importer.is_alive()
    assert readings(engine) >= 3 * 50
    assert readings(engine) % 50 == 0
