"""M-Bus on a real line: never a wrong value, every fault as what it is."""

import random
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from edge_gateway.clock_io import SystemClock
from edge_gateway.links.answers import FaultKind
from edge_gateway.links.driver import TELEGRAM, DriverMeter, Identity, JobKind, JobRead
from edge_gateway.links.link_url import MbusUrl, SerialLine, TcpLine
from edge_gateway.links.mbus_driver import MbusDriver
from edge_gateway.links.mbus_io import TIMEOUTS_BEFORE_REOPEN, MbusLink
from edge_gateway.links.mbus_meter import ANYBODY, MbusAddressError, parse_meter
from edge_gateway.links.mbus_scan import scan_primary, scan_secondary
from edge_gateway.links.ports_io import open_port
from edge_gateway.polling.drivers_io import LineOrder, make_line
from meter_telegrams.mbus.frames import MbusFrame
from meter_telegrams.mbus.telegram import decode_mbus
from tests.edge_gateway.fault_slaves import pause_until
from tests.edge_gateway.mbus_meters import Fault, MbusLine, SimulatedMeter, good
from tests.edge_gateway.rig import LOOPBACK, read_in_time
from tests.edge_gateway.served_line import on_pty
from tests.free_ports import free_port
from tests.meter_telegrams.telegram_builder import WATER, Device
from wire_contracts.quality import BAD_CRC, BAD_MISMATCH, BAD_PROFILE, BAD_TIMEOUT, QualityCode
from wire_contracts.quantities import Quantity

TIMEOUT_S = 0.4
BIT_S = 0.00001
"""A fast line, so that silence costs little; the order of events is what is tested."""

JOB = JobKind(serial="M-1", group=TELEGRAM)
BUSY = QualityCode("bad_exception_8")


def water(number: int = 1, *, primary: int = 5, telegram_count: int = 1) -> SimulatedMeter:
    device = Device(identification=f"{number:08d}", device_type=WATER)
    return SimulatedMeter(device=device, primary=primary, telegram_count=telegram_count)


def secondary_of(meter: SimulatedMeter) -> str:
    device = meter.device
    kind = f"{device.version:02X}.{device.device_type:02X}"
    return f"{device.identification}.{device.manufacturer}.{kind}"


def link_to(port: int, timeout_s: float = TIMEOUT_S) -> MbusLink:
    line = TcpLine(host=LOOPBACK, port=port)
    return MbusLink(lambda: open_port(line, timeout_s=10.0), timeout_s, bit_s=BIT_S)


def driver_for(
    line: MbusLine, addresses: Sequence[str] = (), timeout_s: float = TIMEOUT_S
) -> MbusDriver:
    named = addresses or [secondary_of(meter) for meter in line.meters]
    meters = [
        DriverMeter(serial=f"M-{number}", device_address=address)
        for number, address in enumerate(named, start=1)
    ]
    return MbusDriver(link_to(line.port, timeout_s), meters)


def now(meter: SimulatedMeter) -> Mapping[Quantity, float]:
    """Return what a meter has made of the last request that it heard."""
    return {Quantity.VOLUME_M3: meter.number / 1000}


def faulty(*faults: Fault) -> Iterator[Fault]:
    yield from faults
    while True:
        yield Fault.NONE


def read_after(
    *faults: Fault, address: str = "", retry_count: int = 0
) -> tuple[JobRead, JobRead, SimulatedMeter]:
    """Return what a read with these faults brought, and the good read after it.

    Both come behind a first good read: of what a meter repeats nobody knows before that.
    """
    meter = water()
    with MbusLine([meter]) as line:
        driver = driver_for(line, [address or secondary_of(meter)])
        driver.read(JOB, retry_count=0)
        plan = faulty(*faults)
        line.fault = lambda: next(plan)
        first = driver.read(JOB, retry_count=retry_count)
        second = read_in_time(driver, JOB)
        driver.close()
    return first, second, meter


