"""Looks after people who work alone when their tablet says nothing any more.

The tablet itself calls when its holder does not answer (`field_app.orders.lone_watch`). A tablet
that fell into the well, lost its battery or has no network calls nobody: then the server asks.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, not_, or_, select, update

from sync_server.db.bulk_io import OnExisting, put_cells
from sync_server.db.order_tables import FACT
from sync_server.db.sync_tables import QUIET_CALL, REVIEW_ITEM, WATCHED_WORKER
from sync_server.sync.review_store import NewReview, ReviewKind, add_review, close_answered
from sync_server.work_orders.order import Fact
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType
from wire_contracts.site_facts import LoneWorkerEvent, WatchEvent, parse_watch

SILENCE: Final = timedelta(minutes=5)
"""After the due time: the tablet waits 3 minutes for an answer (`lone_watch.ESCALATE_AFTER`), then
its own call has 2 to come."""

_LONGEST_MS: Final = timedelta(hours=24) // timedelta(milliseconds=1)
"""No watch is set for longer; a due time behind it comes from a clock that was put right."""

_ANSWERS: Final = frozenset({WatchEvent.STARTED, WatchEvent.CONFIRMED})
_WELL: Final = _ANSWERS | {WatchEvent.ENDED}


def note_watch(connection: Connection, fact: Fact, at: DeviceTime) -> None:
    """Note until when the next word must come, and that all is well where it is said.

    `at` is the tap's own time: the due time counts from it, whatever the tablet's clock says. The
    word that was tapped last counts: one that was passed over on its way comes behind later ones.
    """
    if _is_over(fact):
        _quieten(connection, fact)
    told = _told(fact)
    if told is None:
        return
    word_ms = ms_from_utc(fact.happened_at_utc)
    is_well = told.event in _WELL
    if is_well:
        _quieten(connection, fact)
    known = connection.execute(
        select(WATCHED_WORKER).where(WATCHED_WORKER.c.tablet_id == fact.tablet_id).with_for_update()
    ).one_or_none()
    if known is not None and _is_overtaken(connection, fact, known.fact_id):
        return
    if known is not None and known.asked_id and is_well:
        close_answered(connection, known.asked_id, fact.received_at_utc)
    row = {
        "tablet_id": fact.tablet_id,
        "op_id": fact.op_id,
        "fact_id": fact.fact_id,
        "due_at_ms": None if told.due_ms is None else word_ms + _left_ms(told.due_ms, at),
        "asked_id": None if known is None or is_well else known.asked_id,
    }
    put_cells(connection, WATCHED_WORKER, [row], OnExisting.REPLACE)


def _is_over(fact: Fact) -> bool:
    payload = fact.payload if isinstance(fact.payload, Mapping) else {}
    return fact.fact_type is FactType.HELP_CALL and payload.get("is_over") is True


def _quieten(connection: Connection, fact: Fact) -> None:
    """Let nobody be rung for the calls of this tablet that came before.

    By the order of the taps in one copy of its store, else by that in which they come: no clock
    hides a later call.
    """
    calls = connection.execute(
        select(REVIEW_ITEM.c.review_id)
        .join(FACT, FACT.c.fact_id == REVIEW_ITEM.c.entity_id)
        .where(
            REVIEW_ITEM.c.resolved_at_ms.is_(None),
            REVIEW_ITEM.c.kind == str(ReviewKind.CREW_DANGER),
            FACT.c.tablet_id == fact.tablet_id,
            FACT.c.fact_type == str(fact.fact_type),
            not_(_is_tapped_later(fact)),
        )
    ).scalars()
    at_ms = ms_from_utc(fact.received_at_utc)
    quiet = [{"review_id": each, "at_ms": at_ms} for each in calls]
    put_cells(connection, QUIET_CALL, quiet, OnExisting.KEEP)


def _is_overtaken(connection: Connection, fact: Fact, known_id: str) -> bool:
    """Return whether the word that counts by now was tapped after this one."""
    later = select(FACT.c.fact_id).where(FACT.c.fact_id == known_id, _is_tapped_later(fact))
    return connection.execute(later).first() is not None


def _is_tapped_later(fact: Fact) -> ColumnElement[bool]:
    """Return whether a fact was tapped later: by its place in the same copy of the store.

    Of another copy (a tablet enrolled anew, words that came in sealed and were opened later) the
    one that had heard of the server later.
    """
    is_same_copy = func.coalesce(FACT.c.replica_id, "") == (fact.replica_id or "-")
    is_behind = and_(is_same_copy, func.coalesce(FACT.c.n, 0) > fact.n)
    if fact.word_utc is None:
        return is_behind
    return or_(is_behind, and_(not_(is_same_copy), FACT.c.word_ms > ms_from_utc(fact.word_utc)))


def _told(fact: Fact) -> LoneWorkerEvent | None:
    """Return what is told; a call of the tablet itself needs no other word. None: no watch's."""
    if fact.fact_type is not FactType.LONE_WORKER or not isinstance(fact.payload, Mapping):
        return None
    try:
        told = parse_watch(FieldReader(place=f"fact {fact.fact_id}", values=fact.payload))
    except ContractError:
        return None
    return told if told.event in _ANSWERS else replace(told, due_ms=None)


