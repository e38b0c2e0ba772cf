"""A danger in a home that was told once goes by no detour: page, form, severity, another day."""

from datetime import timedelta

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.patrols.noted import noted_homes
from field_app.presenters.home import HomePage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import NoticeBlock
from field_app.tablet import Tablet
from tests.field_app.round_parts import opened, refusal, round_town
from tests.field_app.site_parts import told
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.fields import JsonObject
from wire_contracts.forms.items import FormPage
from wire_contracts.orders import FactType

HOME = "hh-0"
ALL_WELL = dict.fromkeys(("meter", "pipes", "appliances", "room", "people"), "ok")
HOSE = {"hose": "fail", "hose_severity": "1", "hose_note": "cracked"}
HOSE_ON_PAGE = {
    "appliances": "wrong",
    "item__hose": "wrong",
    "note__hose": "cracked",
    "severity__hose": "1",
}
DEALT_WITH = {"valve_sealed": "yes", "due": "2026-12-21", "notice": "refused"}
"""What the checklist asks for where something is wrong."""

WHY = "Say why it is no danger any more: Hose: age, length, clamps"


@pytest.fixture
def town() -> TownOffice:
    return round_town("safety-check")


def home(parts: RoundParts, **chosen: str) -> SheetPresenter[object]:
    return opened(parts, HomePage(parts, HOME), **chosen)


def fill_in(tablet: Tablet, said: dict[str, str]) -> None:
    sheet = tablet.forms.open(FormSubject(about="household", about_id=HOME), "safety-check")
    for name, text in said.items():
        places = (each.place for each in FormPage(sheet.session, "en").items())
        place = next(each for each in places if each.rpartition("/")[2] == name)
        sheet.session.answer(place, text)
    tablet.forms.save(sheet)


def finish(tablet: Tablet, said: dict[str, str]) -> None:
    sheet = tablet.forms.open(FormSubject(about="household", about_id=HOME), "safety-check")
    for _round in range(30):
        missing = [each for each in FormPage(sheet.session, "en").items() if each.wrong]
        if not missing:
            break
        for each in missing:
            name = each.place.rpartition("/")[2]
            sheet.session.answer(each.place, said.get(name) or DEALT_WITH.get(name, "pass"))
    tablet.forms.save(sheet)
    tablet.forms.finish(sheet)


def the_visit(tablet: Tablet, town: TownOffice) -> tuple[object, object]:
    check: JsonObject
    (check,) = told(tablet, town, FactType.SAFETY_CHECK)
    return check["hazards"], check.get("taken_back")


def ended_with_a_reason(page: SheetPresenter[object]) -> None:
    assert refusal(page) == WHY
    page.type("why:hose", "a new hose")
    page.flush()
    page.tap("done")


@pytest.mark.parametrize("note", ["cracked", ""])
def test_a_danger_of_a_checklist_that_its_author_answers_on_the_page_wants_a_reason(
    parts: RoundParts, tablet: Tablet, town: TownOffice, note: str
) -> None:
    fill_in(tablet, {**HOSE, "hose_note": note})
    town.clock.moment_utc += timedelta(minutes=5)
    ended_with_a_reason(home(parts, **ALL_WELL, item__hose="ok"))

    assert the_visit(tablet, town) == ([], {"hose": "a new hose"})
    town.clock.moment_utc += timedelta(minutes=5)
    assert refusal(home(parts, **ALL_WELL)) == "", "it was told: the next visit asks nothing of it"


def test_a_danger_of_the_page_that_a_checklist_answers_wants_a_reason(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    home(parts, **HOSE_ON_PAGE).detach()
    town.clock.moment_utc += timedelta(minutes=5)
    finish(tablet, {})

    page = home(parts, **{**ALL_WELL, "item__hose": "ok"})
    ended_with_a_reason(page)
    assert the_visit(tablet, town) == ([], {"hose": "a new hose"})


@pytest.mark.parametrize("again", [{"hose_severity": "3"}, {"hose": "pass"}])
def test_a_danger_that_the_checklist_itself_takes_back_wants_a_reason(
    parts: RoundParts, tablet: Tablet, town: TownOffice, again: dict[str, str]
) -> None:
    fill_in(tablet, HOSE)
    fill_in(tablet, again)

    ended_with_a_reason(home(parts, **ALL_WELL, item__hose="ok"))
    assert the_visit(tablet, town) == ([], {"hose": "a new hose"})


def test_a_danger_whose_severity_is_lowered_first_wants_a_reason_on_the_next_day_too(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    home(parts, **HOSE_ON_PAGE).detach()
    town.clock.moment_utc += timedelta(hours=25)
    home(parts, severity__hose="3").detach()

    ended_with_a_reason(home(parts, **ALL_WELL, item__hose="ok"))
    assert the_visit(tablet, town) == ([], {"hose": "a new hose"})


@pytest.mark.parametrize("hours", [1, 13])
def test_a_danger_in_a_checklist_that_was_finished_stands_until_somebody_was_inside(
    parts: RoundParts, tablet: Tablet, town: TownOffice, hours: int
) -> None:
    finish(tablet, HOSE)
    assert tablet.database.read(noted_homes) == 1
    town.clock.moment_utc += timedelta(hours=hours)
    page = home(parts, **ALL_WELL)
    assert page.view.primary is not None
    assert page.view.primary.key == "call", "one tap on the group takes nothing back"
    noted = [each for each in page.view.blocks if getattr(each, "key", "").startswith("noted")]
    assert [isinstance(each, NoticeBlock) for each in noted] == [True] * (hours > 12)

    page.choose("item:hose", "ok")
    ended_with_a_reason(page)
    assert the_visit(tablet, town) == ([], {"hose": "a new hose"})
    assert tablet.database.read(noted_homes) == 0


def test_a_checklist_that_is_finished_again_without_its_danger_wants_a_reason(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    finish(tablet, HOSE)
    town.clock.moment_utc += timedelta(minutes=5)
    finish(tablet, {})
    assert tablet.database.read(noted_homes) == 0
    town.clock.moment_utc += timedelta(hours=13)

    ended_with_a_reason(home(parts, **ALL_WELL))
    assert the_visit(tablet, town) == ([], {"hose": "a new hose"})


def test_a_hazard_that_was_tapped_without_a_word_is_taken_back_without_one(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    page = home(parts, appliances="wrong", item__hose="wrong", severity__hose="1")
    for key, text in ALL_WELL.items():
        page.type(key, text)
    page.type("item:hose", "ok")
    page.flush()

    page.tap("done")
    assert the_visit(tablet, town) == ([], None)
