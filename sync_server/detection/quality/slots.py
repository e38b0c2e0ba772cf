"""Owns the hours: every advance between two readings is put into the hour that it ends in."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from sync_server.detection.meters.columns import Floats, Ints
from sync_server.detection.meters.intake import Info
from sync_server.detection.quality.stamps import Col
from sync_server.detection.quality.telemetry import Progress

HOUR_S = 3600
SETTLE_S = 300
"""A stamp up to five minutes past the hour still belongs to it; hours are judged from then on."""

SAYS_LEAK = int(Info.LEAK | Info.BURST)
OPEN_SLOTS = 3
WATER_WH_PER_L_K = 1.163
"""rho c of water near 60 degC, Wh per litre and kelvin; each meter is held against itself."""


class Sum(IntEnum):
    """What is summed up in an hour.

    HEAT: litres x temperature difference x rho c.
    The values from COUNT on are sums over readings with flow and power.
    LEAK: readings whose meter said itself that it leaks.
    """

    HOURS = 0
    VOLUME = 1
    RECEIVED = 2
    ENERGY = 3
    HEAT = 4
    COUNT = 5
    SUPPLY = 6
    RETURN = 7
    POWER = 8
    FLOW = 9
    FLOW_HEAT = 10
    LEAK = 11


@dataclass(slots=True, kw_only=True)
class SlotState:
    """By row: the newest closed hour (hours since 1970), and sums of hours that are still open."""

    slot: Ints
    sums: Floats


def empty_slots(count: int) -> SlotState:
    """Return the state before the first hour."""
    return SlotState(
        slot=np.zeros(count, dtype=np.int64), sums=np.zeros((count, OPEN_SLOTS, len(Sum)))
    )


def slot_of(measured_s: Floats) -> Ints:
    """Return the hour that a reading ends, as hours since 1970."""
    slots: Ints = np.ceil((measured_s - SETTLE_S) / HOUR_S).astype(np.int64)
    return slots


def newest_slot(now_s: int) -> int:
    """Return the newest hour that can be closed at this instant."""
    return (now_s - SETTLE_S) // HOUR_S


def amounts(readings: Floats, progress: Progress, is_usable: Floats) -> Floats:
    """Return N x `Sum`: what each reading adds to its hour; nothing for what is not known.

    `is_usable` is 0 for readings whose instantaneous values cannot be true.
    """
    added = np.zeros((len(readings), len(Sum)))
    known = ~np.isnan(progress.litres) | ~np.isnan(progress.watt_hours)
    hours = np.where(known, np.nan_to_num(progress.elapsed_h), 0.0)
    litres = np.nan_to_num(progress.litres)
    added[:, Sum.HOURS] = hours
    added[:, Sum.VOLUME] = litres
    added[:, Sum.ENERGY] = np.nan_to_num(progress.watt_hours)
    added[:, Sum.LEAK] = (readings[:, Col.INFO].astype(np.int64) & SAYS_LEAK) > 0
    flow, power = readings[:, Col.FLOW], readings[:, Col.POWER]
    if not np.isnan(flow).all():
        supply, back = readings[:, Col.SUPPLY], readings[:, Col.RETURN]
        diff = np.maximum(supply - back, 0.0)
        added[:, Sum.HEAT] = np.nan_to_num(litres * diff * WATER_WH_PER_L_K)
        counts = (flow > 0) & (power > 0) & (is_usable > 0) & ~np.isnan(diff)
        columns = (np.ones(len(flow)), supply, back, power, flow, flow * diff * WATER_WH_PER_L_K)
        for place, value in zip(range(Sum.COUNT, Sum.FLOW_HEAT + 1), columns, strict=True):
            added[:, place] = np.where(counts, value, 0.0)
    return added


def close_slots(
    state: SlotState, row: Ints, slot: Ints, added: Floats, upto: int
) -> tuple[Floats, int]:
    """Return M x K x `Sum` of the hours that are closed now, and the first of them.

    Every row is closed up to the hour `upto`; what belongs to later hours stays in the state,
    a stamp further ahead than that counts into the last open hour.
    """
    first = int(state.slot[0]) + 1
    count = max(upto - first + 1, 0)
    width = count + OPEN_SLOTS
    sums = np.zeros((len(state.slot), width, len(Sum)))
    sums[:, :OPEN_SLOTS] = state.sums
    place = np.clip(slot - first, 0, width - 1)
    flat = row * width + place
    is_simple = bool((np.diff(flat) != 0).all())
    whole = sums.reshape(-1, len(Sum))
    received = added[:, Sum.RECEIVED].copy()
    added[:, Sum.RECEIVED] = 0.0
    if is_simple:
        whole[flat] += added
    else:
        np.add.at(whole, flat, added)
    np.maximum.at(whole[:, Sum.RECEIVED], flat, received)
    state.sums = sums[:, count:].copy()
    state.slot += count
    return sums[:, :count], first
