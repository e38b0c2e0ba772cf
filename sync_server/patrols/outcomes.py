"""Decides what a checkpoint, a route, a home or a meter is like after a result of an inspector."""

from dataclasses import replace
from datetime import datetime, timedelta

from wire_contracts.home_checks import (
    MOST_ATTEMPTS_WITHOUT_LETTER,
    Household,
    HouseholdState,
    SafetyCheck,
)
from wire_contracts.meter_rounds import MOST_READINGS, PastReading, RoundMeter, RoundReading
from wire_contracts.patrol_facts import PatrolPoint, PointOutcome
from wire_contracts.patrols import Checkpoint, PatrolPlan

MISSED = "missed"
"""Nobody said anything about the checkpoint on the last run that had it on its route."""

BEYOND = "beyond_limit"
"""A value lay outside its limits, though no defect was named."""


def checkpoint_after(
    checkpoint: Checkpoint, point: PatrolPoint, at_utc: datetime | None
) -> Checkpoint:
    """Return the checkpoint after a result: all well ends the re-check, anything else asks for it.

    A defect, a value beyond its limit, a place that was skipped or not reached: each is put on
    the crew's re-check list by itself. A result that is older than what is known changes nothing:
    another tablet may bring it hours later. One of which no clock tells when it was made
    (`at_utc` is None) takes nothing off the list, and hides nothing that comes later.
    """
    is_well = point.outcome is PointOutcome.OK
    reason = (BEYOND if point.beyond else "") if is_well else str(point.outcome)
    if at_utc is None:
        return replace(checkpoint, recheck_reason=reason or checkpoint.recheck_reason)
    if _is_seen_after(checkpoint, at_utc):
        return checkpoint
    return replace(checkpoint, recheck_reason=reason, seen_at_utc=at_utc)


def checkpoint_missed(checkpoint: Checkpoint, ended_at_utc: datetime | None) -> Checkpoint:
    """Return the checkpoint after a run that left it out; a graver reason stands.

    So does what was seen there after the end of the run, where a clock tells when that was.
    """
    if ended_at_utc is not None and _is_seen_after(checkpoint, ended_at_utc):
        return checkpoint
    return replace(checkpoint, recheck_reason=checkpoint.recheck_reason or MISSED)


def _is_seen_after(checkpoint: Checkpoint, at_utc: datetime) -> bool:
    return checkpoint.seen_at_utc is not None and checkpoint.seen_at_utc > at_utc


def plan_after(plan: PatrolPlan, ended_at_utc: datetime) -> PatrolPlan:
    """Return the route after a run: due again one interval after its end."""
    if plan.last_done_at_utc is not None and plan.last_done_at_utc >= ended_at_utc:
        return plan
    due_at_utc = ended_at_utc + timedelta(seconds=plan.interval_s) if plan.interval_s else None
    return replace(plan, last_done_at_utc=ended_at_utc, due_at_utc=due_at_utc)


def household_after(household: Household, check: SafetyCheck, at_utc: datetime) -> Household:
    """Return the home after a visit (domain model 2.8).

    A visit that is older than what is known changes nothing: tablets may bring it days later.
    The third visit in a row without access becomes a letter.
    """
    if household.checked_at_utc is not None and household.checked_at_utc > at_utc:
        return household
    if check.is_no_access:
        count = household.no_access_count + 1
        is_letter = count > MOST_ATTEMPTS_WITHOUT_LETTER
        state = HouseholdState.LETTER if is_letter else HouseholdState.NO_ACCESS
        return replace(household, no_access_count=count, state=state, checked_at_utc=at_utc)
    return replace(
        household,
        state=HouseholdState.HAZARD if check.hazards else HouseholdState.PASSED,
        no_access_count=0,
        checked_at_utc=at_utc,
        hazards=tuple(check.hazards),
    )


def meter_without(meter: RoundMeter, at_utc: datetime) -> RoundMeter:
    """Return the meter without the reading of a moment: it was corrected."""
    others = tuple(each for each in meter.readings if each.at_utc != at_utc)
    return replace(meter, readings=others)


def meter_after(meter: RoundMeter, reading: RoundReading, at_utc: datetime) -> RoundMeter:
    """Return the meter with one reading more; the oldest leaves, the same moment is replaced."""
    others = [each for each in meter.readings if each.at_utc != at_utc]
    known = [*others, PastReading(at_utc=at_utc, value=reading.value)]
    known.sort(key=lambda each: each.at_utc)
    return replace(meter, readings=tuple(known[-MOST_READINGS:]))
