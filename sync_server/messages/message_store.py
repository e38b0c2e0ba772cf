"""Owns messages to customers: what waits, what was sent, what cannot be, and who agreed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.db.customer_tables import CUSTOMER
from sync_server.db.outage_tables import CUSTOMER_MESSAGE, MESSAGE_CONSENT
from sync_server.messages.templates import (
    RULES,
    MessageState,
    Template,
    message_text,
    wait_after,
)
from wire_contracts.frames import ms_from_utc

_AT_ONCE = 100
_LONGEST_PROBLEM = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message that is to be sent now: to which number, in which words."""

    message_id: int
    number: str
    text: str
    attempts: int


def queue_message(  # noqa: PLR0913, PLR0917  # which message, about what, to whom, when
    connection: Connection,
    template: Template,
    subject: str,
    customer_id: str,
    details: Mapping[str, str],
    now_utc: datetime,
) -> MessageState:
    """Return the state of the message; one that was queued for the subject stays as it is."""
    same = (
        (CUSTOMER_MESSAGE.c.template == str(template))
        & (CUSTOMER_MESSAGE.c.subject == subject)
        & (CUSTOMER_MESSAGE.c.customer_id == customer_id)
    )
    known = connection.execute(select(CUSTOMER_MESSAGE.c.state).where(same)).first()
    if known is not None:
        return MessageState(known.state)
    state = _first_state(connection, template, customer_id)
    connection.execute(
        insert(CUSTOMER_MESSAGE).values(
            template=str(template),
            subject=subject,
            customer_id=customer_id,
            details=json.dumps(dict(details), ensure_ascii=False),
            state=str(state),
            attempts=0,
            next_at_ms=ms_from_utc(now_utc),
            made_at_ms=ms_from_utc(now_utc),
            problem="",
        )
    )
    return state


def _first_state(connection: Connection, template: Template, customer_id: str) -> MessageState:
    query = select(CUSTOMER.c.phone).where(CUSTOMER.c.customer_id == customer_id)
    if not connection.execute(query).scalar_one_or_none():
        return MessageState.NO_NUMBER
    if RULES[template].needs_consent and not has_consent(connection, customer_id):
        return MessageState.NO_CONSENT
    return MessageState.WAITING


def has_consent(connection: Connection, customer_id: str) -> bool:
    """Return whether the customer wants messages that are no duty; without a word: no."""
    query = select(MESSAGE_CONSENT.c.is_allowed).where(MESSAGE_CONSENT.c.customer_id == customer_id)
    return bool(connection.execute(query).scalar_one_or_none())


def keep_consent(
    connection: Connection, customer_id: str, actor: str, now_utc: datetime, *, is_allowed: bool
) -> None:
    """Keep what the customer wants."""
    mine = MESSAGE_CONSENT.c.customer_id == customer_id
    connection.execute(delete(MESSAGE_CONSENT).where(mine))
    connection.execute(
        insert(MESSAGE_CONSENT).values(
            customer_id=customer_id,
            is_allowed=is_allowed,
            changed_by=actor,
            changed_at_ms=ms_from_utc(now_utc),
        )
    )
    event = AuditEvent(
        actor=actor, action="message.consent", subject=customer_id, detail={"is": is_allowed}
    )
    append_audit(connection, event, now_utc)


def waiting_messages(
    connection: Connection, site_name: str, now_utc: datetime
) -> Sequence[Waiting]:
    """Return what is to be sent now, at most a hundred; an erased customer has no number."""
    rows = connection.execute(
        select(CUSTOMER_MESSAGE, CUSTOMER.c.phone, CUSTOMER.c.language)
        .join(CUSTOMER, CUSTOMER.c.customer_id == CUSTOMER_MESSAGE.c.customer_id)
        .where(
            CUSTOMER_MESSAGE.c.state == str(MessageState.WAITING),
            CUSTOMER_MESSAGE.c.next_at_ms <= ms_from_utc(now_utc),
        )
        .order_by(CUSTOMER_MESSAGE.c.next_at_ms, CUSTOMER_MESSAGE.c.message_id)
        .limit(_AT_ONCE)
    )
    return [_waiting(row, site_name) for row in rows]


def _waiting(row: Row[str], site_name: str) -> Waiting:
    details = {**json.loads(row.details), "site": site_name}
    return Waiting(
        message_id=row.message_id,
        number=row.phone,
        text=message_text(Template(row.template), details, row.language),
        attempts=row.attempts,
    )


def note_sent(connection: Connection, message_id: int, now_utc: datetime) -> None:
    """Note that a message left."""
    values: dict[str, str | int] = {
        "state": str(MessageState.SENT),
        "sent_at_ms": ms_from_utc(now_utc),
        "problem": "",
    }
    _change(connection, message_id, values)


def note_failed(
    connection: Connection, waiting: Waiting, problem: str, now_utc: datetime
) -> MessageState:
    """Return the state after a failure: it waits again, or is given up after the fifth."""
    attempts = waiting.attempts + 1
    wait = wait_after(attempts)
    state = MessageState.FAILED if wait is None else MessageState.WAITING
    values: dict[str, str | int] = {
        "state": str(state),
        "attempts": attempts,
        "problem": problem[:_LONGEST_PROBLEM],
    }
    if wait is not None:
        values["next_at_ms"] = ms_from_utc(now_utc + wait)
    _change(connection, waiting.message_id, values)
    return state


def note_no_number(connection: Connection, message_id: int) -> None:
    """Note that the customer has no number any more."""
    _change(connection, message_id, {"state": str(MessageState.NO_NUMBER)})


def states_of(connection: Connection, template: Template, subject: str) -> dict[MessageState, int]:
    """Return how many messages about a subject stand where."""
    query = (
        select(CUSTOMER_MESSAGE.c.state, func.count().label("messages"))
        .where(CUSTOMER_MESSAGE.c.template == str(template), CUSTOMER_MESSAGE.c.subject == subject)
        .group_by(CUSTOMER_MESSAGE.c.state)
    )
    return {MessageState(row.state): row.messages for row in connection.execute(query)}


def _change(connection: Connection, message_id: int, values: Mapping[str, str | int]) -> None:
    where = CUSTOMER_MESSAGE.c.message_id == message_id
    connection.execute(update(CUSTOMER_MESSAGE).where(where).values(**values))
