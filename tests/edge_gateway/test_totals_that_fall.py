"""A total that fell is doubted at once, told, and believed when it has counted on."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from edge_gateway.links.cjt188_driver import Cjt188Driver
from edge_gateway.links.driver import Driver, DriverMeter, JobKind, JobRead
from edge_gateway.links.learnt import Learnt
from edge_gateway.links.mbus_driver import MbusDriver
from edge_gateway.polling.kept_learnt import kept_of
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from tests.edge_gateway import cjt188_meters, mbus_meters, test_cjt188_line, test_mbus_line
from tests.edge_gateway.rig import from_image
from tests.edge_gateway.test_modbus_driver import FAST, Hands, driver
from tests.meter_telegrams.telegram_builder import bcd
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


@dataclass
class StartingMbus(mbus_meters.SimulatedMeter):
    """A meter that shows zeros while it starts."""

    is_starting: bool = False

    @override
    def records(self) -> bytes:
        return b"\x0c\x13" + bcd(0, 4) if self.is_starting else super().records()


@dataclass
class StartingCjt188(cjt188_meters.SimulatedMeter):
    is_starting: bool = False

    @override
    def data(self) -> bytes:
        data = super().data()
        return cjt188_meters.water_data(0) if self.is_starting else data


def read_while_it_starts(
    meter: StartingMbus | StartingCjt188, reader: Driver, job: JobKind
) -> list[JobRead]:
    reads = []
    for meter.is_starting in (False, True, True, False):
        reads.append(reader.read(job, retry_count=0))
    return reads


def check(reads: list[JobRead]) -> None:
    assert [dict(read.quality) for read in reads] == [
        {},
        {Quantity.VOLUME_M3: SUSPECT_RATE},
        {Quantity.VOLUME_M3: SUSPECT_RATE},
        {},
    ]
    kinds = [notice.kind for read in reads for notice in read.notices]
    assert kinds == ["total_fell", "total_returned"]


def test_zeros_of_an_mbus_meter_that_starts_are_not_believed() -> None:
    healthy = test_mbus_line.water()
    meter = StartingMbus(device=healthy.device, primary=healthy.primary)
    address = test_mbus_line.secondary_of(meter)
    with mbus_meters.MbusLine([meter]) as line:
        reader = MbusDriver(
            test_mbus_line.link_to(line.port),
            [DriverMeter(serial="M-1", device_address=address)],
            clock=Hands(),
        )
        reader.read(test_mbus_line.JOB, retry_count=0)
        check(read_while_it_starts(meter, reader, test_mbus_line.JOB))
        reader.close()


def cjt188_reader(
    line: cjt188_meters.Cjt188Line, meter: StartingCjt188, learnt: dict[str, Learnt]
) -> Cjt188Driver:
    link = test_cjt188_line.link_to(line.port)
    return Cjt188Driver(link, [test_cjt188_line.settings(meter)], learnt, Hands())


def test_zeros_of_a_cjt188_meter_that_starts_are_not_believed_over_a_restart_either() -> None:
    meter = StartingCjt188(meter_type=0x10, address=f"{1:014d}")
    with cjt188_meters.Cjt188Line([meter]) as line:
        reader = cjt188_reader(line, meter, {})
        check(read_while_it_starts(meter, reader, test_cjt188_line.JOB))
        known = {name: kept_of(each) for name, each in reader.learnt().items()}
        reader.close()
        meter.is_starting = True
        kept = {name: each for name, each in known.items() if each is not None}
        reader = cjt188_reader(line, meter, kept)
        read = reader.read(test_cjt188_line.JOB, retry_count=0)
        reader.close()

    assert read.quality == {Quantity.VOLUME_M3: SUSPECT_RATE}


def test_an_mbus_device_of_another_version_begins_with_its_own_totals() -> None:
    first, other = test_mbus_line.water(), test_mbus_line.water()
    other.device = replace(other.device, version=other.device.version + 1)
    first.asked = 5000
    first.knows_selection = other.knows_selection = True
    meters = [DriverMeter(serial="M-1", device_address="5")]
    with mbus_meters.MbusLine([first]) as line:
        reader = MbusDriver(test_mbus_line.link_to(line.port), meters, clock=Hands())
        for _ in range(2):
            reader.read(test_mbus_line.JOB, retry_count=0)
        kept = kept_of(reader.learnt()["M-1"])
        reader.close()
        assert kept is not None
        line.meters = [other]
        link = test_mbus_line.link_to(line.port)
        reader = MbusDriver(link, meters, {"M-1": kept}, clock=Hands())
        reads = [reader.read(test_mbus_line.JOB, retry_count=0) for _ in range(2)]
        reader.close()

    assert reads[-1].quality == {}
    assert reads[-1].values == test_mbus_line.now(other)
