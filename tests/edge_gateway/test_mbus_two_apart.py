"""Two M-Bus meters at one address whose answers a converter hands on one behind the other."""

import threading
from collections.abc import Iterator

import pytest
from typing_extensions import override

from edge_gateway.links import telegram_line_io
from edge_gateway.links.driver import TELEGRAM, DriverMeter, JobKind, JobRead
from edge_gateway.links.link_url import MbusUrl, parse_url
from edge_gateway.links.mbus_driver import MbusDriver
from edge_gateway.links.mbus_io import open_mbus
from meter_telegrams.mbus.frames import MbusFrame
from tests.edge_gateway.mbus_meters import ACK, MbusLine, SimulatedMeter
from tests.edge_gateway.rig import LOOPBACK
from tests.meter_telegrams.telegram_builder import WATER, Device
from wire_contracts.quality import BAD_MISMATCH, BAD_TIMEOUT

JOB = JobKind(serial="M-1", group=TELEGRAM)
PRIMARY = 5
FIRST_M3 = 10.0
"""What the first meter shows, its thousandths aside; the second shows twice as much."""
BREATH_S = 0.025
QUIET_S = 0.8
"""A busy machine takes longer breaths than a converter; what is tested is the order."""
_PAUSE = threading.Event()


class TwoApart(MbusLine):
    """Behind each telegram comes, a breath later, that of the other meter at the address."""

    @override
    def replies(self, request: MbusFrame) -> Iterator[bytes]:
        one, other = self.meters
        self.meters = [one]
        mine = list(super().replies(request))
        self.meters = [other]
        others = list(super().replies(request))
        self.meters = [one, other]
        yield from mine
        if others and others != [ACK]:
            _PAUSE.wait(BREATH_S)
            yield from others


@pytest.fixture(autouse=True)
def line_that_is_listened_to_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram_line_io, "TCP_QUIET_S", QUIET_S)


def meter(number: int) -> SimulatedMeter:
    device = Device(identification=f"{number:08d}", device_type=WATER)
    return SimulatedMeter(device=device, primary=PRIMARY)


def read_twice(address: str) -> list[JobRead]:
    with TwoApart([meter(1), meter(2)]) as line:
        url = parse_url(f"mbus://{LOOPBACK}:{line.port}")
        assert isinstance(url, MbusUrl)
        settings = [DriverMeter(serial="M-1", device_address=address)]
        driver = MbusDriver(open_mbus(url, 10.0), settings)
        reads = [driver.read(JOB, retry_count=0) for _ in range(2)]
        driver.close()
    return reads


def test_neither_of_two_meters_at_one_address_is_believed() -> None:
    reads = read_twice("5")

    assert [dict(read.values) for read in reads] == [{}, {}]
    assert all(set(read.quality.values()) <= {BAD_MISMATCH, BAD_TIMEOUT} for read in reads)
    assert reads[0].faults[-1].quality == BAD_MISMATCH


def test_a_named_one_of_two_meters_at_one_address_is_never_taken_for_the_other() -> None:
    values = [value for read in read_twice("5/00000001") for value in read.values.values()]

    assert all(FIRST_M3 < value < FIRST_M3 + 1 for value in values)
