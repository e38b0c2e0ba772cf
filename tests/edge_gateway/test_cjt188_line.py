"""CJ/T 188 on a real line: never a wrong value, every fault as what it is."""

import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from typing_extensions import override

from edge_gateway.clock_io import SystemClock
from edge_gateway.links import telegram_line_io
from edge_gateway.links.answers import FaultKind
from edge_gateway.links.cjt188_driver import (
    ANYBODY,
    Cjt188AddressError,
    Cjt188Driver,
    parse_meter,
)
from edge_gateway.links.cjt188_io import Cjt188Link, open_cjt188
from edge_gateway.links.driver import TELEGRAM, DriverMeter, Identity, JobKind, JobRead
from edge_gateway.links.link_url import Cjt188Url, SerialLine, TcpLine, parse_url
from edge_gateway.links.ports_io import open_port
from edge_gateway.polling.drivers_io import LineOrder, make_line
from edge_gateway.polling.kept_learnt import kept_of
from meter_telegrams.cjt188.frames import parse_frame
from tests.edge_gateway.cjt188_meters import (
    CLOCK,
    HARMLESS,
    Cjt188Line,
    Fault,
    SimulatedMeter,
    bcd,
)
from tests.edge_gateway.rig import LOOPBACK, read_in_time
from tests.edge_gateway.served_line import on_pty
from tests.free_ports import free_port
from wire_contracts.quality import (
    BAD_CRC,
    BAD_MISMATCH,
    BAD_PROFILE,
    BAD_TIMEOUT,
    SUSPECT_RANGE,
    QualityCode,
)
from wire_contracts.quantities import Quantity

TIMEOUT_S = 0.4
CHAR_S = 0.0001
"""A fast line, so that silence costs little; the order of events is what is tested."""

JOB = JobKind(serial="W-1", group=TELEGRAM)


def water(address: int = 1) -> SimulatedMeter:
    return SimulatedMeter(meter_type=0x10, address=f"{address:014d}")


def settings(meter: SimulatedMeter, profile: str = "cjt188_water@1") -> DriverMeter:
    address = f"{meter.meter_type:02X}:{meter.address}"
    return DriverMeter(serial=f"W-{int(meter.address)}", device_address=address, profile=profile)


def link_to(port: int, timeout_s: float = TIMEOUT_S) -> Cjt188Link:
    line = TcpLine(host=LOOPBACK, port=port)
    return Cjt188Link(lambda: open_port(line, timeout_s=10.0), timeout_s, char_s=CHAR_S)


def driver_for(
    line: Cjt188Line, *, profile: str = "cjt188_water@1", timeout_s: float = TIMEOUT_S
) -> Cjt188Driver:
    meters = [settings(meter, profile) for meter in line.meters]
    return Cjt188Driver(link_to(line.port, timeout_s), meters)


def faulty(*faults: Fault) -> Iterator[Fault]:
    yield from faults
    while True:
        yield Fault.NONE


def read_after(*faults: Fault, retry_count: int = 0) -> tuple[JobRead, JobRead, SimulatedMeter]:
    """Return what a read with these faults brought, and the good read after it."""
    meter = water()
    plan = faulty(*faults)
    with Cjt188Line([meter], fault=lambda: next(plan)) as line:
        driver = driver_for(line)
        first = driver.read(JOB, retry_count=retry_count)
        second = read_in_time(driver, JOB)
        driver.close()
    return first, second, meter


def test_a_good_answer_is_a_value_with_its_telegram() -> None:
    read, _, _ = read_after()

    assert read.values == {Quantity.VOLUME_M3: 100.01}
    assert read.quality == {}
    assert read.has_answered
    assert read.profile == "cjt188_water@1"
    assert read.meter_clock is not None
    assert read.raw is not None
    assert parse_frame(read.raw).address == f"{1:014d}"


