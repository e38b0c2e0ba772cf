"""Looks at a file row by row against what is known, and takes it whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, select

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.assets.assets import AssetError
from sync_server.assets.import_io import ImportedMeter, parse_meter, take_meters
from sync_server.customers.import_io import ImportedHome, parse_home, take_homes
from sync_server.db.asset_tables import COMMUNITY, METER
from sync_server.db.customer_tables import PREMISES
from sync_server.db.sales_tables import BILL, SALE
from sync_server.imports.preview import (
    COLUMNS,
    KEYS,
    MOST_PROBLEMS,
    ImportKind,
    Preview,
    RowProblem,
)
from sync_server.sales.sale import Bill, Sale
from sync_server.sales.sale_rows import RowError, parse_bill, parse_sale
from sync_server.sales.sale_store import put_bills, put_sales
from sync_server.sheets.table_file_io import FileRow, FileTable
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

_SAMPLE: Final = 10

Parsed = ImportedHome | ImportedMeter | Sale | Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What rows are held against."""

    communities: frozenset[str]
    media: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """The rows that can be used, and what is wrong with the others."""

    found: Sequence[Parsed]
    problems: Sequence[RowProblem]


def look(connection: Connection, kind: ImportKind, table: FileTable) -> Preview:
    """Return what taking the file would change; nothing is changed.

    Raises:
        ContractError: A column is missing.
    """
    looked = _look(connection, kind, table)
    ids = {row.cells.get(KEYS[kind], "") for row in table.rows}
    here = _ids(connection, kind) & ids
    return Preview(
        kind=kind,
        row_count=len(table.rows),
        new_count=len(ids - here),
        changed_count=len(here),
        problems=looked.problems[:MOST_PROBLEMS],
        problem_count=len(looked.problems),
        heading=table.heading,
        sample=[
            [row.cells.get(name, "") for name in table.heading] for row in table.rows[:_SAMPLE]
        ],
    )


def take(
    connection: Connection, kind: ImportKind, table: FileTable, actor: str, now_utc: datetime
) -> int:
    """Take the whole file and return how many rows it had; an audit event says so.

    Raises:
        ContractError: A row cannot be used, perhaps because something changed since the look.
    """
    looked = _look(connection, kind, table)
    if looked.problems:
        first = looked.problems[0]
        raise _refused(f"row {first.number}", first.text, "look at the file again")
    found = looked.found
    take_homes(connection, [each for each in found if isinstance(each, ImportedHome)], now_utc)
    meters = [each for each in found if isinstance(each, ImportedMeter)]
    if meters:
        take_meters(connection, meters, now_utc)
    put_sales(connection, [each for each in found if isinstance(each, Sale)])
    put_bills(connection, [each for each in found if isinstance(each, Bill)])
    event = AuditEvent(
        actor=actor, action="import.take", subject=str(kind), detail={"rows": len(found)}
    )
    append_audit(connection, event, now_utc)
    return len(found)


def _look(connection: Connection, kind: ImportKind, table: FileTable) -> _Looked:
    missing = [name for name in COLUMNS[kind] if name not in table.heading]
    if missing:
        raise _refused(
            "heading",
            f"{', '.join(missing)} is missing",
            f"the columns are {', '.join(COLUMNS[kind])}",
        )
    known = _load_known(connection)
    seen: dict[str, int] = {}
    found: list[Parsed] = []
    problems: list[RowProblem] = []
    for row in table.rows:
        key = row.cells.get(KEYS[kind], "")
        try:
            parsed = _PARSE[kind](row)
            _check(parsed, known)
            _check_single(KEYS[kind], key, seen)
        except (RowError, AssetError) as problem:
            problems.append(RowProblem(number=row.number, text=_without_place(str(problem))))
            continue
        seen[key] = row.number
        found.append(parsed)
    return _Looked(found=found, problems=problems)


_PLACE: Final = "this row: "


def _without_place(text: str) -> str:
    return text.removeprefix(_PLACE)


def _cells(row: FileRow, kind: ImportKind) -> dict[str, str]:
    return {name: row.cells.get(name, "") for name in COLUMNS[kind]}


_PARSE: Mapping[ImportKind, Callable[[FileRow], Parsed]] = {
    ImportKind.HOMES: lambda row: parse_home(_PLACE[:-2], _cells(row, ImportKind.HOMES)),
    ImportKind.METERS: lambda row: parse_meter(_PLACE[:-2], _cells(row, ImportKind.METERS)),
    ImportKind.SALES: lambda row: parse_sale(row.cells),
    ImportKind.BILLS: lambda row: parse_bill(row.cells),
}


def _load_known(connection: Connection) -> _Known:
    rows = connection.execute(select(METER.c.meter_id, METER.c.medium))
    return _Known(
        communities=frozenset(connection.execute(select(COMMUNITY.c.community_id)).scalars()),
        media={row.meter_id: row.medium for row in rows},
    )


def _check(parsed: Parsed, known: _Known) -> None:
    """Raise RowError when a row names what is not there, or contradicts what is."""
    if isinstance(parsed, ImportedHome):
        _check_community(parsed.premises.community_id, known)
        for meter_id in parsed.premises.meter_ids:
            if meter_id not in known.media:
                raise RowError(f"meter_ids: {meter_id!r} is not known; import the meters first")
    if isinstance(parsed, ImportedMeter):
        meter = parsed.meter
        _check_community(meter.community_id, known)
        medium = known.media.get(meter.meter_id, str(meter.medium))
        if medium != str(meter.medium):
            remedy = "give the other meter its own number"
            raise RowError(f"medium: {meter.meter_id} is {medium}, not {meter.medium}; {remedy}")


def _check_single(name: str, key: str, seen: Mapping[str, int]) -> None:
    if key in seen:
        raise RowError(f"{name}: {key!r} is in row {seen[key]} too; leave one of them out")


def _check_community(community_id: str | None, known: _Known) -> None:
    if community_id is not None and community_id not in known.communities:
        raise RowError(f"community_id: {community_id!r} is not known; add the community first")


_ID_COLUMN: Mapping[ImportKind, "Column[str]"] = {
    ImportKind.HOMES: PREMISES.c.premises_id,
    ImportKind.METERS: METER.c.meter_id,
    ImportKind.SALES: SALE.c.sale_id,
    ImportKind.BILLS: BILL.c.bill_id,
}


def _ids(connection: Connection, kind: ImportKind) -> frozenset[str]:
    return frozenset(connection.execute(select(_ID_COLUMN[kind])).scalars())


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="import", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )
