"""Reads CSV files of parts in vans and of gas detectors: `import-van-parts`, `import-detectors`."""

import csv
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from sync_server.assets.assets import AssetError
from sync_server.vans.van_store import drop_parts, put_detector, put_parts, show_vans
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.van import (
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_UNIT,
    AirValue,
    GasDetector,
    VanPart,
)

W = TypeVar("W", Medium, AirValue)

PART_COLUMNS = ("crew_id", "part_id", "name_zh", "name_en", "media", "unit", "quantity", "least")
"""`media`: words with spaces between; empty: every medium. `least` and `name_en` may be empty."""

DETECTOR_COLUMNS = ("detector_id", "crew_id", "model", "values", "calibrated_until")
"""`values` are words with spaces between; empty: oxygen and % LEL. `model` may be empty."""

MOST = 1_000_000
"""A van with more of one part is a slip of the hand."""


def import_parts(connection: Connection, path: Path, now_utc: datetime) -> int:
    """Put the lists of a file in place of those of the crews it names; return how many lines.

    Raises:
        AssetError: A column is missing, or a row cannot be used; the row's number is in the text.
        ContractError: A crew is not known.
    """
    lists: dict[str, list[VanPart]] = {}
    for place, row in _rows(path, PART_COLUMNS):
        crew_id, part = _filled(place, row, "crew_id", LONGEST_ID), _part(place, row)
        if any(part.part_id == each.part_id for each in lists.get(crew_id, ())):
            raise _refused(place, "part_id", part.part_id, "name each part of a van once")
        lists.setdefault(crew_id, []).append(part)
    for crew_id, parts in lists.items():
        drop_parts(connection, crew_id, None)
        put_parts(connection, crew_id, parts, now_utc)
    show_vans(connection, lists, now_utc)
    return sum(map(len, lists.values()))


def import_detectors(connection: Connection, path: Path, now_utc: datetime) -> int:
    """Add the detectors of a file, or bring them up to date; return how many.

    Raises:
        AssetError: A column is missing, or a row cannot be used; the row's number is in the text.
        ContractError: A crew is not known.
    """
    crews: set[str] = set()
    rows = _rows(path, DETECTOR_COLUMNS)
    for place, row in rows:
        crew_id = _filled(place, row, "crew_id", LONGEST_ID)
        crews |= put_detector(connection, crew_id, _detector(place, row), now_utc)
    show_vans(connection, crews, now_utc)
    return len(rows)


def _rows(path: Path, columns: Sequence[str]) -> list[tuple[str, Mapping[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in columns if name not in (rows.fieldnames or ())]
            if missing:
                raise AssetError(
                    f"{path.name}: heading: {', '.join(missing)} is missing; "
                    f"the columns are {', '.join(columns)}"
                )
            return [
                (f"{path.name}: row {rows.line_num}", {name: row[name] or "" for name in columns})
                for row in rows
            ]
    except OSError as error:
        raise AssetError(f"{path.name}: cannot be read ({error.strerror}); name a file") from error


def _part(place: str, row: Mapping[str, str]) -> VanPart:
    name_zh = _filled(place, row, "name_zh", LONGEST_NAME)
    return VanPart(
        part_id=_filled(place, row, "part_id", LONGEST_ID),
        name=BilingualText(zh=name_zh, en=row["name_en"].strip()[:LONGEST_NAME] or name_zh),
        media=_words(place, row, "media", Medium) or frozenset(Medium),
        unit=_filled(place, row, "unit", LONGEST_UNIT),
        quantity=_number(place, row, "quantity"),
        least=_number(place, row, "least") if row["least"].strip() else 0.0,
    )


def _detector(place: str, row: Mapping[str, str]) -> GasDetector:
    text = row["calibrated_until"].strip()
    try:
        until = date.fromisoformat(text)
    except ValueError:
        remedy = "write the last day like 2026-12-31"
        raise _refused(place, "calibrated_until", text, remedy) from None
    usual = frozenset({AirValue.OXYGEN_PCT, AirValue.LEL_PCT})
    return GasDetector(
        detector_id=_filled(place, row, "detector_id", LONGEST_ID),
        model=row["model"].strip()[:LONGEST_NAME],
        values=_words(place, row, "values", AirValue) or usual,
        calibrated_until=until,
    )


def _words(place: str, row: Mapping[str, str], name: str, known: type[W]) -> frozenset[W]:
    try:
        return frozenset(known(word) for word in row[name].split())
    except ValueError:
        remedy = f"use some of {', '.join(known)}"
        raise _refused(place, name, row[name], remedy) from None


def _filled(place: str, row: Mapping[str, str], name: str, longest: int) -> str:
    value = row[name].strip()
    if not value:
        raise _refused(place, name, value, "fill it in")
    if len(value) > longest:
        raise _refused(place, name, value, f"use at most {longest} characters")
    return value


def _number(place: str, row: Mapping[str, str], name: str) -> float:
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not 0 <= value <= MOST:
        raise _refused(place, name, row[name], f"give a number from 0 to {MOST}")
    return value


def _refused(place: str, name: str, value: str, remedy: str) -> AssetError:
    return AssetError(f"{place}: {name}: {value!r} cannot be used; {remedy}")
