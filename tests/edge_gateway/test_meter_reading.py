"""One job's requests: a silent meter costs little, a bad address costs only itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.group_plan import CERTAIN_AFTER, GroupPlan, plan_group, witnessed
from edge_gateway.links.meter_reading import GroupRead, Transact
from edge_gateway.links.meter_reading import read_group as read_group_at
from edge_gateway.links.read_plan import ReadLimits, RequestCost, covers
from firmware_profiles.words import Span
from wire_contracts.quality import BAD_MISMATCH, BAD_PROFILE, BAD_TIMEOUT, bad_exception

SILENCE = Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT)
GARBLED = Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH)
CLOSED = Fault(kind=FaultKind.LINK_DOWN, quality=BAD_TIMEOUT)


NOW = datetime(2026, 3, 1, tzinfo=UTC)


def read_group(plan: GroupPlan, transact: Transact, *, retry_count: int) -> GroupRead:
    return read_group_at(plan, transact, retry_count=retry_count, now_utc=NOW)


def refusal(code: int) -> Fault:
    return Fault(kind=FaultKind.EXCEPTION, quality=bad_exception(code), exception=code)


def span(address: int, count: int = 2) -> Span:
    return Span(function_code=3, address=address, word_count=count)


@dataclass
class Meter:
    """A meter that refuses requests touching certain addresses, or too long ones."""

    bad: frozenset[int] = frozenset()
    longest: int = 125
    asked: list[Span] = field(default_factory=list)

    def __call__(self, request: Span) -> Answer:
        self.asked.append(request)
        if request.word_count > self.longest:
            return refusal(3)
        if self.bad & {address for _, address in request.addresses()}:
            return refusal(2)
        return tuple(address for _, address in request.addresses())


def plan(*spans: Span, limits: ReadLimits | None = None) -> GroupPlan:
    return plan_group(spans, limits or ReadLimits())


def sequence(*answers: Answer) -> tuple[Callable[[Span], Answer], list[Span]]:
    """A link that gives these answers in turn; a tuple stands for the right words."""
    asked: list[Span] = []

    def transact(request: Span) -> Answer:
        answer = answers[len(asked)]
        asked.append(request)
        if isinstance(answer, Fault):
            return answer
        return tuple(address for _, address in request.addresses())

    return transact, asked


def test_a_silent_meter_is_asked_once_and_its_repeats_not_once_a_block() -> None:
    transact, asked = sequence(SILENCE, SILENCE)
    two_blocks = plan(span(0), span(1000), limits=ReadLimits(max_registers=10))

    read = read_group(two_blocks, transact, retry_count=1)

    assert asked == [span(0), span(0)]
    assert read.words == {}
    assert read.faults == {(3, at): BAD_TIMEOUT for at in (0, 1, 1000, 1001)}
    assert not read.has_answered


def test_a_garbled_answer_is_repeated_and_spoils_only_its_block() -> None:
    transact, asked = sequence(GARBLED, GARBLED, ())
    two_blocks = plan(span(0), span(1000), limits=ReadLimits(max_registers=10))

    read = read_group(two_blocks, transact, retry_count=1)

    assert len(asked) == 3
    assert read.words == {(3, 1000): 1000, (3, 1001): 1001}
    assert read.faults == {(3, 0): BAD_MISMATCH, (3, 1): BAD_MISMATCH}
    assert read.has_answered


def test_a_closed_link_blames_nobody() -> None:
    transact, _ = sequence(CLOSED, CLOSED)

    read = read_group(plan(span(0)), transact, retry_count=1)

    assert read.is_link_down
    assert not read.has_answered


def test_one_refused_address_costs_only_its_own_value_and_is_remembered() -> None:
    meter = Meter(bad=frozenset({11}))
    first = read_group(plan(span(0), span(10), span(20)), meter, retry_count=1)
    asked_first, meter.asked = len(meter.asked), []
    second = read_group(first.plan, meter, retry_count=1)

    assert asked_first == 5
    assert len(meter.asked) == 3
    for read in (first, second):
        assert set(read.words) == {(3, at) for at in (0, 1, 20, 21)}
        assert read.faults == {(3, 10): bad_exception(2), (3, 11): bad_exception(2)}
    assert set(second.plan.refusals) == {span(10)}


def test_a_refused_register_is_found_by_halving_the_block() -> None:
    meter = Meter(bad=frozenset({41}))
    block = plan(*(span(at) for at in range(0, 64, 2)))

    read = read_group(block, meter, retry_count=0)

    assert len(block.requests) == 1
    assert len(meter.asked) == 1 + 2 * 5
    assert read.faults == {(3, at): bad_exception(2) for at in (40, 41)}
    assert len(read.words) == 62
    assert set(read.plan.refusals) == {span(40)}


def asked_at(meter: Meter, current: GroupPlan, wanted: Span, seconds: Sequence[int]) -> list[int]:
    """The seconds at which a span was asked, alone or within a block."""
    found = []
    for second in seconds:
        meter.asked.clear()
        now_utc = NOW + timedelta(seconds=second)
        current = read_group_at(current, meter, retry_count=0, now_utc=now_utc).plan
        if any(covers(request, wanted) for request in meter.asked):
            found.append(second)
    return found


def test_a_meter_that_refused_everything_while_it_was_started_is_back_soon() -> None:
    block = plan(span(0), span(10), span(20))
    meter = Meter(bad=frozenset(range(22)))
    current, faults = block, []
    for second in range(6):
        now_utc = NOW + timedelta(seconds=second)
        read = read_group_at(current, meter, retry_count=0, now_utc=now_utc)
        current = read.plan
        faults.append(read.faults)
    meter.bad = frozenset()

    assert faults[-1] == {(3, at): bad_exception(2) for at in (0, 1, 10, 11, 20, 21)}
    assert asked_at(meter, current, span(0), range(6, 13)) == [12]


def test_a_meter_that_refuses_everything_for_days_is_asked_every_hour() -> None:
    block = plan(span(0), span(10))
    meter = Meter(bad=frozenset(range(22)))
    minutes = asked_at(meter, block, span(0), range(0, 3 * 86_400, 900))

    assert max(later - earlier for earlier, later in pairwise(minutes)) == 3600


def test_a_register_that_has_answered_before_is_asked_every_hour() -> None:
    meter = Meter()
    current = read_group(plan(span(0), span(10)), meter, retry_count=0).plan
    meter.bad = frozenset({11})

    asked = asked_at(meter, current, span(10), range(900, 3 * 86_400, 900))

    assert max(later - earlier for earlier, later in pairwise(asked)) == 3600


def test_one_that_never_answered_is_left_alone_up_to_a_day_and_named_as_what_it_is() -> None:
    meter = Meter(bad=frozenset({11}))
    asked = asked_at(meter, plan(span(0), span(10)), span(10), range(0, 6 * 86_400, 900))
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    current = plan(span(0), span(10))
    for minute in (0, 60, 120):
        now_utc = NOW + timedelta(minutes=minute)
        current = read_group_at(current, meter, retry_count=0, now_utc=now_utc).plan
    fresh, old = (
        read_group_at(current, meter, retry_count=0, now_utc=NOW + timedelta(minutes=minute))
        for minute in (180, 181)
    )

    assert max(pauses) == 86_400
    assert len(asked) < 16
    assert set(fresh.faults.values()) == {bad_exception(2)}
    assert set(old.faults.values()) == {BAD_PROFILE}


def test_a_register_refused_for_certain_is_seldom_asked_and_comes_back() -> None:
    meter = Meter(bad=frozenset({11}))
    current = plan(span(0), span(10), span(20))
    for _ in range(CERTAIN_AFTER):
        current = read_group(current, meter, retry_count=0).plan
    meter.asked.clear()
    quiet = read_group(current, meter, retry_count=0)
    asked_quietly = list(meter.asked)
    meter.bad = frozenset()
    later = read_group_at(current, meter, retry_count=0, now_utc=NOW + timedelta(days=1))

    assert span(10) not in asked_quietly
    assert quiet.faults == {(3, 10): bad_exception(2), (3, 11): bad_exception(2)}
    assert later.faults == {}
    assert set(later.words) >= {(3, 10), (3, 11)}
    assert later.plan.requests == plan(span(0), span(10), span(20)).requests


def test_a_clock_set_back_does_not_put_off_the_daily_question() -> None:
    meter = Meter(bad=frozenset({11}))
    current = plan(span(0), span(10))
    for _ in range(CERTAIN_AFTER):
        current = read_group(current, meter, retry_count=0).plan
    meter.bad = frozenset()

    read = read_group_at(current, meter, retry_count=0, now_utc=NOW - timedelta(days=400))

    assert read.faults == {}


def test_paged_registers_are_asked_at_the_next_unit_and_never_in_one_request_with_others() -> None:
    paged = replace(span(0), unit_offset=1)

    read = read_group(plan(span(2), paged), Meter(), retry_count=0)

    assert read.plan.requests == (span(2), paged)
    assert read.words == {(3, 2): 2, (3, 3): 3, (256 + 3, 0): 0, (256 + 3, 1): 1}


def test_every_request_fetches_the_guard_where_it_fits() -> None:
    guarded = plan_group([span(0), span(40), span(500)], ReadLimits(), guard=span(4))

    assert guarded.requests == (span(0, 42), span(500), span(4))


def test_two_guards_in_one_job_leave_no_word_standing() -> None:
    guarded = plan_group(
        [span(0), span(4, 1), span(80)], ReadLimits(max_registers=78), guard=span(4, 1)
    )
    answers = iter([(1, 2, 3, 4, 5), (7,) * 78])

    read = read_group(guarded, lambda _request: next(answers), retry_count=0)

    assert guarded.requests == (span(0, 5), span(4, 78))
    assert read.words == {}
    assert set(read.faults.values()) == {BAD_MISMATCH}


def test_an_unreadable_hole_is_no_longer_read_over() -> None:
    meter = Meter(bad=frozenset({5}))
    first = read_group(plan(span(0), span(10)), meter, retry_count=1)
    meter.asked.clear()
    second = read_group(first.plan, meter, retry_count=1)

    assert first.faults == second.faults == {}
    assert meter.asked == [span(0), span(10)]


def test_a_meter_with_a_smaller_limit_than_its_profile_says_is_asked_in_smaller_requests() -> None:
    meter = Meter(longest=6)
    current = plan(*(span(at) for at in range(0, 24, 2)))
    for _ in range(4):
        read = read_group(current, meter, retry_count=0)
        current = read.plan
    meter.asked.clear()
    read_group(current, meter, retry_count=0)

    assert max(request.word_count for request in meter.asked) <= 6
    assert len(meter.asked) == 4


def chance(meter: "Meter", refusals: int) -> Callable[[Span], Answer]:
    """The same meter, which refuses so many requests for no reason."""
    left = [refusals]

    def transact(request: Span) -> Answer:
        if left[0]:
            left[0] -= 1
            return refusal(2)
        return meter(request)

    return transact


@pytest.mark.parametrize("refusals", range(1, 8))
def test_refusals_by_chance_cut_no_plan_for_good(refusals: int) -> None:
    block = plan(*(span(at) for at in range(0, 16, 4)))
    meter = Meter()
    current = read_group(block, chance(meter, refusals), retry_count=0).plan
    for day in (0, 1, 2):
        at_utc = NOW + timedelta(days=day)
        read = read_group_at(current, meter, retry_count=0, now_utc=at_utc)
        current = read.plan
    meter.asked.clear()
    read_group_at(current, meter, retry_count=0, now_utc=NOW + timedelta(days=2, hours=1))

    assert meter.asked == list(block.requests)


@pytest.mark.parametrize("refusals", [1, 2])
def test_two_refusals_by_chance_cut_no_plan_at_all(refusals: int) -> None:
    block = plan(*(span(at) for at in range(0, 16, 4)))

    read = read_group(block, chance(Meter(), refusals), retry_count=0)

    assert (read.plan.requests, read.faults) == (block.requests, {})


def test_what_cuts_a_plan_each_time_is_not_looked_for_for_ever() -> None:
    meter = Meter(bad=frozenset({5}))
    current = plan(span(0), span(10))
    days = []
    for day in range(10):
        meter.asked.clear()
        at_utc = NOW + timedelta(days=day)
        current = read_group_at(current, meter, retry_count=0, now_utc=at_utc).plan
        if len(meter.asked) > 2:
            days.append(day)

    assert days == [0, 1, 2, 3]


def test_a_job_that_asks_nothing_tells_nothing_of_its_meter() -> None:
    meter = Meter(bad=frozenset(range(22)))
    current = plan(span(0), span(10))
    reads = []
    for _ in range(CERTAIN_AFTER + 1):
        reads.append(read_group(current, meter, retry_count=0))
        current = reads[-1].plan

    assert [read.has_asked for read in reads] == [True] * CERTAIN_AFTER + [False]
    assert not reads[-1].has_answered


@given(
    st.sets(st.integers(0, 60), max_size=6),
    st.lists(st.tuples(st.integers(0, 58), st.integers(1, 3)), min_size=1, max_size=10),
    st.integers(3, 125),
)
def test_whatever_a_meter_refuses_every_readable_value_is_read_and_no_other(
    bad: set[int], places: list[tuple[int, int]], longest: int
) -> None:
    meter = Meter(bad=frozenset(bad), longest=longest)
    spans = tuple(span(address, count) for address, count in places)
    current = plan(*spans)
    for _ in range(6):
        read = read_group(current, meter, retry_count=1)
        current = read.plan

        for one in spans:
            is_fine = not bad & {address for _, address in one.addresses()}
            assert is_fine == (set(one.addresses()) <= set(read.words))
        assert all(word == address for (_, address), word in read.words.items())
        assert not set(read.words) & set(read.faults)


def test_what_says_whether_a_value_counts_is_asked_on_both_sides_of_it() -> None:
    coils = Span(function_code=1, address=4, word_count=3)
    both = witnessed(plan_group([span(0), coils], ReadLimits()), {span(0): (coils,)})
    healthy = plan_group([span(0), coils], ReadLimits())

    assert ((*both.before, *both.requests, *both.behind)) == (coils, span(0), coils)
    assert both.duration_s > healthy.duration_s


def test_a_status_near_its_value_is_fetched_with_it_where_that_costs_less() -> None:
    near, far, status = span(0), span(4), span(40, 1)
    dear = RequestCost(request_s=0.05, word_s=0.002)
    cheap = RequestCost(request_s=0.02, word_s=0.002)
    spans, said = [near, far, status], {near: (status,), far: (status,)}

    together = witnessed(plan_group(spans, ReadLimits(), dear), said)
    apart = witnessed(plan_group(spans, ReadLimits(), cheap), said)

    assert (together.before, together.requests, together.behind) == ((), (span(0, 41),), ())
    assert (apart.before, apart.requests, apart.behind) == ((status,), (span(0, 6), status), ())


def test_a_status_that_stands_in_one_block_with_its_values_costs_nothing_more() -> None:
    alone = plan_group([span(0), span(4)], ReadLimits())

    assert witnessed(alone, {span(0): (span(4),)}).requests == alone.requests
    assert witnessed(alone, {span(0): (span(4),)}).before == ()


def test_each_of_two_blocks_may_hold_the_status_of_the_other() -> None:
    blocks = [span(0), span(1000)]
    both = witnessed(
        plan_group(blocks, ReadLimits()), {span(0): (span(1000),), span(1000): (span(0),)}
    )

    assert (both.before, both.behind) == ((span(1000),), (span(0),))


def test_a_status_that_is_not_answered_on_one_side_is_a_look_without_it() -> None:
    coils = Span(function_code=1, address=4, word_count=1)
    both = witnessed(plan_group([span(0), coils], ReadLimits()), {span(0): (coils,)})
    transact, _ = sequence(GARBLED, (), ())

    read = read_group(both, transact, retry_count=0)

    assert [(look.words, look.faults) for look in read.looks] == [({}, {(1, 4): BAD_MISMATCH})]
    assert read.words == {(3, 0): 0, (3, 1): 1, (1, 4): 4}
