"""A byte order that was probed is held against register groups that have no probe of their own."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest

from edge_gateway.links.bus_time import bus_time
from edge_gateway.links.driver import Driver, JobKind, JobRead
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.modbus_unit import ModbusMeter
from edge_gateway.polling.drivers_io import LineOrder, make_line
from edge_gateway.polling.profiles_io import _plans
from tests.edge_gateway.rig import LOOPBACK, MeterServer, from_image, until
from tests.edge_gateway.test_modbus_driver import Hands
from tests.firmware_profiles.profile_text import FLOW, HEAD, parsed, register
from tests.firmware_profiles.test_profile_word_orders import PROBE
from tests.free_ports import free_port
from wire_contracts.quality import SUSPECT_RANGE
from wire_contracts.quantities import Quantity

pytestmark = pytest.mark.usefixtures("unhurried")

VOLUME = 'count = 2\ntype = "f32"\nunit = "m3"\nquantity = "volume"\ngroup = "slow"'
SPEED = 'count = 2\ntype = "f32"\nunit = "kW"\nquantity = "power"\ngroup = "hasty"'
PROFILE = parsed(
    HEAD.replace('word_order = "big"', 'word_order = "probe"').replace(
        'slow = "1h"', 'slow = "1h"\nhasty = "1m"'
    )
    + FLOW
    + register("volume", 20, VOLUME)
    + register("power", 30, SPEED)
    + PROBE
)
FAST, SLOW, HASTY = (JobKind(serial="S-1", group=group) for group in ("fast", "slow", "hasty"))


def words(
    flow_m3h: float, volume_m3: float, power_kw: float = 7.5, *, is_turned: bool = False
) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for at, value in ((10, flow_m3h), (20, volume_m3), (30, power_kw)):
        pair = struct.unpack(">2H", struct.pack(">f", value))
        found[3, at], found[3, at + 1] = pair[::-1] if is_turned else pair
    return found


@contextmanager
def meter(image: Mapping[tuple[int, int], int], clock: Hands) -> Iterator[Driver]:
    with (
        MeterServer(units={1: from_image(image)}) as plant,
        closing(driver_to(plant.port, clock)) as driver,
    ):
        yield driver


def driver_to(port: int, clock: Hands) -> Driver:
    url = parse_url(f"tcp://{LOOPBACK}:{port}", place="test")
    one = ModbusMeter(
        serial="S-1",
        device_address=1,
        profile=PROFILE,
        plans=_plans("test", PROFILE, bus_time(url)),
        timeout_s=10.0,
    )
    return make_line(LineOrder(url=url, timeout_s=10.0, clock=clock, modbus=[one])).driver


@pytest.mark.parametrize("flow_m3h", [20.5, 20.4])
def test_a_new_meter_whose_total_grows_fast_is_good_at_once(flow_m3h: float) -> None:
    """The probe decides the first polls, then it may say nothing; 60 m3/h and more from zero."""
    image, clock = words(20.5, 0.0), Hands()
    reads: list[JobRead] = []
    with meter(image, clock) as driver:
        for volume_m3 in (0.0, 0.0, 5.0, 10.0, 15.1, 2000.0):
            reads += [driver.read(job, retry_count=0) for job in (SLOW, FAST)]
            image.update(words(flow_m3h, volume_m3))
            clock.now += timedelta(minutes=5)

    assert [read.quality for read in reads] == [{}] * len(reads)
    assert reads[-2].values[Quantity.VOLUME_M3] == pytest.approx(15.1)


def test_a_meter_that_stands_at_zero_is_good_while_its_probe_fits_the_order_shown() -> None:
    image, clock = words(20.5, 0.0), Hands()
    reads: list[JobRead] = []
    with meter(image, clock) as driver:
        for flow_m3h in (20.5, 20.4, 0.0, 20.6, 20.9, 20.5, 0.0):
            image.update(words(flow_m3h, 0.0))
            reads += [driver.read(job, retry_count=0) for job in (FAST, SLOW, HASTY)]
            clock.now += timedelta(minutes=20)

    assert [read.quality for read in reads] == [{}] * len(reads)


@pytest.mark.parametrize("volume_m3", [0.0, 1234.5])
@pytest.mark.parametrize("turned_to", [30.0, 1e5])
def test_an_order_that_turns_while_the_probe_fits_both_doubts_a_total_that_left(
    volume_m3: float, turned_to: float
) -> None:
    image, clock = words(20.5, volume_m3), Hands()
    with meter(image, clock) as driver:
        good = [driver.read(job, retry_count=0) for job in (FAST, SLOW)]
        image.update(words(0.0, volume_m3 + turned_to, is_turned=True))
        torn = [driver.read(job, retry_count=0) for job in (SLOW, FAST, HASTY, SLOW)]

    assert [read.quality for read in good] == [{}, {}]
    assert all(set(read.quality) >= set(read.values) for read in torn)


def test_a_meter_behind_a_lost_line_shows_its_order_again() -> None:
    """A power cut, in which one that stands at zero too may have been put there."""
    image, port, reads = words(20.5, 0.0), free_port(), list[JobRead]()
    with MeterServer(units={1: from_image(image)}, port=port):
        driver = driver_to(port, Hands())
        before = driver.read(FAST, retry_count=0)
    image.update(words(0.0, 0.0))

    def answers() -> bool:
        reads.append(driver.read(FAST, retry_count=0))
        return reads[-1].has_answered

    with closing(driver), MeterServer(units={1: from_image(image)}, port=port):
        until(answers)
        image.update(words(20.5, 0.0))
        shown = driver.read(FAST, retry_count=0)

    assert (before.quality, shown.quality) == ({}, {})
    assert reads[-1].quality == {Quantity.FLOW_M3H: SUSPECT_RANGE}


def test_an_order_that_turns_under_a_total_doubts_the_groups_that_cannot_tell() -> None:
    image, clock = words(20.5, 1234.5), Hands()
    with meter(image, clock) as driver:
        before = [driver.read(job, retry_count=0) for job in (FAST, SLOW, HASTY)]
        image.update(words(0.0, 1234.6, is_turned=True))
        torn = [driver.read(job, retry_count=0) for job in (SLOW, HASTY, FAST, HASTY)]
        image.update(words(20.5, 1234.6, is_turned=True))
        after = driver.read(HASTY, retry_count=0)

    assert [read.quality for read in before] == [{}, {}, {}]
    assert all(set(read.quality) >= set(read.values) for read in torn)
    is_good = not after.quality and after.values
    assert not is_good or after.values == {Quantity.POWER_KW: 7.5}