@pytest.mark.parametrize(
    "address", ["5", "5/00000001", "00000001", "00000001.LMP.01.07", "0000000F"]
)
def test_a_good_answer_is_a_value_with_its_telegram(address: str) -> None:
    meter = water()
    with MbusLine([meter]) as line:
        driver = driver_for(line, [address])
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == now(meter)
    assert read.quality == {}
    assert read.has_answered
    assert read.profile == "mbus@1"
    assert read.raw is not None
    assert read.local["identification"] == "00000001"
    assert decode_mbus(read.raw).primary_address == 5


WRONG = {
    Fault.SILENT: (BAD_TIMEOUT, FaultKind.TIMEOUT),
    Fault.LATE: (BAD_TIMEOUT, FaultKind.TIMEOUT),
    Fault.CHECKSUM: (BAD_CRC, FaultKind.MISMATCH),
    Fault.BIT_FLIP: (BAD_CRC, FaultKind.MISMATCH),
    Fault.CUT: (BAD_MISMATCH, FaultKind.MISMATCH),
    Fault.OTHER_METER: (BAD_MISMATCH, FaultKind.MISMATCH),
    Fault.OTHER_CONTROL: (BAD_MISMATCH, FaultKind.MISMATCH),
    Fault.NOISE_BEFORE: (BAD_MISMATCH, FaultKind.MISMATCH),
    Fault.NOISE_AFTER: (BAD_MISMATCH, FaultKind.MISMATCH),
    Fault.ONLY_NOISE: (BAD_MISMATCH, FaultKind.MISMATCH),
    Fault.TWO_FRAMES: (BAD_MISMATCH, FaultKind.MISMATCH),
    Fault.ONLY_ACK: (BAD_MISMATCH, FaultKind.MISMATCH),
    Fault.APPLICATION_ERROR: (BUSY, FaultKind.EXCEPTION),
    Fault.TORN_RECORD: (BAD_PROFILE, FaultKind.MISMATCH),
}


@pytest.mark.parametrize("fault", sorted(WRONG))
def test_a_fault_is_no_value_and_is_called_what_it_is(fault: Fault) -> None:
    quality, kind = WRONG[fault]

    read, after, meter = read_after(fault)

    assert read.values == {}
    assert read.quality == {Quantity.VOLUME_M3: quality}
    assert read.faults[-1].kind is kind
    assert after.values == {Quantity.VOLUME_M3: meter.number / 1000}


def test_another_address_in_the_answer_is_refused_where_one_was_asked() -> None:
    meter = water()
    meter.knows_selection = False
    plan = faulty(Fault.OTHER_ADDRESS)
    with MbusLine([meter], fault=lambda: next(plan)) as line:
        driver = driver_for(line, ["5"])
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.quality == {Quantity.VOLUME_M3: BAD_MISMATCH}


def test_colliding_answers_give_no_value() -> None:
    read, after, _ = read_after(Fault.COLLISION)

    assert read.values == {}
    assert after.quality == {}


def test_bytes_that_trickle_in_are_one_answer() -> None:
    read, after, _ = read_after(Fault.DRIBBLE)

    assert list(read.values) == list(after.values) == [Quantity.VOLUME_M3]


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.CUT, Fault.CHECKSUM, Fault.LATE])
def test_a_second_try_brings_the_value_of_now(fault: Fault) -> None:
    read, _, _ = read_after(fault, address="5", retry_count=2)

    assert read.values == {Quantity.VOLUME_M3: pytest.approx(10.0, abs=0.01)}
    assert read.faults[0].kind in {FaultKind.TIMEOUT, FaultKind.MISMATCH}


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LATE, Fault.ONLY_NOISE, Fault.MANY_ACKS])
def test_a_wrong_acknowledge_starts_no_readout(fault: Fault) -> None:
    meter = water()
    with MbusLine([meter], ack_fault=lambda: fault) as line:
        driver = driver_for(line, ["5/00000001"])
        read = driver.read(JOB, retry_count=0)
        line.ack_fault = good
        after = read_in_time(driver, JOB)
        driver.close()

    assert read.values == {}
    assert after.values == now(meter)


