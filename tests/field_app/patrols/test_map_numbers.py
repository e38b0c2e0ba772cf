"""The number of a checkpoint on the map: shown, searched, and never another lid's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.patrols.map_numbers import (
    is_found_by,
    is_known_as,
    map_numbers,
    number_on_map,
    place_with,
)
from wire_contracts.network import NetworkPart, NetworkPoint, PipeLevel, Plane, PointKind
from wire_contracts.patrols import Checkpoint, CheckpointKind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

TEXTS = st.text(alphabet="01239vwVW- .", max_size=6)


def well(number: str, tag: str) -> Checkpoint:
    return Checkpoint(
        kind=CheckpointKind.VALVE_WELL,
        medium=Medium.GAS,
        name=BilingualText(en=f"Valve well {number}", zh=f"阀门井 {number}"),
        address="Nordring 46",
        latitude_deg=53.0,
        longitude_deg=20.0,
        tag=tag,
    )


def network(*names: tuple[str, str]) -> list[NetworkPart]:
    points = tuple(
        NetworkPoint(
            point_id=point_id,
            kind=PointKind.VALVE_WELL,
            medium=Medium.GAS,
            level=PipeLevel.MEDIUM,
            x_m=0.0,
            y_m=0.0,
            name=name,
        )
        for point_id, name in names
    )
    return [
        NetworkPart(
            area_id="west", plane=Plane(latitude_deg=53.0, longitude_deg=20.0), points=points
        )
    ]


MAP = map_numbers(network(("well-m-01-2", "VW-007"), ("well-m-02-2", "")))
STOPS = {"WELL-M-01-2": well("2", "2"), "well-m-02-2": well("12", "0412"), "box": well("9", "9")}


def test_a_stop_is_called_what_the_map_writes_beside_the_point_with_its_id() -> None:
    assert number_on_map(MAP, "WELL-M-01-2") == "VW-007"
    assert number_on_map(MAP, "well-m-02-2") == "well-m-02-2"
    assert number_on_map(MAP, "box") == ""


@pytest.mark.parametrize("typed", ["VW-007", "vw 007", "VW007"])
def test_the_number_of_the_map_is_taken_however_it_is_typed(typed: str) -> None:
    assert is_known_as(typed, "WELL-M-01-2", "VW-007", STOPS)


def test_a_number_that_stands_on_another_lid_is_that_lid() -> None:
    stops = STOPS | {"crossed": well("7", "VW-007")}

    assert not is_known_as("VW-007", "WELL-M-01-2", "VW-007", stops)
    assert place_with("vw 007", MAP, stops) == "crossed"


@pytest.mark.parametrize(
    ("text", "found"), [("2", "WELL-M-01-2"), ("04:12", "well-m-02-2"), ("vw-7", None), ("", None)]
)
def test_a_number_leads_to_the_one_place_that_carries_it(text: str, found: str | None) -> None:
    assert place_with(text, MAP, STOPS) == found


def test_a_number_that_two_lids_carry_leads_to_neither() -> None:
    assert place_with("2", MAP, STOPS | {"other": well("2", "2")}) is None


@pytest.mark.parametrize("text", ["well 2", "阀门井", "nordring", "VW007", "vw-0", " 2 "])
def test_a_search_finds_a_stop_by_name_address_lid_and_map(text: str) -> None:
    assert is_found_by(text, STOPS["WELL-M-01-2"], "VW-007")
    assert not is_found_by("substation", STOPS["WELL-M-01-2"], "VW-007")


@given(typed=TEXTS, on_map=TEXTS, tag=TEXTS)
def test_no_lid_is_taken_for_another_one_because_of_the_map(
    typed: str, on_map: str, tag: str
) -> None:
    stops = {"here": well("1", ""), "there": well("2", tag)}
    at_there = place_with(typed, {}, stops) == "there"

    assert not (at_there and is_known_as(typed, "here", on_map, stops))
