"""The list in one pane and in two, with ten thousand orders and large text; the drawn evidence."""

from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, insert, select

from field_app.store.database_io import Database
from field_app.store.tables import order_view
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.test_crew_flows import FIRST
from tests.field_app_ui.town_office import make_order, order_id


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
    reach = screen.ids.rows.height * 0.35
    for _ in range(6):
        ui.swipe((x, y - reach), (x, y + reach))
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
