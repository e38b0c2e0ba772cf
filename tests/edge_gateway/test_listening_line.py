"""A DTU dials in: who is let in, and that its own words never become or spoil an answer."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

from edge_gateway.links import dtu_rivals, listen_io
from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_links_io import open_link
from firmware_profiles.words import Span
from tests.edge_gateway.fault_slaves import (
    Ask,
    Behave,
    Bus,
    Cut,
    Dtu,
    End,
    Mbap,
    Raw,
    Rtu,
    Step,
    Wait,
    answer,
    good,
    pause_until,
)
from tests.edge_gateway.rig import LOOPBACK, register_of, until
from tests.free_ports import free_port

REGISTRATION = b"LAMP-0001"
BEAT = b"\x11\x5c\x11\x5d"
"""Also the words 4444 and 4445: what unit 4 holds at 444 and 445."""
UNIT = 4
TIMEOUT_S = 10.0
SILENCE_S = 0.5
"""Where nothing is to come, or nothing that is believed."""


def span(address: int, count: int = 10) -> Span:
    return Span(function_code=3, address=address, word_count=count)


def words(block: Span, unit: int = UNIT) -> tuple[int, ...]:
    return tuple(register_of(unit, at) for at in range(block.address, block.end))


class Rig(NamedTuple):
    link: ModbusLink
    dtu: Dtu
    port: int
    stack: ExitStack


@contextmanager
def dialled(
    behave: Behave, query: str = "", *, registration: bytes = b"", timeout_s: float = TIMEOUT_S
) -> Iterator[Rig]:
    """A link, and a DTU with one meter that has dialled in to it."""
    port = free_port()
    framing = Mbap() if "framing=tcp" in query else Rtu()
    link = open_link(parse_url(f"listen://127.0.0.1:{port}?{query}"), timeout_s=timeout_s)
    link.open()
    dtu = Dtu(bus=Bus(units={UNIT: behave}, framing=framing), port=port, registration=registration)
    try:
        with ExitStack() as stack:
            stack.enter_context(dtu.dialling())
            until(link.open)
            yield Rig(link, dtu, port, stack)
    finally:
        link.close()


def told(*signs: str) -> str:
    return "&".join(
        f"{name}=hex:{value.hex()}"
        for name, value in zip(("registration", "heartbeat"), (REGISTRATION, BEAT), strict=True)
        if name in signs
    )


PLACES: dict[str, Behave] = {
    "before": lambda ask: (Raw(BEAT), answer(ask)),
    "behind": lambda ask: (answer(ask), Raw(BEAT)),
    "inside the head": lambda ask: (
        Cut(answer(ask), 0, 0.05),
        Raw(BEAT),
        Cut(answer(ask), 0.05, 1),
    ),
    "inside the data": lambda ask: (Cut(answer(ask), 0, 0.5), Raw(BEAT), Cut(answer(ask), 0.5, 1)),
    "inside the checksum": lambda ask: (
        Cut(answer(ask), 0, 0.97),
        Raw(BEAT),
        Cut(answer(ask), 0.97, 1),
    ),
    "in pieces": lambda ask: (
        Cut(answer(ask), 0, 0.5),
        *(Raw(bytes([byte])) for byte in BEAT),
        Cut(answer(ask), 0.5, 1),
    ),
    "twice": lambda ask: (
        Raw(BEAT),
        Cut(answer(ask), 0, 0.3),
        Raw(BEAT),
        Cut(answer(ask), 0.3, 0.6),
        Raw(BEAT),
        Cut(answer(ask), 0.6, 1),
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_heartbeat_is_taken_out_wherever_it_stands(place: str) -> None:
    with dialled(PLACES[place], told("heartbeat")) as rig:
        answers = [rig.link.transact(UNIT, span(at)) for at in (100, 200, 300)]

    assert answers == [words(span(at)) for at in (100, 200, 300)]


def test_words_that_look_like_a_heartbeat_stay() -> None:
    blocks = [span(440), span(444), span(436), span(444, 2)]
    with dialled(good, told("heartbeat")) as rig:
        answers = [rig.link.transact(UNIT, block) for block in blocks]

    assert answers == [words(block) for block in blocks]


def test_words_that_may_be_a_heartbeat_are_not_believed_where_no_checksum_tells() -> None:
    with dialled(good, told("heartbeat") + "&framing=tcp", timeout_s=1.0) as rig:
        answers = [rig.link.transact(UNIT, block) for block in (span(440), span(444), span(100))]

    assert [isinstance(said, Fault) for said in answers] == [True, True, False]


def placed(heartbeat: bytes, at: int, *, over: int = 0) -> Behave:
    """Answers with the DTU's heartbeat put in at a byte, over so many bytes of the answer."""

    def behave(ask: Ask) -> Iterable[Step]:
        frame = Mbap().wrap(answer(ask).payload, ask.transaction)
        return (Raw(frame[:at] + heartbeat + frame[at + over :]),)

    return behave


