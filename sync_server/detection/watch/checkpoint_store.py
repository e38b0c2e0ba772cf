"""Owns the detectors' memory in the database: parts of some meters each, and where it stood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, delete, func, select

from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.detection_tables import DETECTION_CHECKPOINT
from sync_server.db.server_tables import SERVER_STATE

ROWS_IN_PART = 512
"""Meters in one part: a late reading brings one part back, not the whole fleet."""

_BOOK = "book"
_LOOKED = "detection_looked_ms"
_ARRIVAL = "detection_arrival"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """When the memory stood so, and the newest arrival that was in it."""

    at_ms: int
    arrival_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The memory of some meters; `body` is what `state_arrays.pack_state` made."""

    meter_ids: Sequence[str]
    body: bytes


def list_checkpoints(connection: Connection, core_version: str) -> Sequence[Checkpoint]:
    """Return the checkpoints that this version of the core can read, oldest first."""
    rows = connection.execute(
        select(DETECTION_CHECKPOINT.c.at_ms, DETECTION_CHECKPOINT.c.arrival_id)
        .where(
            DETECTION_CHECKPOINT.c.core_version == core_version,
            DETECTION_CHECKPOINT.c.part == _BOOK,
        )
        .order_by(DETECTION_CHECKPOINT.c.at_ms)
    )
    return [Checkpoint(at_ms=at_ms, arrival_id=arrival_id) for at_ms, arrival_id in rows]


def save_checkpoint(
    connection: Connection,
    core_version: str,
    checkpoint: Checkpoint,
    parts: Sequence[Part],
    book: bytes,
) -> None:
    """Store the whole memory; one at the same instant is replaced."""
    at_ms, arrival_id = checkpoint.at_ms, checkpoint.arrival_id
    rows: list[Row] = [
        (
            core_version,
            at_ms,
            f"{number:06d}",
            arrival_id,
            orjson.dumps(list(part.meter_ids)).decode(),
            part.body,
        )
        for number, part in enumerate(parts)
    ]
    rows.append((core_version, at_ms, _BOOK, arrival_id, "[]", book))
    write_rows(connection, DETECTION_CHECKPOINT, rows, OnExisting.REPLACE)


def load_parts(
    connection: Connection, core_version: str, at_ms: int, wanted: frozenset[str] | None = None
) -> Sequence[Part]:
    """Return the parts of a checkpoint, or those alone that hold one of the wanted meters."""
    is_part = (
        (DETECTION_CHECKPOINT.c.core_version == core_version)
        & (DETECTION_CHECKPOINT.c.at_ms == at_ms)
        & (DETECTION_CHECKPOINT.c.part != _BOOK)
    )
    headings = connection.execute(
        select(DETECTION_CHECKPOINT.c.part, DETECTION_CHECKPOINT.c.heading)
        .where(is_part)
        .order_by(DETECTION_CHECKPOINT.c.part)
    ).all()
    parts: list[Part] = []
    for name, heading in headings:
        meter_ids: list[str] = orjson.loads(heading)
        if wanted is not None and wanted.isdisjoint(meter_ids):
            continue
        body: bytes = connection.execute(
            select(DETECTION_CHECKPOINT.c.body).where(is_part, DETECTION_CHECKPOINT.c.part == name)
        ).scalar_one()
        parts.append(Part(meter_ids=meter_ids, body=body))
    return parts


def load_book(connection: Connection, core_version: str, at_ms: int) -> bytes:
    """Return the book of a checkpoint; raise LookupError when it is gone."""
    body: bytes | None = connection.execute(
        select(DETECTION_CHECKPOINT.c.body).where(
            DETECTION_CHECKPOINT.c.core_version == core_version,
            DETECTION_CHECKPOINT.c.at_ms == at_ms,
            DETECTION_CHECKPOINT.c.part == _BOOK,
        )
    ).scalar_one_or_none()
    if body is None:
        message = f"checkpoint {at_ms}: book: is gone; build the memory anew"
        raise LookupError(message)
    return body


def forget_checkpoints(connection: Connection, core_version: str, before_ms: int) -> None:
    """Let go of what is older than an instant, and of everything of other core versions.

    The newest one before the instant is kept: a reading just after it needs it.
    """
    newest_before: int | None = connection.execute(
        select(func.max(DETECTION_CHECKPOINT.c.at_ms)).where(
            DETECTION_CHECKPOINT.c.core_version == core_version,
            DETECTION_CHECKPOINT.c.at_ms < before_ms,
        )
    ).scalar_one()
    is_old = DETECTION_CHECKPOINT.c.core_version != core_version
    if newest_before is not None:
        is_old |= DETECTION_CHECKPOINT.c.at_ms < newest_before
    connection.execute(delete(DETECTION_CHECKPOINT).where(is_old))


def forget_all_checkpoints(connection: Connection) -> None:
    """Let go of the whole memory: who looks next learns it anew from the readings."""
    connection.execute(delete(DETECTION_CHECKPOINT))


def load_place(connection: Connection) -> Checkpoint | None:
    """Return up to where alerts are written: the look's instant and the newest arrival in it."""
    found: Mapping[str, int] = {
        row.name: row.number
        for row in connection.execute(
            select(SERVER_STATE.c.name, SERVER_STATE.c.number).where(
                SERVER_STATE.c.name.in_((_LOOKED, _ARRIVAL))
            )
        )
    }
    if _LOOKED not in found:
        return None
    return Checkpoint(at_ms=found[_LOOKED], arrival_id=found.get(_ARRIVAL, 0))


def save_place(connection: Connection, place: Checkpoint) -> None:
    """Say up to where alerts are written, in the transaction that writes them."""
    rows: list[Row] = [(_LOOKED, place.at_ms), (_ARRIVAL, place.arrival_id)]
    write_rows(connection, SERVER_STATE, rows, OnExisting.REPLACE)
