"""Owns numbered paper slips: printed before, filled in by hand, each entered later or void.

Rules B-14 (the desk works without its network) and C-19 (every paper slip is matched).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.db.standin_tables import PAPER_SLIP
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

MOST_AT_ONCE = 100
_LONGEST_REASON = 200
_MOST_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSlip:
    """A slip that was printed and is neither entered nor void."""

    slip_number: int
    printed_at_utc: datetime


def print_slips(connection: Connection, count: int, office: Office) -> Sequence[int]:
    """Return the numbers of new slips, at most a hundred; no number is ever drawn twice."""
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    last = connection.execute(select(func.max(PAPER_SLIP.c.slip_number))).scalar_one() or 0
    numbers = list(range(last + 1, last + 1 + min(count, MOST_AT_ONCE)))
    at_ms = ms_from_utc(office.now_utc)
    common = {"printed_by": office.actor, "printed_at_ms": at_ms, "void_reason": ""}
    connection.execute(insert(PAPER_SLIP), [{"slip_number": each, **common} for each in numbers])
    _audit(connection, "paper.print", f"{numbers[0]}-{numbers[-1]}", office)
    return numbers


def enter_slip(connection: Connection, slip_number: int, request_id: str, office: Office) -> None:
    """Note that a slip was entered as a request; one slip is one request."""
    _open(connection, slip_number)
    values: dict[str, str | int] = {
        "request_id": request_id,
        "entered_at_ms": ms_from_utc(office.now_utc),
    }
    _change(connection, slip_number, values)
    _audit(connection, "paper.enter", str(slip_number), office)


def void_slip(connection: Connection, slip_number: int, reason: str, office: Office) -> None:
    """Note that a slip was spoilt or never used, with the reason."""
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    _open(connection, slip_number)
    if not reason.strip():
        raise _refused(slip_number, "reason", "is empty", "write what became of it")
    text = reason.strip()[:_LONGEST_REASON]
    values: dict[str, str | int] = {
        "void_reason": text,
        "entered_at_ms": ms_from_utc(office.now_utc),
    }
    _change(connection, slip_number, values)
    _audit(connection, "paper.void", str(slip_number), office)


def open_slips(connection: Connection) -> Sequence[PaperSlip]:
    """Return the slips that nobody has entered: the list of what does not match (rule C-19)."""
    where = PAPER_SLIP.c.entered_at_ms.is_(None)
    query = select(PAPER_SLIP).where(where).order_by(PAPER_SLIP.c.slip_number).limit(_MOST_SHOWN)
    return [
        PaperSlip(slip_number=row.slip_number, printed_at_utc=utc_from_ms(row.printed_at_ms))
        for row in connection.execute(query)
    ]


def _open(connection: Connection, slip_number: int) -> None:
    where = PAPER_SLIP.c.slip_number == slip_number
    row = connection.execute(select(PAPER_SLIP).where(where)).one_or_none()
    if row is None:
        raise not_found(f"paper slip {slip_number}", "slip")
    if row.entered_at_ms is not None:
        state = "void" if row.request_id is None else "entered"
        raise _refused(slip_number, "state", f"is {state} already", "look at the number again")


def _change(connection: Connection, slip_number: int, values: dict[str, str | int]) -> None:
    where = PAPER_SLIP.c.slip_number == slip_number
    connection.execute(update(PAPER_SLIP).where(where).values(**values))


def _audit(connection: Connection, action: str, subject: str, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=subject, detail={})
    append_audit(connection, event, office.now_utc)


def _refused(slip_number: int, field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"paper slip {slip_number}",
        field=field,
        problem=problem,
        remedy=remedy,
        code=Code.STATE,
    )
