"""What is known of one meter on a Modbus line: its settings, and what it has shown since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from edge_gateway.links.followed_values import lasting
from edge_gateway.links.group_plan import GroupPlan, asked_anew, later
from edge_gateway.links.learnt import FoundOrder, Habits, Learnt, ModbusLearnt, Totals
from edge_gateway.links.patience import UnitPace
from firmware_profiles.identify import can_tell_another
from firmware_profiles.probe import MeantMeter
from firmware_profiles.profile import Profile
from firmware_profiles.rates import Rule, Trail, rules_of, shifted
from firmware_profiles.word_orders import (
    OrderWitness,
    can_decide_order,
    order_witness,
    with_order,
)
from firmware_profiles.words import WordAddress
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity

TRIED_AGAIN_AFTER = timedelta(minutes=10)
"""A routine question that was not answered is asked again after this: it costs a time-out."""

EXCHANGED_WITHIN = timedelta(minutes=1)
"""Nobody exchanges a meter in less: one that hangs up after every answer is asked this often."""

USUAL_LOSSES = 3
"""Polls in a row with a lost connection after which a meter is taken for one that hangs up."""

CHECKED_AGAIN_AFTER = timedelta(hours=1)
"""A meter is asked again after this: one that contradicts its profile may have been exchanged back,
one that did not may have been exchanged between two polls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusMeter:
    """A meter behind a Modbus line.

    Attributes:
        serial: Serial number of the device.
        device_address: Unit identifier, 0..255.
        profile: Its register map.
        plans: Register group to what its jobs ask.
        timeout_s: Longest wall seconds that its answer may take, beside the wire time.
    """

    serial: str
    device_address: int
    profile: Profile
    plans: Mapping[str, GroupPlan]
    timeout_s: float


@dataclass(slots=True, kw_only=True)
class Unit:
    """What the driver has learnt of one meter since the start.

    Attributes:
        meter: Its settings; the byte order of its profile may have been found since.
        plans: Register group to what its next job asks.
        gap_s: Least wall seconds of silence before a request.
        pace: How long it takes to answer.
        planned_s: Turnaround that the plans were made with, wall seconds.
        has_questions: Whether its profile has something to ask it before it is polled.
        rules: How its values may move.
        identity: Whom its profile's guard must show.
        stated: Its profile as the settings name it, the byte order open where it must be found.
        witness: What its words can say of its byte order.
        can_show_another: Whether its answers could show that another meter is there now.
        answers: Requests answered since the plans were looked at.
        checked_at_utc: When it was last held against its profile.
        contradictions: What it said then that its profile cannot say.
        refusal: The quality of its values, where it refused every question.
        counts: Register that counts to its number at the last poll.
        shown_at_loss: How often the line had been lost when the meter last showed what it is.
        losses_in_row: Polls in a row before which the line was lost.
        trails: The last values that were believed.
        settings: Register group to the words of the meter's settings at the last poll.
        shown: What it said of itself when its byte order was found.
        is_order_shown: Whether its answers have shown that byte order in this run of the gateway,
            and none has spoken against it since.
        has_decided: Whether the meter was asked ahead of this job and its answers decided an order.
    """

    meter: ModbusMeter
    plans: dict[str, GroupPlan]
    gap_s: float
    pace: UnitPace
    planned_s: float
    has_questions: bool
    rules: Mapping[Quantity, Rule]
    identity: MeantMeter
    stated: Profile
    witness: OrderWitness
    can_show_another: bool
    answers: int = 0
    checked_at_utc: datetime | None = None
    contradictions: Sequence[str] = ()
    refusal: QualityCode | None = None
    shown_at_loss: int = 0
    losses_in_row: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    trails: Mapping[Quantity, Trail] = field(default_factory=dict)
    settings: dict[str, Mapping[WordAddress, int]] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)
    is_order_shown: bool = False
    has_decided: bool = False


def new_unit(meter: ModbusMeter, turnaround_s: float) -> Unit:
    """Return a meter of which nothing is known but its settings.

    Args:
        meter: The settings.
        turnaround_s: What its plans were made with, wall seconds.
    """
    gap = meter.profile.link.gap
    return Unit(
        meter=meter,
        plans=dict(meter.plans),
        gap_s=0.0 if gap is None else gap.total_seconds(),
        pace=UnitPace(),
        planned_s=turnaround_s,
        has_questions=any(
            probe.span is not None or probe.register for probe in meter.profile.probes
        ),
        rules=rules_of(meter.profile),
        identity=MeantMeter(serial=meter.serial, device_address=meter.device_address),
        stated=meter.profile,
        witness=order_witness(meter.profile),
        can_show_another=can_tell_another(meter.profile) or can_decide_order(meter.profile),
    )


