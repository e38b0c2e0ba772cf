"""Owns what outlives a withdrawal of the calls for help and of the watch: no name, no place.

The taps themselves leave sealed. Without them the tablet would forget that somebody works alone,
and nobody would be told that there is no answer.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, bindparam, select

from field_app.orders.own_facts import OwnFact
from field_app.orders.site_store import call_entries, own_fact
from field_app.store import settings_store
from field_app.store.settings_store import Key
from field_app.store.tables import sealed_item
from wire_contracts.errors import ContractError
from wire_contracts.operations import Operation, parse_operation, write_operation
from wire_contracts.orders import FactType
from wire_contracts.payloads import read_json
from wire_contracts.sealed import SealedKind
from wire_contracts.site_facts import WatchEvent

_HIDDEN: Final = {"person": "…", "place": "", "lat_deg": None, "lon_deg": None}
"""What nobody reads on a tablet that was withdrawn; the screen asks for "…"."""

_ANSWERS: Final = frozenset({WatchEvent.STARTED, WatchEvent.CONFIRMED})


def newest_calls(connection: Connection, fact_type: FactType) -> list[OwnFact]:
    """Return the newest facts of a type, oldest first, and before them what was kept of earlier.

    Those that the server refused are among them: who calls must know that nobody hears.
    """
    entries = call_entries(connection, fact_type)
    here = {each.operation.op_id for each in entries}
    earlier = [
        _kept_fact(connection, each)
        for each in _kept(connection)
        if each.field == fact_type and each.op_id not in here
    ]
    return [*earlier, *(own_fact(each) for each in entries)]


def keep_calls(connection: Connection) -> None:
    """Keep what the open call and the running watch need, in place of what was kept before.

    Call it before the taps leave the outbox; of what is over nothing is kept.
    """
    kept = [each for fact_type in _TYPES for each in _still_open(connection, fact_type)]
    texts = [write_operation(_hidden(each)) for each in kept]
    settings_store.save(connection, Key.KEPT_CALLS, json.dumps(texts) if texts else None)


def renew_kept(connection: Connection) -> None:
    """Keep with what was kept what has been tapped since; nothing where nothing was kept."""
    if settings_store.load_text(connection, Key.KEPT_CALLS) is not None:
        keep_calls(connection)


_TYPES: Final = (FactType.LONE_WORKER, FactType.HELP_CALL)


def _still_open(connection: Connection, fact_type: FactType) -> Sequence[Operation]:
    """Return the taps that say how an open call or a running watch stands, oldest first."""
    here = [each.operation for each in call_entries(connection, fact_type)]
    known = {each.op_id for each in here}
    before = [each for each in _kept(connection) if each.field == fact_type]
    taps = [*(each for each in before if each.op_id not in known), *here]
    events = [(each.payload or {}).get("event") for each in taps]
    if fact_type is FactType.HELP_CALL:
        return [each for each in taps[-1:] if (each.payload or {}).get("is_over") is not True]
    answers = [place for place, event in enumerate(events) if event in _ANSWERS]
    if not answers or events[-1] == WatchEvent.ENDED:
        return ()
    return taps[answers[-1] :]


def _hidden(operation: Operation) -> Operation:
    payload = operation.payload or {}
    return replace(
        operation,
        payload={name: _HIDDEN.get(name, value) for name, value in payload.items()},
    )


def _kept(connection: Connection) -> list[Operation]:
    text = settings_store.load_text(connection, Key.KEPT_CALLS)
    found: list[Operation] = []
    for each in [] if text is None else json.loads(text):
        try:
            found.append(parse_operation(read_json("kept call", str(each).encode())))
        except ContractError:
            continue  # of a newer app
    return found


def _kept_fact(connection: Connection, operation: Operation) -> OwnFact:
    """Return the fact; it is told once the server holds its sealed copy, which then may go."""
    waits = connection.execute(_WAITS, {"about": operation.op_id}).first() is not None
    return OwnFact(
        fact_id=operation.entity_id,
        fact_type=operation.field,
        actor=operation.actor,
        at_ms=operation.at.wall_ms + operation.at.offset_ms,
        payload=operation.payload or {},
        is_told=not waits,
        at=operation.at,
    )


_WAITS: Final = select(sealed_item.c.about).where(
    sealed_item.c.kind == str(SealedKind.OPERATION),
    sealed_item.c.about == bindparam("about"),
    sealed_item.c.acked_at_ms == 0,
)
