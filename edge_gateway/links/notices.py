"""What a driver has the server told beside its frames."""

from collections.abc import Iterator

from edge_gateway.links.driver import JobKind, Notice
from edge_gateway.links.group_plan import GroupPlan
from firmware_profiles.words import Span

REGISTER_REFUSED = "register_refused"
REGISTER_ANSWERS = "register_answers"
PROFILE_MISMATCH = "profile_mismatch"
PROFILE_MATCHES = "profile_matches"
DTU_CONTESTED = "dtu_contested"


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
