"""Chooses what the outbox sends next, whole user actions at a time; notes what is on its way."""

import json
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, Select, bindparam, select, update

from field_app.store.among import is_among_bound
from field_app.store.fixed_statement import FixedStatement
from field_app.store.outbox_store import IS_WAITING, Look
from field_app.store.record_states import OpStatus
from field_app.store.tables import outbox_op
from field_app.store.told_of_taps import TOLD_MS
from wire_contracts.operations import (
    MAX_ACTION_BYTES,
    MAX_OPERATIONS,
    MAX_PUSH_BYTES,
    TOLD_BYTES,
    Operation,
    OperationKind,
    write_operation,
)

_ENVELOPE_BYTES = 1024
"""Room for the push body around its operations."""


class Outgoing(NamedTuple):
    """One operation on its way, as it was written down with the tap: a push takes none apart.

    A tuple, in the order of `_QUEUED`: a push has two hundred. `told_ms`: what a server said of it
    that was restored from a backup since, None where none did.
    """

    op_id: str
    group: str
    order_id: str
    body: str
    told_ms: int | None = None


def is_sendable(operations: Sequence[Operation]) -> bool:
    """Return whether the server takes these operations of one user action in one push."""
    size = sum(len(write_operation(each).encode()) + 1 + TOLD_BYTES for each in operations)
    return _ENVELOPE_BYTES + size <= MAX_ACTION_BYTES


_QUEUED: Final = (
    select(
        outbox_op.c.op_id,
        outbox_op.c.group_id,
        outbox_op.c.order_id,
        outbox_op.c.body,
        TOLD_MS,
    )
    .where(outbox_op.c.status == OpStatus.QUEUED)
    .order_by(outbox_op.c.n)
    .limit(MAX_OPERATIONS + 1)
)


FIRST_OF_MANY = 50
"""Operations of the first push of several: it is sent after a quarter of the work, so that the
server begins while the tablet takes the next ones."""


def first_batch(connection: Connection) -> list[Outgoing]:
    """Return what opens a contact: all, where one push takes it, else `FIRST_OF_MANY`."""
    queued = _waiting(connection, _QUEUED)
    batch = _fitting(queued, MAX_OPERATIONS)
    return batch if len(batch) == len(queued) else _fitting(queued, FIRST_OF_MANY)


def next_batch(connection: Connection) -> list[Outgoing]:
    """Return the next queued groups that fit one push; a group is never split over two.

    A single group over the limits comes alone: the server says what it thinks of it.
    """
    return _fitting(_waiting(connection, _QUEUED), MAX_OPERATIONS)


def next_without_steps(connection: Connection) -> list[Outgoing]:
    """Return as `next_batch` what waits for no step of an order and takes none with it.

    A word about an order waits for the steps that were tapped before it: at a free order it is
    refused until the crew has accepted. Facts may pass, they are never refused for their order.
    """
    return _fitting(_waiting(connection, _QUEUED_WORDS), MAX_OPERATIONS)


_A_STEP: Final = f'%"kind":"{OperationKind.GO}"%'
"""In the body as it is written (`write_operation`); text in it has its quotes escaped."""

_WITH_STEPS: Final = select(outbox_op.c.group_id).where(
    outbox_op.c.status == OpStatus.QUEUED, outbox_op.c.body.like(_A_STEP)
)
_A_WORD: Final = f'%"kind":"{OperationKind.SET}"%'
_STEP: Final = outbox_op.alias("step")
_BEHIND_STEPS: Final = select(outbox_op.c.group_id).where(
    outbox_op.c.status == OpStatus.QUEUED,
    outbox_op.c.body.like(_A_WORD),
    select(_STEP.c.op_id)
    .where(
        _STEP.c.order_id == outbox_op.c.order_id,
        _STEP.c.status == OpStatus.QUEUED,
        _STEP.c.n < outbox_op.c.n,
        _STEP.c.body.like(_A_STEP),
    )
    .exists(),
)
_QUEUED_WORDS: Final = _QUEUED.where(
    outbox_op.c.group_id.not_in(_WITH_STEPS), outbox_op.c.group_id.not_in(_BEHIND_STEPS)
)