def test_a_meter_that_never_acknowledges_is_read_all_the_same() -> None:
    meter = water()
    meter.acknowledges = False
    with MbusLine([meter]) as line:
        driver = driver_for(line, ["5"])
        first = driver.read(JOB, retry_count=1)
        second = driver.read(JOB, retry_count=0)
        driver.close()

    assert list(first.values) == [Quantity.VOLUME_M3]
    assert second.quality == {}
    assert second.values == now(meter)


def test_an_application_reset_goes_before_the_readout_where_it_is_wanted() -> None:
    meter = water()
    with MbusLine([meter]) as line:
        named = [DriverMeter(serial="M-1", device_address="5/00000001")]
        driver = MbusDriver(link_to(line.port), named, is_reset=True)
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == now(meter)
    assert [frame.ci for frame in line.requests][:4] == [None, 0x52, 0x50, None]


def test_a_connection_on_which_nobody_ever_answers_is_opened_afresh() -> None:
    with MbusLine([water()]) as line:
        link = link_to(line.port, timeout_s=0.03)
        driver = MbusDriver(link, [DriverMeter(serial="M-1", device_address="77")])
        for _ in range(TIMEOUTS_BEFORE_REOPEN):
            driver.read(JOB, retry_count=0)
        driver.close()

    assert link.counts.reopens == 1


def test_a_long_answer_is_read_telegram_by_telegram() -> None:
    meter = water(telegram_count=4)
    with MbusLine([meter]) as line:
        driver = driver_for(line)
        first = driver.read(JOB, retry_count=0)
        second = driver.read(JOB, retry_count=0)
        driver.close()
    bits = [frame.control & 0x20 for frame in line.requests if frame.control & 0x0F == 0x0B]

    assert first.values == {Quantity.VOLUME_M3: 10.002}
    assert second.values == {Quantity.VOLUME_M3: 10.003}
    assert first.raw is not None
    assert first.raw.count(b"\x16") >= 4
    assert bits == [0x20, 0, 0x20, 0] * 3


def test_a_lost_telegram_of_a_long_answer_loses_the_whole_answer() -> None:
    meter = water(telegram_count=3)
    plan = faulty(Fault.NONE, Fault.CUT)
    with MbusLine([meter], fault=lambda: next(plan)) as line:
        driver = driver_for(line)
        read = driver.read(JOB, retry_count=0)
        after = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == {}
    assert after.values == {Quantity.VOLUME_M3: meter.number / 1000}


def test_an_endless_answer_is_given_up() -> None:
    meter = water(telegram_count=40)
    with MbusLine([meter]) as line:
        driver = driver_for(line)
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == {}
    assert read.quality == {Quantity.VOLUME_M3: BAD_PROFILE}
    assert "more than 16 telegrams" in read.faults[-1].detail


def test_the_echo_of_a_converter_is_not_an_answer() -> None:
    meter = water()
    with MbusLine([meter], echo=True) as line:
        driver = driver_for(line)
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == now(meter)


def test_an_echo_alone_is_silence() -> None:
    meter = water()
    with MbusLine([meter], echo=True) as line:
        driver = driver_for(line, ["77"])
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.quality == {Quantity.VOLUME_M3: BAD_TIMEOUT}


def test_an_exchanged_meter_at_a_primary_address_is_not_taken_for_the_old_one() -> None:
    meter = water()
    with MbusLine([meter]) as line:
        driver = driver_for(line, ["5"])
        driver.read(JOB, retry_count=0)
        meter.device = Device(identification="00000002", device_type=WATER)
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == {}
    assert read.quality == {Quantity.VOLUME_M3: BAD_MISMATCH}
    assert "00000002" in read.faults[-1].detail


