"""Owns what somebody could not decide and asked above, with the answers."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.account_store import get_person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action, Role
from sync_server.complaints.escalation import Escalation, addressee
from sync_server.complaints.penalties import Concern
from sync_server.complaints.penalty_store import Proposed, propose
from sync_server.db.complaint_tables import ESCALATION
from sync_server.db.feed_store import Topic, append_feed
from sync_server.service_desk.clocks import Light, clocks_of
from sync_server.service_desk.request import NoteKind, RequestRecord
from sync_server.service_desk.request_rows_store import get_request, matter_of
from sync_server.service_desk.request_store import Office, add_note, load_terms
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_MOST_SHOWN = 200
_LEADERS = frozenset({Role.DIRECTOR, Role.QUALITY_OFFICER})


def escalate(connection: Connection, request_id: str, question: str, office: Office) -> Escalation:
    """Return the question, put to whom the matrix names; a late slip proposes a penalty (C-38).

    Raises:
        ContractError: The role may not, or the question is empty.
    """
    check_may(connection, office.actor, Action.WORK_REQUEST)
    record = get_request(connection, request_id, is_locked=True)
    if not question.strip():
        raise _refused("question", "is empty", "write what has to be decided")
    role = addressee(record)
    escalation_id: int = connection.execute(
        insert(ESCALATION)
        .values(
            request_id=request_id,
            to_role=str(role),
            question=question.strip(),
            by_actor=office.actor,
            at_ms=ms_from_utc(office.now_utc),
            answer="",
        )
        .returning(ESCALATION.c.escalation_id)
    ).scalar_one()
    _propose_if_late(connection, record, office)
    _audit(connection, "request.escalate", request_id, office)
    append_feed(connection, Topic.REQUEST, request_id, office.now_utc)
    return _get(connection, escalation_id)


def answer(connection: Connection, escalation_id: int, text: str, office: Office) -> Escalation:
    """Return the question with its answer, which the request's record shows too.

    Raises:
        ContractError: There is none, it was answered, the text is empty, or it is another role's.
    """
    found = _get(connection, escalation_id)
    check_may(connection, office.actor, Action.WORK_REQUEST)
    role = get_person(connection, office.actor).role
    if role is not found.to_role and role not in _LEADERS:
        raise _refused("role", f"is {role}", f"the question waits for {found.to_role}")
    if found.answered_by is not None:
        raise _refused("answer", "was given already", "reload the page")
    if not text.strip():
        raise _refused("answer", "is empty", "write what was decided")
    connection.execute(
        update(ESCALATION)
        .where(ESCALATION.c.escalation_id == escalation_id)
        .values(
            answer=text.strip(),
            answered_by=office.actor,
            answered_at_ms=ms_from_utc(office.now_utc),
        )
    )
    add_note(connection, found.request_id, NoteKind.DECIDED, text, office)
    _audit(connection, "request.decide", found.request_id, office)
    return _get(connection, escalation_id)


def open_escalations(connection: Connection) -> Sequence[Escalation]:
    """Return the questions that nobody answered, the oldest first."""
    where = ESCALATION.c.answered_at_ms.is_(None)
    query = select(ESCALATION).where(where).order_by(ESCALATION.c.escalation_id)
    return [_escalation(row) for row in connection.execute(query.limit(_MOST_SHOWN))]


def escalations_of(connection: Connection, request_id: str) -> Sequence[Escalation]:
    """Return the questions about a request, the oldest first."""
    where = ESCALATION.c.request_id == request_id
    query = select(ESCALATION).where(where).order_by(ESCALATION.c.escalation_id)
    return [_escalation(row) for row in connection.execute(query)]


def _propose_if_late(connection: Connection, record: RequestRecord, office: Office) -> None:
    clocks = clocks_of(matter_of(connection, record), load_terms(connection, office))
    is_late = any(
        each.code == "CL5" and each.light(office.now_utc) is Light.LATE for each in clocks
    )
    if is_late and record.owner != office.actor:
        subject = Proposed(
            concern=Concern.LATE_SLIP,
            subject=record.request_id,
            account_id=record.owner,
            is_repeat=record.repeat_of is not None,
        )
        propose(connection, subject, office)


def _get(connection: Connection, escalation_id: int) -> Escalation:
    query = select(ESCALATION).where(ESCALATION.c.escalation_id == escalation_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"question {escalation_id}", "escalation")
    return _escalation(row)


def _audit(connection: Connection, action: str, request_id: str, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=request_id, detail={})
    append_audit(connection, event, office.now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="escalation", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _escalation(row: Row[str]) -> Escalation:
    at_ms = row.answered_at_ms
    return Escalation(
        escalation_id=row.escalation_id,
        request_id=row.request_id,
        to_role=Role(row.to_role),
        question=row.question,
        by_actor=row.by_actor,
        at_utc=utc_from_ms(row.at_ms),
        answer=row.answer,
        answered_by=row.answered_by,
        answered_at_utc=None if at_ms is None else utc_from_ms(at_ms),
    )
