"""`edge-gateway identify`: what a meter says it is, and what that proves."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.__main__ import main
from edge_gateway.links.link_url import SerialKind, SerialLine, SerialUrl, TcpUrl
from edge_gateway.links.modbus_objects import (
    ObjectsRead,
    find_objects_rtu,
    objects_request,
    parse_objects,
)
from edge_gateway.links.modbus_objects_io import read_objects
from edge_gateway.links.rtu_frames import rtu_frame
from tests.edge_gateway.cjt188_meters import Cjt188Line, SimulatedMeter
from tests.edge_gateway.rig import LOOPBACK, MeterServer
from tests.edge_gateway.rtu_units import RtuUnits, exception, on_pty
from tests.edge_gateway.test_read_command import MAG11, golden_meter, mag11_meter
from tests.free_ports import free_port

VENDOR = {0: "Lamplighter", 1: "LT-7", 2: "1.4"}


def objects_answer(unit: int, texts: dict[int, str], next_object: int = 0) -> bytes:
    more = b"\xff" if next_object else b"\x00"
    body = b"".join(bytes((n, len(t.encode()))) + t.encode() for n, t in texts.items())
    head = bytes((unit, 0x2B, 0x0E, 0x02, 0x82)) + more + bytes((next_object, len(texts)))
    return head + body


@contextlib.contextmanager
def device_with_objects() -> Iterator[int]:
    """A Modbus TCP server that refuses every register and tells three objects in two answers."""
    server = socket.create_server((LOOPBACK, 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    answer_all(connection)

    def answer_all(connection: socket.socket) -> None:
        while head := connection.recv(6):
            payload = connection.recv(int.from_bytes(head[4:6], "big"))
            unit, function = payload[0], payload[1]
            if function != 0x2B:
                reply = bytes((unit, function | 0x80, 2))
            elif payload[4] == 0:
                reply = objects_answer(unit, {0: VENDOR[0]}, next_object=1)
            else:
                reply = objects_answer(unit, {1: VENDOR[1], 2: VENDOR[2]})
            connection.sendall(head[:4] + len(reply).to_bytes(2, "big") + reply)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def identify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["identify", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_a_meter_that_answers_the_questions_of_one_profile_is_identified(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mag11_meter() as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, err = identify(capsys, url, "--unit", "7")
    lines = out.splitlines()

    assert (status, err) == (0, "")
    assert lines[0].startswith(f"7 at {url}: answers, ")
    assert f"{MAG11}  matches, weight 5" in lines
    assert lines[-1] == f"it is {MAG11}"


def test_a_meter_that_only_ranges_speak_for_is_shown_and_not_proven(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with golden_meter("microsensor_mfe600h@1") as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, _ = identify(capsys, url, "--unit", "7")
    lines = out.splitlines()

    assert status == 1
    assert "microsensor_mfe600h@1  not proven, weight 4" in lines
    assert lines[-1].startswith("no profile is proven: ")


def test_json_names_profile_matches_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    with mag11_meter() as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, _ = identify(capsys, url, "--unit", "7", "--json")
    body = json.loads(out)

    assert status == 0
    assert body["profile"] == MAG11
    assert [each["profile"] for each in body["matches"]] == [MAG11]
    assert body["matches"][0]["reasons"]


def test_what_a_device_says_of_itself_is_shown_though_no_profile_is_proven(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with device_with_objects() as port:
        status, out, _ = identify(capsys, f"tcp://{LOOPBACK}:{port}", "--unit", "5")
    lines = [line.split() for line in out.splitlines()]

    assert status == 1
    assert ["vendor", "Lamplighter"] in lines
    assert ["product_code", "LT-7"] in lines
    assert ["revision", "1.4"] in lines
    assert out.splitlines()[-1].startswith("no profile is proven: ")


def test_nobody_at_the_unit_is_said_quickly(capsys: pytest.CaptureFixture[str]) -> None:
    with golden_meter("microsensor_mfe600h@1") as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, err = identify(capsys, url, "--unit", "9", "--timeout", "0.05")

    assert (status, out) == (1, "")
    assert err.startswith("identify: unit 9: bad_timeout: ")


def test_answers_that_are_nobodys_are_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """Another unit answers every question: that is a fault, and not a meter without profile."""
    with MeterServer(units={9: lambda request: request.answer(request.data(), unit=3)}) as server:
        url = f"tcp://{LOOPBACK}:{server.port}"
        status, out, err = identify(capsys, url, "--unit", "9", "--timeout", "0.05")

    assert (status, out) == (1, "")
    # a unit that was caught once is refused for that before its next answer is looked at
    told = ("an answer of unit 3, not 9", "it gave a wrong answer before, and no read")
    assert err.startswith(tuple(f"identify: unit 9: bad_mismatch: {each}" for each in told))


def test_a_line_that_is_down_says_so_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"tcp://{LOOPBACK}:{free_port()}"
    status, out, err = identify(capsys, url, "--unit", "9", "--json")

    assert status == 1
    assert json.loads(out)["fault"].endswith("is the gateway using the line?")
    assert err.startswith("identify: unit 9: ")


def test_a_cjt188_meter_is_identified_by_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    with Cjt188Line([SimulatedMeter(meter_type=0x10, address=f"{7:014d}")]) as line:
        status, out, _ = identify(
            capsys, f"cjt188://{LOOPBACK}:{line.port}", "--unit", f"10:{7:014d}"
        )

    assert status == 0
    assert out.splitlines()[-1] == "it is cjt188_water@1"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["tcp://127.0.0.1", "--unit", "x"], "identify: unit: 'x' is no Modbus unit; give a"),
        (["tcp://127.0.0.1", "--unit", "300"], "identify: unit: '300' is no Modbus unit"),
        (["mbus://127.0.0.1:1", "--unit", "999"], "identify: unit: device_address: '999' is"),
        (["mbus://127.0.0.1:1", "--unit", "five"], "identify: unit: device_address: 'five' is"),
        (["cjt188://127.0.0.1:1", "--unit", "zz"], "identify: unit: device_address: 'zz' is"),
        (["bad", "--unit", "1"], "identify: url: 'bad' is no link URL"),
        (
            ["tcp://127.0.0.1", "--unit", "1", "--profiles", "/there/is/none"],
            "/there/is/none: ",
        ),
    ],
)
def test_a_wrong_call_is_status_2_and_one_line(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = identify(capsys, *arguments)

    assert (status, out) == (2, "")
    assert err.startswith(text)


def test_objects_are_read_from_a_serial_line_between_noise() -> None:
    def answer(payload: bytes) -> bytes:
        if payload[1] != 0x2B:
            return b""
        return b"\x00\x55" + rtu_frame(objects_answer(payload[0], VENDOR))

    with on_pty(RtuUnits(units={3: answer, 4: exception(1)}, request_bytes=7)) as device:
        url = SerialUrl(kind=SerialKind.RTU, line=SerialLine(device=device))
        found = read_objects(url, 3, wait_s=0.5)
        denied = read_objects(url, 4, wait_s=0.5)
        nobody = read_objects(url, 5, wait_s=0.05)

    assert found == ObjectsRead(texts=VENDOR)
    assert denied == ObjectsRead(is_denied=True)
    assert nobody == ObjectsRead()


def test_objects_are_read_over_tcp_in_several_answers() -> None:
    with device_with_objects() as port:
        found = read_objects(TcpUrl(host=LOOPBACK, port=port), 9, wait_s=1.0)

    assert found == ObjectsRead(texts=VENDOR)


texts = st.dictionaries(
    st.integers(0, 255), st.text(st.characters(codec="ascii", exclude_characters="\0 ")), max_size=5
)


@given(said=texts, unit=st.integers(0, 247), noise=st.binary(max_size=5))
def test_objects_come_back_as_they_were_said(said: dict[int, str], unit: int, noise: bytes) -> None:
    payload = objects_answer(unit, said)
    found = find_objects_rtu(noise + rtu_frame(payload), unit)

    assert found == payload
    objects = parse_objects(payload)
    assert objects is not None
    assert (dict(objects.texts), objects.next_object) == (said, None)


@given(payload=st.binary(max_size=60))
def test_any_bytes_are_objects_or_none(payload: bytes) -> None:
    found = parse_objects(payload)

    assert found is None or payload[1:3] == b"\x2b\x0e"
    assert parse_objects(objects_request(1)) is None
