"""A full disk on every page behind the list: it is said, the app goes on, nothing is dropped."""

import hashlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.config import TabletConfig
from field_app.i18n import ChosenWords
from field_app.later_pages import LaterPages
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.site_sheet import SiteSheet
from field_app.photos.photo_files_io import FOLDER
from field_app.photos.pictures_io import prepare
from field_app.platform.desktop import desktop_hardware
from field_app.platform.vault_file_io import VAULT_FILE
from field_app.presenters.enrol import EnrolPresenter
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.form import FormPresenter, FormRequest
from field_app.presenters.leave_page import LeavePage
from field_app.presenters.log_in import LogInPresenter
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.views import PinStep
from field_app.presenters.wording import no_room_text
from field_app.store import draft_store
from field_app.store.identity_io import IDENTITY_FILE, save_identity
from field_app.tablet import Tablet, open_tablet
from tests.field_app.office_parts import Office, office_app, serving
from tests.field_app.photo_parts import noisy_jpeg
from tests.field_app.test_disk_full import LONG, PatientWorker, full_disk
from tests.field_app.test_office_forms import publish
from tests.field_app.vault_parts import quick_vault
from tests.sync_server.forms.sheet_parts import question, workbook
from tests.sync_server.real_parts import HandClock
from wire_contracts.blobs import BlobRole
from wire_contracts.forms.answer_sets import AnswerSet
from wire_contracts.work_order_states import WorkOrderEvent

PIN = "482916"


@contextmanager
def no_room_for(path: Path) -> Generator[None]:
    """Let a small file find no room: its new copy lies on a device that is always full."""
    fresh = path.with_name(path.name + ".new")
    fresh.symlink_to("/dev/full")
    try:
        yield
    finally:
        fresh.unlink(missing_ok=True)


@pytest.fixture
def worker() -> PatientWorker:
    return PatientWorker()


@pytest.fixture
def context(office: Office, worker: PatientWorker) -> PresenterContext:
    return PresenterContext(worker=worker, words=ChosenWords("en"), clock=office.clock, zone=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tablet"


@pytest.fixture
def tablet(office: Office, folder: Path) -> Iterator[Tablet]:
    """A tablet with a PIN, and a form of the office on it."""
    publish(office, workbook(question("text", "said"), about="household"))
    save_identity(folder, office.identity())
    found = open_tablet(
        folder, office.clock, connect=lambda _identity: office.api(), vault=quick_vault(folder)
    )
    with closing(found):
        found.set_pin(PIN)
        found.sync_now()
        yield found


def order_at_work(tablet: Tablet, office: Office) -> str:
    order_id = office.new_order()
    tablet.sync_now()
    for event in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(event))
    return order_id


def handing_over(
    tablet: Tablet, context: PresenterContext, order_id: str
) -> SheetPresenter[SiteSheet]:
    presenter = SheetPresenter(LeavePage(tablet, context, order_id, "handover"), context)
    presenter.attach(lambda _view: None)
    return presenter


def test_a_sheet_says_that_there_is_no_room_and_keeps_what_was_typed(
    tablet: Tablet, office: Office, context: PresenterContext, worker: PatientWorker
) -> None:
    order_id = order_at_work(tablet, office)
    presenter = handing_over(tablet, context, order_id)
    before = tablet.waiting()

    with full_disk(tablet):
        presenter.type("note", LONG)
        presenter.flush()
        typed = presenter.view.message
        presenter.tap("leave")
        tapped = presenter.view
        worker.wait()
    worker.wait()
    again = handing_over(tablet, context, order_id)
    presenter.tap("leave")

    assert typed == tapped.message == no_room_text(context.words)
    assert not tapped.is_done
    assert len(tablet.waiting()) > len(before)
    assert presenter.view.is_done
    assert LONG in str(again.view)


def test_what_was_typed_on_a_page_that_was_left_is_kept_when_there_is_room(
    tablet: Tablet, office: Office, context: PresenterContext, worker: PatientWorker
) -> None:
    order_id = order_at_work(tablet, office)
    presenter = handing_over(tablet, context, order_id)

    with full_disk(tablet):
        presenter.type("note", LONG)
        presenter.detach()
    worker.wait()

    assert LONG in str(handing_over(tablet, context, order_id).view)


def test_words_that_found_no_room_stay_their_persons_when_a_colleague_has_the_tablet(
    tablet: Tablet, office: Office, context: PresenterContext, worker: PatientWorker
) -> None:
    order_id = order_at_work(tablet, office)
    assert tablet.identity is not None
    writer = tablet.identity.actor
    (first, *_) = tablet.identity.people
    colleague = replace(first, account_id="anna", name="Anna")
    tablet.identity = replace(tablet.identity, people=(first, colleague))
    presenter = handing_over(tablet, replace(context, as_now=tablet.stamps.as_now), order_id)

    with full_disk(tablet):
        presenter.type("note", LONG)
        presenter.detach()
        tablet.identity = replace(tablet.identity, actor="anna")
    worker.wait()
    kept = tablet.database.read(
        lambda connection: draft_store.load_everyones(connection, order_id, WORK_FORM)
    )

    assert tablet.stamps.actor() == "anna"
    assert [(each.author, each.value) for each in kept] == [(writer, LONG)]


