"""More meters and lines that lie with a right checksum: no wrong word, whatever they do."""

import contextlib
import random
import struct
from collections.abc import Iterable, Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_gateway.links.answers import Answer, Fault
from edge_gateway.links.link_url import LinkUrl, parse_url
from edge_gateway.links.modbus_frames import Expected, read_shape
from edge_gateway.links.modbus_io import quiet_pymodbus
from edge_gateway.links.modbus_links_io import open_link
from edge_gateway.links.torn_frames import Behind, are_frames, what_is_behind
from firmware_profiles.words import Span
from tests.edge_gateway.fault_slaves import (
    Ascii,
    Ask,
    Behave,
    Bus,
    Cut,
    Damaged,
    End,
    Framing,
    Mbap,
    Raw,
    Rtu,
    Say,
    Step,
    Wait,
    answer,
    as_unit,
    exception,
    good,
    on_pty,
    on_tcp,
)
from tests.edge_gateway.rig import LOOPBACK, register_of

UNIT = 7
NEIGHBOUR = 8
TIMEOUT_S = 0.06
FRAMINGS: Mapping[str, type[Framing]] = {"tcp": Mbap, "rtu+tcp": Rtu, "rtu": Rtu, "ascii": Ascii}


def words(address: int, count: int = 10) -> Span:
    return Span(function_code=3, address=address, word_count=count)


@contextlib.contextmanager
def lined(line: str, units: Mapping[int, Behave]) -> Iterator[LinkUrl]:
    bus = Bus(units=units, framing=FRAMINGS[line]())
    if line in {"rtu", "ascii"}:
        with on_pty(bus) as device:
            yield parse_url(f"{line}://{device}?baud=115200")
    else:
        with on_tcp(bus) as port:
            yield parse_url(f"{line}://{LOOPBACK}:{port}")


def wrong_of(unit: int, block: Span, said: Answer) -> list[str]:
    """What was read that the meter does not hold."""
    held = tuple(register_of(unit, at) for at in range(block.address, block.end))
    return [] if isinstance(said, Fault) or said == held else [f"{unit} {block}: {said}"]


def other_address(ask: Ask) -> Say:
    """The answer to a request of the same length at another address."""
    data = b"".join(
        register_of(ask.unit, ask.address + 50 + at).to_bytes(2, "big") for at in range(ask.count)
    )
    return Say(bytes((ask.unit, ask.function, len(data))) + data)


def in_two_frames(ask: Ask) -> Iterable[Step]:
    """Half of the words in one frame, the other half in another."""
    half = ask.data()[: ask.count]
    rest = ask.data()[ask.count :]
    head = (ask.unit, ask.function)
    return (Say(bytes((*head, len(half))) + half), Say(bytes((*head, len(rest))) + rest))


def swapped_pairs(ask: Ask) -> Iterable[Step]:
    """Holds every second answer back and gives it with the next, in the wrong order."""
    if ask.number % 2 == 0:
        return ()
    return (answer(ask), answer(ask.before[-1]))


def numbered(transaction: int, payload: bytes) -> bytes:
    return Mbap().wrap(payload, transaction)


def torn_by(ask: Ask, other: bytes, *, at: float | None = None) -> Iterable[Step]:
    """An answer cut at a share of its length, or so that another frame just completes it."""
    whole = numbered(ask.transaction, answer(ask).payload)
    end = len(whole) - len(other) if at is None else int(len(whole) * at)
    return (Raw(whole[: max(end, 0)] + other),)


def own_exception(ask: Ask) -> bytes:
    return numbered(ask.transaction, bytes((ask.unit, ask.function | 0x80, 11)))


def earlier(ask: Ask) -> bytes:
    before = ask.before[-1] if ask.before else ask
    return numbered(before.transaction, answer(before).payload)


def neighbours(ask: Ask, number: int) -> bytes:
    return numbered((ask.transaction + number) % 65536, as_unit(ask, NEIGHBOUR).payload)