@pytest.mark.parametrize("at", [1, 5, 7, 9, 11, 12, 15])
def test_a_heartbeat_within_a_modbus_tcp_answer_is_taken_out(at: int) -> None:
    with dialled(placed(BEAT, at), told("heartbeat") + "&framing=tcp") as rig:
        answers = [rig.link.transact(UNIT, span(at)) for at in (100, 200, 300)]

    assert answers == [words(span(at)) for at in (100, 200, 300)]


@pytest.mark.parametrize("at", [9, 12, 15])
def test_an_answer_that_lost_as_many_bytes_as_a_heartbeat_has_is_not_believed(at: int) -> None:
    query = told("heartbeat") + "&framing=tcp"
    with dialled(placed(BEAT, at, over=len(BEAT)), query, timeout_s=SILENCE_S) as rig:
        answers = [rig.link.transact(UNIT, span(at)) for at in (100, 200, 300)]

    assert [type(said) for said in answers] == [Fault] * 3


def test_the_beginning_of_a_heartbeat_does_not_complete_an_answer() -> None:
    def behave(ask: Ask) -> Iterable[Step]:
        frame = Mbap().wrap(answer(ask).payload, ask.transaction)
        return (Raw(frame[:-1] + BEAT[:1]), Wait(0.02), Raw(BEAT[1:] + frame[-1:]))

    with dialled(behave, told("heartbeat") + "&framing=tcp") as rig:
        answers = [rig.link.transact(UNIT, span(at)) for at in (100, 200, 300)]

    assert answers == [words(span(at)) for at in (100, 200, 300)]


@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_heartbeat_stands_between_modbus_tcp_frames(place: str) -> None:
    with dialled(PLACES[place], told("heartbeat") + "&framing=tcp") as rig:
        answers = [rig.link.transact(UNIT, span(at)) for at in (100, 200, 300)]

    assert answers == [words(span(at)) for at in (100, 200, 300)]


def test_a_heartbeat_that_nobody_told_is_learnt_while_nothing_is_asked() -> None:
    hears = threading.Event()

    def behave(ask: Ask) -> Iterable[Step]:
        return PLACES["inside the data"](ask) if hears.is_set() else good(ask)

    with dialled(behave) as rig:
        first = [rig.link.transact(UNIT, span(at)) for at in (100, 200)]
        heard = rig.link.counts.bytes_in
        rig.dtu.say(BEAT)
        until(lambda: _listened(rig.link) > heard + len(BEAT))
        hears.set()
        later = [rig.link.transact(UNIT, span(at)) for at in (300, 400)]

    assert first == [words(span(at)) for at in (100, 200)]
    assert later == [words(span(at)) for at in (300, 400)]


def _listened(link: ModbusLink) -> int:
    link.transact(UNIT, span(0))
    return link.counts.bytes_in


