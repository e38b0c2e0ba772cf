"""Second factors of people: one secret each, how far its codes are used, and recovery codes."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from sync_server.access.one_time_codes import matching_step
from sync_server.access.secrets_io import hash_secret, plain_code
from sync_server.db.access_tables import RECOVERY_CODE, SECOND_FACTOR
from sync_server.db.bulk_io import Cell, OnExisting, put_cells
from wire_contracts.frames import ms_from_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A second factor; before `is_confirmed` it protects nothing yet."""

    secret: bytes
    is_confirmed: bool
    last_step: int


def load_factor(connection: Connection, account_id: str) -> Factor | None:
    """Return the account's second factor, None when it has none."""
    query = select(SECOND_FACTOR).where(SECOND_FACTOR.c.account_id == account_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Factor(
        secret=base64.b32decode(row.secret),
        is_confirmed=row.confirmed_at_ms is not None,
        last_step=row.last_step,
    )


def begin_factor(connection: Connection, account_id: str, secret: bytes) -> None:
    """Keep a new secret that is not confirmed; one that is there already stays."""
    text = base64.b32encode(secret).decode()
    row: dict[str, Cell] = {"account_id": account_id, "secret": text, "last_step": 0}
    put_cells(connection, SECOND_FACTOR, [row], OnExisting.KEEP)


def use_code(connection: Connection, account_id: str, typed: str, now_utc: datetime) -> bool:
    """Return whether the code is good, and use it up; of two who bring it one is believed."""
    factor = load_factor(connection, account_id)
    if factor is None:
        return False
    at_s = ms_from_utc(now_utc) // 1000
    step = matching_step(factor.secret, typed, at_s, factor.last_step)
    if step is None:
        return False
    used = connection.execute(
        update(SECOND_FACTOR)
        .where(SECOND_FACTOR.c.account_id == account_id, SECOND_FACTOR.c.last_step < step)
        .values(last_step=step)
    )
    return used.rowcount == 1


def confirm_factor(
    connection: Connection, account_id: str, codes: Sequence[str], now_utc: datetime
) -> None:
    """Let the factor count from now on, with these recovery codes."""
    connection.execute(
        update(SECOND_FACTOR)
        .where(SECOND_FACTOR.c.account_id == account_id)
        .values(confirmed_at_ms=ms_from_utc(now_utc))
    )
    connection.execute(delete(RECOVERY_CODE).where(RECOVERY_CODE.c.account_id == account_id))
    connection.execute(
        insert(RECOVERY_CODE),
        [{"code_hash": hash_secret(plain_code(code)), "account_id": account_id} for code in codes],
    )


def use_recovery_code(connection: Connection, account_id: str, typed: str) -> bool:
    """Return whether it is one of the account's recovery codes, and use it up."""
    gone = connection.execute(
        delete(RECOVERY_CODE).where(
            RECOVERY_CODE.c.account_id == account_id,
            RECOVERY_CODE.c.code_hash == hash_secret(plain_code(typed)),
        )
    )
    return gone.rowcount == 1


def count_recovery_codes(connection: Connection, account_id: str) -> int:
    """Return how many recovery codes are left."""
    query = select(RECOVERY_CODE.c.code_hash).where(RECOVERY_CODE.c.account_id == account_id)
    return len(connection.execute(query).all())


def remove_factor(connection: Connection, account_id: str) -> bool:
    """Take the factor and its recovery codes away; return whether there was one."""
    connection.execute(delete(RECOVERY_CODE).where(RECOVERY_CODE.c.account_id == account_id))
    gone = connection.execute(delete(SECOND_FACTOR).where(SECOND_FACTOR.c.account_id == account_id))
    return gone.rowcount == 1


def accounts_with_factor(connection: Connection) -> frozenset[str]:
    """Return who has a confirmed second factor."""
    query = select(SECOND_FACTOR.c.account_id).where(SECOND_FACTOR.c.confirmed_at_ms.is_not(None))
    return frozenset(connection.execute(query).scalars())
