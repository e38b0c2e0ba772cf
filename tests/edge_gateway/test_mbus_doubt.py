"""Whose an M-Bus telegram is, and of when: repeats, exchanged meters, two at one address."""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from edge_gateway.clock_io import SystemClock
from edge_gateway.links.driver import DriverMeter, JobKind, JobRead
from edge_gateway.links.learnt import Learnt
from edge_gateway.links.mbus_driver import MbusDriver
from edge_gateway.links.mbus_standing import BELIEVED_AFTER
from edge_gateway.polling.kept_learnt import kept_of
from meter_telegrams.mbus.frames import MbusFrame
from tests.edge_gateway.mbus_meters import Fault, MbusLine, SimulatedMeter
from tests.edge_gateway.test_mbus_line import (
    JOB,
    driver_for,
    faulty,
    link_to,
    now,
    water,
)
from tests.meter_telegrams.telegram_builder import WATER, Device
from wire_contracts.quality import BAD_MISMATCH, SUSPECT_STATUS
from wire_contracts.quantities import Quantity

SND_NKE = 0x40
ADDRESSES = ["5", "5/00000001", "00000001", "00000001.LMP.01.07", "0000000F"]


class Lossy:
    """Loses so many of the next SND_NKE."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: MbusFrame) -> bool:
        if request.control != SND_NKE or self.count == 0:
            return False
        self.count -= 1
        return True


def reads_of(
    driver: MbusDriver, meter: SimulatedMeter, count: int, retry_count: int = 1
) -> Iterator[tuple[JobRead, bool]]:
    """Yield reads, and whether each has the value that its own requests brought."""
    for _ in range(count):
        before = meter.asked
        read = driver.read(JOB, retry_count=retry_count)
        yield read, meter.asked > before and read.values == now(meter)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_lost_reset_brings_no_telegram_of_the_poll_before(address: str, lost: int) -> None:
    meter, lossy = water(), Lossy()
    with MbusLine([meter], is_lost=lossy) as line:
        driver = driver_for(line, [address])
        told = []
        for poll in range(6):
            lossy.count = lost if poll in {2, 4} else 0
            told += list(reads_of(driver, meter, 1))
        driver.close()

    assert [is_now for _, is_now in told] == [True] * 6
    assert {tuple(read.quality.items()) for read, _ in told} == {()}


MAKES: dict[str, dict[str, bool | int]] = {
    "ordinary": {},
    "ignores SND_NKE": {"acknowledges": False},
    "acknowledges SND_NKE, forgets nothing": {"forgets": False},
    "ignores SND_NKE, no access number": {"acknowledges": False, "counts_access": False},
    "no access number": {"counts_access": False},
    "no access number, no consumption": {"counts_access": False, "step": 0},
    "ignores SND_NKE, nothing ever changes": {
        "acknowledges": False,
        "counts_access": False,
        "step": 0,
    },
    "three telegrams": {"telegram_count": 3},
    "three telegrams, ignores SND_NKE": {"telegram_count": 3, "acknowledges": False},
    "three telegrams, forgets nothing": {"telegram_count": 3, "forgets": False},
}


def made(make: str) -> SimulatedMeter:
    meter = water()
    for name, value in MAKES[make].items():
        setattr(meter, name, value)
    return meter


@pytest.mark.parametrize("address", ["5", "00000001"])
@pytest.mark.parametrize("make", sorted(MAKES))
def test_a_meter_of_any_make_is_read_as_it_is_now(make: str, address: str) -> None:
    meter = made(make)
    with MbusLine([meter]) as line:
        driver = driver_for(line, [address])
        told = list(reads_of(driver, meter, 5))
        driver.close()

    assert [is_now for _, is_now in told] == [True] * 5
    assert {tuple(read.quality.items()) for read, _ in told} == {()}


@pytest.mark.parametrize("make", ["ignores SND_NKE", "acknowledges SND_NKE, forgets nothing"])
def test_a_meter_without_selection_that_forgets_nothing_is_read_as_it_is_now(make: str) -> None:
    meter = made(make)
    meter.knows_selection = False
    with MbusLine([meter]) as line:
        driver = driver_for(line, ["5/00000001"])
        told = list(reads_of(driver, meter, 8))
        driver.close()

    assert [is_now for _, is_now in told] == [True] * 8
    assert told[-1][0].quality == {}


def test_a_mute_meter_that_is_asked_only_once_is_found_again_after_a_silence() -> None:
    meter = water()
    meter.acknowledges = meter.knows_selection = False
    with MbusLine([meter]) as line:
        driver = driver_for(line, ["5"])
        values = [bool(driver.read(JOB, retry_count=0).values) for _ in range(3)]
        line.fault = lambda: Fault.SILENT
        driver.read(JOB, retry_count=0)
        line.fault = lambda: Fault.NONE
        again = [bool(driver.read(JOB, retry_count=0).values) for _ in range(3)]
        driver.close()

    assert values == [False, True, True]
    assert again == [False, True, True]


def test_two_meters_whose_number_is_a_pattern_are_not_taken_for_each_other() -> None:
    meters = [water(1, primary=5), water(2, primary=6)]
    meters[0].device = Device(identification="FFFFFFFF", device_type=WATER)
    with MbusLine(meters) as line:
        driver = driver_for(line, ["5"])
        before = [driver.read(JOB, retry_count=0) for _ in range(2)]
        line.meters = meters[1:]
        read = driver.read(JOB, retry_count=1)
        driver.close()

    assert {next(iter(each.quality.values())) for each in before} == {SUSPECT_STATUS}
    assert read.values == {}


def test_an_access_number_that_begins_again_is_no_repeat() -> None:
    meter = water()
    meter.asked, meter.step = 253, 0
    with MbusLine([meter]) as line:
        driver = driver_for(line)
        told = list(reads_of(driver, meter, 6, retry_count=0))
        driver.close()

    assert [is_now for _, is_now in told] == [True] * 6
    assert {0, 255} <= {read.local["access_no"] for read, _ in told}


def test_what_was_said_to_a_poll_that_failed_is_not_taken_for_today() -> None:
    meter, lossy = water(), Lossy()
    with MbusLine([meter], is_lost=lossy) as line:
        driver = driver_for(line, ["5"])
        driver.read(JOB, retry_count=0)
        line.fault = lambda: Fault.CHECKSUM
        failed = driver.read(JOB, retry_count=1)
        line.fault = lambda: Fault.NONE
        lossy.count = 9
        ((read, is_now),) = reads_of(driver, meter, 1)
        driver.close()

    assert failed.values == {}
    assert is_now
    assert read.quality == {}


def exchange(old: SimulatedMeter, *, serial: str, address: str, is_restarted: bool) -> JobRead:
    """Return what is read after a meter was exchanged at its address."""
    new = SimulatedMeter(device=Device(identification="00000777", device_type=WATER), primary=5)
    new.knows_selection = old.knows_selection
    job = JobKind(serial=serial, group=JOB.group)
    meter = DriverMeter(serial=serial, device_address=address)
    with MbusLine([old]) as line:
        driver = MbusDriver(link_to(line.port), [meter])
        for _ in range(4):
            driver.read(job, retry_count=0)
        line.meters = [new]
        if is_restarted:
            driver.close()
            driver = MbusDriver(link_to(line.port), [meter])
        read = driver.read(job, retry_count=0)
        driver.close()
    return read


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("knows_selection", [False, True])
@pytest.mark.parametrize(
    ("serial", "address"), [("LMP:00000001", "5"), ("LMP:1", "5"), ("M-1", "5/00000001")]
)
def test_an_exchanged_meter_that_the_settings_contradict_is_refused(
    serial: str, address: str, *, knows_selection: bool, is_restarted: bool
) -> None:
    old = water()
    old.knows_selection = knows_selection

    read = exchange(old, serial=serial, address=address, is_restarted=is_restarted)

    assert read.values == {}
    assert read.quality == {Quantity.VOLUME_M3: BAD_MISMATCH}
    assert "00000777" in read.faults[-1].detail


@pytest.mark.parametrize("knows_selection", [False, True])
def test_a_meter_that_is_exchanged_while_it_is_read_is_refused(*, knows_selection: bool) -> None:
    old = water()
    old.knows_selection = knows_selection

    read = exchange(old, serial="00000001", address="5", is_restarted=False)

    assert read.values == {}
    assert "00000777" in read.faults[-1].detail


def restart(
    line: MbusLine, learnt: Mapping[str, Learnt], *, serial: str = "M-1", address: str = "5"
) -> MbusDriver:
    """Return the driver of a gateway that starts anew with what it has kept."""
    meter = DriverMeter(serial=serial, device_address=address)
    kept = {name: known for name, each in learnt.items() if (known := kept_of(each)) is not None}
    return MbusDriver(link_to(line.port), [meter], kept, clock=SystemClock())


@pytest.mark.parametrize("serial", ["00000001", "M-1"])
@pytest.mark.parametrize("knows_selection", [False, True])
def test_a_meter_that_is_exchanged_while_the_gateway_is_off_is_refused_and_told_once(
    serial: str, *, knows_selection: bool
) -> None:
    old = SimulatedMeter(device=Device(identification="00000001"), primary=5)
    new = SimulatedMeter(device=Device(identification="00000777", manufacturer="KAM"), primary=5)
    old.knows_selection = new.knows_selection = knows_selection
    job = JobKind(serial=serial, group=JOB.group)
    with MbusLine([old]) as line:
        driver = restart(line, {}, serial=serial)
        before = [driver.read(job, retry_count=0) for _ in range(BELIEVED_AFTER + 2)]
        driver.close()
        line.meters = [new]
        driver = restart(line, driver.learnt(), serial=serial)
        reads = [driver.read(job, retry_count=0) for _ in range(4)]
        line.meters = [old]
        back = driver.read(job, retry_count=1)
        driver.close()

    assert before[-1].quality == {}
    assert [(read.values, read.has_answered) for read in reads] == [({}, True)] * 4
    assert [read.quality for read in reads] == [
        dict.fromkeys((Quantity.ENERGY_KWH, Quantity.VOLUME_M3), BAD_MISMATCH)
    ] * 4
    (told,) = [notice for read in reads for notice in read.notices]
    assert told.kind == "profile_mismatch"
    assert "address 5 answers as 00000777.KAM." in told.text
    assert ", not 00000001.LMP." in told.text
    assert back.values
    assert [notice.kind for notice in back.notices if "profile" in notice.kind] == [
        "profile_matches"
    ]


def test_a_meter_that_is_exchanged_while_it_is_read_is_told_once_with_both_names() -> None:
    old = SimulatedMeter(device=Device(identification="00000001"), primary=5)
    new = SimulatedMeter(device=Device(identification="00000777", manufacturer="KAM"), primary=5)
    with MbusLine([old]) as line:
        driver = restart(line, {})
        driver.read(JOB, retry_count=0)
        line.meters = [new]
        reads = [driver.read(JOB, retry_count=1) for _ in range(3)]
        driver.close()

    assert {tuple(sorted(read.quality)) for read in reads} == {
        (Quantity.ENERGY_KWH, Quantity.VOLUME_M3)
    }
    (told,) = [notice for read in reads for notice in read.notices]
    assert "address 5 answers as 00000777.KAM." in told.text
    assert ", not 00000001.LMP." in told.text


def test_a_meter_with_new_firmware_is_the_same_after_a_restart() -> None:
    meter = water()
    with MbusLine([meter]) as line:
        driver = restart(line, {})
        driver.read(JOB, retry_count=0)
        driver.close()
        meter.device = Device(identification="00000001", device_type=WATER, version=2)
        driver = restart(line, driver.learnt())
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == now(meter)
    assert read.quality == {}


@pytest.mark.parametrize("serial", ["LMP:00000001", "LMP:1", "KAM:0001", "00000777", "M-1"])
def test_a_serial_that_the_meter_does_not_contradict_is_read(serial: str) -> None:
    meter = water()
    with MbusLine([meter]) as line:
        named = [DriverMeter(serial=serial, device_address="5")]
        driver = MbusDriver(link_to(line.port), named)
        read = driver.read(JobKind(serial=serial, group=JOB.group), retry_count=0)
        driver.close()

    assert read.values == now(meter)
    assert read.quality == {}


def still(*numbers: int) -> list[SimulatedMeter]:
    """Return meters whose answers never change, so that what they say at once never does."""
    meters = [water(number) for number in numbers]
    for meter in meters:
        meter.counts_access, meter.step = False, 0
    return meters


def all_read(meters: Sequence[SimulatedMeter], addresses: Sequence[str]) -> list[list[JobRead]]:
    with MbusLine(meters) as line:
        driver = driver_for(line, addresses)
        reads = [
            [
                driver.read(JobKind(serial=f"M-{number}", group=JOB.group), retry_count=1)
                for number in range(1, len(addresses) + 1)
            ]
            for _ in range(BELIEVED_AFTER + 2)
        ]
        driver.close()
    return reads


def test_a_mixture_of_two_meters_that_passes_the_checksum_is_never_good() -> None:
    reads = [read for (read,) in all_read(still(4, 8), ["5"])]

    assert {read.quality[Quantity.VOLUME_M3] for read in reads} == {SUSPECT_STATUS}
    notices = [notice for read in reads for notice in read.notices]
    assert [notice.kind for notice in notices] == ["meter_unconfirmed"]
    assert "00000000.LMP.01.07" in notices[0].text


def test_two_meters_whose_mixture_has_the_name_of_one_are_read_one_by_one() -> None:
    meters = still(1, 3)
    for address in ("5", "5/00000001"):
        reads = [read for (read,) in all_read(meters, [address])]

        assert {tuple(read.values.values()) for read in reads} == {(10.0,)}
        assert {tuple(read.quality) for read in reads} == {()}


def test_two_meters_at_one_primary_address_are_both_read_by_their_names() -> None:
    meters = [water(24083344), water(24083345)]
    for reads in all_read(meters, ["5/24083344", "5/24083345"]):
        assert [int(read.values[Quantity.VOLUME_M3]) for read in reads] == [3440, 3450]
        assert [read.quality for read in reads] == [{}, {}]


def test_two_meters_at_one_primary_address_never_give_a_wrong_value_as_good() -> None:
    meters = [water(24083344), water(24083345)]
    meters[0].step, meters[1].step = 7, 13
    allowed: set[float] = set()
    wrong = []
    with MbusLine(meters) as line:
        driver = driver_for(line, ["5"], timeout_s=0.02)
        for _ in range(150):
            read = driver.read(JOB, retry_count=1)
            allowed |= {meter.number / 1000 for meter in meters}
            if not read.quality:
                wrong += [value for value in read.values.values() if value not in allowed]
        driver.close()

    assert wrong == []


def test_a_meter_without_selection_is_believed_once_it_was_heard_alone() -> None:
    meter = water()
    meter.knows_selection = False
    with MbusLine([meter]) as line:
        driver = driver_for(line, ["5"])
        reads = [driver.read(JOB, retry_count=0) for _ in range(BELIEVED_AFTER + 1)]
        plan = faulty(Fault.CHECKSUM)
        line.fault = lambda: next(plan)
        doubted = driver.read(JOB, retry_count=1)
        driver.close()

    codes = [read.quality.get(Quantity.VOLUME_M3) for read in reads]
    assert codes == [SUSPECT_STATUS] * (BELIEVED_AFTER - 1) + [None, None]
    assert all(list(read.values) == [Quantity.VOLUME_M3] for read in reads)
    assert doubted.quality == {Quantity.VOLUME_M3: SUSPECT_STATUS}


def test_a_meter_whose_number_is_known_is_read_although_its_version_has_changed() -> None:
    meter = water()
    with MbusLine([meter]) as line:
        driver = driver_for(line, ["5/0000000F"])
        driver.read(JOB, retry_count=0)
        meter.device = Device(identification="00000001", device_type=WATER, version=2)
        read = driver.read(JOB, retry_count=0)
        driver.close()

    assert read.values == now(meter)
    assert read.quality == {}
