"""The Modbus driver on real sockets: what one job brings, what is refused, who is who."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_gateway.config import (
    AUTO,
    GatewayConfig,
    LinkConfig,
    MeterConfig,
    MqttConfig,
    QueueConfig,
)
from edge_gateway.links.answers import Answer, Fault
from edge_gateway.links.driver import Driver, Identity, JobKind
from edge_gateway.links.meter_reading import read_group
from edge_gateway.polling.drivers_io import make_line
from edge_gateway.polling.link_io import LinkParts, LinkWorker
from edge_gateway.polling.meter_clocks import MeterClocks, drift_seconds
from edge_gateway.polling.profiles_io import LinkSetup, load_links
from edge_gateway.queue.outbox_io import Outbox
from edge_gateway.queue.queue_store import open_queue
from firmware_profiles.decode import decode_group
from firmware_profiles.probe import MeantMeter
from firmware_profiles.words import Span
from tests.edge_gateway.rig import (
    LOOPBACK,
    Behave,
    FastClock,
    MeterServer,
    Request,
    running,
    silent,
    until,
)
from tests.edge_gateway.test_identify_command import VENDOR, device_with_objects
from wire_contracts.quality import BAD_MISMATCH, BAD_TIMEOUT, bad_exception
from wire_contracts.quantities import Quantity

pytestmark = pytest.mark.usefixtures("unhurried")

HEAD = """
[profile]
id = "{name}"
rev = 1
manufacturer = "maker"
model = "{name}"
kind = "heat"
medium = "water"
confidence = "high"

[link]
function_codes = [3]

[decode]
byte_order = "big"
word_order = "big"

[group]
fast = "1m"
day = "daily 00:05"

[[source]]
where = "made up"
kind = "code"

[[identify]]
method = "registers"
fc = 3
address = 100
count = 1
type = "u16"
equals = {model}
as = "model"

[[register]]
name = "flow"
fc = 3
address = 0
count = 1
type = "u16"
unit = "m3/h"
quantity = "flow"
access = "R"
group = "fast"

[[register]]
name = "power"
fc = 3
address = 4
count = 1
type = "u16"
unit = "kW"
quantity = "power"
access = "R"
group = "fast"

[[register]]
name = "energy"
fc = 3
address = 8
count = 2
type = "u32"
unit = "kWh"
quantity = "energy_heat"
access = "R"
group = "day"

[[test]]
name = "by hand"
origin = "computed"
fc = 3

[test.regs]
"0" = "0007"
"4" = "0009"

