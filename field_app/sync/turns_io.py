"""Decides which process syncs a file that two of them have open: one row, one holder at a time.

On Android the service is a process of its own (sync spec 5). The row is a lease: it ends by itself,
and a holder that died is noticed at once, so that no stale lock ever stops the sync (complaint 11).
Two that sync at once do no harm, the ledger, the page's token and the mark of a withdrawal see to
that; it only wastes.
"""

import os
from typing import Final

from sqlalchemy import Connection

from field_app.store import settings_store
from field_app.store.settings_store import Key
from wire_contracts.clock import Clock
from wire_contracts.frames import ms_from_utc

TURN_WALL_S: Final = 60.0
"""Longer than the longest time-out of one request; every page and push of the holder renews it."""

_PARTS: Final = 2


def take_turn(connection: Connection, clock: Clock) -> bool:
    """Return whether this process may sync now, and keep that it does."""
    if is_others_turn(connection, clock):
        return False
    rate = clock.wall_seconds(1.0)
    until_ms = ms_from_utc(clock.now_utc()) + int(TURN_WALL_S * 1000 / (rate if rate > 0 else 1.0))
    settings_store.save(connection, Key.SYNC_TURN, f"{os.getpid()} {until_ms}")
    return True


def is_others_turn(connection: Connection, clock: Clock) -> bool:
    """Return whether another process that is alive syncs this file now."""
    parts = (settings_store.load_text(connection, Key.SYNC_TURN) or "").split(" ")
    if len(parts) != _PARTS or not all(part.isdecimal() for part in parts):
        return False
    pid, until_ms = int(parts[0]), int(parts[1])
    left_s = clock.wall_seconds((until_ms - ms_from_utc(clock.now_utc())) / 1000)
    is_running = 0 < left_s <= TURN_WALL_S  # further away: the clock was set back
    return is_running and pid != os.getpid() and _is_alive(pid)


def end_turn(connection: Connection) -> None:
    """Let another process sync at once."""
    mine = (settings_store.load_text(connection, Key.SYNC_TURN) or "").startswith(f"{os.getpid()} ")
    if mine:
        settings_store.save(connection, Key.SYNC_TURN, None)


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # elsewhere signal 0 is no question
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
