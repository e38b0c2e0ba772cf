"""Numbers, texts, truth and dates as XPath 1.0 sees them, with the dates of ODK.

XPath 1.0 (w3.org/TR/1999/REC-xpath-19991116) sections 3.4, 4.2, 4.3 and 4.4 say how values turn
into each other. ODK adds that a text that is a date counts as its day since 1970, so that dates
can be compared and subtracted.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from wire_contracts.forms.elements import Element

Nodes = Sequence[Element]
Value = bool | float | str | Nodes

NAN: Final = math.nan

_NUMBER: Final = re.compile(r"[ \t\r\n]*-?([0-9]+([.][0-9]*)?|[.][0-9]+)[ \t\r\n]*")
_DATE: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d(?:[.]\d+)?))?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LONGEST_NUMBER: Final = 400
_MINUTES: Final = 1440.0


def is_nodes(value: Value) -> bool:
    """Return whether a value is a set of elements."""
    return not isinstance(value, bool | int | float | str)


def as_text(value: Value) -> str:
    """Return a value as a text; a set of elements counts as its first."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(float(value))
    return value[0].string_value() if value else ""


def number_text(number: float) -> str:
    """Return a number without exponent, whole ones without a point."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == int(number):
        return str(int(number))
    return format(Decimal(repr(number)), "f")


def as_number(value: Value) -> float:
    """Return a value as a number; what is none is NaN."""
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, int | float):
        return float(value)
    return text_number(as_text(value))


def text_number(text: str) -> float:
    """Return the number that a text is, the day of a date since 1970, or NaN."""
    if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text):
        return float(text)
    days = days_of(text)
    return NAN if days is None else days


def days_of(text: str) -> float | None:
    """Return the days since 1970 of a date, with its time as the clock showed it; else None."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = found.groups()
    try:
        days = float(date(int(year), int(month), int(day)).toordinal() - _EPOCH)
    except ValueError:
        return None
    if hour is None:
        return days
    minutes = int(hour) * 60 + int(minute) + float(second or 0) / 60
    return days + minutes / _MINUTES


def as_truth(value: Value) -> bool:
    """Return a value as true or false: not zero, not empty, at least one element."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return not math.isnan(value) and value != 0.0
    return len(value) > 0


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, bool | int | float | str):
        return (as_text(value),)
    return tuple(each.string_value() for each in value)


def is_equal(left: Value, right: Value) -> bool:
    """Return whether two values are equal; of sets any pair is enough."""
    return _matches(left, right, negate=False)


def is_unequal(left: Value, right: Value) -> bool:
    """Return whether two values differ; of sets any pair is enough."""
    return _matches(left, right, negate=True)


def _matches(left: Value, right: Value, *, negate: bool) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return (as_truth(left) == as_truth(right)) is not negate
    if isinstance(left, int | float) or isinstance(right, int | float):
        return any(
            (one == other) is not negate for one in _numbers(left) for other in _numbers(right)
        )
    return any((one == other) is not negate for one in _texts(left) for other in _texts(right))


def _numbers(value: Value) -> tuple[float, ...]:
    if isinstance(value, bool | int | float):
        return (float(value),)
    return tuple(text_number(text) for text in _texts(value))


_ORDER: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def is_ordered(operator: str, left: Value, right: Value) -> bool:
    """Return whether `left` stands to `right` as the operator says, of any pair of sets."""
    if (isinstance(left, bool) and is_nodes(right)) or (is_nodes(left) and isinstance(right, bool)):
        left, right = as_truth(left), as_truth(right)
    ordered = _ORDER[operator]
    return any(ordered(one, other) for one in _numbers(left) for other in _numbers(right))


def divided(left: float, right: float) -> float:
    """Return the quotient as IEEE 754 has it: by zero infinite, zero by zero NaN."""
    if right != 0 or math.isnan(left):
        return left / right if right != 0 else NAN
    if left == 0:
        return NAN
    sign = math.copysign(1.0, left) * math.copysign(1.0, right)
    return math.inf * sign


def remainder(left: float, right: float) -> float:
    """Return what is left of a division that truncates, with the sign of the dividend."""
    if right == 0 or math.isinf(left) or math.isnan(left) or math.isnan(right):
        return NAN
    return math.fmod(left, right)


def rounded(number: float, digits: float = 0.0) -> float:
    """Return the nearest number with so many digits, of two the greater (XPath 4.4)."""
    if math.isnan(number) or math.isinf(number) or math.isnan(digits):
        return number if not math.isnan(digits) else NAN
    places = int(max(-300.0, min(300.0, digits)))
    if places == 0:
        return float(math.floor(number + 0.5))
    exact = Decimal(repr(number)).scaleb(places)
    whole = (exact + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR")
    return float(whole.scaleb(-places))
