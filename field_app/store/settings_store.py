"""Maps the few single values of the tablet: token, offset, next try, counters."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection


class Key(StrEnum):
    """The name of one value; absent means it was never set."""

    REPLICA_ID = "replica_id"
    LAST_N = "last_n"
    LAST_TURN = "last_turn"
    PULL_TOKEN = "pull_token"  # noqa: S105  # the name of a value
    PULL_ROUND = "pull_round"
    PULL_REPAIRS = "pull_repairs"
    SERVER_EPOCH = "server_epoch"
    OFFSET_MS = "offset_ms"
    LAST_CONTACT_MS = "last_contact_ms"
    NEXT_TRY_MS = "next_try_ms"
    ASKED_MEANWHILE = "asked_meanwhile"
    PASSED_OVER = "passed_over"
    FAILED_TRIES = "failed_tries"
    REASON = "reason"
    REASON_DETAIL = "reason_detail"
    SWITCHED_OFF = "switched_off"
    LANGUAGE = "language"
    PROTOCOL = "protocol"
    PULL_ROWS = "pull_rows"
    PULL_TOTAL = "pull_total"
    PULL_BYTES = "pull_bytes"
    SYNC_TURN = "sync_turn"
    PHOTO_WAIT = "photo_wait"
    LEASE_UNTIL_MS = "lease_until_ms"
    LEASE_CLOCK = "lease_clock"
    CONTACT_CLOCK = "contact_clock"
    SEALING_KEY = "sealing_key"
    PERSONAL_WANTED = "personal_wanted"
    WITHDRAWN_MS = "withdrawn_ms"
    LAST_FULL_CHECK_MS = "last_full_check_ms"
    DAMAGE_SEEN = "damage_seen"
    DETECTOR = "detector"
    PLACE = "place"
    ALERTS_SEEN = "alerts_seen"
    KEPT_CALLS = "kept_calls"
    WHOLE_AT_MS = "whole_at_ms"
    IS_RESTORED = "is_restored"
    RESTORED_AT_MS = "restored_at_ms"
    LOST_SINCE_MS = "lost_since_ms"
    LEFT_CREW_MS = "left_crew_ms"


NUMBERS: Final = frozenset(
    {
        Key.LAST_N,
        Key.LAST_TURN,
        Key.PULL_ROUND,
        Key.OFFSET_MS,
        Key.LAST_CONTACT_MS,
        Key.NEXT_TRY_MS,
        Key.FAILED_TRIES,
        Key.LEASE_UNTIL_MS,
        Key.WITHDRAWN_MS,
        Key.LAST_FULL_CHECK_MS,
        Key.WHOLE_AT_MS,
        Key.RESTORED_AT_MS,
        Key.LOST_SINCE_MS,
        Key.LEFT_CREW_MS,
    }
)
"""The values that are whole numbers."""


_ALL: Final = "SELECT key, value FROM setting"
_SAVE: Final = """
    INSERT INTO setting (key, value) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
_FORGET: Final = "DELETE FROM setting WHERE key = ?"
"""As the driver takes them: every contact reads and writes dozens of values."""

_OF_TRANSACTION: Final = "settings of the transaction"
_GATHERED: Final = "settings to be written with its end"


def _values(connection: Connection) -> dict[str, str]:
    """Return all values as this transaction sees them; read once, then kept in step by `save`."""
    transaction = connection.get_transaction()
    known: tuple[object, dict[str, str]] | None = connection.info.get(_OF_TRANSACTION)
    is_nested = connection.in_nested_transaction()  # what it changes may be taken back alone
    if is_nested:
        write_gathered(connection)
    if known is not None and known[0] is transaction and not is_nested:
        return known[1]
    found = {str(key): str(value) for key, value in connection.exec_driver_sql(_ALL).all()}
    connection.info[_OF_TRANSACTION] = (None if is_nested else connection.get_transaction(), found)
    return found


def load_text(connection: Connection, key: Key) -> str | None:
    """Return the value, or None when it was never set."""
    return _values(connection).get(key)


def load_integer(connection: Connection, key: Key, default: int = 0) -> int:
    """Return the value as a whole number, or `default` when it was never set."""
    text = load_text(connection, key)
    return default if text is None else int(text)


def save(connection: Connection, key: Key, value: str | int | None) -> None:
    """Set the value; None removes it."""
    values = _values(connection)
    text = None if value is None else str(value)
    if values.get(key) == text:
        return
    if text is None:
        del values[key]
    else:
        values[key] = text
    gathered: dict[str, str | None] | None = connection.info.get(_GATHERED)
    if gathered is None:
        _write(connection, {str(key): text})
    else:
        gathered[str(key)] = text


def gather(connection: Connection) -> None:
    """Let what is saved from here on be written by `write_gathered`, with one statement."""
    connection.info[_GATHERED] = {}


def write_gathered(connection: Connection) -> None:
    """Write what was saved since `gather`; call it before the transaction ends."""
    _write(connection, connection.info.pop(_GATHERED, None) or {})


def _write(connection: Connection, changed: Mapping[str, str | None]) -> None:
    kept = [(key, text) for key, text in changed.items() if text is not None]
    gone = [(key,) for key, text in changed.items() if text is None]
    if kept:
        connection.exec_driver_sql(_SAVE, kept)
    if gone:
        connection.exec_driver_sql(_FORGET, gone)


def count_up(connection: Connection, key: Key) -> int:
    """Return the next number of a counter, kept in the same transaction."""
    number = load_integer(connection, key) + 1
    save(connection, key, number)
    return number


def ask_contact(connection: Connection) -> None:
    """Make the next contact due at once, unless the last tries failed: then the wait stands.

    Asked while a contact is under way, another one follows it: this one may have looked already.
    """
    save(connection, Key.ASKED_MEANWHILE, 1)
    if load_integer(connection, Key.FAILED_TRIES) == 0:
        save(connection, Key.NEXT_TRY_MS, None)
