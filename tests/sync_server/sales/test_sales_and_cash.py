"""Sales, rates and the cash of a day: read from other systems, reported, counted, banked."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from sync_server.access.roles import Role
from sync_server.db.asset_tables import METER
from sync_server.ledgers.books_store import Figure, Wanted, ledger_of
from sync_server.ledgers.ledger import Book, Share, Term
from sync_server.ledgers.period import parse_period
from sync_server.readings.reading_store import ReadingStore
from sync_server.sales.cash_store import bank_cash, cash_between, close_cash, unbanked
from sync_server.sales.sale_rows import RowError, parse_bill, parse_sale
from sync_server.sales.sale_store import put_bills, put_sales
from sync_server.service_desk.request_store import Office
from tests.sync_server.people_parts import person
from tests.sync_server.service_desk.desk_town import SHANGHAI, DeskTown, found_desk_town
from tests.sync_server.town_parts import batch, frame
from wire_contracts.errors import ContractError
from wire_contracts.quantities import Quantity

SALE = {
    "sale_id": "S-1",
    "day": "2026-11-02",
    "medium": "gas",
    "customer_class": "resident",
    "premises_id": "p-1",
    "volume_m3": "20",
    "amount_yuan": "56.50",
    "paid_by": "cash",
    "seller": "wu",
}
BILL = {
    "bill_id": "B-1",
    "month": "2026-11",
    "medium": "gas",
    "customer_class": "resident",
    "premises_id": "",
    "amount_yuan": "100",
    "paid_yuan": "100",
    "paid_on": "2026-11-20",
}


def sold(connection: Connection, *changes: Mapping[str, str]) -> None:
    rows = [{**SALE, "sale_id": f"S-{n}", **each} for n, each in enumerate(changes)]
    put_sales(connection, [parse_sale(row) for row in rows])


def rows_of(
    connection: Connection, book: Book, period: str, office: Office, figure: Figure | None = None
) -> list[list[object]]:
    wanted = Wanted(book=book, period=parse_period(period, SHANGHAI), figure=figure)
    return [
        [cell.code if isinstance(cell, Term) else cell for cell in row.cells]
        for row in ledger_of(connection, wanted, office)
    ]


def test_sales_to_residents_stand_by_day_week_month_year_and_together(engine: Engine) -> None:
    """Rule E-13: five periods, other classes beside."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        sold(
            connection,
            {"day": "2026-11-02"},
            {"day": "2026-11-01"},
            {"day": "2026-03-05"},
            {"day": "2025-12-31"},
            {"day": "2026-11-02", "customer_class": "industrial", "amount_yuan": "-0.5"},
            {"day": "2026-11-03"},
        )
        sold(connection, {"day": "2026-11-02"})
        found = rows_of(connection, Book.SALES, "2026-11", town.office())
        days = rows_of(connection, Book.SALE_DAYS, "2026-11", town.office())
        lines = rows_of(connection, Book.SALE_LINES, "2026-11-02", town.office())
        empty = rows_of(connection, Book.SALES, "2024", town.office())

    others = [1, 20.0, -0.5]
    assert found == [
        ["day", "2026-11-02", 1, 20.0, 56.5, *others],
        ["week", "2026-W45", 1, 20.0, 56.5, *others],
        ["month", "2026-11", 2, 40.0, 113.0, *others],
        ["year", "2026", 3, 60.0, 169.5, *others],
        ["cumulative", "– 2026-11-02", 4, 80.0, 226.0, *others],
    ]
    assert [each[0] for each in days] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert [(each[0], each[6]) for each in lines] == [("S-0", 56.5), ("S-4", -0.5)]
    assert empty == []


def test_reading_and_collection_rates_stand_against_their_targets(engine: Engine) -> None:
    """Rule E-06: read, billed, paid; bills come from the billing system (RULINGS R20)."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        now_utc = town.office().now_utc
        read = frame(1, now_utc, {Quantity.VOLUME_M3: 1.0})
        ReadingStore().store_batches(connection, [batch(read)], now_utc)
        put_bills(connection, [parse_bill(BILL), parse_bill({**BILL, "bill_id": "B-2"})])
        late = {**BILL, "bill_id": "B-2", "paid_yuan": "", "paid_on": ""}
        put_bills(connection, [parse_bill(late)])
        found = rows_of(connection, Book.RATES, "2026-11", town.office())
        coming = rows_of(connection, Book.RATES, "2026-12", town.office())

    assert found[0][0] == "2026-11"
    assert found[0][1:5] == [3, 1, Share(value=1 / 3), Share(value=0.98)]
    assert found[0][5:] == [2, 1, 200.0, 100.0, Share(value=0.5), Share(value=0.95)]
    assert coming == []


def test_each_figure_of_the_rates_leads_to_its_meters_or_bills(engine: Engine) -> None:
    """Rules C-08 and E-06: a rate leads to what it lacks."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        now_utc = town.office().now_utc
        read = frame(1, now_utc, {Quantity.VOLUME_M3: 1.0})
        ReadingStore().store_batches(connection, [batch(read)], now_utc)
        paid = {"B-1": "100", "B-2": "30", "B-3": ""}
        bills = [{**BILL, "bill_id": each, "paid_yuan": yuan} for each, yuan in paid.items()]
        others = [{**BILL, "bill_id": "B-0", "month": each} for each in ("2026-10", "2026-12")]
        put_bills(connection, [parse_bill(each) for each in (*bills, others[0])])
        put_bills(connection, [parse_bill({**others[1], "bill_id": "B-9"})])
        found = {
            column: [
                row[0]
                for row in rows_of(
                    connection, Book.RATES, "2026-11", town.office(), Figure(row="", column=column)
                )
            ]
            for column in (1, 2, 3, 5, 6, 7, 8, 9)
        }
        query = select(METER.c.meter_id).order_by(METER.c.meter_id)
        meters = list(connection.execute(query).scalars())

    (one_read,) = found[2]
    assert found[1] == meters
    assert found[3] == [each for each in meters if each != one_read]
    assert found[5] == found[7] == ["B-1", "B-2", "B-3"]
    assert (found[6], found[8], found[9]) == (["B-1"], ["B-1", "B-2"], ["B-2", "B-3"])


