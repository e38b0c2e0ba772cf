"""A touch that comes twice is one answer: what is under way is not done again."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from field_app.i18n import CatalogueWords
from field_app.presenters.help_page import HelpPage
from field_app.presenters.home import HomePage
from field_app.presenters.parts_page import PartsPage
from field_app.presenters.point import PointPage
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet import Answers, SheetPage, SheetPresenter
from field_app.presenters.shift_page import ShiftPage
from field_app.tablet import Tablet
from tests.field_app.round_parts import round_town, rounds_of
from tests.field_app.site_parts import LEAK, told
from tests.field_app_ui.inspection_parts import Hands
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.orders import FactType
from wire_contracts.site_facts import PartUsed

PIPE = "pl-007"

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

        def cancel() -> None:
            self.waiting = [each for each in self.waiting if each != call]

        return cancel

    def do_one(self) -> None:
        self.waiting.pop(0)()

    def catch_up(self) -> None:
        while self.waiting:
            self.do_one()


@pytest.fixture
def town() -> TownOffice:
    return round_town()


def gaskets(tablet: Tablet) -> float:
    return sum(each.quantity for each in tablet.site.sheet(LEAK).record.parts)


def busy_parts(tablet: Tablet, town: TownOffice) -> tuple[RoundParts, SlowWorker]:
    parts, worker = rounds_of(tablet, town), SlowWorker()
    hands = Hands()
    hands.locator.go(3)
    context = replace(parts.context, worker=worker)
    return replace(parts, context=context, hardware=hands.hardware()), worker


def attached(
    page: SheetPage[Any], parts: RoundParts, worker: SlowWorker, **chosen: str
) -> SheetPresenter[Any]:
    presenter = SheetPresenter(page, parts.context)
    presenter.attach(lambda _view: None)
    worker.catch_up()
    for key, text in chosen.items():
        presenter.type(key.replace("__", ":"), text)
        worker.catch_up()
    return presenter


@pytest.mark.parametrize("first", ["position", "by-hand"])
def test_a_tap_before_the_stop_was_read_again_loses_no_defect(
    tablet: Tablet, town: TownOffice, first: str
) -> None:
    parts, worker = busy_parts(tablet, town)
    run_id = tablet.inspections.start_run("plan-1", (PIPE,))
    page = attached(
        PointPage(parts, run_id, PIPE), parts, worker, outcome="defect", severity="1", note="bare"
    )
    page.tap(first)
    worker.do_one()
    page.tap("done")
    worker.catch_up()
    assert told(tablet, town, FactType.PATROL_POINT) == [], "nobody has seen what it would keep"

    page.tap("done")
    worker.catch_up()

    (point,) = told(tablet, town, FactType.PATROL_POINT)
    (request,) = told(tablet, town, FactType.ORDER_REQUEST)
    assert (point["outcome"], request["note"]) == ("defect", "bare")


def test_a_tap_before_the_home_was_read_again_wipes_no_hazard(
    tablet: Tablet, town: TownOffice
) -> None:
    parts, worker = busy_parts(tablet, town)
    flue = {"appliances": "wrong", "item__water_heater_flue": "wrong"}
    page = attached(HomePage(parts, "hh-0"), parts, worker, **flue)
    page.tap("photo")
    worker.do_one()
    page.tap("nobody")
    worker.catch_up()
    page.tap("nobody")
    worker.catch_up()

    assert told(tablet, town, FactType.SAFETY_CHECK) == []
    assert page.view.message.startswith("A hazard was found here")


def test_hammering_on_the_call_for_help_calls_once_and_breaks_nothing(
    tablet: Tablet, town: TownOffice
) -> None:
    parts, worker = busy_parts(tablet, town)
    help_page = HelpPage(tablet, parts.context, parts.hardware.locator)
    page = attached(help_page, parts, worker, reason="injury")
    for _touch in range(2):
        page.tap("call")
        worker.do_one()
    worker.catch_up()
    help_page.tap("call", Answers(typed={}))

    assert [each["reason"] for each in told(tablet, town, FactType.HELP_CALL)] == ["injury"] * 2


def test_a_note_that_is_left_twice_is_one_note(tablet: Tablet, town: TownOffice) -> None:
    parts, worker = busy_parts(tablet, town)
    page = attached(ShiftPage(tablet, parts.context), parts, worker, note="well 31 is open")
    for _touch in range(2):
        page.tap("leave")
        worker.do_one()
    worker.catch_up()
    page.tap("leave")
    worker.catch_up()

    assert [each["text"] for each in told(tablet, town, FactType.SHIFT_NOTE)] == ["well 31 is open"]


DEFECT = {"outcome": "defect", "severity": "1", "note": "pipe uncovered"}


def at_the_pipe(tablet: Tablet, town: TownOffice, **chosen: str) -> SheetPresenter[Any]:
    parts, worker = busy_parts(tablet, town)
    parts = replace(parts, context=replace(parts.context, worker=InlineWorker()))
    run_id = tablet.inspections.start_run("plan-1", (PIPE,))
    page = attached(PointPage(parts, run_id, PIPE), parts, worker, **chosen)
    page.tap("position")
    return page


@pytest.mark.parametrize("key", ["outcome", "severity"])
def test_a_tap_more_on_a_chosen_answer_takes_no_danger_back(
    tablet: Tablet, town: TownOffice, key: str
) -> None:
    page = at_the_pipe(tablet, town, **DEFECT)
    page.choose(key, DEFECT[key])
    page.tap("done")

    (point,) = told(tablet, town, FactType.PATROL_POINT)
    assert point["outcome"] == "defect"
    assert len(told(tablet, town, FactType.ORDER_REQUEST)) == 1


def test_a_tap_more_on_the_severity_of_a_hazard_lowers_it_not(
    tablet: Tablet, town: TownOffice
) -> None:
    hose = {"appliances": "wrong", "item__hose": "wrong", "severity__hose": "1"}
    parts = rounds_of(tablet, town)
    page = attached(HomePage(parts, "hh-0"), parts, SlowWorker(), **hose, note__hose="cut")
    page.choose("severity:hose", "1")

    assert page.view.primary is not None
    assert page.view.primary.key == "call"


def test_a_grave_defect_that_was_worded_is_all_well_with_a_new_word_alone(
    tablet: Tablet, town: TownOffice
) -> None:
    page = at_the_pipe(tablet, town, **DEFECT)
    page.choose("outcome", "ok")
    assert page.view.primary is not None
    assert page.view.primary.refusal == "Say why."
    page.type("note", "covered again")
    page.flush()
    page.tap("done")

    (point,) = told(tablet, town, FactType.PATROL_POINT)
    assert (point["outcome"], point["note"]) == ("ok", "pipe uncovered; covered again")


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
