"""Answers what nobody looked at and whom to call; keeps who was called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, func, insert, select

from sync_server.db.access_tables import ACCOUNT, TABLET
from sync_server.db.alert_tables import ALERT
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.order_tables import FACT, POLICY, WORK_ORDER
from sync_server.db.paging_tables import PAGE_SENT
from sync_server.db.shift_tables import SHIFT_HANDOVER
from sync_server.db.sync_tables import QUIET_CALL, REVIEW_ITEM
from sync_server.detection.watch.round_store import Rounds, load_rounds
from sync_server.paging.paging import (
    Concern,
    LastPage,
    PagingTerms,
    Unheard,
    is_ahead,
    next_step,
    roles_at,
)
from sync_server.shifts.delegation_store import standing_in
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.request_states import RequestState
from wire_contracts.work_order_states import WorkOrderState

_SAFETY_PRIORITY = 1
_CONTROL_ROOM = "control_room"
_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePage:
    """One call to be made now."""

    unheard: Unheard
    step: int
    addressee: str
    language: str


def unheard_things(connection: Connection, now_utc: datetime) -> Sequence[Unheard]:
    """Return the dangers that nobody looked at, at most fifty of a kind."""
    return [
        *_alerts(connection),
        *_crews_in_danger(connection),
        *_slips(connection, now_utc),
        *_order_slips(connection, now_utc),
        *_detection(load_rounds(connection), now_utc),
    ]


def _detection(rounds: Rounds, now_utc: datetime) -> list[Unheard]:
    """Return that the detectors do not look any more; a server that just began has its first."""
    began_utc = rounds.good_at_utc or rounds.awaited_from_utc
    late_utc = rounds.late_from_utc()
    if began_utc is None or late_utc is None or now_utc < late_utc:
        return []
    minutes = int((now_utc - began_utc).total_seconds() // 60)
    return [
        Unheard(
            concern=Concern.DETECTION,
            subject=f"detection-{ms_from_utc(began_utc)}",
            name=f"{minutes // 60} h {minutes % 60} min",
            since_utc=max(late_utc, rounds.awaited_from_utc or late_utc),
        )
    ]


def _read(connection: Connection, concern: Concern, query: Select[str, str, int]) -> list[Unheard]:
    """Return the rows of a query as what nobody looked at: each says what, its name, since when."""
    return [
        Unheard(concern=concern, subject=subject, name=name, since_utc=utc_from_ms(since_ms))
        for subject, name, since_ms in connection.execute(query.limit(_MOST))
    ]


def _alerts(connection: Connection) -> list[Unheard]:
    query = (
        select(ALERT.c.alert_id, ALERT.c.meter_id, ALERT.c.raised_at_ms)
        .where(ALERT.c.condition == str(Condition.UNACKNOWLEDGED))
        .where(ALERT.c.visibility == str(Visibility.SHOWN))
        .where(ALERT.c.medium == str(Medium.GAS), ALERT.c.priority == _SAFETY_PRIORITY)
        .order_by(ALERT.c.raised_at_ms)
    )
    return _read(connection, Concern.SAFETY_ALERT, query)


def _slips(connection: Connection, now_utc: datetime) -> list[Unheard]:
    query = (
        select(SERVICE_REQUEST.c.request_id, SERVICE_REQUEST.c.number, SERVICE_REQUEST.c.due_at_ms)
        .where(SERVICE_REQUEST.c.state == str(RequestState.DISPATCHED))
        .where(SERVICE_REQUEST.c.safety_class == str(SafetyClass.A))
        .where(SERVICE_REQUEST.c.due_at_ms < ms_from_utc(now_utc))
        .order_by(SERVICE_REQUEST.c.due_at_ms)
    )
    return _read(connection, Concern.DANGER_SLIP, query)


def _order_slips(connection: Connection, now_utc: datetime) -> list[Unheard]:
    """Return the dangers that no crew accepted and that no request, paged above, stands for."""
    asked = select(SERVICE_REQUEST.c.order_id).where(
        SERVICE_REQUEST.c.state == str(RequestState.DISPATCHED),
        SERVICE_REQUEST.c.order_id.is_not(None),
    )
    query = (
        select(WORK_ORDER.c.order_id, WORK_ORDER.c.number, WORK_ORDER.c.due_at_ms)
        .where(WORK_ORDER.c.state == str(WorkOrderState.RELEASED))
        .where(WORK_ORDER.c.safety_class == str(SafetyClass.A))
        .where(WORK_ORDER.c.due_at_ms < ms_from_utc(now_utc))
        .where(WORK_ORDER.c.order_id.not_in(asked))
        .order_by(WORK_ORDER.c.due_at_ms)
    )
    return _read(connection, Concern.ORDER_SLIP, query)


def _crews_in_danger(connection: Connection) -> list[Unheard]:
    """Return the calls of crews that nobody has dealt with and that are not over by now.

    A crew is named, no person. The newest come first: they can still be helped.
    """
    crew = func.coalesce(func.nullif(TABLET.c.crew_id, ""), "?")
    query = (
        select(REVIEW_ITEM.c.review_id, crew, REVIEW_ITEM.c.created_at_ms)
        .outerjoin(FACT, FACT.c.fact_id == REVIEW_ITEM.c.entity_id)
        .outerjoin(TABLET, TABLET.c.tablet_id == FACT.c.tablet_id)
        .outerjoin(QUIET_CALL, QUIET_CALL.c.review_id == REVIEW_ITEM.c.review_id)
        .where(REVIEW_ITEM.c.resolved_at_ms.is_(None), QUIET_CALL.c.review_id.is_(None))
        .where(REVIEW_ITEM.c.kind == _CREW_DANGER)
        .order_by(REVIEW_ITEM.c.created_at_ms.desc())
    )
    return _read(connection, Concern.CREW_DANGER, query)


_CREW_DANGER = "crew_danger"
"""`sync.review_store.ReviewKind.CREW_DANGER`; the parts do not import each other."""


def due_pages(connection: Connection, now_utc: datetime) -> list[DuePage]:
    """Return the calls that are due now; a step without anybody to call is passed over.

    Where there is nobody further up, those of the first step are called again.
    """
    terms = load_terms(connection, now_utc)
    found = []
    for unheard in unheard_things(connection, now_utc):
        last = _last(connection, unheard)
        following = next_step(unheard, last, terms)
        if following is not None and (following[1] <= now_utc or is_ahead(unheard, last, now_utc)):
            step = following[0]
            people = _people_at(connection, step, now_utc)
            while not people and step < len(_STEPS):
                step += 1
                people = _people_at(connection, step, now_utc)
            found += [
                DuePage(unheard=unheard, step=step, addressee=who, language=language)
                for who, language in people or _people_at(connection, 0, now_utc)
            ]
    return found


_STEPS = (0, 1, 2)


def load_terms(connection: Connection, now_utc: datetime) -> PagingTerms:
    """Return the policies that hold: 60 s and 120 s where the utility has set none."""
    return PagingTerms(
        wait=timedelta(seconds=_policy(connection, "paging.wait.seconds", 60, now_utc)),
        repeat=timedelta(seconds=_policy(connection, "paging.repeat.seconds", 120, now_utc)),
    )


def _policy(connection: Connection, name: str, otherwise: float, now_utc: datetime) -> float:
    query = (
        select(POLICY.c.value)
        .where(POLICY.c.name == name, POLICY.c.valid_from_ms <= ms_from_utc(now_utc))
        .order_by(POLICY.c.valid_from_ms.desc())
        .limit(1)
    )
    value = connection.execute(query).scalar_one_or_none()
    return otherwise if value is None else float(value)


def _last(connection: Connection, unheard: Unheard) -> LastPage | None:
    row = connection.execute(
        select(PAGE_SENT.c.step, func.max(PAGE_SENT.c.at_ms).label("at_ms"))
        .where(PAGE_SENT.c.subject == unheard.subject)
        .where(PAGE_SENT.c.concern == str(unheard.concern))
        .group_by(PAGE_SENT.c.step)
        .order_by(PAGE_SENT.c.step.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else LastPage(step=row.step, at_utc=utc_from_ms(row.at_ms))


def _people_at(connection: Connection, step: int, now_utc: datetime) -> list[tuple[str, str]]:
    """Return account and language of whom a step calls, stand-ins too."""
    query = select(ACCOUNT.c.account_id, ACCOUNT.c.language).where(ACCOUNT.c.is_active)
    holder = _shift_holder(connection) if step == 0 else None
    if holder is not None:
        query = query.where(ACCOUNT.c.account_id == holder)
    else:
        query = query.where(ACCOUNT.c.role.in_([str(each) for each in roles_at(step)]))
    rows = connection.execute(query.order_by(ACCOUNT.c.account_id)).all()
    people = {row.account_id: row.language for row in rows}
    return _with_stand_ins(connection, people, now_utc)


def _with_stand_ins(
    connection: Connection, people: Mapping[str, str], now_utc: datetime
) -> list[tuple[str, str]]:
    """Return the people with whoever stands in for one of them now, each once (rule C-35).

    Whoever is away is still called: a registered absence does not make a danger quieter.
    """
    away = standing_in(connection, now_utc)
    stand_ins = {away[each].to_account for each in people if each in away} - set(people)
    query = select(ACCOUNT.c.account_id, ACCOUNT.c.language).where(
        ACCOUNT.c.is_active, ACCOUNT.c.account_id.in_(sorted(stand_ins))
    )
    rows = connection.execute(query.order_by(ACCOUNT.c.account_id))
    return [*people.items(), *((row.account_id, row.language) for row in rows)]


def _shift_holder(connection: Connection) -> str | None:
    """Return who took the control room's shift last, None when nobody ever did."""
    query = (
        select(SHIFT_HANDOVER.c.to_actor)
        .where(SHIFT_HANDOVER.c.desk == _CONTROL_ROOM, SHIFT_HANDOVER.c.to_actor.is_not(None))
        .order_by(SHIFT_HANDOVER.c.handover_id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def keep_page(connection: Connection, page: DuePage, now_utc: datetime) -> None:
    """Keep that somebody was called."""
    connection.execute(
        insert(PAGE_SENT).values(
            concern=str(page.unheard.concern),
            subject=page.unheard.subject,
            step=page.step,
            addressee=page.addressee,
            at_ms=ms_from_utc(now_utc),
        )
    )
