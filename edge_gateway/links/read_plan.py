"""Decides which words one request fetches: the cheapest cover of a group's spans in bus time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from firmware_profiles.words import Span, span_in

BIT_FUNCTIONS = frozenset({1, 2})
MAX_WORDS = 125
"""Registers in one request; Modbus application protocol 1.1b3, sections 6.3 and 6.4."""

MAX_BITS = 2000
"""Coils or inputs in one request; Modbus application protocol 1.1b3, sections 6.1 and 6.2."""

_BITS_PER_WORD = 16


class PlanError(ValueError):
    """A span that no request can fetch; the text names it and the limit it breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCost:
    """Seconds a request takes: a fixed part for asking, and a part for each word answered."""

    request_s: float
    word_s: float

    def of(self, word_count: int) -> float:
        """Return the seconds of one request for `word_count` words."""
        return self.request_s + word_count * self.word_s

    def of_span(self, span: Span) -> float:
        """Return the seconds of one request."""
        return self.of(words_answered(span))


def words_answered(span: Span) -> int:
    """Return the words of an answer; sixteen bits of functions 1 and 2 are one."""
    if span.function_code in BIT_FUNCTIONS:
        return -(-span.word_count // _BITS_PER_WORD)
    return span.word_count


LAN_COST = RequestCost(request_s=0.002, word_s=0.000_002)
"""Modbus TCP in a local network: 2 ms round trip, 2 us per register (judgement); the way of
counting is that of gateway notes 4.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """What one request to this meter may not do.

    Attributes:
        max_registers: Most registers in one request.
        forbidden: Address ranges, both ends inclusive, that no request may touch.
        barred: Words of one space that a shared request may not touch.
    """

    max_registers: int = MAX_WORDS
    forbidden: Sequence[tuple[int, int]] = ()
    barred: Sequence[Span] = ()

    def touches(self, span: Span) -> bool:
        """Return whether a request for this span would touch what it must not."""
        return any(span.address <= high and low < span.end for low, high in self.forbidden) or any(
            overlap(span, other) for other in self.barred
        )

    def room(self, function_code: int) -> int:
        """Return the most words (bits for functions 1 and 2) of one request."""
        return MAX_BITS if function_code in BIT_FUNCTIONS else min(self.max_registers, MAX_WORDS)

    def allows(self, request: Span) -> bool:
        """Return whether a request keeps every limit."""
        is_small = request.word_count <= self.room(request.function_code)
        return is_small and not self.touches(request)


def overlap(one: Span, other: Span) -> bool:
    """Return whether two spans share a word."""
    return one.space == other.space and one.address < other.end and other.address < one.end


def covers(request: Span, span: Span) -> bool:
    """Return whether a request fetches a span whole."""
    return (
        request.space == span.space and request.address <= span.address and span.end <= request.end
    )


def plan_reads(
    spans: Iterable[Span], limits: ReadLimits, cost: RequestCost = LAN_COST
) -> tuple[Span, ...]:
    """Return the requests that fetch every span whole, in the least bus time, by address.

    A request never mixes units or function codes, never exceeds the limit, never touches a
    forbidden address and never splits a span. No other cover costs less: in an optimal cover a
    span can always be moved so that each request serves neighbours in the order of addresses,
    and all those are tried. Time grows with the square of the number of spans.

    Raises:
        PlanError: A single span already breaks a limit.
    """
    ordered = sorted(set(spans))
    plan: list[Span] = []
    for space in sorted({span.space for span in ordered}):
        same = [span for span in ordered if span.space == space]
        for span in same:
            _refuse_impossible(span, limits)
        plan.extend(_plan_space(same, limits, cost))
    return tuple(plan)


def guarded(requests: Iterable[Span], guard: Span | None, limits: ReadLimits) -> tuple[Span, ...]:
    """Return the requests, each stretched to fetch the guard register where the limits allow.

    An answer that belongs to another request, in spite of the right transaction number, is seen
    only by a constant register inside the same answer. Where it does not fit the guard follows
    in a request of its own, which still finds answers that are one behind.
    """
    if guard is None:
        return tuple(requests)
    safe: list[Span] = []
    for request in requests:
        if request == guard:
            continue
        if request.space == guard.space and limits.allows(enclosing([request, guard])):
            safe.append(enclosing([request, guard]))
        else:
            safe.extend([request, guard])
    return tuple(
        each
        for place, each in enumerate(safe)
        if each == guard or not any(covers(other, each) for other in safe[:place])
    ) or (guard,)


def _refuse_impossible(span: Span, limits: ReadLimits) -> None:
    room = limits.room(span.function_code)
    where = f"function {span.function_code} address {span.address}: {span.word_count} words"
    if span.word_count > room:
        message = f"{where}: more than {room} fit in one request; split the atomic set"
        raise PlanError(message)
    if limits.touches(span):
        message = f"{where}: touches a forbidden address; correct `forbidden` in the profile"
        raise PlanError(message)


def _plan_space(spans: Sequence[Span], limits: ReadLimits, cost: RequestCost) -> Sequence[Span]:
    """Cut the sorted spans into runs: best[j] is the least time for the first j of them."""
    best = [0.0] + [float("inf")] * len(spans)
    cut = [0] * (len(spans) + 1)
    for last in range(1, len(spans) + 1):
        for first in range(last, 0, -1):
            request = enclosing(spans[first - 1 : last])
            if not limits.allows(request):
                break
            time_s = best[first - 1] + cost.of_span(request)
            if time_s < best[last]:
                best[last], cut[last] = time_s, first - 1
    plan: list[Span] = []
    last = len(spans)
    while last:
        plan.append(enclosing(spans[cut[last] : last]))
        last = cut[last]
    return plan[::-1]


def enclosing(spans: Sequence[Span]) -> Span:
    """Return the smallest span around spans of one space."""
    address = min(span.address for span in spans)
    return span_in(spans[0].space, address, max(span.end for span in spans) - address)
