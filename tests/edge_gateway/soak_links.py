"""The soak: eight lines at once with faults at random, and every word checked."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.modbus_io import ModbusLink, quiet_pymodbus
from edge_gateway.links.modbus_links_io import open_link
from firmware_profiles.words import Span
from tests.edge_gateway.fault_slaves import pause_until
from tests.edge_gateway.rig import ROOT, register_of
from tests.edge_gateway.soak_slaves import (
    COSTLY_UNITS,
    GOOD_UNITS,
    HABITS,
    LINES,
    OK,
    TIMEOUT,
    TIMEOUT_S,
    units_of,
)
from tests.free_ports import free_port

MOST_TIMEOUTS = 0.01
MOST_MISNAMED = 0.000_2
"""A machine that stalls for 20 ms cuts what a meter said, and the rest meets the next request."""

SHARE_OF_GOOD = 0.6
SHARE_OF_COSTLY = 0.1
DTU_PORTS = 2
_TELL_EVERY_S = 5.0


@dataclass
class SoakReport:
    """What the soak found.

    Attributes:
        transactions: How many were asked.
        seconds: How long it took.
        wrong: Words that were not those of the unit and address, described.
        misnamed: Faults that were called what they were not.
        named: How often each quality was said.
        timeouts: Requests that nothing answered in time.
        counts: What each line counted.
    """

    transactions: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    named: Counter[str] = field(default_factory=Counter)
    timeouts: int = 0
    counts: list[LinkCounts] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_named(self) -> bool:
        """Whether faults were called what they were, but for a machine's stalls."""
        return len(self.misnamed) <= MOST_MISNAMED * self.transactions

    @property
    def timeout_share(self) -> float:
        """Time-outs per transaction."""
        return self.timeouts / max(1, self.transactions)


@contextmanager
def slaves(seed: int) -> Iterator[list[str]]:
    """The lines in a process of their own; gives their URLs."""
    ports = [str(free_port()) for _ in range(DTU_PORTS)]
    command = [sys.executable, "-m", "tests.edge_gateway.soak_slaves", str(seed), *ports]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()
        process.wait(30)


def soak(
    transactions: int, seed: int, tell: Callable[[SoakReport], None] = lambda _: None
) -> SoakReport:
    """Run so many transactions and return what was found; `tell` hears of the progress."""
    quiet_pymodbus()
    report = SoakReport()
    begun_s = time.monotonic()
    with slaves(seed) as urls:
        each = transactions // len(urls)
        threads = [
            threading.Thread(
                target=_one_line,
                args=(line, _link(url), [random.Random(seed + at)] * each, report),
            )
            for at, (line, url) in enumerate(zip(LINES, urls, strict=True))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_TELL_EVERY_S)
                report.seconds = time.monotonic() - begun_s
                tell(report)
    return report


def _link(url: str) -> ModbusLink:
    return open_link(parse_url(url), timeout_s=TIMEOUT_S)


def _one_line(
    line: str, link: ModbusLink, chances: Sequence[random.Random], report: SoakReport
) -> None:
    odd_units = [unit for unit in units_of(line) if unit not in GOOD_UNITS]
    pause_until(link.open, within_s=20)
    for chance in chances:
        unit = chance.choice(GOOD_UNITS if chance.random() < SHARE_OF_GOOD else odd_units)
        if unit in COSTLY_UNITS and chance.random() > SHARE_OF_COSTLY:
            unit = chance.choice(GOOD_UNITS)
        block = Span(
            function_code=chance.choice((3, 4)),
            address=chance.randrange(900),
            word_count=chance.choice((2, 10, 10, 10, 20)),
        )
        answer = _asked(link, unit, block)
        with report.lock:
            _judge(report, line, unit, block, answer)
    link.close()
    with report.lock:
        report.counts.append(link.counts)


def _asked(link: ModbusLink, unit: int, block: Span) -> Answer:
    """The answer; a line that its far end cut is waited for."""
    answer = link.transact(unit, block)
    while isinstance(answer, Fault) and answer.kind is FaultKind.LINK_DOWN:
        pause_until(link.open)
        answer = link.transact(unit, block)
    return answer


def _judge(report: SoakReport, line: str, unit: int, block: Span, answer: Answer) -> None:
    report.transactions += 1
    said = _named(unit, block, answer)
    report.named[said if not said.startswith("WRONG") else "WRONG"] += 1
    place = f"{line} unit {unit} {block.function_code}/{block.address}+{block.word_count}"
    if said.startswith("WRONG"):
        report.wrong.append(f"{place}: {said}")
    if isinstance(answer, Fault) and answer.kind is FaultKind.TIMEOUT:
        report.timeouts += 1
    habit = HABITS.get(unit)
    if habit is not None and said not in habit.says | {OK, TIMEOUT}:
        report.misnamed.append(f"{place}: {said}: {answer}")


def _named(unit: int, block: Span, answer: Answer) -> str:
    if isinstance(answer, Fault):
        return answer.quality
    right = tuple(register_of(unit, at) for at in range(block.address, block.end))
    return OK if answer == right else f"WRONG {answer}"
