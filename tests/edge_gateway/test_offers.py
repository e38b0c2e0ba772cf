"""Which frames are on their way: none forgotten, none published in a storm."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.queue.queued import StoredFrame
from edge_gateway.uplink.batching import MAX_BATCH_BYTES, batch_payload, take_batch
from edge_gateway.uplink.offers import (
    IGNORED_ALONE,
    LONGEST_PAUSE,
    Window,
    add_offer,
    forget_all,
    is_overdue,
    repeat_offer,
    settle,
)
from wire_contracts.frames import MAX_FRAMES, parse_batch
from wire_contracts.payloads import MAX_WIRE_BYTES, unpack

EMPTY = Window(size=2, timeout_s=10)


def test_an_offer_without_open_frames_makes_room() -> None:
    window = add_offer(add_offer(EMPTY, [1, 2], 0), [3], 0)
    assert not window.has_room()

    window = settle(window, [1])
    assert window.offered() == {2, 3}

    window = settle(window, [2])
    assert window.has_room()
    assert window.offered() == {3}


def test_an_unanswered_offer_goes_again_after_the_time_out_and_then_more_rarely() -> None:
    window = add_offer(EMPTY, [1], 0)
    sent_at = [0.0]
    for tenth in range(40_000):
        now_s = tenth / 10
        (offer,) = window.offers
        if is_overdue(window, offer, now_s):
            window = repeat_offer(window, offer, now_s)
            sent_at.append(now_s)

    pauses = [round(late - early) for early, late in itertools.pairwise(sent_at)]
    assert pauses[:5] == [10, 20, 40, 80, 80]
    assert set(pauses[3:]) == {10 * LONGEST_PAUSE}


def test_once_the_server_has_passed_over_an_offer_the_plain_time_out_holds() -> None:
    window = add_offer(EMPTY, [1], 0)
    for now_s in (10.0, 30.0, 70.0):
        window = repeat_offer(window, window.offers[0], now_s)
    window = add_offer(window, [2], 71)
    silent = is_overdue(window, window.offers[0], 81)

    window = settle(window, [2])

    assert not silent
    assert is_overdue(window, window.offers[0], 80)


def test_a_late_word_on_an_earlier_publication_proves_nothing() -> None:
    window = add_offer(add_offer(EMPTY, [1], 0), [2], 0)
    window = repeat_offer(window, window.offers[0], 10)

    window = settle(window, [2])

    assert not is_overdue(window, window.offers[0], 29)
    assert repeat_offer(window, window.offers[0], 30).offers[0].ignored == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), max_size=60))
def test_a_server_that_is_slow_but_takes_all_is_never_said_to_pass_one_over(
    steps: list[tuple[int, int]],
) -> None:
    """Each step so many time-outs pass, and the server takes so many publications in order."""
    window = Window(size=8, timeout_s=1)
    on_the_way: list[int] = []
    now_s, newest = 0.0, 0
    for waits, taken in steps:
        while window.has_room():
            newest += 1
            window = add_offer(window, [newest], now_s)
            on_the_way.append(newest)
        now_s += waits
        for offer in window.offers:
            if is_overdue(window, offer, now_s):
                window = repeat_offer(window, offer, now_s)
                on_the_way.extend(offer.seqs)
        for seq in on_the_way[:taken]:
            window = settle(window, [seq])
        del on_the_way[:taken]

        assert [offer.ignored for offer in window.offers] == [0] * len(window.offers)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=60))
def test_what_was_passed_over_and_taken_after_all_speaks_for_every_other(taken: list[int]) -> None:
    """Of four lone frames one is dropped again and again; now and then another was dropped too."""
    window = Window(size=5, timeout_s=1)
    for seq in range(5):
        window = add_offer(window, [seq], 0)
    newest = 4
    for now_s, place in enumerate(taken, 1):
        lucky = window.offers[place]
        window = settle(window, lucky.seqs)
        assert not lucky.ignored or {offer.ignored for offer in window.offers} == {0}
        for offer in window.offers:
            window = repeat_offer(window, offer, now_s * 10)
        newest += 1
        window = add_offer(window, [newest], now_s * 10)

    assert window.offers[0].seqs == (0,)
    assert window.offers[0].ignored < IGNORED_ALONE or taken[-IGNORED_ALONE:] == [4] * 10


@given(st.integers(1, 5))
def test_an_offer_that_the_server_never_takes_becomes_doubtful(behind: int) -> None:
    window = add_offer(Window(size=2, timeout_s=1), [1], 0)
    now_s = 0.0
    for number in range(2, 60):
        window = add_offer(window, [number], now_s)
        now_s += behind
        window = settle(window, [number])
        if is_overdue(window, window.offers[0], now_s):
            window = repeat_offer(window, window.offers[0], now_s)

    assert window.offers[0].is_doubtful()


def test_after_a_new_connection_nothing_counts_as_on_its_way() -> None:
    assert forget_all(add_offer(EMPTY, [1, 2], 0)).offered() == frozenset()


@given(
    st.lists(
        st.tuples(st.sampled_from(["offer", "ack", "repeat"]), st.integers(1, 12)), max_size=40
    )
)
def test_every_offered_frame_is_on_its_way_until_acknowledged(steps: list[tuple[str, int]]) -> None:
    window = Window(size=100, timeout_s=1)
    offered: set[int] = set()
    now_s = 0.0
    for name, number in steps:
        now_s += 0.5
        if name == "offer" and number not in offered:
            window = add_offer(window, [number], now_s)
            offered.add(number)
        elif name == "ack":
            window = settle(window, [number])
            offered.discard(number)
        elif window.offers:
            window = repeat_offer(window, window.offers[number % len(window.offers)], now_s)

        assert window.offered() == offered
        assert all(is_overdue(window, offer, now_s + 1000) for offer in window.offers)


def stored(seq: int, text: str) -> StoredFrame:
    body = f'{{"d":"M","g":"fast","p":"p@1","raw":"{text}","s":{seq},"t":1795292648000,"v":{{}}}}'
    return StoredFrame(seq=seq, body=body.encode())


@given(st.lists(st.integers(1, 2000).map(lambda size: "QUJD" * size), min_size=1, max_size=60))
def test_a_batch_keeps_the_order_and_never_exceeds_the_wire(texts: list[str]) -> None:
    frames = [stored(seq, text) for seq, text in enumerate(texts, 1)]
    taken = take_batch(frames)
    payload, _ = batch_payload("gw-01", 7, taken)
    batch = parse_batch(unpack("up", payload))

    assert taken == frames[: len(taken)]
    assert 1 <= len(taken) <= MAX_FRAMES
    assert len(payload) <= MAX_WIRE_BYTES
    assert [frame.seq for frame in batch.frames] == [frame.seq for frame in taken]
    assert batch.rejected == []


def test_frames_that_do_not_fit_together_go_one_by_one() -> None:
    big = [stored(seq, "A" * (MAX_BATCH_BYTES // 2)) for seq in (1, 2, 3)]

    assert [frame.seq for frame in take_batch(big)] == [1]
    assert take_batch([]) == []
