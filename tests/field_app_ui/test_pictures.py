"""Pictures of the crew's screens against kept ones; `LAMP_UI_GOLDEN=update` keeps new ones."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops

from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import LATITUDE, LONGITUDE, Hands, inspection_rows
from tests.field_app_ui.test_crew_flows import FIRST, begin_work
from tests.field_app_ui.test_inspector_flows import ON_ITS_SIDE, go
from tests.field_app_ui.town_office import make_order, make_site, small_network
from wire_contracts.network import Plane

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

KEPT = Path(__file__).parents[1] / "data" / "pictures"

TOLERANCE = 28
"""Difference of a channel, of 255, that another GL library may make (tablet guide section 8)."""

MOST_DIFFERING = 0.0005
"""Share of pixels that may differ by more: one wrong colour of a text is more than that."""

MORE_LOOKS = 5
"""Rows are worded in the background: a picture may be some frames early."""

pytestmark = pytest.mark.skipif(not harness.HAS_PIXELS, reason="no GL library: nothing is drawn")


def differing(found: "Picture", kept: "Picture") -> float:
    """Return the share of pixels that differ by more than the tolerance; 1 for another size."""
    if found.size != kept.size:
        return 1.0
    bands = ImageChops.difference(found, kept).split()
    worst = bands[0]
    for band in bands[1:]:
        worst = ImageChops.lighter(worst, band)
    return sum(worst.histogram()[TOLERANCE + 1 :]) / (found.width * found.height)


def check(ui: harness.Driver, name: str) -> str:
    """Return what is wrong with the picture of a screen, empty when it is as kept."""
    ui.settle()
    ui.fade_scroll_bars()
    path, found = KEPT / f"{name}.png", ui.image()
    if os.environ.get("LAMP_UI_GOLDEN") == "update":
        path.parent.mkdir(parents=True, exist_ok=True)
        found.save(path, optimize=True)
        return ""
    if not path.exists():
        return f"{name}: is not kept; look at it and keep it with LAMP_UI_GOLDEN=update"
    with Image.open(path) as file:
        kept = file.convert("RGB")
    share = differing(found, kept)
    for _ in range(MORE_LOOKS):
        if share > MOST_DIFFERING:
            ui.settle()
            ui.fade_scroll_bars()
            share = differing(ui.image(), kept)
    if share <= MOST_DIFFERING:
        return ""
    ui.screenshot(name)
    return f"{name}: {share:.2%} of the pixels differ; see {ui.artifacts / name}.png"


def screens(ui: harness.Driver) -> Iterator[str]:
    """Go through the screens whose pictures are kept."""
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    yield "order"
    for tool in ("work", "gate", "valves", "reading"):
        ui.tap_hint(f"tool-{tool}")
        ui.settle()
        if tool == "gate":
            for hint, text in (("oxygen_pct", "18.2"), ("lel_pct", "14")):
                ui.tap_hint(hint)
                ui.type(text)
            ui.get("Field", hint="lel_pct", anywhere=True).focus = False
        yield tool
        ui.back()
    ui.app.navigator.open_finding()
    yield "finding"
    ui.back()
    ui.tap_hint("help")
    yield "help"
    ui.back()
    ui.back()
    ui.tap_hint("go-map")
    yield "map"
    ui.resize(*ON_ITS_SIDE)
    yield "wide-map"
    ui.tap_hint("go-orders")
    ui.settle()
    ui.tap_hint(FIRST)
    yield "wide-order"
    ui.tap_hint("tool-work")
    yield "wide-work"
    ui.back()
    ui.resize(harness.WIDTH, harness.HEIGHT)
    ui.back()


def rounds(ui: harness.Driver, hands: Hands) -> Iterator[str]:
    """Go through the pages of an inspector."""
    ui.tap_hint("go-patrol")
    yield "rounds"
    place = ui.app.navigator.place_screen("patrol")
    for page in ("homes", "home:hh-1", "meter:GM-1"):
        place.opened(page)
        yield page.partition(":")[0]
        ui.back()
    go(ui, "start:plan-1")
    yield "run"
    hands.locator.go(0, off_m=90)
    go(ui, "next-stop")
    yield "point"
    ui.resize(*ON_ITS_SIDE)
    yield "wide-point"
    ui.back()
    yield "wide-run"
    ui.resize(harness.WIDTH, harness.HEIGHT)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_screens_look_as_they_were_approved(crew: Field, language: str) -> None:
    crew.language = language
    crew.office.orders = [make_order(number, site=make_site(number)) for number in range(9)]
    crew.office.network = [small_network()]
    ui = crew.switch_on()

    wrong = [check(ui, f"{screen}.{language}") for screen in screens(ui)]
    for theme in ("dark", "sun"):
        ui.app.use_theme(theme)
        wrong.append(check(ui, f"list-{theme}.{language}"))
    assert [each for each in wrong if each] == []


@pytest.mark.parametrize("language", ["zh_CN", pytest.param("en", marks=pytest.mark.nightly)])
def test_the_rounds_look_as_they_were_approved(crew: Field, language: str) -> None:
    hands = Hands()
    crew.language, crew.hardware = language, hands.hardware()
    crew.office.orders, crew.office.extra = (), inspection_rows()
    here = Plane(latitude_deg=LATITUDE, longitude_deg=LONGITUDE)
    crew.office.network = [replace(small_network(), plane=here)]
    ui = crew.switch_on()

    wrong = [check(ui, f"{page}.{language}") for page in rounds(ui, hands)]

    assert [each for each in wrong if each] == []