_PAST: Final = ~is_among_bound(outbox_op.c.group_id, "left")
_QUEUED_PAST: Final = _QUEUED.where(_PAST)
_WORDS_PAST: Final = _QUEUED_WORDS.where(_PAST)
_IS_GROUP: Final = outbox_op.c.group_id == bindparam("group_id")
_ONE: Final = _QUEUED.where(_IS_GROUP)
_ONE_OF_WORDS: Final = _QUEUED_WORDS.where(_IS_GROUP)


def next_past(
    connection: Connection, left: Collection[str], *, are_steps_held: bool
) -> list[Outgoing]:
    """Return as `next_batch`, or `next_without_steps`, the groups that are not among `left`."""
    query = _WORDS_PAST if are_steps_held else _QUEUED_PAST
    rows = connection.execute(query, {"left": json.dumps(sorted(left))}).all()
    return _fitting([Outgoing(*row) for row in rows], MAX_OPERATIONS)


def one_group(connection: Connection, group: str, *, are_steps_held: bool) -> list[Outgoing]:
    """Return what is queued of one group, nothing where it waits for a step that is held."""
    query = _ONE_OF_WORDS if are_steps_held else _ONE
    return [Outgoing(*row) for row in connection.execute(query, {"group_id": group}).all()]


def _waiting(
    connection: Connection, query: Select[str, str, str, str, int | None]
) -> list[Outgoing]:
    """Return what waits, in the order of the taps, at most one more than a push takes."""
    return [Outgoing(*row) for row in connection.execute(query).all()]


def _fitting(queued: Sequence[Outgoing], most: int) -> list[Outgoing]:
    groups: dict[str, list[Outgoing]] = {}
    for each in queued:
        groups.setdefault(each.group, []).append(each)
    if len(queued) > MAX_OPERATIONS and len(groups) > 1:
        groups.pop(queued[-1].group)
    batch: list[Outgoing] = []
    size = _ENVELOPE_BYTES
    for group in groups.values():
        size += sum(_size_of(each) for each in group)
        if batch and (size > MAX_PUSH_BYTES or len(batch) + len(group) > most):
            break
        batch.extend(group)
    return batch


def _size_of(each: Outgoing) -> int:
    told_bytes = 0 if each.told_ms is None else TOLD_BYTES
    return len(each.body.encode()) + 1 + told_bytes


_MARK: Final = FixedStatement(
    update(outbox_op)
    .where(is_among_bound(outbox_op.c.op_id, "op_ids"), IS_WAITING)
    .values(status=bindparam("moved_to"))
)


def mark_status(connection: Connection, op_ids: Sequence[str], status: OpStatus) -> None:
    """Move unsettled operations to QUEUED or SENDING."""
    if op_ids:
        _MARK.run(connection, op_ids=json.dumps(op_ids), moved_to=str(status))


def recover_sending(connection: Connection) -> set[str]:
    """Queue again what was on its way when the app stopped; return the records."""
    records = set(connection.execute(_SENDING).scalars())
    if records:
        connection.execute(_SEND_AGAIN)
    return records


_IS_SENDING: Final = outbox_op.c.status == OpStatus.SENDING
_SENDING: Final = select(outbox_op.c.order_id).where(_IS_SENDING).distinct()
_SEND_AGAIN: Final = update(outbox_op).where(_IS_SENDING).values(status=OpStatus.QUEUED)


def hold(connection: Connection, op_ids: Sequence[str], detail: str) -> None:
    """Set aside what the server cannot even read, so that the rest goes on; a person must look."""
    connection.execute(
        update(outbox_op)
        .where(outbox_op.c.op_id.in_(op_ids))
        .values(status=OpStatus.HELD, look=Look.YES, detail=detail)
    )


def release_held(connection: Connection) -> set[str]:
    """Queue held operations again; return their records."""
    held = outbox_op.c.status == OpStatus.HELD
    records = set(connection.execute(select(outbox_op.c.order_id).where(held)).scalars())
    connection.execute(
        update(outbox_op).where(held).values(status=OpStatus.QUEUED, look=Look.NO, detail="")
    )
    return records