TORN: Mapping[str, Behave] = {
    "completed by its own exception": lambda a: torn_by(a, own_exception(a)),
    "completed by its own exception, later": lambda a: (
        Raw(numbered(a.transaction, answer(a).payload)[:-9]),
        Wait(0.005),
        Raw(own_exception(a)),
    ),
    "completed by the neighbour's exception": lambda a: torn_by(
        a, numbered((a.transaction + 1) % 65536, bytes((NEIGHBOUR, 0x83, 2)))
    ),
    "half, then an earlier answer": lambda a: torn_by(a, earlier(a), at=0.5),
    "half, then the neighbour's next": lambda a: torn_by(a, neighbours(a, 1), at=0.5),
    "half, then the neighbour's under this number": lambda a: torn_by(a, neighbours(a, 0), at=0.5),
    "nearly all, then the neighbour's": lambda a: torn_by(a, neighbours(a, 1), at=0.9),
    "half, then two of the neighbour's": lambda a: torn_by(
        a, neighbours(a, 1) + neighbours(a, 2), at=0.5
    ),
    "two words lost, refilled by the next frame": lambda a: (
        Raw(
            numbered(a.transaction, answer(a).payload)[:-8]
            + numbered(a.transaction, answer(a).payload)[-4:]
            + neighbours(a, 1)
        ),
    ),
}


@pytest.mark.parametrize("habit", sorted(TORN))
def test_an_answer_that_another_frame_completed_is_no_answer(habit: str) -> None:
    quiet_pymodbus()

    def behave(ask: Ask) -> Iterable[Step]:
        return good(ask) if ask.count < 10 else TORN[habit](ask)

    with lined("tcp", {UNIT: behave, NEIGHBOUR: good}) as url:
        link = open_link(url, timeout_s=TIMEOUT_S)
        torn = [link.transact(UNIT, words(address)) for address in (100, 200, 100, 300)]
        fine = link.transact(NEIGHBOUR, words(100))
        link.close()

    assert [type(each) for each in torn] == [Fault] * 4
    assert wrong_of(NEIGHBOUR, words(100), fine) == []


@settings(max_examples=200)
@given(values=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125), number=st.integers(1, 9))
def test_no_words_of_a_healthy_meter_look_like_a_second_frame_that_would_be_waited_for(
    values: list[int], number: int
) -> None:
    raw = numbered(
        number, bytes((UNIT, 3, 2 * len(values))) + struct.pack(f">{len(values)}H", *values)
    )
    expected = Expected(
        shape=read_shape(UNIT, 3, 2 * len(values)), request=raw[:12], transaction=number
    )

    assert what_is_behind(raw, b"", expected) is Behind.CLEAR
    assert are_frames(raw) is True
    assert all(are_frames(raw[:end]) is None for end in range(1, len(raw)))


HABITS: Mapping[str, Behave] = {
    "two answers glued, another unit's first": lambda a: (as_unit(a, NEIGHBOUR), answer(a)),
    "its answer glued to the neighbour's": lambda a: (answer(a), as_unit(a, NEIGHBOUR)),
    "an exception, then the words": lambda a: (*exception(4)(a), answer(a)),
    "the words, then an exception": lambda a: (answer(a), *exception(4)(a)),
    "exceptions 10 and 11 in turn": lambda a: exception(10 + a.number % 2)(a),
    "an exception of the other read function": lambda a: (
        Say(bytes((a.unit, 0x84, 2))),
        answer(a),
    ),
    "an exception with no function": lambda a: (Say(bytes((a.unit, 0x80, 2))),),
    "the words in two frames": in_two_frames,
    "held back and given in the wrong order": swapped_pairs,
    "a broadcast's answer": lambda a: (as_unit(a, 0),),
    "half an answer, then a whole one": lambda a: (Cut(answer(a), 0, 0.5), answer(a)),
    "a damaged answer, then the neighbour's": lambda a: (
        Damaged(answer(a)),
        as_unit(a, NEIGHBOUR),
    ),
    "byte by byte with pauses": lambda a: tuple(
        step for at in range(10) for step in (Cut(answer(a), at / 10, (at + 1) / 10), Wait(0.001))
    ),
    "the beginning twice": lambda a: (Cut(answer(a), 0, 0.3), answer(a)),
    "half open: takes and says nothing": lambda a: () if a.number else (answer(a),),
    "a reset in the middle": lambda a: (Cut(answer(a), 0, 0.7), End.RESET),
    "zeros before": lambda a: (Raw(bytes(7)), answer(a)),
    "its own request, then the words": lambda a: (Raw(a.raw), answer(a)),
    "a frame of another protocol in between": lambda a: (
        Raw(bytes.fromhex("68030368080572e516")),
        answer(a),
    ),
    "the words of a longer answer": lambda a: (answer(a, count=a.count + 2), answer(a)),
}


