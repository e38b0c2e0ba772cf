"""Reads a CSV file of homes with their customers, row by row, and says what is wrong with each."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, select

from sync_server.assets.assets import AssetError
from sync_server.customers.customer import Customer, CustomerClass, Flag, Premises
from sync_server.customers.customer_store import put_customers, put_premises
from sync_server.db.asset_tables import COMMUNITY, METER

COLUMNS = (
    "premises_id",
    "address",
    "community_id",
    "customer_id",
    "name",
    "phone",
    "customer_class",
    "flags",
    "language",
    "contact_window",
    "is_confidential",
    "is_heated",
    "meter_ids",
)
"""The columns, in any order. Only `premises_id` and `address` must be filled; `flags` and
`meter_ids` hold several, with spaces between."""

_LONGEST: Mapping[str, int] = {
    "premises_id": 64,
    "address": 400,
    "community_id": 40,
    "customer_id": 64,
    "name": 200,
    "phone": 80,
    "language": 20,
    "contact_window": 80,
}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
_MOST_PROBLEMS = 20

C = TypeVar("C", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedHome:
    """One row: the home, and who has it, if anybody."""

    premises: Premises
    customer: Customer | None


def read_homes(path: Path) -> Sequence[ImportedHome]:
    """Return the homes of a UTF-8 CSV file with a heading row.

    Raises:
        AssetError: A column is missing, or rows cannot be used; the first twenty are named.
    """
    homes: list[ImportedHome] = []
    problems: list[str] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise AssetError(
                f"{path.name}: heading: {', '.join(missing)} is missing; "
                f"the columns are {', '.join(COLUMNS)}"
            )
        for row in rows:
            try:
                homes.append(parse_home(f"{path.name}: row {rows.line_num}", row))
            except AssetError as problem:
                problems.append(str(problem))
    if problems:
        raise AssetError("\n".join(problems[:_MOST_PROBLEMS]))
    return homes


def import_homes(connection: Connection, path: Path, now_utc: datetime) -> int:
    """Add or update the homes of a file and return how many; a bad row leaves all as it was."""
    homes = read_homes(path)
    _check_known(connection, path.name, homes)
    return take_homes(connection, homes, now_utc)


def take_homes(connection: Connection, homes: Sequence[ImportedHome], now_utc: datetime) -> int:
    """Add or update homes with their customers and return how many."""
    customers = {each.customer.customer_id: each.customer for each in homes if each.customer}
    put_customers(connection, list(customers.values()), now_utc)
    put_premises(connection, [each.premises for each in homes], now_utc)
    return len(homes)


def _check_known(connection: Connection, place: str, homes: Sequence[ImportedHome]) -> None:
    communities = set(connection.execute(select(COMMUNITY.c.community_id)).scalars())
    meters = set(connection.execute(select(METER.c.meter_id)).scalars())
    for each in homes:
        premises = each.premises
        where = f"{place}: home {premises.premises_id}"
        if premises.community_id is not None and premises.community_id not in communities:
            raise AssetError(
                f"{where}: community_id: {premises.community_id!r} is not known; add it first"
            )
        for meter_id in premises.meter_ids:
            if meter_id not in meters:
                raise AssetError(f"{where}: meter_ids: {meter_id!r} is not known; add it first")


def parse_home(place: str, row: Mapping[str, str]) -> ImportedHome:
    """Return the home of one row; raise AssetError naming place, column and remedy."""
    texts = {name: (row[name] or "").strip() for name in COLUMNS}
    for name, longest in _LONGEST.items():
        if len(texts[name]) > longest:
            raise _refused(place, name, texts[name], f"use at most {longest} characters")
    for name in ("premises_id", "address"):
        if not texts[name]:
            raise _refused(place, name, "", "fill it in")
    return ImportedHome(
        premises=Premises(
            premises_id=texts["premises_id"],
            address=texts["address"],
            community_id=texts["community_id"] or None,
            customer_id=texts["customer_id"] or None,
            is_heated=_truth(place, "is_heated", texts),
            meter_ids=tuple(texts["meter_ids"].split()),
        ),
        customer=_customer(place, texts) if texts["customer_id"] else None,
    )


def _customer(place: str, texts: Mapping[str, str]) -> Customer:
    if not texts["name"]:
        raise _refused(place, "name", "", "fill it in, or leave customer_id empty")
    kind = texts["customer_class"] or str(CustomerClass.RESIDENT)
    return Customer(
        customer_id=texts["customer_id"],
        name=texts["name"],
        phone=texts["phone"],
        customer_class=_choice(place, "customer_class", kind, CustomerClass),
        flags=frozenset(_choice(place, "flags", each, Flag) for each in texts["flags"].split()),
        language=texts["language"] or "zh",
        contact_window=texts["contact_window"],
        is_confidential=_truth(place, "is_confidential", texts),
    )


def _choice(place: str, name: str, value: str, kind: type[C]) -> C:
    try:
        return kind(value)
    except ValueError:
        raise _refused(place, name, value, f"use one of {', '.join(kind)}") from None


def _truth(place: str, name: str, texts: Mapping[str, str]) -> bool:
    value = texts[name].casefold()
    if value not in _TRUTH:
        raise _refused(place, name, texts[name], "write true or false")
    return _TRUTH[value]


def _refused(place: str, name: str, value: str, remedy: str) -> AssetError:
    return AssetError(f"{place}: {name}: {value!r} cannot be used; {remedy}")
