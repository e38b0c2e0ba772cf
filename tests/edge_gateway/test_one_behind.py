"""Units that fall one answer behind without any fault: no word of another request is believed."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links import in_step
from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.in_step import PROVED_FOR_S, Doubt, UnitStep, shape_of
from edge_gateway.links.link_url import LinkUrl, parse_url
from edge_gateway.links.modbus_io import PROBE_SHARE, ModbusLink, quiet_pymodbus
from edge_gateway.links.modbus_links_io import open_link
from edge_gateway.links.spare_reads import spare_reads
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.words import Span
from tests.edge_gateway.fault_slaves import (
    Ask,
    Bus,
    Framing,
    Mbap,
    Rtu,
    Say,
    Step,
    on_pty,
    on_tcp,
)
from tests.edge_gateway.rig import LOOPBACK
from wire_contracts.quality import BAD_MISMATCH

UNIT = 7
LINES: Mapping[str, type[Framing]] = {"tcp": Mbap, "rtu+tcp": Rtu, "rtu": Rtu}
TIMEOUT_S = 0.05


@dataclass
class Counting:
    """A meter whose words tell their address and how often it has been asked.

    `behind_from` is the request from which on it answers with the answer before.
    """

    behind_from: int = 1_000_000
    most_words: int = 125
    is_choosy: bool = False
    blocks: Sequence[tuple[int, int]] = ()
    said: list[bytes] = field(default_factory=list)
    asked: list[Ask] = field(default_factory=list)

    def __call__(self, ask: Ask) -> Iterable[Step]:
        self.asked.append(ask)
        if self.is_choosy and (ask.address, ask.count) not in self.blocks:
            return ()
        if ask.count > self.most_words:
            right = bytes((ask.unit, ask.function | 0x80, 2))
        else:
            words = [1000 * len(self.asked) + ask.address + at for at in range(ask.count)]
            data = struct.pack(f">{ask.count}H", *(word & 0xFFFF for word in words))
            right = bytes((ask.unit, ask.function, len(data))) + data
        self.said.append(right)
        is_behind = len(self.said) > max(1, self.behind_from)
        return (Say(self.said[-2] if is_behind else right),)

    def truth(self, block: Span) -> tuple[int, ...]:
        """What it holds now, as its newest answer says."""
        return tuple(
            1000 * len(self.asked) + block.address + at & 0xFFFF for at in range(block.word_count)
        )


@contextmanager
def linked(line: str, meter: Counting) -> Iterator[ModbusLink]:
    quiet_pymodbus()
    bus = Bus(units={UNIT: meter}, framing=LINES[line]())
    with on_pty(bus) if line == "rtu" else on_tcp(bus) as place:
        link = open_link(_url(line, place), timeout_s=TIMEOUT_S)
        yield link
        link.close()


def _url(line: str, place: str | int) -> LinkUrl:
    return parse_url(
        f"rtu://{place}?baud=115200" if line == "rtu" else f"{line}://{LOOPBACK}:{place}"
    )


def words(address: int, count: int = 10) -> Span:
    return Span(function_code=3, address=address, word_count=count)


def polled(
    link: ModbusLink, meter: Counting, blocks: Sequence[Span], times: int
) -> tuple[list[Answer], list[Answer]]:
    """All answers, and those that are not what the meter holds."""
    answers: list[Answer] = []
    wrong: list[Answer] = []
    for at in range(times):
        block = blocks[at % len(blocks)]
        answer = link.transact(UNIT, block)
        answers.append(answer)
        if not isinstance(answer, Fault) and answer != meter.truth(block):
            wrong.append(answer)
    return answers, wrong


@pytest.mark.parametrize("line", sorted(LINES))
@pytest.mark.parametrize("behind_from", [1, 4])
def test_a_meter_of_one_block_never_shows_its_previous_poll(
    line: str, behind_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_step, "PROVED_FOR_S", 0.0)
    monkeypatch.setattr("edge_gateway.links.modbus_io.PROBE_SHARE", 1e9)
    meter = Counting(behind_from=behind_from)
    with linked(line, meter) as link:
        answers, wrong = polled(link, meter, [words(100)], 8)

    assert wrong == []
    assert any(isinstance(answer, Fault) for answer in answers)


@pytest.mark.parametrize("line", sorted(LINES))
@pytest.mark.parametrize("behind_from", [1, 2, 5])
def test_blocks_of_one_word_are_never_taken_for_each_other(line: str, behind_from: int) -> None:
    meter = Counting(behind_from=behind_from)
    with linked(line, meter) as link:
        link.allow(UNIT, [words(300, 2), words(400, 3)])
        _, wrong = polled(link, meter, [words(100, 1), words(200, 1), words(230, 1)], 9)

    assert wrong == []


def test_single_words_are_not_believed_of_a_unit_that_was_caught_one_behind() -> None:
    """Nobody has said what else may be read of it: its own earlier probes, or nothing."""
    meter = Counting(behind_from=1)
    with linked("tcp", meter) as link:
        blocks = [words(100), words(300), words(400, 1), words(500, 1), words(600, 1)]
        answers, wrong = polled(link, meter, blocks, 15)

    assert wrong == []
    assert isinstance(answers[0], Fault)


def test_what_no_probe_can_prove_is_refused_after_a_wrong_answer() -> None:
    known, block = UnitStep(), words(400, 1)
    known.note(words(300, 1), (1,), opening=1, now_s=0.0)
    before = known.is_caught(block, shape_of(UNIT, block), 0.0)
    fault = Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH)
    known.note(block, fault, opening=1, now_s=0.0)
    caught = known.is_caught(block, shape_of(UNIT, block), PROVED_FOR_S - 1)
    later = known.is_caught(block, shape_of(UNIT, block), PROVED_FOR_S + 1)

    assert (before, caught, later) == (False, True, False)


def test_a_gateway_that_starts_does_not_believe_what_was_said_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(in_step, "PROVED_FOR_S", 1e9)
    meter = Counting(behind_from=1)
    with linked("tcp", meter):
        meter.said.append(bytes((UNIT, 3, 20)) + bytes(20))
    with linked("tcp", meter) as link:
        _, wrong = polled(link, meter, [words(100)], 4)

    assert wrong == []


def test_a_meter_of_one_word_that_refuses_its_neighbour_is_proved_by_that() -> None:
    meter = Counting(most_words=1)
    with linked("tcp", meter) as link:
        link.allow(UNIT, [words(100, 2)])
        answers, wrong = polled(link, meter, [words(100, 1)], 4)
        probes = link.counts.probes

    assert (wrong, probes) == ([], 1)
    assert not any(isinstance(answer, Fault) for answer in answers)


@pytest.mark.parametrize("line", sorted(LINES))
def test_a_meter_that_answers_whole_blocks_alone_is_read_after_two_probes(line: str) -> None:
    meter = Counting(is_choosy=True, blocks=[(100, 10)])
    with linked(line, meter) as link:
        answers, wrong = polled(link, meter, [words(100)], 6)
        probes = link.counts.probes

    assert (wrong, probes) == ([], 2)
    assert [isinstance(answer, Fault) for answer in answers] == [True] * 2 + [False] * 4


def test_a_meter_that_says_nothing_beside_its_words_loses_none_for_ever() -> None:
    meter = Counting(is_choosy=True, blocks=[(100, 1), (200, 1)])
    with linked("tcp", meter) as link:
        link.allow(UNIT, [words(100, 2)])
        answers, _ = polled(link, meter, [words(100, 1), words(200, 1)], 8)

    assert not any(isinstance(answer, Fault) for answer in answers[4:])


@pytest.mark.parametrize(("share", "probes"), [(1e-9, 1), (1e9, 20)])
def test_proofs_of_age_keep_to_their_share_of_the_line(
    share: float, probes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_step, "PROVED_FOR_S", 0.0)
    monkeypatch.setattr("edge_gateway.links.modbus_io.PROBE_SHARE", share)
    meter = Counting()
    with linked("tcp", meter) as link:
        polled(link, meter, [words(100)], 20)

    assert link.counts.probes == probes
    assert PROBE_SHARE < 0.05


def test_a_block_that_was_proved_a_minute_ago_is_doubted() -> None:
    block, probe = words(100), words(100, 2)
    known = UnitStep()
    first = known.doubt(block, shape_of(UNIT, block), 0.0)
    for each in (probe, block):
        known.note(each, (0,) * each.word_count, opening=1, now_s=0.0)
    soon = known.doubt(block, shape_of(UNIT, block), PROVED_FOR_S)
    later = known.doubt(block, shape_of(UNIT, block), PROVED_FOR_S + 1)

    assert (first, soon, later) == (Doubt.OLD, Doubt.NONE, Doubt.OLD)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=12),
    st.integers(1, 20),
    st.sampled_from([(10, 10, 10), (1, 1, 1), (10, 1, 2), (2, 2, 4)]),
)
def test_whatever_is_polled_nothing_foreign_passes_a_unit_that_falls_behind(
    order: list[int], behind_from: int, sizes: tuple[int, int, int]
) -> None:
    """The link's own loop, against a unit of the memory: it answers the shape of the one before."""
    known = UnitStep(spare=(words(500, 2), words(600, 3)))
    blocks = [words(100 * at, size) for at, size in enumerate(sizes)]
    past = [words(900, 4)]

    def ask(span: Span) -> bool:
        """Whether an answer of the right shape came; one that is foreign fails the test."""
        is_behind = len(past) > behind_from
        answered = past[-1] if is_behind else span
        past.append(span)
        is_right_shape = shape_of(UNIT, answered) == shape_of(UNIT, span)
        fault = Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH)
        known.note(span, (0,) * span.word_count if is_right_shape else fault, opening=1, now_s=0.0)
        assert not is_right_shape or span not in blocks or answered == span
        return is_right_shape

    for index in order:
        block = blocks[index % len(blocks)]
        is_sure = True
        for _ in range(2):
            if known.doubt(block, shape_of(UNIT, block), 0.0) is Doubt.NONE:
                break
            probe = next(known.probes(UNIT, block))
            is_sure = ask(probe)
            if not is_sure:
                break
        if is_sure and ask(block):
            known.note_words(block, 0.0)


def test_every_shipped_profile_has_a_probe_for_each_of_its_blocks() -> None:
    for reference in available_profiles(None):
        profile = load_profile(reference)
        spare = spare_reads(profile)
        for register in profile.registers.values():
            span = register.span
            if register.group is None or not register.is_readable:
                continue
            step = UnitStep(spare=spare[span.unit_offset])
            probe = next(step.probes(1, span), None)
            assert probe is not None, f"{reference} {register.name}"
            assert all(not low <= probe.address <= high for low, high in profile.forbidden)
