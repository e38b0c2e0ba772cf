"""Owns sales and bills as other systems tell them; a row that comes again replaces its former."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, case, delete, func, insert, select

from sync_server.customers.customer import CustomerClass
from sync_server.db.asset_tables import METER
from sync_server.db.reading_tables import READING
from sync_server.db.sales_tables import BILL, SALE
from sync_server.sales.sale import Bill, BillSum, PaidBy, Sale, SaleSum
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium

_CHUNK = 500


def put_sales(connection: Connection, sales: Sequence[Sale]) -> None:
    """Keep sales; one that is known already is replaced, so that a file may come twice."""
    rows = [
        {
            "sale_id": each.sale_id,
            "day": each.day,
            "medium": str(each.medium),
            "customer_class": str(each.customer_class),
            "premises_id": each.premises_id,
            "volume_m3": each.volume_m3,
            "amount_cents": each.amount_cents,
            "paid_by": str(each.paid_by),
            "seller": each.seller,
        }
        for each in {each.sale_id: each for each in sales}.values()
    ]
    ids = [str(row["sale_id"]) for row in rows]
    for start in range(0, len(ids), _CHUNK):
        connection.execute(delete(SALE).where(SALE.c.sale_id.in_(ids[start : start + _CHUNK])))
    if rows:
        connection.execute(insert(SALE), rows)


def put_bills(connection: Connection, bills: Sequence[Bill]) -> None:
    """Keep bills; one that is known already is replaced: it may have been paid since."""
    rows = [
        {
            "bill_id": each.bill_id,
            "month": each.month,
            "medium": str(each.medium),
            "customer_class": str(each.customer_class),
            "premises_id": each.premises_id,
            "amount_cents": each.amount_cents,
            "paid_cents": each.paid_cents,
            "paid_on": each.paid_on,
        }
        for each in {each.bill_id: each for each in bills}.values()
    ]
    ids = [str(row["bill_id"]) for row in rows]
    for start in range(0, len(ids), _CHUNK):
        connection.execute(delete(BILL).where(BILL.c.bill_id.in_(ids[start : start + _CHUNK])))
    if rows:
        connection.execute(insert(BILL), rows)


def sold_between(
    connection: Connection, first_day: str | None, end_day: str
) -> Mapping[CustomerClass, SaleSum]:
    """Return class -> what was sold from the first day until before the end; None: ever."""
    query = select(
        SALE.c.customer_class,
        func.count().label("sales"),
        func.sum(SALE.c.volume_m3).label("volume_m3"),
        func.sum(SALE.c.amount_cents).label("amount_cents"),
    ).where(SALE.c.day < end_day)
    if first_day is not None:
        query = query.where(SALE.c.day >= first_day)
    return {
        CustomerClass(row.customer_class): SaleSum(
            count=row.sales, volume_m3=float(row.volume_m3), amount_cents=int(row.amount_cents)
        )
        for row in connection.execute(query.group_by(SALE.c.customer_class))
    }


def days_sold(connection: Connection, first_day: str, end_day: str) -> Sequence[str]:
    """Return the days of the span on which something was sold, in order."""
    query = select(SALE.c.day).where(SALE.c.day >= first_day, SALE.c.day < end_day)
    return list(connection.execute(query.distinct().order_by(SALE.c.day)).scalars())


def sales_of_day(connection: Connection, day: str) -> Sequence[Sale]:
    """Return the sales of one day, by their ids."""
    query = select(SALE).where(SALE.c.day == day).order_by(SALE.c.sale_id)
    return [_sale(row) for row in connection.execute(query)]


def cash_taken_cents(connection: Connection, day: str, seller: str) -> int:
    """Return what the card system says that a clerk took in as cash on a day."""
    query = select(func.coalesce(func.sum(SALE.c.amount_cents), 0)).where(
        SALE.c.day == day, SALE.c.seller == seller, SALE.c.paid_by == str(PaidBy.CASH)
    )
    return int(connection.execute(query).scalar_one())


def billed_in(connection: Connection, month: str) -> BillSum:
    """Return what was billed in a month, and what of it is paid (rule E-06)."""
    row = connection.execute(
        select(
            func.count().label("bills"),
            func.sum(case((BILL.c.paid_cents >= BILL.c.amount_cents, 1), else_=0)).label("paid"),
            func.coalesce(func.sum(BILL.c.amount_cents), 0).label("amount_cents"),
            func.coalesce(func.sum(BILL.c.paid_cents), 0).label("paid_cents"),
        ).where(BILL.c.month == month)
    ).one()
    return BillSum(
        count=row.bills,
        paid_count=int(row.paid or 0),
        amount_cents=int(row.amount_cents),
        paid_cents=int(row.paid_cents),
    )


def meters_read(connection: Connection, from_utc: datetime, to_utc: datetime) -> tuple[int, int]:
    """Return how many meters were there, and of how many a reading lies in the span."""
    has_reading = (
        select(READING.c.meter_id)
        .where(READING.c.meter_id == METER.c.meter_id)
        .where(READING.c.measured_at_ms >= ms_from_utc(from_utc))
        .where(READING.c.measured_at_ms < ms_from_utc(to_utc))
        .exists()
    )
    row = connection.execute(
        select(func.count().label("meters"), func.sum(case((has_reading, 1), else_=0)).label("had"))
        .select_from(METER)
        .where(METER.c.added_at_ms < ms_from_utc(to_utc))
    ).one()
    return row.meters, int(row.had or 0)


def _sale(row: Row[str]) -> Sale:
    return Sale(
        sale_id=row.sale_id,
        day=row.day,
        medium=Medium(row.medium),
        customer_class=CustomerClass(row.customer_class),
        premises_id=row.premises_id,
        volume_m3=row.volume_m3,
        amount_cents=row.amount_cents,
        paid_by=PaidBy(row.paid_by),
        seller=row.seller,
    )
