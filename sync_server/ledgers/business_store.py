"""Returns the ledgers of business: hall, sales, rates, cash, the book of the network."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection

from sync_server.customers.customer import CustomerClass
from sync_server.hall.queue import HallState, HallVisit
from sync_server.hall.queue_store import visits_between
from sync_server.ledgers.ledger import Book, Cell, LedgerRow, Term, Vocabulary, share, yes
from sync_server.ledgers.period import Period, Span, days_of, period_of
from sync_server.plant.plant import PlantState
from sync_server.plant.plant_store import all_parts, states_of
from sync_server.sales.cash_store import cash_between, is_late
from sync_server.sales.sale import SaleSum
from sync_server.sales.sale_store import (
    billed_in,
    days_sold,
    meters_read,
    sales_of_day,
    sold_between,
)
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.policy_store import policy_at

_V = Vocabulary
_TOTAL = Term(vocabulary=_V.TOTAL, code="total")
_NOTHING = SaleSum(count=0, volume_m3=0.0, amount_cents=0)
_OTHERS = tuple(each for each in CustomerClass if each is not CustomerClass.RESIDENT)
_CUMULATIVE = "cumulative"


def hall_rows(connection: Connection, period: Period, _office: Office) -> Sequence[LedgerRow]:
    """Return the hall by day: came, served, left, minutes of waiting (rule B-01)."""
    first, end = period.first_day.isoformat(), period.end_day.isoformat()
    visits = visits_between(connection, first, end)
    days = sorted({each.day for each in visits})
    rows = [
        LedgerRow(cells=(day, *_hall_cells([each for each in visits if each.day == day])))
        for day in days
    ]
    return [*rows, LedgerRow(cells=(_TOTAL, *_hall_cells(visits)))] if rows else []


def _hall_cells(visits: Sequence[HallVisit]) -> tuple[Cell, ...]:
    waits = [each.waited.total_seconds() / 60 for each in visits if each.waited is not None]
    left = sum(each.state is HallState.LEFT for each in visits)
    return (
        len(visits),
        sum(each.state is HallState.SERVED for each in visits),
        left,
        share(left, len(visits)),
        round(sum(waits) / len(waits), 1) if waits else None,
        round(max(waits), 1) if waits else None,
    )


def sale_rows(connection: Connection, period: Period, office: Office) -> Sequence[LedgerRow]:
    """Return what was sold to residents and others: day, week, month, year, ever (rule E-13).

    Each span is the one that the period's last day lies in, the last that is not to come.
    """
    today = office.now_utc.astimezone(office.zone).date()
    last = min(period.end_day - timedelta(days=1), today)
    end = last + timedelta(days=1)
    rows = []
    for span in Span:
        found = period_of(span, last, office.zone)
        sold = sold_between(connection, found.first_day.isoformat(), end.isoformat())
        term = Term(vocabulary=_V.SPAN, code=str(span))
        href = f"/reports/sale_days?period={found.text}"
        rows.append(LedgerRow(cells=(term, found.text, *_sale_cells(sold)), href=href))
    ever = sold_between(connection, None, end.isoformat())
    term = Term(vocabulary=_V.SPAN, code=_CUMULATIVE)
    rows.append(LedgerRow(cells=(term, f"– {last.isoformat()}", *_sale_cells(ever))))
    return rows if ever else []


def _sale_cells(sold: Mapping[CustomerClass, SaleSum]) -> tuple[Cell, ...]:
    residents = sold.get(CustomerClass.RESIDENT, _NOTHING)
    others = [sold.get(each, _NOTHING) for each in _OTHERS]
    return (
        residents.count,
        round(residents.volume_m3, 2),
        residents.amount_cents / 100,
        sum(each.count for each in others),
        round(sum(each.volume_m3 for each in others), 2),
        sum(each.amount_cents for each in others) / 100,
    )


def sale_day_rows(connection: Connection, period: Period, _office: Office) -> Sequence[LedgerRow]:
    """Return each day of the period on which something was sold."""
    days = days_sold(connection, period.first_day.isoformat(), period.end_day.isoformat())
    rows = []
    for day in days:
        end = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
        cells = _sale_cells(sold_between(connection, day, end))
        rows.append(LedgerRow(cells=(day, *cells), href=f"/reports/sale_lines?period={day}"))
    return rows


def sale_line_rows(connection: Connection, period: Period, _office: Office) -> Sequence[LedgerRow]:
    """Return the sales of the period one by one; of its last day with sales when it is longer."""
    days = days_sold(connection, period.first_day.isoformat(), period.end_day.isoformat())
    return [
        LedgerRow(
            cells=(
                each.sale_id,
                each.day,
                Term(vocabulary=_V.MEDIUM, code=each.medium),
                Term(vocabulary=_V.CUSTOMER_CLASS, code=each.customer_class),
                each.premises_id,
                round(each.volume_m3, 2),
                each.amount_cents / 100,
                Term(vocabulary=_V.PAID_BY, code=each.paid_by),
                each.seller,
            ),
            href=f"/homes/{each.premises_id}" if each.premises_id else "",
        )
        for day in days[-1:]
        for each in sales_of_day(connection, day)
    ]


def rate_rows(connection: Connection, period: Period, office: Office) -> Sequence[LedgerRow]:
    """Return by month how many meters were read and how much of the bills is paid (rule E-06)."""
    months = sorted({each.isoformat()[:7] for each in days_of(period)})
    rows = []
    for text in months:
        month = period_of(Span.MONTH, date.fromisoformat(f"{text}-01"), office.zone)
        if month.from_utc > office.now_utc:
            continue
        meters, read = meters_read(connection, month.from_utc, month.to_utc)
        bills = billed_in(connection, text)
        cells: tuple[Cell, ...] = (
            text,
            meters,
            read,
            share(read, meters),
            share(_policy(connection, "target.reading.percent", office), 100),
            bills.count,
            bills.paid_count,
            bills.amount_cents / 100,
            bills.paid_cents / 100,
            share(bills.paid_cents, bills.amount_cents),
            share(_policy(connection, "target.collection.percent", office), 100),
        )
        rows.append(LedgerRow(cells=cells))
    return rows


def _policy(connection: Connection, name: str, office: Office) -> int:
    return round(policy_at(connection, name, office.now_utc))


def cash_rows(connection: Connection, period: Period, office: Office) -> Sequence[LedgerRow]:
    """Return each clerk's closed days: sold, counted, banked, late by CL22 (rule E-08)."""
    first, end = period.first_day.isoformat(), period.end_day.isoformat()
    return [
        LedgerRow(
            cells=(
                each.day,
                Term(vocabulary=_V.ACCOUNT, code=each.account_id),
                each.sold_cents / 100,
                each.counted_cents / 100,
                each.difference_cents / 100,
                each.reason,
                each.bank_slip,
                each.banked_at_utc,
                yes(is_late(each, office)),
            ),
            href=f"/reports/sale_lines?period={each.day}",
        )
        for each in cash_between(connection, first, end)
    ]


