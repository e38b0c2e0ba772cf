"""Owns applications at the window: told, shown, decided, handed over; the file follows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.home_tables import APPLICATION
from sync_server.households.applications import PROCEDURES, Decision, Procedure, check_decision
from sync_server.households.file_store import put_document
from sync_server.households.home_file import DocumentKind, NewDocument
from sync_server.service_desk.request import RequestRecord
from sync_server.service_desk.request_rows_store import get_request, next_number
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.quantities import Medium

SERIES = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application as it stands; `is_accepted` is None until the clerk decided."""

    request_id: str
    told_by: str
    told_at_utc: datetime
    shown: frozenset[str]
    is_accepted: bool | None
    slip_number: str
    reason: str
    alternative: str
    contract_number: str
    invoice_number: str
    initial_m3: float | None
    card_number: str
    finished_at_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What opening an account gives (rule E-11): form and invoice, contract, volume, card."""

    contract_number: str
    invoice_number: str
    initial_m3: float
    card_number: str


def tell(connection: Connection, request_id: str, office: Office) -> Application:
    """Return the application after the customer was told of every paper and fee at once (D-09)."""
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    record = get_request(connection, request_id, is_locked=True)
    procedure_of(record)
    if find_application(connection, request_id) is None:
        connection.execute(
            insert(APPLICATION).values(
                request_id=request_id,
                told_by=office.actor,
                told_at_ms=ms_from_utc(office.now_utc),
                shown="",
                reason="",
                alternative="",
                contract_number="",
                invoice_number="",
                card_number="",
            )
        )
        _after(connection, "application.tell", request_id, office)
    return get_application(connection, request_id)


def show_papers(
    connection: Connection, request_id: str, shown: frozenset[str], office: Office
) -> Application:
    """Return the application with the papers that were shown and are right (rules B-02, D-13)."""
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    found = _undecided(connection, request_id)
    known = procedure_of(get_request(connection, request_id)).papers
    text = " ".join(each for each in known if each in shown)
    _change(connection, found.request_id, {"shown": text})
    _after(connection, "application.papers", request_id, office)
    return get_application(connection, request_id)


def decide_application(
    connection: Connection, request_id: str, decision: Decision, office: Office
) -> Application:
    """Return the application, accepted with its slip's number or refused with a way out."""
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    found = _undecided(connection, request_id)
    record = get_request(connection, request_id)
    check_decision(procedure_of(record), found.shown, decision)
    values: dict[str, str | int | float | bool | None] = {
        "is_accepted": decision.is_accepted,
        "reason": decision.reason.strip(),
        "alternative": decision.alternative.strip(),
        "decided_by": office.actor,
        "decided_at_ms": ms_from_utc(office.now_utc),
    }
    if decision.is_accepted:
        values["slip_number"] = next_number(connection, SERIES)
    _change(connection, request_id, values)
    _after(connection, "application.decide", request_id, office)
    return get_application(connection, request_id)


def open_account(
    connection: Connection, request_id: str, account: Account, office: Office
) -> Application:
    """Return the application with contract, first volume and card; the home's file has them.

    Raises:
        ContractError: It was not accepted, opens no account, or a number is missing.
    """
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    found = get_application(connection, request_id)
    record = get_request(connection, request_id)
    if not found.is_accepted or not procedure_of(record).has_account:
        raise _refused("state", "is not an accepted opening of an account", "accept it first")
    if found.finished_at_utc is not None:
        raise _refused("card", "was handed over already", "reload the page")
    for name in ("contract_number", "invoice_number", "card_number"):
        if not str(getattr(account, name)).strip():
            raise _refused(name, "is empty", "the four steps are contract, invoice, volume, card")
    _change(
        connection,
        request_id,
        {
            "contract_number": account.contract_number.strip(),
            "invoice_number": account.invoice_number.strip(),
            "initial_m3": account.initial_m3,
            "card_number": account.card_number.strip(),
            "finished_at_ms": ms_from_utc(office.now_utc),
        },
    )
    _into_file(connection, record, account, office)
    _after(connection, "application.account", request_id, office)
    return get_application(connection, request_id)


def _into_file(
    connection: Connection, record: RequestRecord, account: Account, office: Office
) -> None:
    if record.premises_id is None:
        return
    today = office.now_utc.astimezone(office.zone).date()
    for kind, reference in (
        (DocumentKind.CONTRACT, account.contract_number),
        (DocumentKind.INVOICE, account.invoice_number),
        (DocumentKind.REGISTRATION_FORM, record.number),
        (DocumentKind.CARD, account.card_number),
    ):
        medium = record.medium or Medium.GAS
        new = NewDocument(medium=medium, kind=kind, reference=reference, dated_on=today)
        put_document(connection, record.premises_id, new, office)


def procedure_of(record: RequestRecord) -> Procedure:
    """Return what an application needs; raise ContractError for a request that is none."""
    found = PROCEDURES.get(record.request_class)
    if found is None:
        raise _refused("class", f"of {record.number} is {record.request_class}", "no application")
    return found


def find_application(connection: Connection, request_id: str) -> Application | None:
    """Return the application of a request, None before the customer was told."""
    query = select(APPLICATION).where(APPLICATION.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _application(row)


def get_application(connection: Connection, request_id: str) -> Application:
    """Return the application of a request; raise ContractError before the customer was told."""
    found = find_application(connection, request_id)
    if found is None:
        raise not_found(f"application of request {request_id!r}", "request")
    return found


def _undecided(connection: Connection, request_id: str) -> Application:
    found = get_application(connection, request_id)
    if found.is_accepted is not None:
        raise _refused("decision", "was made already", "reload the page")
    return found


def _change(
    connection: Connection, request_id: str, values: dict[str, str | int | float | bool | None]
) -> None:
    where = APPLICATION.c.request_id == request_id
    connection.execute(update(APPLICATION).where(where).values(**values))


def _after(connection: Connection, action: str, request_id: str, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=request_id, detail={})
    append_audit(connection, event, office.now_utc)
    append_feed(connection, Topic.REQUEST, request_id, office.now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="application", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _application(row: Row[str]) -> Application:
    finished = row.finished_at_ms
    return Application(
        request_id=row.request_id,
        told_by=row.told_by,
        told_at_utc=utc_from_ms(row.told_at_ms),
        shown=frozenset(row.shown.split()),
        is_accepted=row.is_accepted,
        slip_number=row.slip_number or "",
        reason=row.reason,
        alternative=row.alternative,
        contract_number=row.contract_number,
        invoice_number=row.invoice_number,
        initial_m3=row.initial_m3,
        card_number=row.card_number,
        finished_at_utc=None if finished is None else utc_from_ms(finished),
    )
