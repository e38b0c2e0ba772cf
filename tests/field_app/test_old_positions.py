"""A position is of now or it is none: nobody checks in by where the tablet was hours ago."""

from dataclasses import replace
from datetime import timedelta

import pytest

from field_app.presenters.help_page import HelpPresenter
from field_app.presenters.point import PointPage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet_views import NoticeBlock
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from tests.field_app.round_parts import opened, round_town, rounds_of
from tests.field_app.site_parts import told
from tests.field_app_ui.inspection_parts import Hands
from tests.field_app_ui.town_office import NOW_UTC, TownOffice
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import FactType

PIPE = "pl-007"


@pytest.fixture
def town() -> TownOffice:
    return round_town()


@pytest.fixture
def hands() -> Hands:
    hands = Hands()
    hands.locator.go(3)
    return hands


def measured_before(hands: Hands, ago: timedelta) -> None:
    here = hands.locator.here
    assert here is not None
    hands.locator.here = replace(here, at_ms=ms_from_utc(NOW_UTC - ago))


def parts_with(hands: Hands, tablet: Tablet, town: TownOffice) -> RoundParts:
    return replace(rounds_of(tablet, town), hardware=hands.hardware())


@pytest.mark.parametrize(("ago_s", "check_ins"), [(20, 1), (3 * 3600, 0)])
def test_nobody_checks_in_by_a_position_of_hours_ago(
    tablet: Tablet, town: TownOffice, hands: Hands, ago_s: int, check_ins: int
) -> None:
    measured_before(hands, timedelta(seconds=ago_s))
    parts = parts_with(hands, tablet, town)
    run_id = tablet.inspections.start_run("plan-1", (PIPE,))
    page = opened(parts, PointPage(parts, run_id, PIPE))
    page.tap("position")

    assert len(told(tablet, town, FactType.CHECK_IN)) == check_ins
    assert bool(page.view.message) is not bool(check_ins)


def called(
    tablet: Tablet, town: TownOffice, hands: Hands, place: str = ""
) -> tuple[NoticeBlock, JsonObject]:
    page = HelpPresenter(tablet, rounds_of(tablet, town).context, hands.locator)
    page.attach(lambda _view: None)
    page.choose("reason", "injury")
    page.type("place", place)
    (notice,) = (
        each
        for each in page.view.blocks
        if isinstance(each, NoticeBlock) and each.key == "position"
    )
    page.tap("call" if tablet.calls.open_call() is None else "again")
    page.detach()
    return notice, told(tablet, town, FactType.HELP_CALL)[-1]


def test_a_call_for_help_says_how_old_its_position_is(
    tablet: Tablet, town: TownOffice, hands: Hands
) -> None:
    measured_before(hands, timedelta(minutes=12))
    notice, call = called(tablet, town, hands, "cellar of block 3")

    assert notice.tone is Tone.WARN
    assert notice.text.endswith("position 12 min old")
    assert call["place"] == "cellar of block 3; position 12 min old"
    assert "lat_deg" in call

    measured_before(hands, timedelta(seconds=5))
    _notice, again = called(tablet, town, hands)
    assert again["place"] == "cellar of block 3"


def test_a_call_for_help_carries_no_position_of_hours_ago_and_asks_for_the_place(
    tablet: Tablet, town: TownOffice, hands: Hands
) -> None:
    measured_before(hands, timedelta(hours=3))
    notice, call = called(tablet, town, hands)

    assert notice.text == "Position unknown: say where you are."
    assert call.get("lat_deg") is None


def test_the_receiver_looks_for_the_position_while_the_page_of_help_is_open(
    tablet: Tablet, town: TownOffice, hands: Hands
) -> None:
    page = HelpPresenter(tablet, rounds_of(tablet, town).context, hands.locator)
    measures = [hands.locator.is_on]
    page.attach(lambda _view: None)
    measures.append(hands.locator.is_on)
    page.detach()

    assert [*measures, hands.locator.is_on] == [False, True, False]
