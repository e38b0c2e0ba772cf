"""What the office does with requests: take, send, work, answer, close; the role decides who may.

The caller owns the transaction. Every function leaves the path, the next clock and the feed right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from sqlalchemy import Connection, select

from sync_server.access.account_store import get_person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action
from sync_server.db.asset_tables import COMMUNITY, METER
from sync_server.db.desk_tables import CALENDAR_DAY
from sync_server.service_desk.approvals import approval_policy, check_approval
from sync_server.service_desk.catalogue import ORDER_TITLES, RULES
from sync_server.service_desk.clocks import Matter, Terms, clocks_of, next_due
from sync_server.service_desk.likeness import is_crew_at_it
from sync_server.service_desk.request import (
    Caller,
    NewRequest,
    NoteKind,
    RequestNote,
    RequestRecord,
    RequestStep,
)
from sync_server.service_desk.request_guards import (
    KIND_OF_TEXT,
    WITHOUT_A_CREW,
    Attempt,
    check_second_person,
    check_step,
)
from sync_server.service_desk.request_rows_store import (
    Values,
    caller_of,
    change_request,
    get_request,
    insert_commitments,
    insert_note,
    insert_request,
    keep_due,
    matter_of,
    move_request,
)
from sync_server.service_desk.working_calendar import WorkingCalendar
from sync_server.staff.skill_store import Work, fit_crews
from sync_server.work_orders.instructions import instructions_for
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import check_may, create_order, least_busy_crew
from sync_server.work_orders.person_store import save_person
from sync_server.work_orders.policy_store import due_at, policies_at, policy_or_none
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.order_person import OrderPerson
from wire_contracts.quantities import Medium
from wire_contracts.request_states import REQUEST, RequestEvent, RequestState
from wire_contracts.texts import BilingualText

_E = RequestEvent

ACTION_OF_EVENT: Mapping[RequestEvent, Action] = {
    _E.CLASSIFY: Action.TAKE_REQUEST,
    _E.SOLVE: Action.TAKE_REQUEST,
    _E.DISPATCH: Action.TAKE_REQUEST,
    _E.AWAIT_ANSWER: Action.TAKE_REQUEST,
    _E.MARK_DUPLICATE: Action.TAKE_REQUEST,
    _E.SUSPECT_MALICIOUS: Action.TAKE_REQUEST,
    _E.BOUNCE: Action.WORK_REQUEST,
    _E.ACCEPT: Action.WORK_REQUEST,
    _E.ASSIGN: Action.DISPATCH_ORDER,
    _E.START: Action.WORK_REQUEST,
    _E.SUBMIT_UNFINISHED: Action.WORK_REQUEST,
    _E.FINISH: Action.WORK_REQUEST,
    _E.AWAIT_CUSTOMER: Action.WORK_REQUEST,
    _E.SUSPEND: Action.WORK_REQUEST,
    _E.RESUME: Action.WORK_REQUEST,
    _E.REPLY: Action.WORK_REQUEST,
    _E.CONFIRM: Action.CALL_BACK,
    _E.REOPEN: Action.CALL_BACK,
    _E.CLOSE: Action.CLOSE_REQUEST,
    _E.ARCHIVE: Action.CLOSE_REQUEST,
    _E.DECLINE: Action.CLOSE_REQUEST,
    _E.CLEAR_SUSPICION: Action.CLOSE_REQUEST,
}
"""Every event; who may is asked of the role, whether it is possible of the life cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who acts, when, and in which zone a day is a day."""

    actor: str
    now_utc: datetime
    zone: tzinfo


ACTION_OF_NOTE: Mapping[NoteKind, Action] = {
    NoteKind.REPLY_APPROVED: Action.CLOSE_REQUEST,
    NoteKind.REPLY_RETURNED: Action.CLOSE_REQUEST,
}
"""Notes that not everybody who works on requests may write."""


def load_terms(connection: Connection, office: Office) -> Terms:
    """Return the limits and the calendar that hold now."""
    rows = connection.execute(select(CALENDAR_DAY.c.day, CALENDAR_DAY.c.is_working))
    days = {date.fromisoformat(row.day): row.is_working for row in rows}
    return Terms(
        limits=policies_at(connection, "sla.", office.now_utc),
        calendar=WorkingCalendar(zone=office.zone, exceptions=days),
    )


def record_request(
    connection: Connection, new: NewRequest, promised: Sequence[str], office: Office
) -> RequestRecord:
    """Return the request, recorded and classified; whoever took it owns it.

    Raises:
        ContractError: The role may not take requests, or nothing says where or who.
    """
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    if RULES[new.request_class].order_type is not None and not new.address.strip():
        raise ContractError(
            place="intake",
            field="address",
            problem="is empty",
            remedy="choose a home or write where it is; a crew must find it",
            code=Code.FIELD_MISSING,
        )
    record = insert_request(connection, new, office.actor, office.now_utc)
    insert_commitments(connection, record.request_id, promised, office.now_utc)
    event = AuditEvent(
        actor=office.actor,
        action="request.take",
        subject=record.request_id,
        detail={"class": str(new.request_class)},
    )
    append_audit(connection, event, office.now_utc)
    return step(connection, record, Attempt(event=_E.CLASSIFY, actor=office.actor, text=""), office)


def take_step(
    connection: Connection, request_id: str, attempt: Attempt, office: Office
) -> RequestRecord:
    """Return the request after a step that somebody takes on its page.

    Raises:
        ContractError: No such request, the role may not, or something is missing for the step.
        RefusedTransition: The life cycle does not list it; the text lists what is possible.
    """
    record = get_request(connection, request_id, is_locked=True)
    check_may(connection, attempt.actor, action_of(record, attempt.event))
    check_second_person(record, attempt)
    _check_approval(connection, matter_of(connection, record), attempt, office)
    taken = step(connection, record, attempt, office)
    if record.is_safety and attempt.event in WITHOUT_A_CREW:
        event = AuditEvent(
            actor=attempt.actor,
            action="request.no_crew",
            subject=request_id,
            detail={"step": str(attempt.event), "reason": attempt.text.strip()},
        )
        append_audit(connection, event, office.now_utc)
    return taken


def action_of(record: RequestRecord, event: RequestEvent) -> Action:
    """Return what a step asks of the role: to leave a danger without a crew asks more."""
    is_danger = record.is_safety and event in WITHOUT_A_CREW
    return Action.LEAVE_DANGER if is_danger else ACTION_OF_EVENT[event]


def _check_approval(
    connection: Connection, matter: Matter, attempt: Attempt, office: Office
) -> None:
    level = policy_or_none(connection, approval_policy(matter, attempt), office.now_utc)
    if level:
        writers = {each.actor for each in matter.notes if each.kind is NoteKind.STEP_APPROVED}
        roles = {each: get_person(connection, each).role for each in writers}
        check_approval(matter, attempt, round(level), roles)


def step(  # noqa: PLR0913  # the step, and what else changes with it
    connection: Connection,
    record: RequestRecord,
    attempt: Attempt,
    office: Office,
    *,
    changed: Values | None = None,
    happened_at_utc: datetime | None = None,
) -> RequestRecord:
    """Return the request after a step; guards and life cycle are asked, roles are not."""
    matter = matter_of(connection, record)
    following = REQUEST.next_state(record.state, attempt.event)
    check_step(matter, attempt, _doers(matter.steps, matter.notes), office.zone)
    taken = RequestStep(
        event=attempt.event,
        from_state=record.state,
        to_state=following,
        actor=attempt.actor,
        reason="",
        happened_at_utc=happened_at_utc or office.now_utc,
        recorded_at_utc=office.now_utc,
    )
    values = {**_following_values(record, attempt, following), **(changed or {})}
    record = move_request(connection, record, taken, values)
    if attempt.text.strip():
        kind = KIND_OF_TEXT.get(attempt.event, NoteKind.PROGRESS)
        _note(connection, record.request_id, kind, attempt, taken.happened_at_utc)
    return renew_due(connection, record, office)


def _doers(steps: Sequence[RequestStep], notes: Sequence[RequestNote]) -> frozenset[str]:
    """Return who did the work or wrote its result or reply (K5: the doer does not call back)."""
    worked = {_E.START, _E.FINISH, _E.REPLY, _E.ASSIGN}
    return frozenset(
        [each.actor for each in steps if each.event in worked]
        + [each.actor for each in notes if each.kind in {NoteKind.RESULT, NoteKind.REPLY}]
    )


def _following_values(record: RequestRecord, attempt: Attempt, following: RequestState) -> Values:
    values: dict[str, str | int | bool | None] = {}
    if attempt.event in {_E.ACCEPT, _E.START} and record.owner != attempt.actor:
        values["owner"] = attempt.actor
    if attempt.event is _E.BOUNCE:
        values |= {"owner": record.first_contact, "team": None}
    if attempt.event is _E.REOPEN:
        values["reopen_count"] = record.reopen_count + 1
    if attempt.is_satisfied is not None and following is RequestState.CONFIRMED:
        values["is_satisfied"] = attempt.is_satisfied
    return values


def _note(
    connection: Connection, request_id: str, kind: NoteKind, attempt: Attempt, at_utc: datetime
) -> None:
    parts = (attempt.text.strip(), attempt.alternative.strip())
    text = "\n→ ".join(each for each in parts if each)
    note = RequestNote(kind=kind, actor=attempt.actor, text=text, at_utc=at_utc)
    insert_note(connection, request_id, note)


def add_note(
    connection: Connection, request_id: str, kind: NoteKind, text: str, office: Office
) -> RequestRecord:
    """Return the request with what somebody noted; quality alone judges a written reply."""
    check_may(connection, office.actor, ACTION_OF_NOTE.get(kind, Action.WORK_REQUEST))
    record = get_request(connection, request_id, is_locked=True)
    note = RequestNote(kind=kind, actor=office.actor, text=text.strip(), at_utc=office.now_utc)
    insert_note(connection, request_id, note)
    record = change_request(connection, record, {}, office.now_utc)
    return renew_due(connection, record, office)


def renew_due(connection: Connection, record: RequestRecord, office: Office) -> RequestRecord:
    """Return the request with the clock that is over next, found from its whole path."""
    clocks = clocks_of(matter_of(connection, record), load_terms(connection, office))
    keep_due(connection, record, next_due(clocks, record.state))
    return get_request(connection, record.request_id)


def send_slip(
    connection: Connection, record: RequestRecord, team: str | None, office: Office
) -> RequestRecord:
    """Return the request, sent as a slip that a dispatcher or leader accepts or bounces."""
    attempt = Attempt(event=_E.DISPATCH, actor=office.actor, text="")
    return step(connection, record, attempt, office, changed={"team": team})


def send_crew(
    connection: Connection, record: RequestRecord, crew_id: str | None, office: Office
) -> RequestRecord:
    """Return the request with an order that is released to a crew, and the crew's contact.

    Without a crew the least busy one goes. From `accepted` the order is assigned, else it is
    dispatched.

    Raises:
        ContractError: The role may not send a crew of this class, or no crew exists.
    """
    chosen = crew_id or least_busy_crew(connection, among=_fit_crews(connection, record, office))
    if chosen is None:
        raise ContractError(
            place=f"request {record.number}",
            field="crew",
            problem="there is no crew that is fit for it",
            remedy="add a crew on the page Accounts, or note a skill on the page Staff",
            code=Code.NOT_FOUND,
        )
    order_id = _make_order(connection, record, chosen, office)
    changed: Values = {"team": chosen, "order_id": order_id, "order_steps_seen": 0}
    if record.state is RequestState.ASSIGNED:  # reopened: the same request, a further visit
        return renew_due(
            connection, change_request(connection, record, changed, office.now_utc), office
        )
    is_accepted = record.state is RequestState.ACCEPTED
    attempt = Attempt(event=_E.ASSIGN if is_accepted else _E.DISPATCH, actor=office.actor, text="")
    return step(connection, record, attempt, office, changed=changed)


def _fit_crews(
    connection: Connection, record: RequestRecord, office: Office
) -> frozenset[str] | None:
    """Return the crews that can do what the request's order asks for; None: all (rule A-06)."""
    rule = RULES[record.request_class]
    if rule.order_type is None:
        return None
    work = Work(
        order_type=rule.order_type,
        medium=record.medium or rule.medium or Medium.WATER,
        safety_class=record.safety_class,
    )
    return fit_crews(connection, work, office.now_utc)


