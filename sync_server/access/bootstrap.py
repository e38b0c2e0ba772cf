"""The first start: a one-time link sets the administrator; there is no default password."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from sync_server.access.account_store import (
    NewAccount,
    Person,
    create_account,
    has_administrator,
)
from sync_server.access.roles import Role
from sync_server.access.secrets_io import hash_secret, new_token
from sync_server.db.access_tables import ADMIN_LINK
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc

LINK_LIFE = timedelta(hours=24)

FIRST_START_PATH = "/first-start/"
"""The page under which the web part answers the link."""


def first_start_link(connection: Connection, now_utc: datetime) -> str | None:
    """Return the path of a new one-time link, or None when an administrator exists.

    Call it at every start and print what it returns: only the hash is kept, so a lost link is
    replaced by starting again, which also ends the former one.
    """
    if has_administrator(connection):
        return None
    now_ms = ms_from_utc(now_utc)
    connection.execute(
        update(ADMIN_LINK).where(ADMIN_LINK.c.ended_at_ms.is_(None)).values(ended_at_ms=now_ms)
    )
    token = new_token()
    connection.execute(
        insert(ADMIN_LINK).values(
            token_hash=hash_secret(token),
            issued_at_ms=now_ms,
            expires_at_ms=ms_from_utc(now_utc + LINK_LIFE),
        )
    )
    return FIRST_START_PATH + token


def is_link_open(connection: Connection, token: str, now_utc: datetime) -> bool:
    """Return whether the link may still be used."""
    query = select(ADMIN_LINK.c.token_hash).where(
        ADMIN_LINK.c.token_hash == hash_secret(token),
        ADMIN_LINK.c.ended_at_ms.is_(None),
        ADMIN_LINK.c.expires_at_ms > ms_from_utc(now_utc),
    )
    return connection.execute(query).first() is not None and not has_administrator(connection)


def use_first_start_link(
    connection: Connection, token: str, account: NewAccount, now_utc: datetime
) -> Person:
    """Return the administrator made by the link, which is used up in the same transaction.

    Raises:
        ContractError: The link is unknown, used or older than 24 hours.
    """
    now_ms = ms_from_utc(now_utc)
    is_open = is_link_open(connection, token, now_utc)
    used = connection.execute(
        update(ADMIN_LINK)
        .where(ADMIN_LINK.c.token_hash == hash_secret(token), ADMIN_LINK.c.ended_at_ms.is_(None))
        .values(ended_at_ms=now_ms)
        .returning(ADMIN_LINK.c.token_hash)
    ).scalar_one_or_none()
    if not is_open or used is None:
        raise ContractError(
            place="first-start link",
            field="token",
            problem="is not valid: unknown, already used, or older than 24 hours",
            remedy="start the server again and use the link that it prints",
            code=Code.TOKEN_INVALID,
        )
    administrator = NewAccount(
        login=account.login,
        display_name=account.display_name,
        role=Role.ADMINISTRATOR,
        password_hash=account.password_hash,
        language=account.language,
    )
    return create_account(connection, administrator, now_utc)
