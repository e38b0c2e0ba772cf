"""Reads a CSV file of meters, row by row, and says of each bad row what is wrong."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from sync_server.assets.asset_store import add_meters, map_device
from sync_server.assets.assets import AssetError, MeterClass, NewMeter
from wire_contracts.quantities import Medium

COLUMNS = (
    "meter_id",
    "medium",
    "meter_class",
    "size",
    "community_id",
    "address",
    "interval_s",
    "is_mains_powered",
    "device_serial",
)
"""The columns, in any order; `size`, `community_id` and `device_serial` may be empty."""

LONGEST_ID = 200
LONGEST_ADDRESS = 400
"""Characters that an order may carry to a tablet; a longer text could not be read there."""

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedMeter:
    """One row: the meter, and the device that hangs there, if any."""

    meter: NewMeter
    device_serial: str | None


def read_meters(path: Path) -> Sequence[ImportedMeter]:
    """Return the meters of a UTF-8 CSV file with a heading row.

    Raises:
        AssetError: A column is missing, or a row cannot be used; the row's number is in the text.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise AssetError(
                f"{path.name}: heading: {', '.join(missing)} is missing; "
                f"the columns are {', '.join(COLUMNS)}"
            )
        return [parse_meter(f"{path.name}: row {rows.line_num}", row) for row in rows]


def import_meters(connection: Connection, path: Path, now_utc: datetime) -> int:
    """Add the meters of a file and return how many; a bad row leaves everything as it was."""
    return take_meters(connection, read_meters(path), now_utc)


def take_meters(
    connection: Connection, imported: Sequence[ImportedMeter], now_utc: datetime
) -> int:
    """Add or update meters with their devices and return how many."""
    add_meters(connection, [each.meter for each in imported], now_utc)
    for each in imported:
        if each.device_serial is not None:
            map_device(connection, each.device_serial, each.meter.meter_id)
    return len(imported)


def parse_meter(place: str, row: Mapping[str, str]) -> ImportedMeter:
    """Return the meter of one row; raise AssetError naming place, column and remedy."""
    return ImportedMeter(
        meter=NewMeter(
            meter_id=_filled(place, row, "meter_id", longest=LONGEST_ID),
            medium=_medium(place, row),
            meter_class=_meter_class(place, row),
            size=row["size"],
            community_id=row["community_id"] or None,
            address=_filled(place, row, "address", longest=LONGEST_ADDRESS),
            interval=timedelta(seconds=_seconds(place, row)),
            is_mains_powered=_truth(place, row),
        ),
        device_serial=row["device_serial"] or None,
    )


def _refused(place: str, name: str, value: str, remedy: str) -> AssetError:
    return AssetError(f"{place}: {name}: {value!r} cannot be used; {remedy}")


def _filled(place: str, row: Mapping[str, str], name: str, *, longest: int) -> str:
    value = (row[name] or "").strip()
    if not value:
        raise _refused(place, name, value, "fill it in")
    if len(value) > longest:
        raise _refused(place, name, value, f"use at most {longest} characters")
    return value


def _medium(place: str, row: Mapping[str, str]) -> Medium:
    try:
        return Medium(row["medium"])
    except ValueError:
        remedy = f"use one of {', '.join(Medium)}"
        raise _refused(place, "medium", row["medium"], remedy) from None


def _meter_class(place: str, row: Mapping[str, str]) -> MeterClass:
    try:
        return MeterClass(row["meter_class"])
    except ValueError:
        remedy = f"use one of {', '.join(MeterClass)}"
        raise _refused(place, "meter_class", row["meter_class"], remedy) from None


def _seconds(place: str, row: Mapping[str, str]) -> int:
    value = row["interval_s"] or ""
    if not value.isdecimal() or int(value) == 0:
        raise _refused(place, "interval_s", value, "give whole seconds above 0")
    return int(value)


def _truth(place: str, row: Mapping[str, str]) -> bool:
    value = (row["is_mains_powered"] or "").casefold()
    if value not in _TRUTH:
        raise _refused(place, "is_mains_powered", value, "write true or false")
    return _TRUTH[value]
