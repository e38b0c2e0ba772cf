"""The tablet's file: pages and tokens together, checksums, drafts, migrations, damage."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, inspect, text

from field_app.access.withdrawal import withdraw
from field_app.clock_io import SystemClock, TapClock
from field_app.platform.no_vault import NoVault
from field_app.store import base_store, draft_store, outbox_store, settings_store
from field_app.store.database_io import (
    Database,
    StoreClosedError,
    StoreTooNewError,
    open_database,
)
from field_app.store.draft_store import DraftAnswer
from field_app.store.outbox_store import NewOperation, TapStamp
from field_app.store.salvage_io import MOST_ROWS
from field_app.store.saved_at import SavedAt
from field_app.store.schema_steps import STEPS
from field_app.store.settings_store import Key
from field_app.store.tables import METADATA, outbox_op
from field_app.sync.pulling import PageOutcome, PulledPage, take_page
from field_app.sync.reasons import Reason, SyncProblem
from field_app.tablet import STORE_FILE, open_tablet
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject
from wire_contracts.operations import OperationKind
from wire_contracts.pulls import (
    BucketEnd,
    BucketPage,
    EntityRow,
    PullAnswer,
    Tombstone,
    hash_row,
)

STAMP = TapStamp(actor="wang", at=TapClock(SystemClock()).stamp(0), app="0.1.0")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path / STORE_FILE)
    yield found
    found.close()


def row(entity_id: str, seq: int, content: str = "x") -> EntityRow:
    document: JsonObject = {"content": content, "unknown": {"kept": [1, None, 2.5]}}
    return EntityRow(
        entity="asset",
        entity_id=entity_id,
        seq=seq,
        row_hash=hash_row("asset", entity_id, document),
        document=document,
    )


def end_of(*rows: EntityRow) -> BucketEnd:
    checksum = 0
    for each in rows:
        checksum ^= each.row_hash
    return BucketEnd(count=len(rows), checksum=checksum)


def answer(token: str, *pages: BucketPage, more: bool = False, epoch: int = 1) -> PullAnswer:
    return PullAnswer(
        server_epoch=epoch,
        server_now_ms=1_793_595_600_000,
        token=token,
        has_more=more,
        buckets=pages,
    )


def take(
    database: Database, given_answer: PullAnswer, asked: str | None, round_no: int = 1
) -> PageOutcome:
    page = PulledPage(asked_token=asked, round_no=round_no, answer=given_answer)
    return database.write(lambda connection: take_page(connection, page, HandClock()))


def ids(database: Database) -> list[str]:
    def work(connection: Connection) -> list[str]:
        rows = connection.execute(text("SELECT entity_id FROM base_row ORDER BY entity_id"))
        return [str(each[0]) for each in rows]

    return database.read(work)


def token_of(database: Database) -> str | None:
    return database.read(lambda connection: settings_store.load_text(connection, Key.PULL_TOKEN))


def note(order_id: str, words: str) -> NewOperation:
    return NewOperation(
        kind=OperationKind.SET,
        entity="work_order",
        entity_id=order_id,
        order_id=order_id,
        field="note",
        old="",
        new=words,
    )


def test_a_page_and_its_token_are_kept_together(database: Database) -> None:
    first = BucketPage(bucket="org", is_reset=True, rows=(row("a", 1), row("b", 2)))

    outcome = take(database, answer("t1", first, more=True), None)

    assert (outcome, ids(database), token_of(database)) == (PageOutcome.MORE, ["a", "b"], "t1")


def test_a_page_torn_half_way_leaves_rows_and_token_as_before(database: Database) -> None:
    take(database, answer("t1", BucketPage(bucket="org", is_reset=True, rows=(row("a", 1),))), None)
    broken = EntityRow(
        entity="asset", entity_id="c", seq=3, row_hash=12345, document={"content": "torn"}
    )
    page = BucketPage(
        bucket="org",
        is_reset=False,
        rows=(row("b", 2), broken),
        tombstones=(Tombstone(entity="asset", entity_id="a", seq=4),),
    )

    with pytest.raises(ContractError, match="the content does not match its hash"):
        take(database, answer("t2", page), "t1")

    assert (ids(database), token_of(database)) == (["a"], "t1")
    tally = database.read(partial(base_store.load_tally, name="org"))
    assert tally == end_of(row("a", 1))


def test_a_page_that_was_asked_for_before_a_withdrawal_is_not_taken_after_it(
    database: Database,
) -> None:
    """A first page is asked for without a token, and a withdrawn tablet has none either."""
    first = answer("t1", BucketPage(bucket="org", is_reset=True, rows=(row("a", 1),)))
    database.write(partial(withdraw, seal=NoVault().seal, at_ms=first.server_now_ms))

    with pytest.raises(SyncProblem) as raised:
        take(database, first, None)

    assert (raised.value.reason, ids(database), token_of(database)) == (Reason.WITHDRAWN, [], None)


def test_a_page_that_another_process_took_is_not_taken_twice(database: Database) -> None:
    take(database, answer("t1", BucketPage(bucket="org", is_reset=True, rows=(row("a", 1),))), None)

    outcome = take(
        database, answer("t9", BucketPage(bucket="org", is_reset=True, rows=(row("z", 9),))), None
    )

    assert (outcome, ids(database), token_of(database)) == (PageOutcome.SUPERSEDED, ["a"], "t1")


def test_a_reset_keeps_rows_readable_until_the_head_is_reached(database: Database) -> None:
    take(
        database,
        answer("t1", BucketPage(bucket="org", is_reset=True, rows=(row("a", 1), row("b", 2)))),
        None,
    )
    half = BucketPage(bucket="org", is_reset=True, rows=(row("b", 3, "new"),))
    rest = BucketPage(bucket="org", is_reset=False, rows=(), end=end_of(row("b", 3, "new")))

    take(database, answer("t2", half, more=True), "t1")
    between = ids(database)
    take(database, answer("t3", rest), "t2")

    assert (between, ids(database)) == (["a", "b"], ["b"])
    assert database.read(base_store.load_reports) == []


def test_a_dropped_bucket_takes_its_rows_along(database: Database) -> None:
    pages = (
        BucketPage(bucket="org", is_reset=True, rows=(row("a", 1),)),
        BucketPage(bucket="area:north", is_reset=True, rows=(row("n", 2),)),
    )
    take(database, answer("t1", *pages), None)

    gone = PullAnswer(
        server_epoch=1,
        server_now_ms=1_793_595_600_000,
        token="t2",  # noqa: S106  # a position, not a secret
        has_more=False,
        dropped_buckets=("area:north",),
    )
    take(database, gone, "t1")

    assert ids(database) == ["a"]
    assert database.read(base_store.bucket_names) == ["org"]


def test_a_checksum_that_differs_is_reported_and_repaired_by_one_fresh_pass(
    database: Database,
) -> None:
    right = (row("a", 1), row("b", 2))
    lost = BucketPage(bucket="org", is_reset=True, rows=(right[0],), end=end_of(*right))

    first = take(database, answer("t1", lost), None)
    token = token_of(database)
    whole = BucketPage(bucket="org", is_reset=True, rows=right, end=end_of(*right))
    second = take(database, answer("t2", whole), None, round_no=2)

    assert (first, token, second) == (PageOutcome.AFRESH, None, PageOutcome.COMPLETE)
    assert ids(database) == ["a", "b"]
    ((kind, body),) = database.read(base_store.load_reports)
    assert (kind, body["bucket"], body["manifest"]) == (
        "bucket_mismatch",
        "org",
        [["asset", "a", 1, right[0].row_hash]],
    )


def test_a_checksum_that_stays_wrong_does_not_loop(database: Database) -> None:
    lost = BucketPage(bucket="org", is_reset=True, rows=(row("a", 1),), end=end_of(row("b", 2)))

    outcomes = [
        take(database, answer(f"t{number}", lost), token_of(database), number)
        for number in range(4)
    ]

    assert outcomes == [PageOutcome.AFRESH, *[PageOutcome.COMPLETE] * 3]
    assert len(database.read(base_store.load_reports)) == 1


def test_a_bucket_that_adds_up_does_not_hide_one_that_never_does(database: Database) -> None:
    lost = BucketPage(bucket="org", is_reset=True, rows=(row("a", 1),), end=end_of(row("b", 2)))
    well = BucketPage(bucket="crew:1", is_reset=True, rows=(row("c", 3),), end=end_of(row("c", 3)))

    outcomes = [
        take(database, answer(f"t{number}", page), token_of(database), number)
        for number, page in enumerate([lost, well, lost, well, lost])
    ]

    assert outcomes == [PageOutcome.AFRESH, *[PageOutcome.COMPLETE] * 4]


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["org", "crew:1"]),
        st.sampled_from(list("abcde")),
        st.one_of(st.none(), st.text(max_size=3)),
    ),
    max_size=30,
)


@given(changes=CHANGES)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_checksum_kept_is_the_checksum_of_the_rows(
    tmp_path: Path, changes: list[tuple[str, str, str | None]]
) -> None:
    path = tmp_path / "tally.sqlite3"
    path.unlink(missing_ok=True)
    with closing(Database(path)) as database:
        for seq, (bucket, entity_id, content) in enumerate(changes, start=1):
            rows = () if content is None else (row(entity_id, seq, content),)
            gone = (Tombstone(entity="asset", entity_id=entity_id, seq=seq),)
            page = BucketPage(
                bucket=bucket, is_reset=False, rows=rows, tombstones=() if rows else gone
            )
            take(database, answer(f"t{seq}", page), token_of(database))

        for name in database.read(base_store.bucket_names):
            kept = database.read(partial(base_store.load_tally, name=name))
            assert kept == database.read(partial(base_store.recount_tally, name=name))


def test_fields_that_this_app_does_not_know_are_kept_as_they_came(database: Database) -> None:
    take(database, answer("t1", BucketPage(bucket="org", is_reset=True, rows=(row("a", 1),))), None)

    found = database.read(partial(base_store.load_row, entity="asset", entity_id="a"))

    assert found is not None
    assert found.document == row("a", 1).document


def test_what_raises_half_way_is_rolled_back_and_the_writer_goes_on(database: Database) -> None:
    def fail(connection: Connection) -> None:
        outbox_store.append_group(connection, [note("o1", "lost")], STAMP)
        message = "the disk is full"
        raise OSError(message)

    with pytest.raises(OSError, match="the disk is full"):
        database.write(fail)

    database.write(lambda c: outbox_store.append_group(c, [note("o1", "kept")], STAMP))
    entries = database.read(lambda c: outbox_store.entries_of(c, "o1"))
    assert [(entry.operation.n, entry.operation.new) for entry in entries] == [(1, "kept")]


def test_a_broken_listener_does_not_stop_the_writer(database: Database) -> None:
    def break_down() -> None:
        message = "the screen is gone"
        raise RuntimeError(message)

    calls: list[int] = []
    database.subscribe(break_down)
    end = database.subscribe(lambda: calls.append(1))
    database.write(lambda c: settings_store.save(c, Key.LANGUAGE, "en"))
    end()
    database.write(lambda c: settings_store.save(c, Key.LANGUAGE, "zh_CN"))

    assert len(calls) == 1


def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match="attempt to write a readonly database"):
        database.read(lambda c: settings_store.save(c, Key.LANGUAGE, "en"))


def test_a_closed_store_refuses_and_closes_once(tmp_path: Path) -> None:
    database = Database(tmp_path / STORE_FILE)
    database.close()
    database.close()

    with pytest.raises(StoreClosedError, match="open it again"):
        database.write(lambda c: settings_store.save(c, Key.LANGUAGE, "en"))


def test_the_pragmas_stand(database: Database) -> None:
    def read(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert database.write(read) == ["wal", 2, 1, 1, 5000]


def test_steps_and_tables_say_the_same(database: Database) -> None:
    def read(connection: Connection) -> dict[str, list[tuple[str, bool]]]:
        found = inspect(connection)
        return {
            name: [(str(each["name"]), bool(each["nullable"])) for each in found.get_columns(name)]
            for name in found.get_table_names()
        }

    assert database.read(read) == {
        table.name: [(column.name, bool(column.nullable)) for column in table.columns]
        for table in METADATA.tables.values()
    }


def test_a_step_copies_the_file_before_it_changes_it(tmp_path: Path) -> None:
    path = tmp_path / STORE_FILE
    with closing(Database(path)) as database:
        database.write(lambda c: outbox_store.append_group(c, [note("o1", "kept")], STAMP))
    more = (*STEPS, ("ALTER TABLE outbox_op ADD COLUMN colour TEXT",))

    with closing(Database(path, steps=more)) as database:
        entries = database.read(lambda c: outbox_store.entries_of(c, "o1"))

    assert [entry.operation.new for entry in entries] == ["kept"]
    with closing(sqlite3.connect(tmp_path / f"{STORE_FILE}.v{len(STEPS)}")) as copy:
        assert copy.execute("SELECT count(*) FROM outbox_op").fetchone() == (1,)


def test_a_step_that_fails_leaves_the_file_as_before(tmp_path: Path) -> None:
    path = tmp_path / STORE_FILE
    Database(path).close()
    broken = (*STEPS, ("ALTER TABLE outbox_op ADD COLUMN colour TEXT", "ALTER TABLE nothing"))

    with pytest.raises(Exception, match="syntax error"):
        Database(path, steps=broken)

    with closing(Database(path)) as database:
        columns = database.read(
            lambda c: [each["name"] for each in inspect(c).get_columns("outbox_op")]
        )
    assert "colour" not in columns


def test_a_file_of_a_newer_app_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / STORE_FILE
    Database(path).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")
        raw.commit()

    known = f"version 99, this app knows {len(STEPS)}; install the newer"
    with pytest.raises(StoreTooNewError, match=known):
        Database(path)


def write_note(number: int, connection: Connection) -> str:
    words = f"note {number} " + "\u6f0f" * 50
    change = note(f"o{number % 5}", words)
    return outbox_store.append_group(connection, [change], STAMP)[0].op_id


def fill(folder: Path, count: int = 40) -> list[str]:
    with closing(Database(folder / STORE_FILE)) as database:
        made = [database.write(partial(write_note, number)) for number in range(count)]
        draft = DraftAnswer(order_id="o1", form="finding@1", field="note", value="h", actor="w")
        database.write(lambda c: draft_store.save_answer(c, draft, SavedAt(1)))
    return made


def entries_after(folder: Path) -> tuple[set[str], list[tuple[str, JsonObject]]]:
    with closing(open_tablet(folder, HandClock())) as tablet:
        entries = tablet.database.read(lambda c: outbox_store.load_entries(c, outbox_op.c.n > 0))
        reports = tablet.database.read(base_store.load_reports)
    return {entry.operation.op_id for entry in entries}, reports


def test_a_file_without_its_header_gives_its_outbox_back(tmp_path: Path) -> None:
    made = fill(tmp_path)
    path = tmp_path / STORE_FILE
    content = bytearray(path.read_bytes())
    content[:100] = b"\0" * 100
    path.write_bytes(content)

    found, reports = entries_after(tmp_path)

    assert found == set(made)
    assert [kind for kind, _ in reports] == ["store_damaged"]
    assert path.with_name(f"{STORE_FILE}.damaged-1").exists()


def test_a_file_with_a_broken_page_gives_back_what_can_be_read(tmp_path: Path) -> None:
    made = fill(tmp_path, 200)
    path = tmp_path / STORE_FILE
    content = bytearray(path.read_bytes())
    page = content.find(b"note 150 ") // 4096 * 4096
    content[page : page + 8] = b"\xff" * 8
    path.write_bytes(content)

    found, reports = entries_after(tmp_path)

    assert found == set(made)
    assert [kind for kind, _ in reports] == ["store_damaged"]


class KilledError(Exception):
    """Stands for the end of the process at that very statement."""


def test_a_rescue_that_was_killed_half_way_is_done_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(tmp_path)
    break_header(tmp_path / STORE_FILE)

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr("field_app.wake_up_io.put_back", die)
        with pytest.raises(KilledError):
            open_tablet(tmp_path, HandClock())

    found, reports = entries_after(tmp_path)
    again, reports_again = entries_after(tmp_path)

    assert found == again == set(made)
    assert [kind for kind, _ in reports] == ["store_damaged"]
    assert reports_again == reports


def break_header(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[:100] = b"\0" * 100
    path.write_bytes(content)


@pytest.mark.parametrize("wrong", [b"note \xff\xfe ", b'note " { '])
def test_one_unreadable_row_costs_itself_and_stops_no_sync(tmp_path: Path, wrong: bytes) -> None:
    made = fill(tmp_path)
    path = tmp_path / STORE_FILE
    content = path.read_bytes()
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA quick_check").fetchone() == ("ok",)
    path.write_bytes(content.replace(b"note 17 ", wrong[:8]))

    found, reports = entries_after(tmp_path)

    assert set(made) - found <= {made[17]}
    assert [kind for kind, _ in reports] == ["store_damaged"]


def test_two_operations_with_one_number_in_a_damaged_file_do_not_end_the_rescue(
    tmp_path: Path,
) -> None:
    made = fill(tmp_path, 5)
    path = tmp_path / STORE_FILE
    with closing(sqlite3.connect(path)) as raw:
        (body,) = raw.execute("SELECT body FROM outbox_op WHERE op_id = ?", (made[2],)).fetchone()
    left_over = str(body).replace(made[2], "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee")
    path.write_bytes(path.read_bytes() + left_over.encode())
    break_header(path)

    found, _ = entries_after(tmp_path)

    assert len(found) == len(made)
    assert found >= set(made) - {made[2]}


@pytest.mark.parametrize("most", [10_000, pytest.param(MOST_ROWS, marks=pytest.mark.nightly)])
def test_a_damaged_row_number_does_not_make_the_start_endless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("field_app.store.salvage_io.MOST_ROWS", most)
    made = fill(tmp_path, 5)
    path = tmp_path / STORE_FILE
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE outbox_op SET rowid = ? WHERE op_id = ?", (2**60, made[4]))
        raw.execute("UPDATE outbox_op SET status = 'torn' WHERE op_id = ?", (made[0],))
        raw.commit()

    found, _ = entries_after(tmp_path)

    assert found == set(made)


def test_a_number_is_never_used_again_after_a_rescue(tmp_path: Path) -> None:
    fill(tmp_path, 7)
    path = tmp_path / STORE_FILE
    content = bytearray(path.read_bytes())
    content[:100] = b"\0" * 100
    path.write_bytes(content)

    opened = open_tablet(tmp_path, HandClock())
    numbers = opened.database.write(
        lambda c: [op.n for op in outbox_store.append_group(c, [note("o9", "after")], STAMP)]
    )
    opened.close()

    assert min(numbers) > 7


def test_a_file_that_is_only_locked_is_not_set_aside(tmp_path: Path) -> None:
    path = tmp_path / STORE_FILE
    path.mkdir(parents=True)

    with pytest.raises(Exception, match="unable to open database file"):
        open_database(path)

    assert path.exists()


def test_a_broken_clock_does_not_spoil_an_operation() -> None:
    clock = HandClock(at_utc=NOON.replace(year=1969))

    stamp = TapClock(clock).stamp(10**18)

    assert stamp.wall_ms == 0
    assert stamp.offset_ms < 10**13
