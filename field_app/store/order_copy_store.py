"""Maps the orders that a fresh pass did not confirm: a restored server may have lost them.

An order that the office made after the copy is nowhere but on tablets: they tell of it, and a
person makes it again. One that leaves while own words about it are here is kept, too: the next
server may not know of it; and one that is shown again without a valve that was closed.
"""

import json
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects import sqlite

from field_app.store import settings_store
from field_app.store.among import is_among_bound
from field_app.store.settings_store import Key
from field_app.store.tables import base_row, order_copy
from wire_contracts.fields import JsonObject
from wire_contracts.order_copies import MAX_COPIES, OrderCopy
from wire_contracts.orders import ENTITY
from wire_contracts.pulls import EntityRow

HISTORY = timedelta(days=90)
"""How long a copy is kept: a server may be restored again (RULINGS R1)."""

SAME_COPY = timedelta(days=30)
"""How long after a restore the next one may be to the same copy: a later one has the orders."""

AWAITED = timedelta(days=1)
"""How long what was begun at an order waits for a person to make it again."""

_ROOM_BYTES = 200 * 1024
"""Of a push, which takes 256 kB, for documents as they are kept here."""

_AREA: Final = "area:"

_TOLD_OF: Final = 1
_NOT_TAKEN: Final = 2
"""In `is_told`; 0 waits to be told."""


def begin_watch(connection: Connection) -> None:
    """Keep from now on what a restored server does not confirm, and tell of all of it again."""
    settings_store.save(connection, Key.IS_RESTORED, 1)
    connection.execute(_TELL_AGAIN)


_TELL_AGAIN: Final = update(order_copy).values(is_told=0)


def keep_leaving(connection: Connection, order_ids: Collection[str]) -> None:
    """Keep the orders among these that leave because a fresh pass did not confirm their rows.

    After a restore the server is told. Without one nobody said that they have left: the database
    may have been put back by hand, and is told once it has a new epoch.
    """
    if order_ids:
        is_restored = settings_store.load_text(connection, Key.IS_RESTORED) is not None
        _keep(connection, order_ids, _UNCONFIRMED, is_told=0 if is_restored else 1)


def keep_forgotten(connection: Connection, rows: Sequence[EntityRow]) -> None:
    """Keep the orders that a restored server shows without a valve that it had shown as closed.

    Call it before the rows take the place of those that no fresh pass has confirmed yet.
    """
    if settings_store.load_text(connection, Key.IS_RESTORED) is None:
        return
    shown = {row.entity_id: _closed_valves(row.document) for row in rows if row.entity == ENTITY}
    asked = {"ids": json.dumps(sorted(shown))}
    forgotten = {
        row.entity_id
        for row in connection.execute(_UNCONFIRMED, asked)
        if _closed_valves(json.loads(row.document)) - shown[row.entity_id]
    }
    if forgotten:
        _keep(connection, forgotten, _UNCONFIRMED, is_told=0)


def _closed_valves(document: JsonObject) -> set[str]:
    """Return which valves an order's document tells of as closed."""
    handover = document.get("handover")
    valves = handover.get("valves") if isinstance(handover, dict) else None
    told = valves if isinstance(valves, list) else []
    return {str(each.get("valve_id")) for each in told if isinstance(each, dict)}


def with_valves(connection: Connection, order_ids: Sequence[str]) -> dict[str, JsonObject]:
    """Return the copies among these orders that tell of closed valves, by id."""
    rows = connection.execute(_WITH_VALVES, {"ids": json.dumps(order_ids)})
    return {row.order_id: json.loads(row.document) for row in rows}


def keep_since_restore(connection: Connection, order_ids: Collection[str]) -> None:
    """Keep the orders among these that leave within weeks of a restore, told as this server's.

    It may have been made again since: the next restore may be to the same copy.
    """
    restored_ms = settings_store.load_integer(connection, Key.RESTORED_AT_MS)
    since_ms = settings_store.load_integer(connection, Key.WHOLE_AT_MS) - restored_ms
    if order_ids and restored_ms and since_ms <= SAME_COPY // timedelta(milliseconds=1):
        _keep(connection, order_ids, _LEAVING, is_told=_TOLD_OF)


def keep_moving(connection: Connection, order_ids: Collection[str]) -> None:
    """Keep the orders among these that leave while own words are here: nobody else may have them.

    This server knows of them: only a restored one is told.
    """
    _keep(connection, order_ids, _LEAVING, is_told=1)


def _keep(
    connection: Connection,
    order_ids: Collection[str],
    leaving: Select[str, str, str],
    *,
    is_told: int,
) -> None:
    asked = {"ids": json.dumps(sorted(order_ids))}
    as_of_ms = settings_store.load_integer(connection, Key.WHOLE_AT_MS)
    rows = [
        {
            "order_id": row.entity_id,
            "document": row.document,
            "area_id": row.bucket.removeprefix(_AREA) if row.bucket.startswith(_AREA) else None,
            "as_of_ms": as_of_ms,
            "is_told": is_told,
        }
        for row in connection.execute(leaving, asked)
    ]
    if rows:
        connection.execute(_KEEP, rows)


_LEAVING: Final = (
    select(base_row.c.entity_id, base_row.c.document, base_row.c.bucket)
    .where(
        base_row.c.entity == ENTITY,
        is_among_bound(base_row.c.entity_id, "ids"),
        base_row.c.bucket != "",
    )
    .order_by(base_row.c.seq)
)
_UNCONFIRMED: Final = _LEAVING.where(base_row.c.is_stale == literal_column("1"))
_NEW: Final = sqlite.insert(order_copy)
_KEEP: Final = _NEW.on_conflict_do_update(
    index_elements=["order_id"],
    set_={
        **{name: _NEW.excluded[name] for name in ("document", "area_id", "as_of_ms")},
        "is_told": func.min(order_copy.c.is_told, _NEW.excluded.is_told),
    },
)


