"""Decides which byte of a number comes first, as far as the clock of the same answer proves it.

The standard sends the lowest byte first. Some makers send the highest first, and nearly every
number is one in both orders; a clock that runs is right in one of them, but for 1 moment of 60.
"""

from datetime import datetime
from enum import StrEnum

_CLOCK_BYTES = 7

_CENTURY, _YEARS_OF_A_CENTURY = 2000, 100

_EARLIEST_YEAR, _LATEST_YEAR = 1970, 2099
"""What a clock can show that runs or has begun anew; years of the other order are anything."""


class ByteOrder(StrEnum):
    """Which byte of a number comes first."""

    LOW_FIRST = "low_first"
    HIGH_FIRST = "high_first"


class OrderProof(StrEnum):
    """What a clock says of the order its answer was read in."""

    HOLDS = "holds"
    OPEN = "open"
    UNTOLD = "untold"
    REFUTED = "refuted"


OTHER_ORDER = {
    ByteOrder.LOW_FIRST: ByteOrder.HIGH_FIRST,
    ByteOrder.HIGH_FIRST: ByteOrder.LOW_FIRST,
}


def parse_bcd(digits: bytes, order: ByteOrder = ByteOrder.LOW_FIRST) -> int | None:
    """Return the number of BCD bytes; None when a digit is above 9."""
    text = _high_first(digits, order).hex()
    return int(text) if text.isdecimal() else None


def parse_clock(digits: bytes, order: ByteOrder = ByteOrder.LOW_FIRST) -> datetime | None:
    """Return the naive time of seven BCD bytes (lowest: the second), None if impossible.

    Where the century is 00 the meter counts years in two digits.
    """
    text = _high_first(digits, order).hex()
    if len(digits) != _CLOCK_BYTES or not text.isdecimal():
        return None
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    try:
        # the meter's local time has no zone
        return datetime(_year(int(text[:4])), month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def prove_order(clock: bytes, order: ByteOrder) -> OrderProof:
    """Return whether a clock speaks for an order, against it, for both, or tells nothing.

    A clock that is impossible in both is out of order itself.
    """
    is_other = _is_sane(parse_clock(clock, OTHER_ORDER[order]))
    if _is_sane(parse_clock(clock, order)):
        return OrderProof.OPEN if is_other else OrderProof.HOLDS
    return OrderProof.REFUTED if is_other else OrderProof.UNTOLD


def _year(shown: int) -> int:
    return shown + _CENTURY if shown < _YEARS_OF_A_CENTURY else shown


def _is_sane(clock: datetime | None) -> bool:
    return clock is not None and _EARLIEST_YEAR <= clock.year <= _LATEST_YEAR


def _high_first(digits: bytes, order: ByteOrder) -> bytes:
    return digits[::-1] if order is ByteOrder.LOW_FIRST else digits
