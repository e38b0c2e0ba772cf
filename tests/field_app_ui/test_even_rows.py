"""The long list: rows stand where arithmetic puts them, to the last of many, either way up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from field_app.ui.widgets.even_rows import EvenPlacings, Geometry
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.town_office import make_order

GEOMETRIES = st.builds(
    Geometry,
    left=st.integers(0, 500),
    top=st.integers(-5_000, 2_000_000),
    width=st.integers(1, 3_000),
    height=st.integers(1, 400),
    spacing=st.integers(0, 40),
)


@given(GEOMETRIES, st.integers(0, 20_000))
def test_the_row_that_is_found_at_a_place_is_the_one_that_stands_there(
    geometry: Geometry, index: int
) -> None:
    _, bottom = geometry.place(index)

    assert geometry.index_at(bottom + geometry.height / 2) == index
    assert geometry.index_at(bottom - geometry.pitch + geometry.height / 2) == index + 1


@given(GEOMETRIES, st.integers(1, 60))
def test_rows_stand_below_each_other_without_touching(geometry: Geometry, count: int) -> None:
    rows = EvenPlacings(count, geometry, viewclass=None)

    edges = [row["pos"] for row in rows]
    assert edges == [
        (geometry.left, geometry.top - geometry.height - number * geometry.pitch)
        for number in range(count)
    ]
    assert all(row["size"] == [geometry.width, geometry.height] for row in rows[:3])


def test_a_thumb_gets_to_the_last_of_many_orders_and_keeps_its_place_when_rows_come(
    crew: Field,
) -> None:
    crew.office.orders = [make_order(number) for number in range(300)]
    ui = crew.switch_on()
    screen = ui.get("OrdersScreen")
    while len(screen.view.rows) < 300:
        before = len(screen.view.rows)
        screen.ids.rows.scroll_y = 0.02
        ui.pump(1)
        there = ui.all("OrderRowTap")[0].row
        ui.settle()
        assert len(screen.view.rows) > before
        assert ui.all("OrderRowTap")[0].row == there
    screen.ids.rows.scroll_y = 0
    ui.settle()

    shown = ui.all("OrderRowTap")
    assert shown[-1].row == screen.view.rows[-1]
    tops = [round(row.top) for row in shown]
    assert tops == sorted(tops, reverse=True)
    assert len({before - after for before, after in pairwise(tops)}) == 1
