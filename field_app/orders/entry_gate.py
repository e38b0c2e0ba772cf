"""Decides whether a person may enter a well or a pit: the air first, and a detector to trust."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from field_app.forms.names import bare_name
from field_app.forms.numbers import (
    most_number,
    parse_lel_pct,
    parse_number,
    without_air_unit,
    worst_lel_pct,
)
from field_app.orders.moments import TimerMoment
from wire_contracts.site_facts import GasMeasurement
from wire_contracts.van import AirValue, GasDetector

OXYGEN_LOW_PCT: Final = 19.5
OXYGEN_HIGH_PCT: Final = 23.5
"""Between them people breathe and nothing burns too well (GB 8958-2006: oxygen-deficient below
19.5 %; GB 30871-2022 section 6: 19.5 to 21, enriched above 23.5)."""

LEL_ENTRY_PCT: Final = 10.0
"""A tenth of the lower explosive limit: for methane, whose limit is 5 % by volume (standards notes
section 1), the 0.5 % that GB 30871 sets for gases whose limit is 4 % or more. To be confirmed
against the edition in force on site."""

CARBON_MONOXIDE_PPM: Final = 16.0
"""20 mg/m3, the time-weighted limit of GBZ 2.1, at 0 degC, where it is fewest ppm."""

HYDROGEN_SULPHIDE_PPM: Final = 6.5
"""10 mg/m3, the ceiling of GBZ 2.1, at 0 degC, where it is fewest ppm (6.6), rounded down."""

GOOD_FOR_MIN: Final = 30
"""A measurement older than this says nothing of the air now (GB 30871-2022 section 6.2)."""


_OXYGEN_NAME: Final = re.compile(r"(^|_)oxygen(_|$)")
"""How the built-in checklists, and the office after them, name oxygen in % by volume."""

_MINUTE_MS: Final = 60_000
_SLACK_MS: Final = 5_000
"""A tablet's clock may be corrected by so much between two taps."""


class GateReason(StrEnum):
    """Why nobody may go in."""

    NO_DETECTOR = "no_detector"
    CALIBRATION_UNKNOWN = "calibration_unknown"
    CALIBRATION_DUE = "calibration_due"
    CALIBRATION_TOO_FAR = "calibration_too_far"
    WRONG_DETECTOR = "wrong_detector"
    TOO_OLD = "too_old"
    OXYGEN_MISSING = "oxygen_missing"
    LEL_MISSING = "lel_missing"
    NOT_A_NUMBER = "not_a_number"
    OXYGEN_LOW = "oxygen_low"
    OXYGEN_HIGH = "oxygen_high"
    LEL_HIGH = "lel_high"
    CARBON_MONOXIDE = "carbon_monoxide"
    HYDROGEN_SULPHIDE = "hydrogen_sulphide"
    PLACE_MISSING = "place_missing"


