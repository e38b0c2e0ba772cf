"""The values of a ledger: rows of cells, without the words of any language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Book(StrEnum):
    """Which ledger (domain model 6)."""

    CLOCKS = "clocks"
    LATE = "late"
    CALLS = "calls"
    NUMBERS = "numbers"
    REQUESTS = "requests"
    SLIPS = "slips"
    TEAMS = "teams"
    PEOPLE = "people"
    COMPLAINTS = "complaints"
    CAUSES = "causes"
    INTERNAL = "internal"
    CUSTOMERS = "customers"
    CALLBACKS = "callbacks"


class Vocabulary(StrEnum):
    """Which table of words a code belongs to."""

    CLOCK = "clock"
    KIND = "kind"
    REQUEST_CLASS = "request_class"
    STATE = "state"
    CHANNEL = "channel"
    CAUSE = "cause"
    ACCOUNT = "account"
    CREW = "crew"
    COMMUNITY = "community"
    CUSTOMER_CLASS = "customer_class"
    TOTAL = "total"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A code that a reader sees in words."""

    vocabulary: Vocabulary
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a whole, 0 to 1."""

    value: float


Cell = str | int | float | datetime | Term | Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One line; `href` leads to what it is made of, empty where nothing is below it."""

    cells: Sequence[Cell]
    href: str = ""


def share(part: int, whole: int) -> Share | None:
    """Return a part of a whole; None where there is no whole, which is not zero."""
    return Share(value=part / whole) if whole else None


def yes(value: bool) -> Term:  # noqa: FBT001  # a cell, not a switch
    """Return a truth as a cell."""
    return Term(vocabulary=Vocabulary.TRUTH, code="yes" if value else "no")
