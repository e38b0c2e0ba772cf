"""`edge-gateway scan`: who answers on a line, on real sockets and ptys."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.__main__ import main
from edge_gateway.commands.calls import CallError
from edge_gateway.commands.scan_plan import (
    AUTO_SETTINGS,
    parse_settings,
    parse_units,
    setting_text,
)
from edge_gateway.links.ascii_frames import ascii_frame
from edge_gateway.links.link_url import Parity, SerialLine
from edge_gateway.links.rtu_frames import rtu_frame
from tests.edge_gateway.cjt188_meters import Cjt188Line, SimulatedMeter
from tests.edge_gateway.mbus_meters import MbusLine
from tests.edge_gateway.mbus_meters import SimulatedMeter as MbusMeter
from tests.edge_gateway.rig import LOOPBACK, ROOT, MeterServer, Request, good, until
from tests.edge_gateway.rtu_units import AsciiUnits, RtuUnits, exception, garbage, on_pty, words
from tests.meter_telegrams.telegram_builder import Device

LINE = SerialLine(device="/dev/ttyUSB0")

HOLDER = """
import serial, sys
port = serial.Serial(sys.argv[1], exclusive=True)
print("held", flush=True)
sys.stdin.read()
"""


PATIENT = ("--timeout", "1.0")
"""Enough for a meter in order on a busy machine; few silent ones are asked beside it."""


def scanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["scan", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_units_that_answer_on_tcp_are_found_exceptions_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    units = {3: good, 5: lambda request: request.exception(2), 7: lambda r: r.exception(11)}
    with MeterServer(units=units) as server:
        status, out, err = scanned(
            capsys, f"tcp://{LOOPBACK}:{server.port}", "--units", "3,5-7", *PATIENT
        )
    lines = out.splitlines()

    assert status == 0
    assert lines[0].split()[:2] == ["3", "answers"]
    assert lines[1].split()[:3] == ["5", "exception", "2"]
    assert lines[2].startswith("2 found, 4 asked, ")
    assert len(lines) == 3
    assert err == ""


def hang_up(_request: Request) -> None:
    raise ConnectionError


def test_a_server_that_hangs_up_on_one_unit_is_scanned_to_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with MeterServer(units={1: good, 2: hang_up, 3: good}) as server:
        url = f"tcp://{LOOPBACK}:{server.port}"
        status, out, err = scanned(capsys, url, "--units", "1-3", *PATIENT)

    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["1", "3", "2"]
    assert err == "unit 2: closed by the far end; the line is opened again\n"


def test_what_came_before_a_server_hung_up_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    def answer_and_close(request: Request) -> bytes:
        request.socket.sendall(good(request))
        request.socket.shutdown(socket.SHUT_RDWR)
        return b""

    with MeterServer(units=dict.fromkeys(range(1, 3), answer_and_close)) as server:
        url = f"tcp://{LOOPBACK}:{server.port}"
        status, out, err = scanned(capsys, url, "--units", "1-2", *PATIENT, "--json")

    assert status == 0
    assert [(each["unit"], each["answer"]) for each in json.loads(out)["found"]] == [
        ("1", "words"),
        ("2", "words"),
    ]
    assert "closed by the far end; the line is opened again" in err


def test_what_was_found_is_shown_when_the_line_ends(capsys: pytest.CaptureFixture[str]) -> None:
    units = {1: good} | dict.fromkeys(range(2, 10), hang_up)
    with MeterServer(units=units) as server:
        url = f"tcp://{LOOPBACK}:{server.port}"
        status, out, err = scanned(capsys, url, "--units", "1-9", *PATIENT)

    assert status == 1
    assert out.splitlines()[0].split()[:2] == ["1", "answers"]
    assert out.splitlines()[-1].endswith(", the line was lost")
    assert "cannot be used" in err.splitlines()[-1]


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    with MeterServer(units={1: good}) as server:
        url = f"tcp://{LOOPBACK}:{server.port}"
        status, out, _ = scanned(capsys, url, "--units", "1", "--json")
    body = json.loads(out)

    assert status == 0
    assert body["url"] == url
    assert (body["asked"], body["complete"]) == (1, True)
    assert [(each["unit"], each["answer"]) for each in body["found"]] == [("1", "words")]
    assert body["found"][0]["ms"] >= 0


def test_a_server_that_ignores_the_unit_is_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    with MeterServer(units=dict.fromkeys(range(256), good)) as server:
        _, out, _ = scanned(capsys, f"tcp://{LOOPBACK}:{server.port}", "--units", "1-20")

    assert "this server does not look at the unit; ask it at 1 or 255" in out


def test_nobody_there_ends_with_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with MeterServer(units={}) as server:
        status, out, _ = scanned(
            capsys, f"tcp://{LOOPBACK}:{server.port}", "--units", "1-3", "--timeout", "0.02"
        )

    assert status == 1
    assert out.startswith("0 found, 3 asked, ")


def test_a_bus_is_scanned_at_its_own_setting(capsys: pytest.CaptureFixture[str]) -> None:
    bus = RtuUnits(units={2: words, 9: exception(1)}, setting="19200")
    with on_pty(bus) as device:
        status, out, err = scanned(
            capsys,
            f"rtu://{device}",
            "--bauds",
            "9600N,19200E,2400E",
            "--units",
            "2,9",
            *PATIENT,
        )
    lines = out.splitlines()

    assert status == 0
    assert lines[0].split()[:4] == ["2", "19200", "8E1", "answers"]
    assert lines[1].split()[:5] == ["9", "19200", "8E1", "exception", "1"]
    assert lines[2].startswith("2 found, 4 asked, ")
    assert err == "9600 8N1 (1 of 3)\n19200 8E1 (2 of 3)\n"
    assert set(bus.settings_seen) == {"9600", "19200"}


def test_a_late_answer_is_its_own_units_and_said_to_be_late(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bus = RtuUnits(units={2: words, 3: words}, late=frozenset({2}))
    with on_pty(bus) as device:
        _, out, _ = scanned(capsys, f"rtu://{device}", "--units", "2-4", *PATIENT)
    lines = out.splitlines()

    assert lines[0].endswith("late: give it a longer time-out")
    assert [line.split()[0] for line in lines[:2]] == ["2", "3"]
    assert len(lines) == 3


def test_two_meters_at_one_address_are_garbled(capsys: pytest.CaptureFixture[str]) -> None:
    with on_pty(RtuUnits(units={2: garbage})) as device:
        status, out, _ = scanned(capsys, f"rtu://{device}", "--units", "2-3", *PATIENT)

    assert status == 0
    assert "garbled" in out.splitlines()[0].split()
    assert "bytes that are no whole frame" in out.splitlines()[0]
    assert "garbled: two meters at one address, the wrong speed or parity, or a bad line" in out


def other_words(payload: bytes) -> bytes:
    return rtu_frame(payload[:2] + b"\x02\x77\x77")


@pytest.mark.parametrize(
    ("second", "meaning"),
    [
        (other_words, "the second time something else: two meters at this address"),
        (words, "the second time the same: two meters at this address, or a converter"),
        (exception(2), "the second time something else: two meters at this address"),
    ],
)
@pytest.mark.parametrize("is_at_once", [True, False])
def test_two_meters_at_one_address_that_answer_in_turn_are_named(
    second: Callable[[bytes], bytes],
    meaning: str,
    capsys: pytest.CaptureFixture[str],
    *,
    is_at_once: bool,
) -> None:
    kept: list[bytes] = []

    def both(payload: bytes) -> bytes:
        kept.append(second(payload))
        return words(payload) + (kept.pop() if is_at_once else b"")

    def next_unit(payload: bytes) -> bytes:
        return b"".join(kept) + words(payload)

    with on_pty(RtuUnits(units={2: both, 3: next_unit})) as device:
        status, out, _ = scanned(capsys, f"rtu://{device}", "--units", "2-3", *PATIENT)
    lines = out.splitlines()

    assert status == 0
    assert lines[0].split()[0] == "2"
    assert "two answers" in lines[0]
    assert meaning in lines[0]
    assert "two answers" not in lines[1]
    assert "two answers: give each meter an address of its own" in out


def test_an_answer_with_another_units_number_is_no_late_meter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A server that says 99 to everything is no meter at 99, and no late one."""
    units = {3: lambda r: r.answer(r.data(), unit=99), 4: lambda r: r.answer(r.data(), unit=99)}
    with MeterServer(units=units) as server:
        url = f"tcp://{LOOPBACK}:{server.port}"
        status, out, _ = scanned(capsys, url, "--units", "3-4", *PATIENT, "--json")
    found = json.loads(out)["found"]

    assert status == 0
    assert [(each["unit"], each["answer"]) for each in found] == [
        ("3", "another unit"),
        ("4", "another unit"),
    ]
    assert found[0]["doubt"] == "an answer that says it is of unit 99"
    assert "late" not in found[0]


