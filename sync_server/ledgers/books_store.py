"""Returns one ledger of a period: the rows, in the order in which they are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sync_server.aftercare.callback_store import callbacks_between
from sync_server.customers.customer import CustomerClass
from sync_server.db.customer_tables import CUSTOMER, PREMISES, PREMISES_METER
from sync_server.ledgers.business_store import OF_BUSINESS
from sync_server.ledgers.call_figures import (
    CALL,
    call_rows,
    number_rows,
    one_call_rows,
    people_rows,
)
from sync_server.ledgers.callback_figures import callback_rows
from sync_server.ledgers.figures import (
    Reckoning,
    cause_rows,
    clock_rows,
    complaint_rows,
    late_rows,
    request_rows,
    slip_rows,
    team_rows,
)
from sync_server.ledgers.ledger import (
    Book,
    Cell,
    LedgerRow,
    Term,
    Vocabulary,
    made_of,
    row_key,
)
from sync_server.ledgers.lines_store import IN_PAGES, LINES, LineQuery
from sync_server.ledgers.matters_store import calls_of, penalties_of, reckoning, reckoning_of
from sync_server.ledgers.period import Period, days_of
from sync_server.service_desk.request import Channel
from sync_server.service_desk.request_finds_store import of_internal_callers
from sync_server.service_desk.request_store import Office

_OF_MATTERS: Mapping[Book, Callable[[Reckoning], Sequence[LedgerRow]]] = {
    Book.CLOCKS: clock_rows,
    Book.REQUESTS: request_rows,
    Book.TEAMS: team_rows,
    Book.COMPLAINTS: complaint_rows,
    Book.CAUSES: cause_rows,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a ledger: its row by `row_key`, its column from 0."""

    row: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which ledger of which period; `clock` narrows the list of what was late.

    `figure`: not the ledger, but what that figure of it is made of; of a list of a whole town
    those behind the key `after`, at most `most`.
    """

    book: Book
    period: Period
    clock: str = ""
    figure: Figure | None = None
    after: str = ""
    most: int | None = None


_MISSED_OF_PEOPLE = 8
"""The column *Missed clocks* in the figures of each person."""


def ledger_of(connection: Connection, wanted: Wanted, office: Office) -> Sequence[LedgerRow]:
    """Return the rows of a ledger, or those that a figure of it is made of."""
    lines = LINES.get(wanted.book)
    if wanted.figure is not None and lines is not None:
        return lines(
            connection,
            LineQuery(
                period=wanted.period,
                row=wanted.figure.row,
                column=wanted.figure.column,
                after=wanted.after,
                most=wanted.most if wanted.book in IN_PAGES else None,
            ),
        )
    if is_of_clocks(wanted):
        return _late_of(connection, wanted, office)
    rows = _whole(connection, wanted, office)
    if wanted.figure is None:
        return rows
    ids = _behind(rows, wanted.figure)
    if any(each.startswith(CALL) for each in ids):
        found = calls_of(connection, wanted.period, office)
        return one_call_rows([each for each in found.calls if f"{CALL}{each.call_id}" in set(ids)])
    return request_rows(reckoning_of(connection, ids, wanted.period, office))


def is_of_clocks(wanted: Wanted) -> bool:
    """Return whether a figure counts clocks: a request may have missed more than one."""
    figure = wanted.figure
    is_person = wanted.book is Book.PEOPLE
    return is_person and figure is not None and figure.column == _MISSED_OF_PEOPLE


def _late_of(connection: Connection, wanted: Wanted, office: Office) -> Sequence[LedgerRow]:
    """Return the missed clocks of one person's requests."""
    person = Term(vocabulary=Vocabulary.ACCOUNT, code=wanted.figure.row if wanted.figure else "")
    given = reckoning(connection, wanted.period, office)
    return [row for row in late_rows(given, "") if row.cells[-1] == person]


def _behind(rows: Sequence[LedgerRow], figure: Figure) -> tuple[str, ...]:
    row = next((each for each in rows if row_key(each) == figure.row), None)
    if row is None or not 0 <= figure.column < len(row.cells):
        return ()
    return made_of(row.cells[figure.column])


