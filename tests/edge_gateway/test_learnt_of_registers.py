"""What was learnt of Modbus meters outlasts a swap of the settings, and partly a restart."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from edge_gateway.links.bus_time import bus_time
from edge_gateway.links.driver import Driver, JobKind, JobRead
from edge_gateway.links.learnt import NOTHING_LEARNT, FoundOrder, Learnt, ModbusLearnt, Totals
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.modbus_unit import ModbusMeter
from edge_gateway.polling.drivers_io import LineOrder, make_line
from edge_gateway.polling.profiles_io import _plans
from firmware_profiles import library_io
from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from firmware_profiles.parse_profile import parse_profile
from firmware_profiles.profile import Profile
from firmware_profiles.rates import Point, Trail
from firmware_profiles.words import WordAddress
from tests.edge_gateway.learnt_over_restarts import restarted
from tests.edge_gateway.rig import LOOPBACK, MeterServer, Request, from_image
from tests.edge_gateway.test_looked_at_again import GAS, image
from tests.edge_gateway.test_modbus_driver import FAST, Hands, alpha, settings
from wire_contracts.quality import SUSPECT_RATE
from wire_contracts.quantities import Quantity

BROKEN_DEGC = -9999.0


GAS_JOB = JobKind(serial="G-1", group=next(iter(GAS.groups)))


NUMBERED = """
[[identify]]
method = "registers"
fc = 3
address = 30
count = 1
type = "u16"
as = "serial"
"""


def numbered_gas() -> Profile:
    """The gas meter's profile, with a register in which it shows its number."""
    text = (Path(library_io.__file__).parent / GAS.place).read_text("utf-8") + NUMBERED
    return parse_profile(GAS.place, tomllib.loads(text, parse_float=Decimal))


@contextmanager
def gas_meter(
    words: Mapping[WordAddress, int],
    learnt: Mapping[str, Learnt] = NOTHING_LEARNT,
    profile: Profile = GAS,
) -> Iterator[Driver]:
    with MeterServer(units={1: from_image(words)}) as plant:
        url = parse_url(f"tcp://{LOOPBACK}:{plant.port}", place="test")
        meter = ModbusMeter(
            serial="G-1",
            device_address=1,
            profile=profile,
            plans=_plans("test", profile, bus_time(url)),
            timeout_s=0.5,
        )
        order = LineOrder(url=url, timeout_s=0.5, clock=Hands(), modbus=[meter], learnt=learnt)
        driver = make_line(order).driver
        yield driver
        driver.close()


def found_order(words: Mapping[WordAddress, int], profile: Profile = GAS) -> Mapping[str, Learnt]:
    with gas_meter(words, profile=profile) as driver:
        read = driver.read(GAS_JOB, retry_count=0)
        learnt = driver.learnt()

    assert read.profile == f"{profile.reference}+ABCD"
    return learnt


@pytest.mark.parametrize("is_restart", [False, True])
@pytest.mark.parametrize("fault_degc", [BROKEN_DEGC, 0.0, 850.0])
def test_a_sensor_that_is_broken_at_the_start_takes_no_other_value(
    tmp_path: Path, fault_degc: float, *, is_restart: bool
) -> None:
    learnt = found_order(image(21.3, 123456.7))
    known = restarted(learnt, tmp_path) if is_restart else learnt

    with gas_meter(image(fault_degc, 123456.9), known) as driver:
        reads = [driver.read(GAS_JOB, retry_count=0) for _ in range(3)]
        kept = restarted(driver.learnt(), tmp_path)

    for read in reads:
        assert read.profile.endswith("+ABCD")
        assert read.values[Quantity.VOLUME_BASE_M3] == pytest.approx(123456.9)
        assert not {Quantity.VOLUME_BASE_M3, Quantity.FLOW_BASE_M3H} & set(read.quality)
    assert kept.keys() == learnt.keys()


