"""One strict transaction: what is accepted, what is refused, and that neighbours are not harmed."""

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.link_url import TcpUrl
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_links_io import open_link
from firmware_profiles.words import Span
from tests.edge_gateway.rig import (
    LOOPBACK,
    Behave,
    MeterServer,
    Request,
    good,
    register_of,
    silent,
    until,
)
from tests.free_ports import free_port
from wire_contracts.quality import BAD_MISMATCH, BAD_TIMEOUT, bad_exception

TIMEOUT_S = 10.0
SILENCE_S = 0.2
"""Where the answer is none, or none that is believed."""
GOOD = 1
FAULTY = 2
BLOCK = Span(function_code=3, address=100, word_count=10)


def span(address: int, count: int = 10, function: int = 3) -> Span:
    return Span(function_code=function, address=address, word_count=count)


def words(unit: int, block: Span) -> tuple[int, ...]:
    return tuple(register_of(unit, at) for at in range(block.address, block.end))


@pytest.fixture
def meters() -> Iterator[MeterServer]:
    with MeterServer(units={GOOD: good}) as server:
        yield server


@pytest.fixture
def link(meters: MeterServer) -> Iterator[ModbusLink]:
    one = open_link(TcpUrl(host=LOOPBACK, port=meters.port), timeout_s=TIMEOUT_S)
    yield one
    one.close()


def read_right(link: ModbusLink, address: int) -> Answer:
    """What a meter in order is read as, once what the faulty one left behind has gone by."""
    said: list[Answer] = []

    def is_read() -> bool:
        said.append(link.transact(GOOD, span(address), deadline_s=TIMEOUT_S))
        return not isinstance(said[-1], Fault)

    until(is_read)
    return said[-1]


