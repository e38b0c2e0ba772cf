"""Forms of a few rows, as a spreadsheet program would save them."""

from collections.abc import Mapping, Sequence

from sync_server.forms.write_sheets_io import write_sheets

Row = Mapping[str, str]
CHOICES: Sequence[Row] = (
    {"list_name": "yn", "name": "yes", "label::English (en)": "Yes", "label::中文 (zh)": "是"},
    {"list_name": "yn", "name": "no", "label::English (en)": "No", "label::中文 (zh)": "否"},
)


def question(kind: str, name: str, **cells: str) -> Row:
    """Return a row of the survey sheet with a label in both languages."""
    return {
        "type": kind,
        "name": name,
        "label::English (en)": name.title(),
        "label::中文 (zh)": f"{name}项",
        **cells,
    }


def workbook(*survey: Row, form_id: str = "trial", version: str = "1", **settings: str) -> bytes:
    """Return an XLSX with these rows; the first stands in row 2."""
    setting = {"form_title": "Trial", "form_id": form_id, "version": version, **settings}
    return write_sheets(
        {"survey": table(survey), "choices": table(CHOICES), "settings": table([setting])}
    )


def table(rows: Sequence[Row]) -> list[list[str]]:
    """Return the rows under their headings."""
    headings = list(dict.fromkeys(key for row in rows for key in row))
    return [headings, *([row.get(key, "") for key in headings] for row in rows)]