def _whole(connection: Connection, wanted: Wanted, office: Office) -> Sequence[LedgerRow]:
    of_business = OF_BUSINESS.get(wanted.book)
    if of_business is not None:
        return of_business(connection, wanted.period, office)
    if wanted.book is Book.CUSTOMERS:
        return _customer_rows(connection)
    if wanted.book in {Book.CALLS, Book.NUMBERS}:
        return _of_calls(connection, wanted, office)
    if wanted.book is Book.CALLBACKS:
        called = callbacks_between(connection, wanted.period.from_utc, wanted.period.to_utc)
        return callback_rows(called, _days(wanted.period), office.zone)
    given = reckoning(connection, wanted.period, office)
    count = _OF_MATTERS.get(wanted.book)
    if count is not None:
        return count(given)
    return _of_more(connection, wanted, given, office)


def _of_calls(connection: Connection, wanted: Wanted, office: Office) -> Sequence[LedgerRow]:
    found = calls_of(connection, wanted.period, office)
    if wanted.book is Book.NUMBERS:
        return number_rows(found.calls, found.terms)
    return call_rows(found.calls, _days(wanted.period), found.terms)


def _of_more(
    connection: Connection, wanted: Wanted, given: Reckoning, office: Office
) -> Sequence[LedgerRow]:
    """Return what needs more than the matters alone."""
    if wanted.book is Book.LATE:
        return late_rows(given, wanted.clock)
    if wanted.book is Book.SLIPS:
        return slip_rows(given, _days(wanted.period)) if given.matters else ()
    if wanted.book is Book.INTERNAL:
        return _internal_rows(connection, given)
    found = calls_of(connection, wanted.period, office)
    penalties = penalties_of(connection, wanted.period)
    return people_rows(given, found.calls, penalties, found.terms)


def _days(period: Period) -> list[str]:
    return [each.isoformat() for each in days_of(period)]


def _internal_rows(connection: Connection, given: Reckoning) -> Sequence[LedgerRow]:
    """Return the requests of the company's own people (rule C-34): they have another channel."""
    ids = [each.matter.record.request_id for each in given.matters]
    internal = of_internal_callers(connection, ids)
    return [
        LedgerRow(cells=row.cells, href=row.href)
        for row, each in zip(request_rows(given), given.matters, strict=True)
        if each.matter.record.request_id in internal
        and each.matter.record.channel is not Channel.INTERNAL
    ]


def _customer_rows(connection: Connection) -> Sequence[LedgerRow]:
    """Return communities with homes, customers by class, meters (rule E-03)."""
    homes = dict(_counts(connection, None))
    classes = {each: dict(_counts(connection, each)) for each in CustomerClass}
    meters: dict[str | None, int] = {
        row.community_id: row.homes
        for row in connection.execute(
            select(PREMISES.c.community_id, func.count().label("homes"))
            .join(PREMISES_METER, PREMISES_METER.c.premises_id == PREMISES.c.premises_id)
            .group_by(PREMISES.c.community_id)
        )
    }
    columns = [homes, *classes.values(), meters]
    rows = [
        LedgerRow(
            cells=(
                Term(vocabulary=Vocabulary.COMMUNITY, code=place or ""),
                *(column.get(place, 0) for column in columns),
            )
        )
        for place in sorted(homes, key=lambda each: each or "")
    ]
    sums: tuple[Cell, ...] = tuple(sum(column.values()) for column in columns)
    total = Term(vocabulary=Vocabulary.TOTAL, code="total")
    return [*rows, LedgerRow(cells=(total, *sums))] if rows else []


def _counts(
    connection: Connection, customer_class: CustomerClass | None
) -> list[tuple[str | None, int]]:
    query = select(PREMISES.c.community_id, func.count().label("homes"))
    if customer_class is not None:
        query = query.join(CUSTOMER, CUSTOMER.c.customer_id == PREMISES.c.customer_id).where(
            CUSTOMER.c.customer_class == str(customer_class)
        )
    rows = connection.execute(query.group_by(PREMISES.c.community_id))
    return [(row.community_id, row.homes) for row in rows]
