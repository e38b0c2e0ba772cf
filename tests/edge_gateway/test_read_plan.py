"""The block planner: everything is covered, no limit is broken, no request is wasted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.read_plan import LAN_COST, PlanError, ReadLimits, RequestCost, plan_reads
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
    return sum(cost.of(request.word_count) for request in plan)


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