def taken_over(unit: Unit, known: Learnt | None) -> None:
    """Have a meter go on with what another driver has learnt of it, as far as it still holds.

    It is asked again what it is all the same, before its first value.
    """
    if not isinstance(known, ModbusLearnt):
        return
    found, habits, stated = known.found, known.habits, unit.stated
    if found is not None and _is_of(stated, found):
        unit.meter = replace(unit.meter, profile=with_order(stated, found.order))
        unit.shown = found.shown
    if known.totals.of == stated.reference:
        unit.trails = lasting(known.totals, unit.rules).trails
    if habits is not None and replace(habits.profile, place=stated.place) == stated:
        unit.plans = {group: asked_anew(plan) for group, plan in habits.plans.items()}
        unit.pace, unit.planned_s = habits.pace, habits.planned_s
        unit.counts, unit.trails = habits.counts, habits.trails
        unit.settings = dict(habits.settings)


def _is_of(stated: Profile, found: FoundOrder) -> bool:
    return found.profile == stated.reference and found.order in stated.order_candidates


def learnt_of(unit: Unit) -> ModbusLearnt:
    """Return what is known of a meter, for the driver that takes the place of this one."""
    stated, order = unit.stated, unit.meter.profile.probed_order
    found = None
    if order in stated.order_candidates and order is not None:
        found = FoundOrder(profile=stated.reference, order=order, shown=unit.shown)
    habits = Habits(
        profile=stated,
        plans=unit.plans,
        pace=unit.pace,
        planned_s=unit.planned_s,
        counts=unit.counts,
        trails=unit.trails,
        settings=unit.settings,
    )
    counting = [name for name, rule in unit.rules.items() if rule.is_total]
    totals = lasting(Totals(of=stated.reference, trails=unit.trails), counting)
    return ModbusLearnt(found=found, totals=totals, habits=habits)


def clock_moved(unit: Unit, by: timedelta, before_utc: datetime) -> None:
    """Count on behind a step of the gateway's clock; pauses and doubts last as long as they do.

    Args:
        unit: The meter.
        by: How far the clock was moved forward; negative: back.
        before_utc: What it showed ahead of the step.
    """
    unit.trails = shifted(unit.trails, by, before_utc)
    unit.plans = {group: later(plan, by) for group, plan in unit.plans.items()}
    if unit.checked_at_utc is not None:
        unit.checked_at_utc += by


def is_check_due(unit: Unit, losses: int, now_utc: datetime) -> bool:
    """Return whether the meter must show what it is.

    At first, after silence, and every hour: it may have been exchanged between two polls, or its
    byte order found by a chance. One that refused every question may only be starting up, and one
    whose byte order is still open shows it with the next number: these are asked with every job.
    Behind a lost line the right meter may be there again.

    Args:
        unit: The meter.
        losses: How often the line has been lost.
        now_utc: Now.
    """
    if unit.contradictions and losses != unit.shown_at_loss:
        return True
    if unit.checked_at_utc is None or unit.pace.misses > 1 or unit.refusal is not None:
        return True
    if unit.meter.profile.order_candidates and unit.witness.probes:
        return True
    is_worth_it = bool(unit.contradictions) or unit.can_show_another
    return is_worth_it and now_utc - unit.checked_at_utc >= CHECKED_AGAIN_AFTER


def is_routine(unit: Unit) -> bool:
    """Return whether the meter has shown what it is, and is only looked at again."""
    return unit.checked_at_utc is not None and unit.pace.misses <= 1 and not unit.contradictions


def must_show_after_loss(unit: Unit, losses: int, now_utc: datetime) -> bool:
    """Return whether what was just read counts only when the meter shows what it is.

    Power cuts are when meters are exchanged, and another DTU may have dialled in.

    Args:
        unit: The meter.
        losses: How often the line has been lost.
        now_utc: Now.
    """
    if losses == unit.shown_at_loss or not unit.can_show_another:
        unit.losses_in_row = 0
        return False
    unit.losses_in_row += 1
    checked_at_utc = unit.checked_at_utc
    if unit.losses_in_row <= USUAL_LOSSES or checked_at_utc is None:
        return True
    return not timedelta(0) <= now_utc - checked_at_utc < EXCHANGED_WITHIN
