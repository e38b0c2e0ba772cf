"""What a typed % LEL says: over a detector's range is the most there is, never nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.checklists.form_gas import gas_places
from field_app.forms.numbers import most_lel_pct, parse_lel_pct, worst_lel_pct
from wire_contracts.forms.model import NO_TEXT, FormModel, FormNode, NodeKind


@pytest.mark.parametrize(
    ("text", "exact", "worst"),
    [
        ("24", 24.0, 24.0),
        ("25%", 25.0, 25.0),
        ("25 %LEL", 25.0, 25.0),
        ("\uff12\uff15\uff05", 25.0, 25.0),
        ("120", 120.0, 120.0),
        (">100", None, 100.0),
        ("\uff1e100", None, 100.0),
        ("100+", None, 100.0),
        ("> 100 % LEL", None, 100.0),
        ("OL", None, 100.0),
        ("超量程", None, 100.0),
        ("爆表", None, 100.0),
        ("over range", None, 100.0),
        ("20-25", None, 25.0),
        ("20~25 % LEL", None, 25.0),
        ("45 %L", 45.0, 45.0),
        ("1,5", 1.5, 1.5),
        ("0,125 %", 0.125, 0.125),
        ("1,200", None, 1200.0),
        ("1,5-3,5", None, 3.5),
        ("", None, None),
        ("much", None, None),
        ("5000 ppm", None, None),
        ("5 % vol", None, None),
    ],
)
def test_what_a_detector_shows_is_read_with_its_signs(
    text: str, exact: float | None, worst: float | None
) -> None:
    assert (parse_lel_pct(text), worst_lel_pct(text)) == (exact, worst)


@given(st.text(max_size=12))
def test_whatever_is_an_exact_value_is_the_worst_as_well(text: str) -> None:
    exact = parse_lel_pct(text)

    assert exact is None or worst_lel_pct(text) == exact


def test_a_form_tells_of_the_most_gas_in_it() -> None:
    answers = {"look/gas_lel_pct": "2", "wrong/lel_before": "45", "wrong/lel_after": "0"}

    assert most_lel_pct(answers) == 45.0
    assert most_lel_pct({"look/well_water_cm": "80", "label": "80"}) is None
    assert most_lel_pct({"look/LEL": "30", "lel1": "12"}) == 30.0


def test_a_question_that_the_office_binds_to_gas_is_gas_whatever_its_name() -> None:
    rooms = FormNode(
        path="/data/rooms",
        kind=NodeKind.REPEAT,
        children=(
            FormNode(path="/data/rooms/a", kind=NodeKind.DECIMAL, quantity="gas_lel_pct"),
            FormNode(path="/data/rooms/b", kind=NodeKind.DECIMAL, unit="% LEL"),
            FormNode(path="/data/rooms/c", kind=NodeKind.DECIMAL, unit="m"),
        ),
    )
    model = FormModel(form_id="air", version="1", title=NO_TEXT, nodes=(rooms,))

    places = gas_places(model)

    assert places == {"rooms/a", "rooms/b"}
    assert most_lel_pct({"rooms[2]/a": "45", "rooms[1]/c": "80"}, places) == 45.0
