"""Decides what a typed number means: decimal point or comma, no thousands marks.

What a gas detector shows is a number, too, or a sign that there is more than it can show.
"""

import math
import re
from collections.abc import Mapping
from typing import Final

_NUMBER = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)")
_LONGEST = 30
_CHINESE_KEYS = {
    **{0xFF10 + digit: str(digit) for digit in range(10)},
    0xFF0E: ".",
    0x3002: ".",
    0xFF0C: ",",
    0xFF0B: "+",
    0xFF0D: "-",
    0xFF05: "%",
    0xFF1E: ">",
}
"""Full-width digits and marks of a Chinese keyboard."""

_THOUSANDS_OR_POINT: Final = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
"""`1,200` is one point two to one hand and one thousand two hundred to another; `0,125` is not."""


def parse_number(text: str) -> float | None:
    """Return the number, or None when the text is not one.

    A decimal comma counts as a point, full-width digits as digits. Two marks, such as in
    `1,234.5`, and a comma that may stand for thousands, as in `1,200`, are refused rather than
    guessed.
    """
    plain = _plain(text)
    if _THOUSANDS_OR_POINT.fullmatch(plain):
        return None
    plain = plain.replace(",", ".")
    if len(plain) > _LONGEST or not _NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


_AIR_UNIT: Final = re.compile(r"\s*(%\s*(vol[.]?)?|vol[.]?\s*%|ppm)\s*$", re.IGNORECASE)
"""As detectors show oxygen and poisons beside their number."""


def without_air_unit(text: str) -> str:
    """Return what was typed of oxygen or a poison without the unit of its display."""
    return _AIR_UNIT.sub("", _plain(text))


def most_number(text: str) -> float | None:
    """Return the most that a typed number may mean (`1,200`: 1200); None: not a number."""
    plain = _plain(text)
    if _THOUSANDS_OR_POINT.fullmatch(plain):
        return float(plain.replace(",", ""))
    return parse_number(plain)


def _plain(text: str) -> str:
    return text.strip().translate(_CHINESE_KEYS)


def shown_number(value: float, digits: int = 6) -> str:
    """Return a number as it is shown and typed: no exponent, no trailing zeros."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return text if text not in {"", "-0"} else "0"


FULL_SCALE_LEL_PCT: Final = 100.0
"""Where a detector of combustible gas ends by definition."""

_LEL_UNIT: Final = re.compile(r"\s*(%\s*(lel|l)?|lel)?\s*$", re.IGNORECASE)
_RANGE: Final = re.compile(r"([0-9.,]+)\s*[-~–至到]\s*([0-9.,]+)")
_OVER_RANGE: Final = frozenset(
    {
        "OL",
        "O.L",
        "O.L.",
        "0L",
        "OR",
        "OVR",
        "OVER",
        "OVERRANGE",
        "HI",
        "HIGH",
        "MAX",
        "超量程",
        "超限",
        "满量程",
        "爆表",
    }
)
"""What detectors show, and crews write, when there is more gas than the cell can tell."""

_LEL_NAME: Final = re.compile(r"(^|_)lel[0-9]*(_|$)", re.IGNORECASE)
"""How the built-in checklists, and the office after them, name what is measured in % LEL."""

_REPEAT: Final = re.compile(r"\[[0-9]+\]")


def parse_lel_pct(text: str) -> float | None:
    """Return % LEL typed with its unit or without; None: not one number."""
    return parse_number(_without_unit(text))


def _without_unit(text: str) -> str:
    return _LEL_UNIT.sub("", _plain(text))


def worst_lel_pct(text: str) -> float | None:
    """Return how much gas what was typed may mean, None when nobody can say.

    `OL`, `> 100`, `100+` and `20-25` are no numbers, and yet they say that there is gas: a range as
    much as its upper end, `> 10` and `10+` a trace more than ten, so that a limit of ten is passed.
    Nothing is safe because of it: what must be good is one plain number (`parse_lel_pct`).
    """
    if _plain(text).upper().replace(" ", "").replace(",", ".") in _OVER_RANGE:
        return FULL_SCALE_LEL_PCT
    bare = _without_unit(text)
    bound = bare.lstrip(">≥").rstrip("+").strip()
    between = _RANGE.fullmatch(bound)
    if between is not None:
        ends = [most_number(each) for each in between.groups()]
        return max((each for each in ends if each is not None), default=None)
    value = most_number(_without_unit(bound))
    if value is None or bound == bare or value >= FULL_SCALE_LEL_PCT:
        return value
    return math.nextafter(value, math.inf)


def most_lel_pct(
    answers: Mapping[str, str], measuring: frozenset[str] = frozenset()
) -> float | None:
    """Return the most gas that the answers of a form tell of, by place; None: of none.

    `measuring` are the places, without the numbers of repeats, that the form itself binds to gas;
    a place that is named so counts as well.
    """
    found = [worst_lel_pct(text) for place, text in answers.items() if is_of_gas(place, measuring)]
    return max((each for each in found if each is not None), default=None)


def is_of_gas(place: str, measuring: frozenset[str]) -> bool:
    """Return whether a place of a form is named after gas, or among those that measure it."""
    is_named = _LEL_NAME.search(place.rpartition("/")[2]) is not None
    return is_named or _REPEAT.sub("", place) in measuring
