"""Every screen in both languages: readable, reachable with gloves, in one pane and in two."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from kivy.uix.widget import Widget
from sqlalchemy import Connection, insert, select

import field_app.ui
from field_app.store.database_io import Database
from field_app.store.tables import order_view
from field_app.ui.widgets.basics import MIN_TARGET_DP
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.test_crew_flows import FIRST, begin_work, open_finding
from tests.field_app_ui.town_office import make_order, order_id

FONTS = Path(field_app.ui.__file__).parent / "fonts"

FACES = ("Sans-Regular", "Sans-Bold", "Icons")

NAMES = {"Lamplighter", "tablet", "English", "中文", "李伟", "抢修三班 · 李伟", "Anna Kowalska"}
"""What stays as it is in every language."""


TOOLS = ("work", "gate", "valves", "photos", "parts", "reading", "signature", "handover")
"""The tools of an order at which gas may leak."""


def walk_screens(ui: harness.Driver) -> Iterator[str]:
    """Go through every screen; the name of each is yielded while it is shown."""
    yield "orders"
    ui.tap_hint(FIRST)
    ui.settle()
    yield "order"
    begin_work(ui)
    yield "order at work"
    for tool in TOOLS:
        ui.tap_hint(f"tool-{tool}")
        ui.settle()
        yield tool
        ui.back()
    for event in ("no_access", "cannot_finish"):
        ui.tap_hint(event)
        ui.settle()
        yield event
        ui.back()
    ui.tap_hint("help")
    ui.settle()
    yield "help"
    ui.back()
    open_finding(ui)
    yield "empty finding"
    ui.tap_hint("leak")
    ui.tap_hint("gas_lel_pct")
    ui.type("999")
    ui.settle()
    yield "wrong finding"
    ui.back()
    ui.back()
    for place in ("map", "sync", "me"):
        ui.tap_hint(f"go-{place}")
        ui.settle()
        yield place
    ui.tap_hint("shift")
    ui.settle()
    yield "shift"


def glyphs(name: str) -> set[int]:
    with TTFont(FONTS / name, lazy=True) as font:
        return set(font.getBestCmap())


def shown(ui: harness.Driver) -> list[Widget]:
    """Return what a person can see on this screen, after scrolling, too."""
    return [widget for widget in ui.walk() if ui.visible(widget, anywhere=True)]


def boxes(widgets: list[Widget], known: dict[str, set[int]]) -> set[str]:
    """Return the characters that would be drawn as boxes."""
    bad = set()
    for widget in widgets:
        face = "Icons" if getattr(widget, "font_name", "") == "LamplighterIcons" else "Sans-Regular"
        if face == "Sans-Regular" and getattr(widget, "bold", False):
            face = "Sans-Bold"
        text = getattr(widget, "text", "")
        bad |= {sign for sign in text if ord(sign) not in known[face] and sign != "\n"}
    return bad


def too_small(widgets: list[Widget]) -> list[str]:
    """Return what a glove would miss."""
    return [
        f"{type(widget).__name__} {widget.hint} {widget.size}"
        for widget in widgets
        if hasattr(widget, "hint") and not widget.disabled and min(widget.size) < MIN_TARGET_DP
    ]


def cut_off(widgets: list[Widget]) -> list[str]:
    """Return the buttons whose words do not fit."""
    return [
        f"{widget.text} {widget.size}"
        for widget in widgets
        if type(widget).__name__ in {"Btn", "SideAction", "Chip", "Choice", "Pill"}
        and any(
            child.texture_size[0] > child.width + 1 or child.right > widget.right + 1
            for child in widget.walk(restrict=True)
            if type(child).__name__ in {"Word", "Txt", "OneLine"} and child.text
        )
    ]


@pytest.mark.parametrize(
    ("language", "scale"),
    [("zh_CN", 1.0), ("en", 1.2), pytest.param("en", 1.0, marks=pytest.mark.nightly)],
)
def test_every_screen_can_be_read_and_hit(crew: Field, language: str, scale: float) -> None:
    crew.language = language
    crew.office.orders = [make_order(0, address="Nordring 46")]
    ui = crew.switch_on()
    ui.app.use_text_scale(scale)
    ui.settle()
    known = {name: glyphs(f"Lamplighter{name}.ttf") for name in FACES}

    problems = {}
    for screen in walk_screens(ui):
        widgets = shown(ui)
        found = {
            "boxes": sorted(boxes(widgets, known)),
            "too small": too_small(widgets),
            "cut off": cut_off(widgets),
            "other language": sorted(
                text
                for text in ui.texts()
                if text not in NAMES and is_in_the_other_language(text, language)
            ),
        }
        problems[screen] = {name: bad for name, bad in found.items() if bad}

    assert [screen for screen, found in problems.items() if found] == [], problems
    assert len(problems) == 20


def is_in_the_other_language(text: str, language: str) -> bool:
    """Return whether a text has words of the language that is not chosen."""
    has_chinese = any("\u4e00" <= sign <= "\u9fff" for sign in text)
    if language == "en":
        return has_chinese
    words = [word for word in text.replace("·", " ").split() if word.isalpha() and word.isascii()]
    units = {"LEL", "bar", "d", "m", "Nordring", "kPa", "h", "min", "ppm"}
    return not has_chinese and any(word not in units for word in words)


def test_a_wide_tablet_shows_list_and_order_side_by_side(crew: Field) -> None:
    ui = crew.switch_on()
    ui.resize(1280, 800)
    try:
        ui.settle()
        assert ui.all("EmptyPane")
        ui.tap_hint(FIRST)
        ui.settle()

        rows, order = ui.get("OrdersScreen"), ui.get("OrderScreen")
        assert rows.right <= order.x
        assert ui.get("OrderRowTap", hint=FIRST).is_selected
        assert not ui.back(), "both panes stay; there is nothing to go back to"
        ui.resize(800, 1280)
        ui.settle()
        assert ui.all("OrdersScreen") == []
        assert ui.back()
    finally:
        ui.resize(harness.WIDTH, harness.HEIGHT)


def multiply_the_first_order(crew: Field, count: int) -> None:
    """Write the first order's line again and again: pulling so many takes long."""
    assert crew.tablet is not None

    def work(connection: Connection) -> None:
        line = dict(connection.execute(select(order_view)).mappings().one())
        lines = [
            {**line, "order_id": order_id(number), "number": f"WO-{number + 101:06d}"}
            for number in range(1, count)
        ]
        connection.execute(insert(order_view), lines)

    crew.tablet.database.write(work)


