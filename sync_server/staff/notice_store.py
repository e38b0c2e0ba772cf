"""Owns messages for somebody who was not there when a caller asked for him (rule D-07)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, func, insert, select, update

from sync_server.access.account_store import get_person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.forgetting_io import overwrite_deleted
from sync_server.db.staff_tables import STAFF_MESSAGE
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

LONGEST_TEXT = 2000
_MOST_SHOWN = 100
_NUMBER_DIGITS = 11
"""Digits of a number without its country code; more would not be found where it is left out."""

_LEAST_DIGITS = 5
"""Shorter ones are a room or a time, never a number that somebody is called at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMessage:
    """A message; `caller` is who is to be called back, empty when nobody is."""

    message_id: int
    to_account: str
    taken_by: str
    caller: str
    text: str
    at_utc: datetime
    read_at_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """For whom, from whom, and what."""

    to_account: str
    caller: str
    text: str


def leave_message(
    connection: Connection, new: NewMessage, actor: str, now_utc: datetime
) -> StaffMessage:
    """Return the message as it waits for the person.

    Raises:
        ContractError: There is no such person, access has ended, or nothing was said.
    """
    to = get_person(connection, new.to_account)
    if not to.is_active:
        raise _refused("to", f"{to.display_name} works here no longer", "choose another person")
    if not new.text.strip():
        raise _refused("text", "is empty", "write what the caller wants")
    message_id: int = connection.execute(
        insert(STAFF_MESSAGE)
        .values(
            to_account=new.to_account,
            taken_by=actor,
            caller=new.caller.strip(),
            text=new.text.strip()[:LONGEST_TEXT],
            at_ms=ms_from_utc(now_utc),
        )
        .returning(STAFF_MESSAGE.c.message_id)
    ).scalar_one()
    event = AuditEvent(actor=actor, action="message.leave", subject=str(message_id), detail={})
    append_audit(connection, event, now_utc)
    append_feed(connection, Topic.SHIFT, f"message-{message_id}", now_utc)
    query = select(STAFF_MESSAGE).where(STAFF_MESSAGE.c.message_id == message_id)
    return _message(connection.execute(query).one())


def read_message(connection: Connection, message_id: int, actor: str, now_utc: datetime) -> None:
    """Note that the person has the message; nobody else can say so."""
    changed = connection.execute(
        update(STAFF_MESSAGE)
        .where(STAFF_MESSAGE.c.message_id == message_id, STAFF_MESSAGE.c.to_account == actor)
        .where(STAFF_MESSAGE.c.read_at_ms.is_(None))
        .values(read_at_ms=ms_from_utc(now_utc))
    ).rowcount
    if not changed:
        raise not_found(f"message {message_id}", "message")
    append_feed(connection, Topic.SHIFT, f"message-{message_id}", now_utc)


def messages_of(connection: Connection, account_id: str) -> Sequence[StaffMessage]:
    """Return somebody's own messages: the unread ones first, then the newest."""
    query = (
        select(STAFF_MESSAGE)
        .where(STAFF_MESSAGE.c.to_account == account_id)
        .order_by(STAFF_MESSAGE.c.read_at_ms.is_not(None), STAFF_MESSAGE.c.message_id.desc())
        .limit(_MOST_SHOWN)
    )
    return [_message(row) for row in connection.execute(query)]


def unread_count(connection: Connection, account_id: str) -> int:
    """Return how many messages wait for somebody."""
    query = select(func.count()).where(
        STAFF_MESSAGE.c.to_account == account_id, STAFF_MESSAGE.c.read_at_ms.is_(None)
    )
    return connection.execute(query).scalar_one()


def empty_old(connection: Connection, keep: timedelta, now_utc: datetime) -> int:
    """Empty messages that were read so long ago; return how many: they may name people."""
    return connection.execute(
        update(STAFF_MESSAGE)
        .where(STAFF_MESSAGE.c.read_at_ms < ms_from_utc(now_utc - keep))
        .where((STAFF_MESSAGE.c.text != "") | (STAFF_MESSAGE.c.caller != ""))
        .values(text="", caller="")
    ).rowcount


def empty_naming(
    connection: Connection, name: str, phone: str, actor: str, now_utc: datetime
) -> int:
    """Empty messages that name a person or a number; return how many (RULINGS R7).

    Spaces and signs in a number do not matter; fewer than five digits are nobody's number.
    """
    digits = _digits(phone)[-_NUMBER_DIGITS:]
    found = [
        row.message_id
        for row in connection.execute(select(STAFF_MESSAGE).where(STAFF_MESSAGE.c.text != ""))
        if _names(f"{row.caller}\n{row.text}", name.strip(), digits)
    ]
    return empty_messages(connection, found, actor, now_utc)


def empty_messages(
    connection: Connection, message_ids: Sequence[int], actor: str, now_utc: datetime
) -> int:
    """Return how many of these messages said something and are empty now."""
    overwrite_deleted(connection)
    is_asked = STAFF_MESSAGE.c.message_id.in_(list(message_ids))
    says_something = (STAFF_MESSAGE.c.text != "") | (STAFF_MESSAGE.c.caller != "")
    query = select(STAFF_MESSAGE.c.message_id).where(is_asked & says_something)
    found = sorted(connection.execute(query).scalars())
    for message_id in found:
        event = AuditEvent(actor=actor, action="message.erase", subject=str(message_id), detail={})
        append_audit(connection, event, now_utc)
    connection.execute(
        update(STAFF_MESSAGE)
        .where(STAFF_MESSAGE.c.message_id.in_(found))
        .values(text="", caller="")
    )
    return len(found)


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isdecimal())


def _names(text: str, name: str, digits: str) -> bool:
    has_number = len(digits) >= _LEAST_DIGITS and digits in _digits(text)
    return has_number or (bool(name) and name in text)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="message", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _message(row: Row[str]) -> StaffMessage:
    read_ms = row.read_at_ms
    return StaffMessage(
        message_id=row.message_id,
        to_account=row.to_account,
        taken_by=row.taken_by,
        caller=row.caller,
        text=row.text,
        at_utc=utc_from_ms(row.at_ms),
        read_at_utc=None if read_ms is None else utc_from_ms(read_ms),
    )
