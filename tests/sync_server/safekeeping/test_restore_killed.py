"""A restore that is killed anywhere leaves the former database or the restored one, each whole."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from sync_server.__main__ import main
from sync_server.access.account_store import Crew, create_crew
from sync_server.access.tablet_store import list_tablets, revoke_tablet
from sync_server.customers.customer import Customer
from sync_server.customers.customer_store import erase_customer, put_customers
from sync_server.db.backup_io import BackupError, restore
from sync_server.db.engine_io import open_engine
from sync_server.db.feed_store import Topic, append_feed, newest_feed_id
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import restored_at, server_epoch
from tests.sync_server.people_parts import enrol
from tests.sync_server.real_parts import NOON

CHEN = Customer(customer_id="c-1", name="陈桂芳", phone="155 0101 2890")


@contextmanager
def database(file: Path) -> Iterator[Connection]:
    engine = open_engine(f"sqlite:///{file}")
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A stopped server with a copy, and a day behind the copy that no copy has."""
    folder = tmp_path / "data"
    folder.mkdir()
    at = ["--data", str(folder)]
    engine = open_engine(f"sqlite:///{folder / 'server.sqlite3'}")
    migrate(engine)
    with engine.begin() as connection:
        server_epoch(connection)
    assert main(["backup", str(copy_of(folder).with_name("older.sqlite3")), *at]) == 0
    with engine.begin() as connection:
        create_crew(connection, Crew(crew_id="crew-1", name="First", area_ids=()), NOON)
        enrol(connection, "crew-1", "stolen")
        put_customers(connection, [CHEN], NOON)
    engine.dispose()
    assert main(["backup", str(copy_of(folder)), *at]) == 0
    with database(folder / "server.sqlite3") as connection:
        revoke_tablet(connection, list_tablets(connection)[0].tablet_id, "office", NOON)
        erase_customer(connection, CHEN.name, CHEN.phone or "", "office", NOON)
        append_feed(connection, Topic.ORDER, "the lost day", NOON)
    return folder


def copy_of(folder: Path) -> Path:
    return folder.parent / "copies" / "copy.sqlite3"


def put_back(folder: Path) -> int:
    return main(["restore", str(copy_of(folder)), "--data", str(folder)])


State = tuple[int, bool, bool, list[str], int]


def state_of(file: Path) -> State:
    """Epoch, whether restored, whether the stolen tablet is out, the customers, the feed's end."""
    with database(file) as connection:
        return (
            server_epoch(connection),
            restored_at(connection) is not None,
            list_tablets(connection)[0].revoked_at_utc is not None,
            list(connection.exec_driver_sql("SELECT name FROM customer").scalars()),
            newest_feed_id(connection),
        )


def in_a_child(work: Callable[[], int], *, killed_at: int) -> bool:
    """Return whether a process that does the work was killed before its step of that number.

    A step is whatever touches a file: a connection, a link, a rename, a removal.
    """
    child = os.fork()
    if child == 0:
        left = killed_at

        def count(event: str, _arguments: object) -> None:
            nonlocal left
            if event in STEPS:
                left -= 1
                if left == 0:
                    os._exit(KILLED)

        sys.addaudithook(count)
        status = 1
        try:
            status = work()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, KILLED)
    return code == KILLED


KILLED = 9
STEPS = {"sqlite3.connect", "os.link", "os.rename", "os.remove", "os.chmod", "os.mkdir"}


def clear(folder: Path, kept: dict[str, bytes]) -> None:
    """Put the folder back as it was before a try."""
    for each in folder.glob("server.sqlite3*"):
        each.unlink()
    for name, content in kept.items():
        (folder / name).write_bytes(content)


def test_a_restore_killed_anywhere_leaves_one_database_whole_and_is_simply_done_again(
    data: Path,
) -> None:
    file = data / "server.sqlite3"
    before = state_of(file)
    kept = {each.name: each.read_bytes() for each in data.glob("server.sqlite3*")}
    seen: set[bool] = set()
    step = 1
    while in_a_child(lambda: put_back(data), killed_at=step):
        found = state_of(file)  # the server starts
        seen.add(found[1])
        if not found[1]:
            assert found == before, step
        else:
            assert (found[0] != before[0], found[2], found[3]) == (True, True, [""]), step
        formers = data.glob("server.sqlite3.before-restore*")
        assert not found[1] or before in [state_of(each) for each in formers], step
        clear(data, kept)
        step += 1
    assert step > 5
    assert False in seen


@pytest.mark.parametrize("step", [3, 12])
def test_what_was_killed_and_typed_again_lets_nobody_back_in_and_keeps_the_lost_day(
    data: Path, step: int
) -> None:
    file = data / "server.sqlite3"
    before = state_of(file)
    assert in_a_child(lambda: put_back(data), killed_at=step)

    assert put_back(data) == 0

    _, is_restored, is_withdrawn, customers, _ = state_of(file)
    assert (is_restored, is_withdrawn, customers) == (True, True, [""])
    formers = list(data.glob("server.sqlite3.before-restore*"))
    assert before in [state_of(each) for each in formers]


@pytest.mark.parametrize("first", ["older.sqlite3", "copy.sqlite3"])
def test_a_second_restore_overwrites_no_former_database_and_ends_again_what_the_first_took(
    data: Path, capsys: pytest.CaptureFixture[str], first: str
) -> None:
    file = data / "server.sqlite3"
    before = state_of(file)
    wrong = copy_of(data).with_name(first)
    assert main(["restore", str(wrong), "--data", str(data)]) == 0
    capsys.readouterr()

    assert put_back(data) == 0

    assert "1 tablets, 0 people" in capsys.readouterr().out
    kept = sorted(each.name for each in data.glob("server.sqlite3.before-restore*"))
    assert kept == ["server.sqlite3.before-restore", "server.sqlite3.before-restore-2"]
    assert state_of(file)[2:4] == (True, [""])
    assert state_of(data / kept[0]) == before


def test_a_database_that_is_in_use_is_not_replaced(data: Path) -> None:
    file = data / "server.sqlite3"
    with database(file) as connection:
        epoch = server_epoch(connection)
        with pytest.raises(BackupError, match="is in use; stop the server"):
            restore(f"sqlite:///{file}", copy_of(data))

    assert state_of(file)[0] == epoch
    assert not list(data.glob("*before-restore*"))
