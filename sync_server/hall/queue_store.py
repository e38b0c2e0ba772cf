"""Owns the day's numbers in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, update

from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.hall_tables import HALL_VISIT
from sync_server.hall.queue import (
    HALL,
    LAST_COUNTER,
    HallEvent,
    HallState,
    HallVisit,
    Need,
    next_for,
)
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_HERE = (str(HallState.WAITING), str(HallState.CALLED))


def give_number(
    connection: Connection, need: Need, office: Office, *, is_first: bool = False
) -> HallVisit:
    """Return the next number of the day."""
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    day = office.now_utc.astimezone(office.zone).date().isoformat()
    last = select(func.coalesce(func.max(HALL_VISIT.c.number), 0)).where(HALL_VISIT.c.day == day)
    hall_visit_id: int = connection.execute(
        insert(HALL_VISIT)
        .values(
            day=day,
            number=connection.execute(last).scalar_one() + 1,
            need=str(need),
            is_first=is_first,
            state=str(HallState.WAITING),
            came_at_ms=ms_from_utc(office.now_utc),
        )
        .returning(HALL_VISIT.c.hall_visit_id)
    ).scalar_one()
    append_feed(connection, Topic.REQUEST, f"hall-{hall_visit_id}", office.now_utc)
    return get_visit(connection, hall_visit_id)


def call_next(connection: Connection, counter: int, office: Office) -> HallVisit | None:
    """Return whom a window calls now; None when nobody waits.

    Raises:
        ContractError: There is no such window, or the role may not.
    """
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    if not 1 <= counter <= LAST_COUNTER:
        raise ContractError(
            place="hall",
            field="counter",
            problem=f"{counter} is no window",
            remedy=f"give 1 to {LAST_COUNTER}",
            code=Code.FIELD_RANGE,
        )
    waiting = [each for each in visits_here(connection, office) if each.state is HallState.WAITING]
    found = next_for(waiting, counter)
    if found is None:
        return None
    return move_visit(connection, found.hall_visit_id, HallEvent.CALL, office, counter=counter)


def move_visit(
    connection: Connection,
    hall_visit_id: int,
    event: HallEvent,
    office: Office,
    *,
    counter: int | None = None,
) -> HallVisit:
    """Return the visit after a step; raise RefusedTransition when it is not possible."""
    check_may(connection, office.actor, Action.TAKE_REQUEST)
    found = get_visit(connection, hall_visit_id)
    following = HALL.next_state(found.state, event)
    now_ms = ms_from_utc(office.now_utc)
    values: dict[str, int | str | None] = {"state": str(following)}
    if event is HallEvent.CALL:
        values |= {"called_by": office.actor, "counter": counter or found.counter}
        values["called_at_ms"] = (
            now_ms if found.called_at_utc is None else ms_from_utc(found.called_at_utc)
        )
    else:
        values["ended_at_ms"] = now_ms
    connection.execute(
        update(HALL_VISIT).where(HALL_VISIT.c.hall_visit_id == hall_visit_id).values(**values)
    )
    append_feed(connection, Topic.REQUEST, f"hall-{hall_visit_id}", office.now_utc)
    return get_visit(connection, hall_visit_id)


def get_visit(connection: Connection, hall_visit_id: int) -> HallVisit:
    """Return one visit; raise ContractError when there is none."""
    query = select(HALL_VISIT).where(HALL_VISIT.c.hall_visit_id == hall_visit_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"number {hall_visit_id}", "number")
    return _visit(row)


def visits_here(connection: Connection, office: Office) -> Sequence[HallVisit]:
    """Return who is in the hall now, by number."""
    day = office.now_utc.astimezone(office.zone).date().isoformat()
    query = select(HALL_VISIT).where(HALL_VISIT.c.day == day, HALL_VISIT.c.state.in_(_HERE))
    return [_visit(row) for row in connection.execute(query.order_by(HALL_VISIT.c.number))]


def visits_between(connection: Connection, first_day: str, end_day: str) -> Sequence[HallVisit]:
    """Return the visits of days from the first until before the end, in their order."""
    query = select(HALL_VISIT).where(HALL_VISIT.c.day >= first_day, HALL_VISIT.c.day < end_day)
    rows = connection.execute(query.order_by(HALL_VISIT.c.day, HALL_VISIT.c.number))
    return [_visit(row) for row in rows]


def _visit(row: Row[str]) -> HallVisit:
    return HallVisit(
        hall_visit_id=row.hall_visit_id,
        day=row.day,
        number=row.number,
        need=Need(row.need),
        is_first=row.is_first,
        counter=row.counter,
        state=HallState(row.state),
        came_at_utc=utc_from_ms(row.came_at_ms),
        called_at_utc=_moment(row.called_at_ms),
        called_by=row.called_by,
        ended_at_utc=_moment(row.ended_at_ms),
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else utc_from_ms(milliseconds)
