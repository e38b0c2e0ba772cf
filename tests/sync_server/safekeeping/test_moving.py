"""Everything of one database goes to another, and an interrupted move goes on where it stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Connection, Engine, Float, Integer, LargeBinary, Table, text

from sync_server.__main__ import main
from sync_server.access.account_store import account_of_login
from sync_server.db.bulk_io import Cell, OnExisting, write_rows
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import moved_at, server_epoch
from sync_server.safekeeping.moving_io import Move, MoveError, all_tables, move_database
from sync_server.safekeeping.row_sums import sum_rows
from tests.sync_server.real_parts import NOON, HandClock

ROWS = 7
PIECE = 3


class StoppedError(RuntimeError):
    """The process ended here."""


def cell(column: Column[object], number: int) -> Cell:
    """Return what row `number` has in a column; what refers to it has the same there."""
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, Float):
        return number / 10
    if isinstance(column.type, LargeBinary):
        return bytes([number, 0, 255])
    longest = getattr(column.type, "length", None)
    return f"{number}阀"[:longest]


def fill(connection: Connection, tables: list[Table]) -> None:
    server_epoch(connection)
    for table in tables:
        if table.name in {"server_state", "change_head", "audit_head"}:
            continue
        rows = [
            tuple(cell(column, number) for column in table.columns) for number in range(1, ROWS + 1)
        ]
        write_rows(connection, table, rows, OnExisting.KEEP)


def contents(engine: Engine, tables: list[Table]) -> dict[str, list[tuple[object, ...]]]:
    with reading(engine) as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in tables
            if table.name != "server_state"
        }


@pytest.fixture
def tables() -> list[Table]:
    return all_tables()


@pytest.fixture
def full(sqlite_engine: Engine, tables: list[Table]) -> Engine:
    with sqlite_engine.begin() as connection:
        fill(connection, tables)
    return sqlite_engine


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    yield engine
    engine.dispose()


def quiet(_table: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def test_everything_goes_to_postgresql_and_comes_back_the_same(
    full: Engine, empty: Engine, postgres_engine: Engine, tables: list[Table], clock: HandClock
) -> None:
    there = move_database(Move(source=full, target=postgres_engine, show=quiet), clock)
    back = move_database(Move(source=postgres_engine, target=empty, show=quiet), clock)
    with reading(postgres_engine) as connection:
        query = text("SELECT count(*) FROM reading_rest")
        without_partition = connection.execute(query).scalar_one()

    assert without_partition == 0
    assert contents(postgres_engine, tables) == contents(full, tables)
    assert contents(empty, tables) == contents(full, tables)
    assert (there.table_count, there.row_count) == (len(tables), back.row_count)
    assert there.row_count > ROWS * (len(tables) - 3)


def test_a_move_stopped_after_a_piece_goes_on_and_ends_the_same(
    full: Engine, empty: Engine, tables: list[Table], clock: HandClock
) -> None:
    chosen = {"account", "audit_event", "feed", "reading", "request_step"}
    seen: list[tuple[str, int]] = []

    def stop_at_each(table: str, done: int, _total: int) -> None:
        if table in chosen and (table, done) not in seen:
            seen.append((table, done))
            raise StoppedError

    move = Move(source=full, target=empty, show=stop_at_each, rows_at_once=PIECE)
    while True:
        try:
            move_database(move, clock)
            break
        except StoppedError:
            continue

    assert len(seen) == len(chosen) * len(range(0, ROWS, PIECE))
    assert contents(empty, tables) == contents(full, tables)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_numbers_go_on_behind_the_last_that_was_drawn(
    sqlite_engine: Engine,
    empty: Engine,
    request: pytest.FixtureRequest,
    clock: HandClock,
    database: str,
) -> None:
    target = empty if database == "sqlite" else request.getfixturevalue("postgres_engine")
    with sqlite_engine.begin() as connection:
        for name in ("a", "b", "c"):
            append_feed(connection, Topic.ALERT, name, NOON)
        connection.execute(text("DELETE FROM feed"))

    move_database(Move(source=sqlite_engine, target=target, show=quiet), clock)

    with target.begin() as connection:
        append_feed(connection, Topic.ALERT, "d", NOON)
        assert connection.execute(text("SELECT feed_id FROM feed")).scalar_one() == 4


def test_what_changed_between_two_parts_of_a_move_is_found(
    full: Engine, empty: Engine, tables: list[Table], clock: HandClock
) -> None:
    def stop(_table: str, _done: int, _total: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        move_database(Move(source=full, target=empty, show=stop), clock)
    first = tables[0]
    for table in tables:
        with reading(empty) as connection:
            if connection.execute(table.select()).all():
                first = table
    key = next(iter(first.primary_key.columns))
    with full.begin() as connection:
        connection.execute(first.delete().where(key == cell(key, 2)))

    with pytest.raises(MoveError, match="did the server run between"):
        move_database(Move(source=full, target=empty, show=quiet), clock)
    move_database(Move(source=full, target=empty, show=quiet, is_afresh=True), clock)

    assert contents(empty, tables) == contents(full, tables)


def test_a_row_that_does_not_fit_is_named_without_its_words(
    sqlite_engine: Engine, postgres_engine: Engine, clock: HandClock
) -> None:
    with sqlite_engine.begin() as connection:
        for crew_id, name in (("north", "North"), ("south", "secret" * 100)):
            connection.execute(
                text("INSERT INTO crew VALUES (:crew_id, :name, 1, 0)"),
                {"crew_id": crew_id, "name": name},
            )

    with pytest.raises(MoveError, match="crew: south: value too long") as refused:
        move_database(Move(source=sqlite_engine, target=postgres_engine, show=quiet), clock)

    assert "secret" not in str(refused.value)


def test_a_database_in_use_is_never_overwritten(
    full: Engine, empty: Engine, clock: HandClock
) -> None:
    migrate(empty)
    with empty.begin() as connection:
        epoch = server_epoch(connection)

    with pytest.raises(MoveError, match="is in use; name an empty one"):
        move_database(Move(source=full, target=empty, show=quiet, is_afresh=True), clock)

    with reading(empty) as connection:
        assert server_epoch(connection) == epoch


def test_no_server_runs_over_a_database_that_was_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMPLIGHTER_NEW_PASSWORD", "correct horse battery")
    old, new = tmp_path / "old", f"sqlite:///{tmp_path / 'new.sqlite3'}"
    old.mkdir()
    account = ["create-account", "wang", "--role", "administrator"]

    assert main([*account, "--data", str(old)]) == 0
    assert main(["migrate-database", "--to", new, "--data", str(old)]) == 0
    assert main(["serve", "--data", str(old)]) == 1
    refusal = capsys.readouterr().err
    assert main(["new-epoch", "--data", str(old)]) == 0

    assert "name that one, or run `sync-server new-epoch`" in refusal
    for url in (f"sqlite:///{old / 'server.sqlite3'}", new):
        engine = open_engine(url)
        with reading(engine) as connection:
            assert account_of_login(connection, "wang") is not None
            assert moved_at(connection) is None
        engine.dispose()


@pytest.mark.parametrize("url", ["mysql://there", "nonsense"])
def test_a_database_that_is_not_supported_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert main(["migrate-database", "--to", url, "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("--to: url:")


cells = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()
)


@given(st.lists(st.tuples(cells, cells), max_size=8), st.randoms())
def test_the_order_of_rows_does_not_change_their_sum(
    rows: list[tuple[Cell, Cell]], chance: object
) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random

    assert sum_rows(shuffled) == sum_rows(rows)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8), st.data())
def test_any_other_cell_changes_the_sum(rows: list[tuple[Cell, Cell]], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    other = data.draw(cells.filter(lambda new: new != rows[at][0]))

    changed = [*rows[:at], (other, rows[at][1]), *rows[at + 1 :]]

    assert sum_rows(changed) != sum_rows(rows)
