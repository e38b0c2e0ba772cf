"""Two readings of one visit: a slip is corrected where somebody says so, else both are kept."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from field_app.i18n import CatalogueWords
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.reading_page import ReadingPage
from field_app.presenters.sheet import SheetPresenter
from field_app.tablet import Tablet
from tests.field_app.site_parts import LEAK, told, working_town
from tests.field_app_ui.town_office import TownOffice, make_order, make_site


@pytest.fixture
def town() -> TownOffice:
    town = working_town()
    town.orders = [make_order(0), make_order(1), make_order(3, site=make_site(3))]
    return town


class Reader:
    """Reads the meter of the order on the page."""

    def __init__(self, tablet: Tablet, town: TownOffice) -> None:
        self._context = PresenterContext(
            worker=InlineWorker(),
            words=CatalogueWords("en"),
            clock=town.clock,
            zone=ZoneInfo("UTC"),
        )
        self._tablet, self._town = tablet, town

    def keep(self, value: float, sure: str = "", which: str = "") -> str:
        """Type and keep a reading with its answers; return why not, empty when it is kept."""
        self._town.clock.moment_utc += timedelta(minutes=5)
        page: SheetPresenter[object] = SheetPresenter(
            ReadingPage(self._tablet, self._context, LEAK),  # type: ignore[arg-type] # read alone
            self._context,
        )
        page.attach(lambda _view: None)
        text = f"{value:g}"
        page.type("value", text)
        for key, said in (("sure", sure), ("which", which)):
            if said:
                page.choose(key, f"{said}:{text}")
        page.tap("keep")
        return "" if page.view.is_done else page.view.message

    def last_of_the_office(self) -> float:
        site = self._tablet.site.sheet(LEAK).document.site
        assert site is not None
        return site.counts[-1].value


def kept(tablet: Tablet, town: TownOffice) -> tuple[list[float], list[bool]]:
    counts = [each.value for each in tablet.site.sheet(LEAK).record.counts]
    readings = told(tablet, town, "meter_reading")
    return counts, [bool(each.get("supersedes")) for each in readings]


def test_a_reading_that_was_a_slip_is_corrected_and_another_one_stands_beside(
    tablet: Tablet, town: TownOffice
) -> None:
    reader = Reader(tablet, town)
    right = reader.last_of_the_office() + 1
    assert reader.keep(right * 10, sure="read_twice") == ""
    assert reader.keep(right) == "Say whether it corrects the reading before."
    assert reader.keep(right, which="corrects") == ""
    assert reader.keep(right + 1) == ""

    assert kept(tablet, town) == ([right, right + 1], [False, True, False])


@pytest.mark.parametrize("reason", ["meter_exchanged", "rolled_over"])
def test_the_last_index_of_the_old_meter_stays_beside_the_first_of_the_new(
    tablet: Tablet, town: TownOffice, reason: str
) -> None:
    reader = Reader(tablet, town)
    final = reader.last_of_the_office() + 1
    assert reader.keep(final) == ""
    assert reader.keep(0, sure=reason) == ""

    assert kept(tablet, town) == ([final, 0], [False, False])


def test_a_doubted_reading_that_was_right_stays_beside_the_next(
    tablet: Tablet, town: TownOffice
) -> None:
    reader = Reader(tablet, town)
    far = reader.last_of_the_office() + 5000
    assert reader.keep(far, sure="use_changed") == ""
    assert reader.keep(far + 1, sure="use_changed", which="beside") == ""

    assert kept(tablet, town) == ([far, far + 1], [False, False])
