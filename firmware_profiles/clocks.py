"""The meter's own clock: which words are year, month and second, and the moment they say."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from firmware_profiles.codings import Raw

_FIELDS = ("yyyy", "yy", "mm", "dd", "hh", "nn", "ss", "--")
_NEEDED = frozenset({"mm", "dd", "hh", "nn"})
_CENTURY = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAYOUT = re.compile(r"(bcd )?[a-z-]{2,4}( [a-z-]{2,4})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLayout:
    """How a register holds a moment.

    Attributes:
        fields: `yyyy yy mm dd hh nn ss`, or `--` for one to skip, in the order of the wire; one
            byte each, or one word each where there are as many words. Empty: see `special`.
        is_bcd: Each field is two decimal digits per byte.
        special: `epoch` (seconds since 1970, UTC) or `cp32` (EN 13757-3 annex A, type F).
    """

    fields: Sequence[str] = ()
    is_bcd: bool = False
    special: str = ""


TIME6 = ClockLayout(fields=("yy", "mm", "dd", "hh", "nn", "ss"))
"""The type `time6` of SCHEMA."""


def parse_layout(text: str) -> ClockLayout | None:
    """Return the layout that a text such as `bcd nn ss dd hh yy mm` names; None when it is none."""
    if text in ("epoch", "cp32"):
        return ClockLayout(special=text)
    if not _LAYOUT.fullmatch(text):
        return None
    words = text.split()
    is_bcd = words[0] == "bcd"
    fields = words[1:] if is_bcd else words
    named = [each for each in fields if each != "--"]
    has_year = ("yy" in named) != ("yyyy" in named)
    is_known = set(fields) <= set(_FIELDS) and len(set(named)) == len(named)
    is_whole = is_known and has_year and set(named) >= _NEEDED
    return ClockLayout(fields=tuple(fields), is_bcd=is_bcd) if is_whole else None


def fits(layout: ClockLayout, word_count: int) -> bool:
    """Return whether so many words hold the layout: a field per byte or a field per word."""
    if layout.special:
        return word_count == len(("high", "low"))
    return len(layout.fields) in (word_count, 2 * word_count)


def moment_of(layout: ClockLayout, raw: Raw) -> datetime | None:
    """Return the moment a clock register says; None when it is no date at all.

    Epoch seconds are UTC; every other clock is the meter's local time, without a zone.
    """
    if layout.special:
        return _special_moment(layout.special, raw) if isinstance(raw, int) else None
    items = raw if isinstance(raw, tuple) else ()
    if len(items) * 2 == len(layout.fields):
        items = tuple(half for item in items for half in divmod(item, 256))
    if len(items) != len(layout.fields):
        return None
    numbers = [_decimal(item) if layout.is_bcd else item for item in items]
    named = {
        name: number
        for name, number in zip(layout.fields, numbers, strict=True)
        if number is not None
    }
    return _moment(named)


def _moment(named: Mapping[str, int]) -> datetime | None:
    year = named["yyyy"] if "yyyy" in named else _CENTURY + named.get("yy", -_CENTURY)
    try:
        return datetime(  # noqa: DTZ001  # the meter does not say in which zone
            year, named["mm"], named["dd"], named["hh"], named["nn"], named.get("ss", 0)
        )
    except (ValueError, KeyError):
        return None


def _special_moment(special: str, raw: int) -> datetime | None:
    if special == "epoch":
        return _EPOCH + timedelta(seconds=raw) if raw > 0 else None
    year = (raw >> 21 & 0x07) | (raw >> 25 & 0x78)
    is_invalid = bool(raw & 0x80)
    parts = {
        "yy": year,
        "mm": raw >> 24 & 0x0F,
        "dd": raw >> 16 & 0x1F,
        "hh": raw >> 8 & 0x1F,
        "nn": raw & 0x3F,
    }
    return None if is_invalid else _moment(parts)


def _decimal(number: int) -> int | None:
    text = f"{number:x}"
    return int(text) if text.isdecimal() else None
