"""What a crew has with it survives the wire; what a newer office says beside it is left out."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.van import (
    SOON,
    AirValue,
    Calibration,
    GasDetector,
    Van,
    VanPart,
    calibration_at,
    is_short,
    parse_van,
    van_json,
)

names = st.text(min_size=1, max_size=20)
parts = st.builds(
    VanPart,
    part_id=names,
    name=st.builds(BilingualText, en=names, zh=names),
    media=st.frozensets(st.sampled_from(Medium)),
    unit=st.text(min_size=1, max_size=16),
    quantity=st.floats(-1e6, 1e6),
    least=st.floats(0, 1e6),
)
detectors = st.builds(
    GasDetector,
    detector_id=names,
    model=st.text(max_size=20),
    values=st.frozensets(st.sampled_from(AirValue)),
    calibrated_until=st.dates(),
)
vans = st.builds(
    Van,
    parts=st.lists(parts, max_size=3).map(tuple),
    detectors=st.lists(detectors, max_size=3).map(tuple),
)
TODAY = date(2026, 11, 21)


def through(document: JsonObject) -> FieldReader:
    return read_json("test", dump_json(document))


@given(vans)
def test_a_van_arrives_as_it_was_sent(van: Van) -> None:
    assert parse_van(through(van_json(van))) == van


def test_media_and_values_of_a_newer_office_are_left_out() -> None:
    part: JsonObject = {
        "part_id": "p",
        "name": {"en": "p", "zh": "p"},
        "media": ["steam", "gas", 7],
    }
    detector: JsonObject = {"detector_id": "d", "values": ["radon_bqm3", "lel_pct"]}
    van = parse_van(
        through(
            {
                "parts": [{**part, "unit": "m", "quantity": 1, "least": 0}],
                "detectors": [{**detector, "calibrated_until": "2026-12-31"}],
            }
        )
    )

    assert van.parts[0].media == {Medium.GAS}
    assert van.detectors[0].values == {AirValue.LEL_PCT}


def test_a_day_that_is_none_is_refused_by_name() -> None:
    detector = {"detector_id": "d", "values": [], "calibrated_until": "31.12.2026"}

    with pytest.raises(ContractError, match=r"detectors\[0\]\.calibrated_until: '31.12.2026'"):
        parse_van(through({"parts": [], "detectors": [detector]}))


@pytest.mark.parametrize(
    ("days", "standing"),
    [
        (-1, Calibration.OVER),
        (0, Calibration.SOON),
        (SOON.days - 1, Calibration.SOON),
        (SOON.days, Calibration.GOOD),
    ],
)
def test_a_calibration_holds_through_its_last_day(days: int, standing: Calibration) -> None:
    assert calibration_at(TODAY + timedelta(days=days), TODAY) is standing


@pytest.mark.parametrize(
    ("quantity", "least", "expected"), [(2, 2, True), (3, 2, False), (0, 0, False), (-1, 0, True)]
)
def test_a_van_is_filled_up_from_its_least_down(
    quantity: float, least: float, *, expected: bool
) -> None:
    part = VanPart(
        part_id="p",
        name=BilingualText(en="p", zh="p"),
        media=frozenset(Medium),
        unit="pcs",
        quantity=quantity,
        least=least,
    )

    assert is_short(part) is expected
