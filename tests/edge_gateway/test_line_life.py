"""Lines that vanish, refuse, hang or wrap: noticed, named, and open again when they can be."""

import contextlib
import itertools
import os
import pty
import queue
import socket
import struct
import threading
import time
import tty
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import pytest

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.bus_time import rtu_silence_s
from edge_gateway.links.link_url import SerialLine, parse_url
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_links_io import LinkQuirks, open_link
from firmware_profiles.decode import decode_group
from firmware_profiles.probe import MeantMeter
from firmware_profiles.words import Span
from tests.edge_gateway.fault_cases import CASES
from tests.edge_gateway.fault_slaves import (
    Ask,
    Bus,
    End,
    Mbap,
    PtyStream,
    Raw,
    Rtu,
    Step,
    Wait,
    answer,
    exception,
    good,
    on_pty,
    on_tcp,
    pause_until,
)
from tests.edge_gateway.rig import LOOPBACK, register_of, until
from tests.firmware_profiles.profile_text import FLOW, HEAD, parsed
from tests.free_ports import free_port
from wire_contracts.quality import BAD_CRC, BAD_MISMATCH

UNIT = 4
TIMEOUT_S = 10.0


def span(address: int, count: int = 10, function: int = 3) -> Span:
    return Span(function_code=function, address=address, word_count=count)


def words(block: Span) -> tuple[int, ...]:
    return tuple(register_of(UNIT, at) for at in range(block.address, block.end))


def linked(url: str, timeout_s: float = TIMEOUT_S, quirks: LinkQuirks | None = None) -> ModbusLink:
    return open_link(parse_url(url), timeout_s=timeout_s, quirks=quirks)


def is_right(link: ModbusLink, block: Span) -> bool:
    return link.transact(UNIT, block) == words(block)


class Adapter:
    """A USB adapter under one name, that can be pulled out and put in again."""

    def __init__(self, name: Path) -> None:
        self.name = name
        self._ends: tuple[int, int] | None = None
        self._bus: Bus | None = None
        self._thread: threading.Thread | None = None

    def put_in(self) -> None:
        ours, theirs = pty.openpty()
        tty.setraw(ours)
        tty.setraw(theirs)
        self.name.symlink_to(os.ttyname(theirs))
        self._ends = (ours, theirs)
        self._bus = Bus(units={UNIT: good}, framing=Rtu())
        stream = PtyStream(ours, self._bus.stop)
        self._thread = threading.Thread(target=self._bus.serve, args=(stream,))
        self._thread.start()

    def pull_out(self) -> None:
        assert self._ends is not None
        assert self._bus is not None
        assert self._thread is not None
        self.name.unlink()
        self._bus.stop.set()
        self._thread.join()
        for end in self._ends:
            os.close(end)


def test_a_serial_port_that_vanishes_is_told_and_used_again_when_it_is_back(tmp_path: Path) -> None:
    adapter = Adapter(tmp_path / "ttyUSB0")
    adapter.put_in()
    link = linked(f"rtu://{adapter.name}?baud=115200")
    before = link.transact(UNIT, span(100))
    adapter.pull_out()
    gone = [link.transact(UNIT, span(200)) for _ in range(2)]
    is_open_while_gone = link.counts.is_open
    reason = link.counts.down_reason
    adapter.put_in()
    until(lambda: is_right(link, span(300)))
    link.close()
    adapter.pull_out()

    assert before == words(span(100))
    assert [said.kind for said in gone if isinstance(said, Fault)] == [FaultKind.LINK_DOWN] * 2
    assert not is_open_while_gone
    assert "No such file" in reason
    assert link.counts.opens == 2


def test_a_port_that_somebody_else_uses_is_told() -> None:
    with on_pty(Bus(units={UNIT: good}, framing=Rtu())) as device:
        first, second = linked(f"rtu://{device}"), linked(f"rtu://{device}")
        first.transact(UNIT, span(100))
        said = second.transact(UNIT, span(100))
        first.close()
        second.close()

    assert isinstance(said, Fault)
    assert said.kind is FaultKind.LINK_DOWN
    assert "lock" in said.detail


def test_a_refused_connection_is_told_and_not_tried_again_at_once() -> None:
    link = linked(f"tcp://127.0.0.1:{free_port()}")
    said = [link.transact(UNIT, span(100)) for _ in range(50)]
    link.close()

    assert all(isinstance(each, Fault) and each.kind is FaultKind.LINK_DOWN for each in said)
    assert all(isinstance(each, Fault) and "refused" in each.detail for each in said)


