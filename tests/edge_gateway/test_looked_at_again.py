"""A meter that has shown what it is shows it again: another may have taken its place."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from edge_gateway.links.bus_time import bus_time
from edge_gateway.links.driver import Driver, JobKind, JobRead
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.modbus_unit import ModbusMeter
from edge_gateway.polling.drivers_io import LineOrder, make_line
from edge_gateway.polling.profiles_io import _plans
from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.spans import setting_spans
from firmware_profiles.word_orders import with_order
from firmware_profiles.words import WordAddress
from tests.edge_gateway.rig import LOOPBACK, MeterServer, Request, from_image, until
from tests.edge_gateway.test_modbus_driver import FAST, MODELS, Hands, alpha, driver, settings
from tests.free_ports import free_port
from wire_contracts.quality import BAD_MISMATCH, BAD_PROFILE, SUSPECT_RANGE
from wire_contracts.quantities import Quantity

pytestmark = pytest.mark.usefixtures("unhurried")

HOUR = timedelta(hours=1)
URL = parse_url(f"tcp://{LOOPBACK}:502", place="test")
GAS = load_profile("cn_precession_vortex@1")
ANSWERS_IN = ByteOrder.ABCD
FAULTS_DEGC = (-9999.0, 9999.0, 9999.9, -9999.9, -999.0, 999.0, -999.9)


def test_a_meter_of_another_model_at_the_same_address_is_refused_within_an_hour(
    tmp_path: Path,
) -> None:
    meter, clock = alpha(), Hands()
    with driver(tmp_path, meter, "alpha@1", clock) as reader:
        before = reader.read(FAST, retry_count=0)
        meter.words.update({100: MODELS["beta"], 0: 4321})
        clock.now += HOUR
        after = [reader.read(FAST, retry_count=0) for _ in range(2)]

    assert before.values[Quantity.FLOW_M3H] == 7.0
    assert [read.values for read in after] == [{}, {}]
    assert set(after[0].quality.values()) == {BAD_MISMATCH}
    assert [notice.kind for notice in after[0].notices] == ["profile_mismatch"]


def test_one_strange_answer_to_a_routine_question_costs_nothing(tmp_path: Path) -> None:
    meter, clock, strange = alpha(), Hands(), [MODELS["beta"]]

    def behave(request: Request) -> bytes | None:
        if clock.now.hour and request.address == 100 and strange:
            return request.answer(strange.pop().to_bytes(2, "big"))
        return meter(request)

    with driver(tmp_path, behave, "alpha@1", clock) as reader:
        reader.read(FAST, retry_count=0)
        clock.now += HOUR
        again = reader.read(FAST, retry_count=0)

    assert strange == []
    assert (again.values[Quantity.FLOW_M3H], again.quality) == (7.0, {})


def test_a_routine_question_that_is_not_answered_costs_no_value(tmp_path: Path) -> None:
    meter, clock = alpha(), Hands()

    def behave(request: Request) -> bytes | None:
        return None if clock.now.hour and request.address == 100 else meter(request)

    with driver(tmp_path, behave, "alpha@1", clock, timeout_s=1.0) as reader:
        reader.read(FAST, retry_count=0)
        clock.now += HOUR
        again = reader.read(FAST, retry_count=0)

    assert again.values == {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}


def image(temperature_degc: float, volume_m3: float) -> dict[WordAddress, int]:
    """The words of a gas meter; its temperature may be a fault value that no profile encodes."""
    values = {Quantity.FLOW_BASE_M3H: 36.7, Quantity.VOLUME_BASE_M3: volume_m3}
    words = dict(encode_values(with_order(GAS, ANSWERS_IN), values))
    words[3, 0], words[3, 1] = struct.unpack(">2H", struct.pack(">f", temperature_degc))
    return words


@contextmanager
def gas_meter(words: Mapping[WordAddress, int], clock: Hands) -> Iterator[Driver]:
    with MeterServer(units={1: from_image(words)}) as plant:
        url = parse_url(f"tcp://{LOOPBACK}:{plant.port}", place="test")
        meter = ModbusMeter(
            serial="G-1",
            device_address=1,
            profile=GAS,
            plans=_plans("test", GAS, bus_time(url)),
            timeout_s=10.0,
        )
        line = make_line(LineOrder(url=url, timeout_s=10.0, clock=clock, modbus=[meter]))
        try:
            yield line.driver
        finally:
            line.driver.close()


@pytest.mark.parametrize("fault_degc", FAULTS_DEGC)
def test_a_broken_sensor_decides_no_byte_order(fault_degc: float) -> None:
    """What reads as -9999 in the right order reads as 0.008 degC in the other."""
    words, clock = image(fault_degc, 123456.7), Hands()
    job = JobKind(serial="G-1", group=next(iter(GAS.groups)))
    reads = []
    with gas_meter(words, clock) as reader:
        for hour in range(4):
            if hour == 2:
                words.update(image(21.3, 123456.9))
            reads.append(reader.read(job, retry_count=0))
            clock.now += HOUR

    assert [read.values for read in reads[:2]] == [{}, {}]
    for read in reads[2:]:
        assert read.profile.endswith("+ABCD")
        assert read.values[Quantity.VOLUME_BASE_M3] == pytest.approx(123456.9)
        assert read.quality == {}


def swapped(words: Mapping[WordAddress, int]) -> dict[WordAddress, int]:
    """The same numbers with their two words the other way round."""
    return {(fc, at ^ 1): word for (fc, at), word in words.items()}


def test_a_word_order_that_an_update_changed_gives_no_wrong_total() -> None:
    words, clock = image(20.5, 123487.5), Hands()
    job = JobKind(serial="G-1", group=next(iter(GAS.groups)))
    with gas_meter(words, clock) as reader:
        before = reader.read(job, retry_count=0)
        turned = swapped(words)
        words.clear()
        words.update(turned)
        clock.now += timedelta(minutes=15)
        torn = reader.read(job, retry_count=0)
        after = reader.read(job, retry_count=0)

    assert before.quality == {}
    assert torn.values == {}
    assert set(torn.quality.values()) == {BAD_MISMATCH}
    assert torn.raw is None
    assert [notice.kind for notice in after.notices] == ["profile_mismatch"]
    assert after.values[Quantity.VOLUME_BASE_M3] == before.values[Quantity.VOLUME_BASE_M3]


def test_words_that_only_fit_another_order_are_doubted_until_one_decides() -> None:
    """20.6 degC with its words the other way round is -107613440, as of a broken sensor."""
    words, clock = image(20.5, 123487.5), Hands()
    job = JobKind(serial="G-1", group=next(iter(GAS.groups)))
    with gas_meter(words, clock) as reader:
        reader.read(job, retry_count=0)
        turned = swapped(image(20.6, 123487.5))
        words.clear()
        words.update(turned)
        torn = reader.read(job, retry_count=0)

    assert set(torn.quality.values()) == {SUSPECT_RANGE}
    assert set(torn.quality) == set(torn.values)


@pytest.mark.parametrize("degc", [0.0, 850.0])
def test_an_order_that_turns_while_the_probe_tells_nothing_gives_no_good_value(
    degc: float,
) -> None:
    """A zero fits every order, and what a broken sensor shows none; the total leaves its trail."""
    words, clock = image(20.5, 123487.5), Hands()
    job = JobKind(serial="G-1", group=next(iter(GAS.groups)))
    with gas_meter(words, clock) as reader:
        reader.read(job, retry_count=0)
        turned = swapped(image(degc, 123487.7))
        words.clear()
        words.update(turned)
        reads = [reader.read(job, retry_count=0) for _ in range(2)]

    for torn in reads:
        assert set(torn.quality) >= set(torn.values)


def test_a_zero_of_the_probe_costs_nothing_while_the_total_goes_on() -> None:
    words, clock = image(20.5, 123487.5), Hands()
    job = JobKind(serial="G-1", group=next(iter(GAS.groups)))
    with gas_meter(words, clock) as reader:
        reader.read(job, retry_count=0)
        words.update(image(0.0, 123490.0))
        read = reader.read(job, retry_count=0)

    assert read.quality == {}
    assert read.values[Quantity.VOLUME_BASE_M3] == pytest.approx(123490.0)


def test_a_sensor_that_breaks_at_work_leaves_the_word_order_and_the_total() -> None:
    words, clock = image(20.5, 123487.5), Hands()
    job = JobKind(serial="G-1", group=next(iter(GAS.groups)))
    with gas_meter(words, clock) as reader:
        reader.read(job, retry_count=0)
        words.update(image(-9999.0, 123487.5))
        broken = reader.read(job, retry_count=0)

    assert broken.values[Quantity.VOLUME_BASE_M3] == pytest.approx(123487.5)
    assert Quantity.VOLUME_BASE_M3 not in broken.quality


def test_a_value_whose_multiplier_was_changed_behind_it_is_none(tmp_path: Path) -> None:
    """A TUF-2000M answers its totals in one request and their multiplier in another."""
    profile = load_profile("tuf_2000m@2")
    values = {Quantity.FLOW_M3H: 1.5, Quantity.ENERGY_KWH: 4800.0, Quantity.VOLUME_M3: 1234.0}
    words = {**encode_values(profile, values), (3, 1441): 1}
    multiplier = (3, profile.registers["total_multiplier"].span.address)
    keypad = [False]
    honest = from_image(words)

    def behave(request: Request) -> bytes | None:
        answer = honest(request)
        if keypad[0] and request.count > 10:
            keypad[0] = False
            words[multiplier] = words.get(multiplier, 0) + 1
        return answer

    with driver(tmp_path, behave, "tuf_2000m@2") as reader:
        before = reader.read(FAST, retry_count=0)
        keypad[0] = True
        torn = reader.read(FAST, retry_count=0)
        after = reader.read(FAST, retry_count=0)

    assert before.values[Quantity.VOLUME_M3] == pytest.approx(1234.0)
    assert Quantity.VOLUME_M3 not in torn.values
    assert torn.quality == {Quantity.VOLUME_M3: BAD_MISMATCH}
    assert torn.values[Quantity.FLOW_M3H] == 1.5
    assert torn.raw is None
    assert after.values[Quantity.VOLUME_M3] == pytest.approx(12340.0)
    assert after.quality == {}


@pytest.mark.parametrize("reference", available_profiles())
def test_settings_are_asked_behind_the_values_that_need_them(reference: str) -> None:
    profile = load_profile(reference)
    for group, plan in _plans("test", profile, bus_time(URL)).items():
        settings = {at for span in setting_spans(profile, group) for at in span.addresses()}
        holds = [not settings.isdisjoint(request.addresses()) for request in plan.requests]

        assert holds == sorted(holds)


def answers(reader: Driver, reads: list[JobRead]) -> bool:
    reads.append(reader.read(FAST, retry_count=0))
    return reads[-1].has_answered


@pytest.mark.parametrize("polls_in_the_cut", [0, 1, 2])
def test_behind_a_lost_line_a_meter_shows_what_it_is_before_its_values_count(
    tmp_path: Path, polls_in_the_cut: int
) -> None:
    """A power cut, in which somebody exchanges the meter."""
    meter, port = alpha(), free_port()
    reads: list[JobRead] = []
    with MeterServer(units={1: meter}, port=port):
        line = make_line(settings(tmp_path, port, "alpha@1").order(Hands()))
        before = [line.driver.read(FAST, retry_count=0) for _ in range(2)]
    with closing(line.driver):
        for _ in range(polls_in_the_cut):
            line.driver.read(FAST, retry_count=0)
        meter.words.update({100: MODELS["beta"], 0: 4321})
        with MeterServer(units={1: meter}, port=port):
            until(lambda: answers(line.driver, reads))

    assert [read.values[Quantity.FLOW_M3H] for read in before] == [7.0, 7.0]
    assert {value for read in reads for value in read.values.values()} == set()
    assert set(reads[-1].quality.values()) == {BAD_MISMATCH}


def test_the_same_meter_behind_a_lost_line_keeps_its_values(tmp_path: Path) -> None:
    meter, port = alpha(), free_port()
    reads: list[JobRead] = []
    with MeterServer(units={1: meter}, port=port):
        line = make_line(settings(tmp_path, port, "alpha@1").order(Hands()))
        line.driver.read(FAST, retry_count=0)
    with closing(line.driver), MeterServer(units={1: meter}, port=port):
        until(lambda: answers(line.driver, reads))

    assert reads[-1].values == {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}
    assert reads[-1].quality == {}


def test_a_routine_question_without_an_answer_is_not_asked_with_every_poll(tmp_path: Path) -> None:
    meter, clock, asked = alpha(), Hands(), []

    def behave(request: Request) -> bytes | None:
        if clock.now.hour and request.address == 100:
            asked.append(request)
            return None
        return meter(request)

    with driver(tmp_path, behave, "alpha@1", clock, timeout_s=1.0) as reader:
        reader.read(FAST, retry_count=0)
        clock.now += HOUR
        reads = [reader.read(FAST, retry_count=0) for _ in range(4)]

    assert len(asked) == 1
    assert all(read.values for read in reads)


def test_a_broken_sensor_at_the_start_leaves_the_words_for_later() -> None:
    """No value while the byte order is open, but nothing is thrown away (RULINGS R17)."""
    job = JobKind(serial="G-1", group=next(iter(GAS.groups)))
    with gas_meter(image(-9999.0, 123456.7), Hands()) as reader:
        read = reader.read(job, retry_count=0)

    assert read.values == {}
    assert set(read.quality.values()) == {BAD_PROFILE}
    assert read.raw is not None