@pytest.mark.parametrize(
    ("fault", "quality", "kind"),
    [
        (Fault.SILENT, BAD_TIMEOUT, FaultKind.TIMEOUT),
        (Fault.LATE, BAD_TIMEOUT, FaultKind.TIMEOUT),
        (Fault.CHECKSUM, BAD_CRC, FaultKind.MISMATCH),
        (Fault.CUT, BAD_MISMATCH, FaultKind.MISMATCH),
        (Fault.OTHER_TYPE, BAD_MISMATCH, FaultKind.MISMATCH),
        (Fault.OTHER_ADDRESS, BAD_MISMATCH, FaultKind.MISMATCH),
        (Fault.OTHER_SERIAL, BAD_MISMATCH, FaultKind.MISMATCH),
        (Fault.OTHER_IDENTIFIER, BAD_MISMATCH, FaultKind.MISMATCH),
        (Fault.ONLY_NOISE, BAD_MISMATCH, FaultKind.MISMATCH),
        (Fault.TWO_THAT_DIFFER, BAD_MISMATCH, FaultKind.MISMATCH),
        (Fault.REFUSED, QualityCode("bad_exception_193"), FaultKind.EXCEPTION),
        (Fault.SHORT_DATA, BAD_PROFILE, FaultKind.MISMATCH),
    ],
)
def test_a_fault_is_no_value_and_is_called_what_it_is(
    fault: Fault, quality: QualityCode, kind: FaultKind
) -> None:
    read, after, meter = read_after(fault)

    assert read.values == {}
    assert read.quality == {Quantity.VOLUME_M3: quality}
    assert read.faults[-1].kind is kind
    assert after.values == {Quantity.VOLUME_M3: meter.number / 100}


@pytest.mark.parametrize("fault", sorted(HARMLESS))
def test_noise_around_a_good_answer_costs_nothing(fault: Fault) -> None:
    read, _, _ = read_after(fault)

    assert read.values == {Quantity.VOLUME_M3: 100.01}


def test_a_second_meter_at_the_address_that_a_converter_hands_on_later_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telegram_line_io, "TCP_QUIET_S", 0.8)
    meter = water()
    with Cjt188Line([meter], fault=lambda: Fault.TWO_APART) as line:
        url = parse_url(f"cjt188://{LOOPBACK}:{line.port}")
        assert isinstance(url, Cjt188Url)
        driver = Cjt188Driver(open_cjt188(url, 10.0), [settings(meter)])
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == {}
    assert read.quality == {Quantity.VOLUME_M3: BAD_MISMATCH}


@pytest.mark.parametrize(
    "fault", [Fault.SILENT, Fault.LATE, Fault.CUT, Fault.CHECKSUM, Fault.PREVIOUS]
)
def test_a_repeat_heals_silence_and_garbage(fault: Fault) -> None:
    read, _, _ = read_after(fault, retry_count=1)

    assert read.values == {Quantity.VOLUME_M3: 100.02}
    assert len(read.faults) == 1


def test_a_refusal_is_not_repeated() -> None:
    read, _, meter = read_after(Fault.REFUSED, retry_count=3)

    assert read.has_answered
    assert read.faults[0].detail == "refused 901F with C1, status 0400"
    assert meter.asked == 2


def test_an_adapter_that_echoes_is_tolerated() -> None:
    with Cjt188Line([water()], echo=True) as line:
        driver = driver_for(line)
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == {Quantity.VOLUME_M3: 100.01}


def test_an_echo_alone_is_silence() -> None:
    with Cjt188Line([water()], echo=True, fault=lambda: Fault.SILENT) as line:
        driver = driver_for(line)
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.quality == {Quantity.VOLUME_M3: BAD_TIMEOUT}
    assert not read.has_answered


