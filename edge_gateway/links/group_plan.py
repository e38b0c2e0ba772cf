"""What one register group of one meter is asked, and what it has refused before."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from edge_gateway.links.read_plan import (
    LAN_COST,
    ReadLimits,
    RequestCost,
    covers,
    enclosing,
    guarded,
    overlap,
    plan_reads,
)
from firmware_profiles.words import Span, WordAddress
from wire_contracts.quality import BAD_PROFILE, QualityCode

CERTAIN_AFTER = 3
"""Jobs in a row that refused a span before it is no longer asked with every job: a meter that is
starting up may refuse for a while (judgement)."""

FIRST_PAUSE = timedelta(seconds=10)
"""Least time before such a span is asked again; each pause is as long as it has been refused by
then, so that a meter that was started anew is away at most twice as long as it was (judgement)."""

LONGEST_PAUSE = timedelta(hours=1)
"""Longest pause of a span that has answered before, and of a group that is refused whole: a meter
has what its profile names then, and is only busy with something else (judgement). It is also how
long an exception is told of a span that is not asked."""

ASKED_AGAIN_AFTER = timedelta(days=1)
"""Longest pause of a span that has never answered while others do; gateway notes 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a meter refuses although its profile names it.

    Attributes:
        quality: What it answered.
        times: Jobs in a row that it refused.
        since_utc: When it was refused the first time of these.
        asked_at_utc: When it was asked the last time.
    """

    quality: QualityCode
    times: int
    since_utc: datetime
    asked_at_utc: datetime

    def is_due(self, now_utc: datetime, longest: timedelta) -> bool:
        """Return whether it is asked again: a clock that was set back does not put it off.

        Args:
            now_utc: The gateway's clock.
            longest: The longest pause.
        """
        if self.times < CERTAIN_AFTER or now_utc < self.asked_at_utc:
            return True
        pause = max(FIRST_PAUSE, self.asked_at_utc - self.since_utc)
        return now_utc - self.asked_at_utc >= min(longest, pause)

    def told(self, now_utc: datetime) -> QualityCode:
        """Return the quality of a span that is not asked now.

        It is the exception while that is fresh. Later nobody knows more than that the meter does
        not have what its profile names.
        """
        is_fresh = now_utc - self.asked_at_utc <= LONGEST_PAUSE
        return self.quality if is_fresh else BAD_PROFILE


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
        witnesses: Span of a value to the spans that say whether it counts.
        before: What is asked once more ahead of the requests: witnesses that come behind a value.
        behind: What is asked once more after them: witnesses that come ahead of a value.
        witness_words: The words of all witnesses.
        answered: Spans that have answered at some time.
        is_proven: Whether those are all that the requests serve.
        stated: The limits of its profile, where it has refused more than those; None: it has not.
        shaped_at_utc: When it was found to.
        relooks: How often the limits of the profile were tried again since.
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
    witnesses: Mapping[Span, Sequence[Span]] = field(default_factory=dict)
    before: Sequence[Span] = ()
    behind: Sequence[Span] = ()
    witness_words: frozenset[WordAddress] = frozenset()
    answered: frozenset[Span] = frozenset()
    is_proven: bool = False
    stated: ReadLimits | None = None
    shaped_at_utc: datetime | None = None
    relooks: int = 0

    @property
    def duration_s(self) -> float:
        """Return the seconds of one job."""
        asked = (*self.before, *self.requests, *self.behind)
        return sum(self.cost.of_span(request) for request in asked)

    def longest_pause(self, span: Span) -> timedelta:
        """Return how long a refused span is left alone at most."""
        is_known = span in self.answered or not self.requests
        return LONGEST_PAUSE if is_known else ASKED_AGAIN_AFTER


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


def witnessed(plan: GroupPlan, witnesses: Mapping[Span, Sequence[Span]]) -> GroupPlan:
    """Return the plan in which no fault can begin or end unseen between two requests.

    What says whether a value counts comes in the same answer as the value, or it is asked ahead of
    it and behind it, whichever costs less bus time.

    Args:
        plan: The plan.
        witnesses: `firmware_profiles.spans.witness_spans` of the group.
    """
    said = {span for spans in witnesses.values() for span in spans}
    words = frozenset(at for span in said for at in span.addresses())
    return _planned(replace(plan, witnesses=witnesses, witness_words=words))


def answered_by(plan: GroupPlan, words: Collection[WordAddress]) -> GroupPlan:
    """Return the plan that knows which of its spans have answered: those whose words are there."""
    asked = frozenset(span for parts in plan.parts.values() for span in parts)
    found = {span for span in asked if all(at in words for at in span.addresses())}
    answered = plan.answered | found
    is_proven = asked <= answered
    if answered == plan.answered and is_proven == plan.is_proven:
        return plan
    return replace(plan, answered=answered, is_proven=is_proven)


def later(plan: GroupPlan, by: timedelta) -> GroupPlan:
    """Return the plan behind a step of the clock: its pauses are as long as they were."""
    if plan.shaped_at_utc is not None:
        plan = replace(plan, shaped_at_utc=plan.shaped_at_utc + by)
    if not plan.refusals:
        return plan
    refusals = {
        span: replace(each, since_utc=each.since_utc + by, asked_at_utc=each.asked_at_utc + by)
        for span, each in plan.refusals.items()
    }
    return replace(plan, refusals=refusals)


def replan(plan: GroupPlan, cost: RequestCost) -> GroupPlan:
    """Return the same group planned for another cost."""
    return _planned(replace(plan, cost=cost))


class Outcome(NamedTuple):
    """What a job has shown of the meter's registers.

    Attributes:
        refusals: All spans that are refused now; a span that was answered again is not among them.
        barred: Holes that may no longer be read over, besides those known.
        longest: Most registers of one request.
        at_utc: When it was.
    """

    refusals: Mapping[Span, Refusal]
    barred: Sequence[Span]
    longest: int
    at_utc: datetime


def without(plan: GroupPlan, outcome: Outcome) -> GroupPlan:
    """Return the plan after a job with this outcome."""
    refusals = outcome.refusals
    unread = [
        hole for hole in outcome.barred if not any(overlap(hole, span) for span in plan.spans)
    ]
    limits = replace(
        plan.limits, barred=(*plan.limits.barred, *unread), max_registers=outcome.longest
    )
    if limits == plan.limits and refusals.keys() == plan.refusals.keys():
        return replace(plan, refusals=refusals)
    if limits != plan.limits:
        stated = plan.stated or plan.limits
        plan = replace(plan, limits=limits, stated=stated, shaped_at_utc=outcome.at_utc)
    return _planned(replace(plan, refusals=refusals, is_proven=False))


def as_stated(plan: GroupPlan, now_utc: datetime) -> GroupPlan:
    """Return the plan by its profile's own limits: what cut it may have been a chance.

    They are tried again after a day, `CERTAIN_AFTER` times; what cut the plan each time is so.

    Args:
        plan: The plan.
        now_utc: The gateway's clock; one that was set back does not put it off.
    """
    if plan.stated is None or plan.shaped_at_utc is None or plan.relooks >= CERTAIN_AFTER:
        return plan
    if timedelta(0) <= now_utc - plan.shaped_at_utc < ASKED_AGAIN_AFTER:
        return plan
    relooks = plan.relooks + 1
    stated = replace(plan, limits=plan.stated, shaped_at_utc=None, relooks=relooks)
    return _planned(replace(stated, stated=None, is_proven=False))


def asked_anew(plan: GroupPlan) -> GroupPlan:
    """Return the plan that asks what was refused with the next job, as after new settings."""
    refusals = {
        span: replace(each, times=min(each.times, CERTAIN_AFTER - 1))
        for span, each in plan.refusals.items()
    }
    return replace(plan, refusals=refusals) if refusals else plan


def _planned(plan: GroupPlan) -> GroupPlan:
    """Plan the spans that are not refused; what overlaps a refused span is asked alone too."""
    refused = list(plan.refusals)
    shared = [span for span in plan.spans if not any(overlap(span, bad) for bad in refused)]
    lonely = [span for span in plan.spans if span not in shared and span not in plan.refusals]
    limits = replace(plan.limits, barred=(*plan.limits.barred, *refused))
    apart = _choice(plan, (shared, lonely), limits)
    if not (apart.before or apart.behind):
        return apart
    together = _choice(plan, (_with_witnesses(plan, shared, limits), lonely), limits)
    return min(apart, together, key=lambda choice: choice.duration_s)


def _choice(
    plan: GroupPlan, spans: tuple[Sequence[Span], Sequence[Span]], limits: ReadLimits
) -> GroupPlan:
    """Return the plan with requests that share the first spans and ask the others alone."""
    shared, lonely = spans
    planned = plan_reads(shared, limits, plan.cost) if shared else ()
    planned = tuple(sorted(planned, key=lambda each: _has_any(each, plan.witness_words)))
    if planned:
        planned = guarded(planned, plan.guard, limits)
    settings = frozenset(plan.settings)
    requests = sorted((*planned, *lonely), key=lambda each: _has_any(each, settings))
    before, behind = _asked_again(plan, requests)
    parts = {
        request: tuple(span for span in plan.spans if covers(request, span)) for request in requests
    }
    words = {request: tuple(request.addresses()) for request in requests}
    return replace(
        plan,
        requests=tuple(requests),
        parts=parts,
        words=words,
        before=_reads(before, limits, plan.cost),
        behind=_reads(behind, limits, plan.cost),
    )


def _with_witnesses(plan: GroupPlan, shared: Sequence[Span], limits: ReadLimits) -> Sequence[Span]:
    """Return the spans, each value joined with its witnesses where one request may fetch both."""
    joined = list(shared)
    for value, witnesses in plan.witnesses.items():
        near = [each for each in witnesses if each.space == value.space]
        both = enclosing([value, *near])
        if near and limits.allows(both):
            joined.append(both)
    return joined


def _asked_again(plan: GroupPlan, requests: Sequence[Span]) -> tuple[set[Span], set[Span]]:
    """Return the witnesses that come behind a value, and those that come ahead of one.

    The last request that fetches a word is the one whose word counts.
    """
    before: set[Span] = set()
    behind: set[Span] = set()
    for value, witnesses in plan.witnesses.items():
        value_at = _last_place(requests, value)
        for witness in witnesses:
            witness_at = _last_place(requests, witness)
            if value_at is None or witness_at is None or value_at == witness_at:
                continue
            (before if witness_at > value_at else behind).add(witness)
    return before, behind


def _reads(spans: Iterable[Span], limits: ReadLimits, cost: RequestCost) -> Sequence[Span]:
    """Return the requests for witnesses; one that overlaps a refused span is asked alone."""
    alone = sorted(span for span in spans if not limits.allows(span))
    return (*plan_reads(set(spans).difference(alone), limits, cost), *alone)


def _last_place(requests: Sequence[Span], span: Span) -> int | None:
    places = [place for place, request in enumerate(requests) if covers(request, span)]
    return places[-1] if places else None


def _has_any(request: Span, words: frozenset[WordAddress]) -> bool:
    return bool(words) and not words.isdisjoint(request.addresses())