[test.expect]
flow_m3h = "7"
power_kw = "9"
"""
MODELS = {"alpha": 11, "beta": 22}


@dataclass
class Hands:
    """A clock that stands where it is put."""

    now: datetime = datetime(2026, 3, 1, tzinfo=UTC)

    def now_utc(self) -> datetime:
        return self.now

    def wall_seconds(self, seconds: float) -> float:
        return seconds


@dataclass
class Meter:
    """Registers by address; what is not there is refused with exception 2."""

    words: dict[int, int] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)

    def __call__(self, request: Request) -> bytes | None:
        addresses = range(request.address, request.address + request.count)
        if self.refused & set(addresses) or max(addresses) > 120:
            return request.exception(2)
        return request.answer(
            b"".join(self.words.get(at, 0).to_bytes(2, "big") for at in addresses)
        )


def alpha() -> Meter:
    return Meter(words={100: MODELS["alpha"], 0: 7, 4: 9, 9: 1234})


def settings(
    folder: Path, port: int, profile: str, candidates: Sequence[str] = (), serial: str = "HM-1"
) -> LinkSetup:
    profiles = folder / "profiles"
    profiles.mkdir(exist_ok=True)
    for name, model in MODELS.items():
        text = HEAD.format(name=name, model=model)
        (profiles / f"{name}@1.toml").write_text(text, encoding="utf-8")
    meter = MeterConfig(serial=serial, device_address=1, profile=profile, candidates=candidates)
    link = LinkConfig(
        name="plant", url=f"tcp://{LOOPBACK}:{port}", meters=[meter], timeout_s=10.0, retry_count=0
    )
    config = GatewayConfig(
        gateway_id="gw-01",
        data=folder,
        mqtt=MqttConfig(host=LOOPBACK),
        links=[link],
        profiles=profiles,
    )
    (setup,) = load_links(config)
    return setup


@contextmanager
def driver(
    folder: Path,
    meter: Behave,
    profile: str,
    clock: Hands | None = None,
    timeout_s: float = 10.0,
) -> Iterator[Driver]:
    with MeterServer(units={1: meter}) as plant:
        setup = settings(folder, plant.port, profile)
        line = make_line(replace(setup, timeout_s=timeout_s).order(clock or Hands()))
        try:
            yield line.driver
        finally:
            line.driver.close()


FAST = JobKind(serial="HM-1", group="fast")


def test_a_job_brings_values_words_and_the_name_of_its_profile(tmp_path: Path) -> None:
    with driver(tmp_path, alpha(), "alpha@1") as reader:
        read = reader.read(FAST, retry_count=0)
        day = reader.read(FAST._replace(group="day"), retry_count=0)

    assert read.values == {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}
    assert (read.quality, read.has_answered, read.profile) == ({}, True, "alpha@1")
    assert read.raw is not None
    assert dict(read.local) == {"flow": 7, "power": 9}
    assert day.values == {Quantity.ENERGY_KWH: 1234.0}


def test_a_silent_meter_is_an_absence_of_every_value(tmp_path: Path) -> None:
    with driver(tmp_path, silent, "alpha@1", timeout_s=0.2) as reader:
        read = reader.read(FAST, retry_count=0)

    assert (read.values, read.raw, read.has_answered) == ({}, None, False)
    assert read.quality == {Quantity.FLOW_M3H: BAD_TIMEOUT, Quantity.POWER_KW: BAD_TIMEOUT}


def test_a_poisoned_register_is_told_with_its_address_and_again_when_it_answers(
    tmp_path: Path,
) -> None:
    meter, clock = alpha(), Hands()
    meter.refused = {4}
    with driver(tmp_path, meter, "alpha@1", clock) as reader:
        reads = [reader.read(FAST, retry_count=0) for _ in range(4)]
        meter.refused = set()
        clock.now += timedelta(days=1)
        later = reader.read(FAST, retry_count=0)

    assert [notice.kind for notice in reads[0].notices] == ["register_refused"]
    assert "HM-1 group fast: function 3 address 4 is refused" in reads[0].notices[0].text
    assert [list(read.notices) for read in reads[1:]] == [[], [], []]
    for read in reads:
        assert read.values == {Quantity.FLOW_M3H: 7.0}
        assert read.quality == {Quantity.POWER_KW: bad_exception(2)}
    assert later.values == {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}
    assert [notice.kind for notice in later.notices] == ["register_answers"]


def test_a_meter_that_is_not_what_the_settings_say_gives_no_value(tmp_path: Path) -> None:
    meter, clock = alpha(), Hands()
    with driver(tmp_path, meter, "beta@1", clock) as reader:
        wrong = [reader.read(FAST, retry_count=0) for _ in range(2)]
        meter.words[100] = MODELS["beta"]
        clock.now += timedelta(hours=1)
        right = reader.read(FAST, retry_count=0)

    for read in wrong:
        assert (read.values, read.raw) == ({}, None)
        assert set(read.quality.values()) == {BAD_MISMATCH}
        assert read.has_answered
    assert [notice.kind for notice in wrong[0].notices] == ["profile_mismatch"]
    assert "HM-1: is not beta@1" in wrong[0].notices[0].text
    assert wrong[1].notices == ()
    assert right.values == {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}
    assert [notice.kind for notice in right.notices] == ["profile_matches"]


@pytest.mark.parametrize(
    ("held", "profiles"), [(MODELS["alpha"], ("alpha@1",)), (MODELS["beta"], ("beta@1",)), (77, ())]
)
def test_a_meter_says_itself_which_profile_it_is(
    tmp_path: Path, held: int, profiles: tuple[str, ...]
) -> None:
    with MeterServer(units={1: Meter(words={100: held})}) as plant:
        setup = settings(tmp_path, plant.port, AUTO, candidates=("alpha@1", "beta@1"))
        line = make_line(setup.order(Hands()))
        said = line.driver.identify("1")
        line.driver.close()

    assert isinstance(said, Identity)
    assert tuple(said.profiles) == profiles
    assert said.facts.get("model", str(held)) == str(held)


def test_the_daily_group_of_a_profile_is_a_time_of_day(tmp_path: Path) -> None:
    setup = settings(tmp_path, 502, "alpha@1")
    cadences: Mapping[str, object] = setup.meters[0].intervals

    assert {name: str(every) for name, every in cadences.items()} == {
        "fast": "0:01:00",
        "day": "daily 00:05",
    }


GUARD = """
[guard]
register = "maker_number"
equals = "device_address"

