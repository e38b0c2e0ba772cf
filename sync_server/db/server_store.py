"""Owns the server's own facts: the epoch of a restore, the versions of assets and corrections."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.db.ingest_turns import take_everything
from sync_server.db.order_tables import ORDER_NUMBER
from sync_server.db.server_tables import SERVER_STATE
from wire_contracts.frames import ms_from_utc, utc_from_ms

_MOVED = "moved_at_ms"
_RESTORED = "restored_at_ms"

_EPOCH_BITS = 63
"""Integers in the database are signed; `wire_contracts.frames.MAX_EPOCH` has 63 bits too."""


def server_epoch(connection: Connection) -> int:
    """Return the epoch of this database, drawing it at the first call (RULINGS R1).

    Two processes at their first call agree on the one that came first.
    """
    found = _number(connection, "epoch")
    if found is None:
        _store(connection, "epoch", _new_epoch(), is_kept=True)
        found = _number(connection, "epoch")
    if found is None:
        message = "server_state: epoch: is missing after it was stored; check the database"
        raise RuntimeError(message)
    return found


def known_epoch(connection: Connection) -> int | None:
    """Return the epoch of this database without drawing one; None: it never had one."""
    return _number(connection, "epoch")


def draw_server_epoch(connection: Connection) -> int:
    """Return a new epoch, stored: gateways and tablets will offer again what they still hold.

    A database that was left by a move is the one in use again.
    """
    epoch = _new_epoch()
    connection.execute(delete(SERVER_STATE).where(SERVER_STATE.c.name == _MOVED))
    _store(connection, "epoch", epoch)
    return epoch


def _new_epoch() -> int:
    return secrets.randbits(_EPOCH_BITS) | 1


def note_moved(connection: Connection, at_utc: datetime) -> None:
    """Note that everything here was moved to another database, which goes on from now."""
    _store(connection, _MOVED, ms_from_utc(at_utc))


def moved_at(connection: Connection) -> datetime | None:
    """Return when everything was moved to another database; None: this is the one in use."""
    at_ms = _number(connection, _MOVED)
    return None if at_ms is None else utc_from_ms(at_ms)


def note_restored(connection: Connection, at_utc: datetime) -> None:
    """Note that this database was put back from a backup, and goes on from now.

    Printed numbers go on after a gap: those given out since the backup are on paper.
    """
    _store(connection, _RESTORED, ms_from_utc(at_utc))
    connection.execute(update(ORDER_NUMBER).values(last_number=_AFTER_A_GAP))


NUMBER_GAP = 10_000
"""Assumed to be more than are given out between a copy and the restore of it, a week at most."""

_AFTER_A_GAP = ORDER_NUMBER.c.last_number + NUMBER_GAP


def restored_at(connection: Connection) -> datetime | None:
    """Return when this database was last put back from a backup; None: it never was."""
    at_ms = _number(connection, _RESTORED)
    return None if at_ms is None else utc_from_ms(at_ms)


def asset_version(connection: Connection) -> int:
    """Return the number that rises with every change of the assets."""
    return _number(connection, "asset_version") or 0


def raise_asset_version(connection: Connection) -> None:
    """Tell the ingest that gateways, meters or their mapping have changed.

    Waits for writers of readings in the middle of their transactions.
    """
    take_everything(connection)
    _raise(connection, "asset_version")


def correction_version(connection: Connection) -> int:
    """Return the number that rises with every correction of stored readings (RULINGS R17)."""
    return _number(connection, "correction_version") or 0


def raise_correction_version(connection: Connection) -> None:
    """Tell detection that readings of the past have changed."""
    _raise(connection, "correction_version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What tells detection that it must read something again."""

    assets: int
    corrections: int


_VERSIONS = select(SERVER_STATE.c.name, SERVER_STATE.c.number).where(
    SERVER_STATE.c.name.in_(("asset_version", "correction_version"))
)


def versions(connection: Connection) -> Versions:
    """Return the versions of assets and corrections, with one statement."""
    found = {row.name: row.number for row in connection.execute(_VERSIONS)}
    return Versions(
        assets=found.get("asset_version", 0), corrections=found.get("correction_version", 0)
    )


def _raise(connection: Connection, name: str) -> None:
    _store(connection, name, 0, is_kept=True)
    connection.execute(
        update(SERVER_STATE)
        .where(SERVER_STATE.c.name == name)
        .values(number=SERVER_STATE.c.number + 1)
    )


_NUMBER = select(SERVER_STATE.c.number).where(SERVER_STATE.c.name == bindparam("wanted"))
"""Built once: every pull asks it."""


def _number(connection: Connection, name: str) -> int | None:
    return connection.execute(_NUMBER, {"wanted": name}).scalar_one_or_none()


def _store(connection: Connection, name: str, number: int, *, is_kept: bool = False) -> None:
    row = {"name": name, "number": number}
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    statement = make(SERVER_STATE).values(row)
    key = [SERVER_STATE.c.name]
    if is_kept:
        connection.execute(statement.on_conflict_do_nothing(index_elements=key))
    else:
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_={"number": number})
        )
