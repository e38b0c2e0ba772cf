"""Finds a meter that has not rested for one hour in a day (or three), though it used to."""

from dataclasses import dataclass, field

import numpy as np

from sync_server.assets.assets import MeterClass
from sync_server.detection.meters.columns import Columns, Flags, Floats, Ints, per_class
from sync_server.detection.simple.flows import HOUR_MS
from sync_server.detection.simple.verdicts import State, Verdicts
from wire_contracts.quantities import Medium

RULE = "continuous_flow"

_W, _G = Medium.WATER, Medium.GAS
_C = MeterClass


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuousFlowRule:
    """Parameters; docs/detectors.md#continuous-flow says where each comes from.

    Attributes:
        window_h: By medium and class: how long no hour may rest; not listed: not judged.
        rest_m3h: By medium and class: an hour below this rests.
        coverage: Share of the window's hours that must be known.
        min_nights: Nights that show whether the meter used to rest.
        hold: Below this share of `rest_m3h` the condition is over.
    """

    window_h: dict[tuple[Medium, MeterClass], float] = field(
        default_factory=lambda: {
            (_W, _C.HOUSEHOLD): 24,
            (_W, _C.CONSUMER): 72,
            (_W, _C.PUBLIC_WELFARE): 72,
            (_G, _C.HOUSEHOLD): 24,
            (_G, _C.CONSUMER): 72,
            (_G, _C.PUBLIC_WELFARE): 72,
        }
    )
    rest_m3h: dict[tuple[Medium, MeterClass], float] = field(
        default_factory=lambda: {
            (_W, _C.HOUSEHOLD): 0.0025,
            (_W, _C.CONSUMER): 0.010,
            (_W, _C.PUBLIC_WELFARE): 0.020,
            (_G, _C.HOUSEHOLD): 0.005,
            (_G, _C.CONSUMER): 0.020,
            (_G, _C.PUBLIC_WELFARE): 0.020,
        }
    )
    coverage: float = 0.9
    min_nights: int = 7
    hold: float = 0.6


def detect_continuous_flow(columns: Columns, rule: ContinuousFlowRule) -> Verdicts:
    """Return the verdict on the newest window of each meter.

    A meter that does not rest at night anyway, or whose history is too short to know, is not
    judged: continuous use is what many businesses do.
    """
    window_h = per_class(columns, rule.window_h)
    threshold = per_class(columns, rule.rest_m3h) * columns.multipliers
    newest = _newest_known(columns.flow_m3h)
    inside = _inside(columns, newest, window_h)
    known = inside & ~np.isnan(columns.flow_m3h)
    enough = known.sum(axis=1) >= rule.coverage * np.nan_to_num(window_h, nan=np.inf)
    lowest = np.where(known, columns.flow_m3h, np.inf).min(axis=1, initial=np.inf)
    usual, history_count = _usual_rest(columns)
    rests_usually = (history_count >= rule.min_nights) & (usual < threshold)
    statistic = np.where(enough & rests_usually, lowest, np.nan)
    from_ms = columns.hours_ms[np.maximum(newest, 0)] + HOUR_MS
    from_ms = from_ms - (np.nan_to_num(window_h) * HOUR_MS).astype(np.int64)
    is_settled = from_ms < columns.judged_from_ms
    state = np.full(len(statistic), State.UNKNOWN, dtype=np.int8)
    is_known = ~np.isnan(statistic) & ~np.isnan(threshold)
    state[is_known] = State.CLEAR
    state[is_known & (statistic >= rule.hold * threshold)] = State.HELD
    state[is_known & (statistic >= threshold)] = State.RAISED
    state[is_settled & (state == State.RAISED)] = State.UNKNOWN
    return Verdicts(
        state=state,
        statistic=statistic,
        threshold=threshold,
        usual=usual,
        history_count=history_count,
        is_burst=np.zeros(len(state), dtype=np.bool_),
        started_at_ms=np.where(state == State.RAISED, from_ms, 0),
        rule_from_ms=from_ms,
        rule_to_ms=columns.hours_ms[np.maximum(newest, 0)] + HOUR_MS,
    )


def _newest_known(flow_m3h: Floats) -> Ints:
    known = ~np.isnan(flow_m3h)
    at = flow_m3h.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    newest: Ints = np.where(known.any(axis=1), at, -1)
    return newest


def _inside(columns: Columns, newest: Ints, window_h: Floats) -> Flags:
    position = np.arange(len(columns.hours_ms))[None, :]
    last = newest[:, None]
    inside: Flags = (position <= last) & (position > last - np.nan_to_num(window_h)[:, None])
    return inside


def _usual_rest(columns: Columns) -> tuple[Floats, Ints]:
    """Return the median of earlier nightly minima and how many there are."""
    values = columns.night_min_m3h
    counts = (~np.isnan(values)).sum(axis=1)
    usual = np.full(len(counts), np.nan)
    some = counts > 0
    if some.any():
        usual[some] = np.nanmedian(values[some], axis=1)
    return usual, counts
