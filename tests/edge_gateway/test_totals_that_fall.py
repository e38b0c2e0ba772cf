"""A total that fell is doubted at once, told, and believed when it has counted on."""

from datetime import timedelta
from pathlib import Path

import pytest

from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from tests.edge_gateway.rig import from_image
from tests.edge_gateway.test_modbus_driver import FAST, Hands, driver
from wire_contracts.quality import SUSPECT_RATE
from wire_contracts.quantities import Quantity

pytestmark = pytest.mark.usefixtures("unhurried")

PROFILE = load_profile("twoflow_mag11@2")
RUNS = {Quantity.FLOW_M3H: 12.5, Quantity.VOLUME_M3: 9876.0, Quantity.ENERGY_KWH: 123456.0}


def test_a_meter_that_is_started_anew_and_shows_zeros_is_not_believed(tmp_path: Path) -> None:
    words, clock = dict(encode_values(PROFILE, RUNS)), Hands()
    healthy, reads = dict(words), []
    with driver(tmp_path, from_image(words), PROFILE.reference, clock) as reader:
        for minute in range(5):
            if minute in {1, 4}:
                words.update(healthy if minute == 4 else dict.fromkeys(words, 0))
            reads.append(reader.read(FAST, retry_count=0))
            clock.now += timedelta(minutes=1)
    down = reads[1:4]

    assert all(each.quality[Quantity.VOLUME_M3] == SUSPECT_RATE for each in down)
    assert all(each.quality[Quantity.FLOW_M3H] == SUSPECT_RATE for each in down)
    assert reads[0].quality == reads[4].quality == {}
    assert [notice.kind for each in reads for notice in each.notices] == [
        "total_fell",
        "total_returned",
    ]
    assert "volume_m3 (9876, now 0)" in reads[1].notices[0].text


def test_an_exchanged_meter_that_counts_on_is_believed_and_told(tmp_path: Path) -> None:
    words, clock = dict(encode_values(PROFILE, RUNS)), Hands()
    reads = []
    with driver(tmp_path, from_image(words), PROFILE.reference, clock) as reader:
        for quarter in range(7):
            if quarter:
                total = {**RUNS, Quantity.VOLUME_M3: 1.0 + quarter, Quantity.ENERGY_KWH: 5.0}
                words.update(encode_values(PROFILE, total))
            reads.append(reader.read(FAST, retry_count=0))
            clock.now += timedelta(minutes=15)

    doubted = [Quantity.VOLUME_M3 in each.quality for each in reads]
    assert doubted == [False] + [True] * 4 + [False] * 2
    assert [notice.kind for notice in reads[5].notices] == ["total_settled"]
