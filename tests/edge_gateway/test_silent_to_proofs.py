"""Meters that answer their blocks and nothing else: read at once, and what that costs the line."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from edge_gateway.links.driver import JobKind, JobRead
from edge_gateway.links.in_step import SILENT_PROBES, WORDS_ALONE
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.modbus_io import quiet_pymodbus
from edge_gateway.polling.drivers_io import Line, make_line
from tests.edge_gateway.fault_slaves import Ask, Behave, Bus, Mbap, Say, Step, on_tcp
from tests.edge_gateway.rig import FastClock
from tests.edge_gateway.test_modbus_driver import MODELS, settings
from wire_contracts.quantities import Quantity

pytestmark = pytest.mark.usefixtures("unhurried")

UNIT = 1
FAST = JobKind(serial="HM-1", group="fast")
VALUES = {Quantity.FLOW_M3H: 7.0, Quantity.POWER_KW: 9.0}
IDENTITY, BLOCK = (100, 1), (0, 5)
WORDS = {100: MODELS["alpha"], 0: 7, 4: 9}


@dataclass
class Meter:
    """Answers its blocks, and the rest only if it is `talkative`; from `silent_upto` on."""

    is_talkative: bool = False
    silent_upto: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, ask: Ask) -> Iterable[Step]:
        self.asked.append((ask.address, ask.count))
        is_block = (ask.address, ask.count) in {IDENTITY, BLOCK}
        if len(self.asked) <= self.silent_upto or not (is_block or self.is_talkative):
            return ()
        words = [WORDS.get(ask.address + at, 0) for at in range(ask.count)]
        data = b"".join(word.to_bytes(2, "big") for word in words)
        return (Say(bytes((ask.unit, ask.function, len(data))) + data),)


@contextmanager
def lined(folder: Path, meter: Behave) -> Iterator[Line]:
    quiet_pymodbus()
    with on_tcp(Bus(units={UNIT: meter}, framing=Mbap())) as port:
        setup = replace(settings(folder, int(port), "alpha@1"), timeout_s=1.0)
        line = make_line(setup.order(FastClock(1.0)))
        try:
            yield line
        finally:
            line.driver.close()


def polls(line: Line, times: int) -> tuple[list[JobRead], list[LinkCounts]]:
    """What each poll brought, and the line's account behind each."""
    reads, counts = [], []
    for _ in range(times):
        reads.append(line.driver.read(FAST, retry_count=0))
        counts.append(line.counts())
    return reads, counts


def test_a_meter_silent_to_proofs_has_its_values_with_the_second_poll(tmp_path: Path) -> None:
    meter = Meter()
    with lined(tmp_path, meter) as line:
        reads, counts = polls(line, 4)

    assert [dict(read.values) for read in reads] == [{}, VALUES, VALUES, VALUES]
    assert counts[0].requests == SILENT_PROBES
    assert counts[-1].probes == SILENT_PROBES + WORDS_ALONE
    assert [meter.asked.count(block) for block in (IDENTITY, BLOCK)] == [WORDS_ALONE, 3]


def test_a_meter_that_answers_proofs_is_asked_for_one_and_for_nothing_twice(
    tmp_path: Path,
) -> None:
    meter = Meter(is_talkative=True)
    with lined(tmp_path, meter) as line:
        reads, counts = polls(line, 10)

    assert all(dict(read.values) == VALUES for read in reads)
    assert [count.probes for count in counts] == [1] * 10
    assert [meter.asked.count(block) for block in (IDENTITY, BLOCK)] == [1, 10]


def test_a_meter_that_is_not_there_costs_one_time_out_with_every_poll(tmp_path: Path) -> None:
    with lined(tmp_path, Meter(silent_upto=1000)) as line:
        _, counts = polls(line, 5)

    assert [count.timeouts for count in counts] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("silent_upto", [1, 2, 3])
def test_a_meter_that_starts_up_late_proves_itself_in_the_poll_that_finds_it(
    tmp_path: Path, silent_upto: int
) -> None:
    meter = Meter(is_talkative=True, silent_upto=silent_upto)
    with lined(tmp_path, meter) as line:
        reads, counts = polls(line, silent_upto + 2)

    assert [bool(read.values) for read in reads] == [False] * silent_upto + [True] * 2
    assert counts[-1].timeouts == silent_upto
