"""Reads rows, numbers and times of CSV files, and says of each what is wrong and where."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sync_server.trials.trial_errors import TrialError, refused
from wire_contracts.frames import ms_from_utc


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the place and the cells of each row; raise TrialError for what is no such file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in columns if name not in (rows.fieldnames or ())]
            if missing:
                raise refused(
                    f"{path.name}: line 1",
                    ", ".join(missing),
                    "is missing in the heading",
                    f"the columns are {', '.join(columns)}",
                )
            for row in rows:
                yield (
                    f"{path.name}: line {rows.line_num}",
                    {
                        name: (value or "").strip()
                        for name, value in row.items()
                        if isinstance(name, str) and not isinstance(value, list)
                    },
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrialError(
            f"{path.name}: file: cannot be read ({error}); give a readable UTF-8 CSV file"
        ) from error


def number_in(place: str, row: Mapping[str, str], name: str) -> float | None:
    """Return the number in a cell, None where it is empty."""
    text = row.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise refused(place, name, f"{text!r} is no number", "write a number or nothing") from None
    if value != value or abs(value) == float("inf"):  # noqa: PLR0124  # NaN is not equal to itself
        raise refused(place, name, f"{text!r} is no number", "write a number or nothing")
    return value


def moment_in(place: str, text: str, name: str = "ts") -> int:
    """Return a time as milliseconds since 1970; one without a zone is UTC."""
    if text.isdecimal():
        return int(text) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        remedy = "write 2026-11-01T00:00:00Z or seconds since 1970"
        raise refused(place, name, f"{text!r} is no time", remedy) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return ms_from_utc(moment)