def test_an_answer_of_a_form_that_found_no_room_is_unsaved_and_tried_again(
    tablet: Tablet, context: PresenterContext, worker: PatientWorker
) -> None:
    request = FormRequest(
        form_id="trial",
        subject=FormSubject(about="household", about_id="h-1"),
        subject_text="Room 902",
    )
    sealed: list[AnswerSet] = []
    presenter = FormPresenter(tablet, context, request, desktop_hardware(tablet.vault))
    presenter.attach(lambda _view: None)

    with full_disk(tablet):
        presenter.type("said", LONG)
        presenter.flush()
        message = presenter.view.message
        presenter.finish(lambda _answers: None)
        is_finished = presenter.view.is_finished
    worker.wait()
    kept = tablet.forms.open(request.subject, "trial").saved["said"]
    presenter.finish(sealed.append)

    assert (message, is_finished) == (no_room_text(context.words), False)
    assert kept == LONG
    assert presenter.view.message == ""
    assert [each.answers["said"] for each in sealed] == [LONG]


def test_a_finding_is_not_sealed_without_the_answer_that_found_no_room(
    tablet: Tablet, office: Office, context: PresenterContext, worker: PatientWorker
) -> None:
    order_id = order_at_work(tablet, office)
    tablet.desk.save_answers(order_id, {"result": "normal", "cause": "nothing_found"})
    presenter = FindingPresenter(tablet, context, order_id)
    presenter.attach(lambda _view: None)
    presenter.type_measured("flow_m3h", "0.1")
    presenter.flush()
    done: list[str] = []

    with full_disk(tablet):
        presenter.type_note(LONG)
        presenter.finish(lambda: done.append("too soon"))
        message = presenter.view.message
        worker.wait()
    worker.wait()
    presenter.finish(lambda: done.append("sealed"))

    assert message == no_room_text(context.words)
    assert done == ["sealed"]
    assert any(LONG in str(entry.operation) for entry in tablet.waiting())


def test_a_signature_without_room_can_be_kept_again(
    tablet: Tablet, office: Office, context: PresenterContext, folder: Path
) -> None:
    order_id = order_at_work(tablet, office)
    pages = LaterPages(tablet=tablet, hardware=desktop_hardware(tablet.vault), context=context)
    picture = noisy_jpeg(1, side=160)
    name = hashlib.sha256(prepare(picture, BlobRole.SIGNATURE).content).hexdigest()
    (folder / FOLDER).mkdir(exist_ok=True)
    (folder / FOLDER / f"{name}.new").symlink_to("/dev/full")

    refused = pages.sign(order_id, picture)
    kept = pages.sign(order_id, picture)

    assert (refused, kept) == (no_room_text(context.words), "")
    assert [line.sha256 for line in tablet.photos.photos(order_id)] == [name]


def type_pin(presenter: LogInPresenter) -> None:
    for digit in PIN:
        presenter.type_digit(digit)
    presenter.confirm()


@pytest.mark.parametrize("file", [VAULT_FILE, IDENTITY_FILE])
def test_a_pin_without_room_opens_nothing_and_the_page_does_not_hang(
    tablet: Tablet, context: PresenterContext, folder: Path, file: str
) -> None:
    """The vault counts a try before it is one; who works now stands in the other file."""
    assert tablet.identity is not None
    owner = tablet.identity.actor
    tablet.identity = replace(tablet.identity, actor="somebody-else")
    tablet.lock()
    presenter = LogInPresenter(tablet, context)
    presenter.attach(lambda _view: None, lambda: None)
    presenter.choose(owner)

    with no_room_for(folder / file):
        type_pin(presenter)
        view, is_open = presenter.view, tablet.vault.is_open()
    type_pin(presenter)

    assert (view.step, view.is_busy) == (PinStep.ENTER, False)
    assert view.message == no_room_text(context.words)
    assert not is_open
    assert tablet.vault.is_open()
    assert tablet.identity.actor == owner


def test_a_code_is_not_spent_on_a_tablet_without_room(
    office: Office, context: PresenterContext, hand_clock: HandClock, tmp_path: Path
) -> None:
    fresh = open_tablet(tmp_path / "fresh", hand_clock)
    with closing(fresh), serving(office_app(office)) as url:
        presenter = EnrolPresenter(fresh, context, TabletConfig(server_url=url))
        presenter.attach(lambda _view: None)
        presenter.type_code(office.code())
        (tmp_path / "fresh" / "room.new").symlink_to("/dev/full")
        presenter.enrol()
        refused = presenter.view
        presenter.enrol()

    assert (refused.message, refused.is_busy) == (no_room_text(context.words), False)
    assert presenter.view.is_enrolled
