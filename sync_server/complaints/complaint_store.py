"""What the centre does with complaints: verify, judge, agree measures, hear appeals.

The caller owns the transaction. The request itself goes on meanwhile (rule C-32).
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.complaints.complaint import (
    VERDICT,
    Appeal,
    Cause,
    Complaint,
    ComplaintEvent,
    ComplaintState,
    Family,
    Judgement,
    Measure,
    Violation,
    family_of,
)
from sync_server.complaints.penalties import Concern
from sync_server.complaints.penalty_store import Proposed, propose, waive_for
from sync_server.complaints.verdicts import check_appeal, check_decision, check_judgement
from sync_server.db.complaint_tables import COMPLAINT, COMPLAINT_APPEAL, COMPLAINT_MEASURE
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.feed_store import Topic, append_feed
from sync_server.service_desk.request import RequestKind, RequestRecord
from sync_server.service_desk.request_rows_store import change_request, get_request, steps_of
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from sync_server.work_orders.policy_store import policy_or_none
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.request_states import RequestEvent

APPEAL_DAYS = 7.0
"""Where no policy `complaint.appeal.days` holds."""

_HANDLED = frozenset({RequestEvent.START, RequestEvent.FINISH, RequestEvent.REPLY})
_KINDS = frozenset({RequestKind.COMPLAINT, RequestKind.WHISTLE_BLOW})
_MOST_SHOWN = 200

Values = dict[str, str | int | None]


def verify(connection: Connection, request_id: str, facts: str, office: Office) -> Complaint:
    """Return the complaint with what was found out; more facts are added to those there are.

    Raises:
        ContractError: The role may not, it is no complaint, or the verdict was given.
    """
    check_may(connection, office.actor, Action.WORK_REQUEST)
    record = get_request(connection, request_id, is_locked=True)
    if record.kind not in _KINDS:
        raise _refused("kind", f"of {record.number} is {record.kind}", "only complaints are judged")
    if not facts.strip():
        raise _refused("facts", "is empty", "write what was found out")
    known = find_complaint(connection, request_id)
    if known is None:
        _insert(connection, record, facts.strip(), office)
    elif known.state is ComplaintState.VERIFYING:
        _change(connection, request_id, {"facts": f"{known.facts}\n{facts.strip()}"}, office)
    else:
        raise _refused("facts", f"came after the verdict ({known.state})", "appeal against it")
    _audit(connection, "complaint.verify", request_id, office)
    return get_complaint(connection, request_id)


def judge(
    connection: Connection, request_id: str, judgement: Judgement, office: Office
) -> Complaint:
    """Return the complaint with its verdict; a violation of conduct proposes a penalty.

    Raises:
        ContractError: The role may not, or the verdict lacks something.
        RefusedTransition: It has a verdict.
    """
    check_may(connection, office.actor, Action.JUDGE_COMPLAINT)
    found = get_complaint(connection, request_id)
    record = get_request(connection, request_id)
    check_judgement(found, judgement, _handlers(connection, record))
    finds = ComplaintEvent.FIND_RESPONSIBLE
    event = finds if judgement.is_responsible else ComplaintEvent.FIND_NOT_RESPONSIBLE
    violation = judgement.violation if judgement.is_responsible else None
    values: Values = {
        "state": str(VERDICT.next_state(found.state, event)),
        "violation": None if violation is None else str(violation),
        "cause": None if judgement.cause is None else str(judgement.cause),
        "reason": judgement.reason.strip(),
        "judged_by": office.actor,
        "judged_at_ms": ms_from_utc(office.now_utc),
    }
    _change(connection, request_id, values, office)
    _audit(connection, f"complaint.{event}", request_id, office)
    if violation is not None and found.family is Family.CONDUCT:
        subject = Proposed(
            concern=Concern.COMPLAINT,
            subject=request_id,
            account_id=found.assigned_to or record.owner,
            is_repeat=record.repeat_of is not None,
        )
        propose(connection, subject, office)
    return get_complaint(connection, request_id)


def _handlers(connection: Connection, record: RequestRecord) -> frozenset[str]:
    steps = steps_of(connection, record.request_id)
    return frozenset(each.actor for each in steps if each.event in _HANDLED)


def appeal(connection: Connection, request_id: str, statement: str, office: Office) -> Complaint:
    """Return the complaint with an appeal against its verdict (rule C-42)."""
    check_may(connection, office.actor, Action.APPEAL_COMPLAINT)
    found = get_complaint(connection, request_id)
    following = VERDICT.next_state(found.state, ComplaintEvent.APPEAL)
    days = policy_or_none(connection, "complaint.appeal.days", office.now_utc)
    check_appeal(found, statement, APPEAL_DAYS if days is None else days, office.now_utc)
    connection.execute(
        insert(COMPLAINT_APPEAL).values(
            request_id=request_id,
            statement=statement.strip(),
            by_actor=office.actor,
            at_ms=ms_from_utc(office.now_utc),
            reason="",
        )
    )
    _change(connection, request_id, {"state": str(following)}, office)
    _audit(connection, "complaint.appeal", request_id, office)
    return get_complaint(connection, request_id)


def decide_appeal(
    connection: Connection, request_id: str, event: ComplaintEvent, reason: str, office: Office
) -> Complaint:
    """Return the complaint whose verdict stands or changed; a changed one waives its penalty."""
    check_may(connection, office.actor, Action.APPROVE_PENALTY)
    found = get_complaint(connection, request_id)
    following = VERDICT.next_state(found.state, event)
    check_decision(found, office.actor, reason)
    connection.execute(
        update(COMPLAINT_APPEAL)
        .where(COMPLAINT_APPEAL.c.request_id == request_id, COMPLAINT_APPEAL.c.decision.is_(None))
        .values(
            decision=str(event),
            reason=reason.strip(),
            decided_by=office.actor,
            decided_at_ms=ms_from_utc(office.now_utc),
        )
    )
    _change(connection, request_id, {"state": str(following)}, office)
    if event is ComplaintEvent.CHANGE:
        waive_for(connection, request_id, reason.strip(), office)
    _audit(connection, f"complaint.{event}", request_id, office)
    return get_complaint(connection, request_id)


def dispute(connection: Connection, request_id: str, text: str, office: Office) -> Complaint:
    """Return the complaint with what departments disagree about, beside the work (rule C-32)."""
    check_may(connection, office.actor, Action.WORK_REQUEST)
    get_complaint(connection, request_id)
    if not text.strip():
        raise _refused("dispute", "is empty", "write who should answer for it, and why")
    _change(connection, request_id, {"dispute": text.strip(), "disputed_by": office.actor}, office)
    _audit(connection, "complaint.dispute", request_id, office)
    return get_complaint(connection, request_id)


def assign_by_force(
    connection: Connection, request_id: str, account_id: str, office: Office
) -> Complaint:
    """Return the complaint that the centre gave to somebody: the request is theirs (rule C-40)."""
    check_may(connection, office.actor, Action.JUDGE_COMPLAINT)
    get_complaint(connection, request_id)
    record = get_request(connection, request_id, is_locked=True)
    _change(connection, request_id, {"assigned_to": account_id}, office)
    change_request(connection, record, {"owner": account_id}, office.now_utc)
    _audit(connection, "complaint.assign", request_id, office)
    return get_complaint(connection, request_id)


def add_measure(  # noqa: PLR0913, PLR0917  # what, who, until when, and who says so
    connection: Connection, request_id: str, text: str, owner: str, due_on: date, office: Office
) -> None:
    """Agree on what is put right, by whom, until which day (rule A-09)."""
    check_may(connection, office.actor, Action.WORK_REQUEST)
    get_complaint(connection, request_id)
    if not text.strip():
        raise _refused("measure", "is empty", "write what is put right")
    connection.execute(
        insert(COMPLAINT_MEASURE).values(
            request_id=request_id,
            text=text.strip(),
            owner=owner,
            due_on=due_on.isoformat(),
            added_by=office.actor,
            added_at_ms=ms_from_utc(office.now_utc),
        )
    )
    _audit(connection, "complaint.measure", request_id, office)


def end_measure(connection: Connection, measure_id: int, office: Office) -> str:
    """Return the complaint whose measure was carried out."""
    check_may(connection, office.actor, Action.WORK_REQUEST)
    where = COMPLAINT_MEASURE.c.measure_id == measure_id
    row = connection.execute(select(COMPLAINT_MEASURE).where(where)).one_or_none()
    if row is None:
        raise not_found(f"measure {measure_id}", "measure")
    if row.done_at_ms is not None:
        raise _refused("measure", "was carried out already", "reload the page")
    connection.execute(
        update(COMPLAINT_MEASURE)
        .where(where)
        .values(done_by=office.actor, done_at_ms=ms_from_utc(office.now_utc))
    )
    request_id: str = row.request_id
    _audit(connection, "complaint.measure_done", request_id, office)
    return request_id


def find_complaint(connection: Connection, request_id: str) -> Complaint | None:
    """Return the complaint of a request, None while nobody looked into it."""
    query = select(COMPLAINT).where(COMPLAINT.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _complaint(row)


def get_complaint(connection: Connection, request_id: str) -> Complaint:
    """Return the complaint of a request; raise ContractError when nobody looked into it yet."""
    found = find_complaint(connection, request_id)
    if found is None:
        raise not_found(f"complaint of request {request_id!r}", "request")
    return found


def newest_complaints(
    connection: Connection, states: Sequence[ComplaintState]
) -> Sequence[Complaint]:
    """Return the newest complaints of these states, at most 200."""
    query = (
        select(COMPLAINT)
        .where(COMPLAINT.c.state.in_([str(each) for each in states]))
        .order_by(COMPLAINT.c.changed_at_ms.desc())
        .limit(_MOST_SHOWN)
    )
    return [_complaint(row) for row in connection.execute(query)]


def complaints_between(
    connection: Connection, from_utc: datetime, to_utc: datetime
) -> Sequence[Complaint]:
    """Return the complaints of requests received from then until before then."""
    received = SERVICE_REQUEST.c.received_at_ms
    query = (
        select(COMPLAINT)
        .join(SERVICE_REQUEST, SERVICE_REQUEST.c.request_id == COMPLAINT.c.request_id)
        .where(received >= ms_from_utc(from_utc), received < ms_from_utc(to_utc))
        .order_by(received)
    )
    return [_complaint(row) for row in connection.execute(query)]


def measures_of(connection: Connection, request_id: str | None) -> Sequence[Measure]:
    """Return the measures of a complaint, or the open ones of all: the soonest due first."""
    open_ones = COMPLAINT_MEASURE.c.done_at_ms.is_(None)
    where = open_ones if request_id is None else COMPLAINT_MEASURE.c.request_id == request_id
    query = select(COMPLAINT_MEASURE).where(where).order_by(COMPLAINT_MEASURE.c.due_on)
    return [
        Measure(
            measure_id=row.measure_id,
            request_id=row.request_id,
            text=row.text,
            owner=row.owner,
            due_on=date.fromisoformat(row.due_on),
            done_by=row.done_by,
            done_at_utc=None if row.done_at_ms is None else utc_from_ms(row.done_at_ms),
        )
        for row in connection.execute(query.limit(_MOST_SHOWN))
    ]


def appeals_of(connection: Connection, request_id: str) -> Sequence[Appeal]:
    """Return the appeals of a complaint, the oldest first."""
    query = (
        select(COMPLAINT_APPEAL)
        .where(COMPLAINT_APPEAL.c.request_id == request_id)
        .order_by(COMPLAINT_APPEAL.c.appeal_id)
    )
    return [
        Appeal(
            appeal_id=row.appeal_id,
            statement=row.statement,
            by_actor=row.by_actor,
            at_utc=utc_from_ms(row.at_ms),
            decision=None if row.decision is None else ComplaintEvent(row.decision),
            reason=row.reason,
            decided_by=row.decided_by,
        )
        for row in connection.execute(query)
    ]


def _insert(connection: Connection, record: RequestRecord, facts: str, office: Office) -> None:
    now_ms = ms_from_utc(office.now_utc)
    connection.execute(
        insert(COMPLAINT).values(
            request_id=record.request_id,
            state=str(ComplaintState.VERIFYING),
            family=str(family_of(record.request_class)),
            facts=facts,
            opened_by=office.actor,
            opened_at_ms=now_ms,
            reason="",
            dispute="",
            changed_at_ms=now_ms,
        )
    )
    append_feed(connection, Topic.REQUEST, record.request_id, office.now_utc)


def _change(connection: Connection, request_id: str, values: Values, office: Office) -> None:
    connection.execute(
        update(COMPLAINT)
        .where(COMPLAINT.c.request_id == request_id)
        .values(**values, changed_at_ms=ms_from_utc(office.now_utc))
    )
    append_feed(connection, Topic.REQUEST, request_id, office.now_utc)


def _audit(connection: Connection, action: str, request_id: str, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=request_id, detail={})
    append_audit(connection, event, office.now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="complaint", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _complaint(row: Row[str]) -> Complaint:
    return Complaint(
        request_id=row.request_id,
        state=ComplaintState(row.state),
        family=Family(row.family),
        facts=row.facts,
        opened_by=row.opened_by,
        opened_at_utc=utc_from_ms(row.opened_at_ms),
        violation=None if row.violation is None else Violation(row.violation),
        cause=None if row.cause is None else Cause(row.cause),
        reason=row.reason,
        judged_by=row.judged_by,
        judged_at_utc=None if row.judged_at_ms is None else utc_from_ms(row.judged_at_ms),
        dispute=row.dispute,
        disputed_by=row.disputed_by,
        assigned_to=row.assigned_to,
    )
