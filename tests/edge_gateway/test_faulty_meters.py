"""In every fault on every line: no wrong word, the neighbour unharmed, the fault named as it is."""

import contextlib
import functools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from edge_gateway.links.answers import Answer, Fault
from edge_gateway.links.link_url import LinkUrl, parse_url
from edge_gateway.links.modbus_io import ModbusLink, quiet_pymodbus
from edge_gateway.links.modbus_links_io import open_link
from firmware_profiles.words import Span
from tests.edge_gateway.fault_cases import CASES, EVERY, OK, SERIAL, TIMEOUT, TIMEOUT_S, Case
from tests.edge_gateway.fault_slaves import (
    Ascii,
    Bus,
    Dtu,
    Framing,
    Mbap,
    Rtu,
    good,
    on_pty,
    on_tcp,
    pause_until,
)
from tests.edge_gateway.rig import register_of
from tests.free_ports import free_port

GOOD = 1
BAD = 7
BLOCKS = (100, 300, 400, 100, 500)
FRAMINGS: Mapping[str, type[Framing]] = {
    "tcp": Mbap,
    "rtu": Rtu,
    "ascii": Ascii,
    "rtu+tcp": Rtu,
    "listen": Rtu,
    "listen+tcp": Mbap,
}
AT_ONCE = 40
"""Scenarios that run side by side: they wait far more than they compute."""


@contextlib.contextmanager
def lined(line: str, bus: Bus) -> Iterator[LinkUrl]:
    """The bus behind a line of a kind; gives the URL."""
    if line in {"rtu", "ascii"}:
        with on_pty(bus) as device:
            yield parse_url(f"{line}://{device}?baud=115200")
    elif line.startswith("listen"):
        port = free_port()
        framing = "tcp" if line.endswith("tcp") else "rtu"
        with Dtu(bus=bus, port=port, registration=b"LAMP-DTU").dialling():
            yield parse_url(
                f"listen://127.0.0.1:{port}?registration=text:LAMP-DTU&framing={framing}"
            )
    else:
        with on_tcp(bus) as port:
            yield parse_url(f"{line}://127.0.0.1:{port}")


def span(address: int, count: int = 10) -> Span:
    return Span(function_code=3, address=address, word_count=count)


def words(unit: int, block: Span) -> tuple[int, ...]:
    return tuple(register_of(unit, at) for at in range(block.address, block.end))


def named(unit: int, block: Span, answer: Answer) -> str:
    if isinstance(answer, Fault):
        return answer.quality
    return OK if answer == words(unit, block) else f"WRONG {answer}"


@dataclass(frozen=True)
class Outcome:
    """What was said of the faulty meter's requests, and of its neighbour's."""

    faulty: tuple[str, ...]
    healthy: tuple[str, ...]


def ask(link: ModbusLink, unit: int, address: int) -> str:
    return named(unit, span(address), link.transact(unit, span(address)))


def ask_until_right(link: ModbusLink, unit: int, address: int) -> str:
    """What a meter in order is read as, once what the faulty one left behind has gone by."""
    said: list[str] = []

    def is_told() -> bool:
        said.append(ask(link, unit, address))
        return not said[-1].startswith("bad_")

    pause_until(is_told, within_s=20.0)
    return said[-1]


def scenario(line: str, case: Case) -> Outcome:
    bus = Bus(units={GOOD: good, BAD: case.behave}, framing=FRAMINGS[line]())
    with lined(line, bus) as url:
        link = open_link(url, timeout_s=TIMEOUT_S)
        link.open()
        pause_until(link.open)
        faulty = tuple(ask(link, BAD, address) for address in BLOCKS)
        healthy = tuple(ask_until_right(link, GOOD, address) for address in (200, 300))
        link.close()
    return Outcome(faulty, healthy)


def told(line: str, case: Case) -> Outcome:
    """What was said of a case; a machine that was too busy for it is given another chance.

    A wrong word is never given one.
    """
    said: list[Outcome] = []

    def is_as_it_should_be() -> bool:
        said.append(scenario(line, case))
        return is_named(line, case, said[-1]) or any(
            each.startswith("WRONG") for each in said[-1].faulty + said[-1].healthy
        )

    pause_until(is_as_it_should_be, within_s=30.0)
    return said[-1]


def is_named(line: str, case: Case, outcome: Outcome) -> bool:
    """Whether the fault was called by its names, and its neighbour read right."""
    first = case.first(line)
    return (
        set(outcome.faulty) <= first | case.later | {TIMEOUT}
        and outcome.faulty[0] in first | {TIMEOUT}
        and not first.isdisjoint(outcome.faulty)
        and outcome.healthy == (OK, OK)
    )


@functools.cache
def outcomes(line: str) -> Mapping[str, Outcome]:
    quiet_pymodbus()
    names = [name for name, case in CASES.items() if line in case.lines]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda name: told(line, CASES[name]), names)
        return dict(zip(names, found, strict=True))


@pytest.mark.parametrize(
    ("line", "name"),
    [(line, name) for line in sorted(EVERY) for name, case in CASES.items() if line in case.lines],
)
def test_a_fault_is_named_and_neither_invents_nor_spoils_a_word(line: str, name: str) -> None:
    outcome = outcomes(line)[name]

    assert is_named(line, CASES[name], outcome), outcome


def test_a_repeated_request_is_known_when_the_url_says_that_the_adapter_repeats() -> None:
    case = CASES["repeats the request"]
    bus = Bus(units={BAD: case.behave}, framing=Rtu())
    with on_pty(bus) as device:
        link = open_link(parse_url(f"rtu://{device}?baud=115200&echo=true"), timeout_s=10.0)
        said = [ask(link, BAD, address) for address in BLOCKS]
        link.close()

    assert said == [OK] * len(BLOCKS)


def test_a_missing_repetition_does_no_harm() -> None:
    with on_pty(Bus(units={GOOD: good}, framing=Rtu())) as device:
        link = open_link(parse_url(f"rtu://{device}?baud=115200&echo=true"), timeout_s=10.0)
        said = [ask(link, GOOD, address) for address in BLOCKS]
        link.close()

    assert said == [OK] * len(BLOCKS)


@pytest.mark.parametrize("line", sorted(SERIAL))
def test_an_adapter_that_repeats_is_named_with_its_remedy(line: str) -> None:
    bus = Bus(units={BAD: CASES["repeats the request"].behave}, framing=FRAMINGS[line]())
    with lined(line, bus) as url:
        link = open_link(url, timeout_s=10.0)
        pause_until(link.open)
        answer = link.transact(BAD, span(100))
        link.close()

    assert isinstance(answer, Fault)
    assert "our own request came back" in answer.detail
