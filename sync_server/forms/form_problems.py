"""What is wrong with a form that the office wrote, each at its place in the sheet."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FormProblem:
    """One thing to correct.

    Attributes:
        sheet: Its sheet, such as `survey`; empty: the file as a whole.
        row: Its row as the spreadsheet counts, from 1; 0: no single row.
        column: The heading of its column; empty: the whole row.
        problem: What is wrong.
        remedy: What to do about it.
    """

    sheet: str
    row: int
    column: str
    problem: str
    remedy: str

    def text(self) -> str:
        """Return `sheet row N, column: problem; remedy`."""
        row = f" row {self.row}" if self.row else ""
        column = f", {self.column}" if self.column else ""
        return f"{self.sheet or 'file'}{row}{column}: {self.problem}; {self.remedy}"


class FormRefusedError(ValueError):
    """The form cannot be used as it is; `problems` are in the order of the sheet."""

    def __init__(self, problems: Sequence[FormProblem]) -> None:
        """Keep the problems."""
        super().__init__("\n".join(each.text() for each in problems))
        self.problems = tuple(problems)


def whole_file(problem: str, remedy: str) -> FormRefusedError:
    """Return (not raise) the refusal of a file as a whole."""
    return FormRefusedError(
        [FormProblem(sheet="", row=0, column="", problem=problem, remedy=remedy)]
    )