def clerk(connection: Connection, town: DeskTown, minutes: float = 0) -> Office:
    account = person(connection, "wu", Role.WINDOW_CLERK).account_id
    return town.office(account, minutes)


def test_the_cash_of_a_day_is_counted_against_the_sales_and_banked_that_day(
    engine: Engine,
) -> None:
    """Rule E-08, clock CL22: cash of the day to the bank the same day."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        office = clerk(connection, town)
        sold(
            connection,
            {},
            {"paid_by": "mobile"},
            {"seller": "other"},
            {"day": "2026-11-01", "amount_yuan": "10"},
        )
        with pytest.raises(ContractError, match=r"differs by -6\.50 yuan"):
            close_cash(connection, "2026-11-02", 5000, " ", office)
        today = close_cash(connection, "2026-11-02", 5000, "change given wrongly", office)
        former = close_cash(connection, "2026-11-01", 1000, "", office)
        for day, counted, refusal in (
            ("2026-11-02", 5650, "closed already"),
            ("2026-11-03", 0, "is to come"),
            ("2026-10-01", -1, "less than nothing"),
        ):
            with pytest.raises(ContractError, match=refusal):
                close_cash(connection, day, counted, "", office)
        with pytest.raises(ContractError, match="number of the bank's slip"):
            bank_cash(connection, "2026-11-02", office.actor, " ", office)
        bank_cash(connection, "2026-11-02", office.actor, "ICBC 77", office)
        with pytest.raises(ContractError, match="banked already"):
            bank_cash(connection, "2026-11-02", office.actor, "ICBC 78", office)
        with pytest.raises(ContractError, match="does not exist"):
            bank_cash(connection, "2026-10-02", office.actor, "x", office)
        with pytest.raises(ContractError, match="may not"):
            close_cash(connection, "2026-11-02", 0, "", town.office())
        waiting = [each.day for each in unbanked(connection)]
        listed = [each.day for each in cash_between(connection, "2026-11-01", "2026-11-03")]
        book = rows_of(connection, Book.CASH, "2026-11", office)

    assert (today.difference_cents, former.difference_cents) == (-650, 0)
    assert (waiting, listed) == (["2026-11-01"], ["2026-11-01", "2026-11-02"])
    assert [(each[0], each[4], each[6], each[8]) for each in book] == [
        ("2026-11-01", 0.0, "", "yes"),
        ("2026-11-02", -6.5, "ICBC 77", "no"),
    ]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"sale_id": ""}, "sale_id"),
        ({"day": "2.11.2026"}, "day"),
        ({"medium": "oil"}, "medium"),
        ({"customer_class": "x"}, "customer_class"),
        ({"volume_m3": "nan"}, "volume_m3"),
        ({"volume_m3": "a lot"}, "volume_m3"),
        ({"amount_yuan": "1.005"}, "amount_yuan"),
        ({"amount_yuan": "NaN"}, "amount_yuan"),
        ({"amount_yuan": "1e30"}, "amount_yuan"),
        ({"paid_by": "shells"}, "paid_by"),
    ],
)
def test_a_row_that_cannot_be_used_names_its_column(
    changes: Mapping[str, str], column: str
) -> None:
    with pytest.raises(RowError, match=f"^{column}: .*; "):
        parse_sale({**SALE, **changes})


def test_a_bill_without_a_month_is_refused() -> None:
    with pytest.raises(RowError, match=r"^month: "):
        parse_bill({**BILL, "month": "2026-13"})


@given(st.dictionaries(st.sampled_from([*SALE, *BILL]), st.text(max_size=12)))
def test_any_row_is_a_sale_or_refused(cells: Mapping[str, str]) -> None:
    for parse in (parse_sale, parse_bill):
        try:
            found = parse({**SALE, **BILL, **cells})
        except RowError:
            continue
        assert abs(found.amount_cents) <= 10**10