BANNERS = {
    "ssh": (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "tcp"),
    "ssh, asked for RTU": (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "rtu+tcp"),
    "http": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "tcp"),
    "tls": (bytes.fromhex("15030300020232"), "tcp"),
}


@pytest.mark.parametrize(("banner", "scheme"), BANNERS.values(), ids=BANNERS)
@pytest.mark.parametrize("does_close", [True, False])
def test_another_service_on_the_port_is_no_meter(
    banner: bytes, scheme: str, capsys: pytest.CaptureFixture[str], *, does_close: bool
) -> None:
    def greet(caller: socket.socket) -> None:
        caller.sendall(banner)
        while not does_close and caller.recv(100):
            pass

    with serving(greet) as port:
        url = f"{scheme}://{LOOPBACK}:{port}"
        status, out, _ = scanned(capsys, url, "--units", "1-2", "--timeout", "0.2", "--json")
    body = json.loads(out)

    assert (status, body["found"]) == (1, [])
    assert "is no Modbus frame; look at the address and the port" in body["fault"]


@contextlib.contextmanager
def serving(greet: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does one thing with each caller."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    caller, _ = listener.accept()
                    with caller, contextlib.suppress(OSError):
                        greet(caller)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("end", [4, 8, -1])
def test_half_an_answer_on_tcp_is_listed_as_garbled(
    end: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with MeterServer(units={3: lambda request: good(request)[:end]}) as server:
        url = f"tcp://{LOOPBACK}:{server.port}"
        status, out, _ = scanned(capsys, url, "--units", "3", *PATIENT)

    assert status == 0
    assert out.splitlines()[0].split()[:2] == ["3", "garbled"]


def test_the_one_meter_of_a_cjt188_line_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    with Cjt188Line([SimulatedMeter(meter_type=0x20, address="00110040314132")]) as line:
        status, out, _ = scanned(capsys, f"cjt188://{LOOPBACK}:{line.port}")

    assert status == 0
    assert out.splitlines()[0] == (
        "20:00110040314132  cjt188_heat@1   protocol CJ/T 188, medium heat,"
        " serial 0040314132, manufacturer 0011"
    )


@contextlib.contextmanager
def served(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A transparent serial server: whatever arrives in one piece is answered in one piece."""
    server = socket.create_server((LOOPBACK, 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = server.accept()
            with connection:
                while heard := connection.recv(256):
                    connection.sendall(answer(heard))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def test_a_serial_server_is_scanned_with_rtu_frames(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(heard: bytes) -> bytes:
        return heard + words(heard[:-2]) if heard[0] == 2 else heard  # the echo comes first

    with served(answer) as port:
        status, out, _ = scanned(capsys, f"rtu+tcp://{LOOPBACK}:{port}", "--units", "2-3", *PATIENT)

    assert status == 0
    assert out.splitlines()[0].split()[:2] == ["2", "answers"]
    assert out.splitlines()[1].startswith("1 found, 2 asked, ")


def test_an_ascii_line_is_scanned_with_ascii_frames(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(payload: bytes) -> bytes:
        return ascii_frame(bytes((payload[0], 0x83, 2)))

    with on_pty(AsciiUnits(units={2: answer})) as device:
        status, out, _ = scanned(capsys, f"ascii://{device}", "--units", "2-3", *PATIENT)

    assert status == 0
    assert out.splitlines()[0].split()[:5] == ["2", "9600", "7E1", "exception", "2"]


def mbus_line() -> MbusLine:
    return MbusLine(
        [
            MbusMeter(device=Device(identification="24083345"), primary=5),
            MbusMeter(device=Device(identification="74083999"), primary=0),
        ]
    )


@pytest.mark.nightly
def test_every_meter_of_an_mbus_line_is_found_by_its_identification(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mbus_line() as line:
        url = f"mbus://{LOOPBACK}:{line.port}"
        status, out, _ = scanned(capsys, url, "--timeout", "0.1")
    lines = out.splitlines()

    assert status == 0
    assert [line.split(".")[0].strip() for line in lines[:2]] == ["24083345", "74083999"]
    assert lines[2].startswith("2 found, ")


def test_typed_addresses_of_an_mbus_line_are_asked_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mbus_line() as line:
        url = f"mbus://{LOOPBACK}:{line.port}"
        status, out, _ = scanned(capsys, url, "--units", "5-6", *PATIENT, "--json")
    body = json.loads(out)

    assert status == 0
    assert [each["unit"] for each in body["found"]] == ["5"]
    assert body["found"][0]["facts"]["serial"] == "24083345"
    assert body["asked"] == 2


def test_two_meters_at_one_mbus_address_are_named_as_garbled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    numbers = ["24083344", "24083345"]
    meters = [MbusMeter(device=Device(identification=each), primary=5) for each in numbers]
    with MbusLine(meters) as line:
        url = f"mbus://{LOOPBACK}:{line.port}"
        status, out, _ = scanned(capsys, url, "--units", "5-6", *PATIENT, "--json")
        _, text, _ = scanned(capsys, url, "--units", "5", *PATIENT)
    body = json.loads(out)

    assert status == 0
    assert [(each["unit"], each["answer"]) for each in body["found"]] == [("5", "garbled")]
    assert "checksum" in body["found"][0]["doubt"]
    assert text.splitlines()[1].startswith("garbled: two meters at one address")


def test_ctrl_c_shows_what_was_found_so_far() -> None:
    with MeterServer(units={1: good}) as server:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "edge_gateway",
                "scan",
                f"tcp://{LOOPBACK}:{server.port}",
                "--timeout",
                "1.0",
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: len(server.asked) >= 3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert out.splitlines()[0].split()[:2] == ["1", "answers"]
    assert out.rstrip().endswith(", interrupted")
    assert err == "interrupted; found so far:\n"


def test_a_port_that_is_in_use_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with on_pty(RtuUnits(units={})) as device:
        held = subprocess.Popen(
            [
                sys.executable,
                "-c",
                HOLDER,
                device,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert held.stdout is not None
        held.stdout.readline()
        status, out, err = scanned(capsys, f"rtu://{device}", "--units", "1")
        held.communicate()

    assert (status, out) == (1, "")
    assert err.startswith(f"scan: line: rtu://{device} cannot be used: ")
    assert err.rstrip().endswith("is the gateway using the line?")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["foo://x"], "scan: scheme: 'foo' is not known; use one of: "),
        (["tcp://127.0.0.1", "--units", "0-400"], "scan: units: '0-400' is no range; write 1-247"),
        (["tcp://127.0.0.1", "--units", "9-3"], "scan: units: '9-3' is no range"),
        (["rtu:///dev/x", "--bauds", "9601"], "scan: bauds: '9601' is not known; write auto, or"),
        (["tcp://127.0.0.1", "--bauds", "auto"], "scan: bauds: only rtu:// and ascii:// lines"),
        (["cjt188://127.0.0.1:1", "--units", "1"], "scan: units: a CJ/T 188 line is asked for"),
        (["tcp://127.0.0.1", "--units", ""], "scan: units: '' is no range; write 1-247"),
        (["mbus://127.0.0.1:1", "--units", ""], "scan: units: '' is no range; write 1-247"),
    ],
)
def test_a_wrong_call_ends_with_status_2_and_one_line(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = scanned(capsys, *arguments)

    assert (status, out) == (2, "")
    assert err.startswith(text)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "url",
    [
        "tcp://127.0.0.1:1",
        "cjt188://127.0.0.1:1",
        "mbus://127.0.0.1:1",
        "rtu:///dev/there-is-none",
    ],
)
def test_a_line_that_cannot_be_used_ends_with_status_1_and_one_object(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = scanned(capsys, url)
    json_status, text, _ = scanned(capsys, url, "--json")
    body = json.loads(text)

    assert (status, out, json_status) == (1, "", 1)
    assert err.startswith(f"scan: line: {url} cannot be used: ")
    assert err.count("\n") == 1
    assert (body["found"], body["complete"]) == ([], False)
    assert body["fault"].startswith(f"{url} cannot be used: ")


@pytest.mark.parametrize("path", ["/dev/null", __file__])
def test_what_is_no_serial_port_is_called_so(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = scanned(capsys, f"rtu://{path}")

    assert err.endswith(f"{path} is no serial port; name a serial device, such as /dev/ttyUSB0\n")


def test_automatic_settings_are_all_known() -> None:
    settings = parse_settings("auto", LINE)

    assert len(settings) == len(AUTO_SETTINGS)
    assert [setting_text(each) for each in settings[:3]] == ["9600 8N1", "9600 8E1", "19200 8E1"]


def test_a_setting_takes_from_the_url_what_it_leaves_out() -> None:
    line = SerialLine(device="/dev/ttyUSB0", baud=300, parity=Parity.ODD, stopbits=2)

    assert parse_settings(None, line) == (line,)
    assert [setting_text(each) for each in parse_settings("1200,2400N1", line)] == [
        "1200 8O2",
        "2400 8N1",
    ]


@given(st.sets(st.integers(0, 255), min_size=1))
def test_a_list_of_units_is_read_back_sorted(units: set[int]) -> None:
    assert parse_units(",".join(str(unit) for unit in units)) == tuple(sorted(units))


@given(st.text(max_size=12))
def test_any_text_is_units_or_refused_by_name(text: str) -> None:
    refusal = "scan: units: "
    try:
        units = parse_units(text)
    except CallError as error:
        refusal, units = str(error), (1,)

    assert refusal.startswith("scan: units: ")
    assert units
