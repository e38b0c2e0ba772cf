"""What was learnt of a meter outlasts a swap of the settings, and partly a restart."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.clock_io import SystemClock
from edge_gateway.links.bus_time import bus_time
from edge_gateway.links.cjt188_driver import Cjt188Driver
from edge_gateway.links.driver import Driver, DriverMeter, JobKind, JobRead
from edge_gateway.links.learnt import (
    NOTHING_LEARNT,
    Cjt188Learnt,
    FoundOrder,
    Learnt,
    MbusLearnt,
    ModbusLearnt,
    Totals,
)
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.mbus_driver import MbusDriver
from edge_gateway.links.mbus_standing import BELIEVED_AFTER
from edge_gateway.links.modbus_unit import ModbusMeter
from edge_gateway.polling.drivers_io import LineOrder, make_line
from edge_gateway.polling.kept_learnt import MeterKey, kept_json, kept_of, parse_kept
from edge_gateway.polling.learnt_store import (
    LEARNT_FILE,
    MOST_METERS,
    TOTALS_EVERY_S,
    LearntStore,
)
from edge_gateway.polling.profiles_io import _plans
from edge_gateway.run import run_gateway
from firmware_profiles import library_io
from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from firmware_profiles.parse_profile import parse_profile
from firmware_profiles.profile import Profile
from firmware_profiles.rates import Point, Rival, Trail
from firmware_profiles.words import WordAddress
from tests.edge_gateway.cjt188_meters import Cjt188Line
from tests.edge_gateway.cjt188_meters import SimulatedMeter as Cjt188Meter
from tests.edge_gateway.mbus_meters import Fault, MbusLine, SimulatedMeter
from tests.edge_gateway.order_rig import OrderDesk, Signer
from tests.edge_gateway.order_rig import settings as settings_of
from tests.edge_gateway.rig import (
    LOOPBACK,
    LedgerServer,
    MeterServer,
    Mosquitto,
    Request,
    from_image,
    running,
    until,
)
from tests.edge_gateway.test_cjt188_line import JOB as W_1
from tests.edge_gateway.test_cjt188_line import link_to as cjt188_link
from tests.edge_gateway.test_cjt188_line import settings as cjt188_settings
from tests.edge_gateway.test_looked_at_again import GAS, image
from tests.edge_gateway.test_mbus_line import JOB, link_to, now, water
from tests.edge_gateway.test_modbus_driver import FAST, Hands, alpha, settings
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import utc_from_ms
from wire_contracts.gateway_commands import ApplyConfig, CommandOutcome
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.quality import SUSPECT_RATE, SUSPECT_STATUS
from wire_contracts.quantities import TOTALISERS, Quantity

BROKEN_DEGC = -9999.0
GAS_JOB = JobKind(serial="G-1", group=next(iter(GAS.groups)))
KEY = MeterKey("mbus://plant:1", "M-1", "5")


def unselectable() -> SimulatedMeter:
    meter = water()
    meter.knows_selection = False
    return meter


@contextmanager
def mbus(line: MbusLine, learnt: Mapping[str, Learnt] = NOTHING_LEARNT) -> Iterator[MbusDriver]:
    meters = [DriverMeter(serial="M-1", device_address="5")]
    driver = MbusDriver(link_to(line.port), meters, learnt)
    yield driver
    driver.close()


def restarted(learnt: Mapping[str, Learnt], folder: Path) -> Mapping[str, Learnt]:
    """What the next start of the gateway knows of the same meters."""
    keys = {serial: KEY._replace(serial=serial) for serial in learnt}
    before = LearntStore(folder / LEARNT_FILE)
    before.take({keys[name]: each for name, each in learnt.items()})
    before.keep()
    store = LearntStore(folder / LEARNT_FILE)
    known = {serial: store.of(key) for serial, key in keys.items()}
    return {serial: each for serial, each in known.items() if each is not None}


def believed(line: MbusLine) -> Mapping[str, Learnt]:
    """Read a meter until it is believed without a selection."""
    with mbus(line) as driver:
        reads = [driver.read(JOB, retry_count=1) for _ in range(BELIEVED_AFTER + 1)]
        learnt = driver.learnt()

    assert reads[0].quality == {Quantity.VOLUME_M3: SUSPECT_STATUS}
    assert reads[-1].quality == {}
    return learnt


@pytest.mark.parametrize("is_restart", [False, True])
def test_a_meter_without_selection_stays_believed(tmp_path: Path, *, is_restart: bool) -> None:
    meter = unselectable()
    with MbusLine([meter]) as line:
        learnt = believed(line)
        known = restarted(learnt, tmp_path) if is_restart else learnt
        with mbus(line, known) as driver:
            read = driver.read(JOB, retry_count=1)

    assert read.quality == {}
    assert read.values == now(meter)


def test_another_meter_than_the_believed_one_is_refused(tmp_path: Path) -> None:
    with MbusLine([unselectable()]) as line:
        known = restarted(believed(line), tmp_path)
        other = water(777)
        other.knows_selection = False
        line.meters = [other]
        with mbus(line, known) as driver:
            reads = [driver.read(JOB, retry_count=1) for _ in range(BELIEVED_AFTER)]

    assert [read.values for read in reads] == [{}] * BELIEVED_AFTER


def test_an_answer_that_is_refused_ends_what_was_kept(tmp_path: Path) -> None:
    with MbusLine([unselectable()]) as line:
        known = restarted(believed(line), tmp_path)
        with mbus(line, known) as driver:
            line.fault = lambda: Fault.CHECKSUM
            driver.read(JOB, retry_count=0)
            line.fault = lambda: Fault.NONE
            read = driver.read(JOB, retry_count=0)
            forgotten = restarted(driver.learnt(), tmp_path)

    assert read.quality == {Quantity.VOLUME_M3: SUSPECT_STATUS}
    assert forgotten == {}


@pytest.mark.parametrize("is_restart", [False, True])
def test_a_swapped_meter_is_asked_its_way_at_once(tmp_path: Path, *, is_restart: bool) -> None:
    meter = Cjt188Meter(meter_type=0x10, address=f"{1:014d}", orders=frozenset({b"\x1f\x90"}))
    with Cjt188Line([meter]) as line:
        before = Cjt188Driver(cjt188_link(line.port), [cjt188_settings(meter)])
        for _ in range(2):
            before.read(W_1, retry_count=0)
        before.close()
        known = restarted(before.learnt(), tmp_path) if is_restart else before.learnt()
        driver = Cjt188Driver(cjt188_link(line.port), [cjt188_settings(meter)], known)
        read = driver.read(W_1, retry_count=0)
        driver.close()

    assert read.values == {Quantity.VOLUME_M3: 100.02}


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


def grown(volume_m3: float) -> dict[MeterKey, Learnt]:
    trail = Trail(Point(Hands().now_utc(), volume_m3))
    return {KEY: ModbusLearnt(totals=Totals(of="x@1", trails={Quantity.VOLUME_M3: trail}))}


def test_totals_that_only_grow_are_written_seldom_and_at_the_end(tmp_path: Path) -> None:
    now_s = [0.0]
    file = tmp_path / LEARNT_FILE
    store = LearntStore(file, lambda: now_s[0])
    store.take(grown(1.0))
    written = [LearntStore(file).of(KEY)]
    for now_s[0] in (60.0, TOTALS_EVERY_S - 1, TOTALS_EVERY_S, TOTALS_EVERY_S + 60):
        store.take(grown(now_s[0]))
        written.append(LearntStore(file).of(KEY))
    store.keep()
    written.append(LearntStore(file).of(KEY))

    values = [1.0, 1.0, 1.0, TOTALS_EVERY_S, TOTALS_EVERY_S, TOTALS_EVERY_S + 60]
    assert written == [grown(value)[KEY] for value in values]


def test_a_doubt_that_has_ended_is_written_at_once(tmp_path: Path) -> None:
    at_utc = Hands().now_utc()
    doubt = Rival(Point(at_utc, 2.0), polls=9, is_fall=True, held=timedelta(hours=1), is_kept=True)
    store = LearntStore(tmp_path / LEARNT_FILE, lambda: 0.0)
    written = []
    for trail in (
        Trail(Point(at_utc, 5000.0)),
        Trail(Point(at_utc, 5000.0), doubt, 4999.0),
        Trail(Point(at_utc, 3.0)),
    ):
        store.take({KEY: MbusLearnt(totals=Totals(of="x", trails={Quantity.VOLUME_M3: trail}))})
        kept = LearntStore(tmp_path / LEARNT_FILE).of(KEY)
        assert kept is not None
        written.append(kept.totals.trails[Quantity.VOLUME_M3].believed.value)

    assert written == [5000.0, 5000.0, 3.0]


@pytest.mark.parametrize("damage", [{"polls": 0}, {"held_ms": -1}, {"fell": 1}, {"at": "x"}])
def test_a_doubt_that_cannot_be_read_costs_its_own_meter_alone(
    tmp_path: Path, damage: JsonObject
) -> None:
    doubt: JsonObject = {"is": 2.0, "at": 0, "polls": 1, "held_ms": 0, "fell": True, "back": False}
    volume: JsonObject = {"is": 5.0, "at": 0, "rival": {**doubt, **damage}}
    totals: JsonObject = {"of": "x", "known": {"volume_m3": volume}}
    named: JsonObject = {"url": "tcp://a", "serial": "M-0", "address": "1", "kind": "mbus"}
    good = kept_json(KEY, Cjt188Learnt(is_swapped=True))
    file = tmp_path / LEARNT_FILE
    file.write_bytes(dump_json({"v": 1, "meters": [{**named, "totals": totals}, good]}))

    store = LearntStore(file)

    assert store.of(KEY) == Cjt188Learnt(is_swapped=True)
    assert store.of(MeterKey("tcp://a", "M-0", "1")) is None


def test_a_thousand_meters_wear_the_disk_as_little_as_the_manual_says(tmp_path: Path) -> None:
    learnt: dict[MeterKey, Learnt] = {}
    for number in range(MOST_METERS):
        key = MeterKey("rtu:///dev/ttyUSB0?baud=9600&parity=N", f"KAM:{number:08d}", "12")
        learnt[key] = ModbusLearnt(
            totals=Totals(of="twoflow_mag11@2", trails=dict.fromkeys(HEAT_TOTALS, TRAIL))
        )
    LearntStore(tmp_path / LEARNT_FILE).take(learnt)

    a_day = (tmp_path / LEARNT_FILE).stat().st_size * 86_400 / TOTALS_EVERY_S
    assert a_day <= 34e6


HEAT_TOTALS = (Quantity.VOLUME_M3, Quantity.ENERGY_KWH)
TRAIL = Trail(Point(Hands().now_utc(), 1234567.89))


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


def test_what_was_learnt_is_of_one_line_device_and_address_alone(tmp_path: Path) -> None:
    store = LearntStore(tmp_path / LEARNT_FILE)
    store.take({KEY: MbusLearnt(believed="00000001.LMP.01.07")})

    for other in (KEY._replace(url="mbus://plant:2"), KEY._replace(serial="M-2")):
        assert store.of(other) is None
    assert store.of(KEY._replace(device_address="6")) is None
    assert LearntStore(tmp_path / LEARNT_FILE).of(KEY) == store.of(KEY)


@pytest.mark.parametrize("content", [b"", b"{", b'{"v":1,"meters":[{"url":"x"}]}', b"\xff\xfe"])
def test_a_damaged_file_costs_what_was_learnt_and_nothing_else(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / LEARNT_FILE
    file.write_bytes(content)

    store = LearntStore(file)
    store.take({KEY: Cjt188Learnt(is_swapped=True)})

    assert LearntStore(file).of(KEY) == Cjt188Learnt(is_swapped=True)


@pytest.mark.parametrize("shown", ["", "x" * 2000, 7])
def test_one_entry_that_cannot_be_read_costs_its_own_meter_alone(
    tmp_path: Path, shown: str | int
) -> None:
    bad: JsonObject = {"profile": "a@1", "is": "ABCD", "shown": {"serial": shown}}
    named = {"url": "tcp://a", "serial": "M-0", "address": "1"}
    good = kept_json(KEY, Cjt188Learnt(is_swapped=True))
    file = tmp_path / LEARNT_FILE
    file.write_bytes(dump_json({"v": 1, "meters": [{**named, "order": bad}, good]}))

    store = LearntStore(file)

    assert store.of(KEY) == Cjt188Learnt(is_swapped=True)
    assert store.of(MeterKey("tcp://a", "M-0", "1")) is None


def test_what_a_meter_said_in_too_many_words_or_none_is_left_out(tmp_path: Path) -> None:
    shown = {"serial": "4711", "model": "", "firmware": "x" * 2000}
    found = FoundOrder(profile="a@1", order=ByteOrder.ABCD, shown=shown)
    LearntStore(tmp_path / LEARNT_FILE).take({KEY: ModbusLearnt(found=found)})

    kept = replace(found, shown={"serial": "4711"})
    assert LearntStore(tmp_path / LEARNT_FILE).of(KEY) == ModbusLearnt(found=kept)


def test_a_file_of_another_version_is_set_aside_and_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / LEARNT_FILE
    content = b'{"v":7,"meters":[{"url":"x"}]}'
    file.write_bytes(content)

    store = LearntStore(file)
    store.take({KEY: Cjt188Learnt(is_swapped=True)})

    assert (tmp_path / f"{LEARNT_FILE}.unread").read_bytes() == content
    assert LearntStore(file).of(KEY) == Cjt188Learnt(is_swapped=True)


def test_what_cannot_be_written_at_all_costs_nothing_until_the_next_start(tmp_path: Path) -> None:
    store = LearntStore(tmp_path / LEARNT_FILE)
    store.take({KEY._replace(serial="\ud800"): Cjt188Learnt(is_swapped=True)})

    assert store.of(KEY._replace(serial="\ud800")) == Cjt188Learnt(is_swapped=True)


def test_a_disk_that_takes_nothing_costs_nothing_until_the_next_start(tmp_path: Path) -> None:
    (tmp_path / LEARNT_FILE).mkdir()
    store = LearntStore(tmp_path / LEARNT_FILE)

    store.take({KEY: Cjt188Learnt(is_swapped=True)})

    assert store.of(KEY) == Cjt188Learnt(is_swapped=True)


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    store = LearntStore(tmp_path / LEARNT_FILE)
    keys = [KEY._replace(serial=f"M-{number}") for number in range(MOST_METERS + 1)]
    store.take(dict.fromkeys(keys, Cjt188Learnt(is_swapped=True)))

    again = LearntStore(tmp_path / LEARNT_FILE)

    assert store.of(keys[0]) is again.of(keys[0]) is None
    assert again.of(keys[1]) == again.of(keys[-1]) == Cjt188Learnt(is_swapped=True)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TOTALS = st.builds(
    Totals,
    of=TEXTS,
    trails=st.dictionaries(
        st.sampled_from(sorted(TOTALISERS)),
        st.builds(
            Trail,
            st.builds(
                Point,
                st.integers(0, 4_000_000_000_000).map(utc_from_ms),
                FINITE,
            ),
            st.none()
            | st.builds(
                Rival,
                st.builds(Point, st.integers(0, 4_000_000_000_000).map(utc_from_ms), FINITE),
                polls=st.integers(1, 10**9),
                is_fall=st.booleans(),
                is_back=st.booleans(),
                held=st.integers(0, 10**10).map(lambda ms: timedelta(milliseconds=ms)),
            ),
            st.none() | FINITE,
        ),
        min_size=1,
    ),
)
LEARNT = st.one_of(
    st.builds(
        Cjt188Learnt, is_swapped=st.booleans(), shown=st.one_of(st.just(""), TEXTS), totals=TOTALS
    ),
    st.builds(MbusLearnt, believed=st.one_of(st.just(""), TEXTS), totals=TOTALS),
    st.builds(ModbusLearnt, totals=TOTALS),
    st.builds(
        ModbusLearnt,
        found=st.builds(
            FoundOrder,
            profile=TEXTS,
            order=st.sampled_from(ByteOrder),
            shown=st.dictionaries(TEXTS, TEXTS, max_size=3),
        ),
    ),
)


@given(key=st.builds(MeterKey, TEXTS, TEXTS, TEXTS), learnt=LEARNT)
def test_what_is_kept_is_read_back(key: MeterKey, learnt: Learnt) -> None:
    kept = kept_of(learnt)
    read: FieldReader = read_json("test", dump_json(kept_json(key, kept or learnt)))

    assert parse_kept(read) == (key, kept or learnt)


def mbus_link(port: int, timeout_s: float) -> str:
    return f"""
[[link]]
name = "plant"
url = "mbus://{LOOPBACK}:{port}"
timeout_s = {timeout_s}
intervals = {{ telegram = "1s" }}
[[link.meter]]
serial = "M-1"
device_address = "5"
profile = "mbus@1"
"""


def test_a_revision_that_leaves_a_meter_without_selection_alone_is_confirmed(
    tmp_path: Path,
) -> None:
    """Its first values after the swap are as good as those before it."""
    signer = Signer()
    with (
        MbusLine([unselectable()]) as line,
        Mosquitto(folder=tmp_path, lines="allow_anonymous true\n") as broker,
        LedgerServer(broker.port) as server,
    ):
        desk = OrderDesk(server=server, signer=signer)
        config = settings_of(tmp_path, broker.port, signer, mbus_link(line.port, 0.3))
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: any(f.values and not f.quality for f in server.frames()))
            answer = desk.ask(ApplyConfig(number=1, settings=mbus_link(line.port, 0.4)))

    assert (answer.outcome, answer.text) == (CommandOutcome.DONE, answer.text)
    assert (tmp_path / "gateway" / LEARNT_FILE).exists()