def test_a_device_that_hangs_up_on_more_connections_than_it_bears_is_told_apart() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        ends = threading.Event()

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while not ends.is_set():
                    listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        link = linked(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        said: list[str] = []

        def is_told() -> bool:
            answer = link.transact(UNIT, span(100))
            said.append(answer.detail if isinstance(answer, Fault) else "")
            return "its limit of connections" in said[-1]

        until(is_told)
        link.close()
        ends.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()

    assert "" not in said


class HalfOpen:
    """A port whose first connection hears and never answers; the later ones reach the meters."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._front = socket.create_server((LOOPBACK, 0))
        self._kept: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._front.getsockname()[1]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._front.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for each in self._kept:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (*self._kept, self._front):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            self._kept.append(self._front.accept()[0])
            while True:
                near, _ = self._front.accept()
                far = socket.create_connection((LOOPBACK, self._behind))
                self._kept.extend((near, far))
                for pair in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._pump, args=pair))
                    self._threads[-1].start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data)


def test_a_connection_that_is_dead_at_the_other_end_is_given_up_after_three_time_outs() -> None:
    bus = Bus(units={UNIT: good}, framing=Mbap())
    with on_tcp(bus) as behind, HalfOpen(behind) as front:
        link = linked(f"tcp://127.0.0.1:{front.port}")
        said = [link.transact(UNIT, span(100), deadline_s=0.1) for _ in range(3)]
        until(lambda: is_right(link, span(200)))
        opens = link.counts.opens
        link.close()

    assert [each.kind for each in said if isinstance(each, Fault)] == [FaultKind.TIMEOUT] * 3
    assert opens == 2


class SerialServer:
    """A transparent serial server: what its meters say goes to whoever is connected by then."""

    def __init__(self) -> None:
        self._heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._now: socket.socket | None = None

    def hear(self) -> bytes:
        return self._heard.get()

    def say(self, data: bytes) -> None:
        with contextlib.suppress(OSError, AttributeError):
            if self._now is not None:
                self._now.sendall(data)

    def end(self, how: End) -> None:
        del how

    @contextlib.contextmanager
    def listening(self, bus: Bus) -> Iterator[int]:
        listener = socket.create_server((LOOPBACK, 0))
        serial = threading.Thread(target=bus.serve, args=(self,))
        door = threading.Thread(target=self._accept, args=(listener,))
        serial.start()
        door.start()
        yield listener.getsockname()[1]
        bus.stop.set()
        self._heard.put(b"")
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (serial, door):
            thread.join()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._now = listener.accept()[0]
                with self._now, contextlib.suppress(OSError):
                    while data := self._now.recv(4096):
                        self._heard.put(data)


def test_late_answers_that_come_on_a_new_connection_are_not_taken_for_others() -> None:
    def slow_at_first(ask: Ask) -> Iterable[Step]:
        return (Wait(0.4), answer(ask)) if ask.number < 2 else (answer(ask),)

    bus = Bus(units={UNIT: slow_at_first}, framing=Rtu())
    with SerialServer().listening(bus) as port:
        link = linked(f"rtu+tcp://127.0.0.1:{port}", 0.05)
        said = [(at, link.transact(UNIT, span(at))) for at in range(0, 400, 20)]
        until(lambda: is_right(link, span(500)))
        opens = link.counts.opens
        link.close()

    assert [
        at for at, each in said if each != words(span(at)) and not isinstance(each, Fault)
    ] == []
    assert opens >= 2


@pytest.mark.parametrize(
    ("query", "quirks"),
    [("", LinkQuirks(after_connect_s=0.25)), ("?after_connect_ms=250", None)],
)
def test_a_new_line_is_left_alone_as_long_as_its_device_needs(
    query: str, quirks: LinkQuirks | None
) -> None:
    heard_s: list[float] = []

    def noting(ask: Ask) -> Iterable[Step]:
        heard_s.append(time.monotonic())
        return good(ask)

    with on_tcp(Bus(units={UNIT: noting}, framing=Mbap())) as port:
        link = linked(f"tcp://127.0.0.1:{port}{query}", quirks=quirks)
        begun_s = time.monotonic()
        for at in range(9):
            link.transact(UNIT, span(100 * at))
        link.close()

    assert heard_s[0] - begun_s >= 0.25
    assert min(later - before for before, later in itertools.pairwise(heard_s)) < 0.25


def test_transaction_numbers_wrap_without_zero_and_without_a_fault() -> None:
    bus = Bus(units={UNIT: good}, framing=Mbap())
    with on_tcp(bus) as port:
        link = linked(f"tcp://127.0.0.1:{port}")
        link.transact(UNIT, span(0))
        link._session._client.transaction.next_tid = 64_990
        said = [link.transact(UNIT, span(at)) for at in range(30)]
        link.close()
    numbers = [ask.transaction for ask in bus.asked][2:]

    assert said == [words(span(at)) for at in range(30)]
    assert all(1 <= number <= 65_535 for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert [b for a, b in itertools.pairwise(numbers) if b < a] == [1]


def test_a_restarted_gateway_does_not_begin_with_the_numbers_of_the_last_one() -> None:
    bus = Bus(units={UNIT: good}, framing=Mbap())
    with on_tcp(bus) as port:
        for _ in range(5):
            link = linked(f"tcp://127.0.0.1:{port}")
            link.transact(UNIT, span(0))
            link.close()
    first = {ask.transaction for ask in bus.asked[:: len(bus.asked) // 5]}

    assert len(first) > 1


@pytest.mark.parametrize(("baud", "least_s"), [(9600, 3.5 * 10 / 9600), (115_200, 0.001_75)])
def test_rtu_requests_keep_the_silence_of_three_and_a_half_characters(
    baud: int, least_s: float
) -> None:
    said_s: list[float] = []
    gaps_s: list[float] = []

    def timed(ask: Ask) -> Iterable[Step]:
        if said_s:
            gaps_s.append(time.monotonic() - said_s[-1])
        said_s.append(time.monotonic())
        yield answer(ask)

    with on_pty(Bus(units={UNIT: timed}, framing=Rtu())) as device:
        link = linked(f"rtu://{device}?baud={baud}")
        for at in range(20):
            link.transact(UNIT, span(at))
        link.close()

    assert len(gaps_s) >= 19
    assert min(gaps_s) >= least_s
    assert rtu_silence_s(SerialLine(device="/dev/ttyUSB0", baud=baud)) == pytest.approx(least_s)


def test_a_line_that_is_never_silent_is_not_talked_into() -> None:
    """On a busy machine whoever babbles is silent for a moment, too: it is tried again."""

    def is_left_alone() -> bool:
        stops = threading.Event()

        def babble(_: Ask) -> Iterable[Step]:
            while not stops.wait(0.000_5):
                yield Wait(0.0)
                yield Raw(b"\x55")

        with on_pty(Bus(units={UNIT: babble}, framing=Rtu())) as device:
            link = linked(f"rtu://{device}?baud=2400", 0.05)
            said = [link.transact(UNIT, span(100)) for _ in range(3)]
            stops.set()
            requests = link.counts.requests
            link.close()
        words = [each.quality for each in said if isinstance(each, Fault)]
        return (words, requests) == ([BAD_CRC] * 3, 1)

    assert pause_until(is_left_alone)


def test_exceptions_are_counted_by_number_and_bytes_as_they_are() -> None:
    units = {UNIT: good, 5: exception(2), 6: exception(11)}
    with on_tcp(Bus(units=units, framing=Mbap())) as port:
        link = linked(f"tcp://127.0.0.1:{port}")
        answers: list[Answer] = [link.transact(unit, span(0)) for unit in (UNIT, 5, 6)]
        counts = link.counts.copied()
        link.close()
    refused = [each for each in answers if isinstance(each, Fault)]

    assert [each.exception for each in refused] == [2, 11]
    assert [each.is_silence for each in refused] == [False, True]
    assert set(counts.exception_codes) == {2, 11}
    assert counts.bytes_out == 12 * counts.requests
    assert counts.turnarounds.quantile_s(0.5) is not None
    assert counts.last_turnaround_s is not None
    assert 0 < counts.busy_s < 60


def test_a_probe_never_reads_beside_what_was_asked() -> None:
    bus = Bus(
        units={UNIT: CASES["never answers"].behave, 5: CASES["fewer words"].behave}, framing=Rtu()
    )
    blocks = [span(100), span(200, 1), span(300, 2), span(400, 16, 1)]
    with on_pty(bus) as device:
        link = linked(f"rtu://{device}?baud=115200", 0.02)
        for block in blocks * 4:
            link.transact(UNIT, block)
        link.close()
    asked = {
        (ask.function, at)
        for ask in bus.asked
        for at in range(ask.address, ask.address + ask.count)
    }

    assert asked <= {at for block in blocks for at in block.addresses()}
    assert len(bus.asked) > len(blocks)


GUARD = """
[[register]]
name = "me"
fc = 3
address = 12
count = 1
type = "u16"
unit = "1"
access = "R"
group = "fast"

[guard]
register = "me"
equals = "device_address"
"""


def test_a_meter_that_falls_one_behind_unheard_is_caught_before_its_next_block() -> None:
    """Unit, function, count and transaction number are all right; only the words are not."""
    behind = threading.Event()

    def shifted(ask: Ask) -> Iterable[Step]:
        return (answer(ask.before[-1] if behind.is_set() and ask.before else ask),)

    with on_tcp(Bus(units={UNIT: shifted}, framing=Mbap())) as port:
        link = linked(f"tcp://127.0.0.1:{port}")
        right = [link.transact(UNIT, span(at, 3)) for at in (10, 20, 10, 20)]
        behind.set()
        wrong = link.transact(UNIT, span(10, 3))
        link.close()

    assert not any(isinstance(said, Fault) for said in right)
    assert isinstance(wrong, Fault)
    assert wrong.quality == BAD_MISMATCH


def test_a_guard_register_that_is_not_the_meters_leaves_no_value() -> None:
    """Where no probe can tell, the words themselves must."""
    profile = parsed(HEAD + FLOW + GUARD)
    flow = struct.pack(">f", 5.0)
    words = {10: flow[:2], 11: flow[2:], 12: (UNIT + 1).to_bytes(2, "big")}
    image = {(3, at): int.from_bytes(word, "big") for at, word in words.items()}
    identity = MeantMeter(serial="X-1", device_address=UNIT)

    decoded = decode_group(profile, "fast", image, {}, identity)

    assert decoded.values == {}
    assert set(decoded.quality.values()) == {BAD_MISMATCH}