def test_what_a_meter_has_shown_is_missed_when_it_falls_silent() -> None:
    meter = SimulatedMeter(device=Device(identification="00000001"), primary=5)
    with MbusLine([meter]) as line:
        driver = driver_for(line)
        driver.read(JOB, retry_count=0)
        line.fault = lambda: Fault.SILENT
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.quality == {Quantity.VOLUME_M3: BAD_TIMEOUT, Quantity.ENERGY_KWH: BAD_TIMEOUT}


def test_a_line_that_cannot_be_opened_blames_no_meter() -> None:
    driver = MbusDriver(link_to(free_port()), [DriverMeter(serial="M-1", device_address="5")])

    read = driver.read(JOB, retry_count=3)

    assert read.is_link_down
    assert read.quality == {Quantity.VOLUME_M3: BAD_TIMEOUT}
    assert not driver.open()


def test_a_dropped_connection_is_opened_again() -> None:
    with MbusLine([water()]) as line:
        driver = driver_for(line)
        driver.read(JOB, retry_count=0)
        line.drop()
        driver.read(JOB, retry_count=0)
        read = read_in_time(driver, JOB)
        driver.close()

    assert read.quality == {}


def test_the_driver_of_a_url_reads_through_a_serial_port() -> None:
    meter = water()
    with on_pty(MbusLine([meter])) as device:
        order = LineOrder(
            url=MbusUrl(line=SerialLine(device=device, baud=9600)),
            timeout_s=10.0,
            clock=SystemClock(),
            others=[DriverMeter(serial="M-1", device_address="5", profile="mbus@1")],
        )
        line = make_line(order)
        read = line.driver.read(JOB, retry_count=1)
        line.driver.close()

    assert read.values == now(meter)
    assert line.counts().is_open is False


def test_who_is_on_the_line_is_identified() -> None:
    meter = water()
    with MbusLine([meter]) as line:
        driver = driver_for(line)
        found = driver.identify(ANYBODY)
        same = driver.identify("5")
        nobody = driver.identify("6")
        driver.close()

    assert isinstance(found, Identity)
    assert found.profiles == ("mbus@1",)
    assert found.facts["secondary_address"] == "00000001.LMP.01.07"
    assert isinstance(same, Identity)
    assert not isinstance(nobody, Identity)


@pytest.mark.parametrize("address", ["251", "five", "1234567", "12345678.EF.00.07", "5/abc", "5.6"])
def test_an_address_no_meter_can_have_is_refused_with_the_remedy(address: str) -> None:
    with pytest.raises(MbusAddressError, match="write the primary address"):
        parse_meter(address)


def test_a_profile_of_another_protocol_is_refused() -> None:
    with pytest.raises(MbusAddressError, match="mbus@1"):
        parse_meter("5", "tuf_2000m@2")


def test_every_primary_address_is_scanned() -> None:
    meters = [water(1, primary=3), water(2, primary=7)]
    with MbusLine(meters) as line:
        link = link_to(line.port, timeout_s=1.0)
        steps = list(scan_primary(link, [3, 4, 7]))
        link.close()
    found = {step.tried: step.found.facts["serial"] for step in steps if step.found is not None}

    assert found == {"3": "00000001", "7": "00000002"}
    assert len(steps) == 3


