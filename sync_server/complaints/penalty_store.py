"""Owns the penalties in the database: proposed by policy, approved or waived by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, Row, func, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.complaints.penalties import (
    Concern,
    Penalty,
    PenaltyState,
    yuan_growing,
    yuan_on_ladder,
)
from sync_server.db.complaint_tables import PENALTY
from sync_server.db.desk_tables import PHONE_CALL
from sync_server.service_desk.calls import CallState, call_back_by
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from sync_server.work_orders.policy_store import policies_at
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_MOST_SHOWN = 200
_LADDER = ("penalty.missed_call.1", "penalty.missed_call.2", "penalty.missed_call.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What a penalty is proposed for: `subject` is a request's or a call's id."""

    concern: Concern
    subject: str
    account_id: str
    is_repeat: bool = False


def propose(connection: Connection, proposed: Proposed, office: Office) -> Penalty | None:
    """Return the new proposal; None when there is one for the subject, or no policy for it."""
    if _of_subject(connection, proposed.concern, proposed.subject) is not None:
        return None
    policies = policies_at(connection, "penalty.", office.now_utc)
    nth = 1 + _this_month(connection, proposed, office)
    yuan = _yuan(proposed, nth, policies)
    if yuan is None:
        return None
    penalty_id: int = connection.execute(
        insert(PENALTY)
        .values(
            concern=str(proposed.concern),
            subject=proposed.subject,
            account_id=proposed.account_id,
            yuan=yuan,
            nth=nth,
            is_doubled=int(proposed.is_repeat),
            state=str(PenaltyState.PROPOSED),
            proposed_at_ms=ms_from_utc(office.now_utc),
            reason="",
        )
        .returning(PENALTY.c.penalty_id)
    ).scalar_one()
    _audit(connection, "penalty.propose", penalty_id, office, yuan)
    return get_penalty(connection, penalty_id)


def _yuan(proposed: Proposed, nth: int, policies: dict[str, float]) -> int | None:
    if proposed.concern is Concern.MISSED_CALL:
        ladder = [policies[name] for name in _LADDER if name in policies]
        return yuan_on_ladder(ladder, nth) if ladder else None
    base = policies.get(f"penalty.{proposed.concern}")
    return None if base is None else yuan_growing(base, nth, is_repeat=proposed.is_repeat)


def _this_month(connection: Connection, proposed: Proposed, office: Office) -> int:
    """Return how many proposals of the kind the person has this month that were not waived."""
    query = select(func.count()).where(
        PENALTY.c.account_id == proposed.account_id,
        PENALTY.c.concern == str(proposed.concern),
        PENALTY.c.state != str(PenaltyState.WAIVED),
        PENALTY.c.proposed_at_ms >= ms_from_utc(month_start(office.now_utc, office.zone)),
    )
    return connection.execute(query).scalar_one()


def month_start(now_utc: datetime, zone: tzinfo) -> datetime:
    """Return when the site's month began."""
    here = now_utc.astimezone(zone)
    return here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def propose_for_missed_calls(connection: Connection, office: Office) -> int:
    """Return how many proposals came of calls that their seat missed and called back too late."""
    limits = policies_at(connection, "sla.", office.now_utc)
    missed = [str(CallState.MISSED), str(CallState.CALLED_BACK)]
    since_ms = ms_from_utc(month_start(office.now_utc, office.zone))
    rows = connection.execute(
        select(PHONE_CALL)
        .where(
            PHONE_CALL.c.state.in_(missed),
            PHONE_CALL.c.answered_by.is_not(None),
            PHONE_CALL.c.rang_at_ms >= since_ms,
        )
        .order_by(PHONE_CALL.c.rang_at_ms)
    ).all()
    made = 0
    for row in rows:
        due_utc = call_back_by(utc_from_ms(row.rang_at_ms), office.zone, limits)
        back_ms = row.called_back_at_ms
        at_utc = office.now_utc if back_ms is None else utc_from_ms(back_ms)
        if at_utc > due_utc:
            subject = Proposed(
                concern=Concern.MISSED_CALL, subject=row.call_id, account_id=row.answered_by
            )
            made += propose(connection, subject, office) is not None
    return made


def decide_penalty(
    connection: Connection, penalty_id: int, state: PenaltyState, reason: str, office: Office
) -> Penalty:
    """Return the proposal, approved or waived with its reason.

    Raises:
        ContractError: There is none, it was decided, the reason is empty, or the role may not.
    """
    check_may(connection, office.actor, Action.APPROVE_PENALTY)
    found = get_penalty(connection, penalty_id)
    if found.state is not PenaltyState.PROPOSED:
        raise _refused(found, "state", f"is {found.state} already", "reload the page")
    if not reason.strip():
        raise _refused(found, "reason", "is empty", "write why")
    _decide(connection, found, state, reason.strip(), office)
    return get_penalty(connection, penalty_id)


def waive_for(connection: Connection, subject: str, reason: str, office: Office) -> None:
    """Waive what was proposed for a complaint whose verdict changed; what was approved too."""
    found = _of_subject(connection, Concern.COMPLAINT, subject)
    if found is not None and found.state is not PenaltyState.WAIVED:
        _decide(connection, found, PenaltyState.WAIVED, reason, office)


def _decide(
    connection: Connection, found: Penalty, state: PenaltyState, reason: str, office: Office
) -> None:
    connection.execute(
        update(PENALTY)
        .where(PENALTY.c.penalty_id == found.penalty_id)
        .values(
            state=str(state),
            reason=reason,
            decided_by=office.actor,
            decided_at_ms=ms_from_utc(office.now_utc),
        )
    )
    _audit(connection, f"penalty.{state}", found.penalty_id, office, found.yuan)


def get_penalty(connection: Connection, penalty_id: int) -> Penalty:
    """Return one proposal; raise ContractError when there is none of that number."""
    row = connection.execute(
        select(PENALTY).where(PENALTY.c.penalty_id == penalty_id)
    ).one_or_none()
    if row is None:
        raise not_found(f"penalty {penalty_id}", "penalty")
    return _penalty(row)


def list_penalties(connection: Connection) -> Sequence[Penalty]:
    """Return the newest proposals, what waits for a decision first."""
    is_decided = PENALTY.c.state != str(PenaltyState.PROPOSED)
    query = select(PENALTY).order_by(is_decided, PENALTY.c.penalty_id.desc()).limit(_MOST_SHOWN)
    return [_penalty(row) for row in connection.execute(query)]


def _of_subject(connection: Connection, concern: Concern, subject: str) -> Penalty | None:
    query = select(PENALTY).where(PENALTY.c.concern == str(concern), PENALTY.c.subject == subject)
    row = connection.execute(query).one_or_none()
    return None if row is None else _penalty(row)


def _audit(connection: Connection, action: str, penalty_id: int, office: Office, yuan: int) -> None:
    event = AuditEvent(
        actor=office.actor, action=action, subject=str(penalty_id), detail={"yuan": yuan}
    )
    append_audit(connection, event, office.now_utc)


def _refused(found: Penalty, field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"penalty {found.penalty_id}",
        field=field,
        problem=problem,
        remedy=remedy,
        code=Code.STATE,
    )


def _penalty(row: Row[str]) -> Penalty:
    return Penalty(
        penalty_id=row.penalty_id,
        concern=Concern(row.concern),
        subject=row.subject,
        account_id=row.account_id,
        yuan=row.yuan,
        nth=row.nth,
        is_doubled=bool(row.is_doubled),
        state=PenaltyState(row.state),
        proposed_at_utc=utc_from_ms(row.proposed_at_ms),
        decided_by=row.decided_by,
        reason=row.reason,
    )
