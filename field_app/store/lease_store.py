"""Maps what the server allowed at the last contact: how long, with which key, or not at all."""

import base64
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from field_app.store import settings_store
from field_app.store.lease import WINDOW, LeaseClock, advance, contact_clock, lease_end_ms
from field_app.store.settings_store import Key
from wire_contracts.operations import DeviceTime
from wire_contracts.sealed import key_id_of

_KEEP_STEP_MS: Final = 60_000
"""The clock is written when it has gone on this far: a kill forgets less than a minute of it."""


def note_server_time(connection: Connection, server_now_ms: int, at: DeviceTime) -> None:
    """Keep the server's clock as it was just told."""
    clock = contact_clock(server_now_ms, at)
    _save_clock(connection, Key.LEASE_CLOCK, clock)
    _save_clock(connection, Key.CONTACT_CLOCK, clock)


def load_contact_clock(connection: Connection) -> LeaseClock | None:
    """Return the server's clock as it was told last, None before any contact."""
    return _load_clock(connection, Key.CONTACT_CLOCK)


def note_lease(
    connection: Connection,
    lease_until_ms: int | None,
    sealing_key: bytes | None,
    server_now_ms: int,
) -> None:
    """Keep until when personal data may stay and what unsent words are sealed to."""
    settings_store.save(connection, Key.LEASE_UNTIL_MS, lease_end_ms(lease_until_ms, server_now_ms))
    if sealing_key is not None:
        settings_store.save(connection, Key.SEALING_KEY, base64.b64encode(sealing_key).decode())


def load_sealing_key(connection: Connection) -> bytes | None:
    """Return the server's public key, None before it was told."""
    text = settings_store.load_text(connection, Key.SEALING_KEY)
    return None if text is None else base64.b64decode(text)


def sealing_key_id(connection: Connection) -> str:
    """Return the name of the server's public key, empty before it was told."""
    public_key = load_sealing_key(connection)
    return "" if public_key is None else key_id_of(public_key)


def is_leased(connection: Connection, now: DeviceTime) -> bool:
    """Return whether received personal data may be on this tablet now."""
    until = settings_store.load_text(connection, Key.LEASE_UNTIL_MS)
    clock = _load_clock(connection)
    if until is None or clock is None or is_withdrawn(connection):
        return False
    return advance(clock, now).server_ms < int(until)


def is_in_window(connection: Connection, now: DeviceTime) -> bool:
    """Return whether the 48 hours of R19 since the server's last word still run.

    By the clock of the lease, which never goes back; False before any contact.
    """
    contact = settings_store.load_text(connection, Key.LAST_CONTACT_MS)
    clock = _load_clock(connection)
    if contact is None or clock is None:
        return False
    contact_ms = int(contact) + settings_store.load_integer(connection, Key.OFFSET_MS)
    return advance(clock, now).server_ms < contact_ms + WINDOW // timedelta(milliseconds=1)


def tick(connection: Connection, now: DeviceTime) -> bool:
    """Return whether the clock has gone on far enough to be kept, and keep it."""
    clock = _load_clock(connection)
    if clock is None or not needs_tick(connection, now):
        return False
    _save_clock(connection, Key.LEASE_CLOCK, advance(clock, now))
    return True


def needs_tick(connection: Connection, now: DeviceTime) -> bool:
    """Return whether `tick` would keep anything; for a reader, which cannot write."""
    clock = _load_clock(connection)
    if clock is None:
        return False
    ahead_ms = advance(clock, now).server_ms - clock.server_ms
    return ahead_ms >= _KEEP_STEP_MS or clock.boot_id != now.boot_id


def is_withdrawn(connection: Connection) -> bool:
    """Return whether the office has withdrawn this tablet."""
    return settings_store.load_text(connection, Key.WITHDRAWN_MS) is not None


def _load_clock(connection: Connection, key: Key = Key.LEASE_CLOCK) -> LeaseClock | None:
    text = settings_store.load_text(connection, key)
    if text is None:
        return None
    cells = json.loads(text)
    return LeaseClock(
        server_ms=int(cells["server_ms"]),
        mono_ms=int(cells["mono_ms"]),
        boot_id=str(cells["boot_id"]),
    )


def _save_clock(connection: Connection, key: Key, clock: LeaseClock) -> None:
    settings_store.save(connection, key, json.dumps(asdict(clock)))
