"""Readings find their partition, whenever they were measured, and none is lost for want of one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, func, insert, select, text

from sync_server.archive.upkeep_io import keep_partitions
from sync_server.db.bulk_io import Cell, OnExisting, Row, write_rows
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.db.partition_io import (
    Partition,
    Period,
    free_bounds,
    list_partitions,
    make_ahead,
    period_bounds,
    rest_of,
)
from sync_server.db.reading_tables import READING, READING_HOURLY
from sync_server.readings.reading_store import ReadingStore
from tests.sync_server.real_parts import NOON, wait_until
from tests.sync_server.town_parts import batch, found_town, frame, new_meter, snapshot
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Quantity

VOLUME = Quantity.VOLUME_M3
METERS = range(200)
QUARTER = timedelta(minutes=15)
LATE = (NOON - timedelta(days=400), NOON - timedelta(days=399), datetime(2001, 1, 3, tzinfo=UTC))


def row(meter_id: str, at_utc: datetime, volume_m3: float) -> dict[str, Cell]:
    return {
        "meter_id": meter_id,
        "measured_at_ms": ms_from_utc(at_utc),
        "volume_m3": volume_m3,
        "profile": "p@1",
        "revision": 1,
    }


def names(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [each.name for each in list_partitions(connection, READING)]


def rows_in(engine: Engine, table: str) -> int:
    with reading(engine) as connection:
        count: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608  # ours
    return count


def test_partitions_are_made_for_this_month_and_two_more(postgres_engine: Engine) -> None:
    with postgres_engine.begin() as connection:
        made = make_ahead(connection, datetime(2026, 11, 30, 23, tzinfo=UTC), Period.MONTH)
        again = make_ahead(connection, datetime(2026, 11, 30, 23, tzinfo=UTC), Period.MONTH)

    assert names(postgres_engine) == [
        "reading_p20261101",
        "reading_p20261201",
        "reading_p20270101",
    ]
    assert (len(made), again) == (6, [])


def test_days_begin_where_months_end_when_the_rule_changes(postgres_engine: Engine) -> None:
    with postgres_engine.begin() as connection:
        make_ahead(connection, NOON, Period.MONTH)
        found = list_partitions(connection, READING)
        behind = datetime.fromtimestamp(found[-1].to_ms / 1000, UTC) + timedelta(days=3)
        make_ahead(connection, behind, Period.DAY)
        make_ahead(connection, behind, Period.MONTH)
        after = list_partitions(connection, READING)

    spans = [(each.from_ms, each.to_ms) for each in after]
    day_ms = 86_400_000
    first_ms = ms_from_utc(behind)
    assert spans[3:6] == [(first_ms + n * day_ms, first_ms + (n + 1) * day_ms) for n in range(3)]
    assert spans[6][0] == spans[5][1]
    assert all(one.to_ms <= (other.from_ms or 0) for one, other in pairwise(after))


def take_in(engine: Engine, store: ReadingStore, moments: Sequence[datetime]) -> None:
    """Store a reading of each meter at each moment, in a transaction for each moment."""
    for moment in moments:
        at_ms = ms_from_utc(moment)
        frames = [
            frame(at_ms + number, moment, {VOLUME: 1.0}, device=f"D-{number}") for number in METERS
        ]
        with engine.begin() as connection:
            store.store_batches(connection, [batch(*frames)], moment)


def pages(engine: Engine) -> dict[str, list[int]]:
    """Return the pages that the newest values and the hours of meters lie on, by meter."""
    query = "SELECT (ctid::text::point)[0]::bigint FROM {} ORDER BY meter_id"
    with reading(engine) as connection:
        return {
            table: list(connection.execute(text(query.format(table))).scalars())
            for table in ("reading_latest", "reading_hourly_rest", "reading_hourly_p20261101")
        }


def test_the_newest_and_the_hour_of_a_meter_are_changed_in_place(postgres_engine: Engine) -> None:
    store, at_utc = ReadingStore(), datetime(2026, 11, 20, 12, tzinfo=UTC)
    meters = [f"M-{number}" for number in METERS]
    with postgres_engine.begin() as connection:
        found_town(connection, [new_meter(meter_id) for meter_id in meters])
        make_ahead(connection, at_utc, Period.MONTH)
    moments = [at_utc - timedelta(days=90), at_utc]
    take_in(postgres_engine, store, moments)
    before = pages(postgres_engine)

    take_in(postgres_engine, store, [moment + timedelta(minutes=15) for moment in moments])

    assert pages(postgres_engine) == before
    assert [len(found) for found in before.values()] == [200, 200, 200]


def test_late_readings_are_stored_at_once_and_sorted_in_later(postgres_engine: Engine) -> None:
    with postgres_engine.begin() as connection:
        found_town(connection, [new_meter("M-1")])
    keep_partitions(postgres_engine, NOON)
    frames = [
        frame(number, at_utc, {VOLUME: float(number)})
        for number, at_utc in enumerate([*LATE, NOON - timedelta(minutes=1)], start=1)
    ]
    with postgres_engine.begin() as connection:
        stored = ReadingStore().store_batches(connection, [batch(*frames)], NOON)
        before = snapshot(connection)
    in_rest = rows_in(postgres_engine, rest_of(READING))

    made = keep_partitions(postgres_engine, NOON)

    with reading(postgres_engine) as connection:
        after = snapshot(connection)
    assert (stored.new_count, in_rest) == (4, 3)
    assert after == before
    assert rows_in(postgres_engine, rest_of(READING)) == 0
    assert rows_in(postgres_engine, rest_of(READING_HOURLY)) == 0
    assert [name for name in made if name.startswith("reading_p")] == [
        "reading_p20010101",
        *sorted({f"reading_p{at_utc:%Y%m}01" for at_utc in LATE[:2]}),
    ]
    assert keep_partitions(postgres_engine, NOON) == []


def test_a_repeat_is_known_in_whatever_partition_it_lies(postgres_engine: Engine) -> None:
    rows: list[Row] = [
        tuple(row("M-1", at, 1.0).get(column.name) for column in READING.columns)
        for at in (NOON, *LATE)
    ]
    with postgres_engine.begin() as connection:
        write_rows(connection, READING, rows[:3], OnExisting.KEEP)
    keep_partitions(postgres_engine, NOON)
    with postgres_engine.begin() as connection:
        write_rows(connection, READING, rows, OnExisting.KEEP)
        write_rows(connection, READING, rows, OnExisting.REPLACE)

    assert rows_in(postgres_engine, "reading") == len(rows)


def test_a_table_in_use_makes_the_upkeep_wait_and_loses_nothing(postgres_engine: Engine) -> None:
    with postgres_engine.begin() as connection:
        connection.execute(insert(READING).values(row("M-1", NOON, 1.0)))
    with postgres_engine.begin() as user:
        user.execute(select(func.count()).select_from(READING)).scalar_one()
        waited = keep_partitions(postgres_engine, NOON)
        user.execute(insert(READING).values(row("M-2", NOON, 2.0)))

    assert waited == []
    assert len(keep_partitions(postgres_engine, NOON)) == 6
    assert (rows_in(postgres_engine, "reading"), rows_in(postgres_engine, "reading_rest")) == (2, 0)


@pytest.mark.nightly
def test_a_replica_that_holds_the_table_again_and_again_loses_nothing(
    postgres_engine: Engine,
) -> None:
    with postgres_engine.begin() as connection:
        found_town(connection, [new_meter(f"M-{number}") for number in METERS])
    made: list[list[str]] = []
    for number in range(3):
        with postgres_engine.begin() as replica:
            replica.execute(insert(READING).values(row("M-9", LATE[0] + number * QUARTER, 1.0)))
            upkeep = Thread(target=lambda: made.append(keep_partitions(postgres_engine, NOON)))
            upkeep.start()
            wait_until(lambda: is_awaited(postgres_engine))
            take_in(postgres_engine, ReadingStore(), [NOON + number * QUARTER])
            upkeep.join(60)
    waited, last = list(made), keep_partitions(postgres_engine, NOON)

    assert waited == [[], [], []]
    assert f"reading_p{NOON:%Y%m}01" in last
    assert rows_in(postgres_engine, "reading") == 3 + 3 * len(METERS)
    assert rows_in(postgres_engine, "reading_rest") == 0


def is_awaited(engine: Engine) -> bool:
    """Return whether somebody waits for a table: others that use it queue behind."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
    with reading(engine) as connection:
        return bool(connection.execute(text(query)).scalar_one())