def plant_rows(connection: Connection, _period: Period, _office: Office) -> Sequence[LedgerRow]:
    """Return the book of the network's parts: how many, how long, in which state (rule E-02)."""
    states = states_of(connection)
    parts = all_parts(connection)
    rows = []
    for medium, kind in sorted({(each.medium, each.plant_class) for each in parts}):
        own = [each for each in parts if (each.medium, each.plant_class) == (medium, kind)]
        counts = Counter(
            states[each.plant_id].state if each.plant_id in states else PlantState.IN_SERVICE
            for each in own
        )
        km = sum(each.length_m for each in own) / 1000
        cells: tuple[Cell, ...] = (
            Term(vocabulary=_V.PLANT_CLASS, code=kind),
            Term(vocabulary=_V.MEDIUM, code=medium),
            len(own),
            round(km, 3) if km else None,
            *(counts[state] for state in PlantState),
        )
        rows.append(LedgerRow(cells=cells, href=f"/plant?kind={kind}&medium={medium}"))
    return rows


OF_BUSINESS: Mapping[Book, Callable[[Connection, Period, Office], Sequence[LedgerRow]]] = {
    Book.HALL: hall_rows,
    Book.SALES: sale_rows,
    Book.SALE_DAYS: sale_day_rows,
    Book.SALE_LINES: sale_line_rows,
    Book.RATES: rate_rows,
    Book.CASH: cash_rows,
    Book.PLANT: plant_rows,
}
"""Ledger of business -> what returns its rows."""
