"""Returns what a figure of hall, customers or rates is made of: its numbers, homes, meters, bills.

The lists of a whole town come in key order, from behind a key on, as many as are asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, select

from sync_server.customers.customer import CustomerClass
from sync_server.db.among import is_among_texts
from sync_server.db.asset_tables import METER
from sync_server.db.customer_tables import CUSTOMER, PREMISES, PREMISES_METER
from sync_server.db.reading_tables import READING, READING_LATEST
from sync_server.db.sales_tables import BILL
from sync_server.hall.queue import HallState
from sync_server.hall.queue_store import visits_between
from sync_server.ledgers.ledger import Book, LedgerRow, Term, Vocabulary, yes
from sync_server.ledgers.period import Period
from wire_contracts.frames import ms_from_utc, utc_from_ms

_V = Vocabulary
_TOTAL: Final = "total"

ALL_METERS, METERS_READ, READING_RATE, READING_TARGET = 1, 2, 3, 4
FIRST_OF_BILLS, PAID_BILLS = 5, 6
PAID_YUAN, COLLECTION_RATE, COLLECTION_TARGET = 8, 9, 10
"""Columns of the ledger of rates, by what they count."""

_METERS: Final = 2 + len(CustomerClass)
"""Column of the customers' ledger that counts meters; the classes stand before it."""

_STATE_OF: Mapping[int, HallState] = {
    2: HallState.SERVED,
    3: HallState.LEFT,
    4: HallState.LEFT,
}
"""Column of the hall's ledger -> the only state that it counts."""

_WAITED: Final = frozenset({5, 6})


@dataclass(frozen=True, slots=True, kw_only=True)
class LineQuery:
    """Which figure's lines are wanted, of a long list those behind the key `after`, at most `most`.

    `row` and `column` name the figure as `books_store.Figure` does.
    """

    period: Period
    row: str
    column: int
    after: str = ""
    most: int | None = None


def hall_lines(connection: Connection, asked: LineQuery) -> Sequence[LedgerRow]:
    """Return the numbers of a day, or of the whole period, that a figure counts."""
    period, row, column = asked.period, asked.row, asked.column
    first, end = period.first_day.isoformat(), period.end_day.isoformat()
    wanted = _STATE_OF.get(column)
    return [
        LedgerRow(
            cells=(
                each.day,
                each.number,
                Term(vocabulary=Vocabulary.HALL_NEED, code=each.need),
                Term(vocabulary=Vocabulary.HALL_STATE, code=each.state),
                each.came_at_utc,
                each.called_at_utc,
                each.ended_at_utc,
                None if each.waited is None else round(each.waited.total_seconds() / 60, 1),
            )
        )
        for each in visits_between(connection, first, end)
        if row in {each.day, _TOTAL}
        and (wanted is None or each.state is wanted)
        and (column not in _WAITED or each.waited is not None)
    ]


def home_lines(connection: Connection, asked: LineQuery) -> Sequence[LedgerRow]:
    """Return the homes of a community or of the town, without names and addresses."""
    query = (
        select(PREMISES.c.premises_id, PREMISES.c.is_heated, CUSTOMER.c.customer_class)
        .outerjoin(CUSTOMER, CUSTOMER.c.customer_id == PREMISES.c.customer_id)
        .where(PREMISES.c.premises_id > asked.after)
        .order_by(PREMISES.c.premises_id)
        .limit(asked.most)
    )
    if asked.row != _TOTAL:
        place = PREMISES.c.community_id
        query = query.where(place == asked.row if asked.row else place.is_(None))
    wanted = dict(enumerate(CustomerClass, 2)).get(asked.column)
    if wanted is not None:
        query = query.where(CUSTOMER.c.customer_class == str(wanted))
    if asked.column == _METERS:
        own = PREMISES_METER.c.premises_id == PREMISES.c.premises_id
        query = query.where(select(PREMISES_METER.c.meter_id).where(own).exists())
    homes = connection.execute(query).all()
    meters = _meters_of(connection, [each.premises_id for each in homes])
    return [
        LedgerRow(
            cells=(
                each.premises_id,
                None
                if each.customer_class is None
                else Term(vocabulary=_V.CUSTOMER_CLASS, code=each.customer_class),
                yes(each.is_heated),
                " · ".join(meters.get(each.premises_id, ())),
            ),
            href=f"/homes/{each.premises_id}",
        )
        for each in homes
    ]


