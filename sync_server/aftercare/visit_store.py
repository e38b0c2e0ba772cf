"""Owns agreed visits in the database."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, Row, func, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.aftercare.visit_follow_store import tell_order
from sync_server.aftercare.visits import (
    MUST,
    PREPARATIONS,
    VISIT_CYCLE,
    Visit,
    VisitEvent,
    VisitState,
    free_slots,
    is_over,
    leaves_letter,
)
from sync_server.db.aftercare_tables import VISIT
from sync_server.db.feed_store import Topic, append_feed
from sync_server.service_desk.clocks import ENDED
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from sync_server.work_orders.policy_store import policy_at
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc
from wire_contracts.request_states import RequestState

_OPEN = (str(VisitState.BOOKED), str(VisitState.CONFIRMED))
_MOST_SHOWN = 300

_NOTHING_TO_VISIT = ENDED | {RequestState.DONE, RequestState.REPLIED, RequestState.CONFIRMED}
"""The work is done: a visit agreed now would be for nothing, or for something that is not said."""


def slots_of(connection: Connection, day: date, office: Office) -> list[str]:
    """Return the slots of a day that have room and are not over, the earliest first."""
    query = (
        select(VISIT.c.slot, func.count().label("visits"))
        .where(VISIT.c.day == day.isoformat(), VISIT.c.state.in_(_OPEN))
        .group_by(VISIT.c.slot)
    )
    taken = {row.slot: row.visits for row in connection.execute(query)}
    most = round(policy_at(connection, "visit.slot.most", office.now_utc))
    here = office.now_utc.astimezone(office.zone)
    return [each for each in free_slots(taken, most) if not is_over(each, day, here)]


def book(  # noqa: PLR0913, PLR0917  # which request, when, what was told, by whom
    connection: Connection,
    request_id: str,
    day: date,
    slot: str,
    told: frozenset[str],
    office: Office,
) -> Visit:
    """Return the visit; one that was in vain before makes this the next attempt.

    Raises:
        ContractError: The role may not, the day or the slot is over, the slot is full, the request
            is done, has ended or has a visit, the customer was not told of the adult, or a letter
            was left already.
    """
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    record = get_request(connection, request_id, is_locked=True)
    if record.state in _NOTHING_TO_VISIT:
        raise _refused("request", f"{record.number} is {record.state}", "take a new one")
    if MUST not in told:
        raise _refused("adult", "was not told", "tell the customer that an adult must be at home")
    if day < office.now_utc.astimezone(office.zone).date():
        raise _refused("day", f"{day} is over", "choose a day to come")
    if slot not in slots_of(connection, day, office):
        raise _refused("slot", f"{slot} of {day} is full or over", "offer the first that is free")
    former = visits_of(connection, request_id)
    _check_former(connection, former, office)
    visit_id: int = connection.execute(
        insert(VISIT)
        .values(
            request_id=request_id,
            day=day.isoformat(),
            slot=slot,
            state=str(VisitState.BOOKED),
            prepared=" ".join(each for each in PREPARATIONS if each in told),
            attempt=1 + sum(each.state is VisitState.NO_ACCESS for each in former),
            result="",
            made_by=office.actor,
            changed_at_ms=ms_from_utc(office.now_utc),
        )
        .returning(VISIT.c.visit_id)
    ).scalar_one()
    _after(connection, "visit.book", request_id, office)
    visit = get_visit(connection, visit_id)
    tell_order(connection, visit, office)
    return visit


def _check_former(connection: Connection, former: Sequence[Visit], office: Office) -> None:
    if any(str(each.state) in _OPEN for each in former):
        raise _refused("visit", "is agreed already", "cancel it first")
    most = round(policy_at(connection, "visit.attempts.most", office.now_utc))
    if any(leaves_letter(each, most) for each in former):
        raise _refused("visit", f"was in vain {most} times", "a letter was left; wait for a call")


def move_visit(
    connection: Connection, visit_id: int, event: VisitEvent, result: str, office: Office
) -> Visit:
    """Return the visit after a step; one that ends needs its result in words."""
    check_may(connection, office.actor, Action.WORK_REQUEST)
    found = get_visit(connection, visit_id)
    following = VISIT_CYCLE.next_state(found.state, event)
    if event is not VisitEvent.CONFIRM and not result.strip():
        raise _refused("result", "is empty", "write what was found, or why not")
    connection.execute(
        update(VISIT)
        .where(VISIT.c.visit_id == visit_id)
        .values(
            state=str(following),
            result=result.strip(),
            changed_at_ms=ms_from_utc(office.now_utc),
        )
    )
    _after(connection, f"visit.{event}", found.request_id, office)
    return get_visit(connection, visit_id)


def get_visit(connection: Connection, visit_id: int) -> Visit:
    """Return one visit; raise ContractError when there is none of that number."""
    row = connection.execute(select(VISIT).where(VISIT.c.visit_id == visit_id)).one_or_none()
    if row is None:
        raise not_found(f"visit {visit_id}", "visit")
    return _visit(row)


def visits_of(connection: Connection, request_id: str) -> Sequence[Visit]:
    """Return the visits of a request, the oldest first."""
    query = select(VISIT).where(VISIT.c.request_id == request_id).order_by(VISIT.c.visit_id)
    return [_visit(row) for row in connection.execute(query)]


def coming_visits(connection: Connection) -> Sequence[Visit]:
    """Return the visits that are agreed and not made yet, by day and slot."""
    query = select(VISIT).where(VISIT.c.state.in_(_OPEN))
    query = query.order_by(VISIT.c.day, VISIT.c.slot, VISIT.c.visit_id).limit(_MOST_SHOWN)
    return [_visit(row) for row in connection.execute(query)]


def visits_in_vain(connection: Connection) -> Sequence[Visit]:
    """Return the newest visits at which nobody opened."""
    query = select(VISIT).where(VISIT.c.state == str(VisitState.NO_ACCESS))
    query = query.order_by(VISIT.c.visit_id.desc()).limit(_MOST_SHOWN)
    return [_visit(row) for row in connection.execute(query)]


def _after(connection: Connection, action: str, request_id: str, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=request_id, detail={})
    append_audit(connection, event, office.now_utc)
    append_feed(connection, Topic.REQUEST, request_id, office.now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="visit", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _visit(row: Row[str]) -> Visit:
    return Visit(
        visit_id=row.visit_id,
        request_id=row.request_id,
        day=date.fromisoformat(row.day),
        slot=row.slot,
        state=VisitState(row.state),
        prepared=frozenset(row.prepared.split()),
        attempt=row.attempt,
        result=row.result,
        made_by=row.made_by,
    )
