"""Owns the cash of a clerk and day: counted against what was sold, banked on the same day."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.account_store import get_person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.db.sales_tables import CASH_DAY
from sync_server.sales.sale import CashDay
from sync_server.sales.sale_store import cash_taken_cents
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms


def close_cash(
    connection: Connection, day: str, counted_cents: int, reason: str, office: Office
) -> CashDay:
    """Return the closed day of whoever acts, held against what the card system says was taken.

    Raises:
        ContractError: The role may not, the day is to come or closed already, or the figures differ
            and nothing says why.
    """
    check_may(connection, office.actor, Action.KEEP_CASH)
    today = office.now_utc.astimezone(office.zone).date().isoformat()
    if day > today:
        raise _refused("day", f"{day} is to come", "close a day when it is over")
    if find_cash(connection, day, office.actor) is not None:
        raise _refused("day", f"{day} is closed already", "bank it")
    if counted_cents < 0:
        raise _refused("counted", "is less than nothing", "count again")
    person = get_person(connection, office.actor)
    sold_cents = cash_taken_cents(connection, day, person.login)
    if counted_cents != sold_cents and not reason.strip():
        difference = (counted_cents - sold_cents) / 100
        raise _refused("reason", f"is empty, the cash differs by {difference:.2f} yuan", "say why")
    connection.execute(
        insert(CASH_DAY).values(
            day=day,
            account_id=office.actor,
            counted_cents=counted_cents,
            sold_cents=sold_cents,
            reason=reason.strip(),
            closed_at_ms=ms_from_utc(office.now_utc),
            bank_slip="",
        )
    )
    _audit(connection, "cash.close", day, office)
    return _known(connection, day, office.actor)


def bank_cash(
    connection: Connection, day: str, account_id: str, bank_slip: str, office: Office
) -> CashDay:
    """Return the day with the number of the bank's slip; clock CL22 stops.

    Raises:
        ContractError: The role may not, the day is not closed or banked already, no slip is named.
    """
    check_may(connection, office.actor, Action.KEEP_CASH)
    found = _known(connection, day, account_id)
    if found.banked_at_utc is not None:
        raise _refused("day", f"{day} is banked already", "reload the page")
    if not bank_slip.strip():
        raise _refused("bank_slip", "is empty", "write the number of the bank's slip")
    connection.execute(
        update(CASH_DAY)
        .where(CASH_DAY.c.day == day, CASH_DAY.c.account_id == account_id)
        .values(
            bank_slip=bank_slip.strip(),
            banked_at_ms=ms_from_utc(office.now_utc),
            banked_by=office.actor,
        )
    )
    _audit(connection, "cash.bank", day, office)
    return _known(connection, day, account_id)


def find_cash(connection: Connection, day: str, account_id: str) -> CashDay | None:
    """Return the closed day of a clerk; None when it was not closed."""
    query = select(CASH_DAY).where(CASH_DAY.c.day == day, CASH_DAY.c.account_id == account_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _cash(row)


def cash_between(connection: Connection, first_day: str, end_day: str) -> Sequence[CashDay]:
    """Return the closed days from the first until before the end, in order."""
    query = select(CASH_DAY).where(CASH_DAY.c.day >= first_day, CASH_DAY.c.day < end_day)
    rows = connection.execute(query.order_by(CASH_DAY.c.day, CASH_DAY.c.account_id))
    return [_cash(row) for row in rows]


def unbanked(connection: Connection) -> Sequence[CashDay]:
    """Return the closed days whose cash is not at the bank yet, the oldest first."""
    query = select(CASH_DAY).where(CASH_DAY.c.banked_at_ms.is_(None))
    rows = connection.execute(query.order_by(CASH_DAY.c.day, CASH_DAY.c.account_id))
    return [_cash(row) for row in rows]


def is_late(found: CashDay, office: Office) -> bool:
    """Return whether the cash went or will go to the bank on a later day (CL22)."""
    at_utc = found.banked_at_utc or office.now_utc
    return at_utc.astimezone(office.zone).date().isoformat() > found.day


def _known(connection: Connection, day: str, account_id: str) -> CashDay:
    found = find_cash(connection, day, account_id)
    if found is None:
        raise not_found(f"cash of {day}", "day")
    return found


def _audit(connection: Connection, action: str, day: str, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=day, detail={})
    append_audit(connection, event, office.now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(place="cash", field=field, problem=problem, remedy=remedy, code=Code.STATE)


def _cash(row: Row[str]) -> CashDay:
    banked_ms = row.banked_at_ms
    return CashDay(
        day=row.day,
        account_id=row.account_id,
        counted_cents=row.counted_cents,
        sold_cents=row.sold_cents,
        reason=row.reason,
        closed_at_utc=utc_from_ms(row.closed_at_ms),
        bank_slip=row.bank_slip,
        banked_at_utc=None if banked_ms is None else utc_from_ms(banked_ms),
        banked_by=row.banked_by,
    )
