"""A byte order that was probed is held against register groups that have no probe of their own."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import pytest

from edge_gateway.links.bus_time import bus_time
from edge_gateway.links.driver import Driver, JobKind, JobRead
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.modbus_unit import ModbusMeter
from edge_gateway.polling.drivers_io import LineOrder, make_line
from edge_gateway.polling.profiles_io import _plans
from tests.edge_gateway.rig import LOOPBACK, MeterServer, from_image
from tests.edge_gateway.test_modbus_driver import Hands
from tests.firmware_profiles.profile_text import FLOW, HEAD, parsed, register
from tests.firmware_profiles.test_profile_word_orders import PROBE
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
    with MeterServer(units={1: from_image(image)}) as plant:
        url = parse_url(f"tcp://{LOOPBACK}:{plant.port}", place="test")
        one = ModbusMeter(
            serial="S-1",
            device_address=1,
            profile=PROFILE,
            plans=_plans("test", PROFILE, bus_time(url)),
            timeout_s=10.0,
        )
        driver = make_line(LineOrder(url=url, timeout_s=10.0, clock=clock, modbus=[one])).driver
        yield driver
        driver.close()


def test_a_total_that_grows_fast_is_good_once_the_probe_has_decided_again() -> None:
    image, clock = words(20.5, 0.0), Hands()
    reads: list[JobRead] = []
    with meter(image, clock) as driver:
        for volume_m3 in (0.0, 0.0, 3.0, 3.1, 3.11):
            image.update(words(20.5, volume_m3))
            reads.append(driver.read(SLOW, retry_count=0))
            clock.now += timedelta(minutes=5)

    assert [read.quality for read in reads] == [{}, {}, {Quantity.VOLUME_M3: SUSPECT_RANGE}, {}, {}]
    assert reads[-1].values[Quantity.VOLUME_M3] == pytest.approx(3.11)


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
