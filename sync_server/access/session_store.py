"""Sessions of people: an opaque token in a cookie, its hash in the database, two ends of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from sync_server.access.account_store import Person, get_person
from sync_server.access.login_limits import WINDOW, LimitScope, is_limited
from sync_server.access.refusals import factor_missing, token_expired, token_invalid, token_revoked
from sync_server.access.secrets_io import hash_secret, new_token
from sync_server.db.access_tables import LOGIN_FAILURE, SECOND_FACTOR, SESSION
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

IDLE_LIMIT = timedelta(hours=2)
"""Unused this long, a session ends: a watched screen asks for its feed far more often."""

ABSOLUTE_LIMIT = timedelta(hours=12)
"""One shift; ASVS 5.0 V7.3 asks for both limits and leaves the figures to the risk."""

TOUCH_EVERY = timedelta(minutes=1)
"""The last use is written at most this often, so that reading a page writes nothing."""

_PLACE = "session cookie"
_REMEDY = "log in again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whose session it is, and how far it was proved.

    Attributes:
        person: Who knew the password.
        has_factor: Whether the account has a second factor.
        is_proved: Whether this session has shown it.
    """

    person: Person
    has_factor: bool
    is_proved: bool


def open_session(connection: Connection, account_id: str, now_utc: datetime) -> str:
    """Return the token of a new session; only its hash is kept."""
    token = new_token()
    now_ms = ms_from_utc(now_utc)
    connection.execute(
        insert(SESSION).values(
            token_hash=hash_secret(token),
            account_id=account_id,
            created_at_ms=now_ms,
            last_seen_at_ms=now_ms,
            expires_at_ms=ms_from_utc(now_utc + ABSOLUTE_LIMIT),
        )
    )
    return token


def person_of_session(connection: Connection, token: str, now_utc: datetime) -> Person:
    """Return who holds the session.

    Raises:
        ContractError: Unknown, ended, expired, idle too long, or a second factor was not shown;
            each with its own code.
    """
    return proved_person(visitor_of_session(connection, token, now_utc))


def proved_person(visitor: Visitor) -> Person:
    """Return the person; raise ContractError where a second factor was not shown."""
    if visitor.has_factor and not visitor.is_proved:
        raise factor_missing(_PLACE)
    return visitor.person


def visitor_of_session(connection: Connection, token: str, now_utc: datetime) -> Visitor:
    """Return who holds the session, also where only the password was shown.

    Raises:
        ContractError: Unknown, ended, expired or idle too long; each with its own code.
    """
    row = connection.execute(_SESSION, {"hash": hash_secret(token)}).one_or_none()
    if row is None:
        raise token_invalid(_PLACE, _REMEDY)
    if row.ended_at_ms is not None:
        raise token_revoked(_PLACE, utc_from_ms(row.ended_at_ms), _REMEDY)
    ends_at_utc = min(utc_from_ms(row.expires_at_ms), utc_from_ms(row.last_seen_at_ms) + IDLE_LIMIT)
    if now_utc >= ends_at_utc:
        raise token_expired(_PLACE, ends_at_utc, _REMEDY)
    person = get_person(connection, row.account_id)
    if not person.is_active:
        raise token_revoked(_PLACE, now_utc, "ask the administrator for an account")
    return Visitor(
        person=person,
        has_factor=row.confirmed_at_ms is not None,
        is_proved=row.proved_at_ms is not None,
    )


_SESSION = (
    select(SESSION, SECOND_FACTOR.c.confirmed_at_ms)
    .outerjoin(SECOND_FACTOR, SECOND_FACTOR.c.account_id == SESSION.c.account_id)
    .where(SESSION.c.token_hash == bindparam("hash"))
)
"""Built once: every request asks."""


def prove_session(connection: Connection, token: str, now_utc: datetime) -> None:
    """Note that the session has shown the second factor."""
    connection.execute(
        update(SESSION)
        .where(SESSION.c.token_hash == hash_secret(token))
        .values(proved_at_ms=ms_from_utc(now_utc))
    )


def end_sessions(connection: Connection, account_id: str, now_utc: datetime) -> None:
    """End every session of an account at once."""
    connection.execute(
        update(SESSION)
        .where(SESSION.c.account_id == account_id, SESSION.c.ended_at_ms.is_(None))
        .values(ended_at_ms=ms_from_utc(now_utc))
    )


def is_touch_due(connection: Connection, token: str, now_utc: datetime) -> bool:
    """Return whether the last use of the session should be written down now."""
    query = select(SESSION.c.last_seen_at_ms).where(SESSION.c.token_hash == hash_secret(token))
    seen_at_ms = connection.execute(query).scalar_one_or_none()
    return seen_at_ms is not None and utc_from_ms(seen_at_ms) + TOUCH_EVERY <= now_utc


def touch_session(connection: Connection, token: str, now_utc: datetime) -> None:
    """Write down that the session is in use."""
    connection.execute(
        update(SESSION)
        .where(SESSION.c.token_hash == hash_secret(token))
        .values(last_seen_at_ms=ms_from_utc(now_utc))
    )


def close_session(connection: Connection, token: str, now_utc: datetime) -> None:
    """End a session at once; an unknown or ended one is left as it is."""
    connection.execute(
        update(SESSION)
        .where(SESSION.c.token_hash == hash_secret(token), SESSION.c.ended_at_ms.is_(None))
        .values(ended_at_ms=ms_from_utc(now_utc))
    )


def note_failure(connection: Connection, scope: LimitScope, key: str, now_utc: datetime) -> None:
    """Count one failure; the key (a name, an address) is kept as a hash."""
    connection.execute(
        insert(LOGIN_FAILURE).values(
            scope=str(scope), key_hash=hash_secret(key), at_ms=ms_from_utc(now_utc)
        )
    )
    connection.execute(
        delete(LOGIN_FAILURE).where(LOGIN_FAILURE.c.at_ms < ms_from_utc(now_utc - WINDOW))
    )


def refuse_if_limited(
    connection: Connection, scope: LimitScope, key: str, now_utc: datetime
) -> None:
    """Raise ContractError when there were too many failures inside the window."""
    query = select(func.count()).where(
        LOGIN_FAILURE.c.scope == str(scope),
        LOGIN_FAILURE.c.key_hash == hash_secret(key),
        LOGIN_FAILURE.c.at_ms >= ms_from_utc(now_utc - WINDOW),
    )
    if is_limited(scope, connection.execute(query).scalar_one()):
        raise ContractError(
            place="log-in",
            field=str(scope),
            problem="has failed too often",
            remedy=f"wait {WINDOW // timedelta(minutes=1)} minutes and try again",
            code=Code.LOGIN_LIMITED,
        )


def forget_failures(connection: Connection, scope: LimitScope, key: str) -> None:
    """Forget the failures of one key after a success."""
    connection.execute(
        delete(LOGIN_FAILURE).where(
            LOGIN_FAILURE.c.scope == str(scope), LOGIN_FAILURE.c.key_hash == hash_secret(key)
        )
    )