def _make_order(connection: Connection, record: RequestRecord, crew_id: str, office: Office) -> str:
    rule = RULES[record.request_class]
    if rule.order_type is None:
        raise ContractError(
            place=f"request {record.number}",
            field="class",
            problem=f"{record.request_class} is nothing that a crew drives out for",
            remedy="send it as a slip",
            code=Code.STATE,
        )
    medium = record.medium or rule.medium or Medium.WATER
    title = ORDER_TITLES[record.request_class]
    new = NewOrder(
        order_type=rule.order_type,
        medium=medium,
        safety_class=record.safety_class,
        priority=record.priority,
        title=BilingualText(en=f"{title.en}, {record.number}", zh=f"{title.zh}，{record.number}"),
        address=record.address,
        area_id=_area_of(connection, record.community_id),
        meter_id=_known_meter(connection, record.meter_id),
        instructions=instructions_for(rule.order_type, medium),
        due_at_utc=due_at(connection, rule.order_type, record.safety_class, office.now_utc),
        crew_id=crew_id,
    )
    order = create_order(connection, new, office.actor, office.now_utc)
    caller = caller_of(connection, record.request_id)
    if caller is not None and (caller.name or caller.phone):
        save_person(connection, order.order_id, _contact(caller), office.actor, office.now_utc)
    return order.order_id


