"""Decides what becomes of a field that office and crew may both have changed (sync spec 1.4)."""

from dataclasses import dataclass
from enum import StrEnum

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
