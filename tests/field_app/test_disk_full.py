"""A full disk at a tap: one calm sentence, nothing half written, and the answer is tried again."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from field_app.crew import HeadlessCrew
from field_app.i18n import ChosenWords
from field_app.photos.ink_io import InkStroke, marked_up
from field_app.photos.photo_files_io import FOLDER
from field_app.photos.pictures_io import prepare
from field_app.platform.ports import Availability
from field_app.presenters.album import AlbumPresenter
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.order import OrderPresenter
from field_app.presenters.ports import PresenterContext
from field_app.presenters.wording import no_room_text
from field_app.store.database_io import StoreFullError
from field_app.store.identity_io import save_identity
from field_app.tablet import Tablet, open_tablet
from tests.field_app.office_parts import Office
from tests.field_app.photo_parts import noisy_jpeg
from tests.field_app.vault_parts import quick_vault
from wire_contracts.blobs import BlobRole
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

T = TypeVar("T")


@dataclass(slots=True)
class PatientWorker:
    """Does work at once, and what is for later when it is told to."""

    waiting: list[Callable[[], None]] = field(default_factory=list)

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        done(work())

    def keep(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.run(work, done)

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        del delay_s
        self.waiting.append(call)
        return lambda: self.waiting.remove(call) if call in self.waiting else None

    def wait(self) -> None:
        calls, self.waiting = self.waiting, []
        for call in calls:
            call()


@contextmanager
def full_disk(tablet: Tablet) -> Iterator[None]:
    """Let the store's file not grow by one page while the block runs."""

    def limit(connection: Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def empty(connection: Connection) -> None:
        query = "SELECT name FROM sqlite_master WHERE name LIKE 'filler_%'"
        for name in connection.exec_driver_sql(query).scalars().all():
            connection.exec_driver_sql(f"DROP TABLE {name}")

    def fill() -> None:
        # no free page inside the file may be left either: every empty table takes one
        for number in count():
            statement = f"CREATE TABLE filler_{number} (content BLOB)"
            tablet.database.write(partial(_run, statement=statement))

    pages = tablet.database.read(lambda c: int(c.exec_driver_sql("PRAGMA page_count").scalar_one()))
    tablet.database.write(lambda connection: limit(connection, pages))
    with pytest.raises(StoreFullError):
        fill()
    try:
        yield
    finally:
        tablet.database.write(lambda connection: limit(connection, 1_000_000))
        tablet.database.write(empty)


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)


@pytest.fixture
def context(office: Office) -> PresenterContext:
    return PresenterContext(
        worker=PatientWorker(),
        words=ChosenWords("en"),
        clock=office.clock,
        zone=UTC,
    )


LONG = "漏" * 1900
"""More than what is free on any page that is there."""


