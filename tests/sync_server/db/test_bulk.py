"""Many rows at once: written as told, found by their keys, on both databases."""

import pytest
from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from sync_server.db.bulk_io import (
    OnExisting,
    Row,
    _types,
    find_among,
    find_rows,
    lock_among,
    write_new_rows,
    write_rows,
)
from sync_server.db.metadata import METADATA, SENT_AS_BYTES
from sync_server.db.reading_tables import READING_HOURLY, READING_LATEST

HOUR_MS = 3_600_000


def latest(meter: str, at_ms: int, state: str = "{}") -> Row:
    return (meter, at_ms, None, "gw-01", state)


def hour(meter: str, number: int) -> Row:
    return (meter, number * HOUR_MS, None, None, None, None, None, None, None, number, None)


def test_a_row_that_is_there_fails_stays_or_gives_way_as_told(engine: Engine) -> None:
    first = [latest("M-1", 1), latest("M-2", 1)]
    second = [latest("M-2", 2), latest("M-3", 2)]
    stored: dict[OnExisting, list[tuple[str, int]]] = {}
    for how in (OnExisting.KEEP, OnExisting.REPLACE):
        with engine.connect() as connection:
            write_rows(connection, READING_LATEST, first, OnExisting.FAIL)
            write_rows(connection, READING_LATEST, second, how)
            query = select(READING_LATEST.c.meter_id, READING_LATEST.c.measured_at_ms)
            stored[how] = sorted(map(tuple, connection.execute(query)))

    assert stored[OnExisting.KEEP] == [("M-1", 1), ("M-2", 1), ("M-3", 2)]
    assert stored[OnExisting.REPLACE] == [("M-1", 1), ("M-2", 2), ("M-3", 2)]
    with pytest.raises(IntegrityError), engine.begin() as connection:
        write_rows(connection, READING_LATEST, [*first, *second], OnExisting.FAIL)


@pytest.mark.parametrize("count", [2, 500])
def test_rows_taken_for_new_replace_those_that_are_there(engine: Engine, count: int) -> None:
    rows = [hour("M-1", number) for number in range(count)]
    with engine.begin() as connection:
        write_new_rows(connection, READING_HOURLY, rows)
        new = connection.execute(select(READING_HOURLY).order_by("hour_at_ms")).all()
        again = [(*row[:2], "volume_m3", *row[3:]) for row in rows]
        write_new_rows(connection, READING_HOURLY, again)
        replaced = connection.execute(select(READING_HOURLY).order_by("hour_at_ms")).all()

    assert [tuple(row) for row in new] == rows
    assert [tuple(row) for row in replaced] == again


def test_keeping_twice_in_one_transaction_leaves_what_was_written_between(engine: Engine) -> None:
    with engine.begin() as connection:
        for at_ms in (1, 2):
            rows = [latest("M-1", at_ms), latest(f"M-of-{at_ms}", at_ms)]
            write_rows(connection, READING_LATEST, rows, OnExisting.KEEP)
            write_rows(connection, READING_HOURLY, [hour("M-1", at_ms)], OnExisting.KEEP)
        query = select(READING_LATEST.c.meter_id, READING_LATEST.c.measured_at_ms)
        found = sorted(map(tuple, connection.execute(query)))
        hours = connection.execute(select(READING_HOURLY.c.hour_at_ms)).all()

    assert found == [("M-1", 1), ("M-of-1", 1), ("M-of-2", 2)]
    assert len(hours) == 2


def test_what_is_sent_as_bytes_arrives_as_it_was(engine: Engine) -> None:
    last = 2**63 - 1
    rows: list[Row] = [
        ("M-1", last, None, 1e308, -0.0, 5e-324, 7.0, last, last, None, None),
        ("\u8868-\U0001f4a7", -last - 1, "volume_m3", 1, 0.1, 0.2, 3, None, 0, -1, "stale"),
    ]
    ordered = [(*row[:3], row[7], row[3], row[8], *row[4:7], row[9] or 0, row[10]) for row in rows]
    for how in OnExisting:
        with engine.connect() as connection:
            write_rows(connection, READING_HOURLY, ordered, how)
            found = connection.execute(select(READING_HOURLY).order_by(READING_HOURLY.c.hour_at_ms))

            assert [tuple(row) for row in found] == [*reversed(ordered)]


def test_a_text_that_is_too_long_or_no_text_is_refused_as_ever(postgres_engine: Engine) -> None:
    for name in ("M" * 41, "M-\0"):
        with pytest.raises(DBAPIError), postgres_engine.begin() as connection:
            write_rows(connection, READING_LATEST, [latest(name, 1)], OnExisting.FAIL)


def test_tables_that_go_as_bytes_have_the_types_that_are_sent(postgres_engine: Engine) -> None:
    sent = [table for table in METADATA.sorted_tables if table.info.get(SENT_AS_BYTES)]
    names = {"int8": "BIGINT", "float8": "DOUBLE PRECISION", "varchar": "VARCHAR", "bytea": "BYTEA"}
    found = inspect(postgres_engine)

    assert {table.name for table in sent} == {
        "frame_ledger", "frame_run", "reading", "reading_hourly", "reading_latest"
    }  # fmt: skip
    for table in sent:
        columns = [str(each["type"]).partition("(")[0] for each in found.get_columns(table.name)]
        assert [name.replace("TEXT", "VARCHAR") for name in columns] == [
            names[kind] for kind in _types(table)
        ]


@pytest.mark.parametrize("count", [0, 1, 4500])
def test_rows_are_found_by_any_number_of_keys(engine: Engine, count: int) -> None:
    wanted = [(f"M-{number}", 7 * HOUR_MS) for number in range(count)]
    with engine.begin() as connection:
        rows = [hour(meter, number) for meter, _ in wanted for number in (6, 7, 8)]
        write_rows(connection, READING_HOURLY, rows, OnExisting.FAIL)
        exact = find_rows(connection, READING_HOURLY, [*wanted, ("M-of-nobody", 7 * HOUR_MS)])
        wide = find_rows(connection, READING_HOURLY, wanted[:1], 2 * HOUR_MS)

    assert sorted((row.meter_id, row.hour_at_ms) for row in exact) == sorted(wanted)
    assert sorted(row.reading_count for row in wide) == ([7, 8] if count else [])


@pytest.mark.parametrize("count", [0, 1, 1200])
def test_rows_are_found_by_any_number_of_values_of_a_column(engine: Engine, count: int) -> None:
    meters = [f"M-{number:04d}" for number in range(count)]
    with engine.begin() as connection:
        rows = [hour(meter, number) for meter in (*meters, "M-of-nobody") for number in (6, 7)]
        write_rows(connection, READING_HOURLY, rows, OnExisting.FAIL)
        found = find_among(
            connection, READING_HOURLY, ("meter_id",), "meter_id", meters, hour_at_ms=7 * HOUR_MS
        )
        numbers = find_among(
            connection, READING_HOURLY, ("meter_id",), "hour_at_ms", {6 * HOUR_MS, 1}
        )
        locked = lock_among(
            connection, READING_HOURLY, tuple(READING_HOURLY.c.keys()), "meter_id", meters
        )

    assert sorted(row.meter_id for row in found) == meters
    assert sorted(row.meter_id for row in numbers) == [*meters, "M-of-nobody"]
    assert [row.meter_id for row in locked] == sorted([*meters, *meters])
