"""Owns the library of cases: what went wrong, why, what helped (rule A-11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action
from sync_server.db.complaint_tables import CASE_RECORD
from sync_server.service_desk.clocks import ENDED
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_MOST_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A case as somebody writes it; `tags` are words with spaces between."""

    problem: str
    cause: str
    solution: str
    tags: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of the library."""

    case_id: int
    request_id: str
    problem: str
    cause: str
    solution: str
    tags: Sequence[str]
    written_by: str
    written_at_utc: datetime


def write_case(connection: Connection, request_id: str, new: NewCase, office: Office) -> None:
    """Put an ended request into the library.

    Raises:
        ContractError: The role may not, the request has not ended, or a field is empty.
    """
    check_may(connection, office.actor, Action.WORK_REQUEST)
    record = get_request(connection, request_id)
    if record.state not in ENDED:
        raise _refused("request", f"{record.number} is {record.state}", "end it first")
    for name, text in (("problem", new.problem), ("cause", new.cause), ("solution", new.solution)):
        if not text.strip():
            raise _refused(name, "is empty", "write it without names of customers")
    parts = (new.problem, new.cause, new.solution, new.tags)
    connection.execute(
        insert(CASE_RECORD).values(
            request_id=request_id,
            problem=new.problem.strip(),
            cause=new.cause.strip(),
            solution=new.solution.strip(),
            tags=" ".join(new.tags.split()),
            search=" ".join(parts).casefold(),
            written_by=office.actor,
            written_at_ms=ms_from_utc(office.now_utc),
        )
    )
    event = AuditEvent(actor=office.actor, action="case.write", subject=request_id, detail={})
    append_audit(connection, event, office.now_utc)


def find_cases(connection: Connection, typed: str) -> Sequence[Case]:
    """Return the newest cases that have every word, at most 50; all of them for no word."""
    query = select(CASE_RECORD)
    for word in typed.casefold().split():
        query = query.where(CASE_RECORD.c.search.contains(word, autoescape=True))
    query = query.order_by(CASE_RECORD.c.case_id.desc()).limit(_MOST_SHOWN)
    return [_case(row) for row in connection.execute(query)]


def cases_of(connection: Connection, request_id: str) -> Sequence[Case]:
    """Return the cases that were written about a request."""
    query = select(CASE_RECORD).where(CASE_RECORD.c.request_id == request_id)
    return [_case(row) for row in connection.execute(query)]


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(place="case", field=field, problem=problem, remedy=remedy, code=Code.STATE)


def _case(row: Row[str]) -> Case:
    return Case(
        case_id=row.case_id,
        request_id=row.request_id,
        problem=row.problem,
        cause=row.cause,
        solution=row.solution,
        tags=tuple(row.tags.split()),
        written_by=row.written_by,
        written_at_utc=utc_from_ms(row.written_at_ms),
    )
