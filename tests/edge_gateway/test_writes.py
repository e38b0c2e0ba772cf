"""Writing to a meter: only what profile and site allow, once, read back, and said as it was."""

import gc
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import ConfigError
from edge_gateway.config_io import parse_config
from edge_gateway.links.modbus_write_io import ModbusWriter, WriteOutcome, WriteReport
from edge_gateway.links.register_writes import (
    NotWritableError,
    value_in,
    words_of,
    writable_register,
)
from edge_gateway.polling.drivers_io import Line, make_line
from edge_gateway.polling.profiles_io import load_links
from edge_gateway.run import run_gateway
from firmware_profiles.parse_profile import parse_profile
from firmware_profiles.profile import Profile
from tests.edge_gateway.order_rig import OrderDesk, Signer, settings
from tests.edge_gateway.rig import LOOPBACK, LedgerServer, Mosquitto, running, until
from tests.edge_gateway.writable_meter import Fault, WritableMeter
from wire_contracts.gateway_commands import ApplyConfig, CommandOutcome, WriteRegister

PROFILE = """
[profile]
id = "heater"
rev = 1
manufacturer = "Example"
model = "E-1"
kind = "heat"
confidence = "high"
[link]
transport = ["tcp"]
function_codes = [1, 3, 5, 6, 16]
[decode]
byte_order = "big"
word_order = "big"
[group]
fast = "1s"
[[register]]
name = "flow"
fc = 3
address = 10
count = 2
type = "f32"
unit = "m3/h"
quantity = "flow"
access = "R"
group = "fast"
[[register]]
name = "setpoint"
fc = 3
address = 20
count = 1
type = "i16"
scale = "0.5"
unit = "degC"
quantity = "temperature"
wire = false
access = "RW"
[[register]]
name = "limit"
fc = 3
address = 22
count = 2
type = "f32"
unit = "bar"
wire = false
access = "RW"
[[register]]
name = "pulses"
fc = 3
address = 24
count = 2
type = "u32"
scale = "0.001"
unit = "m3"
wire = false
access = "RW"
[[register]]
name = "number"
fc = 3
address = 30
count = 1
type = "u16"
quantity = "serial"
access = "R"
[[register]]
name = "pump"
fc = 1
address = 3
count = 1
type = "bit"
wire = false
access = "RW"
[write]
setpoint = { min = 20, max = 90 }
limit = { min = 0, max = 16 }
pump = { min = 0, max = 1 }
pulses = { min = 0, max = 4294967.295 }
[[test]]
name = "ten"
origin = "computed"
fc = 3
regs = { "10" = "4120 0000" }
expect = { flow_m3h = 10 }
"""
BROKER = "allow_anonymous true\n"


def link(port: int, *, writes: str = "true", allowed: str = '["setpoint", "limit", "pump"]') -> str:
    return f"""
[[link]]
name = "boiler"
url = "tcp://{LOOPBACK}:{port}"
timeout_s = 10.0
writes = {writes}
[[link.meter]]
serial = "HM-1"
device_address = 1
profile = "heater@1"
writes = {allowed}
"""


@pytest.fixture
def meter() -> Iterator[WritableMeter]:
    with WritableMeter(words={10: 0x4120, 20: 100}) as server:
        yield server


def configured(folder: Path, links: str) -> str:
    (folder / "profiles").mkdir(exist_ok=True)
    (folder / "profiles" / "heater@1.toml").write_text(PROFILE)
    return f'[gateway]\nid = "gw-01"\nprofiles = "profiles"\n[mqtt]\nhost = "x"\n{links}'


def line_of(folder: Path, links: str) -> Line:
    text = configured(folder, links)
    config = parse_config(text, place="gateway.toml", folder=folder, environment={})
    return make_line(load_links(config)[0].order(SystemClock()))


def written(
    folder: Path, meter: WritableMeter, name: str, value: str, *, timeout_s: float = 10.0
) -> WriteReport:
    links = link(meter.port).replace("timeout_s = 10.0", f"timeout_s = {timeout_s}")
    line = line_of(folder, links)
    assert line.writer is not None
    try:
        return line.writer.write("HM-1", name, Decimal(value))
    finally:
        line.driver.close()


def test_a_write_is_sent_once_and_read_back(tmp_path: Path, meter: WritableMeter) -> None:
    report = written(tmp_path, meter, "setpoint", "55.5")

    assert report.outcome is WriteOutcome.WRITTEN
    assert (report.old, report.new) == ("50", "55.5")
    assert report.text == "HM-1: setpoint: 50 -> 55.5, read back"
    assert meter.words[20] == 111
    assert [body[1] for body in meter.writes] == [6]


def test_a_value_of_two_words_is_written_by_one_request(
    tmp_path: Path, meter: WritableMeter
) -> None:
    report = written(tmp_path, meter, "limit", "2.5")

    assert report.outcome is WriteOutcome.WRITTEN
    assert (meter.words[22], meter.words[23]) == (0x4020, 0)
    assert [body[1] for body in meter.writes] == [16]


