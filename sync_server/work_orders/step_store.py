"""The steps that orders took, as what a tablet repeats is held against them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, case, func, select, update

from sync_server.db.order_tables import WORK_ORDER_EVENT
from sync_server.db.sync_tables import TOLD_BEFORE
from wire_contracts.frames import LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.work_order_states import CREW_EVENTS, WorkOrderEvent


def had_crew(connection: Connection, order_id: str, crew_id: str) -> bool:
    """Return whether the crew ever had the order: it worked on it, or it was released to it."""
    asked = {"of_order": order_id, "of_crew": crew_id}
    return connection.execute(_HAD, asked).first() is not None


_HAD = select(WORK_ORDER_EVENT.c.event_id).where(
    WORK_ORDER_EVENT.c.order_id == bindparam("of_order"),
    WORK_ORDER_EVENT.c.crew_id == bindparam("of_crew"),
)


def has_step(
    connection: Connection,
    order_id: str,
    event: WorkOrderEvent,
    crew_id: str,
    since_utc: datetime | None = None,
) -> bool:
    """Return whether the crew has taken this step since the order was last given out to work on.

    Of what was written since a moment; None: ever.
    """
    asked = {
        "of_order": order_id,
        "of_event": str(event),
        "of_crew": crew_id,
        "since_ms": 0 if since_utc is None else ms_from_utc(since_utc),
        "until_ms": LATEST_MS,
    }
    return connection.execute(_HAS_STEP, asked).first() is not None


def had_accepted(connection: Connection, order_id: str, crew_id: str, until_utc: datetime) -> bool:
    """Return whether the crew had accepted the order by then, since it was last given out."""
    asked = {
        "of_order": order_id,
        "of_event": str(WorkOrderEvent.ACCEPT),
        "of_crew": crew_id,
        "since_ms": 0,
        "until_ms": ms_from_utc(until_utc),
    }
    return connection.execute(_HAS_STEP, asked).first() is not None


_GIVEN_OUT = [
    str(each) for each in (WorkOrderEvent.RELEASE, WorkOrderEvent.REASSIGN, WorkOrderEvent.REOPEN)
]
"""The office's steps after which a crew takes its own anew."""

_SINCE_GIVEN_OUT = (
    select(func.coalesce(func.max(WORK_ORDER_EVENT.c.event_id), 0))
    .where(
        WORK_ORDER_EVENT.c.order_id == bindparam("of_order"),
        WORK_ORDER_EVENT.c.event.in_(_GIVEN_OUT),
    )
    .scalar_subquery()
)

_HAS_STEP = _HAD.where(
    WORK_ORDER_EVENT.c.event == bindparam("of_event"),
    WORK_ORDER_EVENT.c.recorded_at_ms.between(bindparam("since_ms"), bindparam("until_ms")),
    WORK_ORDER_EVENT.c.event_id > _SINCE_GIVEN_OUT,
)


def has_told_step(
    connection: Connection, order_id: str, event: WorkOrderEvent, crew_id: str
) -> bool:
    """Return whether a former server had taken this step of the crew's, as tablets told."""
    asked = {"of_order": order_id, "of_event": str(event), "of_crew": crew_id}
    return connection.execute(_HAS_TOLD_STEP, asked).first() is not None


class VisitEnd(NamedTuple):
    """When the server knew that a crew had ended its last visit to an order; which operation did.

    Of what was repeated after a restore: since when the former one knew; where nothing tells that,
    since it came; `ended_at_utc`: when it was tapped, if that is later than the word before it.
    `word_utc`: the last word of the server that `crew_id` surely had.
    """

    known_at_utc: datetime
    ended_at_utc: datetime
    word_utc: datetime
    crew_id: str | None
    op_id: str | None


def last_end(connection: Connection, order_id: str) -> VisitEnd | None:
    """Return how the order's newest visit ended that did, None when none has."""
    row = connection.execute(_LAST_END, {"of_order": order_id}).first()
    if row is None:
        return None
    known_at_utc, word_utc = utc_from_ms(row.known_at_ms), utc_from_ms(row.last_word_ms)
    ended_at_utc = utc_from_ms(max(row.last_word_ms, row.happened_at_ms))
    return VisitEnd(known_at_utc, ended_at_utc, word_utc, row.crew_id, row.op_id)