def test_a_meter_exchanged_while_the_gateway_was_down_is_not_read_in_the_order_kept(
    tmp_path: Path,
) -> None:
    """The order that was kept counts when a poll has decided it again, or the total goes on."""
    known = restarted(found_order(image(21.3, 123456.7)), tmp_path)
    words = swapped_words(image(0.0, 777.5))
    reads = []

    with gas_meter(words, known) as driver:
        for degc in (0.0, 0.0, 21.3):
            words.update(swapped_words(image(degc, 777.5)))
            reads.append(driver.read(GAS_JOB, retry_count=0))

    assert all(set(read.quality) >= set(read.values) for read in reads[:2])
    for read in reads:
        volume = read.values.get(Quantity.VOLUME_BASE_M3)
        is_good = volume is not None and Quantity.VOLUME_BASE_M3 not in read.quality
        assert not is_good or volume == pytest.approx(777.5)


def swapped_words(words: Mapping[WordAddress, int]) -> dict[WordAddress, int]:
    """The words of a meter that sends the low word of each number first."""
    return {(code, at ^ 1): word for (code, at), word in words.items()}


def test_an_order_that_the_values_contradict_is_dropped(tmp_path: Path) -> None:
    known = restarted(found_order(image(21.3, 123456.7)), tmp_path)

    with gas_meter(swapped_words(image(21.3, 777.5)), known) as driver:
        reads = [driver.read(GAS_JOB, retry_count=0) for _ in range(2)]
        kept = driver.learnt()["G-1"]

    assert [notice.kind for notice in reads[0].notices] == ["profile_mismatch", "total_fell"]
    for read in reads:
        volume = read.values.get(Quantity.VOLUME_BASE_M3)
        assert volume is None or volume == pytest.approx(777.5)
    assert reads[-1].profile.endswith("+CDAB")
    assert isinstance(kept, ModbusLearnt)
    assert kept.found == FoundOrder(profile=GAS.reference, order=ByteOrder.CDAB)


def test_a_meter_that_shows_another_number_inherits_no_order(tmp_path: Path) -> None:
    profile = numbered_gas()
    words = {**image(21.3, 123456.7), (3, 30): 4711}
    known = restarted(found_order(words, profile), tmp_path)
    same = {**image(BROKEN_DEGC, 123456.9), (3, 30): 4711}
    other = {**swapped_words(image(BROKEN_DEGC, 123456.9)), (3, 30): 4712}

    with gas_meter(same, known, profile) as driver:
        read = driver.read(GAS_JOB, retry_count=0)
    with gas_meter(other, known, profile) as driver:
        reads = [driver.read(GAS_JOB, retry_count=0) for _ in range(2)]

    assert read.values[Quantity.VOLUME_BASE_M3] == pytest.approx(123456.9)
    assert [each.values for each in reads] == [{}, {}]


def test_an_order_of_another_profile_is_not_taken_over() -> None:
    found = FoundOrder(profile="another@1", order=ByteOrder.ABCD)
    with gas_meter(image(BROKEN_DEGC, 1.0), {"G-1": ModbusLearnt(found=found)}) as driver:
        read = driver.read(GAS_JOB, retry_count=0)

    assert read.values == {}


HEAT = load_profile("twoflow_mag11@2")


HEAT_RUNS = {Quantity.FLOW_M3H: 12.5, Quantity.VOLUME_M3: 9876.0, Quantity.ENERGY_KWH: 123456.0}


def test_a_power_cut_of_gateway_and_meter_makes_no_zero_good(tmp_path: Path) -> None:
    words = dict(encode_values(HEAT, HEAT_RUNS))
    with MeterServer(units={1: from_image(words)}) as plant:
        setup = settings(tmp_path, plant.port, HEAT.reference)
        before = make_line(setup.order(Hands())).driver
        first = before.read(FAST, retry_count=0)
        known = restarted(before.learnt(), tmp_path)
        before.close()
        healthy = dict(words)
        words.update(encode_values(HEAT, dict.fromkeys(HEAT_RUNS, 0.0)))
        driver = make_line(setup.order(Hands(), known)).driver
        starting = driver.read(FAST, retry_count=0)
        words.update(healthy)
        back = driver.read(FAST, retry_count=0)
        driver.close()

    assert first.quality == back.quality == {}
    assert starting.quality[Quantity.VOLUME_M3] == SUSPECT_RATE
    assert starting.quality[Quantity.FLOW_M3H] == SUSPECT_RATE
    assert [notice.kind for notice in starting.notices] == ["total_fell"]