@pytest.mark.parametrize("line", sorted(FRAMINGS))
@pytest.mark.parametrize("habit", sorted(HABITS))
def test_no_habit_of_a_meter_gives_a_wrong_word_or_harms_its_neighbour(
    line: str, habit: str
) -> None:
    quiet_pymodbus()
    wrong: list[str] = []
    with lined(line, {UNIT: HABITS[habit], NEIGHBOUR: good}) as url:
        link = open_link(url, timeout_s=TIMEOUT_S)
        for address, count in ((100, 10), (200, 10), (300, 4), (100, 10), (400, 1), (500, 1)):
            block = words(address, count)
            wrong += wrong_of(UNIT, block, link.transact(UNIT, block))
            wrong += wrong_of(NEIGHBOUR, block, link.transact(NEIGHBOUR, block))
        link.close()

    assert wrong == []


@pytest.mark.parametrize("line", ["tcp", "rtu", "rtu+tcp"])
def test_half_an_answer_and_a_foreign_one_behind_it_is_no_answer(line: str) -> None:
    quiet_pymodbus()
    wrong: list[str] = []
    with lined(line, {UNIT: lambda a: (Cut(answer(a), 0, 0.5), other_address(a))}) as url:
        link = open_link(url, timeout_s=TIMEOUT_S)
        for address in (100, 200, 300):
            block = words(address)
            wrong += wrong_of(UNIT, block, link.transact(UNIT, block))
        link.close()

    assert wrong == []


@pytest.mark.parametrize("line", sorted(FRAMINGS))
def test_a_request_that_comes_back_is_never_taken_for_its_answer(line: str) -> None:
    """Twenty coils at 0x0300: the request has the length and the beginning of the answer."""
    quiet_pymodbus()
    block = Span(function_code=1, address=0x0300, word_count=20)
    with lined(line, {UNIT: lambda ask: (Raw(ask.raw),)}) as url:
        link = open_link(url, timeout_s=TIMEOUT_S)
        said = [link.transact(UNIT, block) for _ in range(3)]
        link.close()

    assert [type(each) for each in said] == [Fault] * 3


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), line=st.sampled_from(["tcp", "rtu+tcp"]))
def test_whatever_habits_take_turns_no_word_is_wrong(seed: int, line: str) -> None:
    quiet_pymodbus()
    choice = random.Random(seed)
    names = sorted(HABITS)

    def behave(ask: Ask) -> Iterable[Step]:
        return good(ask) if choice.random() < 0.6 else HABITS[choice.choice(names)](ask)

    wrong: list[str] = []
    with lined(line, {UNIT: behave, NEIGHBOUR: good}) as url:
        link = open_link(url, timeout_s=0.03)
        for _ in range(12):
            block = words(choice.randrange(0, 900), choice.choice((1, 2, 10, 10)))
            wrong += wrong_of(UNIT, block, link.transact(UNIT, block))
        link.close()

    assert wrong == []


def test_the_packing_of_these_meters_is_that_of_the_others() -> None:
    ask = Ask(unit=UNIT, function=3, address=1, count=2)

    assert answer(ask).payload == bytes((UNIT, 3, 4)) + struct.pack(">2H", 7001, 7002)
