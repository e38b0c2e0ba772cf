"""A touch that comes twice is one answer: what is under way is not done again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from field_app.i18n import CatalogueWords
from field_app.presenters.parts_page import PartsPage
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import SheetPresenter
from field_app.tablet import Tablet
from tests.field_app.site_parts import LEAK, told, working_tablet, working_town
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.site_facts import PartUsed

T = TypeVar("T")


@dataclass
class SlowWorker:
    """Lets everything wait until it is told to catch up, like a tablet that is busy."""

    waiting: list[Callable[[], None]] = field(default_factory=list)

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.waiting.append(lambda: done(work()))

    def keep(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.run(work, done)

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        del delay_s
        self.waiting.append(call)
        return partial(self.waiting.remove, call)

    def catch_up(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def town() -> TownOffice:
    return working_town()


@pytest.fixture
def tablet(tmp_path: Path, town: TownOffice) -> Iterator[Tablet]:
    with working_tablet(tmp_path, town) as tablet:
        yield tablet


def gaskets(tablet: Tablet) -> float:
    return sum(each.quantity for each in tablet.site.sheet(LEAK).record.parts)


def test_a_second_touch_does_nothing_while_the_first_is_under_way(
    tablet: Tablet, town: TownOffice
) -> None:
    worker = SlowWorker()
    zone = town.clock.now_utc().tzinfo
    assert zone is not None
    context = PresenterContext(
        worker=worker, words=CatalogueWords("en"), clock=town.clock, zone=zone
    )
    presenter = SheetPresenter(PartsPage(tablet, context, LEAK), context)
    presenter.attach(lambda _view: None)
    worker.catch_up()
    presenter.tap("more:gasket")
    presenter.tap("more:gasket")
    worker.catch_up()
    assert gaskets(tablet) == 1
    presenter.tap("more:gasket")
    worker.catch_up()
    assert gaskets(tablet) == 2, "the next touch counts again"
    presenter.tap("done")
    presenter.tap("less:gasket")
    worker.catch_up()

    assert presenter.view.is_done
    assert gaskets(tablet) == 2


def test_no_more_is_put_back_than_was_taken(tablet: Tablet, town: TownOffice) -> None:
    part = PartUsed(part_id="gasket", name="Gasket", quantity=1.0, unit="pcs")
    back = PartUsed(part_id="gasket", name="Gasket", quantity=-1.0, unit="pcs")
    for each in (part, back, back):
        tablet.site.use_part(LEAK, each)

    assert [each["quantity"] for each in told(tablet, town, "part_used")] == [1.0, -1.0]
