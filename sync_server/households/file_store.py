"""Owns documents, archive errors and reviews of homes in the database."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, Row, delete, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.customers.customer_store import get_household
from sync_server.db.asset_tables import METER
from sync_server.db.customer_tables import PREMISES_METER
from sync_server.db.home_tables import ARCHIVE_ISSUE, HOME_DOCUMENT, HOME_REVIEW
from sync_server.households.completeness import Contents
from sync_server.households.home_file import (
    Document,
    DocumentKind,
    Issue,
    IssueKind,
    NewDocument,
)
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.quantities import Medium

_MOST_SHOWN = 500


def add_document(
    connection: Connection, premises_id: str, new: NewDocument, office: Office
) -> None:
    """Put a document into the file of a home.

    Raises:
        ContractError: The role may not, there is no such home, or number or dates are not right.
    """
    check_may(connection, office.actor, Action.CHANGE_HOME)
    get_household(connection, premises_id)
    if not new.reference.strip():
        raise _refused("reference", "is empty", "write the number of the document")
    if new.valid_to is not None and new.valid_to < new.dated_on:
        raise _refused("valid_to", "is before its date", "correct one of the two")
    put_document(connection, premises_id, new, office)
    _audit(connection, "home.document", premises_id, office)


def put_document(
    connection: Connection, premises_id: str, new: NewDocument, office: Office
) -> None:
    """Put a document into a file without asking the role, for what follows from a step."""
    connection.execute(
        insert(HOME_DOCUMENT).values(
            premises_id=premises_id,
            medium=str(new.medium),
            kind=str(new.kind),
            reference=new.reference.strip(),
            dated_on=new.dated_on.isoformat(),
            valid_to=None if new.valid_to is None else new.valid_to.isoformat(),
            added_by=office.actor,
            added_at_ms=ms_from_utc(office.now_utc),
        )
    )


def open_issue(
    connection: Connection, premises_id: str, kind: IssueKind, text: str, office: Office
) -> None:
    """Note an error of the archive (rule A-27)."""
    check_may(connection, office.actor, Action.CHANGE_HOME)
    get_household(connection, premises_id)
    if not text.strip():
        raise _refused("text", "is empty", "write what is wrong")
    connection.execute(
        insert(ARCHIVE_ISSUE).values(
            premises_id=premises_id,
            kind=str(kind),
            text=text.strip(),
            opened_by=office.actor,
            opened_at_ms=ms_from_utc(office.now_utc),
            result="",
        )
    )
    _audit(connection, "home.issue", premises_id, office)


def fix_issue(connection: Connection, issue_id: int, result: str, office: Office) -> str:
    """Return the home whose error was put right."""
    check_may(connection, office.actor, Action.CHANGE_HOME)
    where = ARCHIVE_ISSUE.c.issue_id == issue_id
    row = connection.execute(select(ARCHIVE_ISSUE).where(where)).one_or_none()
    if row is None:
        raise not_found(f"archive error {issue_id}", "issue")
    if row.fixed_by is not None:
        raise _refused("result", "was written already", "reload the page")
    if not result.strip():
        raise _refused("result", "is empty", "write how it was put right")
    values = {"result": result.strip(), "fixed_by": office.actor}
    connection.execute(
        update(ARCHIVE_ISSUE).where(where).values(**values, fixed_at_ms=ms_from_utc(office.now_utc))
    )
    premises_id: str = row.premises_id
    _audit(connection, "home.issue_fixed", premises_id, office)
    return premises_id


def review(connection: Connection, premises_id: str, office: Office) -> None:
    """Note that somebody looked through the whole file."""
    check_may(connection, office.actor, Action.CHANGE_HOME)
    get_household(connection, premises_id)
    connection.execute(delete(HOME_REVIEW).where(HOME_REVIEW.c.premises_id == premises_id))
    connection.execute(
        insert(HOME_REVIEW).values(
            premises_id=premises_id,
            reviewed_by=office.actor,
            reviewed_at_ms=ms_from_utc(office.now_utc),
        )
    )
    _audit(connection, "home.review", premises_id, office)


def contents_of(connection: Connection, premises_id: str) -> Contents:
    """Return everything that the state of a home's file follows from."""
    household = get_household(connection, premises_id)
    metered = connection.execute(
        select(METER.c.medium)
        .join(PREMISES_METER, PREMISES_METER.c.meter_id == METER.c.meter_id)
        .where(PREMISES_METER.c.premises_id == premises_id)
    ).scalars()
    reviewed = connection.execute(
        select(HOME_REVIEW.c.reviewed_at_ms).where(HOME_REVIEW.c.premises_id == premises_id)
    ).scalar_one_or_none()
    documents = select(HOME_DOCUMENT).where(HOME_DOCUMENT.c.premises_id == premises_id)
    issues = select(ARCHIVE_ISSUE).where(ARCHIVE_ISSUE.c.premises_id == premises_id)
    return Contents(
        documents=[
            _document(row)
            for row in connection.execute(documents.order_by(HOME_DOCUMENT.c.document_id.desc()))
        ],
        issues=[
            _issue(row)
            for row in connection.execute(issues.order_by(ARCHIVE_ISSUE.c.issue_id.desc()))
        ],
        metered=frozenset(Medium(each) for each in metered),
        is_heated=household.premises.is_heated,
        reviewed_at_utc=None if reviewed is None else utc_from_ms(reviewed),
    )


def open_issues(connection: Connection) -> Sequence[Issue]:
    """Return the errors that nobody put right, by class, the oldest first."""
    where = ARCHIVE_ISSUE.c.fixed_at_ms.is_(None)
    order = (ARCHIVE_ISSUE.c.kind, ARCHIVE_ISSUE.c.issue_id)
    query = select(ARCHIVE_ISSUE).where(where).order_by(*order).limit(_MOST_SHOWN)
    return [_issue(row) for row in connection.execute(query)]


def contracts(connection: Connection) -> Sequence[Document]:
    """Return the contracts, those that end first before those without an end."""
    where = HOME_DOCUMENT.c.kind == str(DocumentKind.CONTRACT)
    ends = HOME_DOCUMENT.c.valid_to
    query = select(HOME_DOCUMENT).where(where).order_by(ends.is_(None), ends)
    return [_document(row) for row in connection.execute(query.limit(_MOST_SHOWN))]


def _audit(connection: Connection, action: str, premises_id: str, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=premises_id, detail={})
    append_audit(connection, event, office.now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(place="home", field=field, problem=problem, remedy=remedy, code=Code.STATE)


def _document(row: Row[str]) -> Document:
    return Document(
        document_id=row.document_id,
        premises_id=row.premises_id,
        medium=Medium(row.medium),
        kind=DocumentKind(row.kind),
        reference=row.reference,
        dated_on=date.fromisoformat(row.dated_on),
        valid_to=None if row.valid_to is None else date.fromisoformat(row.valid_to),
        added_by=row.added_by,
        added_at_utc=utc_from_ms(row.added_at_ms),
    )


def _issue(row: Row[str]) -> Issue:
    return Issue(
        issue_id=row.issue_id,
        premises_id=row.premises_id,
        kind=IssueKind(row.kind),
        text=row.text,
        opened_at_utc=utc_from_ms(row.opened_at_ms),
        result=row.result,
        fixed_by=row.fixed_by,
    )