@pytest.mark.parametrize(("hours", "fell_to"), [(24, 1.0), (6, 0.0)])
def test_a_total_that_fell_is_believed_where_the_gateway_is_started_each_day(
    tmp_path: Path, hours: int, fell_to: float
) -> None:
    """Each day a new driver, with what the file of the one before says; daily and rarer zeros."""
    words, clock = dict(encode_values(HEAT, HEAT_RUNS)), Hands()
    reads: list[JobRead] = []
    known: Mapping[str, Learnt] = NOTHING_LEARNT
    with MeterServer(units={1: from_image(words)}) as plant:
        setup = settings(tmp_path, plant.port, HEAT.reference)
        for day in range(6):
            driver = make_line(setup.order(clock, known)).driver
            for _ in range(24 // hours):
                reads.append(driver.read(FAST, retry_count=0))
                fallen = dict.fromkeys(HEAT_RUNS, fell_to and fell_to + day)
                words.update(encode_values(HEAT, {**fallen, Quantity.FLOW_M3H: 12.5}))
                clock.now += timedelta(hours=hours)
            known = restarted(driver.learnt(), tmp_path)
            driver.close()
    suspects = [place for place, read in enumerate(reads) if read.quality]
    notices = [notice.kind for read in reads for notice in read.notices]

    assert suspects == list(range(1, 1 + len(suspects)))
    assert len(suspects) == (2 if fell_to else 5)
    assert notices == ["total_fell", "total_settled"]


def test_totals_of_another_profile_say_nothing_of_the_meter() -> None:
    stood = Trail(Point(Hands().now_utc(), 999_999.0))
    totals = Totals(of="another@1", trails={Quantity.VOLUME_BASE_M3: stood})
    with gas_meter(image(21.3, 123456.7), {"G-1": ModbusLearnt(totals=totals)}) as driver:
        read = driver.read(GAS_JOB, retry_count=0)

    assert read.quality == {}


def test_a_poisoned_register_is_asked_once_alone_and_not_looked_for_after_a_swap(
    tmp_path: Path,
) -> None:
    meter, asked = alpha(), list[tuple[int, int]]()
    meter.refused = {4}

    def behave(request: Request) -> bytes | None:
        asked.append((request.address, request.count))
        return meter(request)

    with MeterServer(units={1: behave}) as plant:
        setup = settings(tmp_path, plant.port, "alpha@1")
        before = make_line(setup.order(Hands())).driver
        for _ in range(3):
            before.read(FAST, retry_count=0)
        learnt = before.learnt()
        before.close()
        asked.clear()
        driver = make_line(setup.order(Hands(), learnt)).driver
        reads = [driver.read(FAST, retry_count=0) for _ in range(3)]
        driver.close()

    for read in reads:
        assert read.values == {Quantity.FLOW_M3H: 7.0}
        assert read.notices == ()
    assert [at for at, count in asked if 4 in range(at, at + count)] == [4]


def test_a_register_that_new_firmware_has_is_read_at_once_after_a_swap(tmp_path: Path) -> None:
    meter, clock = alpha(), Hands()
    meter.refused = {4}
    with MeterServer(units={1: meter}) as plant:
        setup = settings(tmp_path, plant.port, "alpha@1")
        before = make_line(setup.order(clock)).driver
        for _ in range(4):
            before.read(FAST, retry_count=0)
            clock.now += timedelta(minutes=15)
        learnt = before.learnt()
        before.close()
        meter.refused = set()
        driver = make_line(setup.order(clock, learnt)).driver
        read = driver.read(FAST, retry_count=0)
        driver.close()

    assert read.values == {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}