def _left_ms(due_ms: int, at: DeviceTime) -> int:
    return max(min(due_ms - at.wall_ms, _LONGEST_MS), 0)


class Watchman:
    """Looks for people whose tablets say nothing, and knows since when tablets could come."""

    def __init__(self, now_utc: datetime) -> None:
        """Begin when the server starts."""
        self._up_since_utc = now_utc

    def look(self, connection: Connection, now_utc: datetime) -> int:
        """Return how many people were asked for, as `ask_for_silent`.

        A clock that was put back since the start, as one that ran ahead until the network was
        there, lets tablets come for another 5 minutes and no longer.
        """
        self._up_since_utc = min(self._up_since_utc, now_utc)
        return ask_for_silent(connection, now_utc, self._up_since_utc)


def ask_for_silent(connection: Connection, now_utc: datetime, up_since_utc: datetime) -> int:
    """Return how many people were asked for because no word came in time; each once.

    `up_since_utc`: since when tablets could come. A server that was away has heard nobody.
    """
    _set_right(connection, ms_from_utc(now_utc))
    late_ms = ms_from_utc(now_utc - SILENCE)
    if ms_from_utc(up_since_utc) > late_ms:
        return 0
    silent = connection.execute(
        select(WATCHED_WORKER).where(WATCHED_WORKER.c.due_at_ms <= late_ms)
    ).all()
    return sum(_ask(connection, row, now_utc) for row in silent)


def _set_right(connection: Connection, now_ms: int) -> None:
    """Count due times from now where the server's clock was put back behind the word of a watch.

    By less than was left, it only asks so much later.
    """
    rows = connection.execute(
        select(WATCHED_WORKER.c.tablet_id, WATCHED_WORKER.c.due_at_ms, FACT.c.received_at_ms)
        .join(FACT, FACT.c.fact_id == WATCHED_WORKER.c.fact_id)
        .where(WATCHED_WORKER.c.due_at_ms >= FACT.c.received_at_ms)
        .where(FACT.c.received_at_ms > now_ms)
    ).all()
    for tablet_id, due_at_ms, received_at_ms in rows:
        again_ms = now_ms + due_at_ms - received_at_ms
        if again_ms < received_at_ms:
            connection.execute(
                update(WATCHED_WORKER)
                .where(WATCHED_WORKER.c.tablet_id == tablet_id)
                .where(WATCHED_WORKER.c.due_at_ms == due_at_ms)
                .values(due_at_ms=again_ms)
            )


def _ask(connection: Connection, row: Row[str], now_utc: datetime) -> bool:
    """Ask for one person; False where an answer came between the look and now."""
    own = WATCHED_WORKER.c.tablet_id == row.tablet_id
    taken = connection.execute(
        update(WATCHED_WORKER)
        .where(own, WATCHED_WORKER.c.op_id == row.op_id, WATCHED_WORKER.c.due_at_ms.is_not(None))
        .values(due_at_ms=None)
    )
    if taken.rowcount == 0:
        return False
    new = NewReview(
        kind=ReviewKind.CREW_DANGER,
        op_id=row.op_id,
        entity=str(FactType.LONE_WORKER),
        entity_id=row.fact_id,
        code=Code.HELP_WANTED,
    )
    asked_id = add_review(connection, new, now_utc)
    connection.execute(update(WATCHED_WORKER).where(own).values(asked_id=asked_id))
    return True
