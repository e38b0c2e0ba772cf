"""What one register group of one meter is asked, and what it has refused before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from edge_gateway.links.read_plan import (
    LAN_COST,
    ReadLimits,
    RequestCost,
    covers,
    guarded,
    overlap,
    plan_reads,
)
from firmware_profiles.words import Span, WordAddress
from wire_contracts.quality import QualityCode

CERTAIN_AFTER = 3
"""Jobs in a row that refused a span before it is no longer asked with every job: a meter that is
starting up may refuse for a while (judgement)."""

ASKED_AGAIN_AFTER = timedelta(days=1)
"""A span that is refused for certain is asked once a day; gateway notes 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a meter refuses although its profile names it.

    Attributes:
        quality: What it answered.
        times: Jobs in a row that it refused.
        asked_at_utc: When it was asked the last time.
    """

    quality: QualityCode
    times: int
    asked_at_utc: datetime

    def is_due(self, now_utc: datetime) -> bool:
        """Return whether it is asked again: a clock that was set back does not put it off."""
        if self.times < CERTAIN_AFTER or now_utc < self.asked_at_utc:
            return True
        return now_utc - self.asked_at_utc >= ASKED_AGAIN_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """How one group of one meter is read; make it with `plan_group`.

    Attributes:
        spans: What the profile needs.
        limits: What the meter refuses, from its profile and from what it has refused before.
        requests: The shared requests, in the order they are sent.
        parts: The spans that each of them serves.
        words: The address of every word of each of them, ascending.
        refusals: Spans that were refused alone; none of the shared requests serves them.
        cost: What the plan was made with.
        guard: The constant register that every request fetches where it fits.
        settings: Words of the meter's settings (unit, multiplier). The requests that fetch them
            come last: a setting that is changed between two requests shows that it was.
    """

    spans: Sequence[Span]
    limits: ReadLimits
    requests: Sequence[Span]
    parts: Mapping[Span, Sequence[Span]]
    words: Mapping[Span, Sequence[WordAddress]]
    refusals: Mapping[Span, Refusal] = field(default_factory=dict)
    cost: RequestCost = LAN_COST
    guard: Span | None = None
    settings: Sequence[WordAddress] = ()

    @property
    def duration_s(self) -> float:
        """Return the seconds of one job."""
        return sum(self.cost.of_span(request) for request in self.requests)


def plan_group(
    spans: Sequence[Span],
    limits: ReadLimits,
    cost: RequestCost = LAN_COST,
    guard: Span | None = None,
    settings: Sequence[Span] = (),
) -> GroupPlan:
    """Return the plan of a group that has refused nothing yet.

    Raises:
        PlanError: A single span already breaks a limit.
    """
    blank = GroupPlan(
        spans=tuple(sorted(set(spans))),
        limits=limits,
        requests=(),
        parts={},
        words={},
        cost=cost,
        guard=guard,
        settings=tuple(at for span in settings for at in span.addresses()),
    )
    return _planned(blank)


def replan(plan: GroupPlan, cost: RequestCost) -> GroupPlan:
    """Return the same group planned for another cost."""
    return _planned(replace(plan, cost=cost))


def without(
    plan: GroupPlan, refusals: Mapping[Span, Refusal], barred: Sequence[Span], longest: int
) -> GroupPlan:
    """Return the plan after a job.

    Args:
        plan: The plan of that job.
        refusals: All spans that are refused now; a span that was answered again is not among them.
        barred: Holes that may no longer be read over, besides those known.
        longest: Most registers of one request.
    """
    unread = [hole for hole in barred if not any(overlap(hole, span) for span in plan.spans)]
    limits = replace(plan.limits, barred=(*plan.limits.barred, *unread), max_registers=longest)
    if limits == plan.limits and refusals.keys() == plan.refusals.keys():
        return replace(plan, refusals=refusals)
    return _planned(replace(plan, limits=limits, refusals=refusals))


def _planned(plan: GroupPlan) -> GroupPlan:
    """Plan the spans that are not refused; what overlaps a refused span is asked alone too."""
    refused = list(plan.refusals)
    shared = [span for span in plan.spans if not any(overlap(span, bad) for bad in refused)]
    lonely = [span for span in plan.spans if span not in shared and span not in plan.refusals]
    limits = replace(plan.limits, barred=(*plan.limits.barred, *refused))
    planned = plan_reads(shared, limits, plan.cost) if shared else ()
    if planned:
        planned = guarded(planned, plan.guard, limits)
    settings = frozenset(plan.settings)
    requests = sorted((*planned, *lonely), key=lambda each: _has_any(each, settings))
    parts = {
        request: tuple(span for span in plan.spans if covers(request, span)) for request in requests
    }
    words = {request: tuple(request.addresses()) for request in requests}
    return replace(plan, requests=tuple(requests), parts=parts, words=words)


def _has_any(request: Span, words: frozenset[WordAddress]) -> bool:
    return bool(words) and not words.isdisjoint(request.addresses())