def test_an_answer_to_a_write_has_every_digit_of_a_counter(
    tmp_path: Path, meter: WritableMeter
) -> None:
    meter.words |= {24: 0xFFFF, 25: 0xFFFF}
    line = line_of(tmp_path, link(meter.port, allowed='["pulses"]'))
    assert line.writer is not None
    try:
        report = line.writer.write("HM-1", "pulses", Decimal("1234567.891"))
    finally:
        line.driver.close()

    assert (report.old, report.new) == ("4294967.295", "1234567.891")


def test_a_meter_that_is_another_one_is_not_written(tmp_path: Path, meter: WritableMeter) -> None:
    """Somebody exchanged the meter: its guard shows another number than the settings say."""
    meter.words[30] = 4711
    configured(tmp_path, "")
    profile = tmp_path / "profiles" / "heater@1.toml"
    profile.write_text(f'{PROFILE}\n[guard]\nregister = "number"\nequals = "serial"\n')
    signer = Signer()
    with (
        Mosquitto(folder=tmp_path, lines=BROKER) as broker,
        LedgerServer(broker.port) as server,
    ):
        links = link(meter.port, allowed='["setpoint"]').replace("HM-1", "4711")
        config = settings(tmp_path, broker.port, signer, links, profiles="profiles")
        desk = OrderDesk(server=server, signer=signer)
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: server.ledger)
            right = desk.ask(WriteRegister(meter="4711", register="setpoint", value="60"))
            meter.words[30] = 4712
            wrong = desk.ask(WriteRegister(meter="4711", register="setpoint", value="70"))

    assert right.outcome is CommandOutcome.DONE
    assert (wrong.outcome, wrong.code) == (CommandOutcome.FAILED, "meter.unknown")
    assert "its guard shows another meter" in wrong.text
    assert len(meter.writes) == 1


def test_a_coil_is_written_as_a_coil(tmp_path: Path, meter: WritableMeter) -> None:
    report = written(tmp_path, meter, "pump", "1")

    assert (report.old, report.new) == ("0", "1")
    assert meter.coils[3] == 1
    assert [body[1] for body in meter.writes] == [5]


@pytest.mark.parametrize(
    ("name", "value", "ending"),
    [
        ("setpoint", "90.5", (WriteOutcome.REFUSED, "90.5 is outside 20..90; nothing was written")),
        ("setpoint", "19", (WriteOutcome.REFUSED, "19 is outside 20..90; nothing was written")),
        ("setpoint", "55.2", (WriteOutcome.REFUSED, "55.2 is no multiple of 0.5")),
        (
            "flow",
            "1",
            (WriteOutcome.DISALLOWED, "flow: is not allowed here; allowed: limit, pump, set"),
        ),
        ("nothing", "1", (WriteOutcome.DISALLOWED, "nothing: is not allowed here")),
    ],
)
def test_what_is_not_allowed_is_never_sent(
    tmp_path: Path, meter: WritableMeter, name: str, value: str, ending: tuple[WriteOutcome, str]
) -> None:
    report = written(tmp_path, meter, name, value)

    assert report.outcome is ending[0]
    assert ending[1] in report.text
    assert meter.writes == []


@pytest.mark.parametrize(
    ("fault", "outcome", "text"),
    [
        (Fault.REFUSES, WriteOutcome.FAILED, "the meter refuses 60 (exception 4); it holds 50"),
        (Fault.FORGETS, WriteOutcome.MISMATCH, "was confirmed, but it holds 50"),
        (Fault.SILENT_DONE, WriteOutcome.WRITTEN, "50 -> 60, read back although the write"),
        (Fault.SILENT_NOT_DONE, WriteOutcome.MISMATCH, "but it holds 50"),
        (Fault.GONE, WriteOutcome.UNKNOWN, "nobody knows what it holds"),
    ],
)
def test_what_the_meter_does_is_said_and_nothing_is_sent_twice(
    tmp_path: Path, meter: WritableMeter, fault: Fault, outcome: WriteOutcome, text: str
) -> None:
    meter.fault = fault
    report = written(tmp_path, meter, "setpoint", "60", timeout_s=1.0)

    assert report.outcome is outcome
    assert text in report.text
    assert len(meter.writes) == 1


def test_a_meter_that_cannot_be_read_is_not_written(tmp_path: Path, meter: WritableMeter) -> None:
    meter.is_gone = True
    report = written(tmp_path, meter, "setpoint", "60", timeout_s=0.2)

    assert report.outcome is WriteOutcome.FAILED
    assert "nothing was written" in report.text
    assert meter.writes == []


HEATER = parse_profile("heater", tomllib.loads(PROFILE, parse_float=Decimal))


@given(st.integers(40, 180))
def test_every_step_inside_the_range_has_words_that_mean_it(halves: int) -> None:
    target = writable_register(HEATER, "setpoint")
    words = words_of(target, Decimal(halves) / 2)

    assert Decimal(value_in(target, words)) == Decimal(halves) / 2


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_what_is_no_step_inside_the_range_has_no_words(value: Decimal) -> None:
    target = writable_register(HEATER, "setpoint")
    is_good = 20 <= value <= 90 and value % Decimal("0.5") == 0
    try:
        words_of(target, value)
    except NotWritableError:
        is_taken = False
    else:
        is_taken = True

    assert is_taken is is_good


