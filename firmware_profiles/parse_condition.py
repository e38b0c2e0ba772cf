"""The comparison keys of a row become a Condition, or an error that names the key."""

from collections.abc import Sequence
from fractions import Fraction

from firmware_profiles.conditions import Condition, Literal
from firmware_profiles.table_reader import TableReader, exact_number

CONDITION_KEYS = frozenset({"equals", "in", "min", "max", "mask", "bit", "starts", "contains"})
_HIGHEST_MASK = 0xFFFF_FFFF_FFFF_FFFF
_HIGHEST_BIT = 63


def parse_condition(row: TableReader, *, is_text: bool = False) -> Condition:
    """Return the condition of a row; raise ProfileError that names the key.

    Args:
        row: A table with some of CONDITION_KEYS; others are not looked at.
        is_text: The value is a text, so that `equals = "28"` means these two characters.
    """
    mask = row.integer_or_none("mask", low=1, high=_HIGHEST_MASK)
    if row.has("bit"):
        if mask is not None:
            raise row.refuse("bit", "stands beside mask", "write one of the two")
        mask = 1 << row.integer("bit", low=0, high=_HIGHEST_BIT)
    one_of = _parse_literals(row, is_text=is_text)
    if mask is not None and not one_of:
        raise row.refuse("equals", "is missing beside mask or bit", "say what the bits must be")
    if row.has("bit"):
        one_of = [_as_bit(row, literal, mask or 0) for literal in one_of]
    return Condition(
        one_of=tuple(one_of),
        minimum=row.exact_or_none("min"),
        maximum=row.exact_or_none("max"),
        mask=mask,
        starts=row.text_or_none("starts"),
        contains=row.text_or_none("contains"),
    )


def _parse_literals(row: TableReader, *, is_text: bool) -> Sequence[Literal]:
    items = [*row.items("in"), *([row.value("equals")] if row.has("equals") else [])]
    return [_literal(row, item, is_text=is_text) for item in items]


def _literal(row: TableReader, item: object, *, is_text: bool) -> Literal:
    number = exact_number(item)
    if number is not None and not (is_text and isinstance(item, str)):
        return number
    if isinstance(item, str):
        return item.strip()
    key = "in" if row.has("in") else "equals"
    raise row.refuse(key, f"{item!r} is no number or text", "write numbers or texts")


def _as_bit(row: TableReader, literal: Literal, mask: int) -> Literal:
    if literal not in (0, 1):
        raise row.refuse("equals", f"{literal!s} is no bit", "write 0 or 1")
    return Fraction(mask if literal == 1 else 0)