LONGEST_CALIBRATION: Final = timedelta(days=400)
"""A year (JJG 693) and the slack of a certificate made out ahead; a later day is a slip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """The detector in use and the last day of its calibration; empty and None: not told yet.

    `values` is what it shows, as the office knows it; None for a detector that the crew typed.
    """

    detector_id: str = ""
    calibrated_until: date | None = None
    values: frozenset[AirValue] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AirTyped:
    """What the detector showed, as typed; `is_old`: some of it longer ago than it is good for."""

    oxygen_pct: str = ""
    lel_pct: str = ""
    carbon_monoxide_ppm: str = ""
    hydrogen_sulphide_ppm: str = ""
    is_old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """Whether somebody may go in; `reasons` says why not, the gravest first."""

    is_allowed: bool
    reasons: tuple[GateReason, ...]

    @property
    def is_dangerous(self) -> bool:
        """Return whether the air itself is the reason, not something that is still missing."""
        return bool(_DANGERS.intersection(self.reasons))


_DANGERS = frozenset(
    {
        GateReason.OXYGEN_LOW,
        GateReason.OXYGEN_HIGH,
        GateReason.LEL_HIGH,
        GateReason.CARBON_MONOXIDE,
        GateReason.HYDROGEN_SULPHIDE,
    }
)


NEEDED_VALUES: Final = frozenset({AirValue.OXYGEN_PCT, AirValue.LEL_PCT})
"""What a detector must show before anybody goes in."""


def trusted_detector(used: Detector, listed: Sequence[GasDetector]) -> Detector:
    """Return the detector in use; about one that the office lists the office alone is believed.

    However its number was typed: no dash makes another detector of it.
    """
    wanted = bare_name(used.detector_id)
    for each in listed:
        if bare_name(each.detector_id) == wanted:
            return Detector(
                detector_id=each.detector_id,
                calibrated_until=each.calibrated_until,
                values=each.values,
            )
    return used


def judge_entry(detector: Detector, air: AirTyped, today: date, *, place: str = "-") -> GateVerdict:
    """Return whether a person may enter; a missing value never counts as a good one.

    Oxygen and % LEL must be measured; carbon monoxide and hydrogen sulphide are judged where the
    detector has them. `place` names the well or pit: good air in one says nothing of another.
    """
    unnamed = () if place.strip() else (GateReason.PLACE_MISSING,)
    about = (*detector_reasons(detector, today), *unnamed)
    reasons = (*_air_reasons(air), *_missing_reasons(air), *about)
    return GateVerdict(is_allowed=not reasons, reasons=reasons)


def detector_reasons(detector: Detector, today: date) -> tuple[GateReason, ...]:
    """Return why the detector cannot be trusted, nothing when it can."""
    if not detector.detector_id:
        return (GateReason.NO_DETECTOR,)
    if detector.values is not None and not detector.values >= NEEDED_VALUES:
        return (GateReason.WRONG_DETECTOR,)
    if detector.calibrated_until is None:
        return (GateReason.CALIBRATION_UNKNOWN,)
    if detector.values is None and detector.calibrated_until > today + LONGEST_CALIBRATION:
        return (GateReason.CALIBRATION_TOO_FAR,)
    return (GateReason.CALIBRATION_DUE,) if detector.calibrated_until < today else ()


def is_too_old(measured: TimerMoment, now: TimerMoment) -> bool:
    """Return whether a value says nothing of the air now, by the clock that says longer.

    One of the future is no proof either.
    """
    age_ms = now.age_ms(measured)
    return not -_SLACK_MS <= age_ms < GOOD_FOR_MIN * _MINUTE_MS


def is_air_bad(gas: GasMeasurement) -> bool:
    """Return whether nobody may breathe this air; gas that may burn is another matter."""
    oxygen = gas.oxygen_pct
    is_oxygen_bad = oxygen is not None and not OXYGEN_LOW_PCT <= oxygen <= OXYGEN_HIGH_PCT
    return (
        is_oxygen_bad
        or (gas.carbon_monoxide_ppm or 0.0) > CARBON_MONOXIDE_PPM
        or (gas.hydrogen_sulphide_ppm or 0.0) > HYDROGEN_SULPHIDE_PPM
    )


def has_no_breath(answers: Mapping[str, str]) -> bool:
    """Return whether an answer of a form, by place, says that nobody may breathe the air there."""
    return bad_oxygen_pct(answers) is not None


def bad_oxygen_pct(answers: Mapping[str, str]) -> float | None:
    """Return the first oxygen of a form with which nobody may go in, None where all is good."""
    found = (
        parse_air(text)
        for place, text in answers.items()
        if _OXYGEN_NAME.search(place.rpartition("/")[2])
    )
    known = (each for each in found if each is not None)
    return next((each for each in known if not OXYGEN_LOW_PCT <= each <= OXYGEN_HIGH_PCT), None)


def parse_air(text: str) -> float | None:
    """Return oxygen or a poison as typed, with the unit of the display or without; None: none."""
    return parse_number(without_air_unit(text))


def _missing_reasons(air: AirTyped) -> tuple[GateReason, ...]:
    texts = (
        air.lel_pct,
        air.oxygen_pct,
        air.carbon_monoxide_ppm,
        air.hydrogen_sulphide_ppm,
    )
    reasons: list[GateReason] = [GateReason.TOO_OLD] if air.is_old else []
    if not air.oxygen_pct.strip():
        reasons.append(GateReason.OXYGEN_MISSING)
    if not air.lel_pct.strip():
        reasons.append(GateReason.LEL_MISSING)
    others = [text for text in texts[1:] if text.strip() and parse_air(text) is None]
    if others or _is_lel_unread(air.lel_pct):
        reasons.append(GateReason.NOT_A_NUMBER)
    return tuple(reasons)


def _is_lel_unread(text: str) -> bool:
    """Return whether the gas is not one plain number, and not so much that it is danger anyhow."""
    is_much = (worst_lel_pct(text) or 0.0) > LEL_ENTRY_PCT
    return bool(text.strip()) and parse_lel_pct(text) is None and not is_much


def _air_reasons(air: AirTyped) -> tuple[GateReason, ...]:
    oxygen = parse_air(air.oxygen_pct)
    reasons: list[GateReason] = []
    if oxygen is not None and oxygen < OXYGEN_LOW_PCT:
        reasons.append(GateReason.OXYGEN_LOW)
    if oxygen is not None and oxygen > OXYGEN_HIGH_PCT:
        reasons.append(GateReason.OXYGEN_HIGH)
    for text, limit, reason in (
        (air.lel_pct, LEL_ENTRY_PCT, GateReason.LEL_HIGH),
        (air.carbon_monoxide_ppm, CARBON_MONOXIDE_PPM, GateReason.CARBON_MONOXIDE),
        (air.hydrogen_sulphide_ppm, HYDROGEN_SULPHIDE_PPM, GateReason.HYDROGEN_SULPHIDE),
    ):
        is_gas = reason is GateReason.LEL_HIGH
        value = worst_lel_pct(text) if is_gas else most_number(without_air_unit(text))
        if value is not None and (value > limit or value < 0):
            reasons.append(reason)
    return tuple(reasons)
