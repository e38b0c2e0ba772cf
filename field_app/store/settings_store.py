"""Maps the few single values of the tablet: token, offset, next try, counters."""

from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import sqlite

from field_app.store.tables import setting


class Key(StrEnum):
    """The name of one value; absent means it was never set."""

    REPLICA_ID = "replica_id"
    LAST_N = "last_n"
    PULL_TOKEN = "pull_token"  # noqa: S105  # the name of a value
    PULL_ROUND = "pull_round"
    PULL_REPAIRS = "pull_repairs"
    SERVER_EPOCH = "server_epoch"
    OFFSET_MS = "offset_ms"
    LAST_CONTACT_MS = "last_contact_ms"
    NEXT_TRY_MS = "next_try_ms"
    ASKED_MEANWHILE = "asked_meanwhile"
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
    SEALING_KEY = "sealing_key"
    PERSONAL_WANTED = "personal_wanted"
    WITHDRAWN_MS = "withdrawn_ms"
    LAST_FULL_CHECK_MS = "last_full_check_ms"
    DAMAGE_SEEN = "damage_seen"
    DETECTOR = "detector"
    PLACE = "place"
    ALERTS_SEEN = "alerts_seen"


NUMBERS: Final = frozenset(
    {
        Key.LAST_N,
        Key.PULL_ROUND,
        Key.OFFSET_MS,
        Key.LAST_CONTACT_MS,
        Key.NEXT_TRY_MS,
        Key.FAILED_TRIES,
        Key.LEASE_UNTIL_MS,
        Key.WITHDRAWN_MS,
        Key.LAST_FULL_CHECK_MS,
    }
)
"""The values that are whole numbers."""


_ALL: Final = select(setting.c.key, setting.c.value)
_NEW: Final = sqlite.insert(setting)
_SAVE: Final = _NEW.on_conflict_do_update(
    index_elements=["key"], set_={"value": _NEW.excluded.value}
)
_FORGET: Final = delete(setting).where(setting.c.key == bindparam("unwanted"))
"""Built once: every contact reads and writes dozens of values."""

_OF_TRANSACTION: Final = "settings of the transaction"


def _values(connection: Connection) -> dict[str, str]:
    """Return all values as this transaction sees them; read once, then kept in step by `save`."""
    transaction = connection.get_transaction()
    known: tuple[object, dict[str, str]] | None = connection.info.get(_OF_TRANSACTION)
    is_nested = connection.in_nested_transaction()  # what it changes may be taken back alone
    if known is not None and known[0] is transaction and not is_nested:
        return known[1]
    found = {row.key: row.value for row in connection.execute(_ALL)}
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
        connection.execute(_FORGET, {"unwanted": key})
        del values[key]
        return
    connection.execute(_SAVE, {"key": key, "value": text})
    values[key] = text


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