[[register]]
name = "maker_number"
fc = 3
address = 6
count = 1
type = "u16"
quantity = "serial"
access = "R"
"""


def test_a_meter_that_refuses_everything_is_said_to_refuse(tmp_path: Path) -> None:
    refusing: list[bool] = [True]

    def starting(request: Request) -> bytes | None:
        return request.exception(2) if refusing[0] else alpha()(request)

    with driver(tmp_path, starting, "alpha@1") as reader:
        before = reader.read(FAST, retry_count=0)
        refusing[0] = False
        after = reader.read(FAST, retry_count=0)

    assert set(before.quality.values()) == {bad_exception(2)}
    assert {fault.quality for fault in before.faults} == {bad_exception(2)}
    assert after.values == {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}


@pytest.mark.parametrize(("held", "profiles"), [(4711, ("alpha@1",)), (4712, ())])
def test_a_polled_meter_is_known_by_the_serial_number_in_the_settings(
    tmp_path: Path, held: int, profiles: tuple[str, ...]
) -> None:
    with MeterServer(units={1: Meter(words={100: held})}) as plant:
        setup = settings(tmp_path, plant.port, AUTO, candidates=("alpha@1",), serial="4711")
        text = HEAD.format(name="alpha", model='"serial"').replace('as = "model"', 'as = "serial"')
        (tmp_path / "profiles" / "alpha@1.toml").write_text(text, encoding="utf-8")
        line = make_line(setup.order(Hands()))
        said = line.driver.identify("1")
        line.driver.close()

    assert isinstance(said, Identity)
    assert tuple(said.profiles) == profiles


def test_a_silent_meter_that_must_say_what_it_is_costs_one_time_out(tmp_path: Path) -> None:
    with MeterServer(units={1: silent}) as plant:
        setup = settings(tmp_path, plant.port, AUTO, candidates=("alpha@1", "beta@1"))
        text = HEAD.format(name="beta", model=22).replace("address = 100", "address = 101")
        (tmp_path / "profiles" / "beta@1.toml").write_text(text, encoding="utf-8")
        line = make_line(replace(setup, timeout_s=0.2).order(Hands()))
        said = [line.driver.identify("1") for _ in range(3)]
        line.driver.close()

    assert [isinstance(each, Fault) and each.quality for each in said] == [BAD_TIMEOUT] * 3
    assert [request.address for request in plant.asked] == [100, 101, 100]


@pytest.mark.parametrize(("vendor", "profiles"), [(VENDOR[0], ("alpha@1",)), ("Nobody", ())])
def test_a_polled_meter_is_asked_for_its_device_identification(
    tmp_path: Path, vendor: str, profiles: tuple[str, ...]
) -> None:
    with device_with_objects() as port:
        setup = settings(tmp_path, port, AUTO, candidates=("alpha@1",))
        text = HEAD.format(name="alpha", model=11)
        row = f'method = "fc2b_0e"\nobject = "vendor"\nequals = "{vendor}"\n'
        head, _, tail = text.partition('method = "registers"')
        rest = tail[tail.index("[[register]]") :]
        (tmp_path / "profiles" / "alpha@1.toml").write_text(head + row + "\n" + rest)
        line = make_line(setup.order(Hands()))
        said = line.driver.identify("1")
        again = line.driver.identify("1")
        line.driver.close()

    assert isinstance(said, Identity)
    assert tuple(said.profiles) == profiles
    assert again == said


def write_guarded(folder: Path) -> None:
    """A profile of two blocks of seven words, the guard last in one and first in the other."""
    text = HEAD.format(name="guarded", model=11).replace("address = 8", "address = 11")
    limits = "max_registers = 7\nforbidden = [[13, 90]]\nfunction_codes"
    text = text.replace("function_codes", limits, 1).replace("[[test]]", GUARD + "\n[[test]]")
    (folder / "profiles").mkdir()
    (folder / "profiles" / "guarded@1.toml").write_text(text, encoding="utf-8")


def test_the_guard_alone_tells_blocks_of_one_length_apart(tmp_path: Path) -> None:
    write_guarded(tmp_path)
    (setup,) = settings(tmp_path, 502, "guarded@1").meters
    assert setup.profile is not None
    image = {0: 7, 4: 9, 6: 1, 12: 1234}
    who = MeantMeter(serial="HM-1", device_address=1)
    truth = {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0, Quantity.ENERGY_KWH: 1234.0}
    past: list[Span] = []

    def behind(request: Span) -> Answer:
        past.append(request)
        said = past[-2] if len(past) > 3 else request
        return tuple(image.get(at, 0) for at in range(said.address, said.end))

    sizes: set[int] = set()
    wrong: list[tuple[Quantity, float]] = []
    taken = 0
    for group in ("fast", "day") * 4:
        plan = setup.plans[group]
        read = read_group(plan, behind, retry_count=0, now_utc=NOON)
        sizes.update(request.word_count for request in plan.requests)
        values = decode_group(setup.profile, group, read.words, read.faults, who).values
        taken += len(values)
        wrong += [item for item in values.items() if item not in truth.items()]

    assert (sizes, wrong, taken) == ({7}, [], 5)


@pytest.mark.parametrize("behind_from", range(1, 6))
def test_a_guard_register_finds_a_meter_that_is_one_answer_behind(
    tmp_path: Path, behind_from: int
) -> None:
    meter = Meter(words={100: MODELS["alpha"], 6: 1, 0: 7, 4: 9, 12: 1234})
    past: list[Request] = []

    def behind(request: Request) -> bytes | None:
        past.append(request)
        is_behind = len(past) > behind_from
        answered = past[-2] if is_behind else request
        return meter(replace(answered, transaction=request.transaction))

    write_guarded(tmp_path)
    with driver(tmp_path, behind, "guarded@1") as reader:
        reads = [
            reader.read(FAST._replace(group=group), retry_count=0)
            for group in ("fast", "day", "fast", "day", "fast", "day")
        ]

    truth = {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0, Quantity.ENERGY_KWH: 1234.0}
    values = [item for read in reads for item in read.values.items()]
    assert [item for item in values if item not in truth.items()] == []
    assert not reads[-1].values


SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def test_a_meters_clock_is_compared_once_a_day_in_its_local_time() -> None:
    clocks = MeterClocks(SHANGHAI, 60.0)
    shown = datetime(2026, 3, 1, 12, 2)  # noqa: DTZ001  # a meter knows no zone
    first = clocks.look("HM-1", shown, NOON)
    again = clocks.look("HM-1", shown, NOON + timedelta(hours=1))
    small = clocks.look("HM-2", shown - timedelta(seconds=90), NOON)
    next_day = clocks.look("HM-1", shown, NOON + timedelta(days=1))

    assert (first, again, small) == (120.0, None, None)
    assert next_day == 120.0 - 86400
    assert clocks.drifts_s == {"HM-1": 120.0 - 86400, "HM-2": 30.0}


def test_an_hour_that_comes_twice_is_taken_as_the_nearer_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    shown = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001  # a meter knows no zone

    assert drift_seconds(shown, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), berlin) == 0
    assert drift_seconds(shown, datetime(2026, 10, 25, 1, 30, tzinfo=UTC), berlin) == 0


@dataclass
class Told:
    """What a link has the server told."""

    events: list[tuple[str, str]] = field(default_factory=list)

    def announce(self, kind: str, text: str) -> None:
        self.events.append((kind, text))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]


@contextmanager
def queue(folder: Path) -> Iterator[tuple[Outbox, Callable[[], list[dict[str, object]]]]]:
    """A real outbox, and the frames that its queue holds."""
    config = QueueConfig(commit_s=0.02)
    store, _ = open_queue(folder / "queue.sqlite3", config, NOON)
    outbox = Outbox(store, config, on_commit=lambda: None, reached=lambda _point: None)
    with running(lambda _stop: outbox.run()):
        yield outbox, lambda: [json.loads(frame.body) for frame in store.read_after(0, 1000)]
        outbox.close()
    store.close()


def test_a_meter_that_refuses_a_whole_group_is_not_called_silent(tmp_path: Path) -> None:
    """Between two questions for what it refuses nothing is asked: that is no silence of it."""
    meter, told = alpha(), Told()
    meter.refused = set(range(20))
    with MeterServer(units={1: meter}) as plant, queue(tmp_path) as (outbox, frames):
        parts = LinkParts(
            clock=FastClock(3600), outbox=outbox, announce=told.announce, is_raw_kept=True
        )
        worker = LinkWorker(settings(tmp_path, plant.port, "alpha@1"), parts)
        with running(worker.run):
            until(lambda: len(frames()) >= 12)
        found = frames()

    assert {"meter_silent", "link_silent"} & set(told.kinds()) == set()
    assert "register_refused" in told.kinds()
    assert all(not frame["v"] for frame in found)


def test_an_unknown_meter_is_not_polled_until_it_says_what_it_is(tmp_path: Path) -> None:
    meter, told = Meter(words={100: 77, 0: 7, 4: 9}), Told()
    with MeterServer(units={1: meter}) as plant, queue(tmp_path) as (outbox, frames):
        setup = settings(tmp_path, plant.port, AUTO, candidates=("alpha@1", "beta@1"))
        parts = LinkParts(
            clock=FastClock(3600), outbox=outbox, announce=told.announce, is_raw_kept=True
        )
        worker = LinkWorker(setup, parts)
        with running(worker.run):
            until(lambda: told.kinds() == ["meter_unknown"])
            unknown, before = worker.figures().unknown, frames()
            meter.words[100] = MODELS["alpha"]
            until(lambda: any(frame["v"] for frame in frames()))
        after = frames()

    assert (unknown, before) == (("HM-1",), [])
    assert told.kinds()[:2] == ["meter_unknown", "meter_identified"]
    assert "HM-1 on link plant is alpha@1" in told.events[1][1]
    assert {str(frame["p"]) for frame in after} == {"alpha@1"}
    assert worker.figures().unknown == ()
