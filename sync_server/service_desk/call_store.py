"""Owns the calls in the database: what rings, what was missed, who called back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.customers.customer import digits_of
from sync_server.db.access_tables import ACCOUNT
from sync_server.db.desk_tables import PHONE_CALL
from sync_server.db.feed_store import Topic, append_feed
from sync_server.service_desk.calls import CallEvent, CallNotice, CallState, call_after
from sync_server.service_desk.recording_store import keep_recording
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_TIME_OF = {
    CallEvent.RINGING: "rang_at_ms",
    CallEvent.ANSWERED: "answered_at_ms",
    CallEvent.ENDED: "ended_at_ms",
    CallEvent.MISSED: "ended_at_ms",
}
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call."""

    call_id: str
    state: CallState
    number_dialled: str
    caller: str
    rang_at_utc: datetime
    answered_at_utc: datetime | None
    answered_by: str | None


def note_call(connection: Connection, notice: CallNotice, now_utc: datetime) -> CallState:
    """Return the call's state after an event; one that changes nothing leaves it as it is."""
    where = PHONE_CALL.c.call_id == notice.call_id
    row = connection.execute(select(PHONE_CALL.c.state).where(where).with_for_update()).first()
    former = None if row is None else CallState(row.state)
    if row is not None and notice.recording:
        keep_recording(connection, notice.call_id, notice.recording, now_utc)
    following = call_after(former, notice.event)
    if following is None:
        return former or CallState.RINGING
    at_ms = ms_from_utc(notice.at_utc)
    values: dict[str, str | int | None] = {
        "state": str(following),
        _TIME_OF[notice.event]: at_ms,
        "changed_at_ms": ms_from_utc(now_utc),
    }
    if notice.seat:
        values["answered_by"] = _account_of(connection, notice.seat)
    if notice.hung_up_by:
        values["hung_up_by"] = notice.hung_up_by
    if former is None:
        new = {"rang_at_ms": at_ms, "number_dialled": notice.number, "caller": notice.caller}
        new["caller_digits"] = digits_of(notice.caller)
        connection.execute(insert(PHONE_CALL).values(call_id=notice.call_id, **{**new, **values}))
    else:
        connection.execute(update(PHONE_CALL).where(where).values(**values))
    append_feed(connection, Topic.CALL, notice.call_id, now_utc)
    return following


def _account_of(connection: Connection, login: str) -> str | None:
    query = select(ACCOUNT.c.account_id).where(ACCOUNT.c.login == login)
    return connection.execute(query).scalar_one_or_none()


def waiting_calls(connection: Connection) -> Sequence[CallRecord]:
    """Return what rings and what was missed and not called back, the oldest first, at most 20."""
    states = [str(CallState.RINGING), str(CallState.MISSED)]
    query = (
        select(PHONE_CALL)
        .where(PHONE_CALL.c.state.in_(states))
        .order_by(PHONE_CALL.c.state.desc(), PHONE_CALL.c.rang_at_ms)
        .limit(MOST_SHOWN)
    )
    return [_record(row) for row in connection.execute(query)]


def caller_of_call(connection: Connection, call_id: str) -> str:
    """Return the number that a call came from; empty when it is not known."""
    query = select(PHONE_CALL.c.caller).where(PHONE_CALL.c.call_id == call_id)
    return connection.execute(query).scalar_one_or_none() or ""


def called_back(connection: Connection, call_id: str, actor: str, now_utc: datetime) -> None:
    """Note that somebody called a missed caller back.

    Raises:
        ContractError: There is no such call, or nobody missed it.
    """
    where = PHONE_CALL.c.call_id == call_id
    row = connection.execute(select(PHONE_CALL.c.state).where(where).with_for_update()).first()
    if row is None:
        raise not_found(f"call {call_id!r}", "call")
    if CallState(row.state) is not CallState.MISSED:
        raise ContractError(
            place=f"call {call_id}",
            field="state",
            problem=f"is {row.state}, not missed",
            remedy="reload the page",
            code=Code.STATE,
        )
    connection.execute(
        update(PHONE_CALL)
        .where(where)
        .values(
            state=str(CallState.CALLED_BACK),
            called_back_at_ms=ms_from_utc(now_utc),
            called_back_by=actor,
            changed_at_ms=ms_from_utc(now_utc),
        )
    )
    event = AuditEvent(actor=actor, action="call.back", subject=call_id, detail={})
    append_audit(connection, event, now_utc)
    append_feed(connection, Topic.CALL, call_id, now_utc)


def _record(row: Row[str]) -> CallRecord:
    answered_ms = row.answered_at_ms
    return CallRecord(
        call_id=row.call_id,
        state=CallState(row.state),
        number_dialled=row.number_dialled,
        caller=row.caller,
        rang_at_utc=utc_from_ms(row.rang_at_ms),
        answered_at_utc=None if answered_ms is None else utc_from_ms(answered_ms),
        answered_by=row.answered_by,
    )
