"""Browsers from which somebody has logged in before: strangers' failures do not count for them."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from sync_server.access.secrets_io import hash_secret, new_token
from sync_server.db.access_tables import ACCOUNT, KNOWN_BROWSER
from wire_contracts.frames import ms_from_utc

BROWSER_LIFE = timedelta(days=180)
"""How long a browser is known after a log-in. Judgement: half a year covers a long leave."""


def know_browser(connection: Connection, account_id: str, now_utc: datetime) -> str:
    """Return the token of a browser that has logged in; forget those that are too old."""
    token = new_token()
    connection.execute(
        delete(KNOWN_BROWSER).where(
            KNOWN_BROWSER.c.account_id == account_id,
            KNOWN_BROWSER.c.made_at_ms < ms_from_utc(now_utc - BROWSER_LIFE),
        )
    )
    connection.execute(
        insert(KNOWN_BROWSER).values(
            token_hash=hash_secret(token),
            account_id=account_id,
            made_at_ms=ms_from_utc(now_utc),
        )
    )
    return token


def is_known_browser(
    connection: Connection, token: str | None, login: str, now_utc: datetime
) -> bool:
    """Return whether this browser has logged in under this name before."""
    if not token:
        return False
    query = (
        select(KNOWN_BROWSER.c.token_hash)
        .join(ACCOUNT, ACCOUNT.c.account_id == KNOWN_BROWSER.c.account_id)
        .where(
            KNOWN_BROWSER.c.token_hash == hash_secret(token),
            KNOWN_BROWSER.c.made_at_ms >= ms_from_utc(now_utc - BROWSER_LIFE),
            ACCOUNT.c.login == login,
        )
    )
    return connection.execute(query).first() is not None
