"""Simulated meters on real Modbus TCP sockets."""

import socket
import struct
import threading
from collections.abc import Sequence

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from firmware_profiles.simulator_io import (
    LOOPBACK,
    NoAnswer,
    NoSuchRegister,
    SimulatedLink,
    SimulatedLinks,
    words_of,
)

SILENT_UNIT = 9


def echo(unit: int, function: int, address: int, count: int) -> Sequence[int]:
    """Answer with what was asked, so that a test sees that it arrived."""
    if unit == SILENT_UNIT:
        raise NoAnswer
    if address >= 1000:
        raise NoSuchRegister
    if function in {1, 2}:
        return [offset % 2 for offset in range(count)]
    return [unit * 1000 + function * 100 + address + offset for offset in range(count)]


def client_of(port: int) -> ModbusTcpClient:
    return ModbusTcpClient(LOOPBACK, port=port, timeout=0.3, retries=0)


def test_every_function_unit_and_address_reaches_the_answer() -> None:
    with (
        SimulatedLinks([SimulatedLink(name="a", answer=echo)]) as links,
        client_of(links.ports["a"]) as client,
    ):
        holding = client.read_holding_registers(7, count=3, device_id=2)
        inputs = client.read_input_registers(8, count=1, device_id=3)
        coils = client.read_coils(0, count=3, device_id=2)

    assert holding.registers == [2307, 2308, 2309]
    assert inputs.registers == [3408]
    assert coils.bits[:3] == [False, True, False]


def test_the_words_are_computed_at_the_moment_of_the_request() -> None:
    asked = 0

    def count_up(unit: int, function: int, address: int, count: int) -> Sequence[int]:
        nonlocal asked
        del unit, function, address
        asked += 1
        return [asked] * count

    with (
        SimulatedLinks([SimulatedLink(name="a", answer=count_up)]) as links,
        client_of(links.ports["a"]) as client,
    ):
        shown = [client.read_holding_registers(0).registers for _ in range(3)]

    assert shown == [[1], [2], [3]]


def test_a_missing_register_is_exception_2_and_writing_is_exception_1() -> None:
    with (
        SimulatedLinks([SimulatedLink(name="a", answer=echo)]) as links,
        client_of(links.ports["a"]) as client,
    ):
        missing = client.read_holding_registers(1000)
        written = client.write_register(0, 5)

    assert missing.exception_code == 2
    assert written.exception_code == 1


def test_a_silent_unit_sends_nothing_and_its_neighbour_still_answers() -> None:
    with SimulatedLinks([SimulatedLink(name="a", answer=echo)]) as links:
        port = links.ports["a"]
        with client_of(port) as client, pytest.raises(ModbusIOException):
            client.read_holding_registers(0, device_id=SILENT_UNIT)
        with client_of(port) as client:
            neighbour = client.read_holding_registers(0, device_id=1)

    assert neighbour.registers == [1300]


def test_raw_bytes_of_a_request_get_the_raw_bytes_of_the_answer() -> None:
    request = struct.pack(">HHHBBHH", 0x1234, 0, 6, 2, 3, 7, 2)
    with (
        SimulatedLinks([SimulatedLink(name="a", answer=echo)]) as links,
        socket.create_connection((LOOPBACK, links.ports["a"]), timeout=5) as plain,
    ):
        plain.sendall(request)
        answer = plain.recv(100)

    assert answer == struct.pack(">HHHBBBHH", 0x1234, 0, 7, 2, 3, 4, 2307, 2308)


def test_many_links_have_ports_of_their_own_and_one_thread() -> None:
    links = SimulatedLinks([SimulatedLink(name=f"link-{n}", answer=echo) for n in range(20)])
    before = threading.active_count()

    with links:
        assert len(set(links.ports.values())) == 20
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_stopped_link_is_closed_even_with_a_client_on_it_and_its_port_is_free_again() -> None:
    with SimulatedLinks([SimulatedLink(name="a", answer=echo)]) as links:
        port = links.ports["a"]
        with client_of(port) as client:
            client.read_holding_registers(0)
            links.stop()

    with SimulatedLinks([SimulatedLink(name="a", answer=echo, port=port)]) as again:
        assert again.ports == {"a": port}


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        wanted = [
            SimulatedLink(name="free", answer=echo),
            SimulatedLink(name="a", answer=echo, port=port),
        ]

        with pytest.raises(OSError, match=f"link 'a': port: {port} is taken"):
            SimulatedLinks(wanted).start()


def test_gaps_between_known_registers_read_as_zero_and_outside_is_nothing() -> None:
    image = {(3, 10): 7, (3, 12): 9}

    assert words_of(image, 3, 10, 3) == [7, 0, 9]
    with pytest.raises(NoSuchRegister, match=r"no registers 10\.\.13"):
        words_of(image, 3, 10, 4)
    with pytest.raises(NoSuchRegister):
        words_of(image, 4, 10, 1)