def test_ten_thousand_orders_are_read_page_by_page(crew: Field) -> None:
    crew.office.orders = [make_order(0)]
    ui = crew.switch_on()
    multiply_the_first_order(crew, 10_000)
    ui.app.navigator.refresh()
    ui.settle()
    screen = ui.get("OrdersScreen")
    assert screen.view.total_count == 10_000
    assert len(screen.view.rows) < 1000
    assert len(ui.all("OrderRowTap", anywhere=True)) < 40, "rows are recycled, not made"
    first = ui.all("OrderRowTap")[0].row.number
    x, y = ui.centre(screen.ids.rows)
    for _ in range(6):
        ui.swipe((x, y - 300), (x, y + 500))
        ui.pump(10)

    assert ui.all("OrderRowTap")[0].row.number != first
    read_before = len(screen.view.rows)
    screen.ids.rows.scroll_y = 0.05
    ui.settle()
    assert len(screen.view.rows) > read_before


def test_the_list_is_readable_with_large_text(crew: Field) -> None:
    ui = crew.switch_on()
    small = ui.get("OrderRowTap", hint=FIRST).height
    ui.app.use_text_scale(1.2)
    ui.settle()

    row = ui.get("OrderRowTap", hint=FIRST)
    assert row.height > small
    texts = [child for child in row.walk(restrict=True) if getattr(child, "text", "")]
    assert all(child.y >= row.y - 1 and child.top <= row.top + 1 for child in texts)


@pytest.mark.skipif(not harness.HAS_PIXELS, reason="no GL library here: nothing is drawn")
def test_the_evidence_is_drawn(crew: Field, open_order: Callable[[str], None]) -> None:
    ui = crew.ui
    assert ui is not None
    open_order(FIRST)
    chart = ui.get("EvidenceChart")
    left, bottom = chart.to_window(*chart.pos)
    box = (
        int(left),
        int(ui.win.height - bottom - chart.height),
        int(left + chart.width),
        int(ui.win.height - bottom),
    )
    pixels = ui.image().crop(box).tobytes()
    colours = Counter(zip(pixels[0::3], pixels[1::3], pixels[2::3], strict=True))

    def drawn(token: str) -> int:
        want = [round(255 * part) for part in ui.app.theme.c[token][:3]]
        return sum(
            count
            for colour, count in colours.items()
            if all(abs(part - goal) <= 6 for part, goal in zip(colour, want, strict=True))
        )

    assert drawn("chart_line") > 400
    assert drawn("danger") > 400
    assert drawn("chart_rule") > 5_000
    assert drawn("surface") > 5_000


def test_the_store_is_closed_with_the_app(crew: Field) -> None:
    crew.switch_on()
    assert crew.tablet is not None
    database: Database = crew.tablet.database
    crew.switch_off()

    with pytest.raises(Exception, match=r".+"):
        database.write(lambda _connection: None)
    assert order_id(0).endswith("0")