def _meters_of(connection: Connection, homes: Sequence[str]) -> Mapping[str, Sequence[str]]:
    query = (
        select(PREMISES_METER.c.premises_id, PREMISES_METER.c.meter_id)
        .where(is_among_texts(connection, PREMISES_METER.c.premises_id, homes))
        .order_by(PREMISES_METER.c.meter_id)
    )
    found: dict[str, list[str]] = {}
    for each in connection.execute(query):
        found.setdefault(each.premises_id, []).append(each.meter_id)
    return found


def rate_lines(connection: Connection, asked: LineQuery) -> Sequence[LedgerRow]:
    """Return the meters or bills of the period, a month; of a rate, those that it lacks."""
    lines = _meter_lines if asked.column < FIRST_OF_BILLS else _bill_lines
    return lines(connection, asked)


def _meter_lines(connection: Connection, asked: LineQuery) -> Sequence[LedgerRow]:
    from_ms, to_ms = ms_from_utc(asked.period.from_utc), ms_from_utc(asked.period.to_utc)
    at_ms, id_ = READING.c.measured_at_ms, METER.c.meter_id
    of_month = select(at_ms).where(READING.c.meter_id == id_, at_ms >= from_ms, at_ms < to_ms)
    is_read = of_month.exists()
    query = (
        select(id_, METER.c.medium, METER.c.community_id, is_read.label("is_read"))
        .add_columns(READING_LATEST.c.measured_at_ms)
        .outerjoin(READING_LATEST, READING_LATEST.c.meter_id == id_)
        .where(METER.c.added_at_ms < to_ms, id_ > asked.after)
        .order_by(id_)
        .limit(asked.most)
    )
    if asked.column != ALL_METERS:
        query = query.where(is_read if asked.column == METERS_READ else ~is_read)
    return [
        LedgerRow(
            cells=(
                each.meter_id,
                Term(vocabulary=_V.MEDIUM, code=each.medium),
                Term(vocabulary=_V.COMMUNITY, code=each.community_id or ""),
                yes(bool(each.is_read)),
                None if each.measured_at_ms is None else utc_from_ms(each.measured_at_ms),
            ),
            href=f"/meters/{quote(each.meter_id, safe='')}",
        )
        for each in connection.execute(query)
    ]


def _bill_lines(connection: Connection, asked: LineQuery) -> Sequence[LedgerRow]:
    period = asked.period
    first, end = (day.isoformat()[:7] for day in (period.first_day, period.end_day))
    query = (
        select(BILL)
        .where(BILL.c.month >= first, BILL.c.month < end, BILL.c.bill_id > asked.after)
        .order_by(BILL.c.bill_id)
        .limit(asked.most)
    )
    is_paid = BILL.c.paid_cents >= BILL.c.amount_cents
    narrowed = {PAID_BILLS: is_paid, PAID_YUAN: BILL.c.paid_cents != 0, COLLECTION_RATE: ~is_paid}
    if asked.column in narrowed:
        query = query.where(narrowed[asked.column])
    return [
        LedgerRow(
            cells=(
                each.bill_id,
                Term(vocabulary=_V.MEDIUM, code=each.medium),
                Term(vocabulary=_V.CUSTOMER_CLASS, code=each.customer_class),
                each.premises_id or "",
                each.amount_cents / 100,
                each.paid_cents / 100,
                each.paid_on or "",
            ),
            href=f"/homes/{each.premises_id}" if each.premises_id else "",
        )
        for each in connection.execute(query)
    ]


LINES: Mapping[Book, Callable[[Connection, LineQuery], Sequence[LedgerRow]]] = {
    Book.HALL: hall_lines,
    Book.CUSTOMERS: home_lines,
    Book.RATES: rate_lines,
}
"""Ledger -> what returns the lines behind one of its figures, by row and column."""

IN_PAGES = frozenset({Book.CUSTOMERS, Book.RATES})
"""Ledgers whose lines may be those of a whole town: a page shows some from a key on."""
