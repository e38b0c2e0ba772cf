"""Runs the requests of one job through a link: repeats, gives up early, isolates a bad address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.group_plan import (
    GroupPlan,
    Outcome,
    Refusal,
    answered_by,
    as_stated,
    without,
)
from edge_gateway.links.read_plan import enclosing
from firmware_profiles.words import BlockImage, Span, WordAddress, span_in
from wire_contracts.quality import BAD_MISMATCH, QualityCode

ILLEGAL = frozenset({2, 3})
"""Exceptions that blame an address or a count: one bad register spoils a whole block."""


class _Verdict(StrEnum):
    """What asking for a part of a refused block has shown."""

    FINE = "fine"
    BLAMED = "blamed"
    UNCLEAR = "unclear"


Transact = Callable[[Span], Answer]

_NO_FAULTS: Mapping[WordAddress, QualityCode] = MappingProxyType({})


class Look(NamedTuple):
    """What said whether the values count, as it was ahead of them or behind them.

    Attributes:
        words: The words as they were then.
        faults: Why others are missing.
    """

    words: Mapping[WordAddress, int]
    faults: Mapping[WordAddress, QualityCode]


class GroupRead(NamedTuple):
    """What one job brought; a tuple is made in a third of the time of a dataclass.

    Attributes:
        words: Every word that was answered; a BlockImage where one block was all.
        plan: The plan for the next time; it differs when the meter refused an address.
        has_answered: Whether the meter said anything; an exception is an answer.
        faults: The quality of every word that was asked and not answered.
        is_link_down: Whether the link could not be opened, so that no meter is to blame.
        is_mixed: Whether the guard register differed between two answers.
        troubles: What went wrong, in the order it happened.
        looks: What said whether the values count, where it was asked more than once.
        has_asked: Whether anything was asked.
    """

    words: Mapping[WordAddress, int]
    plan: GroupPlan
    has_answered: bool
    faults: Mapping[WordAddress, QualityCode] = _NO_FAULTS
    is_link_down: bool = False
    is_mixed: bool = False
    troubles: Sequence[Fault] = ()
    looks: Sequence[Look] = ()
    has_asked: bool = True


def read_group(
    plan: GroupPlan, transact: Transact, *, retry_count: int, now_utc: datetime
) -> GroupRead:
    """Return what a group's requests brought.

    A meter that says nothing costs one request and its repeats, not one per block. A block that
    is refused for an address is halved until the bad spans are found, and the plan remembers
    them. When the guard register differs between two answers of one job, none of them counts.

    Args:
        plan: What to ask.
        transact: One transaction of the link with this meter.
        retry_count: Repetitions after silence or a garbled answer.
        now_utc: The gateway's clock, for what was refused.
    """
    plan = as_stated(plan, now_utc)
    if len(plan.requests) == 1 and not plan.refusals and plan.guard is None:
        only = plan.requests[0]
        answer = transact(only)
        if not isinstance(answer, Fault):
            image = BlockImage(only, answer)
            after = plan if plan.is_proven else answered_by(plan, image)
            return GroupRead(words=image, plan=after, has_answered=True)
        first = [answer]
        again = transact
        transact = lambda request: first.pop() if first else again(request)  # noqa: E731  # the answer that was already given comes first
    job = _Job(plan=plan, transact=transact, retry_count=retry_count, now_utc=now_utc)
    looks = [job.look(plan.before)] if plan.before else []
    for request in plan.requests:
        job.ask(request)
    if plan.behind:
        looks.append(job.look(plan.behind))
    job.ask_refused()
    return GroupRead(
        words=job.words,
        faults={at: code for at, code in job.faults.items() if at not in job.words}
        if job.faults
        else job.faults,
        plan=job.next_plan(),
        has_answered=job.has_answered,
        is_link_down=job.stopped_by is not None and job.stopped_by.kind is FaultKind.LINK_DOWN,
        is_mixed=job.has_mixed,
        troubles=job.troubles,
        looks=() if job.has_mixed else looks,
        has_asked=job.has_asked,
    )


def refused(read: GroupRead, unproved: Fault) -> GroupRead:
    """Return a job none of whose words count, because no proof stands behind them."""
    faults = {**dict.fromkeys(read.words, BAD_MISMATCH), **read.faults}
    troubles = (*read.troubles, unproved)
    return read._replace(words={}, faults=faults, troubles=troubles, looks=())


@dataclass(slots=True, kw_only=True)
class _Job:
    """The running account of one job."""

    plan: GroupPlan
    transact: Transact
    retry_count: int
    now_utc: datetime
    words: dict[WordAddress, int] = field(default_factory=dict)
    faults: dict[WordAddress, QualityCode] = field(default_factory=dict)
    troubles: list[Fault] = field(default_factory=list)
    refusals: dict[Span, Refusal] = field(default_factory=dict)
    barred: list[Span] = field(default_factory=list)
    longest: int = 0
    has_asked: bool = False
    has_answered: bool = False
    stopped_by: Fault | None = None
    guard_words: tuple[int, ...] | None = None
    has_mixed: bool = False

    def ask(self, request: Span) -> None:
        """Ask for one block, and for its parts where it is refused."""
        answer = self._persist(request)
        if not isinstance(answer, Fault):
            self._keep(request, answer)
            return
        if answer.exception in ILLEGAL:
            self._isolate(request, self.plan.parts[request], answer)
        else:
            self._fail(request, answer)

    def look(self, requests: Sequence[Span]) -> Look:
        """Return what says whether the values count, as it is now."""
        wanted = self.plan.witness_words
        words: dict[WordAddress, int] = {}
        faults: dict[WordAddress, QualityCode] = {}
        for request in requests:
            answer = self._persist(request)
            asked = tuple(request.addresses())
            if isinstance(answer, Fault):
                faults.update((at, answer.quality) for at in asked if at in wanted)
            else:
                pairs = zip(asked, answer, strict=True)
                words.update((at, word) for at, word in pairs if at in wanted)
        return Look(words=words, faults=faults)

    def ask_refused(self) -> None:
        """Ask again for what was refused before where it is due; the rest keeps its quality."""
        for span, refusal in self.plan.refusals.items():
            if not refusal.is_due(self.now_utc, self.plan.longest_pause(span)):
                self.refusals[span] = refusal
                self.faults.update(dict.fromkeys(span.addresses(), refusal.told(self.now_utc)))
                continue
            answer = self._persist(span)
            if not isinstance(answer, Fault):
                self._keep(span, answer)
                continue
            self._fail(span, answer)
            self.refusals[span] = (
                self._refusal(span, answer) if answer.exception in ILLEGAL else refusal
            )

    def next_plan(self) -> GroupPlan:
        """Return the plan for the next time."""
        refusals = dict(self.refusals)
        longest = self.longest or self.plan.limits.max_registers
        plan = self.plan if self.plan.is_proven else answered_by(self.plan, self.words)
        is_same = refusals == plan.refusals and not self.barred
        if is_same and longest == plan.limits.max_registers:
            return plan
        return without(plan, Outcome(refusals, self.barred, longest, self.now_utc))

    def _persist(self, request: Span) -> Answer:
        """Return the answer; once the meter or the link is silent nothing more is asked."""
        if self.stopped_by is not None:
            return self.stopped_by
        self.has_asked = True
        answer = self.transact(request)
        for _ in range(self.retry_count):
            if not isinstance(answer, Fault) or answer.kind is FaultKind.EXCEPTION:
                break
            self.troubles.append(answer)
            answer = self.transact(request)
        if not isinstance(answer, Fault):
            self.has_answered = True
            return answer
        self.troubles.append(answer)
        if answer.kind is FaultKind.LINK_DOWN or answer.is_silence:
            self.stopped_by = answer
        elif answer.kind is FaultKind.EXCEPTION:
            self.has_answered = True
        return answer

    def _fail(self, request: Span, fault: Fault) -> None:
        self.faults.update(dict.fromkeys(request.addresses(), fault.quality))

    def _keep(self, request: Span, answer: tuple[int, ...]) -> None:
        guard = self.plan.guard
        if guard is not None and not self._is_of_one_meter(request, guard, answer):
            self.has_mixed = True
        if self.has_mixed:
            self._distrust(request)
            return
        addresses = self.plan.words.get(request) or request.addresses()
        self.words.update(zip(addresses, answer, strict=True))

    def _is_of_one_meter(self, request: Span, guard: Span, answer: tuple[int, ...]) -> bool:
        if request.space != guard.space or not (
            request.address <= guard.address and guard.end <= request.end
        ):
            return True
        first = guard.address - request.address
        seen = answer[first : first + guard.word_count]
        if self.guard_words is None:
            self.guard_words = seen
        return seen == self.guard_words

    def _distrust(self, request: Span) -> None:
        """Take every word of the job for that of another request."""
        asked = (*self.words, *request.addresses())
        self.words.clear()
        self.faults.update(dict.fromkeys(asked, BAD_MISMATCH))

    def _isolate(self, request: Span, parts: Sequence[Span], refusal: Fault) -> _Verdict:
        """Halve a refused block until the bad spans stand alone."""
        if len(parts) <= 1:
            self._fail(request, refusal)
            for span in parts:
                self.refusals[span] = self._refusal(span, refusal)
            return _Verdict.BLAMED
        middle = len(parts) // 2
        halves = (parts[:middle], parts[middle:])
        verdicts = {self._ask_half(half) for half in halves}
        if verdicts == {_Verdict.FINE}:
            return self._look_at_shape(request, halves)
        return _Verdict.BLAMED if _Verdict.BLAMED in verdicts else _Verdict.UNCLEAR

    def _ask_half(self, parts: Sequence[Span]) -> _Verdict:
        half = enclosing(parts)
        answer = self._persist(half)
        if not isinstance(answer, Fault):
            self._keep(half, answer)
            return _Verdict.FINE
        if answer.exception not in ILLEGAL:
            self._fail(half, answer)
            return _Verdict.UNCLEAR
        return self._isolate(half, parts, answer)

    def _refusal(self, span: Span, fault: Fault) -> Refusal:
        before = self.plan.refusals.get(span)
        times = 1 if before is None else before.times + 1
        now_utc = self.now_utc
        since_utc = now_utc if before is None else min(before.since_utc, now_utc)
        return Refusal(
            quality=fault.quality, times=times, since_utc=since_utc, asked_at_utc=now_utc
        )

    def _look_at_shape(self, request: Span, halves: Sequence[Sequence[Span]]) -> _Verdict:
        """Ask for a block once more whose halves are fine: a refusal may have been a chance."""
        answer = self._persist(request)
        if not isinstance(answer, Fault):
            self._keep(request, answer)
            return _Verdict.FINE
        if answer.exception not in ILLEGAL:
            return _Verdict.UNCLEAR
        self._learn_shape(request, halves)
        return _Verdict.BLAMED

    def _learn_shape(self, request: Span, halves: Sequence[Sequence[Span]]) -> None:
        """Both halves are fine and the whole is not: the hole between them, or its size."""
        left, right = enclosing(halves[0]), enclosing(halves[1])
        if left.end < right.address:
            hole = span_in(left.space, left.end, right.address - left.end)
            self.barred.append(hole)
            return
        smaller = max(request.word_count // 2, *(span.word_count for span in self.plan.spans))
        self.longest = min(self.longest or smaller, smaller)