def test_no_wrong_value_in_a_storm_of_faults() -> None:
    chance = random.Random(188)  # a storm, not a secret
    meters = [water(number) for number in range(1, 6)]
    last = Fault.NONE

    def fault() -> Fault:
        nonlocal last
        last = chance.choice(list(Fault)) if chance.random() < 0.6 else Fault.NONE
        return last

    good = wrong = 0
    with Cjt188Line(meters, fault=fault) as line:
        driver = driver_for(line, timeout_s=0.15)
        for _ in range(100):
            meter = chance.choice(meters)
            job = JobKind(serial=f"W-{int(meter.address)}", group=TELEGRAM)
            read = driver.read(job, retry_count=0)
            good += read.values == {Quantity.VOLUME_M3: meter.number / 100}
            wrong += bool(read.values) and read.values != {Quantity.VOLUME_M3: meter.number / 100}
            is_late = set(read.quality.values()) == {BAD_TIMEOUT}
            assert last not in HARMLESS or read.values or is_late
        driver.close()

    assert wrong == 0
    assert good > 30


def test_a_meter_of_2018_is_asked_its_way_after_a_first_silence() -> None:
    meter = SimulatedMeter(meter_type=0x10, address=f"{1:014d}", orders=frozenset({b"\x1f\x90"}))
    with Cjt188Line([meter]) as line:
        driver = driver_for(line)
        first = driver.read(JOB, retry_count=0)
        second = driver.read(JOB, retry_count=0)
        third = driver.read(JOB, retry_count=0)
        driver.close()

    assert first.quality == {Quantity.VOLUME_M3: BAD_TIMEOUT}
    assert (second.values, third.values) == (
        {Quantity.VOLUME_M3: 100.01},
        {Quantity.VOLUME_M3: 100.02},
    )


def test_without_a_profile_the_data_say_how_they_are_read() -> None:
    heat = SimulatedMeter(meter_type=0x20, address=f"{1:014d}")
    with Cjt188Line([heat]) as line:
        driver = driver_for(line, profile="")
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.profile == "cjt188_heat@1"
    assert read.values[Quantity.SUPPLY_TEMP_DEGC] == 85.5


def test_the_wrong_side_of_the_unit_gives_nothing_and_says_so() -> None:
    with Cjt188Line([water()]) as line:
        driver = driver_for(line, profile="cjt188_water_jy@1")
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.quality == {Quantity.VOLUME_M3: BAD_PROFILE}
    assert "choose the profile with or without _jy" in read.faults[0].detail


class TurnedMeter(SimulatedMeter):
    """Sends every number, its clock too, highest byte first."""

    @override
    def data(self) -> bytes:
        data = super().data()
        return data[3::-1] + data[4:5] + data[8:4:-1] + data[9:10] + data[16:9:-1] + data[17:]


@pytest.mark.parametrize("profile", ["", "cjt188_water@1"])
def test_numbers_highest_byte_first_give_nothing_and_the_fault_names_the_profile(
    profile: str,
) -> None:
    with Cjt188Line([TurnedMeter(meter_type=0x10, address=f"{1:014d}")]) as line:
        driver = driver_for(line, profile=profile)
        read = read_in_time(driver, JOB)
        driver.close()
        right = driver_for(line, profile="cjt188_water_high@1")
        found = read_in_time(right, JOB)
        right.close()

    assert (read.values, read.quality) == ({}, {Quantity.VOLUME_M3: BAD_PROFILE})
    assert read.faults[0].detail.endswith("name the profile cjt188_water_high@1")
    assert (found.values, found.quality) == ({Quantity.VOLUME_M3: 100.02}, {})


@dataclass
class ClockedMeter(SimulatedMeter):
    """Its clock shows what the test has put there."""

    clock: bytes = CLOCK

    @override
    def data(self) -> bytes:
        return super().data().replace(CLOCK, self.clock)


