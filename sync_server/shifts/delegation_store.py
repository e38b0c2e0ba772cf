"""Owns who stands in for whom: registered before one is away, with where the other is reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.account_store import get_person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.db.standin_tables import DELEGATION
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelegation:
    """Who stands in for whom, from when until when; `contact` is where that person is reached."""

    from_account: str
    to_account: str
    contact: str
    from_utc: datetime
    to_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A registered stand-in."""

    delegation_id: int
    from_account: str
    to_account: str
    contact: str
    from_utc: datetime
    to_utc: datetime


def register(
    connection: Connection, new: NewDelegation, actor: str, now_utc: datetime
) -> Delegation:
    """Return the registered stand-in.

    Raises:
        ContractError: Nobody or oneself stands in, no contact is given, the times are not right, or
            it is registered after it began: leave is no excuse afterwards (rule C-35).
    """
    get_person(connection, new.to_account)
    if new.from_account == new.to_account:
        raise _refused("to", "is oneself", "name another person")
    if not new.contact.strip():
        raise _refused("contact", "is empty", "write where the stand-in is reached")
    if new.to_utc <= new.from_utc:
        raise _refused("until", "is not behind its beginning", "correct one of the two")
    if new.to_utc <= now_utc:
        raise _refused("until", "is over", "a stand-in is registered beforehand")
    delegation_id: int = connection.execute(
        insert(DELEGATION)
        .values(
            from_account=new.from_account,
            to_account=new.to_account,
            contact=new.contact.strip(),
            from_ms=ms_from_utc(max(new.from_utc, now_utc)),
            to_ms=ms_from_utc(new.to_utc),
            made_by=actor,
            made_at_ms=ms_from_utc(now_utc),
        )
        .returning(DELEGATION.c.delegation_id)
    ).scalar_one()
    _audit(connection, "delegation.register", delegation_id, actor, now_utc)
    query = select(DELEGATION).where(DELEGATION.c.delegation_id == delegation_id)
    return _delegation(connection.execute(query).one())


def end_delegation(
    connection: Connection, delegation_id: int, actor: str, now_utc: datetime
) -> None:
    """End a stand-in now: the person is back; only that person or the stand-in says so."""
    own = (DELEGATION.c.from_account == actor) | (DELEGATION.c.to_account == actor)
    changed = connection.execute(
        update(DELEGATION)
        .where(DELEGATION.c.delegation_id == delegation_id, own)
        .where(DELEGATION.c.to_ms > ms_from_utc(now_utc))
        .values(to_ms=ms_from_utc(now_utc))
    ).rowcount
    if not changed:
        raise _refused("delegation", "is over, or of other people", "reload the page")
    _audit(connection, "delegation.end", delegation_id, actor, now_utc)


def coming_delegations(connection: Connection, now_utc: datetime) -> Sequence[Delegation]:
    """Return the stand-ins that hold or will hold, the earliest first."""
    query = select(DELEGATION).where(DELEGATION.c.to_ms > ms_from_utc(now_utc))
    query = query.order_by(DELEGATION.c.from_ms, DELEGATION.c.delegation_id).limit(_MOST_SHOWN)
    return [_delegation(row) for row in connection.execute(query)]


def standing_in(connection: Connection, now_utc: datetime) -> Mapping[str, Delegation]:
    """Return account -> who stands in for it now."""
    return {
        each.from_account: each
        for each in coming_delegations(connection, now_utc)
        if each.from_utc <= now_utc
    }


def _audit(
    connection: Connection, action: str, delegation_id: int, actor: str, now_utc: datetime
) -> None:
    event = AuditEvent(actor=actor, action=action, subject=str(delegation_id), detail={})
    append_audit(connection, event, now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="stand-in", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _delegation(row: Row[str]) -> Delegation:
    return Delegation(
        delegation_id=row.delegation_id,
        from_account=row.from_account,
        to_account=row.to_account,
        contact=row.contact,
        from_utc=utc_from_ms(row.from_ms),
        to_utc=utc_from_ms(row.to_ms),
    )
