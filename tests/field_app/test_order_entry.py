"""An order at a well: nobody finishes it before it is said whether anybody went in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from field_app.i18n import CatalogueWords
from field_app.orders.order_entry import is_at_well
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.gate_page import GatePage
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import ChoiceBlock, NoteBlock
from field_app.tablet import Tablet
from tests.field_app.site_parts import LEAK, TO_WORK, told, working_tablet, working_town
from tests.field_app_ui.town_office import TownOffice, make_order, order_id
from wire_contracts.fields import JsonObject
from wire_contracts.texts import BilingualText

WELL = order_id(5)
GOOD_AIR = {
    "oxygen_pct": "20.8",
    "lel_pct": "0",
    "detector_id": "GX-7",
    "calibrated_until": "2027-05-31",
    "place": "VW-031",
}
ASKED = ["Say under Gas test whether anybody went in"]
UNTESTED = ["Went in without a good gas test: say why under Gas test"]


@pytest.fixture
def town() -> TownOffice:
    town = working_town()
    town.orders = [*town.orders, make_order(5)]
    return town


@pytest.fixture
def tablet(tmp_path: Path, town: TownOffice) -> Iterator[Tablet]:
    with working_tablet(tmp_path, town) as tablet:
        for event in TO_WORK:
            tablet.desk.tap(WELL, event)
        yield tablet


@pytest.fixture
def context(town: TownOffice) -> PresenterContext:
    zone = town.clock.now_utc().tzinfo
    assert zone is not None
    return PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("en"), clock=town.clock, zone=zone
    )


def gate(
    tablet: Tablet, context: PresenterContext, order: str = WELL, **typed: str
) -> SheetPresenter[object]:
    page = GatePage(tablet, context, order)
    presenter: SheetPresenter[object] = SheetPresenter(page, context)  # type: ignore[arg-type]  # of any data
    presenter.attach(lambda _view: None)
    for key, text in typed.items():
        presenter.type(key, text)
    presenter.flush()
    return presenter


def asked(page: SheetPresenter[object]) -> list[str]:
    return [
        each.key
        for each in page.view.blocks
        if isinstance(each, ChoiceBlock | NoteBlock) and each.key.startswith("inside")
    ]


def finding(tablet: Tablet, context: PresenterContext) -> FindingPresenter:
    presenter = FindingPresenter(tablet, context, WELL)
    presenter.attach(lambda _view: None)
    presenter.choose_result("normal")
    presenter.choose_cause(presenter.view.causes[0].key)
    presenter.type_measured("supply_temp_degc", "80")
    presenter.type_note("all well")
    presenter.flush()
    presenter.refresh()
    return presenter


def told_finding(tablet: Tablet, town: TownOffice) -> JsonObject:
    answers = told(tablet, town, "form_answerset")[-1]["answers"]
    assert isinstance(answers, dict)
    return answers


def test_an_order_at_a_well_is_not_finished_before_somebody_says_that_nobody_went_in(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    before = finding(tablet, context).view.missing
    gate(tablet, context).choose("inside", "stayed_outside")
    page = finding(tablet, context)
    page.finish(lambda: None)

    assert list(before) == ASKED
    assert page.view.is_finished
    answers = told_finding(tablet, town)
    assert (answers["entry"], answers["note"]) == ("stayed_outside", "all well")


def test_whoever_went_in_without_a_test_says_why_and_the_office_reads_it_first(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    page = gate(tablet, context)
    page.choose("inside", "went_in")
    shown = asked(page)
    before = finding(tablet, context).view.missing
    gate(tablet, context, inside_why="head above the rim")
    end = finding(tablet, context)
    end.finish(lambda: None)

    assert (shown, list(before)) == (["inside", "inside_why"], UNTESTED)
    answers = told_finding(tablet, town)
    assert answers["entry"] == "went_in"
    assert answers["note"] == "Went in without a good gas test: head above the rim; all well"


@pytest.mark.parametrize(("minutes", "lacks"), [(29, []), (31, UNTESTED)])
def test_a_test_that_let_people_in_is_enough_while_it_is_fresh(
    tablet: Tablet, context: PresenterContext, town: TownOffice, minutes: int, lacks: list[str]
) -> None:
    gate(tablet, context, **GOOD_AIR).tap("allow")
    town.clock.moment_utc += timedelta(minutes=minutes)
    page = gate(tablet, context)
    page.choose("inside", "went_in")
    town.clock.moment_utc += timedelta(minutes=60)

    assert list(finding(tablet, context).view.missing) == lacks
    assert gate(tablet, context).view.blocks[0].key == "inside", "before the next test"


def test_the_answer_outlives_a_later_test_and_not_the_visit(
    tablet: Tablet, context: PresenterContext
) -> None:
    page = gate(tablet, context, inside="stayed_outside")
    for key, text in GOOD_AIR.items():
        page.type(key, text)
    page.flush()
    page.tap("allow")
    after_test = list(finding(tablet, context).view.missing)
    finding(tablet, context).finish(lambda: None)

    assert after_test == []
    kept = tablet.site.sheet(WELL).values_of("gate")
    assert "inside" not in kept


def test_an_order_at_a_home_asks_nobody(tablet: Tablet, context: PresenterContext) -> None:
    assert asked(gate(tablet, context, LEAK)) == []


@pytest.mark.parametrize(
    ("address", "is_well"),
    [
        ("解放大街 97 号 阀门井 VW-031", True),
        ("热力小室 12", True),
        ("Hafenstr. 4, meter pit", True),
        ("Manhole 7, Nordring", True),
        ("王府井大街 12 号", False),
        ("龙井路 3 号 2 单元", False),
        ("Wellington Road 4", False),
    ],
)
def test_what_people_climb_down_into_is_known_by_its_name(*, address: str, is_well: bool) -> None:
    _, document, *_ = make_order(1)
    plain = replace(document, title=BilingualText(en="Leak", zh="泄漏"))

    assert is_at_well(replace(plain, address=address)) is is_well