@pytest.mark.parametrize("typed", ["8", "8.1", "7.123456", "0.000001", "16"])
def test_a_float_that_keeps_every_digit_typed_is_written(typed: str) -> None:
    target = writable_register(HEATER, "limit")

    assert float(value_in(target, words_of(target, Decimal(typed)))) == pytest.approx(float(typed))


@pytest.mark.parametrize("typed", ["7.123456789", "0.1000000001", "15.99999999"])
def test_a_float_that_would_hold_another_number_than_was_typed_is_refused(typed: str) -> None:
    target = writable_register(HEATER, "limit")
    with pytest.raises(NotWritableError, match="more digits than the register keeps") as refused:
        words_of(target, Decimal(typed))

    assert "it would hold" in str(refused.value)


PROBED = """
[[identify]]
method = "word_order_probe"
fc = 3
address = 22
count = 2
type = "f32"
min = 0
max = 100
[[test]]"""


def changed(*pairs: tuple[str, str]) -> Profile:
    text = PROFILE
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    return parse_profile("changed", tomllib.loads(text, parse_float=Decimal))


def test_a_value_whose_word_order_nobody_knows_is_not_writable() -> None:
    """Read back in the same wrong order it would look right, and the meter would hold another."""
    probed = changed(('word_order = "big"', 'word_order = "probe"'), ("[[test]]", PROBED))

    assert writable_register(probed, "setpoint").function == 6
    with pytest.raises(NotWritableError, match="order of words or bytes"):
        writable_register(probed, "limit")


@pytest.mark.parametrize("kind", ["string", "u16"])
def test_a_text_or_a_list_of_words_is_not_writable(kind: str) -> None:
    listed = changed(('count = 2\ntype = "f32"\nunit = "bar"', f'count = 2\ntype = "{kind}"'))

    with pytest.raises(NotWritableError, match="is not one number"):
        writable_register(listed, "limit")


def reachable(root: object) -> list[object]:
    """Everything that an object holds, and what that holds, classes and modules aside."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type) or type(each).__name__ == "module":
            continue
        seen[id(each)] = each
        if not callable(each) or hasattr(each, "__self__"):
            waiting += gc.get_referents(each)
    return list(seen.values())


def test_a_read_only_link_holds_nothing_that_could_write(
    tmp_path: Path, meter: WritableMeter
) -> None:
    read_only = line_of(tmp_path, link(meter.port, writes="false", allowed="[]"))
    writable = line_of(tmp_path, link(meter.port))

    assert read_only.writer is None
    assert not any(isinstance(each, ModbusWriter) for each in reachable(read_only))
    assert any(isinstance(each, ModbusWriter) for each in reachable(writable))


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        (
            link(502, writes="false"),
            r"link\[0\]\.meter\[0\]\.writes: stands on a read-only link; set writes = true",
        ),
        (link(502, allowed='["flow"]'), "writes: 'flow' is not under .write. of heater@1"),
        (
            link(502, allowed='["setpoint"]').replace("heater@1", "auto"),
            "writes: needs a profile with .write.; name it",
        ),
    ],
)
def test_settings_that_allow_what_cannot_be_written_are_refused(
    tmp_path: Path, links: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        line_of(tmp_path, links)


def test_an_order_writes_and_says_who_did_and_what_was_before(
    tmp_path: Path, meter: WritableMeter
) -> None:
    configured(tmp_path, "")
    signer = Signer()
    with (
        Mosquitto(folder=tmp_path, lines=BROKER) as broker,
        LedgerServer(broker.port) as server,
    ):
        links = link(meter.port, allowed='["setpoint"]')
        config = settings(tmp_path, broker.port, signer, links, profiles="profiles")
        desk = OrderDesk(server=server, signer=signer)
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: server.ledger)
            answer = desk.ask(WriteRegister(meter="HM-1", register="setpoint", value="60"))
            barred = desk.ask(WriteRegister(meter="HM-1", register="limit", value="1"))
            elsewhere = link(meter.port, allowed="[]").replace("writes = true\n", "")
            moved = elsewhere.replace("device_address = 1", "device_address = 1\n")
            moved = moved.replace(LOOPBACK, "localhost").replace("writes = []", "")
            desk.ask(ApplyConfig(number=1, settings=moved))
            after = desk.ask(WriteRegister(meter="HM-1", register="setpoint", value="70"))
            until(lambda: any("register_written" in each for each in desk.events()))

    assert answer.outcome is CommandOutcome.DONE
    assert dict(answer.facts) == {"old": "50", "new": "60"}
    assert (barred.outcome, barred.code) == (CommandOutcome.REFUSED, "write.disabled")
    assert (after.outcome, after.code) == (CommandOutcome.REFUSED, "write.disabled")
    assert len(meter.writes) == 1
    written_events = [each for each in desk.events() if "register_written" in each]
    assert "by engineer: HM-1: setpoint: 50 -> 60, read back" in written_events[0]
    audit = (tmp_path / "gateway" / "remote" / "audit.jsonl").read_text()
    assert '"what":"HM-1 setpoint = 60"' in audit
