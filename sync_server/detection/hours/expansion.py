"""Decides how much water a heating network takes up or gives back as its temperature changes."""

from dataclasses import dataclass

import numpy as np

from sync_server.detection.meters.columns import Floats
from sync_server.detection.quality.slots import Sum

RING_H = 96
KEEP_DAY = 0.975
"""What is left of what was learned after a day: forty days."""

SURE_SIGMAS = 3.0
"""A content counts when it is that much larger than its own uncertainty (judgement)."""

LEAST_HOURS = 240.0
"""And when so many hours were compared with the same hour of the day before."""


@dataclass(slots=True, kw_only=True)
class ExpansionState:
    """By row; only make-up meters with heat meters behind them have any.

    Attributes:
        temp_degc: Mean temperature of the network in the newest known hour; NaN: not known.
        growth: The last `RING_H` hours' share by which the water grew, newest last.
        fed: What was fed in these hours, in litres an hour; NaN where nothing was.
        sums: Fading sums over hours against the same hours of the day before: growth squared,
            growth times feed, feed squared, and their number.
    """

    temp_degc: Floats
    growth: Floats
    fed: Floats
    sums: Floats


def empty_expansion(count: int) -> ExpansionState:
    """Return the state before the first hour."""
    return ExpansionState(
        temp_degc=np.full(count, np.nan),
        growth=np.zeros((count, RING_H)),
        fed=np.full((count, RING_H), np.nan),
        sums=np.zeros((count, 4)),
    )


def specific_volume(temp_degc: Floats) -> Floats:
    """Return cubic metres per tonne of water at 1 atm (McCutcheon, Martin, Barnwell 1993)."""
    shift = temp_degc - 3.9863
    share = (temp_degc + 288.9414) / (508_929.2 * (temp_degc + 68.12963)) * shift**2
    volume: Floats = 1.0 / (1.0 - share)
    return volume


def network_temps(sums: Floats) -> Floats:
    """Return the mean temperature of K hours from heat meters' C x K x `Sum`; NaN: not known."""
    count = sums[:, :, Sum.COUNT].sum(axis=0)
    both = (sums[:, :, Sum.SUPPLY] + sums[:, :, Sum.RETURN]).sum(axis=0) / 2.0
    temps = np.full(sums.shape[1], np.nan)
    np.divide(both, count, out=temps, where=count > 0)
    return temps


def without_expansion(
    state: ExpansionState, row: int, temps: Floats, flows: tuple[Floats, Floats]
) -> Floats:
    """Return K hours of make-up flow as it would be at one temperature; remembers the growth.

    When the network grows warmer its water needs more room, and less is fed than leaks; where
    nothing is fed at all, no more than usual is said to leak.

    Args:
        state: Updated in place.
        row: The make-up meter.
        temps: K mean temperatures of the network.
        flows: K flows, and what is usual in these hours.
    """
    flow, usual = flows
    growth = _growth(state, row, temps)
    state.growth[row] = np.concatenate([state.growth[row], growth])[-RING_H:]
    fed = np.where(flow > 0, flow, np.nan)
    state.fed[row] = np.concatenate([state.fed[row], fed])[-RING_H:]
    corrected = flow + content_l(state, row) * growth
    return np.where(flow > 0, corrected, np.fmin(corrected, usual))


def content_l(state: ExpansionState, row: int) -> float:
    """Return the network's content in litres as learned; 0 while too little was seen."""
    squares, products, scatter, hours = state.sums[row].tolist()
    if hours < LEAST_HOURS or squares <= 0:
        return 0.0
    content = -products / squares
    unexplained = max(scatter - content**2 * squares, 0.0) / hours
    uncertain: float = (unexplained / squares) ** 0.5
    return content if content > SURE_SIGMAS * uncertain else 0.0


def learn_day(state: ExpansionState, row: int) -> None:
    """Learn from the two oldest days of the ring how the feed answers to the temperature.

    Hours are compared with the same hours of the day before: what repeats daily says nothing.
    """
    growth = state.growth[row, 24:48] - state.growth[row, :24]
    fed = state.fed[row, 24:48] - state.fed[row, :24]
    known = ~np.isnan(fed)
    growth, fed = growth[known], fed[known]
    seen = np.array([growth @ growth, growth @ fed, fed @ fed, len(fed)])
    state.sums[row] = KEEP_DAY * state.sums[row] + seen


def _growth(state: ExpansionState, row: int, temps: Floats) -> Floats:
    """Return by which share the water grew in each hour since the hour that was known before."""
    growth = np.zeros(len(temps))
    for hour, temp in enumerate(temps.tolist()):
        before = float(state.temp_degc[row])
        if not np.isnan(temp):
            if not np.isnan(before):
                both = specific_volume(np.array([before, temp]))
                growth[hour] = both[1] / both[0] - 1.0
            state.temp_degc[row] = temp
    return growth
