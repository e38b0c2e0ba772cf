"""A page that goes bad under the running app: the words go, or the tablet says so."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from field_app.config_io import load_zone
from field_app.crew import HeadlessCrew
from field_app.i18n import ChosenWords
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.order import OrderPresenter
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sync import SyncPresenter
from field_app.store.care import DAMAGE_CHECK_EVERY, care_for
from field_app.store.database_io import StoreFullError, StoreUnreadableError
from field_app.store.identity_io import save_identity
from field_app.store.ids_io import clamped_ms
from field_app.store.tables import draft_answer
from field_app.sync.reasons import Reason
from field_app.tablet import STORE_FILE, Tablet
from tests.field_app.office_parts import Office
from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.pulls import PullAnswer
from wire_contracts.sync import SyncApi

PAGE = 4096
SAYS_DAMAGED = "this tablet's memory is damaged"
NOTE = "valve V7 is closed. "


@dataclass(slots=True)
class Line:
    """The way to the office; `pushed` counts the operations that went over it."""

    api: SyncApi
    pushed: int = 0

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        return self.api.pull(token, limit)

    def push(self, push: WrittenPush) -> PushAnswer:
        self.pushed += len(push.bodies)
        return self.api.push(push)


@dataclass(frozen=True, slots=True)
class AtWork:
    """A tablet in a folder with words that wait; the office has news that it has not pulled."""

    folder: Path
    office: Office

    @property
    def store(self) -> Path:
        return self.folder / STORE_FILE

    def open(self, line: Line) -> HeadlessCrew:
        return HeadlessCrew(self.folder, self.office.clock, connect=lambda _: line)


@pytest.fixture
def at_work(office: Office, tmp_path: Path) -> AtWork:
    found = AtWork(tmp_path / "t", office)
    save_identity(found.folder, office.identity())
    with closing(found.open(Line(office.api()))) as crew:
        order_id = office.new_order()
        crew.sync_now()
        crew.tablet.desk.add_note(order_id, NOTE * 20)
        office.add_note(order_id, "the office says")
        crew.tablet.database.tidy(patiently=True)
    return found


def forget_pages(tablet: Tablet) -> None:
    """Let SQLite keep no page in memory: what it asks for comes from the disk."""

    def forget(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA cache_size=1")
        connection.exec_driver_sql("PRAGMA shrink_memory")

    tablet.database.tidy(patiently=True)
    tablet.database.write(forget)
    tablet.database._reader_engine.dispose()


def context(at_work: AtWork) -> PresenterContext:
    return PresenterContext(
        worker=InlineWorker(),
        words=ChosenWords("en"),
        clock=at_work.office.clock,
        zone=load_zone("test", "UTC"),
    )


def write_page(path: Path, page: int, content: bytes) -> bytes:
    """Write over a page; return what it was."""
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        was = file.read(PAGE)
        file.seek(page * PAGE)
        file.write(content)
    return was


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.nightly)])
def test_whatever_page_goes_bad_the_words_go_or_the_tablet_says_that_it_is_damaged(
    at_work: AtWork, step: int
) -> None:
    silent: list[int] = []
    for page in range(4, at_work.store.stat().st_size // PAGE, step):
        one = AtWork(at_work.folder.with_name(f"page-{page}"), at_work.office)
        shutil.copytree(at_work.folder, one.folder)
        line = Line(at_work.office.api())
        with closing(one.open(line)) as crew:
            shown = SyncPresenter(crew.tablet, context(one), desktop_hardware(crew.tablet.vault))
            shown.attach(lambda _view: None)
            forget_pages(crew.tablet)
            write_page(one.store, page, bytes(PAGE))
            crew.sync_now()
            crew.sync_now()
            shown.refresh()
            is_told = crew.status().reason is Reason.DAMAGED
            is_told &= SAYS_DAMAGED in shown.view.reason_text
            if not is_told and (not line.pushed or crew.tablet.database.damage):
                silent.append(page)

    assert silent == []


def test_a_page_that_only_a_screen_asks_for_is_said_and_set_aside_at_the_next_start(
    at_work: AtWork,
) -> None:
    line = Line(at_work.office.api())
    with closing(at_work.open(line)) as crew:
        crew.sync_now()
        forget_pages(crew.tablet)
        write_page(at_work.store, page_of(crew.tablet, "draft_answer"), bytes(PAGE))
        with pytest.raises(StoreUnreadableError):
            crew.tablet.database.read(lambda c: c.execute(select(draft_answer)).all())

        assert crew.status().reason is Reason.DAMAGED
        assert not care_for(crew.tablet.database, now_ms(at_work.office))
        assert crew.status().reason is Reason.DAMAGED
    with closing(at_work.open(line)) as crew:
        assert crew.tablet.damaged_files_count() == 1
        assert crew.status().reason is not Reason.DAMAGED


def test_a_page_that_can_be_read_again_is_no_damage_and_nothing_is_set_aside(
    at_work: AtWork,
) -> None:
    line = Line(at_work.office.api())
    with closing(at_work.open(line)) as crew:
        crew.sync_now()
        care_for(crew.tablet.database, now_ms(at_work.office))
        forget_pages(crew.tablet)
        page = page_of(crew.tablet, "base_row")
        was = write_page(at_work.store, page, bytes(PAGE))
        (order,) = crew.open_orders()
        at_work.office.add_note(order.order_id, "and again")
        assert crew.sync_now().reason is Reason.DAMAGED
        write_page(at_work.store, page, was)
        at_work.office.clock.advance(minutes=DAMAGE_CHECK_EVERY // timedelta(minutes=1))
        forget_pages(crew.tablet)

        assert crew.sync_now().reason is Reason.NONE
        assert care_for(crew.tablet.database, now_ms(at_work.office))
        assert crew.status().reason is Reason.NONE
    with closing(at_work.open(line)) as crew:
        assert crew.tablet.damaged_files_count() == 0


def test_a_screen_whose_page_cannot_be_read_stays_as_it_is_and_a_tap_is_not_taken(
    at_work: AtWork,
) -> None:
    with closing(at_work.open(Line(at_work.office.api()))) as crew:
        (order,) = crew.open_orders()
        presenter = OrderPresenter(crew.tablet, context(at_work), order.order_id)
        presenter.attach(lambda _view: None)
        before, waiting = presenter.view, len(crew.tablet.waiting())
        forget_pages(crew.tablet)
        write_page(at_work.store, page_of(crew.tablet, "base_row"), bytes(PAGE))

        presenter.refresh()
        presenter.add_note("nobody hears this")

        assert presenter.view.title == before.title
        assert len(crew.tablet.waiting()) == waiting
        assert crew.status().reason is Reason.DAMAGED


@pytest.mark.parametrize("name", ["SQLITE_IOERR_FSYNC", "SQLITE_IOERR_WRITE", "SQLITE_FULL"])
def test_a_disk_that_takes_nothing_is_said_and_what_was_tapped_can_be_tapped_again(
    at_work: AtWork, name: str
) -> None:
    def refused(_connection: Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = name
        raise OperationalError("COMMIT", None, error)

    line = Line(at_work.office.api())
    with closing(at_work.open(line)) as crew:
        crew.sync_now()
        with pytest.raises(StoreFullError):
            crew.tablet.database.write(refused)

        assert crew.status().reason is Reason.NO_ROOM
        assert crew.sync_now().reason is Reason.NONE
        assert crew.status().reason is Reason.NONE


def now_ms(office: Office) -> int:
    return clamped_ms(office.clock.now_utc())


def page_of(tablet: Tablet, table: str) -> int:
    """Return the first page of a table, counted from 0."""
    query = f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'"  # noqa: S608  # our name
    return tablet.database.read(lambda c: int(c.exec_driver_sql(query).scalar_one())) - 1
