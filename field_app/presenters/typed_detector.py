"""Decides which detector is meant: one of the office's list, or one that the crew typed."""

from datetime import date

from field_app.forms.names import plain_text
from field_app.orders.entry_gate import Detector, trusted_detector
from field_app.orders.site_sheet import SiteSheet, WellSheet
from field_app.presenters.sheet import Answers

_DATE_PARTS = 3
_YEAR_DIGITS = 4
_DATE_MARKS = str.maketrans(dict.fromkeys("./年月日", "-"))

OTHER = "other"
"""The choice of a detector that is not on the office's list."""


def is_listed(data: SiteSheet | WellSheet, detector_id: str) -> bool:
    """Return whether the office lists a detector for this van."""
    return any(each.detector_id == detector_id for each in data.van.detectors)


def detector_choice(data: SiteSheet | WellSheet, answers: Answers) -> str:
    """Return which detector of the office's list is chosen, `OTHER` for one that is not on it."""
    chosen = answers.get("detector") or data.detector.detector_id
    return chosen if not chosen or is_listed(data, chosen) else OTHER


def typed_detector_id(data: SiteSheet | WellSheet) -> str:
    """Return the number that was typed for the gas test before, empty where it is on the list."""
    return "" if is_listed(data, data.detector.detector_id) else data.detector.detector_id


def detector_of(data: SiteSheet | WellSheet, answers: Answers) -> Detector:
    """Return the detector as chosen or typed, else the one in use."""
    chosen = detector_choice(data, answers)
    if chosen != OTHER and data.van.detectors:
        return trusted_detector(Detector(detector_id=chosen), data.van.detectors)
    typed_until = answers.get("calibrated_until")
    before = data.detector if typed_detector_id(data) else Detector()
    until = day_of(typed_until) if typed_until.strip() else before.calibrated_until
    typed = (answers.get("detector_id") or before.detector_id).strip()
    return trusted_detector(Detector(detector_id=typed, calibrated_until=until), data.van.detectors)


def day_of(text: str) -> date | None:
    """Return the day, None when the text is none: then nobody vouches for the detector.

    The year comes first, also as `2026年12月31日`, or last with four digits: `31.12.2026`.
    """
    parts = plain_text(text).translate(_DATE_MARKS).strip("-").split("-")
    if len(parts) != _DATE_PARTS or not all(part.isdecimal() for part in parts):
        return None
    if len(parts[-1]) == _YEAR_DIGITS:
        parts.reverse()
    if len(parts[0]) != _YEAR_DIGITS:
        return None
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        return None
