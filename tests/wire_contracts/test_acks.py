"""The acknowledgement: a set of numbers, however it is built."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.acks import (
    MAX_RANGES,
    Ack,
    EpochAck,
    add_range,
    add_seqs,
    dump_ack,
    fitting,
    parse_ack,
)
from wire_contracts.errors import ContractError
from wire_contracts.payloads import unpack

seq_lists = st.lists(st.integers(1, 60))
EMPTY = EpochAck(epoch=1, upto=0)


def held(ack: EpochAck) -> set[int]:
    return {seq for seq in range(1, 80) if ack.covers(seq)}


@given(seq_lists)
def test_it_covers_exactly_what_was_committed(seqs: list[int]) -> None:
    assert held(add_seqs(EMPTY, seqs)) == set(seqs)


@given(st.lists(seq_lists, max_size=5))
def test_it_does_not_matter_in_which_portions_they_came(portions: list[list[int]]) -> None:
    stepwise = EMPTY
    for portion in portions:
        stepwise = add_seqs(stepwise, portion)

    assert stepwise == add_seqs(EMPTY, [seq for portion in portions for seq in portion])


@given(seq_lists)
def test_islands_are_above_the_watermark_and_do_not_touch(seqs: list[int]) -> None:
    ack = add_seqs(EMPTY, seqs)

    edges = [ack.upto, *(edge for island in ack.ranges for edge in island)]
    assert all(low + 2 <= high for low, high in zip(edges[::2], edges[1::2], strict=False))
    assert edges == sorted(edges)


@given(seq_lists, st.integers(1, 40), st.integers(0, 20))
def test_a_gap_record_counts_its_range_as_received(seqs: list[int], first: int, more: int) -> None:
    ack = add_range(add_seqs(EMPTY, seqs), first, first + more)

    assert held(ack) == {*seqs, *range(first, first + more + 1)}


@given(seq_lists, st.lists(st.tuples(st.integers(1, 99), st.just("meter.unknown")), max_size=3))
def test_it_survives_the_wire(seqs: list[int], refused: list[tuple[int, str]]) -> None:
    entry = add_seqs(EpochAck(epoch=7, upto=0, refused=tuple(refused)), seqs)
    ack = Ack(server_epoch=5, epochs=(entry,))

    assert parse_ack(unpack("ack", dump_ack(ack))) == ack


@given(st.integers(MAX_RANGES - 3, MAX_RANGES + 500), st.lists(st.integers(1, 6000), max_size=60))
def test_of_very_many_islands_those_just_committed_are_told_and_none_is_invented(
    count: int, seqs: list[int]
) -> None:
    whole = add_seqs(EMPTY, [*(2 * place for place in range(1, count + 1)), *seqs])

    told = fitting(whole, seqs)

    assert len(told.ranges) <= MAX_RANGES
    assert told.upto == whole.upto
    assert set(told.ranges) <= set(whole.ranges)
    assert list(told.ranges) == sorted(told.ranges)
    assert all(told.covers(seq) for seq in seqs)
    complete = whole.ranges[-1][1] if told.whole_upto is None else told.whole_upto
    assert [each for each in whole.ranges if each[0] <= complete] == [
        each for each in told.ranges if each[0] <= complete
    ]
    assert (told.whole_upto is None) is (told.ranges == whole.ranges)
    ack = Ack(server_epoch=5, epochs=(told,))
    assert parse_ack(unpack("ack", dump_ack(ack))) == ack


def test_what_a_server_of_an_earlier_version_sends_is_taken_whole() -> None:
    many = tuple((2 * place, 2 * place) for place in range(1, 5 * MAX_RANGES))
    ack = Ack(server_epoch=1, epochs=(EpochAck(epoch=1, upto=0, ranges=many),))

    assert parse_ack(unpack("ack", dump_ack(ack))) == ack


def test_a_range_that_runs_backwards_is_refused() -> None:
    payload = b'{"v":1,"se":1,"acks":[{"ep":1,"upto":0,"ranges":[[9,3]]}]}'

    with pytest.raises(ContractError, match=r"acks\[0\]\.ranges\[0\]\.1: 3 is outside 9"):
        parse_ack(unpack("ack", payload))


def test_the_servers_time_travels_and_may_be_missing() -> None:
    told = Ack(server_epoch=1, epochs=(), server_at_ms=1_795_292_648_000)
    silent = Ack(server_epoch=1, epochs=())

    assert parse_ack(unpack("ack", dump_ack(told))) == told
    assert parse_ack(unpack("ack", dump_ack(silent))) == silent


@pytest.mark.parametrize("moment", [0, -1, 2**60])
def test_a_servers_time_that_no_clock_shows_is_refused(moment: int) -> None:
    payload = b'{"v":1,"se":1,"acks":[],"t":%d}' % moment

    with pytest.raises(ContractError, match="t: "):
        parse_ack(unpack("ack", payload))
