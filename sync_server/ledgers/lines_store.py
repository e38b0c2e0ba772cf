"""Returns what a figure of the hall or of the customers is made of: its numbers, its homes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, select

from sync_server.customers.customer import CustomerClass
from sync_server.db.customer_tables import CUSTOMER, PREMISES, PREMISES_METER
from sync_server.hall.queue import HallState
from sync_server.hall.queue_store import visits_between
from sync_server.ledgers.ledger import Book, LedgerRow, Term, Vocabulary, yes
from sync_server.ledgers.period import Period

_TOTAL: Final = "total"
_METERS: Final = 2 + len(CustomerClass)
"""Column of the customers' ledger that counts meters; the classes stand before it."""

_STATE_OF: Mapping[int, HallState] = {
    2: HallState.SERVED,
    3: HallState.LEFT,
    4: HallState.LEFT,
}
"""Column of the hall's ledger -> the only state that it counts."""

_WAITED: Final = frozenset({5, 6})


def hall_lines(
    connection: Connection, period: Period, row: str, column: int
) -> Sequence[LedgerRow]:
    """Return the numbers of a day, or of the whole period, that a figure counts."""
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


def home_lines(
    connection: Connection, _period: Period, row: str, column: int
) -> Sequence[LedgerRow]:
    """Return the homes of a community that a figure counts, without names and addresses."""
    query = (
        select(PREMISES.c.premises_id, PREMISES.c.is_heated, CUSTOMER.c.customer_class)
        .outerjoin(CUSTOMER, CUSTOMER.c.customer_id == PREMISES.c.customer_id)
        .where(PREMISES.c.community_id == row if row else PREMISES.c.community_id.is_(None))
        .order_by(PREMISES.c.premises_id)
    )
    wanted = dict(enumerate(CustomerClass, 2)).get(column)
    if wanted is not None:
        query = query.where(CUSTOMER.c.customer_class == str(wanted))
    meters = _meters_in(connection, row)
    return [
        LedgerRow(
            cells=(
                each.premises_id,
                None
                if each.customer_class is None
                else Term(vocabulary=Vocabulary.CUSTOMER_CLASS, code=each.customer_class),
                yes(each.is_heated),
                " · ".join(meters.get(each.premises_id, ())),
            ),
            href=f"/homes/{each.premises_id}",
        )
        for each in connection.execute(query)
        if column != _METERS or each.premises_id in meters
    ]


def _meters_in(connection: Connection, community_id: str) -> Mapping[str, Sequence[str]]:
    where = PREMISES.c.community_id == community_id if community_id else None
    query = (
        select(PREMISES_METER.c.premises_id, PREMISES_METER.c.meter_id)
        .join(PREMISES, PREMISES.c.premises_id == PREMISES_METER.c.premises_id)
        .where(PREMISES.c.community_id.is_(None) if where is None else where)
        .order_by(PREMISES_METER.c.meter_id)
    )
    found: dict[str, list[str]] = {}
    for each in connection.execute(query):
        found.setdefault(each.premises_id, []).append(each.meter_id)
    return found


LINES: Mapping[Book, Callable[[Connection, Period, str, int], Sequence[LedgerRow]]] = {
    Book.HALL: hall_lines,
    Book.CUSTOMERS: home_lines,
}
"""Ledger -> what returns the lines behind one of its figures, by row and column."""
