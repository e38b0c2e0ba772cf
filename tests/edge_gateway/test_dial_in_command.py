"""A command on a line that a DTU dials in to waits for the call, and says when none comes."""

import json
import socket
import time

import pytest

from edge_gateway.__main__ import main
from edge_gateway.commands.calls import CallError
from edge_gateway.commands.dial_in_io import DIAL_IN_WITHIN_S, wait_for_call
from tests.edge_gateway.fault_slaves import Bus, Dtu, Rtu, good
from tests.edge_gateway.rig import register_of
from tests.free_ports import free_port

UNIT = 4


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    port = free_port()
    dtu = Dtu(bus=Bus(units={UNIT: good}, framing=Rtu()), port=port)
    command, *rest = arguments
    with dtu.dialling():
        status = main([command, f"listen://127.0.0.1:{port}", *rest])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_words_are_read_once_the_dtu_has_called(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "read", "--unit", str(UNIT), "--words", "3:10+2", "--json")

    assert status == 0
    said = {int(at.split("/")[1]): int(word, 16) for at, word in json.loads(out)["raw"].items()}
    assert said == {at: register_of(UNIT, at) for at in (10, 11)}


def test_a_scan_finds_who_answers_behind_the_dtu(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "scan", "--units", "4-5", "--timeout", "0.3", "--json")

    assert status == 0
    assert [str(each["unit"]) for each in json.loads(out)["found"]] == [str(UNIT)]


def test_a_call_that_never_comes_is_said() -> None:
    with pytest.raises(CallError, match=r"nobody has dialled in .*; check the DTU's target"):
        wait_for_call(f"listen://127.0.0.1:{free_port()}", lambda: False, within_s=0.1)


@pytest.mark.parametrize(
    "arguments",
    [["read", "--unit", "4", "--words", "3:0+1"], ["read", "--unit", "4"], ["scan"]],
)
def test_a_port_that_is_taken_is_said_at_once(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = arguments
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        started_s = time.monotonic()
        status = main([command, f"listen://127.0.0.1:{port}", *rest])
        took_s = time.monotonic() - started_s
    err = capsys.readouterr().err

    assert status == 2
    assert f"port {port} cannot be listened on (Address already in use); stop the gateway" in err
    assert took_s < DIAL_IN_WITHIN_S / 2


def test_other_lines_do_not_wait() -> None:
    asked: list[str] = []

    def is_open() -> bool:
        asked.append("open?")
        return False

    wait_for_call("tcp://127.0.0.1:1", is_open)

    assert asked == []