_KNOWN_AT = func.coalesce(WORK_ORDER_EVENT.c.word_ms, WORK_ORDER_EVENT.c.recorded_at_ms)
_IS_TOLD = (
    select(TOLD_BEFORE.c.op_id)
    .where(TOLD_BEFORE.c.op_id == WORK_ORDER_EVENT.c.op_id, TOLD_BEFORE.c.told_ms > 0)
    .exists()
)
_ENDED_AT = case(
    (~_IS_TOLD, WORK_ORDER_EVENT.c.recorded_at_ms),
    (WORK_ORDER_EVENT.c.happened_at_ms > _KNOWN_AT, WORK_ORDER_EVENT.c.happened_at_ms),
    else_=_KNOWN_AT,
)
"""The office reopens only what a server has heard of."""

_HAS_TOLD_STEP = _HAD.where(WORK_ORDER_EVENT.c.event == bindparam("of_event"), _IS_TOLD)
_ENDS = (WorkOrderEvent.FINISH, WorkOrderEvent.CANNOT_FINISH, WorkOrderEvent.NO_ACCESS)
_LAST_END = (
    select(
        _ENDED_AT.label("known_at_ms"),
        _KNOWN_AT.label("last_word_ms"),
        WORK_ORDER_EVENT.c.happened_at_ms,
        WORK_ORDER_EVENT.c.crew_id,
        WORK_ORDER_EVENT.c.op_id,
    )
    .where(
        WORK_ORDER_EVENT.c.order_id == bindparam("of_order"),
        WORK_ORDER_EVENT.c.event.in_([str(each) for each in _ENDS]),
    )
    .order_by(WORK_ORDER_EVENT.c.event_id.desc())
    .limit(1)
)


def last_step_at(connection: Connection, order_id: str) -> datetime | None:
    """Return of when the order's newest step is, None while it has taken none.

    What was done here counts from when it was written; what a tablet repeated after a restore, from
    the word of the server that it knew when it was done.
    """
    at_ms = connection.execute(_LAST_STEP, {"of_order": order_id}).scalar_one_or_none()
    return None if at_ms is None else utc_from_ms(at_ms)


_LAST_STEP = select(func.max(_KNOWN_AT)).where(WORK_ORDER_EVENT.c.order_id == bindparam("of_order"))


def last_step_of(connection: Connection, order_id: str, crew_id: str) -> datetime | None:
    """Return of when the crew's newest own step of the order is, as `last_step_at`."""
    asked = {"of_order": order_id, "of_crew": crew_id}
    at_ms = connection.execute(_LAST_STEP_OF, asked).scalar_one_or_none()
    return None if at_ms is None else utc_from_ms(at_ms)


_LAST_STEP_OF = _LAST_STEP.where(
    WORK_ORDER_EVENT.c.crew_id == bindparam("of_crew"),
    WORK_ORDER_EVENT.c.event.in_([str(each) for each in sorted(CREW_EVENTS)]),
)


def raise_word(
    connection: Connection, order_id: str, event: WorkOrderEvent, crew_id: str, word_utc: datetime
) -> None:
    """Note that the crew took the order's step also after a later word of the server."""
    asked = {
        "of_order": order_id,
        "of_event": str(event),
        "of_crew": crew_id,
        "of_word": ms_from_utc(word_utc),
    }
    connection.execute(_RAISE_WORD, asked)


_RAISE_WORD = (
    update(WORK_ORDER_EVENT)
    .where(
        WORK_ORDER_EVENT.c.order_id == bindparam("of_order"),
        WORK_ORDER_EVENT.c.event == bindparam("of_event"),
        WORK_ORDER_EVENT.c.crew_id == bindparam("of_crew"),
        bindparam("of_word") > _KNOWN_AT,
    )
    .values(word_ms=bindparam("of_word"))
)
