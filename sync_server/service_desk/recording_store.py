"""Owns where recordings of calls are kept; the sound itself stays with the telephone system."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from sync_server.access.account_store import Person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found, role_refused
from sync_server.access.roles import Action, Role, may
from sync_server.db.desk_tables import PHONE_CALL
from sync_server.db.recording_tables import CALL_RECORDING
from sync_server.work_orders.policy_store import policy_at
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc

LONGEST_REFERENCE = 400


def keep_recording(connection: Connection, call_id: str, reference: str, now_utc: datetime) -> None:
    """Keep where the recording of a call lies; a later word of the telephone system holds."""
    is_here = CALL_RECORDING.c.call_id == call_id
    connection.execute(delete(CALL_RECORDING).where(is_here))
    connection.execute(
        insert(CALL_RECORDING).values(
            call_id=call_id,
            reference=reference[:LONGEST_REFERENCE],
            told_at_ms=ms_from_utc(now_utc),
        )
    )


def has_recording(connection: Connection, call_id: str | None) -> bool:
    """Return whether a recording of the call is kept and not forgotten yet."""
    query = select(CALL_RECORDING.c.call_id).where(
        CALL_RECORDING.c.call_id == call_id, CALL_RECORDING.c.forgotten_at_ms.is_(None)
    )
    return connection.execute(query).first() is not None


def open_recording(
    connection: Connection, call_id: str, reason: str, person: Person, now_utc: datetime
) -> str:
    """Return where a recording is heard; that somebody asked, and why, is an audit event.

    Raises:
        ContractError: The role may not; an agent asks for another's call or too late; no reason is
            given; nothing is kept.
    """
    if not may(person.role, Action.SEE_RECORDING):
        raise role_refused(person.login, person.role, Action.SEE_RECORDING, "quality")
    if not reason.strip():
        raise ContractError(
            place=f"recording {call_id}",
            field="reason",
            problem="is empty",
            remedy="write why you hear it",
            code=Code.FIELD_MISSING,
        )
    row = connection.execute(
        select(CALL_RECORDING.c.reference, PHONE_CALL.c.answered_by, PHONE_CALL.c.rang_at_ms)
        .join(PHONE_CALL, PHONE_CALL.c.call_id == CALL_RECORDING.c.call_id)
        .where(CALL_RECORDING.c.call_id == call_id, CALL_RECORDING.c.forgotten_at_ms.is_(None))
    ).one_or_none()
    if row is None:
        raise not_found(f"recording of call {call_id!r}", "recording")
    if person.role is Role.HOTLINE_AGENT:
        days = policy_at(connection, "retention.recordings.own.days", now_utc)
        is_old = row.rang_at_ms < ms_from_utc(now_utc - timedelta(days=days))
        if row.answered_by != person.account_id or is_old:
            raise role_refused(person.login, person.role, "hear this recording", "quality")
    event = AuditEvent(
        actor=person.account_id,
        action="recording.open",
        subject=call_id,
        detail={"reason_length": len(reason.strip())},
    )
    append_audit(connection, event, now_utc)
    return str(row.reference)


def forget_old(connection: Connection, now_utc: datetime) -> Sequence[str]:
    """Return the calls whose recordings are forgotten now: `retention.recordings.days` are over.

    The telephone system's own retention must be no longer; the audit says which ones were due.
    """
    days = policy_at(connection, "retention.recordings.days", now_utc)
    is_due = CALL_RECORDING.c.forgotten_at_ms.is_(None) & (
        CALL_RECORDING.c.told_at_ms < ms_from_utc(now_utc - timedelta(days=days))
    )
    query = select(CALL_RECORDING.c.call_id).where(is_due).order_by(CALL_RECORDING.c.call_id)
    due = list(connection.execute(query).scalars())
    if due:
        connection.execute(
            update(CALL_RECORDING)
            .where(is_due)
            .values(reference="", forgotten_at_ms=ms_from_utc(now_utc))
        )
        event = AuditEvent(
            actor="rule",
            action="recording.forget",
            subject=str(len(due)),
            detail={"calls": due[:100]},
        )
        append_audit(connection, event, now_utc)
    return due
