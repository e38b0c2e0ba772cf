"""What screens ask of the whole outbox: what waits, since when, what a person must see."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, func, literal_column, select, update

from field_app.store.outbox_store import (
    ENTRIES,
    IS_WAITING,
    Look,
    OutboxEntry,
    entry_of_row,
    load_entries,
)
from field_app.store.record_states import OpStatus
from field_app.store.tables import outbox_op

_NEEDS_LOOK: Final[ColumnElement[bool]] = outbox_op.c.look == literal_column(str(Look.YES.value))
"""Written out, for SQLite takes a partial index only when it sees the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSummary:
    """The overall line: what waits, since when, and what needs eyes."""

    waiting: int
    oldest_at_ms: int | None
    held: int
    needs_look: int


def waiting_entries(connection: Connection, limit: int) -> list[OutboxEntry]:
    """Return the operations that the server has not confirmed, oldest first."""
    rows = connection.execute(ENTRIES.where(IS_WAITING).limit(limit)).mappings()
    return [entry_of_row(row) for row in rows]


def look_here_entries(connection: Connection) -> list[OutboxEntry]:
    """Return the operations that a person must see, oldest first."""
    return load_entries(connection, _NEEDS_LOOK)


def mark_seen(connection: Connection, condition: ColumnElement[bool]) -> set[str]:
    """Note that a person has seen what became of the operations; return their records."""
    chosen = and_(_NEEDS_LOOK, outbox_op.c.status != OpStatus.HELD, condition)
    records = set(connection.execute(select(outbox_op.c.order_id).where(chosen)).scalars())
    connection.execute(update(outbox_op).where(chosen).values(look=Look.SEEN))
    return records


def summarise(connection: Connection) -> OutboxSummary:
    """Return the overall line's figures."""
    waiting, oldest_at_ms, held, needs_look = connection.execute(_SUMMARY).one()
    return OutboxSummary(
        waiting=waiting, oldest_at_ms=oldest_at_ms, held=held, needs_look=needs_look
    )


_SUMMARY: Final = select(
    select(func.count()).where(IS_WAITING).scalar_subquery(),
    select(func.min(outbox_op.c.made_at_ms)).where(IS_WAITING).scalar_subquery(),
    select(func.count()).where(outbox_op.c.status == OpStatus.HELD).scalar_subquery(),
    select(func.count()).where(_NEEDS_LOOK).scalar_subquery(),
)
