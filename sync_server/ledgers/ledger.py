"""The values of a ledger: rows of cells, without the words of any language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self


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
    HALL = "hall"
    SALES = "sales"
    SALE_DAYS = "sale_days"
    SALE_LINES = "sale_lines"
    RATES = "rates"
    CASH = "cash"
    PLANT = "plant"


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
    SPAN = "span"
    PAID_BY = "paid_by"
    PLANT_CLASS = "plant_class"
    MEDIUM = "medium"
    HALL_NEED = "hall_need"
    HALL_STATE = "hall_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A code that a reader sees in words."""

    vocabulary: Vocabulary
    code: str


class Count(int):
    """How many, with what was counted: ids of requests, or of calls behind `call:`."""

    of: tuple[str, ...]

    def __new__(cls, of: Iterable[str]) -> Self:
        """Return the number of the ids, which it keeps."""
        ids = tuple(of)
        self = super().__new__(cls, len(ids))
        self.of = ids
        return self


class Mean(float):
    """A mean, with what it was taken of: ids of requests."""

    of: tuple[str, ...]

    def __new__(cls, value: float, of: Iterable[str]) -> Self:
        """Return the value, which keeps its ids."""
        self = super().__new__(cls, value)
        self.of = tuple(of)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a whole, 0 to 1; `of` is what the part is made of."""

    value: float
    of: tuple[str, ...] = field(default=(), compare=False)


Cell = str | int | float | datetime | Term | Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One line; `href` leads to what it is made of, empty where nothing is below it."""

    cells: Sequence[Cell]
    href: str = ""


def share(part: int, whole: int) -> Share | None:
    """Return a part of a whole; None where there is no whole, which is not zero."""
    of = part.of if isinstance(part, Count) else ()
    return Share(value=part / whole, of=of) if whole else None


def yes(value: bool) -> Term:  # noqa: FBT001  # a cell, not a switch
    """Return a truth as a cell."""
    return Term(vocabulary=Vocabulary.TRUTH, code="yes" if value else "no")


def made_of(cell: Cell) -> tuple[str, ...]:
    """Return the ids that a figure is made of; empty where nothing is below it."""
    return cell.of if isinstance(cell, Count | Mean | Share) else ()


def row_key(row: LedgerRow) -> str:
    """Return what a row is known by in its ledger: the code or text of its first cell."""
    first = row.cells[0]
    return first.code if isinstance(first, Term) else str(first)
