"""Owns what a detector hands on: one candidate for an alert with everything that explains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wire_contracts.kinds import Kind

RULES_VERSION = "2026.11-14"
"""Changes whenever a detector or a parameter changes; stored with each alert."""


class QualityFlag(StrEnum):
    """What weakens a candidate or was mended in its window."""

    NO_WEATHER = "no_weather"
    GAP = "gap"
    CLOCK_CORRECTED = "clock_corrected"
    REGISTER_CORRECTED = "register_corrected"
    SCALE_CORRECTED = "scale_corrected"
    FROZEN = "frozen"
    SHORT_HISTORY = "short_history"
    UNMETERED_SHARE = "unmetered_share"


SURENESS: Mapping[str, float] = {
    "stamps": 3.0,
    "register": 3.0,
    "telemetry": 3.0,
    "silence": 3.0,
    "pulses": 1.6,
    "cooling": 1.6,
    "floor": 1.6,
    "standstill": 1.6,
    "balance": 1.2,
    "burst": 1.1,
    "district": 1.0,
    "draws": 0.6,
    "steps": 1.0,
    "rises": 1.0,
    "signature": 0.85,
}
"""How much a detector's word weighs in the ranking, by how often it was right on the development
benchmark (METHODS 6.6: start from precision per kind); crews' findings move it per meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceValue:
    """One number for or against; `name` is the catalogue's (`evidence.<name>`)."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One detector's word that something is wrong with one meter.

    Attributes:
        row: Row of the fleet.
        meter_id: The utility's number.
        kind: What is wrong (the enum of the scoring harness).
        rule: The detector, such as `floor`; with `RULES_VERSION` it names the rule version.
        start_s: When the abnormal state began, as far as known, seconds since 1970.
        at_s: On the clock of arrivals: when the newest reading that was needed was there.
        score: Confidence; the share of the threshold times the detector's `SURENESS`.
        statistic: What was judged.
        threshold: What it was held against.
        observed: The observed value, in `unit`.
        expected: What was to be expected.
        expected_low: Lower end of what was to be expected.
        expected_high: Upper end.
        unit: Unit of the four.
        effect_per_day: What it costs a day, in `effect_unit`; None where that has no meaning.
        effect_unit: `m3/day` or `kWh/day`.
        evidence: Numbers that speak for it, the most telling first.
        against: Numbers that speak against it.
        quality: What weakens it.
        is_raised: At or above the threshold; else it only holds an open alert (0.6 to 1).
        holds_s: For how long it holds its alert at least: a meter that is read daily speaks daily.
    """

    row: int
    meter_id: str
    kind: Kind
    rule: str
    start_s: int
    at_s: int
    score: float
    statistic: float
    threshold: float
    observed: float
    expected: float
    expected_low: float
    expected_high: float
    unit: str
    effect_per_day: float | None = None
    effect_unit: str = ""
    evidence: Sequence[EvidenceValue] = ()
    against: Sequence[EvidenceValue] = ()
    quality: Sequence[QualityFlag] = ()
    is_raised: bool = True
    holds_s: int = 0