def end_watch(connection: Connection, server_now_ms: int) -> None:
    """Forget what the server shows again, and what is too old; call it when a pull was whole."""
    if settings_store.load_text(connection, Key.IS_RESTORED) is not None:
        _note_restored(connection, server_now_ms)
    settings_store.save(connection, Key.IS_RESTORED, None)
    settings_store.save(connection, Key.WHOLE_AT_MS, server_now_ms)
    if connection.execute(_ANY).first() is None:
        return
    connection.execute(_FORGET_SHOWN)
    oldest_ms = server_now_ms - HISTORY // timedelta(milliseconds=1)
    connection.execute(_FORGET_OLD, {"oldest_ms": oldest_ms})


def _note_restored(connection: Connection, server_now_ms: int) -> None:
    """Keep when a restored server had shown all, and as of when the copies are that it lacks.

    Of two restores within a day what the first one had lost is awaited, too.
    """
    former_ms = settings_store.load_integer(connection, Key.RESTORED_AT_MS)
    if server_now_ms - former_ms > AWAITED // timedelta(milliseconds=1):
        whole_ms = settings_store.load_integer(connection, Key.WHOLE_AT_MS)
        settings_store.save(connection, Key.LOST_SINCE_MS, whole_ms)
    settings_store.save(connection, Key.RESTORED_AT_MS, server_now_ms)


_ANY: Final = select(order_copy.c.order_id).limit(1)
_HAS_VALVES: Final = func.json_array_length(order_copy.c.document, "$.handover.valves") > 0
_FORGET_SHOWN: Final = delete(order_copy).where(
    order_copy.c.order_id.in_(
        select(base_row.c.entity_id).where(base_row.c.entity == ENTITY, base_row.c.bucket != "")
    ),
    (order_copy.c.is_told == _TOLD_OF) | _HAS_VALVES.is_not(true()),
)
"""One that tells of a closed valve stays until the server has it."""

_WITH_VALVES: Final = select(order_copy.c.order_id, order_copy.c.document).where(
    is_among_bound(order_copy.c.order_id, "ids"), _HAS_VALVES
)
_FORGET_OLD: Final = delete(order_copy).where(
    order_copy.c.as_of_ms > 0, order_copy.c.as_of_ms < bindparam("oldest_ms", type_=Integer)
)


def awaited(connection: Connection, now_ms: int) -> set[str]:
    """Return the orders that a person may be about to make again, for a day after a restore."""
    restored_ms = settings_store.load_integer(connection, Key.RESTORED_AT_MS)
    if now_ms - restored_ms > AWAITED // timedelta(milliseconds=1):
        return set()
    return set(connection.execute(_AWAITED, {"restored_ms": restored_ms}).scalars())


_AWAITED: Final = select(order_copy.c.order_id).where(
    order_copy.c.as_of_ms < bindparam("restored_ms", type_=Integer)
)
"""What has left since was taken by this server."""


def next_copies(
    connection: Connection, most: int = MAX_COPIES, but: Sequence[str] = ()
) -> list[OrderCopy]:
    """Return copies that the server was not told of, as many as one push takes; none of `but`."""
    found: list[OrderCopy] = []
    room = _ROOM_BYTES
    query = _UNTOLD.where(order_copy.c.order_id.not_in(but)) if but else _UNTOLD
    for row in connection.execute(query, {"most": most}):
        room -= len(row.document.encode())
        if found and room < 0:
            break
        copy = OrderCopy(
            order_id=row.order_id,
            as_of_ms=row.as_of_ms,
            document=_fitting(json.loads(row.document), len(row.document.encode())),
            area_id=row.area_id,
        )
        found.append(copy)
    return found


def _fitting(document: JsonObject, size_bytes: int) -> JsonObject:
    """Return a document that fits a push: a chart is most of it, and the alert has it, too."""
    return document if size_bytes <= _ROOM_BYTES else {**document, "evidence": None}


_UNTOLD: Final = (
    select(order_copy)
    .where(order_copy.c.is_told == 0)
    .order_by(order_copy.c.order_id)
    .limit(bindparam("most", type_=Integer))
)


def note_told(connection: Connection, order_ids: Collection[str], *, is_taken: bool = True) -> None:
    """Note that the server has these copies, or cannot take them: then they are not told again."""
    became = _TOLD_OF if is_taken else _NOT_TAKEN
    connection.execute(_TOLD, {"ids": json.dumps(sorted(order_ids)), "became": became})


_TOLD: Final = (
    update(order_copy)
    .where(is_among_bound(order_copy.c.order_id, "ids"))
    .values(is_told=bindparam("became", type_=Integer))
)


def leave_crew(connection: Connection) -> None:
    """Forget what a server knows of: the next crew has no use for it, and reads none of the rest.

    A copy that nobody was told of yet stays to be told, and one with own words beside it.
    """
    connection.execute(_FORGET_KNOWN)
    as_of_ms = settings_store.load_integer(connection, Key.WHOLE_AT_MS)
    settings_store.save(connection, Key.LEFT_CREW_MS, as_of_ms)


_FORGET_KNOWN: Final = delete(order_copy).where(
    order_copy.c.is_told != 0,
    order_copy.c.order_id.not_in(
        select(base_row.c.entity_id).where(base_row.c.entity == ENTITY, base_row.c.bucket == "")
    ),
)


def forget_all(connection: Connection) -> None:
    """Forget everything: the office has withdrawn the tablet."""
    connection.execute(delete(order_copy))
    settings_store.save(connection, Key.IS_RESTORED, None)