def test_heartbeats_alone_are_silence_not_noise() -> None:
    beats: Behave = lambda _: (Raw(BEAT), Raw(BEAT))  # noqa: E731  # one expression
    with dialled(beats, told("heartbeat"), timeout_s=SILENCE_S) as rig:
        answer = rig.link.transact(UNIT, span(100))

    assert isinstance(answer, Fault)
    assert answer.kind is FaultKind.TIMEOUT


def test_a_dtu_without_the_registration_is_sent_away() -> None:
    with dialled(good, told("registration"), registration=REGISTRATION) as rig:
        with socket.create_connection((LOOPBACK, rig.port), 60) as stranger:
            stranger.sendall(b"SOMEBODY")
            said = stranger.recv(10)
        answer = rig.link.transact(UNIT, span(100))

    assert said == b""
    assert answer == words(span(100))


def test_a_caller_who_says_nothing_changes_nothing() -> None:
    with (
        dialled(good, told("registration"), registration=REGISTRATION) as rig,
        socket.create_connection((LOOPBACK, rig.port), 60),
    ):
        answer = rig.link.transact(UNIT, span(100))

    assert answer == words(span(100))


def test_many_callers_are_sent_away_and_the_dtu_stays() -> None:
    with dialled(good, told("registration"), registration=REGISTRATION) as rig:
        callers = [socket.create_connection((LOOPBACK, rig.port), 60) for _ in range(20)]
        ended = [caller.recv(1) for caller in callers[8:]]
        answer = rig.link.transact(UNIT, span(100))
        for caller in callers:
            caller.close()

    assert ended == [b""] * 12
    assert answer == words(span(100))


def test_without_a_registration_a_stranger_from_another_address_is_sent_away() -> None:
    with dialled(good) as rig:
        with socket.create_connection(
            (LOOPBACK, rig.port), 60, source_address=("127.0.0.2", 0)
        ) as stranger:
            stranger.sendall(b"let me in")
            said = stranger.recv(10)
        answer = rig.link.transact(UNIT, span(100))

    assert said == b""
    assert answer == words(span(100))


def test_a_stranger_whose_first_byte_is_that_of_the_dtu_is_sent_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listen_io, "REGISTER_WITHIN_S", 0.2)
    monkeypatch.setattr(listen_io, "_LOOK_EVERY_S", 0.1)
    with dialled(good, registration=b"\1\2\3\4\5") as rig:
        rig.link.transact(UNIT, span(100))
        with socket.create_connection((LOOPBACK, rig.port), 60, ("127.0.0.2", 0)) as stranger:
            stranger.sendall(b"\1")
            said = stranger.recv(10)

    assert said == b""


def test_the_same_dtu_from_another_address_is_known_by_what_it_said_first() -> None:
    with dialled(good, registration=b"HELLO-77") as rig:
        first = rig.link.transact(UNIT, span(100))
        again = Dtu(
            bus=Bus(units={UNIT: good}, framing=Rtu()),
            port=rig.port,
            registration=b"HELLO-77",
            source="127.0.0.3",
        )
        rig.dtu.bus.stop.set()
        rig.dtu.hang_up()
        with again.dialling():
            later = _asked_through(rig.link, again)

    assert (first, later) == (words(span(100)), words(span(200)))


def test_a_dtu_that_dials_from_a_third_address_is_known_by_what_it_said_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each time its old connection is held for alive, and nothing comes from it any more."""
    monkeypatch.setattr(dtu_rivals, "SILENT_S", 0.2)
    greeting, speaks = b"HELLO-77", [LOOPBACK]

    def of(source: str) -> Behave:
        return lambda ask: good(ask) if speaks == [source] else ()

    with dialled(of(LOOPBACK), registration=greeting, timeout_s=0.3) as rig:
        said, last = [rig.link.transact(UNIT, span(100))], rig.dtu
        for source in ("127.0.0.3", "127.0.0.4"):
            speaks[:] = [source]
            last.bus.stop.set()
            bus = Bus(units={UNIT: of(source)}, framing=Rtu())
            last = Dtu(bus=bus, port=rig.port, registration=greeting, source=source)
            rig.stack.enter_context(last.dialling())
            said.append(_asked_through(rig.link, last))

    assert said == [words(span(100)), words(span(200)), words(span(200))]


@pytest.mark.parametrize("greeting", [b"\r\n" + REGISTRATION, BEAT + REGISTRATION])
def test_a_registration_may_stand_behind_what_is_no_name(greeting: bytes) -> None:
    signs = told("registration", "heartbeat")
    with dialled(good, signs, registration=greeting) as rig:
        said = rig.link.transact(UNIT, span(100))

    assert said == words(span(100))


def test_a_dtu_that_dials_again_replaces_its_old_connection() -> None:
    """Its radio failed: the old connection is held for alive, and nothing comes any more."""
    is_mute = threading.Event()

    def behave(ask: Ask) -> Iterable[Step]:
        return () if is_mute.is_set() else (answer(ask),)

    query = told("registration")
    with dialled(behave, query, registration=REGISTRATION, timeout_s=1.0) as rig:
        first = rig.link.transact(UNIT, span(100))
        is_mute.set()
        second = Dtu(
            bus=Bus(units={UNIT: good}, framing=Rtu()), port=rig.port, registration=REGISTRATION
        )
        rig.dtu.bus.stop.set()
        with second.dialling():
            later = _asked_through(rig.link, second)
        opens = rig.link.counts.opens

    assert (first, later) == (words(span(100)), words(span(200)))
    assert opens >= 2


def _asked_through(link: ModbusLink, dtu: Dtu) -> Answer:
    """The answer that came through one DTU, once it is the one that is asked."""
    said: list[Answer] = []

    def is_through() -> bool:
        said.append(link.transact(UNIT, span(200)))
        return bool(dtu.bus.asked) and not isinstance(said[-1], Fault)

    until(is_through)
    return said[-1]


def test_a_dtu_that_is_cut_off_within_an_answer_spoils_no_word() -> None:
    def cut_at_first(ask: Ask) -> Iterable[Step]:
        if ask.number in {2, 5}:
            return (Cut(answer(ask), 0, 0.5), End.RESET)
        return (answer(ask),)

    query = told("registration")
    with dialled(cut_at_first, query, registration=REGISTRATION, timeout_s=1.0) as rig:
        answers = []
        for at in range(0, 200, 20):
            answers.append((at, rig.link.transact(UNIT, span(at))))
            until(rig.link.open)

    told_right = [words(span(at)) == said for at, said in answers if not isinstance(said, Fault)]
    assert told_right == [True] * len(told_right)
    assert len(told_right) >= 6


def test_a_line_that_nobody_has_dialled_is_down_for_that_reason() -> None:
    port = free_port()
    link = open_link(parse_url(f"listen://127.0.0.1:{port}"), timeout_s=TIMEOUT_S)
    answer = link.transact(UNIT, span(100))
    link.close()

    assert isinstance(answer, Fault)
    assert answer.kind is FaultKind.LINK_DOWN
    assert answer.detail == f"port {port}: no DTU has dialled in"


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        link = open_link(parse_url(f"listen://127.0.0.1:{port}"), timeout_s=TIMEOUT_S)
        said = link.transact(UNIT, span(100))
        link.close()

    assert isinstance(said, Fault)
    assert said.kind is FaultKind.LINK_DOWN
    assert "in use" in said.detail


def test_a_closed_line_listens_no_more_and_listens_again_when_it_is_asked() -> None:
    with dialled(good, told("registration"), registration=REGISTRATION) as rig:
        rig.link.transact(UNIT, span(100))
        rig.link.close()
        is_closed = pause_until(lambda: _is_refused(rig.port))
        until(lambda: rig.link.transact(UNIT, span(200)) == words(span(200)))

    assert is_closed


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), 60).close()
    except ConnectionRefusedError:
        return True
    return False
