"""Decides what a typed number means: decimal point or comma, no thousands marks."""

import math
import re

_NUMBER = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)")
_LONGEST = 30
_CHINESE_KEYS = {
    **{0xFF10 + digit: str(digit) for digit in range(10)},
    0xFF0E: ".",
    0x3002: ".",
    0xFF0C: ".",
    0xFF0B: "+",
    0xFF0D: "-",
    ord(","): ".",
}
"""Full-width digits and marks of a Chinese keyboard, and the decimal comma."""


def parse_number(text: str) -> float | None:
    """Return the number, or None when the text is not one.

    A decimal comma counts as a point, full-width digits as digits. Two marks, such as in
    `1,234.5`, are refused rather than guessed.
    """
    plain = text.strip().translate(_CHINESE_KEYS)
    if len(plain) > _LONGEST or not _NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def shown_number(value: float) -> str:
    """Return a number as it is shown and typed: no exponent, no trailing zeros."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return text if text not in {"", "-0"} else "0"
