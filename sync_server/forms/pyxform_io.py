"""The door to pyxform: sheets of the XLSForm convention -> the XForm that they stand for."""

import re
from typing import Final

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from sync_server.forms.form_problems import FormProblem, FormRefusedError
from sync_server.forms.sheets_io import Sheets

_ROW: Final = re.compile(r"\[row : (\d+)\]\s*")
_SHEET: Final = re.compile(
    r"'(survey|choices|settings)' sheet|On the (survey|choices|settings)", re.IGNORECASE
)
_LONGEST: Final = 600
_OF_NO_USE: Final = "max-pixels"
"""Of advice: tablets make photos smaller by themselves."""


def make_xform(sheets: Sheets, own_settings: frozenset[str]) -> tuple[str, list[str]]:
    """Return the XForm and pyxform's advice; `own_settings` are columns that it does not know.

    Raises:
        FormRefusedError: The sheets break the convention, with pyxform's own words.
    """
    content: dict[str, object] = {"sheet_names": sorted(sheets.rows)}
    for name, rows in sheets.rows.items():
        headings = [
            each
            for each in sheets.headings[name]
            if name != "settings" or not (each in own_settings or "::" in each)
        ]
        content[name] = [{key: row[key] for key in headings if key in row} for row in rows]
        content[f"{name}_header"] = [dict.fromkeys(headings)]
    warnings: list[str] = []
    try:
        xform = convert(content, warnings=warnings, form_name="data").xform
    except PyXFormError as error:
        raise FormRefusedError([_problem(str(error))]) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        text = f"breaks the XLSForm convention: {str(error)[:200]}"
        raise FormRefusedError([_problem(text)]) from error
    return xform, [each for each in warnings if _OF_NO_USE not in each]


def _problem(text: str) -> FormProblem:
    row = _ROW.search(text)
    sheet = _SHEET.search(text)
    found = (sheet.group(1) or sheet.group(2)).lower() if sheet else "survey" if row else ""
    plain = " ".join(_ROW.sub("", text).split())[:_LONGEST].rstrip(". ")
    return FormProblem(
        sheet=found,
        row=int(row.group(1)) if row else 0,
        column="",
        problem=plain,
        remedy="correct the sheet",
    )
