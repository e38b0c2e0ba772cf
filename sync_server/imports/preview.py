"""What a file would change, and what is wrong with which of its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_server.assets.import_io import COLUMNS as METER_COLUMNS
from sync_server.customers.import_io import COLUMNS as HOME_COLUMNS
from sync_server.sales.sale_rows import BILL_COLUMNS, SALE_COLUMNS

MOST_PROBLEMS: Final = 200
"""Shown; the rest is counted."""


class ImportKind(StrEnum):
    """What a file brings."""

    HOMES = "homes"
    METERS = "meters"
    SALES = "sales"
    BILLS = "bills"


COLUMNS: Mapping[ImportKind, Sequence[str]] = {
    ImportKind.HOMES: HOME_COLUMNS,
    ImportKind.METERS: METER_COLUMNS,
    ImportKind.SALES: SALE_COLUMNS,
    ImportKind.BILLS: BILL_COLUMNS,
}
"""Kind -> the columns that its first row names, in any order."""

KEYS: Mapping[ImportKind, str] = {
    ImportKind.HOMES: "premises_id",
    ImportKind.METERS: "meter_id",
    ImportKind.SALES: "sale_id",
    ImportKind.BILLS: "bill_id",
}
"""Kind -> the column that names a row; twice in one file is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """What is wrong with one row: its number as the spreadsheet shows it, and why."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a file would change; it is taken only when `problem_count` is 0.

    `problems` holds the first ones, `problem_count` counts all.
    """

    kind: ImportKind
    row_count: int
    new_count: int
    changed_count: int
    problems: Sequence[RowProblem]
    problem_count: int
    heading: Sequence[str]
    sample: Sequence[Sequence[str]]