def test_a_remark_without_room_is_not_half_written_and_says_so_calmly(
    crew: HeadlessCrew, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    shown: list[str] = []
    presenter = OrderPresenter(crew.tablet, context, order_id)
    presenter.attach(lambda view: shown.append(view.message))
    before = crew.tablet.waiting()

    with full_disk(crew.tablet):
        presenter.add_note(LONG)
        after = crew.tablet.waiting()
        has_room = crew.tablet.database.has_room

    assert shown[-1] == no_room_text(context.words)
    assert (before, after, has_room) == ((), (), False)
    crew.act(order_id, WorkOrderEvent.ACCEPT)
    assert len(crew.tablet.waiting()) == 1


def test_an_answer_without_room_stays_on_the_screen_and_is_tried_again(
    crew: HeadlessCrew, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.go_to_work(order_id)
    presenter = FindingPresenter(crew.tablet, context, order_id)
    presenter.attach(lambda _view: None)
    worker = context.worker
    assert isinstance(worker, PatientWorker)

    with full_disk(crew.tablet):
        presenter.type_note(LONG)
        presenter.flush()
        on_screen = (presenter.view.note, presenter.view.message)
        kept = crew.tablet.desk.finding(order_id).fields.get("note")
        worker.wait()
    worker.wait()

    assert on_screen == (LONG, no_room_text(context.words))
    assert kept is None
    assert crew.tablet.desk.finding(order_id).fields["note"] == LONG
    assert presenter.view.message == ""


def test_a_finding_that_cannot_be_sealed_leaves_order_and_answers_as_they_were(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.go_to_work(order_id)
    crew.answer(order_id, {"result": "leak", "cause": "joint", "note": LONG})
    before = crew.tablet.waiting()

    with full_disk(crew.tablet), pytest.raises(StoreFullError, match="free some space"):
        crew.tablet.desk.finish(order_id)

    seen = crew.order(order_id)
    assert seen is not None
    assert seen.document is not None
    assert seen.document.state is WorkOrderState.WORKING
    assert crew.tablet.waiting() == before
    assert crew.tablet.desk.finding(order_id).fields["note"] == LONG
    crew.tablet.desk.finish(order_id)
    assert len(crew.tablet.waiting()) > len(before)


@pytest.fixture
def protected(office: Office, tmp_path: Path) -> Iterator[Tablet]:
    """A tablet with a PIN: it keeps photos."""
    folder = tmp_path / "tablet"
    save_identity(folder, office.identity())
    tablet = open_tablet(
        folder,
        office.clock,
        connect=lambda _identity: office.api(),
        vault=quick_vault(folder),
    )
    with closing(tablet):
        tablet.set_pin("482916")
        tablet.sync_now()
        yield tablet


class OneShot:
    """A camera that always takes the same picture."""

    def __init__(self, picture: bytes) -> None:
        self.picture = picture

    def availability(self) -> Availability:
        return Availability(is_available=True, reason="")

    def take_photo(self, taken: Callable[[bytes | None], None]) -> None:
        taken(self.picture)


def blob_names(content: bytes) -> list[str]:
    made = prepare(content, BlobRole.PHOTO)
    return [hashlib.sha256(each).hexdigest() for each in (made.content, made.thumb) if each]


@pytest.mark.parametrize("which", [0, 1], ids=["the photo", "its thumb"])
def test_a_photo_without_room_leaves_nothing_half_written_and_says_so_calmly(
    protected: Tablet, office: Office, context: PresenterContext, tmp_path: Path, which: int
) -> None:
    order_id = office.new_order()
    protected.sync_now()
    picture = noisy_jpeg()
    names = blob_names(picture)
    folder = tmp_path / "tablet" / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / f"{names[which]}.new").symlink_to("/dev/full")
    messages: list[str] = []
    presenter = AlbumPresenter(protected.photos, context, OneShot(picture), order_id)
    presenter.attach(lambda view: messages.append(view.message))

    presenter.take()
    left = sorted(path.name for path in folder.iterdir())
    waiting = protected.waiting()
    presenter.take()

    assert no_room_text(context.words) in messages
    assert (left, waiting) == ([], ())
    assert [line.sha256 for line in protected.photos.photos(order_id)] == [names[0]]
    assert protected.photos.picture(names[0]) is not None
    assert presenter.view.message == ""


def test_marks_stay_on_the_photo_until_a_copy_with_them_is_kept(
    protected: Tablet, office: Office, context: PresenterContext, tmp_path: Path
) -> None:
    order_id, picture = office.new_order(), noisy_jpeg()
    protected.sync_now()
    protected.photos.add(order_id, picture)
    photo = protected.photos.photos(order_id)[0].sha256
    strokes = (InkStroke(points=((0.2, 0.2), (0.8, 0.8)), colour=(230, 26, 31)),)

    def opened() -> AlbumPresenter:
        presenter = AlbumPresenter(protected.photos, context, OneShot(picture), order_id)
        presenter.attach(lambda _view: None)
        presenter.look_at(photo)
        return presenter

    first = opened()
    first.keep_marks(strokes)
    first.look_at("")
    again = opened()
    assert again.view.marks == strokes
    copy_name = blob_names(marked_up(again.view.shown, strokes))[0]
    blocked = tmp_path / "tablet" / FOLDER / f"{copy_name}.new"
    blocked.symlink_to("/dev/full")
    again.mark_up(strokes)
    assert again.view.message == no_room_text(context.words)
    assert (again.view.shown != b"", again.view.marks) == (True, strokes)
    blocked.unlink(missing_ok=True)
    again.mark_up(strokes)

    assert again.view.shown == b""
    assert len(protected.photos.photos(order_id)) == 2
    assert opened().view.marks == ()


def photograph_on_and_on(tablet: Tablet, order_id: str) -> None:
    for seed in range(2, 40):
        tablet.photos.add(order_id, noisy_jpeg(seed, side=160))


def test_a_photo_that_the_store_has_no_room_for_leaves_no_file_behind(
    protected: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    protected.sync_now()
    picture = noisy_jpeg()
    with full_disk(protected), pytest.raises(StoreFullError):
        photograph_on_and_on(protected, order_id)
    kept = {line.sha256 for line in protected.photos.photos(order_id)}
    thumbs = {line.thumb_sha256 for line in protected.photos.photos(order_id)}
    files = {path.stem for path in (tmp_path / "tablet" / FOLDER).glob("*.vault")}

    assert files == kept | thumbs
    assert protected.photos.add(order_id, picture) in blob_names(picture)
