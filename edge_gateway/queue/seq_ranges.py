"""Decides what several ranges of running numbers have in common, together, or not in common."""

from bisect import bisect_right
from collections.abc import Iterable

Range = tuple[int, int]
"""First and last number, both inside."""

Ranges = tuple[Range, ...]
"""Ascending, and between two of them at least one number is missing."""

NONE: Ranges = ()


def merged(ranges: Iterable[Range]) -> Ranges:
    """Return the numbers of all ranges, in whatever order and overlap they come."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if high < low:
            continue
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def intersect(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers that both hold."""
    found: list[Range] = []
    at_left = at_right = 0
    while at_left < len(left) and at_right < len(right):
        low = max(left[at_left][0], right[at_right][0])
        high = min(left[at_left][1], right[at_right][1])
        if low <= high:
            found.append((low, high))
        if left[at_left][1] < right[at_right][1]:
            at_left += 1
        else:
            at_right += 1
    return tuple(found)


def subtract(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers of `left` that `right` does not hold."""
    if not left:
        return NONE
    return intersect(left, complement(right, left[0][0], left[-1][1]))


def complement(ranges: Ranges, first: int, last: int) -> Ranges:
    """Return the numbers in `first..last` that the ranges do not hold."""
    found: list[Range] = []
    low = first
    for start, end in ranges:
        if end < low:
            continue
        if start > last:
            break
        if start > low:
            found.append((low, start - 1))
        low = end + 1
    if low <= last:
        found.append((low, last))
    return tuple(found)


def covers(ranges: Ranges, seq: int) -> bool:
    """Return whether a number is in one of the ranges."""
    index = bisect_right(ranges, (seq, seq))
    inside_next = index < len(ranges) and ranges[index][0] == seq
    return inside_next or (index > 0 and ranges[index - 1][1] >= seq)


def count(ranges: Ranges) -> int:
    """Return how many numbers the ranges hold."""
    return sum(high - low + 1 for low, high in ranges)
