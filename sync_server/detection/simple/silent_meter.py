"""Finds a meter that has given no value for longer than its reading interval explains."""

from dataclasses import dataclass

import numpy as np

from sync_server.detection.meters.columns import Columns
from sync_server.detection.simple.verdicts import State, Verdicts

RULE = "silent_meter"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentMeterRule:
    """Parameters; docs/detectors.md#silent-meter says where each comes from.

    Attributes:
        mains_intervals: Missed intervals of a mains-powered meter.
        mains_least_h: At least so many hours for it.
        battery_intervals: Missed intervals of a battery-powered meter.
        battery_least_h: At least so many hours for it.
        hold: A value younger than this share of the threshold ends the silence.
    """

    mains_intervals: float = 3.0
    mains_least_h: float = 2.0
    battery_intervals: float = 2.6
    battery_least_h: float = 26.0
    hold: float = 0.6


def detect_silent_meter(columns: Columns, rule: SilentMeterRule) -> Verdicts:
    """Return the verdict on each meter's silence in hours; one never heard of is not judged.

    A frame that says that the meter does not answer carries no value: it breaks no silence.
    """
    interval_h = columns.interval_s / 3600.0
    threshold = np.where(
        columns.is_mains_powered,
        np.maximum(rule.mains_least_h, rule.mains_intervals * interval_h),
        np.maximum(rule.battery_least_h, rule.battery_intervals * interval_h),
    )
    since_ms = np.maximum(columns.valued_at_ms, columns.judged_from_ms)
    is_known = columns.valued_at_ms > 0
    silence_h = np.where(is_known, (columns.now_ms - since_ms) / 3.6e6, np.nan)
    state = np.full(len(silence_h), State.UNKNOWN, dtype=np.int8)
    state[is_known] = State.CLEAR
    state[is_known & (silence_h >= rule.hold * threshold)] = State.HELD
    state[is_known & (silence_h > threshold)] = State.RAISED
    return Verdicts(
        state=state,
        statistic=silence_h,
        threshold=threshold,
        usual=interval_h,
        history_count=np.zeros(len(state), dtype=np.int64),
        is_burst=np.zeros(len(state), dtype=np.bool_),
        started_at_ms=np.where(state == State.RAISED, columns.valued_at_ms, 0),
        rule_from_ms=columns.valued_at_ms,
        rule_to_ms=np.full(len(state), columns.now_ms, dtype=np.int64),
    )
