"""A meter reading is questioned by what the meter said before, be it one reading."""

from dataclasses import replace
from pathlib import Path

import pytest

from field_app.orders.reading_check import DAY_MS, Doubt, doubt_of, expected_now
from field_app.presenters.reading_page import ReadingPage
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import NumberBlock
from field_app.tablet import Tablet
from tests.field_app.round_parts import rounds_of
from tests.field_app.site_parts import COMM, LEAK, WATER, working_tablet, working_town
from tests.field_app_ui.inspection_parts import round_meter
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.meter_rounds import METER_ENTITY, round_meter_json
from wire_contracts.order_site import Count

NOON_MS = 1_795_000_000_000
COUNTS = tuple(Count(at_ms=NOON_MS - days * DAY_MS, value=1000.0 - 2 * days) for days in (30, 7, 1))
"""Two units a day for a month."""


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("1000", None),
        ("1000,4", None),
        ("", None),
        ("990", Doubt.BACKWARDS),
        ("10000", Doubt.MUCH_MORE),
        ("tausend", Doubt.NOT_A_NUMBER),
    ],
)
def test_a_reading_is_compared_with_what_the_meter_said_before(
    text: str, doubt: Doubt | None
) -> None:
    assert doubt_of(text, COUNTS, NOON_MS) == doubt


def test_a_register_that_stood_still_for_a_month_is_asked_about() -> None:
    a_month_later = NOON_MS + 30 * DAY_MS

    assert doubt_of("998", COUNTS, a_month_later) is Doubt.MUCH_LESS
    assert doubt_of("1060", COUNTS, a_month_later) is None


def test_nothing_is_doubted_when_nothing_is_known() -> None:
    assert expected_now((), NOON_MS) is None
    assert doubt_of("123456", (), NOON_MS) is None
    assert doubt_of("99999999999999999999", (), NOON_MS) is Doubt.TOO_LONG


LAST_MONTH = Count(at_ms=0, value=1200.0)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [("98765", Doubt.MUCH_MORE), ("1490", None), ("1200", None), ("1190", Doubt.BACKWARDS)],
)
def test_one_former_reading_is_enough_for_a_question(text: str, doubt: Doubt | None) -> None:
    assert doubt_of(text, (LAST_MONTH,), 30 * DAY_MS) is doubt


def test_the_size_of_a_meter_says_how_much_a_day_is_much() -> None:
    assert doubt_of("9000", (LAST_MONTH,), 30 * DAY_MS, much_per_day=400.0) is None
    assert doubt_of("14000", (LAST_MONTH,), 30 * DAY_MS, much_per_day=400.0) is Doubt.MUCH_MORE


def test_an_order_knows_what_the_round_knows_of_its_meter(tmp_path: Path) -> None:
    town = working_town()
    round_row = round_meter_json(replace(round_meter(0)[1], permanent_flow_m3h=100.0))
    exchanged = round_meter_json(round_meter(2)[1])
    meters = [document.meter_id for _order, document in town.orders]
    town.extra = [
        (METER_ENTITY, str(meters[1]), round_row),
        (METER_ENTITY, str(meters[2]), exchanged),
    ]
    town.orders = [(name, replace(document, site=None)) for name, document in town.orders]
    with working_tablet(tmp_path, town) as tablet:
        context = rounds_of(tablet, town).context
        known = ReadingPage(tablet, context, WATER).read()
        page = opened(tablet, town, WATER, "12000")
        fits = opened(tablet, town, WATER, "1290")
        after = ReadingPage(tablet, context, LEAK).read()
        unknown = opened(tablet, town, COMM, "12000")

    assert known is not None
    assert known.document.site is not None
    assert [each.value for each in known.document.site.counts] == [1200.0, 1230.0, 1260.0]
    assert (page, fits) == ("Far more than usual. A digit too many?", ""), (
        "three readings say what is usual"
    )
    assert after is not None
    assert after.document.site is not None
    assert [each.value for each in after.document.site.counts] == [0.5], "the new device"
    assert unknown == "", "nothing is known of this one"


def opened(tablet: Tablet, town: TownOffice, order: str, text: str) -> str:
    """Return what is strange about a reading of an order as the page says it."""
    context = rounds_of(tablet, town).context
    presenter = SheetPresenter(ReadingPage(tablet, context, order), context)
    presenter.attach(lambda _view: None)
    presenter.type("value", text)
    (number,) = [each for each in presenter.view.blocks if isinstance(each, NumberBlock)]
    return number.error
