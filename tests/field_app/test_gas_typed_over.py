"""Gas that stood on a page for a while was in the air, whatever is typed over it later."""

from datetime import timedelta

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.presenters.point import PointPage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet_views import NoticeBlock
from field_app.tablet import Tablet
from tests.field_app.round_parts import arrive, opened, round_town, started
from tests.field_app.site_parts import LEAK, told
from tests.field_app_ui.inspection_parts import checkpoint
from tests.field_app_ui.town_office import TownOffice

STOP, WELL = checkpoint(0)
ORDER = FormSubject(about="work_order", about_id=LEAK)
A_SLIP, A_WHILE = timedelta(seconds=30), timedelta(minutes=20)


@pytest.fixture
def town() -> TownOffice:
    return round_town("patrol-well")


def type_gas(tablet: Tablet, page: str, text: str) -> None:
    if page == "checklist":
        form = tablet.forms.open(ORDER, "patrol-well")
        tablet.forms.save_changes(form, {"look/gas_lel_pct": text})
    else:
        tablet.site.keep(LEAK, page, {"lel_pct" if page == "gate" else "gas_lel_pct": text})


@pytest.mark.parametrize("page", ["gate", "measure", "checklist"])
@pytest.mark.parametrize(("stood", "most"), [(A_SLIP, 0), (A_WHILE, 45)])
def test_gas_that_stood_on_a_page_of_an_order_is_not_typed_away(
    tablet: Tablet, town: TownOffice, page: str, stood: timedelta, most: float
) -> None:
    type_gas(tablet, page, "45")
    town.clock.moment_utc += stood
    type_gas(tablet, page, "0")

    assert max(tablet.site.sheet(LEAK).record.lel_pct or 0, 0) == most
    if page == "checklist":
        assert tablet.forms.most_lel_pct(ORDER) == most


@pytest.mark.parametrize("page", ["gate", "measure", "checklist"])
def test_a_digit_too_many_takes_no_gas_out_of_the_world(
    tablet: Tablet, town: TownOffice, page: str
) -> None:
    type_gas(tablet, page, "45")
    town.clock.moment_utc += A_WHILE
    for text in ("450", "", "0"):
        type_gas(tablet, page, text)
        town.clock.moment_utc += timedelta(seconds=2)

    assert tablet.site.sheet(LEAK).record.lel_pct == 45


@pytest.mark.parametrize("stood", [A_SLIP, A_WHILE])
def test_gas_that_stood_at_a_stop_is_recorded_before_it_is_left(
    parts: RoundParts, tablet: Tablet, town: TownOffice, stood: timedelta
) -> None:
    is_gas = stood == A_WHILE
    run_id = started(parts)
    arrive(parts, run_id)
    opened(parts, PointPage(parts, run_id, STOP), gas_lel_pct="45", well_water_cm="2")
    town.clock.moment_utc += stood
    page = opened(parts, PointPage(parts, run_id, STOP), gas_lel_pct="0", inside="stayed_outside")
    page.tap("done")

    assert page.view.is_done is not is_gas
    if not is_gas:
        return
    said = [each.text for each in page.view.blocks if isinstance(each, NoticeBlock)]
    assert said == ["Gas typed here by 李伟, 06:12, and not recorded: 45"]
    page.tap("grave")
    page.type("note", "the crew of the day before")
    page.tap("done")
    (point,) = told(tablet, town, "patrol_point")
    assert point["defect"] is not None


def test_gas_in_an_answer_that_became_irrelevant_stays_danger_at_the_stop(
    parts: RoundParts, tablet: Tablet
) -> None:
    run_id = started(parts)
    stop = FormSubject(about="checkpoint", about_id=STOP)
    form = tablet.forms.open(stop, "patrol-well")
    for place, text in (
        ("reached", "yes"),
        ("look/gas_lel_pct", "45"),
        ("reached", "no"),
        ("why_not", "gas smell"),
    ):
        form.session.answer(place, text)
        tablet.forms.save(form)
    sealed = tablet.forms.finish(form)
    page = opened(parts, PointPage(parts, run_id, STOP))

    assert "look/gas_lel_pct" not in sealed.answers
    assert page.view.primary is not None
    assert page.view.primary.key == "grave"
