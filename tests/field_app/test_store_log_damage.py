"""One changed bit in the log costs nothing that was committed behind it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from field_app.clock_io import SystemClock
from field_app.store.database_io import Database
from field_app.store.log_end_io import commits_behind_the_end
from field_app.tablet import STORE_FILE, open_tablet
from tests.field_app.test_store_damage import speak

COMMITS = 12
WAL = f"{STORE_FILE}-wal"
PAGE = 4096
FRAME = PAGE + 24


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as a kill leaves it: the words of twelve commits are in the log alone."""
    folder = tmp_path_factory.mktemp("killed")
    working = folder / "working"
    working.mkdir()
    with closing(Database(working / STORE_FILE)) as database:
        database.tidy(patiently=True)
        for number in range(COMMITS):
            database.write(partial(speak, number=number))
        left = folder / "left"
        left.mkdir()
        for name in (STORE_FILE, WAL):
            shutil.copyfile(working / name, left / name)
    return left


@pytest.fixture
def copy(killed: Path, tmp_path: Path) -> Iterator[Path]:
    target = tmp_path / "tablet"
    shutil.copytree(killed, target)
    yield target
    shutil.rmtree(target)


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 4]))


def words(folder: Path) -> list[str]:
    """Return the notes in the outbox and the drafts of a tablet that has just been started."""

    def work(connection: Connection) -> list[str]:
        notes = connection.execute(text("SELECT body FROM outbox_op ORDER BY n")).scalars()
        drafts = connection.execute(text("SELECT value FROM draft_answer ORDER BY value"))
        return [*(str(each).split("word-")[1][:4] for each in notes), *drafts.scalars()]

    with closing(open_tablet(folder, SystemClock())) as tablet:
        return tablet.database.read(work)


EVERYTHING = [
    *(f"{number:03}." for number in range(COMMITS)),
    *(f'"draft-{number:03}."' for number in range(COMMITS)),
]


def test_a_log_that_a_kill_left_is_no_damage(copy: Path) -> None:
    found = commits_behind_the_end(copy / STORE_FILE)

    assert found == 0
    assert words(copy) == EVERYTHING
    assert list(copy.glob("*.damaged-*")) == []


def test_a_log_torn_in_its_last_commit_ends_there(copy: Path) -> None:
    log = copy / WAL
    os.truncate(log, log.stat().st_size - 100)

    assert commits_behind_the_end(copy / STORE_FILE) == 0
    assert len(words(copy)) in {2 * COMMITS - 2, 2 * COMMITS}


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9])
def test_a_changed_bit_in_the_log_loses_no_word(copy: Path, part: float) -> None:
    log = copy / WAL
    frames = (log.stat().st_size - 32) // FRAME
    flip(log, 32 + int(frames * part) * FRAME + 24 + 4000)

    assert commits_behind_the_end(copy / STORE_FILE) > 0
    found = words(copy)
    lost = set(EVERYTHING) - set(found)
    assert len(lost) <= 1, "only what stood on the changed page itself may be gone"
    assert len(list(copy.glob("*.damaged-*"))) >= 1


def test_a_changed_bit_in_the_logs_head_loses_no_word(copy: Path) -> None:
    flip(copy / WAL, 17)

    assert words(copy) == EVERYTHING


def test_an_older_log_behind_the_present_one_is_no_damage(copy: Path) -> None:
    with closing(Database(copy / STORE_FILE)) as database:
        database.write(lambda connection: speak(connection, number=90))
        shutil.copyfile(copy / WAL, copy / "first-wal")
        database.tidy(patiently=True)
        database.write(lambda connection: speak(connection, number=91))
        present = (copy / WAL).read_bytes()
        older = (copy / "first-wal").read_bytes()
        shutil.copyfile(copy / STORE_FILE, copy / "kept")
    (copy / "kept").replace(copy / STORE_FILE)
    (copy / WAL).write_bytes(present + older[len(present) :])

    assert commits_behind_the_end(copy / STORE_FILE) == 0


class Killed(BaseException):
    """Ends the start, as far as the app can see."""


def killed_at(last: int) -> Callable[[str], None]:
    told = count(1)

    def watch(_statement: str) -> None:
        if next(told) >= last:
            raise Killed

    return watch


@pytest.mark.parametrize("last", [1, 2, 3, 5, 8, 12, 20, 40, 60, 90])
def test_a_kill_in_the_first_start_after_the_damage_loses_no_more(copy: Path, last: int) -> None:
    frames = ((copy / WAL).stat().st_size - 32) // FRAME
    flip(copy / WAL, 32 + frames // 2 * FRAME + 24 + 4000)
    with suppress(Killed):
        open_tablet(copy, SystemClock(), watch=killed_at(last)).close()

    lost = set(EVERYTHING) - set(words(copy))

    assert len(lost) <= 1


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_no_log_however_damaged_stops_the_start(killed: Path, data: st.DataObject) -> None:
    folder = killed.parent / "tried"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(killed, folder)
    size = (folder / WAL).stat().st_size
    places = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4))
    for place in places:
        flip(folder / WAL, place)

    lost = set(EVERYTHING) - set(words(folder))

    assert len(lost) <= 2 * len(places)
