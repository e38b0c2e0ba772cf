"""A file is looked at row by row, and taken whole or not at all."""

import pytest
from sqlalchemy import Engine, func, select

from sync_server.assets.asset_store import get_meter
from sync_server.customers.customer_store import find_by_phone
from sync_server.db.import_tables import IMPORT_DRAFT
from sync_server.imports.draft_store import Draft, drop_draft, keep_draft, load_draft
from sync_server.imports.preview import COLUMNS, ImportKind, RowProblem
from sync_server.imports.take_store import look, take
from sync_server.sheets.table_file_io import FileTable, read_table
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import found_desk_town
from wire_contracts.errors import ContractError


def table(kind: ImportKind, *rows: dict[str, str]) -> FileTable:
    names = COLUMNS[kind]
    lines = [",".join(names)] + [",".join(row.get(name, "") for name in names) for row in rows]
    return read_table("f.csv", "\n".join(lines).encode())


def meter(meter_id: str, **changes: str) -> dict[str, str]:
    return {
        "meter_id": meter_id,
        "medium": "water",
        "meter_class": "consumer",
        "size": "DN20",
        "community_id": "c-north",
        "address": "12 North St",
        "interval_s": "900",
        "is_mains_powered": "no",
        **changes,
    }


def test_every_wrong_row_is_named_with_its_number_column_and_remedy(engine: Engine) -> None:
    rows = (
        meter("M-9"),
        meter("M-8", interval_s="=1+1"),
        meter("M-1", medium="gas"),
        meter("M-9"),
        meter("M-7", community_id="nowhere"),
        meter(""),
    )
    with engine.begin() as connection:
        found_desk_town(connection)
        found = look(connection, ImportKind.METERS, table(ImportKind.METERS, *rows))
        with pytest.raises(ContractError, match="row 3: interval_s"):
            take(connection, ImportKind.METERS, table(ImportKind.METERS, *rows), "x", NOON)
        untouched = get_meter(connection, "M-9")

    assert list(found.problems) == [
        RowProblem(number=3, text="interval_s: '=1+1' cannot be used; give whole seconds above 0"),
        RowProblem(
            number=4, text="medium: M-1 is water, not gas; give the other meter its own number"
        ),
        RowProblem(number=5, text="meter_id: 'M-9' is in row 2 too; leave one of them out"),
        RowProblem(number=6, text="community_id: 'nowhere' is not known; add the community first"),
        RowProblem(number=7, text="meter_id: '' cannot be used; fill it in"),
    ]
    assert untouched is None


def test_homes_with_customers_are_taken_and_counted_as_new_or_known(engine: Engine) -> None:
    home = {
        "address": "12 North St",
        "community_id": "c-north",
        "customer_id": "c-9",
        "name": "周敏",
        "phone": "138 0000 1111",
        "meter_ids": "M-1",
    }
    rows = ({**home, "premises_id": "p-9"}, {**home, "premises_id": "p-1", "meter_ids": ""})
    wrong = {**home, "premises_id": "p-8", "meter_ids": "M-77"}
    with engine.begin() as connection:
        town = found_desk_town(connection)
        file = table(ImportKind.HOMES, *rows)
        found = look(connection, ImportKind.HOMES, file)
        count = take(connection, ImportKind.HOMES, file, town.quality, NOON)
        again = look(connection, ImportKind.HOMES, file)
        bad = look(connection, ImportKind.HOMES, table(ImportKind.HOMES, wrong))
        homes = find_by_phone(connection, "13800001111")

    assert (found.new_count, found.changed_count, found.problem_count, count) == (1, 1, 0, 2)
    assert (again.new_count, again.changed_count) == (0, 2)
    assert [each.text for each in bad.problems] == [
        "meter_ids: 'M-77' is not known; import the meters first"
    ]
    assert {each.premises.premises_id for each in homes} == {"p-1", "p-9"}


def test_sales_and_bills_come_from_other_systems_and_may_come_twice(sqlite_engine: Engine) -> None:
    """RULINGS R20: read, not replaced."""
    sale = {
        "sale_id": "S-1",
        "day": "2026-11-02",
        "medium": "gas",
        "customer_class": "resident",
        "volume_m3": "20",
        "amount_yuan": "56.5",
        "paid_by": "cash",
        "seller": "wu",
    }
    bill = {
        "bill_id": "B-1",
        "month": "2026-11",
        "medium": "gas",
        "customer_class": "resident",
        "amount_yuan": "100",
    }
    with sqlite_engine.begin() as connection:
        counts = [
            take(connection, kind, table(kind, row), "boss", NOON)
            for _ in range(2)
            for kind, row in ((ImportKind.SALES, sale), (ImportKind.BILLS, bill))
        ]
        known = look(connection, ImportKind.SALES, table(ImportKind.SALES, sale))
        with pytest.raises(ContractError, match="sale_id, day, medium"):
            look(connection, ImportKind.SALES, read_table("f", b"a\n1\n"))

    assert counts == [1, 1, 1, 1]
    assert known.changed_count == 1


def test_a_file_waits_for_its_owner_alone(sqlite_engine: Engine) -> None:
    draft = Draft(kind=ImportKind.HOMES, file_name="a.csv", content=b"x")
    with sqlite_engine.begin() as connection:
        keep_draft(connection, draft, "boss", NOON)
        draft_id = keep_draft(connection, draft, "boss", NOON)
        mine = load_draft(connection, draft_id, "boss")
        count = connection.execute(select(func.count()).select_from(IMPORT_DRAFT)).scalar_one()
        with pytest.raises(ContractError, match="does not exist"):
            load_draft(connection, draft_id, "other")
        drop_draft(connection, draft_id)
        with pytest.raises(ContractError, match="does not exist"):
            load_draft(connection, draft_id, "boss")

    assert (mine, count) == (draft, 1)
