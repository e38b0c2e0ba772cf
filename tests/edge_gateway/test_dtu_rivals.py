"""Two DTUs and one line: who is meant, who keeps it, and what people are told."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links import dtu_rivals, listen_io
from edge_gateway.links.answers import Fault
from edge_gateway.links.driver import Notice
from edge_gateway.links.dtu_port_io import DtuPort
from edge_gateway.links.dtu_rivals import TOLD_AGAIN_S, Rivals, Said, judge_greeting
from tests.edge_gateway.fault_slaves import Ask, Bus, Dtu, Rtu, Step, good
from tests.edge_gateway.rig import LOOPBACK, until
from tests.edge_gateway.test_listening_line import (
    BEAT,
    REGISTRATION,
    UNIT,
    Rig,
    dialled,
    span,
    told,
    words,
)

ELSEWHERE = "127.0.0.2"
GREETINGS = [
    (b"LAMP-0001", Said.WANTED),
    (b"LAMP-000", Said.UNDECIDED),
    (b"LAMP-00012", Said.OTHER),
    (b"LAMP-0001X", Said.OTHER),
    (b"LAMP-0001-B", Said.OTHER),
    (b"LAMP-0002", Said.OTHER),
    (b"LAMP-0001\r\n", Said.WANTED),
    (b"LAMP-0001\0", Said.WANTED),
    (b"LAMP-0001" + BEAT, Said.WANTED),
    (b"LAMP-0001" + BEAT[:2], Said.WANTED),
    (b"LAMP-0001" + BEAT + b"2", Said.OTHER),
    (b"LAMP-0001LAMP-0001", Said.WANTED),
    (b"LAMP-0001LAMP-00012", Said.OTHER),
    (b"\r\nLAMP-0001", Said.WANTED),
    (b"\r\nLAMP-0001\r\n", Said.WANTED),
    (b"\r\nLAMP-0", Said.UNDECIDED),
    (BEAT + b"LAMP-0001", Said.WANTED),
    (BEAT[:3], Said.UNDECIDED),
    (BEAT + BEAT, Said.UNDECIDED),
    (b"SN:LAMP-0001;IMEI:866", Said.WANTED),
    (b"LAMP-0001,866", Said.WANTED),
    (b"LAMP-00011,LAMP-0001", Said.WANTED),
    (b"TOWN-LAMP-0001", Said.OTHER),
    (b"XLAMP-0001", Said.OTHER),
]


@pytest.mark.parametrize(("said", "is_what"), GREETINGS)
def test_a_name_that_goes_on_is_another_name(said: bytes, is_what: Said) -> None:
    assert judge_greeting(said, REGISTRATION, [BEAT], is_told=True) is is_what


@pytest.mark.parametrize(
    ("said", "is_what"),
    [(b"\1\2", Said.WANTED), (b"\1\2\3", Said.OTHER), (b"\1\2\r\n", Said.WANTED)],
)
def test_behind_a_registration_that_is_no_text_nothing_unknown_comes(
    said: bytes, is_what: Said
) -> None:
    assert judge_greeting(said, b"\1\2", [b""], is_told=True) is is_what


def test_a_heartbeat_in_letters_may_stand_on_either_side() -> None:
    found = [
        judge_greeting(said, b"DTU001", [b"PING"], is_told=True)
        for said in (b"DTU001PING", b"PINGDTU001", b"PINGPINGDTU001PING", b"DTU001PINGU")
    ]

    assert found == [Said.WANTED] * 3 + [Said.OTHER]


@given(
    around=st.lists(st.sampled_from([b"\r\n", b"\0", BEAT, b" "]), max_size=6),
    wanted=st.text("AZ09", min_size=1, max_size=8).map(str.encode),
    more=st.sampled_from([b"", b"A", b"9"]),
    at=st.integers(0, 6),
)
def test_what_is_no_name_around_a_registration_changes_nothing(
    around: list[bytes], wanted: bytes, more: bytes, at: int
) -> None:
    said = b"".join((*around[:at], wanted + more, *around[at:]))

    found = judge_greeting(said, wanted, [BEAT], is_told=True)

    assert (found is Said.WANTED) is (wanted + more in {wanted, wanted + wanted})


def test_two_dtus_are_told_once_and_again_after_an_hour() -> None:
    rivals = Rivals()

    told_at = [at for at in range(0, 7300, 100) if rivals.may_tell(float(at))]

    assert told_at == [0, TOLD_AGAIN_S, 2 * TOLD_AGAIN_S]


def test_two_that_take_turns_are_given_time_before_they_change_hands_again() -> None:
    rivals = Rivals()

    turns = [rivals.change(at) for at in (0.0, 3.0, 6.0)]
    allowed = [rivals.longest_silence_s("a", "a", at) for at in (7.0, 1000.0)]

    assert turns == [False, False, True]
    assert allowed == [dtu_rivals.SILENT_S, dtu_rivals.SILENT_SAME_S]


def no_answer(ask: Ask) -> Iterable[Step]:
    del ask
    return ()


@contextmanager
def second_dtu(rig: Rig, *, source: str = ELSEWHERE) -> Iterator[Dtu]:
    """Another DTU with the same registration and a meter at the same unit."""
    bus = Bus(units={UNIT: good}, framing=Rtu())
    dtu = Dtu(bus=bus, port=rig.port, registration=REGISTRATION, source=source)
    with dtu.dialling():
        until(lambda: dtu.dials)
        yield dtu


def test_a_line_whose_dtu_hung_up_behind_an_unread_heartbeat_is_dead() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        with socket.create_connection(listener.getsockname()) as dtu:
            port = DtuPort(listener.accept()[0], LOOPBACK)
            dtu.sendall(BEAT)
            was_alive = port.is_alive()
        until(lambda: not port.is_alive())
        port.close()

    assert was_alive


def test_a_dtu_whose_registration_only_begins_alike_is_sent_away() -> None:
    with dialled(good, told("registration"), registration=REGISTRATION) as rig:
        with socket.create_connection((LOOPBACK, rig.port), 60) as stranger:
            stranger.sendall(REGISTRATION + b"2")
            said = stranger.recv(10)
        answer = rig.link.transact(UNIT, span(100))

    assert said == b""
    assert answer == words(span(100))


@pytest.mark.parametrize("source", [LOOPBACK, ELSEWHERE])
def test_a_dtu_that_answers_keeps_its_line(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setattr(listen_io, "CERTAIN_AFTER_S", 0.1)
    with dialled(good, told("registration"), registration=REGISTRATION) as rig:
        line = rig.link._session.line
        notices = list(line.take_notices())
        with second_dtu(rig, source=source) as other:
            answers = []

            def is_told() -> bool:
                answers.append(rig.link.transact(UNIT, span(100)))
                notices.extend(line.take_notices())
                return bool(notices)

            until(is_told)
            answers += [rig.link.transact(UNIT, span(at)) for at in range(100, 200, 10)]
            asked, dials = list(other.bus.asked), other.dials

    assert [isinstance(said, Fault) for said in answers] == [False] * len(answers)
    assert (asked, dials) == ([], 1)
    assert [notice.kind for notice in notices] == ["dtu_contested"]
    assert f"the one at 127.0.0.1 keeps it, the one at {source} waits" in notices[0].text
    assert "give each DTU a registration of its own" in notices[0].text


def is_served(rig: Rig, dtu: Dtu) -> bool:
    said = rig.link.transact(UNIT, span(200))
    return bool(dtu.bus.asked) and not isinstance(said, Fault)


def test_who_waits_has_the_line_when_the_other_hangs_up() -> None:
    with dialled(good, told("registration"), registration=REGISTRATION) as rig:
        before = rig.link.transact(UNIT, span(100))
        with second_dtu(rig) as other:
            rig.dtu.bus.stop.set()
            rig.dtu.hang_up()
            until(lambda: is_served(rig, other))

    assert before == words(span(100))


@pytest.mark.parametrize("source", [LOOPBACK, ELSEWHERE])
def test_who_waits_has_the_line_when_the_meters_of_the_other_are_not_those_meant(
    source: str,
) -> None:
    query = told("registration")
    with dialled(good, query, registration=REGISTRATION, timeout_s=1.0) as rig:
        rig.link.transact(UNIT, span(100))
        with second_dtu(rig, source=source) as other:
            rig.link.doubt_far_end()
            until(lambda: is_served(rig, other))
            until(lambda: rig.dtu.dials > 1)
            said = [rig.link.transact(UNIT, span(at)) for at in range(100, 200, 10)]

    assert [isinstance(each, Fault) for each in said] == [False] * len(said)


@pytest.mark.parametrize(
    ("source", "limit"), [(LOOPBACK, "SILENT_SAME_S"), (ELSEWHERE, "SILENT_S")]
)
def test_who_waits_has_the_line_when_nothing_comes_from_the_other(
    monkeypatch: pytest.MonkeyPatch, source: str, limit: str
) -> None:
    monkeypatch.setattr(dtu_rivals, limit, 0.2)
    query = told("registration")
    with (
        dialled(no_answer, query, registration=REGISTRATION, timeout_s=0.3) as rig,
        second_dtu(rig, source=source) as other,
    ):
        until(lambda: is_served(rig, other))
        said = rig.link.transact(UNIT, span(100))

    assert said == words(span(100))


def test_two_connections_of_one_dtu_that_change_hands_are_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dtu_rivals, "SILENT_SAME_S", 0.1)
    query = told("registration")
    with dialled(no_answer, query, registration=REGISTRATION, timeout_s=0.2) as rig:
        line = rig.link._session.line
        mute = Bus(units={UNIT: no_answer}, framing=Rtu())
        other = Dtu(bus=mute, port=rig.port, registration=REGISTRATION)
        notices: list[Notice] = []

        def is_told() -> bool:
            rig.link.transact(UNIT, span(100))
            notices.extend(line.take_notices())
            return bool(notices)

        with other.dialling():
            until(is_told)
            dials = rig.dtu.dials + other.dials
            for _ in range(5):
                is_told()
            later = rig.dtu.dials + other.dials

    assert [each.kind for each in notices] == ["dtu_contested"]
    assert "take the line from each other, because no meter answers" in notices[0].text
    assert later - dials <= 2
