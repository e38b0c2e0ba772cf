"""The kinds of abnormality a detector can name, with the family that groups them."""

from enum import StrEnum


class Family(StrEnum):
    """Alerts of one meter and one family are one alert."""

    EXCESS = "excess"
    DROP = "drop"
    THERMAL = "thermal"
    REGISTER = "register"
    COMM = "comm"
    NETWORK = "network"


class Kind(StrEnum):
    """What is wrong (RULINGS R15)."""

    SLOW_LEAK = "slow_leak"
    BURST = "burst"
    VALVE_OPEN = "valve_open"
    BYPASS = "bypass"
    STUCK = "stuck"
    RETURN_HIGH = "return_high"
    TEMP_DRIFT = "temp_drift"
    ROLLOVER = "rollover"
    EXCHANGE = "exchange"
    REVERSED = "reversed"
    UNIT_SCALE = "unit_scale"
    CLOCK_SHIFT = "clock_shift"
    COMM_GAP = "comm_gap"
    COMM_FROZEN = "comm_frozen"
    NETWORK_LEAK = "network_leak"


FAMILY: dict[Kind, Family] = {
    Kind.SLOW_LEAK: Family.EXCESS,
    Kind.BURST: Family.EXCESS,
    Kind.VALVE_OPEN: Family.EXCESS,
    Kind.BYPASS: Family.DROP,
    Kind.STUCK: Family.DROP,
    Kind.RETURN_HIGH: Family.THERMAL,
    Kind.TEMP_DRIFT: Family.THERMAL,
    Kind.ROLLOVER: Family.REGISTER,
    Kind.EXCHANGE: Family.REGISTER,
    Kind.REVERSED: Family.REGISTER,
    Kind.UNIT_SCALE: Family.REGISTER,
    Kind.CLOCK_SHIFT: Family.COMM,
    Kind.COMM_GAP: Family.COMM,
    Kind.COMM_FROZEN: Family.COMM,
    Kind.NETWORK_LEAK: Family.NETWORK,
}


class FindingResult(StrEnum):
    """What the crew found; it labels the alert and teaches the detector (RULINGS R6)."""

    LEAK = "leak"
    INACCURATE = "inaccurate"
    NORMAL = "normal"
    OTHER = "other"


class Label(StrEnum):
    """What a finding says about the alert that led to it."""

    CONFIRMED = "confirmed"
    FALSE = "false"
    NONE = "none"


_CONFIRMS: dict[FindingResult, frozenset[Family]] = {
    FindingResult.LEAK: frozenset({Family.EXCESS, Family.NETWORK}),
    FindingResult.INACCURATE: frozenset(
        {Family.DROP, Family.REGISTER, Family.COMM, Family.THERMAL}
    ),
}


def label_for(result: FindingResult, family: Family, *, has_evidence: bool) -> Label:
    """Return the label of an alert of `family` after the crew found `result` (RULINGS R6).

    A finding of the alert's family confirms it; `normal` with the required evidence says it was
    false; everything else says nothing.
    """
    if family in _CONFIRMS.get(result, frozenset()):
        return Label.CONFIRMED
    if result is FindingResult.NORMAL and has_evidence:
        return Label.FALSE
    return Label.NONE
