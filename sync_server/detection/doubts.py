"""Decides what weakens a candidate: what speaks against it, and how good its readings are."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sync_server.detection.fleet_state import FleetState
from sync_server.detection.hours.history import LONGEST_HOURLY_S, RING_H, TOLD_H
from sync_server.detection.meters.candidates import Candidate, EvidenceValue, QualityFlag
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.meters.intake import Surroundings
from sync_server.detection.quality.slots import HOUR_S
from sync_server.detection.quality.stamps import NEEDED
from wire_contracts.kinds import FAMILY, Family
from wire_contracts.quantities import Medium

OF_QUALITY = frozenset({"stamps", "register", "telemetry", "silence", "pulses"})
"""Rules that say what is wrong with the readings themselves: nothing weakens them."""

BY_WEATHER = frozenset({"signature", "cooling", "floor", "burst"})
"""Rules that hold heat and gas against the weather where it is known."""

SHORT_H = 24.0 * 60
"""A history below the 60 days of the signature's warm-up is short (METHODS 6.4)."""

_DAY_H = 24


def with_doubts(
    fleet: Fleet, state: FleetState, candidate: Candidate, surroundings: Surroundings
) -> Candidate:
    """Return the candidate with its quality flags and with the numbers that speak against it."""
    if candidate.rule in OF_QUALITY:
        return candidate
    return replace(
        candidate,
        evidence=(*candidate.evidence, *_for(state, candidate)),
        against=(*candidate.against, *_against(fleet, state, candidate)),
        quality=(*candidate.quality, *_flags(fleet, state, candidate, surroundings)),
    )


def _for(state: FleetState, candidate: Candidate) -> Iterator[EvidenceValue]:
    """Yield what the meter says itself: independent of every statistic."""
    newest_h = float(state.slots.slot[0] - state.history.leak_told[candidate.row])
    if FAMILY[candidate.kind] is Family.EXCESS and newest_h < TOLD_H:
        yield EvidenceValue(name="meter_says_leak", value=newest_h, unit="h")


def _against(fleet: Fleet, state: FleetState, candidate: Candidate) -> Iterator[EvidenceValue]:
    row = candidate.row
    if fleet.interval_s[row] > LONGEST_HOURLY_S:
        return
    day = state.history.rate[row, -_DAY_H:].astype(np.float64)
    family = FAMILY[candidate.kind]
    if family in {Family.EXCESS, Family.NETWORK} and (day <= 0).any():
        yield EvidenceValue(name="hours_with_rest", value=float((day <= 0).sum()), unit="h")
    if family is Family.DROP and (day > 0).any():
        yield EvidenceValue(name="hours_with_use", value=float((day > 0).sum()), unit="h")
    unknown = _unknown_h(_window(state, candidate))
    if unknown:
        yield EvidenceValue(name="hours_unknown", value=unknown, unit="h")


def _flags(
    fleet: Fleet, state: FleetState, candidate: Candidate, surroundings: Surroundings
) -> Iterator[QualityFlag]:
    row, spec = candidate.row, fleet.specs[candidate.row]
    is_weather_known = spec.weather_id in surroundings.weather
    if candidate.rule in BY_WEATHER and spec.medium is not Medium.WATER and not is_weather_known:
        yield QualityFlag.NO_WEATHER
    is_hourly = fleet.interval_s[row] <= LONGEST_HOURLY_S
    if is_hourly and _unknown_h(_window(state, candidate)):
        yield QualityFlag.GAP
    if state.stamps.run[row] >= NEEDED:
        yield QualityFlag.CLOCK_CORRECTED
    if state.history.untrusted_to[row] >= candidate.start_s // HOUR_S:
        yield QualityFlag.REGISTER_CORRECTED
    if state.volume.scale[row] != 1.0 or state.energy.scale[row] != 1.0:
        yield QualityFlag.SCALE_CORRECTED
    if state.history.known_h[row] < SHORT_H:
        yield QualityFlag.SHORT_HISTORY
    children = list(fleet.children.get(row, ()))
    if children and np.isnan(state.history.rate[children, -1]).any():
        yield QualityFlag.UNMETERED_SHARE


def _window(state: FleetState, candidate: Candidate) -> Floats:
    """Return the hourly rates from the start of the abnormal state, as far as they are kept."""
    newest = int(state.slots.slot[0])
    hours = min(max(newest - candidate.start_s // HOUR_S, 1), RING_H)
    return state.history.rate[candidate.row, -hours:].astype(np.float64)


def _unknown_h(rates: Floats) -> float:
    return float(np.isnan(rates).sum())
