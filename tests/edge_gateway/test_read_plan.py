"""The block planner: everything is covered, no limit is broken, no request is wasted."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.bus_time import serial_bus_time
from edge_gateway.links.link_url import SerialKind, SerialLine
from edge_gateway.links.read_plan import (
    LAN_COST,
    PlanError,
    ReadLimits,
    RequestCost,
    covers,
    enclosing,
    guarded,
    plan_reads,
)
from firmware_profiles.words import Span

SERIAL_9600 = RequestCost(request_s=0.0408, word_s=0.00208)
"""9600 8N1, 20 ms turnaround: 13 characters, two silences, then 2 characters a word."""

SPANS = st.lists(
    st.builds(
        Span,
        function_code=st.sampled_from([1, 3, 4]),
        address=st.integers(0, 400),
        word_count=st.integers(1, 8),
    ),
    max_size=14,
)
LIMITS = st.builds(
    ReadLimits,
    max_registers=st.integers(8, 125),
    forbidden=st.lists(
        st.tuples(st.integers(0, 410), st.integers(0, 5)).map(lambda pair: (pair[0], sum(pair))),
        max_size=3,
    ),
)
COSTS = st.builds(RequestCost, request_s=st.floats(0.001, 0.2), word_s=st.floats(0, 0.01))


def holding(address: int, count: int) -> Span:
    return Span(function_code=3, address=address, word_count=count)


def allowed(spans: list[Span], limits: ReadLimits) -> list[Span]:
    return [span for span in spans if not limits.touches(span)]


def total_s(plan: tuple[Span, ...], cost: RequestCost) -> float:
    return sum(cost.of_span(request) for request in plan)


@given(SPANS, LIMITS, COSTS)
def test_every_span_is_whole_inside_one_request(
    spans: list[Span], limits: ReadLimits, cost: RequestCost
) -> None:
    wanted = allowed(spans, limits)
    plan = plan_reads(wanted, limits, cost)

    homeless = [
        span
        for span in wanted
        if not any(set(span.addresses()) <= set(request.addresses()) for request in plan)
    ]
    assert homeless == []


@given(SPANS, LIMITS, COSTS)
def test_no_request_breaks_a_limit(
    spans: list[Span], limits: ReadLimits, cost: RequestCost
) -> None:
    plan = plan_reads(allowed(spans, limits), limits, cost)

    assert [request for request in plan if limits.touches(request)] == []
    assert [
        request for request in plan if request.word_count > limits.room(request.function_code)
    ] == []


@given(SPANS, LIMITS, COSTS)
def test_a_plan_is_never_worse_than_one_request_for_each_span(
    spans: list[Span], limits: ReadLimits, cost: RequestCost
) -> None:
    wanted = allowed(spans, limits)
    plan = plan_reads(wanted, limits, cost)

    assert total_s(plan, cost) <= total_s(tuple(set(wanted)), cost) + 1e-9
    assert len(plan) <= len(set(wanted))


@given(SPANS, LIMITS)
def test_the_order_of_the_spans_does_not_matter(spans: list[Span], limits: ReadLimits) -> None:
    wanted = allowed(spans, limits)

    assert plan_reads(wanted, limits) == plan_reads(reversed(wanted), limits)


def test_a_hole_is_read_over_when_asking_again_costs_more() -> None:
    near, far = [holding(0, 2), holding(12, 2)], [holding(0, 2), holding(60, 2)]

    assert plan_reads(near, ReadLimits(), SERIAL_9600) == (holding(0, 14),)
    assert plan_reads(far, ReadLimits(), SERIAL_9600) == (holding(0, 2), holding(60, 2))
    assert plan_reads(far, ReadLimits(), LAN_COST) == (holding(0, 62),)


def test_a_span_that_fits_no_request_is_refused_by_name() -> None:
    with pytest.raises(PlanError, match="function 3 address 7: 40 words: more than 30 fit"):
        plan_reads([holding(7, 40)], ReadLimits(max_registers=30))


def test_a_span_on_a_forbidden_address_is_refused_by_name() -> None:
    with pytest.raises(PlanError, match="function 3 address 7: 4 words: touches a forbidden"):
        plan_reads([holding(7, 4)], ReadLimits(forbidden=[(10, 12)]))


def brute_force_s(spans: list[Span], limits: ReadLimits, cost: RequestCost) -> float:
    """The least time over every way to put spans together, whatever their order."""
    if not spans:
        return 0.0
    first, rest = spans[0], spans[1:]
    best = float("inf")
    for chosen in itertools.product([True, False], repeat=len(rest)):
        together = [first, *itertools.compress(rest, chosen)]
        if len({span.space for span in together}) > 1 or not limits.allows(enclosing(together)):
            continue
        others = [span for span, is_in in zip(rest, chosen, strict=True) if not is_in]
        least_s = cost.of_span(enclosing(together)) + brute_force_s(others, limits, cost)
        best = min(best, least_s)
    return best


SMALL = st.lists(
    st.builds(
        Span,
        function_code=st.sampled_from([1, 3]),
        address=st.integers(0, 60),
        word_count=st.integers(1, 8),
    ),
    max_size=5,
    unique=True,
)


@given(SMALL, LIMITS, COSTS)
def test_no_cover_at_all_is_cheaper_than_the_plan(
    spans: list[Span], limits: ReadLimits, cost: RequestCost
) -> None:
    wanted = allowed(spans, limits)

    plan_s = total_s(plan_reads(wanted, limits, cost), cost)

    assert plan_s == pytest.approx(brute_force_s(wanted, limits, cost))


def greedy(spans: list[Span], limits: ReadLimits, gap: int) -> tuple[Span, ...]:
    """What other gateways do: join neighbours that are at most `gap` registers apart."""
    blocks: list[Span] = []
    for one in sorted(set(spans)):
        both = enclosing([blocks[-1], one]) if blocks else one
        is_near = blocks and blocks[-1].space == one.space and one.address <= blocks[-1].end + gap
        if is_near and limits.allows(both):
            blocks[-1] = both
        else:
            blocks.append(one)
    return tuple(blocks)


@given(SPANS, LIMITS, COSTS, st.sampled_from([0, 10, 50]))
def test_a_plan_is_never_worse_than_joining_neighbours(
    spans: list[Span], limits: ReadLimits, cost: RequestCost, gap: int
) -> None:
    wanted = allowed(spans, limits)

    plan_s = total_s(plan_reads(wanted, limits, cost), cost)

    assert plan_s <= total_s(greedy(wanted, limits, gap), cost) + 1e-9


HEAT_METER = [
    holding(address, count)
    for count, addresses in (
        (2, (0, 2, 4, 6, 10, 12, 14, 20, 22, 26, 28, 70, 72, 80, 82, 84, 110, 112)),
        (1, (40, 41, 44, 47, 52, 300, 301, 320, 340, 341)),
        (4, (200, 204, 212)),
    )
    for address in addresses
]
"""31 values in five clusters with holes of 2 to 80 registers; gateway notes 4.6."""


@pytest.mark.parametrize(
    ("baud", "turnaround_s", "requests", "milliseconds"),
    [(2400, 0.020, 7, 1507), (9600, 0.020, 4, 472), (9600, 0.100, 3, 721), (9600, 0.170, 3, 931)],
)
def test_the_plans_of_the_gateway_notes_are_reached(
    baud: int, turnaround_s: float, requests: int, milliseconds: int
) -> None:
    line = SerialLine(device="/dev/ttyUSB0", baud=baud)
    cost = serial_bus_time(line, SerialKind.RTU, turnaround_s).cost(turnaround_s)

    plan = plan_reads(HEAT_METER, ReadLimits(), cost)

    assert len(plan) == requests
    assert round(1000 * total_s(plan, cost)) == milliseconds


@given(SPANS, LIMITS, st.integers(0, 400))
def test_a_guard_stands_in_every_request_or_follows_it(
    spans: list[Span], limits: ReadLimits, address: int
) -> None:
    guard = holding(address, 1)
    wanted = allowed([*spans, guard], limits)
    if guard not in wanted:
        return
    requests = guarded(plan_reads(wanted, limits), guard, limits)

    for place, request in enumerate(requests):
        follows = requests[place + 1] if place + 1 < len(requests) else None
        assert covers(request, guard) or follows == guard
    assert all(any(covers(request, span) for request in requests) for span in wanted)
    assert [request for request in requests if not limits.allows(request)] == []
