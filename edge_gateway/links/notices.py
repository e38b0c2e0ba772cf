"""What a driver has the server told beside its frames."""

from collections.abc import Iterator, Sequence

from edge_gateway.links.driver import JobKind, Notice
from edge_gateway.links.group_plan import GroupPlan
from firmware_profiles.rates import TotalTurn, Turn
from firmware_profiles.words import Span

REGISTER_REFUSED = "register_refused"
REGISTER_ANSWERS = "register_answers"
PROFILE_MISMATCH = "profile_mismatch"
PROFILE_MATCHES = "profile_matches"
BYTE_ORDER_OPEN = "byte_order_open"
DTU_CONTESTED = "dtu_contested"

TURNS = {
    Turn.FELL: (
        "total_fell",
        "is less than before, and doubted until it is back or has counted on",
    ),
    Turn.RETURNED: ("total_returned", "is where it was again"),
    Turn.SETTLED: ("total_settled", "has counted on from the lower number, and is believed"),
}
"""What a turn of a total is told as."""


def turn_notices(serial: str, turns: Sequence[TotalTurn]) -> Iterator[Notice]:
    """Yield one notice for each kind of turn, with all the totals of a meter that took it."""
    for turn, (kind, meaning) in TURNS.items():
        same = [each for each in turns if each.turn is turn]
        if same:
            totals = (f"{each.quantity} ({each.was:.12g}, now {each.now:.12g})" for each in same)
            yield Notice(kind=kind, text=f"{serial}: {', '.join(totals)} {meaning}")


def refusal_notices(job: JobKind, before: GroupPlan, after: GroupPlan) -> Iterator[Notice]:
    """Yield what a job has found out about the meter's registers."""
    where = f"{job.serial} group {job.group}: function"
    for span, refusal in after.refusals.items():
        if span not in before.refusals:
            text = f"{where} {_range(span)} is refused ({refusal.quality}); it is asked again"
            yield Notice(kind=REGISTER_REFUSED, text=text)
    for span in before.refusals:
        if span not in after.refusals:
            yield Notice(kind=REGISTER_ANSWERS, text=f"{where} {_range(span)} answers again")
    for hole in after.limits.barred[len(before.limits.barred) :]:
        text = f"{where} {_range(hole)} cannot be read over; it is left out from now on"
        yield Notice(kind=REGISTER_REFUSED, text=text)
    if after.limits.max_registers < before.limits.max_registers:
        text = f"{job.serial}: requests are kept to {after.limits.max_registers} registers"
        yield Notice(kind=REGISTER_REFUSED, text=text)


def _range(span: Span) -> str:
    last = span.end - 1
    addresses = str(span.address) if last == span.address else f"{span.address}..{last}"
    unit = f" of unit +{span.unit_offset}" if span.unit_offset else ""
    return f"{span.function_code} address {addresses}{unit}"
