"""Advances a fleet by what has arrived: the one function that is live, replay and test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sync_server.detection.doubts import with_doubts
from sync_server.detection.fleet_state import FleetState
from sync_server.detection.hourly import judge_day, mark_untrusted, observe_hours
from sync_server.detection.hours.history import LONGEST_HOURLY_S, day_pieces
from sync_server.detection.meters.candidates import SURENESS, Candidate
from sync_server.detection.meters.columns import Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.meters.intake import ReadingBatch, Surroundings
from sync_server.detection.quality.register_rules import (
    clock_candidates,
    register_candidates,
    silence_candidates,
    telemetry_candidates,
)
from sync_server.detection.quality.registers import settle_registers
from sync_server.detection.quality.slots import (
    HOUR_S,
    Sum,
    amounts,
    close_slots,
    newest_slot,
    slot_of,
)
from sync_server.detection.quality.stamps import Col, settle_stamps
from sync_server.detection.quality.telemetry import Progress, settle_telemetry
from wire_contracts.kinds import FAMILY, Kind

OLDEST_START_H = 400 * 24
"""Hours before the first look that may be opened: as far back as the memory is ever built."""

HELD_INTERVALS = 3
"""An alert of a meter that is read daily clears after three quiet days (METHODS 6.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRow:
    """A row got a reading from before what it has settled; replay it from before `from_s`."""

    row: int
    from_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """What one call gives.

    Attributes:
        state: The state that was given, advanced.
        candidates: What the detectors say, in no particular order.
        late: Rows that must be replayed from a checkpoint for these readings to count.
    """

    state: FleetState
    candidates: Sequence[Candidate]
    late: Sequence[LateRow]


def advance(
    fleet: Fleet,
    state: FleetState,
    batch: ReadingBatch,
    surroundings: Surroundings,
    now_s: int,
) -> Advanced:
    """Take in what arrived, close the hours that are over, and say what is wrong.

    Args:
        fleet: The meters.
        state: What is remembered; given up by the caller (updated in place) and returned.
        batch: What arrived since the last call, in any order, duplicates too.
        surroundings: Weather, known events and learned thresholds.
        now_s: The clock of arrivals, seconds since 1970; never before the last call's.
    """
    readings = _matrix(batch)
    found = list(_silences(fleet, state, batch, (now_s, surroundings.deaf_s)))
    row, readings, shifts = settle_stamps(state.stamps, fleet.interval_s, batch.row, readings)
    found.extend(clock_candidates(fleet, shifts))
    is_late = readings[:, Col.MEASURED] <= state.newest_s[row]
    late = _late(row[is_late], readings[is_late])
    row, readings = row[~is_late], readings[~is_late]
    np.maximum.at(state.newest_s, row, readings[:, Col.MEASURED])
    added = _take_in(fleet, state, row, readings, found)
    upto = _start_clock(state, row, readings, newest_slot(now_s))
    slot = slot_of(readings[:, Col.MEASURED])
    sums, first = close_slots(state.slots, row, slot, added, upto)
    found.extend(_judge(fleet, state, (sums, first), surroundings, found))
    return Advanced(state=state, candidates=_judged(fleet, state, found, surroundings), late=late)


def _judge(
    fleet: Fleet,
    state: FleetState,
    closed: tuple[Floats, int],
    surroundings: Surroundings,
    told: Sequence[Candidate],
) -> Sequence[Candidate]:
    """Return what the detectors say of the closed hours, piece by piece of a day."""
    sums, first = closed
    waiting = sorted(told, key=lambda each: each.at_s)
    found: list[Candidate] = []
    for days in _stretches(len(fleet.specs), list(day_pieces(first, sums.shape[1]))):
        begin, end = days[0][0], days[-1][1]
        part = (sums[:, begin:end], first + begin)
        stretch = observe_hours(fleet, state.detectors, part, surroundings)
        for start, stop in days:
            end_s = (first + stop) * HOUR_S
            now = [each for each in waiting if each.at_s < end_s]
            waiting = waiting[len(now) :]
            piece = stretch.during(start - begin, stop - begin)
            found.extend(judge_day(fleet, state.history, state.detectors, piece, now))
    for each in waiting:
        mark_untrusted(state.history, each)
    return found


MOST_METER_DAYS = 200
"""Meter-days that are observed at once, one day at least: a meter that is replayed in one go, a
fleet by the day, so that a year of it needs no more memory than a day."""


def _stretches(meters: int, days: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    """Yield days, as many at a time as may be observed at once."""
    at_once = max(MOST_METER_DAYS // max(meters, 1), 1)
    for start in range(0, len(days), at_once):
        yield days[start : start + at_once]


def _matrix(batch: ReadingBatch) -> Floats:
    """Return the readings as a matrix of `Col`, in litres and watt-hours."""
    readings = np.zeros((len(batch.row), len(Col)))
    readings[:, Col.MEASURED] = batch.measured_s
    readings[:, Col.RECEIVED] = batch.received_s
    readings[:, Col.VOLUME] = batch.volume_m3 * 1000.0
    readings[:, Col.ENERGY] = batch.energy_kwh * 1000.0
    readings[:, Col.FLOW] = batch.flow_m3h * 1000.0
    readings[:, Col.POWER] = batch.power_kw * 1000.0
    readings[:, Col.SUPPLY] = batch.supply_temp_degc
    readings[:, Col.RETURN] = batch.return_temp_degc
    readings[:, Col.INFO] = batch.info
    return readings


def _silences(
    fleet: Fleet, state: FleetState, batch: ReadingBatch, clock: tuple[int, tuple[int, int]]
) -> Iterator[Candidate]:
    order = np.lexsort((batch.received_s, batch.row))
    heard = (batch.row[order], batch.received_s[order].astype(np.float64))
    newest = (state.stamps.received_s, state.gap_told_s)
    return silence_candidates(fleet, heard, newest, *clock)


def _late(row: Ints, readings: Floats) -> Sequence[LateRow]:
    return [
        LateRow(row=int(each), from_s=int(readings[row == each, Col.MEASURED].min()))
        for each in np.unique(row)
    ]


def _take_in(
    fleet: Fleet, state: FleetState, row: Ints, readings: Floats, found: list[Candidate]
) -> Floats:
    """Return what each reading adds to its hour; registers and telemetry are judged."""
    measured_s = readings[:, Col.MEASURED]
    volume = settle_registers(state.volume, fleet.volume, row, measured_s, readings[:, Col.VOLUME])
    energy = settle_registers(state.energy, fleet.energy, row, measured_s, readings[:, Col.ENERGY])
    found.extend(register_candidates(fleet, volume.events, readings, "m³"))
    found.extend(register_candidates(fleet, energy.events, readings, "kWh"))
    progress = Progress(
        elapsed_h=np.where(np.isnan(volume.elapsed_h), energy.elapsed_h, volume.elapsed_h),
        litres=volume.advance,
        watt_hours=energy.advance,
    )
    is_usable = np.ones(len(row))
    if not np.isnan(readings[:, Col.FLOW]).all():
        runs = settle_telemetry(state.telemetry, row, readings, progress)
        found.extend(telemetry_candidates(fleet, row, readings, runs))
        is_usable = ((runs.frozen == 0) & (runs.swapped == 0) & (runs.stuck == 0)) * 1.0
    added = amounts(readings, progress, is_usable)
    added[:, Sum.RECEIVED] = readings[:, Col.RECEIVED]
    return added


def _start_clock(state: FleetState, row: Ints, readings: Floats, newest: int) -> int:
    """Return up to which hour to close; none as long as no meter was heard.

    The first hour is that of the first reading, but no clock that was reset makes it older than
    `OLDEST_START_H`: a meter that wakes up in the year 2000 would open 200,000 hours for all.
    """
    if state.slots.slot[0] == 0 and len(row):
        first = int(slot_of(readings[:, Col.MEASURED].min()[None])[0]) - 1
        state.slots.slot[:] = max(first, newest - OLDEST_START_H)
    return newest if state.slots.slot[0] else 0


def _judged(
    fleet: Fleet, state: FleetState, found: Sequence[Candidate], surroundings: Surroundings
) -> Sequence[Candidate]:
    """Return the candidates of meters that are judged already and still in service.

    Scores are divided by what crews' findings taught of the meter and the family.
    """
    kept = [
        each
        for each in found
        if fleet.judged_from_s[each.row] <= each.at_s <= fleet.in_service_until_s[each.row]
    ]
    weighed = [_weighed(each, surroundings, int(fleet.interval_s[each.row])) for each in kept]
    return [
        with_doubts(fleet, state, each, surroundings) if each.is_raised else each
        for each in weighed
    ]


def _weighed(candidate: Candidate, surroundings: Surroundings, interval_s: int) -> Candidate:
    is_daily = interval_s > LONGEST_HOURLY_S and candidate.kind is not Kind.COMM_GAP
    holds_s = HELD_INTERVALS * interval_s if is_daily else 0
    factor = surroundings.multipliers.get((candidate.row, FAMILY[candidate.kind]), 1.0)
    is_raised = candidate.is_raised and candidate.score >= factor
    score = SURENESS[candidate.rule] * candidate.score / factor
    return replace(candidate, score=score, is_raised=is_raised, holds_s=holds_s)
