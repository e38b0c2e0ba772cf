"""Decides what becomes of a field that office and crew may both have changed (sync spec 1.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from sync_server.sync.event_time import SUSPECT_OFFSET
from wire_contracts.fields import JsonValue
from wire_contracts.operations import Outcome
from wire_contracts.orders import APPENDED, FIELD_OWNED, OFFICE_OWNED


class Kept(StrEnum):
    """Whose word stands after a merge."""

    OFFICE = "office"
    CREW = "crew"
    BOTH = "both"


class Owner(StrEnum):
    """Who decides about a field when both have written."""

    OFFICE = "office"
    FIELD = "field"
    APPENDED = "appended"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The verdict: the value that stands, and whether a word must be kept beside it."""

    outcome: Outcome
    value: JsonValue
    kept: Kept | None = None


def owner_of(field: str) -> Owner:
    """Return who owns a field of a work order; NOBODY for a field that cannot be set."""
    if field in FIELD_OWNED:
        return Owner.FIELD
    if field in APPENDED:
        return Owner.APPENDED
    return Owner.OFFICE if field in OFFICE_OWNED else Owner.NOBODY


class FieldWord(NamedTuple):
    """A crew's word for a field: by which copy of a store, as which of its taps, and when.

    `at_ms`: the corrected moment, ms since 1970; not believed when `is_doubtful`. `until_ms`: when
    a former server had it, which no clock of a tablet moves; 0: nobody told.
    """

    replica_id: str
    n: int
    at_ms: int
    is_doubtful: bool
    until_ms: int = 0


_SLACK_MS = SUSPECT_OFFSET // timedelta(milliseconds=1)


def is_overtaken(
    mine: FieldWord, taken: Iterable[FieldWord], *, has_seen: bool, is_counted: bool = True
) -> bool:
    """Return whether the field took a later word before this one came.

    After a restore, or when a key was away, words come in any order. One store's words are ordered
    by their numbers; those of two by the server's clock, where neither moment must be doubted.
    A word whose author saw what stands now (`has_seen`) is later than it unless the clocks say
    otherwise by more than they may be off, or one store's numbers, which its clock must not
    contradict. A store put back from a copy counts anew: without `is_counted` no number decides.
    """
    return any(_is_later(each, mine, has_seen=has_seen, is_counted=is_counted) for each in taken)


def _is_later(word: FieldWord, mine: FieldWord, *, has_seen: bool, is_counted: bool) -> bool:
    is_believed = not (word.is_doubtful or mine.is_doubtful)
    if is_counted and word.replica_id == mine.replica_id:
        is_seen_since = has_seen and is_believed and mine.at_ms > word.at_ms + _SLACK_MS
        return word.n > mine.n and not is_seen_since
    if mine.until_ms and not word.is_doubtful and word.at_ms > mine.until_ms:
        return True
    return is_believed and word.at_ms > mine.at_ms + (_SLACK_MS if has_seen else 0)


def merge_field(owner: Owner, current: JsonValue, seen: JsonValue, wanted: JsonValue) -> Merged:
    """Return what stands.

    Args:
        owner: Who owns the field.
        current: What the server has now.
        seen: What the crew saw when it wrote.
        wanted: What the crew wrote.
    """
    if current == wanted:
        return Merged(outcome=Outcome.NOOP, value=current)
    if owner is Owner.APPENDED:
        return _append(str(current or ""), str(seen or ""), str(wanted or ""))
    if owner is not Owner.FIELD:
        return Merged(outcome=Outcome.CONFLICT, value=current, kept=Kept.OFFICE)
    if current == seen:
        return Merged(outcome=Outcome.APPLIED, value=wanted)
    return Merged(outcome=Outcome.MERGED, value=wanted, kept=Kept.CREW)


def _append(current: str, seen: str, wanted: str) -> Merged:
    """Keep every word of both sides: the crew's addition follows what is there by now."""
    if current == seen and wanted.startswith(seen):
        return Merged(outcome=Outcome.APPLIED, value=wanted)
    addition = wanted.removeprefix(seen)
    addition = addition.strip("\n")
    if not addition:
        return Merged(outcome=Outcome.NOOP, value=current)
    value = f"{current}\n{addition}" if current else addition
    return Merged(outcome=Outcome.MERGED, value=value, kept=Kept.BOTH)
