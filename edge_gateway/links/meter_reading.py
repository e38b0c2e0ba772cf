"""Runs the requests of one job through a link: repeats, gives up early, isolates a bad address."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.read_plan import ReadLimits, overlap, plan_reads
from firmware_profiles.words import Span, WordAddress
from wire_contracts.quality import QualityCode

ILLEGAL = frozenset({2, 3})
"""Exceptions that blame an address or a count: one bad register spoils a whole block."""

Transact = Callable[[Span], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """How one group of one meter is read.

    Attributes:
        spans: What the profile needs.
        limits: What the meter refuses, from its profile and from what it has refused before.
        lone: Spans that were refused inside a block; each gets a request of its own.
    """

    spans: Sequence[Span]
    limits: ReadLimits
    lone: frozenset[Span] = frozenset()

    def requests(self) -> tuple[Span, ...]:
        """Return the requests in the order they are sent: blocks first, lone spans after."""
        alone = {span for span in self.spans if any(overlap(span, bad) for bad in self.lone)}
        shared = [span for span in self.spans if span not in alone]
        limits = replace(self.limits, barred=(*self.limits.barred, *self.lone))
        return (*plan_reads(shared, limits), *sorted(alone))

    def parts(self, request: Span) -> tuple[Span, ...]:
        """Return the spans that a request serves."""
        return tuple(
            span
            for span in sorted(set(self.spans))
            if span.function_code == request.function_code
            and request.address <= span.address
            and span.end <= request.end
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRead:
    """What one job brought.

    Attributes:
        words: Every word that was answered.
        faults: The quality of every word that was asked and not answered.
        plan: The plan for the next time; it differs when the meter refused an address.
        has_answered: Whether the meter said anything; an exception is an answer.
        is_link_down: Whether the link could not be opened, so that no meter is to blame.
    """

    words: Mapping[WordAddress, int] = field(default_factory=dict)
    faults: Mapping[WordAddress, QualityCode] = field(default_factory=dict)
    plan: GroupPlan
    has_answered: bool
    is_link_down: bool = False


def read_group(plan: GroupPlan, transact: Transact, *, retry_count: int) -> GroupRead:
    """Return what a group's requests brought.

    A meter that says nothing costs one request and its repeats, not one per block. A block that
    is refused for an address is asked again span by span, and the plan remembers what was bad.

    Args:
        plan: What to ask.
        transact: One transaction of the link with this meter.
        retry_count: Repetitions after silence or a garbled answer.
    """
    job = _Job(plan=plan, transact=transact, retry_count=retry_count)
    for request in plan.requests():
        if job.stopped_by is None:
            job.ask(request)
        else:
            job.fail(request, job.stopped_by)
    return GroupRead(
        words=job.words,
        faults={at: code for at, code in job.faults.items() if at not in job.words},
        plan=job.plan,
        has_answered=job.has_answered,
        is_link_down=job.stopped_by is not None and job.stopped_by.kind is FaultKind.LINK_DOWN,
    )


@dataclass(slots=True, kw_only=True)
class _Job:
    """The running account of one job."""

    plan: GroupPlan
    transact: Transact
    retry_count: int
    words: dict[WordAddress, int] = field(default_factory=dict)
    faults: dict[WordAddress, QualityCode] = field(default_factory=dict)
    has_answered: bool = False
    stopped_by: Fault | None = None

    def ask(self, request: Span) -> None:
        answer = self._persist(request)
        parts = self.plan.parts(request)
        if not isinstance(answer, Fault):
            self._keep(request, answer)
        elif answer.exception in ILLEGAL and len(parts) > 1:
            self._isolate(request, parts)
        else:
            self._account(request, answer)

    def _persist(self, request: Span) -> Answer:
        answer = self.transact(request)
        for _ in range(self.retry_count):
            if not isinstance(answer, Fault) or answer.kind is FaultKind.EXCEPTION:
                break
            answer = self.transact(request)
        return answer

    def _keep(self, request: Span, answer: tuple[int, ...]) -> None:
        self.has_answered = True
        self.words.update(zip(request.addresses(), answer, strict=True))

    def _account(self, request: Span, fault: Fault) -> None:
        self.fail(request, fault)
        if fault.kind is FaultKind.LINK_DOWN or fault.is_silence:
            self.stopped_by = fault
        elif fault.kind is FaultKind.EXCEPTION:
            self.has_answered = True

    def fail(self, request: Span, fault: Fault) -> None:
        self.faults.update(dict.fromkeys(request.addresses(), fault.quality))

    def _isolate(self, request: Span, parts: Sequence[Span]) -> None:
        """Ask each span of a refused block alone, and learn what to avoid next time."""
        self.has_answered = True
        bad: set[Span] = set()
        for part in parts:
            if self.stopped_by is not None:
                self.fail(part, self.stopped_by)
                continue
            answer = self._persist(part)
            if not isinstance(answer, Fault):
                self._keep(part, answer)
                continue
            self._account(part, answer)
            if answer.exception in ILLEGAL:
                bad.add(part)
        if self.stopped_by is None:
            self.plan = _learned(self.plan, request, parts, bad)


def _learned(plan: GroupPlan, request: Span, parts: Sequence[Span], bad: set[Span]) -> GroupPlan:
    """Return the plan that avoids the refusal: lone spans, unread holes, or smaller requests."""
    if bad:
        return replace(plan, lone=plan.lone | bad)
    holes = tuple(_holes(request, parts))
    if holes:
        limits = replace(plan.limits, barred=(*plan.limits.barred, *holes))
    else:
        smaller = max(request.word_count // 2, *(span.word_count for span in plan.spans))
        limits = replace(plan.limits, max_registers=smaller)
    return replace(plan, limits=limits)


def _holes(request: Span, parts: Sequence[Span]) -> Iterator[Span]:
    wanted = {at for part in parts for at in part.addresses()}
    for function_code, address in request.addresses():
        if (function_code, address) not in wanted:
            yield Span(function_code=function_code, address=address, word_count=1)
