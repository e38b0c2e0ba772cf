"""What a person sees of a form of the office while filling it in, without a screen."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta, timezone
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from field_app.checklists.form_sheet import FormSubject
from field_app.i18n import ChosenWords
from field_app.photos.photo_files_io import FOLDER
from field_app.photos.pictures_io import prepare
from field_app.platform.desktop import desktop_hardware
from field_app.platform.ports import Availability, Fix, Tag, TagWay
from field_app.presenters.form import FormPresenter, FormRequest
from field_app.presenters.form_pages import CARDS_ON_PAGE, NEXT, PREVIOUS
from field_app.presenters.form_views import CardKind, CardView, FormView
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.store.identity_io import save_identity
from field_app.tablet import Tablet, open_tablet
from tests.field_app.office_parts import Office
from tests.field_app.test_office_forms import publish
from tests.field_app.vault_parts import quick_vault
from tests.sync_server.forms.sheet_parts import question, workbook
from wire_contracts.blobs import BlobRole
from wire_contracts.forms.answer_sets import LONGEST_ANSWER, AnswerSet, NoPicture, no_picture_text

SITE_ZONE = timezone(timedelta(hours=8))
SUBJECT = FormSubject(about="household", about_id="h-1")
EVERYTHING = workbook(
    question("select_one yn", "smell", required="yes"),
    question("select_multiple yn", "several"),
    question(
        "decimal",
        "lel",
        constraint=". >= 0 and . <= 100",
        **{"bind::unit": "% LEL"},
        required="yes",
    ),
    question("integer", "count"),
    question("date", "day"),
    question("time", "hour"),
    question("dateTime", "moment"),
    question("acknowledge", "seen"),
    question("barcode", "code"),
    question("geopoint", "where"),
    question("image", "photo"),
    question("image", "signed", appearance="signature"),
    question("note", "hint"),
    question("begin_repeat", "rooms"),
    question("text", "room", required="yes"),
    {"type": "end_repeat", "name": ""},
    about="household",
)


def jpeg() -> bytes:
    content = BytesIO()
    Image.new("RGB", (640, 480), (120, 60, 30)).save(content, "JPEG")
    return content.getvalue()


class Eye:
    """A camera, a scanner and a compass that answer at once."""

    def availability(self) -> Availability:
        return Availability(is_available=True)

    def take_photo(self, taken: Callable[[bytes | None], None]) -> None:
        taken(jpeg())

    def scan(self, scanned: Callable[[Tag | None], None]) -> None:
        scanned(Tag(text="SN-1", way=TagWay.QR))

    is_measuring = False

    def start(self) -> None:
        self.is_measuring = True

    def stop(self) -> None:
        self.is_measuring = False

    def fix(self) -> Fix | None:
        return Fix(latitude_deg=39.9, longitude_deg=116.4, accuracy_m=5.0)


@pytest.fixture
def tablet(tmp_path: Path, office: Office) -> Iterator[Tablet]:
    publish(office, EVERYTHING)
    folder = tmp_path / "tablet"
    save_identity(folder, office.identity())
    found = open_tablet(
        folder, office.clock, connect=lambda _identity: office.api(), vault=quick_vault(folder)
    )
    found.sync_now()
    found.set_pin("135790")
    yield found
    found.close()


@pytest.fixture
def words() -> ChosenWords:
    return ChosenWords("en")


@pytest.fixture
def form(tablet: Tablet, office: Office, words: ChosenWords) -> Iterator[FormPresenter]:
    context = PresenterContext(
        worker=InlineWorker(), words=words, clock=office.clock, zone=SITE_ZONE
    )
    eye = Eye()
    hardware = replace(desktop_hardware(tablet.vault), camera=eye, code_scanner=eye, locator=eye)
    request = FormRequest(form_id="trial", subject=SUBJECT, subject_text="Room 902")
    found = FormPresenter(tablet, context, request, hardware)
    found.attach(lambda _view: None)
    yield found
    found.detach()


def card(view: FormView, place: str) -> CardView:
    return next(each for each in view.cards if each.place == place)


def chosen(view: FormView, place: str) -> list[str]:
    return [choice.key for choice in card(view, place).choices if choice.is_selected]


def test_the_cards_say_what_is_asked_and_what_is_allowed(form: FormPresenter) -> None:
    view = form.view
    kinds = {each.place: each.kind for each in view.cards}

    assert (view.title, view.subject_text) == ("Trial", "Room 902")
    assert (kinds["smell"], kinds["lel"], kinds["hint"]) == (
        CardKind.BUTTONS,
        CardKind.NUMBER,
        CardKind.NOTE,
    )
    assert card(view, "lel").range_text == "0 – 100 % LEL"
    assert (view.left_count, view.left_text) == (3, "3 left: check for errors")
    assert card(view, "smell").error_text == ""


def test_a_choice_is_taken_back_by_a_second_tap_and_several_stand_together(
    form: FormPresenter,
) -> None:
    form.choose("smell", "yes")
    form.choose("several", "yes")
    form.choose("several", "no")
    before = (chosen(form.view, "smell"), chosen(form.view, "several"))
    form.choose("smell", "yes")
    form.choose("several", "yes")

    assert before == (["yes"], ["yes", "no"])
    assert (chosen(form.view, "smell"), chosen(form.view, "several")) == ([], ["no"])


def test_a_decimal_comma_is_a_point_and_nonsense_says_so(form: FormPresenter) -> None:
    form.type("lel", "12,5")
    typed = card(form.view, "lel").text
    form.type("lel", "much")
    wrong = card(form.view, "lel").error_text
    form.type("count", "1.5")

    assert (typed, wrong) == ("12.5", "Is not a number")
    assert card(form.view, "count").error_text == "Must be a whole number"


def test_buttons_of_cards_fill_in_what_the_machine_knows(form: FormPresenter) -> None:
    for place in ("day", "hour", "moment", "seen", "code", "where"):
        form.act(place)
    texts = {each.place: each.text for each in form.view.cards}

    assert texts["day"] == "2026-11-02"
    assert texts["hour"] == "12:00"
    assert texts["moment"] == "2026-11-02T12:00+08:00"
    assert (texts["seen"], texts["code"]) == ("OK", "SN-1")
    assert texts["where"] == "39.900000 116.400000 0 5.0"


def test_photos_and_signatures_go_through_the_album(form: FormPresenter, tablet: Tablet) -> None:
    form.act("photo")
    refused = form.sign("signed", jpeg())
    names = {card(form.view, place).text for place in ("photo", "signed")}

    assert refused == ""
    assert card(form.view, "photo").action_text == "Take another photo"
    assert names == {line.sha256 for line in tablet.photos.photos("h-1")}


def test_rooms_are_added_and_taken_away(form: FormPresenter, office: Office) -> None:
    alone = card(form.view, "rooms[1]")
    form.type("rooms[1]/room", "kitchen")
    form.add(alone.add_place)
    form.type("rooms[2]/room", "hall")
    both = [each.remove_place for each in form.view.cards if each.remove_place]
    form.remove("rooms[1]")
    form.remove("rooms[1]")
    bounced = (form.view.message, card(form.view, "rooms[1]/room").text)
    office.clock.advance(minutes=1)
    form.remove("rooms[1]")

    assert bounced == ("Tap again to remove it with its answers.", "kitchen")
    assert (alone.add_place, alone.remove_place) == ("rooms", "")
    assert both == ["rooms[1]", "rooms[2]"]
    assert card(form.view, "rooms[1]/room").text == "hall"
    form.undo()
    assert [card(form.view, f"rooms[{n}]/room").text for n in (1, 2)] == ["kitchen", "hall"]
    form.undo()
    assert card(form.view, "rooms[2]/room").text == "", "what was answered before it, too"
    assert form.view.can_undo


def test_undo_takes_back_one_answer_and_typing_on_is_one_answer(form: FormPresenter) -> None:
    form.choose("smell", "yes")
    for text in ("1", "12", "12.5"):
        form.type("lel", text)
    form.undo()
    after_one = (card(form.view, "lel").text, chosen(form.view, "smell"))
    form.undo()

    assert after_one == ("", ["yes"])
    assert chosen(form.view, "smell") == []
    assert not form.view.can_undo


def test_check_names_everything_missing_and_goes_to_the_first(form: FormPresenter) -> None:
    places: list[str] = []
    form.attach(lambda view: places.append(view.go_to) if view.go_to else None)
    form.type("lel", "5")
    form.check()

    missing = [each.place for each in form.view.cards if each.error_text == "Must be answered"]
    assert missing == ["smell", "rooms[1]/room"]
    assert places == ["smell"]


def test_the_reader_changes_the_language_in_the_middle(
    form: FormPresenter, words: ChosenWords
) -> None:
    words.choose("zh_CN")
    form.refresh()

    assert card(form.view, "smell").label == "smell项"
    assert [choice.text for choice in card(form.view, "smell").choices] == ["是", "否"]
    assert form.view.left_text == "还差 3 项，检查错误"


def test_a_form_with_nothing_left_is_sealed_and_begins_anew_with_the_last_values(
    form: FormPresenter, tablet: Tablet
) -> None:
    sealed: list[AnswerSet] = []
    form.finish(sealed.append)
    too_early = list(sealed)
    form.choose("smell", "no")
    form.type("lel", "0")
    form.type("rooms[1]/room", "kitchen")
    form.finish(sealed.append)

    assert too_early == []
    assert [each.answers["rooms[1]/room"] for each in sealed] == ["kitchen"]
    assert form.view.is_finished
    assert tablet.forms.open(SUBJECT, "trial").last["lel"] == "0"


def test_what_was_answered_is_there_when_the_form_is_opened_again(
    form: FormPresenter, tablet: Tablet
) -> None:
    form.type("rooms[1]/room", "kitchen")
    form.add("rooms")
    form.detach()

    session = tablet.forms.open(SUBJECT, "trial").session
    element = session.element("rooms[1]/room")

    assert element is not None
    assert element.text == "kitchen"
    assert session.element("rooms[2]/room") is not None


def test_a_long_list_is_shown_a_page_at_a_time(form: FormPresenter) -> None:
    for _ in range(60):
        form.add("rooms")
    first = form.view
    form.act(NEXT)
    second = form.view
    form.act(NEXT)
    last = form.view

    assert [len(view.cards) for view in (first, second, last)] == [
        CARDS_ON_PAGE + 1,
        CARDS_ON_PAGE + 2,
        len(last.cards),
    ]
    assert first.cards[-1].label.startswith(f"Questions {CARDS_ON_PAGE + 1} to ")
    assert second.go_to == second.cards[0].place == PREVIOUS
    assert first.left_count == last.left_count, "what is left is counted on every page"
    assert last.cards[-1].place == "rooms[61]/room"
    form.check()
    assert form.view.go_to in {card.place for card in form.view.cards}, "the page of the mistake"
    shown = {card.place for view in (first, second, last) for card in view.cards}
    assert (
        len(shown - {NEXT, PREVIOUS}) == len(first.cards) + len(second.cards) + len(last.cards) - 4
    )


def test_more_of_a_list_than_a_form_holds_is_said(tablet: Tablet, office: Office) -> None:
    counted = workbook(
        question("integer", "n"),
        question("begin_repeat", "r", repeat_count="${n}"),
        question("text", "t"),
        {"type": "end_repeat", "name": ""},
        form_id="counted",
    )
    publish(office, counted)
    tablet.sync_now()
    context = PresenterContext(
        worker=InlineWorker(), words=ChosenWords("en"), clock=office.clock, zone=SITE_ZONE
    )
    request = FormRequest(form_id="counted", subject=SUBJECT)
    presenter = FormPresenter(tablet, context, request, desktop_hardware(tablet.vault))
    presenter.attach(lambda _view: None)
    presenter.type("n", "99999")
    assert presenter.view.message == ("More than 200 of one list are asked for; a form holds 200.")
    assert len(presenter.view.cards) == CARDS_ON_PAGE + 1
    presenter.type("n", "2")

    assert presenter.view.message == ""
    assert len(presenter.view.cards) == 5


PROVEN = workbook(
    question("image", "plate", required="yes"),
    question("image", "customer", required="yes", appearance="signature"),
    question("image", "beside"),
    form_id="proven",
    about="household",
)
"""A checklist that demands a photo and a signature."""


def proven(tablet: Tablet, office: Office) -> FormPresenter:
    """Return that checklist as it is filled in on a tablet with the PIN it has."""
    publish(office, PROVEN)
    tablet.sync_now()
    context = PresenterContext(
        worker=InlineWorker(), words=ChosenWords("en"), clock=office.clock, zone=SITE_ZONE
    )
    hardware = replace(desktop_hardware(tablet.vault), camera=Eye())
    presenter = FormPresenter(
        tablet, context, FormRequest(form_id="proven", subject=SUBJECT), hardware
    )
    presenter.attach(lambda _view: None)
    return presenter


def reasons(presenter: FormPresenter, place: str) -> list[str]:
    return [choice.text for choice in card(presenter.view, place).choices]


def test_a_checklist_is_finished_where_no_photo_can_be_kept_and_says_why(
    tmp_path: Path, office: Office
) -> None:
    folder = tmp_path / "bare"
    save_identity(folder, office.identity())
    with closing(
        open_tablet(folder, office.clock, connect=lambda _identity: office.api())
    ) as without_pin:
        presenter = proven(without_pin, office)
        presenter.act("plate")
        said = presenter.view.message
        sealed: list[AnswerSet] = []
        presenter.finish(sealed.append)
        asked = len(sealed)
        offered = (reasons(presenter, "plate"), reasons(presenter, "beside"))
        presenter.choose("plate", no_picture_text(NoPicture.NOT_KEPT))
        presenter.choose("customer", no_picture_text(NoPicture.REFUSED))
        presenter.finish(sealed.append)

    assert said == "Set a PIN first: it protects photos."
    assert (asked, offered[1]) == (0, [])
    assert "This tablet keeps none" in offered[0]
    assert [dict(each.answers) for each in sealed] == [
        {"plate": "none:not_kept", "customer": "none:refused"}
    ]


def test_where_photos_are_kept_a_photo_takes_the_place_of_the_reason(
    tablet: Tablet, office: Office
) -> None:
    presenter = proven(tablet, office)
    offered = reasons(presenter, "plate")
    presenter.choose("plate", no_picture_text(NoPicture.NOT_SAFE))
    before = card(presenter.view, "plate")
    presenter.act("plate")

    assert offered == ["No camera that works", "Refused", "Not safe here"]
    assert (before.is_done, before.is_wrong, before.action_text) == (False, False, "Take a photo")
    assert card(presenter.view, "plate").text == tablet.photos.photos("h-1")[0].sha256
    assert reasons(presenter, "plate") == []


def test_a_photo_that_found_no_room_may_be_left_out_with_that_reason(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    presenter = proven(tablet, office)
    name = hashlib.sha256(prepare(jpeg(), BlobRole.PHOTO).content).hexdigest()
    photos = tmp_path / "tablet" / FOLDER
    photos.mkdir(exist_ok=True)
    (photos / f"{name}.new").symlink_to("/dev/full")
    presenter.act("plate")
    offered = reasons(presenter, "plate")
    presenter.choose("plate", no_picture_text(NoPicture.NO_ROOM))

    assert "No room on this tablet" in offered
    assert not card(presenter.view, "plate").is_wrong


def test_more_than_can_be_sent_is_said_and_stays_in_the_form(
    tablet: Tablet, office: Office
) -> None:
    parts = [f"part{number}" for number in range(18)]
    publish(office, workbook(*(question("text", part) for part in parts), form_id="long"))
    tablet.sync_now()
    context = PresenterContext(
        worker=InlineWorker(), words=ChosenWords("en"), clock=office.clock, zone=SITE_ZONE
    )
    request = FormRequest(form_id="long", subject=SUBJECT)
    sheet = tablet.forms.open(SUBJECT, "long")
    for part in parts:
        sheet.session.answer(part, "水" * (LONGEST_ANSWER - (part != "part7")))
    tablet.forms.save(sheet)
    sealed: list[AnswerSet] = []
    presenter = FormPresenter(tablet, context, request, desktop_hardware(tablet.vault))
    presenter.attach(lambda _view: None)
    presenter.finish(sealed.append)

    assert sealed == []
    assert presenter.view.message == (
        "These answers are more than can be sent at once: shorten the longest, Part7."
    )
    assert len(tablet.forms.open(SUBJECT, "long").saved) == len(parts)


def test_the_receiver_sleeps_when_a_form_that_asked_for_the_position_is_left(
    form: FormPresenter,
) -> None:
    eye = form._hardware.locator
    assert isinstance(eye, Eye)
    form.act("where")
    asked = eye.is_measuring
    form.detach()

    assert (asked, eye.is_measuring) == (True, False)