def test_a_clock_that_once_showed_the_byte_order_need_not_show_it_again() -> None:
    """2010-08-03 11:26:20 is 2026-11-03 08:10:20 in the other order; a dead clock is nothing."""
    meter = ClockedMeter(meter_type=0x10, address=f"{1:014d}")
    clocks = [CLOCK, bytes.fromhex("20261103081020"), bytes(7)]
    reads = []
    with Cjt188Line([meter]) as line:
        driver = driver_for(line)
        for meter.clock in clocks:
            reads.append(driver.read(JOB, retry_count=0))
        driver.close()
        driver = Cjt188Driver(link_to(line.port), [settings(meter)], driver.learnt())
        reads.append(driver.read(JOB, retry_count=0))
        driver.close()
        unknown = driver_for(line)
        never = unknown.read(JOB, retry_count=0)
        unknown.close()

    assert [read.quality for read in reads] == [{}] * 4
    assert set(never.quality.values()) == {SUSPECT_RANGE}


@dataclass
class PlainMeter(SimulatedMeter):
    """A water meter whose clock is not set; it shows what the test has put there."""

    shows: tuple[int, int] = (0, 0)

    @override
    def data(self) -> bytes:
        current, settled = self.shows
        return bcd(current) + b"\x2c" + bcd(settled) + b"\x2c" + bytes(9)


def test_a_meter_without_a_clock_is_in_doubt_with_a_reason_until_its_settled_value_decides() -> (
    None
):
    """12345 after 12000 makes sense in both orders; 12400 after 12360 in one alone."""
    meter = PlainMeter(meter_type=0x10, address=f"{1:014d}")
    reads = []
    with Cjt188Line([meter]) as line:
        driver = driver_for(line)
        for meter.shows in [(12345, 12000), (12346, 12000), (12400, 12360), (12445, 12360)]:
            reads.append(driver.read(JOB, retry_count=0))
        driver.close()
        kept = {name: known for name, each in driver.learnt().items() if (known := kept_of(each))}
        driver = Cjt188Driver(link_to(line.port), [settings(meter)], kept)
        reads.append(driver.read(JOB, retry_count=0))
        driver.close()

    assert [set(read.quality.values()) for read in reads] == [
        {SUSPECT_RANGE},
        {SUSPECT_RANGE},
        set(),
        set(),
        set(),
    ]
    (told,) = [notice for read in reads for notice in read.notices]
    assert told.kind == "byte_order_open"
    assert "123.45 by cjt188_water_low@1 or 452301 by cjt188_water_high@1" in told.text


def test_a_settled_value_that_fits_no_order_decides_none() -> None:
    meter = PlainMeter(meter_type=0x10, address=f"{1:014d}", shows=(0, 99_999_999))
    with Cjt188Line([meter]) as line:
        driver = driver_for(line)
        driver.read(JOB, retry_count=0)
        meter.shows = (12345, 12000)
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert set(read.quality.values()) == {SUSPECT_RANGE}


def test_the_one_meter_on_a_line_says_who_it_is() -> None:
    with Cjt188Line([SimulatedMeter(meter_type=0x20, address="00110040314132")]) as line:
        driver = Cjt188Driver(link_to(line.port), [])
        found = driver.identify(ANYBODY)
        driver.close()

    assert found == Identity(
        device_address="20:00110040314132",
        profiles=("cjt188_heat@1",),
        facts={
            "protocol": "CJ/T 188",
            "medium": "heat",
            "serial": "0040314132",
            "manufacturer": "0011",
        },
    )


def test_an_address_that_nobody_has_is_a_time_out() -> None:
    with Cjt188Line([water()]) as line:
        driver = Cjt188Driver(link_to(line.port), [])
        found = driver.identify("10:00000000000009")
        known = driver.identify("10:00000000000001")
        driver.close()

    assert not isinstance(found, Identity)
    assert found.kind is FaultKind.TIMEOUT
    assert isinstance(known, Identity)
    assert known.profiles == ("cjt188_water@1",)


def test_a_line_that_nobody_listens_on_is_down_and_no_meter_is_to_blame() -> None:
    driver = Cjt188Driver(link_to(free_port()), [settings(water())])
    read = driver.read(JOB, retry_count=2)
    again = driver.read(JOB, retry_count=2)

    assert not driver.open()
    assert read.is_link_down
    assert again.is_link_down
    assert "the line cannot be opened: " in read.faults[0].detail
    assert len(read.faults) == 1


