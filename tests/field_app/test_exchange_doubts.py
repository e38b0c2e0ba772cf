"""A meter exchange: the index between two bills is compared with what the meter said before."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from field_app.i18n import CatalogueWords
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.form import FormPresenter, FormRequest
from field_app.presenters.form_doubts import doubts_text, known_before
from field_app.presenters.ports import InlineWorker, PresenterContext
from sync_server.forms.intake_io import read_form
from tests.field_app.site_parts import COMM, working_tablet, working_town
from tests.field_app.test_office_forms import subject_of
from tests.field_app_ui.office_forms import builtin, published
from tests.field_app_ui.town_office import NOW_UTC, TownOffice, make_order, make_site
from tests.sync_server.forms.sheet_parts import question, workbook
from wire_contracts.forms.answer_sets import AnswerSet
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Quantity

EXCHANGE = workbook(
    question("text", "old_serial", required="yes"),
    question("decimal", "old_index", required="yes"),
    about="work_order",
)
_NUMBER, ORDER = make_order(0, site=make_site(0))
ENGLISH = CatalogueWords("en")
NOW_MS = ms_from_utc(NOW_UTC)


@contextmanager
def exchange_form(folder: Path, town: TownOffice) -> Iterator[FormPresenter]:
    """Return the checklist of an order whose meter showed 1840 yesterday, open."""
    town.orders = [(COMM, ORDER), *town.orders[1:]]
    town.extra = [published(read_form(EXCHANGE).model)]
    with working_tablet(folder, town) as tablet:
        context = PresenterContext(
            worker=InlineWorker(), words=ENGLISH, clock=town.clock, zone=ZoneInfo("UTC")
        )
        request = FormRequest(form_id="trial", subject=subject_of(COMM))
        presenter = FormPresenter(tablet, context, request, desktop_hardware(tablet.vault))
        presenter.attach(lambda _view: None)
        yield presenter


def test_an_index_that_does_not_fit_is_asked_about_once(tmp_path: Path) -> None:
    told: list[AnswerSet] = []
    town = working_town()
    with exchange_form(tmp_path, town) as form:
        beside = {card.place: card.last_text for card in form.view.cards}
        form.answer("old_serial", "99999999")
        form.answer("old_index", "12")
        form.finish(told.append)
        form.finish(told.append)
        asked, first = form.view.message, list(told)
        form.answer("old_serial", "88888888")
        town.clock.moment_utc += timedelta(seconds=2)
        form.finish(told.append)
        again, second = form.view.message, list(told)
        town.clock.moment_utc += timedelta(seconds=2)
        form.finish(told.append)
        form._tablet.sync_now()

    (note,) = (str(each.new) for each in town.pushed if each.field == "note")
    assert "Kept after a second look: 12: Less than the meter showed before." in note
    assert beside == {
        "old_serial": f"Last time: {ORDER.device_serial}",
        "old_index": "Last time: 1840",
    }
    assert (first, second) == ([], []), "neither a bounce nor another number is an answer"
    assert "88888888: The meter of this order" in again
    assert f"The meter of this order is No. {ORDER.device_serial}." in asked
    assert "12: Less than the meter showed before. Read it again." in asked
    assert [dict(each.answers)["old_index"] for each in told] == ["12"]


def test_an_index_that_fits_is_kept_with_the_first_tap(tmp_path: Path) -> None:
    told: list[AnswerSet] = []
    town = working_town()
    with exchange_form(tmp_path, town) as form:
        form.answer("old_serial", str(ORDER.device_serial))
        form.answer("old_index", "1842")
        form.finish(told.append)

    assert len(told) == 1


@pytest.mark.parametrize(
    ("index", "is_asked"), [("1842", False), ("12", True), ("18400", True), ("", False)]
)
def test_the_index_is_judged_like_a_reading(index: str, *, is_asked: bool) -> None:
    assert bool(doubts_text(ORDER, {"old/old_index": index}, NOW_MS, ENGLISH)) is is_asked


def test_the_index_of_a_volume_is_compared_with_no_energy() -> None:
    assert ORDER.site is not None
    heat = replace(ORDER, site=replace(ORDER.site, quantity=Quantity.ENERGY_KWH))

    assert doubts_text(heat, {"old/old_index": "12"}, NOW_MS, ENGLISH) == ""
    assert known_before(heat, ["old/old_index"]) == {}


def test_the_office_s_own_checklist_names_its_fields_so() -> None:
    written = repr(builtin("meter-exchange"))

    assert all(f"/old/{name}'" in written for name in ("old_index", "old_serial"))
