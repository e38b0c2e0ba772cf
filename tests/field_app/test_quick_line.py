"""The quick line of an order says what the careful reader says, or leaves the word to it."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from field_app.orders.order_lines import QUICK_COLUMNS, cells_of_row, quick_lines
from field_app.store.tables import order_view
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderState

USUAL: Mapping[str, JsonValue] = {
    "number": "WO-000012",
    "state": "released",
    "medium": "gas",
    "safety_class": "A",
    "priority": 2,
    "due_at": 1_795_744_822_000,
    "title": {"en": "Meter reports a fault", "zh": "表计报故障"},
    "address": "Heping Road 12, flat 4",
    "meter_id": "GM-100001",
    "device_serial": "5204689623",
}

odd: st.SearchStrategy[JsonValue] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 6),
    st.sampled_from([EARLIEST_MS - 1, EARLIEST_MS, LATEST_MS, LATEST_MS + 1]),
    st.floats(),
    st.sampled_from([*WorkOrderState, *Medium, *SafetyClass]).map(str),
    st.sampled_from([0, 1, 200, 201, 400, 401, 2000, 2001]).map("ß".__mul__),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["en", "zh"]), st.text(max_size=3) | st.integers()),
    st.builds(lambda size: {"en": "x" * size, "zh": "字"}, st.sampled_from([2000, 2001])),
)


def careful(row: Mapping[str, JsonValue]) -> tuple[str | int | float | None, ...] | None:
    """Return what the reader that names every field makes of the row, None: it refuses it."""
    try:
        cells = cells_of_row(FieldReader(place="order", values=row), is_gone=False)
    except ContractError:
        return None
    return tuple(cells[name] for name in QUICK_COLUMNS)


def test_a_usual_row_has_a_quick_line() -> None:
    assert quick_lines([USUAL, USUAL]) == [careful(USUAL)] * 2
    assert careful(USUAL) is not None


@given(changes=st.dictionaries(st.sampled_from(sorted(USUAL)), odd, max_size=3))
def test_the_quick_line_is_the_careful_one_whatever_the_row_holds(
    changes: dict[str, JsonValue],
) -> None:
    row = {**USUAL, **changes}
    told = careful(row)

    assert quick_lines([USUAL, row]) == (None if told is None else [careful(USUAL), told])


@given(left_out=st.sets(st.sampled_from(sorted(USUAL)), min_size=1))
def test_a_row_without_a_field_is_left_to_the_careful_reader(left_out: set[str]) -> None:
    row = {name: value for name, value in USUAL.items() if name not in left_out}

    assert quick_lines([row]) is None
    assert quick_lines([]) == []


def test_the_columns_of_the_quick_line_stand_in_the_table_in_this_order() -> None:
    names = order_view.columns.keys()
    others = ["is_gone", "has_draft", "mark", "problem", "x_m", "y_m"]
    assert names == ["order_id", *QUICK_COLUMNS, *others]