def test_a_connection_that_is_lost_is_opened_again() -> None:
    with Cjt188Line([water()]) as line:
        link = link_to(line.port)
        driver = Cjt188Driver(link, [settings(water())])
        driver.read(JOB, retry_count=0)
        line.drop()
        read = read_in_time(driver, JOB)
        driver.close()

    assert read.values == {Quantity.VOLUME_M3: 100.02}
    assert link.counts.reopens == 1


def test_the_account_of_a_line_names_every_fault() -> None:
    plan = faulty(Fault.SILENT, Fault.CHECKSUM, Fault.OTHER_SERIAL, Fault.REFUSED, Fault.LATE)
    with Cjt188Line([water()], fault=lambda: next(plan)) as line:
        link = link_to(line.port)
        driver = Cjt188Driver(link, [settings(water())])
        for _ in range(7):
            driver.read(JOB, retry_count=0)
        driver.close()
    counts = link.counts

    assert (counts.requests, counts.timeouts, counts.crc_errors, counts.mismatches) == (7, 2, 1, 1)
    assert counts.exception_codes == {193: 1}
    assert counts.bytes_out == 7 * 20
    assert counts.turnarounds.quantile_s(0.5) is not None
    assert counts.busy_s > 0
    assert not counts.is_open


def test_a_serial_port_is_read_like_a_connection() -> None:
    meter = SimulatedMeter(meter_type=0x30, address=f"{1:014d}")
    plan = faulty(Fault.NONE, Fault.LATE, Fault.DRIBBLE)
    with on_pty(Cjt188Line([meter], fault=lambda: next(plan))) as device:
        url = Cjt188Url(line=SerialLine(device=device, baud=115200))
        order = LineOrder(
            url=url,
            timeout_s=TIMEOUT_S,
            clock=SystemClock(),
            others=[settings(meter, "cjt188_gas@1")],
        )
        line = make_line(order)
        reads = [line.driver.read(JOB, retry_count=0) for _ in range(4)]
        line.driver.close()

    assert [read.values.get(Quantity.VOLUME_ACTUAL_M3) for read in reads] == [
        100.01,
        None,
        100.03,
        100.04,
    ]
    assert line.counts().requests == 4


def test_a_serial_port_that_is_in_use_says_so() -> None:
    meter = water()
    with on_pty(Cjt188Line([meter])) as device:
        url = Cjt188Url(line=SerialLine(device=device))
        order = LineOrder(
            url=url, timeout_s=TIMEOUT_S, clock=SystemClock(), others=[settings(meter)]
        )
        holder = make_line(order)
        assert holder.driver.open()
        read = make_line(order).driver.read(JOB, retry_count=0)
        holder.driver.close()

    assert read.is_link_down
    assert "lock" in read.faults[0].detail


def test_a_far_end_that_hangs_up_at_once_is_no_meter_fault() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        link = link_to(server.getsockname()[1])
        driver = Cjt188Driver(link, [settings(water())])
        assert driver.open()
        server.accept()[0].close()
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == {}
    assert "line lost: " in read.faults[0].detail


@pytest.mark.parametrize(
    ("address", "profile", "text"),
    [
        ("7", "", "device_address: '7' is not TYPE:ADDRESS; write the type and the 14 digits"),
        ("20:1122334455667", "", "device_address: '20:1122334455667' is not TYPE:ADDRESS"),
        ("22:11223344556677", "", "device_address: type 22 is not read; use 10 to 19 water"),
        (
            "20:11223344556677",
            "cjt188_water@1",
            "profile: 'cjt188_water@1' reads no heat meter; use cjt188_heat@1, cjt188_heat_jy@1",
        ),
        ("20:11223344556677", "tuf_2000m@1", "profile: 'tuf_2000m@1' reads no heat meter"),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_the_remedy(
    address: str, profile: str, text: str
) -> None:
    with pytest.raises(Cjt188AddressError) as caught:
        parse_meter(address, profile)

    assert str(caught.value).startswith(text)