def _contact(caller: Caller) -> OrderPerson:
    return OrderPerson(name=caller.name or "—", phone=caller.phone, note=caller.words[:4000])


def _area_of(connection: Connection, community_id: str | None) -> str | None:
    query = select(COMMUNITY.c.area_id).where(COMMUNITY.c.community_id == community_id)
    return connection.execute(query).scalar_one_or_none()


def _known_meter(connection: Connection, meter_id: str | None) -> str | None:
    query = select(METER.c.meter_id).where(METER.c.meter_id == meter_id)
    return connection.execute(query).scalar_one_or_none()


def same_matter(
    connection: Connection, record: RequestRecord, known: RequestRecord, office: Office
) -> RequestRecord:
    """Return the request as one more call about a known one; that one learns of it.

    Raises:
        ContractError: The known one is of another class, or a danger that no crew is at now.
    """
    if known.request_class is not record.request_class:
        raise ContractError(
            place=f"request {record.number}",
            field="duplicate_of",
            problem=f"{known.number} is {known.request_class}, not {record.request_class}",
            remedy="send it alone",
            code=Code.STATE,
        )
    if record.is_safety and not is_crew_at_it(known, office.now_utc):
        raise ContractError(
            place=f"request {record.number}",
            field="duplicate_of",
            problem=f"no crew is at {known.number} now",
            remedy="send a crew to it by itself",
            code=Code.STATE,
        )
    attempt = Attempt(event=_E.MARK_DUPLICATE, actor=office.actor, text="")
    changed: Values = {"duplicate_of": known.request_id}
    done = step(connection, record, attempt, office, changed=changed)
    text = f"{record.number}"
    note = RequestNote(kind=NoteKind.PROGRESS, actor=office.actor, text=text, at_utc=office.now_utc)
    insert_note(connection, known.request_id, note)
    change_request(connection, known, {}, office.now_utc)
    return done