def test_sqlite_has_no_partitions(sqlite_engine: Engine) -> None:
    assert keep_partitions(sqlite_engine, NOON) == []


@pytest.fixture
def old_database(postgres_url: str) -> str:
    """A database of the release before, with readings; its URL."""
    name = "lamp_before_partitions"
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    head, _, query = postgres_url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


def test_a_table_with_rows_becomes_the_first_partition_as_it_stands(old_database: str) -> None:
    engine = open_engine(old_database)
    migrate(engine, "0031")
    kept = [row("M-1", at_utc, float(number)) for number, at_utc in enumerate((*LATE, NOON))]
    with engine.begin() as connection:
        connection.execute(insert(READING).values(kept))
        before = connection.execute(select(READING).order_by(READING.c.measured_at_ms)).all()
        file_before = connection.execute(text("SELECT pg_relation_filenode('reading')")).scalar()

    migrate(engine, "0032")
    made = keep_partitions(engine, NOON)

    with engine.begin() as connection:
        after = connection.execute(select(READING).order_by(READING.c.measured_at_ms)).all()
        file_now = connection.execute(
            text("SELECT pg_relation_filenode('reading_before')")
        ).scalar()
        connection.execute(insert(READING).values(row("M-1", NOON + timedelta(days=1), 9.0)))
        connection.execute(insert(READING).values(row("M-2", LATE[0], 9.0)))
        partitions = list_partitions(connection, READING)
    in_rest = rows_in(engine, "reading_rest")
    engine.dispose()
    assert after == before
    assert (file_now, in_rest) == (file_before, 0)
    midnight = NOON.replace(hour=0, minute=0, second=0, microsecond=0)
    assert partitions[0] == Partition(
        name="reading_before", from_ms=None, to_ms=ms_from_utc(midnight + timedelta(days=1))
    )
    assert all(one.to_ms == other.from_ms for one, other in pairwise(partitions))
    assert len(made) == 6


MOMENTS = st.integers(ms_from_utc(datetime(1971, 1, 1, tzinfo=UTC)), 4_102_444_800_000)


@given(st.lists(st.tuples(MOMENTS, st.sampled_from(Period)), max_size=12))
def test_partitions_never_overlap_and_each_moment_gets_one(
    wanted: list[tuple[int, Period]],
) -> None:
    found: list[Partition] = []
    for at_ms, period in wanted:
        if not any(each.holds(at_ms) for each in found):
            bounds = free_bounds(found, at_ms, period)
            assert period_bounds(at_ms, period)[0] <= bounds[0] <= at_ms < bounds[1]
            found.append(Partition(name=str(len(found)), from_ms=bounds[0], to_ms=bounds[1]))
        assert sum(each.holds(at_ms) for each in found) == 1
    found.sort(key=lambda each: each.to_ms)
    assert all(one.to_ms <= (other.from_ms or 0) for one, other in pairwise(found))
