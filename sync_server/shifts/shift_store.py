"""Owns the log of the shifts and their hand-overs in the database."""

from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.shift_tables import SHIFT_ENTRY, SHIFT_HANDOVER
from sync_server.shifts.shift import Desk, Handover, NewHandover, OpenMatter, ShiftEntry
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms


def add_entry(connection: Connection, desk: Desk, actor: str, text: str, now_utc: datetime) -> None:
    """Add a line to the log; none is ever changed."""
    connection.execute(
        insert(SHIFT_ENTRY).values(
            desk=str(desk), actor=actor, at_ms=ms_from_utc(now_utc), text=text.strip()
        )
    )
    append_feed(connection, Topic.SHIFT, str(desk), now_utc)


def newest_entries(connection: Connection, desk: Desk, limit: int = 100) -> Sequence[ShiftEntry]:
    """Return the newest lines of a desk's log, the newest first."""
    query = (
        select(SHIFT_ENTRY)
        .where(SHIFT_ENTRY.c.desk == str(desk))
        .order_by(SHIFT_ENTRY.c.entry_id.desc())
        .limit(limit)
    )
    return [
        ShiftEntry(
            entry_id=row.entry_id,
            desk=desk,
            actor=row.actor,
            at_utc=utc_from_ms(row.at_ms),
            text=row.text,
        )
        for row in connection.execute(query)
    ]


def offer_handover(
    connection: Connection, offer: NewHandover, actor: str, now_utc: datetime
) -> Handover:
    """Return the hand-over that the next shift takes; one that nobody took yet is replaced."""
    connection.execute(
        update(SHIFT_HANDOVER)
        .where(SHIFT_HANDOVER.c.desk == str(offer.desk), SHIFT_HANDOVER.c.taken_at_ms.is_(None))
        .values(to_actor=actor, taken_at_ms=ms_from_utc(now_utc))
    )
    snapshot = [
        {"topic": each.topic, "count": each.count, "names": list(each.names)}
        for each in offer.matters
    ]
    handover_id: int = connection.execute(
        insert(SHIFT_HANDOVER)
        .values(
            desk=str(offer.desk),
            from_actor=actor,
            offered_at_ms=ms_from_utc(now_utc),
            note=offer.note.strip(),
            snapshot=orjson.dumps(snapshot).decode(),
        )
        .returning(SHIFT_HANDOVER.c.handover_id)
    ).scalar_one()
    _audit(connection, "shift.offer", handover_id, actor, now_utc)
    append_feed(connection, Topic.SHIFT, str(offer.desk), now_utc)
    return _get(connection, handover_id)


def take_handover(
    connection: Connection, handover_id: int, actor: str, now_utc: datetime
) -> Handover:
    """Return the hand-over, taken.

    Raises:
        ContractError: There is none, it was taken, or it would be taken by whoever offered it.
    """
    found = _get(connection, handover_id)
    if found.to_actor is not None:
        raise _refused(found, "to", "was taken already", "reload the page")
    if found.from_actor == actor:
        raise _refused(found, "to", "is who offers it", "let the next shift take it")
    connection.execute(
        update(SHIFT_HANDOVER)
        .where(SHIFT_HANDOVER.c.handover_id == handover_id)
        .values(to_actor=actor, taken_at_ms=ms_from_utc(now_utc))
    )
    _audit(connection, "shift.take", handover_id, actor, now_utc)
    append_feed(connection, Topic.SHIFT, str(found.desk), now_utc)
    return _get(connection, handover_id)


def newest_handovers(connection: Connection, desk: Desk, limit: int = 10) -> Sequence[Handover]:
    """Return the newest hand-overs of a desk, the newest first."""
    query = (
        select(SHIFT_HANDOVER)
        .where(SHIFT_HANDOVER.c.desk == str(desk))
        .order_by(SHIFT_HANDOVER.c.handover_id.desc())
        .limit(limit)
    )
    return [_handover(row) for row in connection.execute(query)]


def _get(connection: Connection, handover_id: int) -> Handover:
    query = select(SHIFT_HANDOVER).where(SHIFT_HANDOVER.c.handover_id == handover_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"hand-over {handover_id}", "handover")
    return _handover(row)


def _handover(row: Row[str]) -> Handover:
    return Handover(
        handover_id=row.handover_id,
        desk=Desk(row.desk),
        from_actor=row.from_actor,
        offered_at_utc=utc_from_ms(row.offered_at_ms),
        note=row.note,
        matters=tuple(
            OpenMatter(topic=each["topic"], count=each["count"], names=tuple(each["names"]))
            for each in orjson.loads(row.snapshot)
        ),
        to_actor=row.to_actor,
        taken_at_utc=None if row.taken_at_ms is None else utc_from_ms(row.taken_at_ms),
    )


def _audit(
    connection: Connection, action: str, handover_id: int, actor: str, now_utc: datetime
) -> None:
    event = AuditEvent(actor=actor, action=action, subject=str(handover_id), detail={})
    append_audit(connection, event, now_utc)


def _refused(found: Handover, field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"hand-over {found.handover_id}",
        field=field,
        problem=problem,
        remedy=remedy,
        code=Code.STATE,
    )
