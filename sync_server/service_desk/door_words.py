"""Decides which parts of a caller's line may name a door, and which are a date or a telephone."""

import re
from collections.abc import Sequence

from sync_server.customers.address_words import door_code, folded

MOST_DOORS = 4
"""More numbers than that are not looked up."""

_DASHES = dict.fromkeys((*range(8208, 8214), 8722, 9472), "-")
"""Hyphens, dashes, the minus sign and a line: what keyboards put between numbers."""

_DOOR = re.compile(r"(?<![\w/-])(?<!\d[.:])\d{1,4}(?:-\d{1,4}){1,3}(?![\w/-]|[.:]\d)", re.ASCII)
_DATE = re.compile(r"(?:19|20)\d\d-(?:0?[1-9]|1[0-2])(?:-\d{1,2})?")
_TELEPHONE_DIGITS = 10
_SHORT_TELEPHONE_DIGITS = 7
_TELEPHONE_GROUP = 3


def plain(text: str) -> str:
    """Return the text in one width, small letters, single spaces and with one kind of dash."""
    return folded(text).translate(_DASHES)


def doors_in(text: str) -> tuple[Sequence[str], Sequence[str]]:
    """Return what names a door, and what looks more like a date or a telephone number.

    Doors are those of the most numbers, such as `3-2-1102` and not the `8-10` of a time beside
    it; `3栋2单元1102` names that door too.
    """
    found = dict.fromkeys(_DOOR.findall(plain(text)))
    written = door_code(plain(text))
    likely = [each for each in found if not _is_doubtful(each)]
    if written and written not in likely:
        likely.append(written)
    most = max(map(_parts, likely), default=0)
    likely = [each for each in likely if _parts(each) == most]
    return likely[:MOST_DOORS], [each for each in found if _is_doubtful(each)][:MOST_DOORS]


def is_at_door(address_words: str, door: str) -> bool:
    """Return whether words of an address have the door's numbers whole: `1-1` is not in `11-10`."""
    return re.search(rf"(?<!\d){re.escape(door)}(?!\d)", plain(address_words)) is not None


def _parts(door: str) -> int:
    return door.count("-")


def _is_doubtful(door: str) -> bool:
    """Return whether it is a date with the year first, or has groups or digits of a telephone."""
    groups = door.split("-")
    digits = sum(map(len, groups))
    has_long_groups = min(map(len, groups)) >= _TELEPHONE_GROUP
    is_telephone = digits >= _TELEPHONE_DIGITS or (
        digits >= _SHORT_TELEPHONE_DIGITS and has_long_groups
    )
    return is_telephone or _DATE.fullmatch(door) is not None