def test_two_meters_at_one_primary_address_are_reported() -> None:
    with MbusLine([water(1), water(30)]) as line:
        link = link_to(line.port)
        (step,) = scan_primary(link, [5])
        link.close()

    assert step.found is None or step.found.facts["serial"] == "00000000"
    assert step.detail


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("240833FF", [24083344, 24083345]),
        ("000000FF", [1, 3, 90]),
        ("1234FFFF", [12345678, 12349999]),
    ],
)
def test_the_tree_of_wildcards_finds_every_meter_once(pattern: str, numbers: list[int]) -> None:
    scans: list[tuple[list[str], bool]] = []

    def is_found() -> bool:
        with MbusLine([water(number) for number in numbers]) as line:
            link = link_to(line.port, timeout_s=0.03)
            steps = list(scan_secondary(link, pattern))
            link.close()
        found = sorted(step.found.facts["serial"] for step in steps if step.found)
        scans.append((found, any(step.is_unread for step in steps)))
        return scans[-1] == ([f"{number:08d}" for number in numbers], False)

    assert pause_until(is_found), scans


def test_a_branch_where_nothing_readable_answers_is_named() -> None:
    scans: list[list[str]] = []

    def is_named() -> bool:
        with MbusLine([water(24083344)], fault=lambda: Fault.CHECKSUM) as line:
            link = link_to(line.port, timeout_s=0.03)
            steps = list(scan_secondary(link, "2408334F"))
            link.close()
        assert not any(step.found for step in steps)
        scans.append([step.tried for step in steps if step.is_unread])
        return scans[-1] == ["24083344"]

    assert pause_until(is_named), scans


@dataclass
class Soak:
    """What a soak brought: values that the meter did not give in that job, and good reads."""

    wrong: list[object] = field(default_factory=list)
    good: int = 0


def soaked(rounds: int, seed: int) -> Soak:
    """Read three meters through random faults; a value must be of its meter and of this job."""
    chance = random.Random(seed)
    data_faults = [each for each in Fault if each is not Fault.MANY_ACKS]
    ack_faults = [Fault.SILENT, Fault.LATE, Fault.ONLY_NOISE, Fault.MANY_ACKS, Fault.NONE]
    meters = [water(1, primary=1), water(2, primary=2, telegram_count=3), water(3, primary=3)]
    meters[0].forgets = meters[2].acknowledges = False
    soak = Soak()

    def data_fault() -> Fault:
        return chance.choice(data_faults) if chance.random() < 0.4 else Fault.NONE

    def ack_fault() -> Fault:
        return chance.choice(ack_faults) if chance.random() < 0.2 else Fault.NONE

    def is_lost(_: MbusFrame) -> bool:
        return chance.random() < 0.05

    with MbusLine(meters, is_lost=is_lost, fault=data_fault, ack_fault=ack_fault) as line:
        named = ["1/00000001", secondary_of(meters[1]), "3/00000003"]
        driver = driver_for(line, named, timeout_s=0.08)
        for _ in range(rounds):
            for number, meter in enumerate(meters, start=1):
                before = meter.asked
                read = driver.read(JobKind(serial=f"M-{number}", group=TELEGRAM), retry_count=1)
                asked = range(before + 1, meter.asked + 1)
                allowed = {(number * 10_000 + each) / 1000 for each in asked}
                soak.wrong += [value for value in read.values.values() if value not in allowed]
                soak.good += bool(read.values)
        driver.close()
    return soak


def test_faults_of_every_kind_in_any_order_never_give_a_wrong_value() -> None:
    soak = soaked(25, seed=13757)

    assert soak.wrong == []
    assert soak.good > 30


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4))
def test_a_night_of_faults_gives_no_wrong_value(seed: int) -> None:
    soak = soaked(500, seed)

    assert soak.wrong == []
    assert soak.good > 500


def test_an_answer_counts_although_the_far_end_hangs_up_behind_it() -> None:
    meter = water()
    with MbusLine([meter]) as line:
        line.hangs_up = True
        driver = driver_for(line, ["5/00000001"])
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == now(meter)


def test_a_far_end_that_takes_the_connection_and_says_nothing_is_silence() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        driver = MbusDriver(
            link_to(server.getsockname()[1]), [DriverMeter(serial="M-1", device_address="5")]
        )
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.quality == {Quantity.VOLUME_M3: BAD_TIMEOUT}
    assert not read.has_answered
