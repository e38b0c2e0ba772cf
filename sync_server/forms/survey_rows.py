"""Where each question of a form stands in the survey sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sync_server.forms.form_problems import FormProblem
from sync_server.forms.sheets_io import Row, Sheets

FIRST_ROW: Final = 2
"""Row of the spreadsheet that stands below the headings."""

_BEGIN: Final = ("begin group", "begin_group", "begin repeat", "begin_repeat", "begin loop")
_END: Final = ("end group", "end_group", "end repeat", "end_repeat", "end loop")


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """One row of the survey sheet: its number in the spreadsheet, its type and its cells."""

    number: int
    kind: str
    cells: Row


class SurveyRows:
    """The rows of the survey sheet by the path of their question."""

    def __init__(self, sheets: Sheets) -> None:
        """Follow the groups of the sheet."""
        self._by_path = _by_path(sheets.rows.get("survey", ()))

    def find(self, path: str) -> SurveyRow | None:
        """Return the row of a path below `/data`, None for what pyxform made by itself."""
        found = self._by_path.get(path)
        return found or self._by_path.get(path.removesuffix("_count"))

    def problem(self, path: str, column: str, problem: str, remedy: str) -> FormProblem:
        """Return a problem at the row of a question."""
        row = self.find(path)
        name = path.rpartition("/")[2]
        return FormProblem(
            sheet="survey",
            row=0 if row is None else row.number,
            column=column if row is None else _heading(row.cells, column),
            problem=problem if row is not None else f"{name} {problem}",
            remedy=remedy,
        )


def _heading(cells: Row, column: str) -> str:
    """Return the sheet's own heading of a column that has several spellings."""
    spellings: Mapping[str, Sequence[str]] = {
        "relevant": ("relevant", "relevance", "bind::relevant"),
        "calculation": ("calculation", "calculate", "bind::calculate"),
        "constraint": ("constraint", "bind::constraint"),
        "repeat_count": ("repeat_count", "count", "jr:count"),
    }
    return next((each for each in spellings.get(column, ()) if each in cells), column)


def _by_path(rows: Sequence[Row]) -> dict[str, SurveyRow]:
    found: dict[str, SurveyRow] = {}
    groups: list[str] = []
    for number, row in enumerate(rows, FIRST_ROW):
        kind = " ".join(row.get("type", "").lower().split())
        if kind.startswith(_END):
            del groups[-1:]
            continue
        name = row.get("name", "")
        if not kind or not name:
            continue
        path = "/".join(("/data", *groups, name))
        found.setdefault(path, SurveyRow(number=number, kind=kind, cells=row))
        if kind.startswith(_BEGIN):
            groups.append(name)
    return found
