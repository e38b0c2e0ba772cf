"""Units that fall one answer behind without any fault: no word of another request is believed."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_gateway.links import in_step
from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.in_step import (
    DEPTH,
    DOUBTED_FOR_S,
    PROVED_FOR_S,
    SAME_SIZES_TO_TRUST,
    SILENT_PROBES,
    WORDS_ALONE,
    Doubt,
    UnitStep,
    shape_of,
)
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
    exception,
    on_pty,
    on_tcp,
)
from tests.edge_gateway.fault_slaves import answer as good_answer
from tests.edge_gateway.rig import LOOPBACK, register_of
from wire_contracts.quality import BAD_MISMATCH

UNIT = 7
LINES: Mapping[str, type[Framing]] = {"tcp": Mbap, "rtu+tcp": Rtu, "rtu": Rtu}
TIMEOUT_S = 0.05
_MISMATCH = Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH)


@dataclass
class Counting:
    """A meter whose words tell their address and how often it has been asked.

    `behind_from` is the request from which on it answers with the answer before; it is silent to
    the first `silences`, repeats the one at `freezes_at` for ever, and answers `always` words.
    """

    behind_from: int = 1_000_000
    depth: int = 1
    most_words: int = 125
    is_choosy: bool = False
    silences: int = 0
    freezes_at: int = 1_000_000
    always: int = 0
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
            count = self.always or ask.count
            words = [1000 * len(self.asked) + ask.address + at for at in range(count)]
            data = struct.pack(f">{count}H", *(word & 0xFFFF for word in words))
            right = bytes((ask.unit, ask.function, len(data))) + data
        self.said.append(right)
        if len(self.asked) <= self.silences:
            return ()
        if len(self.said) > self.freezes_at:
            return (Say(self.said[self.freezes_at - 1]),)
        is_behind = len(self.said) > max(self.depth, self.behind_from)
        return (Say(self.said[-1 - self.depth] if is_behind else right),)

    def truth(self, block: Span) -> tuple[int, ...]:
        """What it held when it was asked for this block the last time."""
        times = max(
            number
            for number, ask in enumerate(self.asked, 1)
            if (ask.address, ask.count) == (block.address, block.word_count)
        )
        return tuple(1000 * times + block.address + at & 0xFFFF for at in range(block.word_count))


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


@pytest.mark.parametrize("line", sorted(LINES))
@pytest.mark.parametrize("depth", [2, 4, 8])
def test_a_unit_that_is_suddenly_several_answers_behind_loses_its_job(
    line: str, depth: int
) -> None:
    meter = Counting(behind_from=16, depth=depth)
    blocks = [words(100 * at, 2) for at in range(1, 6)]
    with linked(line, meter) as link:
        link.allow(UNIT, [words(700, count) for count in range(1, 12)])
        jobs: list[str] = []
        for _ in range(5):
            pairs = [(link.ask(UNIT, block), meter.truth(block)) for block in blocks]
            is_believed = link.release() is None
            answered = [said == held for said, held in pairs if not isinstance(said, Fault)]
            jobs.append(("right" if all(answered) else "wrong") if is_believed else "refused")

    assert jobs[:3] == ["right", "right", "refused"]
    assert "wrong" not in jobs


def test_single_words_are_not_believed_of_a_unit_that_was_caught_one_behind() -> None:
    """Nobody has said what else may be read of it: its own earlier probes, or nothing."""
    meter = Counting(behind_from=1)
    with linked("tcp", meter) as link:
        blocks = [words(100), words(300), words(400, 1), words(500, 1), words(600, 1)]
        answers, wrong = polled(link, meter, blocks, 15)

    assert wrong == []
    assert isinstance(answers[0], Fault)


def test_what_no_probe_can_prove_is_refused_after_a_wrong_answer() -> None:
    known = UnitStep()
    before = known.is_caught(0.0)
    known.distrust(0.0)
    caught = known.is_caught(DOUBTED_FOR_S - 1)
    later = known.is_caught(DOUBTED_FOR_S + 1)

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
def test_a_meter_that_answers_whole_blocks_alone_is_read_once_that_is_its_way(line: str) -> None:
    meter = Counting(is_choosy=True, blocks=[(100, 10)])
    with linked(line, meter) as link:
        answers, wrong = polled(link, meter, [words(100)], 7)
        probes = link.counts.probes

    assert (wrong, probes) == ([], SILENT_PROBES + WORDS_ALONE)
    assert [isinstance(answer, Fault) for answer in answers] == [True] + [False] * 6


@pytest.mark.parametrize("silences", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("depth", [1, 2, 5, 8])
def test_a_unit_that_is_silent_at_first_and_then_behind_is_never_believed(
    silences: int, depth: int
) -> None:
    meter = Counting(silences=silences, behind_from=0, depth=depth)
    blocks = [words(100, 2), words(200, 2), words(300, 2), words(400, 2)]
    with linked("tcp", meter) as link:
        link.allow(UNIT, [words(700, count) for count in range(1, 12)])
        _, wrong = polled(link, meter, blocks, 16)

    assert wrong == []


@settings(max_examples=15, deadline=None)
@given(
    start=st.lists(st.sampled_from(["silent", "2", "6", "11", "longer", "right"]), max_size=9),
    depth=st.integers(1, DEPTH),
    sizes=st.sampled_from([(2, 2, 2, 2), (10, 10, 2), (4, 2, 1)]),
    keeps_all=st.booleans(),
)
def test_however_a_unit_begins_no_foreign_word_is_believed_once_it_is_behind(
    *, start: list[str], depth: int, sizes: tuple[int, ...], keeps_all: bool
) -> None:
    past: list[Say] = []
    asked: list[Ask] = []

    def behave(ask: Ask) -> Iterable[Step]:
        asked.append(ask)
        how = start[len(asked) - 1] if len(asked) <= len(start) else "behind"
        if keeps_all or how != "silent":
            past.append(good_answer(ask))
        match how:
            case "silent":
                return ()
            case "longer":
                return (good_answer(ask, count=ask.count + 1),)
            case "right":
                return (past[-1],)
            case "behind":
                return past[-1 - depth : len(past) - depth] if len(past) > depth else ()
            case code:
                return exception(int(code))(ask)

    wrong: list[Answer] = []
    blocks = [words(100 * at, size) for at, size in enumerate(sizes, 1)]
    quiet_pymodbus()
    with on_tcp(Bus(units={UNIT: behave}, framing=Mbap())) as port:
        link = open_link(_url("tcp", port), timeout_s=0.03)
        link.allow(UNIT, [words(700, count) for count in range(1, 12)])
        for _ in range(5):
            job = [(block, link.ask(UNIT, block)) for block in blocks]
            is_believed = link.release() is None
            wrong += [said for block, said in job if is_believed and is_foreign(block, said)]
        link.close()

    assert wrong == []


def is_foreign(block: Span, said: Answer) -> bool:
    held = tuple(register_of(UNIT, at) for at in range(block.address, block.end))
    return not isinstance(said, Fault) and said != held


def test_a_meter_that_only_starts_up_is_asked_for_proofs_and_read() -> None:
    meter = Counting(silences=3)
    with linked("tcp", meter) as link:
        answers, wrong = polled(link, meter, [words(100), words(200)], 8)

    assert wrong == []
    assert not any(isinstance(answer, Fault) for answer in answers[3:])


@pytest.mark.parametrize("freezes_at", [4, 12])
def test_a_server_whose_answer_froze_is_not_believed_however_often_it_says_it(
    freezes_at: int,
) -> None:
    meter = Counting(freezes_at=freezes_at)
    blocks = [words(100, 2), words(200, 2), words(300, 2)]
    with linked("tcp", meter) as link:
        link.allow(UNIT, [words(700, count) for count in range(1, 12)])
        _, wrong = polled(link, meter, blocks, 40)

    assert wrong == []


def test_a_meter_of_one_block_that_does_not_heed_the_count_is_read_once_its_words_move() -> None:
    meter = Counting(always=10)
    with linked("tcp", meter) as link:
        answers, wrong = polled(link, meter, [words(100)], SAME_SIZES_TO_TRUST + 4)

    assert wrong == []
    assert not isinstance(answers[-1], Fault)


def test_two_blocks_of_one_length_are_not_believed_of_a_unit_that_does_not_heed_the_count() -> None:
    known = UnitStep()
    one, other = words(100), words(200)
    shape = shape_of(UNIT, one)
    said = [shape.head + bytes((at,)) + bytes(19) for at in range(SAME_SIZES_TO_TRUST + 1)]
    known.want(one, shape)
    for payload in said:
        known.note_no_proof(words(100, 2), shape, payload, now_s=0.0)
    before = known.doubt(one, shape, 0.0)
    known.want(other, shape)
    known.must_prove = True

    assert (before, known.doubt(other, shape, 0.0)) == (Doubt.NONE, Doubt.FOREIGN)


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
    known.note_proof(probe, 0.0)
    soon = known.doubt(block, shape_of(UNIT, block), PROVED_FOR_S)
    later = known.doubt(block, shape_of(UNIT, block), PROVED_FOR_S + 1)

    assert (first, soon, later) == (Doubt.OLD, Doubt.NONE, Doubt.OLD)


@given(
    order=st.lists(st.integers(0, 4), min_size=1, max_size=30),
    behind_from=st.integers(1, 30),
    depth=st.integers(1, DEPTH),
    sizes=st.sampled_from([(10, 10, 10), (1, 1, 1), (10, 1, 2), (2, 2, 4), (2, 2, 2, 1, 1)]),
)
def test_however_far_a_unit_falls_behind_no_foreign_word_is_released(
    order: list[int], behind_from: int, depth: int, sizes: tuple[int, ...]
) -> None:
    """The link's own loop, against a unit of the memory that falls up to eight answers behind."""
    known = UnitStep(spare=tuple(words(500, count) for count in range(1, 2 * DEPTH)))
    blocks = [words(100 * at, size) for at, size in enumerate(sizes)]
    past: list[Span] = []

    def ask(span: Span) -> tuple[bool, Span]:
        """Whether an answer of the right shape came, and what was answered."""
        past.append(span)
        is_behind = len(past) > max(behind_from, depth)
        answered = past[-1 - depth] if is_behind else span
        is_right = shape_of(UNIT, answered) == shape_of(UNIT, span)
        known.note(span, (0,) if is_right else _MISMATCH, opening=1)
        if not is_right:
            known.distrust(0.0)
        return is_right, answered

    def is_proved(block: Span | None) -> bool:
        proof = next(known.proofs(UNIT, block))
        is_right, _ = ask(proof)
        if is_right and not known.is_spoilt:
            known.note_proof(proof, 0.0)
        return is_right and not known.is_spoilt

    for index in order:
        block = blocks[index % len(blocks)]
        shape = shape_of(UNIT, block)
        if known.doubt(block, shape, 0.0) is not Doubt.NONE and not is_proved(block):
            continue
        must_hold = known.may_be_foreign(block, 0.0)
        is_right, answered = ask(block)
        if is_right and must_hold:
            known.held += 1
        is_released = is_right and (not must_hold or is_proved(None))
        known.held, known.is_spoilt = 0, False
        is_foreign = answered not in {each for each in blocks if each.address == block.address}
        assert not (is_released and is_foreign)


def test_every_shipped_profile_has_a_probe_for_each_of_its_blocks() -> None:
    for reference in available_profiles(None):
        profile = load_profile(reference)
        spare = spare_reads(profile)
        for register in profile.registers.values():
            span = register.span
            if register.group is None or not register.is_readable:
                continue
            step = UnitStep(spare=spare[span.unit_offset])
            probe = next(step.proofs(1, span), None)
            assert probe is not None, f"{reference} {register.name}"
            assert all(not low <= probe.address <= high for low, high in profile.forbidden)