def half(request: Request) -> bytes:
    whole = good(request)
    return whole[: len(whole) // 2]


def lying_byte_count(request: Request) -> bytes:
    whole = good(request)
    return whole[:4] + struct.pack(">H", len(whole) - 6 - 4) + whole[6:-4]


def dropping(request: Request) -> None:
    request.socket.shutdown(2)


FAULTS: dict[str, Behave] = {
    "half a frame": half,
    "another transaction": lambda r: r.answer(r.data(), transaction=(r.transaction + 77) % 65536),
    "another unit": lambda r: r.answer(r.data(), unit=99),
    "another function": lambda r: r.answer(r.data(), function=4),
    "fewer words": lambda r: r.answer(r.data(count=r.count - 2)),
    "more words": lambda r: r.answer(r.data(count=r.count + 1)),
    "a byte count that lies": lying_byte_count,
    "garbage": lambda _: bytes(range(7, 47)),
    "transaction 0": lambda r: r.answer(r.data(), transaction=0),
    "silence": silent,
    "a closed connection": dropping,
    "exception 0": lambda r: r.exception(0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_answer_gives_no_words_and_the_next_meter_is_read_right(name: str) -> None:
    with MeterServer(units={GOOD: good, FAULTY: FAULTS[name]}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=SILENCE_S)
        faulty = [link.transact(FAULTY, BLOCK) for _ in range(4)]
        healthy = [read_right(link, 200), read_right(link, 300)]
        link.close()

    assert [type(answer) for answer in faulty] == [Fault] * 4
    assert healthy == [words(GOOD, span(200)), words(GOOD, span(300))]


@pytest.mark.parametrize(
    ("name", "kind", "quality"),
    [
        ("silence", FaultKind.TIMEOUT, BAD_TIMEOUT),
        ("another transaction", FaultKind.MISMATCH, BAD_MISMATCH),
        ("fewer words", FaultKind.MISMATCH, BAD_MISMATCH),
        ("another function", FaultKind.MISMATCH, BAD_MISMATCH),
        ("half a frame", FaultKind.MISMATCH, BAD_MISMATCH),
        ("garbage", FaultKind.MISMATCH, BAD_MISMATCH),
        ("transaction 0", FaultKind.MISMATCH, BAD_MISMATCH),
    ],
)
def test_each_fault_has_its_quality(name: str, kind: FaultKind, quality: str) -> None:
    said: list[Fault] = []
    with MeterServer(units={FAULTY: FAULTS[name]}) as server:
        line = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=SILENCE_S)

        def is_heard() -> bool:
            answer = line.transact(FAULTY, BLOCK)
            assert isinstance(answer, Fault)
            said.append(answer)
            return answer.kind in {kind, FaultKind.MISMATCH}

        until(is_heard)
        line.close()

    assert (said[-1].kind, said[-1].quality) == (kind, quality)


def test_a_late_answer_is_never_taken_for_that_of_the_next_block() -> None:
    late: list[Request] = []

    def one_late(request: Request) -> bytes | None:
        if not late:
            late.append(request)
            return None
        answers = good(late[0]) + good(request) if len(late) == 1 else good(request)
        late.append(request)
        return answers

    with MeterServer(units={FAULTY: one_late}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=TIMEOUT_S)
        first = link.transact(FAULTY, span(300), deadline_s=SILENCE_S)
        rest = [link.transact(FAULTY, span(at)) for at in (400, 500, 600)]
        link.close()

    assert isinstance(first, Fault)
    assert rest == [words(FAULTY, span(at)) for at in (400, 500, 600)]


def test_an_answer_sent_twice_does_not_disturb_the_next_request() -> None:
    with MeterServer(units={FAULTY: lambda r: good(r) * 2}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=TIMEOUT_S)
        answers = [link.transact(FAULTY, span(at)) for at in (0, 10, 20)]
        link.close()

    assert answers == [words(FAULTY, span(at)) for at in (0, 10, 20)]


def test_an_answer_with_a_torn_frame_behind_it_is_not_believed() -> None:
    with MeterServer(units={FAULTY: lambda r: good(r) + good(r)[:5]}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=SILENCE_S)
        answers = [link.transact(FAULTY, span(at)) for at in (0, 10, 20)]
        reopens = link.counts.reopens
        link.close()

    assert [type(answer) for answer in answers] == [Fault] * 3
    assert reopens >= 2


def test_an_exception_answer_carries_its_number() -> None:
    with MeterServer(units={FAULTY: lambda r: r.exception(2)}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=TIMEOUT_S)
        answer = link.transact(FAULTY, BLOCK)
        link.close()

    assert isinstance(answer, Fault)
    assert (answer.kind, answer.exception, answer.quality, answer.is_silence) == (
        FaultKind.EXCEPTION,
        2,
        bad_exception(2),
        False,
    )


def test_a_busy_meter_is_asked_again_once() -> None:
    def busy_once(request: Request) -> bytes:
        return request.exception(6) if request.before is None else good(request)

    with MeterServer(units={FAULTY: busy_once}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=TIMEOUT_S)
        answer = link.transact(FAULTY, BLOCK)
        link.close()

    assert answer == words(FAULTY, BLOCK)


def test_a_serial_servers_exception_counts_as_the_meters_silence() -> None:
    with MeterServer(units={FAULTY: lambda r: r.exception(11)}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=TIMEOUT_S)
        answer = link.transact(FAULTY, BLOCK)
        link.close()

    assert isinstance(answer, Fault)
    assert answer.is_silence


def test_plain_time_outs_keep_the_connection_until_the_third(link: ModbusLink) -> None:
    faults = [link.transact(FAULTY, BLOCK, deadline_s=SILENCE_S) for _ in range(2)]
    before = link.counts.reopens
    link.transact(FAULTY, BLOCK, deadline_s=SILENCE_S)

    assert [type(fault) for fault in faults] == [Fault, Fault]
    assert (before, link.counts.reopens) == (0, 1)


def test_a_link_that_refuses_is_down_and_comes_back_when_its_port_does() -> None:
    port = free_port()
    link = open_link(TcpUrl(host=LOOPBACK, port=port), timeout_s=TIMEOUT_S)
    down = link.transact(GOOD, BLOCK)
    with MeterServer(units={GOOD: good}, port=port):
        until(lambda: link.transact(GOOD, BLOCK) == words(GOOD, BLOCK))
        link.close()

    assert isinstance(down, Fault)
    assert (down.kind, down.quality) == (FaultKind.LINK_DOWN, BAD_TIMEOUT)


def test_bits_come_as_zeros_and_ones_of_exactly_the_asked_count() -> None:
    def coils(request: Request) -> bytes:
        return request.answer(bytes([0b10110101, 0b00000011])[: (request.count + 7) // 8])

    with MeterServer(units={FAULTY: coils}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=TIMEOUT_S)
        answer = link.transact(FAULTY, span(0, count=10, function=1))
        short = link.transact(FAULTY, span(0, count=17, function=1), deadline_s=SILENCE_S)
        link.close()

    assert answer == (1, 0, 1, 0, 1, 1, 0, 1, 1, 1)
    assert isinstance(short, Fault)


def test_an_answer_that_comes_byte_by_byte_is_read_whole() -> None:
    def dribble(request: Request) -> None:
        request.socket.setsockopt(6, 1, 1)
        for byte in good(request):
            request.socket.sendall(bytes([byte]))

    with MeterServer(units={FAULTY: dribble}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=TIMEOUT_S)
        answers = [link.transact(FAULTY, span(at)) for at in (0, 50)]
        link.close()

    assert answers == [words(FAULTY, span(at)) for at in (0, 50)]


@given(st.lists(st.tuples(st.sampled_from([GOOD, *range(2, 9)]), st.integers(0, 900)), max_size=6))
def test_no_mixture_of_faults_yields_a_wrong_word(jobs: list[tuple[int, int]]) -> None:
    quick = ["fewer words", "more words", "another function", "exception 0", "transaction 0"]
    units = {unit + 2: FAULTS[name] for unit, name in enumerate(quick)}
    with MeterServer(units={GOOD: good, **units, 7: lambda r: good(r) * 2, 8: dropping}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=0.05)
        answers = [(unit, at, link.transact(unit, span(at))) for unit, at in jobs]
        link.close()

    wrong = [
        (unit, at)
        for unit, at, answer in answers
        if not isinstance(answer, Fault) and answer != words(unit, span(at))
    ]
    assert wrong == []
    assert all(not isinstance(answer, Fault) for unit, _, answer in answers if unit == GOOD)


def test_a_web_server_that_answers_and_hangs_up_is_no_modbus() -> None:
    def speak_http(request: Request) -> bytes:
        request.socket.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        request.socket.shutdown(socket.SHUT_RDWR)
        return b""

    with MeterServer(units={GOOD: speak_http}) as server:
        link = open_link(TcpUrl(host=LOOPBACK, port=server.port), timeout_s=TIMEOUT_S)
        answer = link.transact(GOOD, BLOCK)
        link.close()

    assert isinstance(answer, Fault)
    assert (answer.kind, answer.quality) == (FaultKind.MISMATCH, BAD_MISMATCH)
    assert "28 bytes that are no Modbus TCP, then the line was lost" in answer.detail
