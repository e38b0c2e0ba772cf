"""Takes the server's answers into the outbox: outcomes, echoes, decisions, history of 90 days."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Integer, and_, bindparam, delete, func, or_, select, update
from sqlalchemy import Row as SqlRow

from field_app.store import sealed_store
from field_app.store.among import is_among_bound
from field_app.store.bulk_write import Row, change_rows
from field_app.store.fixed_statement import FixedStatement
from field_app.store.outbox_store import Look, operation_of_body
from field_app.store.record_states import WAITING, WITHOUT_EFFECT, OpStatus
from field_app.store.tables import base_row, outbox_op
from field_app.store.told_of_taps import BY_ITS_WORDS, SAYS_NOTHING, taken_at_ms
from wire_contracts.fields import JsonObject
from wire_contracts.operations import OperationResult, Outcome, told_of
from wire_contracts.orders import APPENDED
from wire_contracts.payloads import dump_json
from wire_contracts.sealed import SealedKind

HISTORY = timedelta(days=90)
"""How long a settled operation is kept, to be pushed again to a restored server (RULINGS R1)."""

_NEEDS_EYES = frozenset({Outcome.REFUSED, Outcome.CONFLICT, Outcome.MERGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Records whose words got an outcome; `undone` are those where something had no effect."""

    records: set[str]
    undone: set[str]


_TOLD: Final = FixedStatement(
    select(
        outbox_op.c.op_id,
        outbox_op.c.order_id,
        outbox_op.c.outcome,
        outbox_op.c.code,
        outbox_op.c.look,
        outbox_op.c.decision,
        outbox_op.c.taken_at_ms,
    ).where(is_among_bound(outbox_op.c.op_id, "op_ids"))
)

_SETTLED = (
    "status",
    "outcome",
    "code",
    "detail",
    "ack_seq",
    "look",
    "decision",
    "acked_round",
    "acked_at_ms",
    "taken_at_ms",
)


def settle(
    connection: Connection,
    results: Sequence[OperationResult],
    *,
    round_no: int,
    at_ms: int,
    is_restored: bool = False,
) -> Settled:
    """Store the outcomes; return the records they belong to.

    What had no effect (refused, conflict) stops being shown as if it had; what had stays in the
    overlay until its echo is pulled. A result for an unknown operation is left alone.
    `is_restored`: they are of a server that turns out just now to be a restored one.
    """
    told = {result.op_id: result for result in results}
    op_ids = json.dumps(list(told))
    rows = _TOLD.run(connection, op_ids=op_ids).all()
    changes: list[Row] = []
    for row in rows:
        result = told[row.op_id]
        is_news = row.outcome != result.outcome or row.code != result.code
        needs_eyes = result.outcome in _NEEDS_EYES and not _is_plain_append(connection, result)
        must_look = needs_eyes and (is_news or row.look == Look.YES)
        changes.append(
            (
                str(OpStatus.REFUSED if _is_undone(result) else OpStatus.RECEIVED),
                str(result.outcome),
                None if result.code is None else str(result.code),
                result.detail,
                result.seq,
                int(Look.YES if must_look else row.look),
                "" if is_news else row.decision,
                round_no,
                at_ms,
                taken_at_ms(_known_of(row, is_restored=is_restored), told_of(result, at_ms)),
                row.op_id,
            )
        )
    change_rows(connection, outbox_op, _SETTLED, changes)
    sealed_store.forget_sealed(connection, SealedKind.OPERATION, list(told))
    return Settled(
        records={row.order_id for row in rows},
        undone={row.order_id for row in rows if _is_undone(told[row.op_id])},
    )


def _known_of(row: SqlRow[*tuple[str | int | None, ...]], *, is_restored: bool) -> int:
    is_unanswered = is_restored and row.outcome is None and row.taken_at_ms == 0
    return BY_ITS_WORDS if is_unanswered else int(row.taken_at_ms)


def _is_undone(result: OperationResult) -> bool:
    return result.outcome in WITHOUT_EFFECT


def _is_plain_append(connection: Connection, result: OperationResult) -> bool:
    """Return whether both sides' remarks simply stand one after the other: nothing to look at."""
    if result.outcome is not Outcome.MERGED:
        return False
    body = connection.execute(
        select(outbox_op.c.body).where(outbox_op.c.op_id == result.op_id)
    ).scalar_one()
    return operation_of_body(body).field in APPENDED


_IS_RECEIVED: Final = outbox_op.c.status == OpStatus.RECEIVED
_NEWEST: Final = (
    select(func.max(base_row.c.seq))
    .where(
        base_row.c.entity == outbox_op.c.entity,
        base_row.c.entity_id == outbox_op.c.entity_id,
        base_row.c.bucket != "",
        base_row.c.is_stale == 0,
    )
    .scalar_subquery()
)


def close_echoed(connection: Connection, *, complete_round: int | None) -> set[str]:
    """Move received operations whose echo was pulled to history; return their records.

    The echo is the thing's own row at or past the acknowledged change. A thing whose row is not on
    this tablet (a fact, an order that left) has its echo when a whole pull round that began after
    the acknowledgement has ended; `complete_round` is that round, None inside one.
    """
    query = _ECHOED if complete_round is None else _ECHOED_AT_THE_END
    echoed = connection.execute(query, {"complete_round": complete_round}).all()
    if echoed:
        op_ids = json.dumps([row.op_id for row in echoed])
        connection.execute(_CLOSE, {"op_ids": op_ids})
    return {row.order_id for row in echoed}


_RECEIVED: Final = select(outbox_op.c.op_id, outbox_op.c.order_id).where(_IS_RECEIVED)
_IS_SHOWN: Final = and_(outbox_op.c.ack_seq > 0, outbox_op.c.ack_seq <= _NEWEST)
_HAS_NO_ROW: Final = or_(_NEWEST.is_(None), outbox_op.c.ack_seq == 0)
_ECHOED: Final = _RECEIVED.where(_IS_SHOWN)
_ECHOED_AT_THE_END: Final = _RECEIVED.where(
    or_(
        _IS_SHOWN,
        and_(outbox_op.c.acked_round < bindparam("complete_round", type_=Integer), _HAS_NO_ROW),
    )
)
_CLOSE: Final = (
    update(outbox_op)
    .where(is_among_bound(outbox_op.c.op_id, "op_ids"))
    .values(status=OpStatus.SHOWN, is_repeat=0)
)


def queue_all_again(connection: Connection) -> set[str]:
    """Queue everything the former server had: it was restored from a backup (RULINGS R1).

    History reaches back 90 days. It is marked as a repeat, so that an old answer does not cover a
    newer row meanwhile; what awaited its echo stays in the overlay. What the office had decided is
    forgotten with an outcome that is another one there (`settle`). What no server has taken or
    refused counts by its words from then on. Returns the records.
    """
    settled = outbox_op.c.status.in_([OpStatus.SHOWN, OpStatus.REFUSED])
    received = outbox_op.c.status == OpStatus.RECEIVED
    touched = select(outbox_op.c.order_id).where(or_(settled, received))
    records = set(connection.execute(touched).scalars())
    is_open = outbox_op.c.taken_at_ms.in_([0, BY_ITS_WORDS]) & SAYS_NOTHING
    connection.execute(update(outbox_op).where(is_open).values(taken_at_ms=BY_ITS_WORDS))
    again = {"status": OpStatus.QUEUED, "ack_seq": 0}
    connection.execute(update(outbox_op).where(settled).values(is_repeat=1, **again))
    connection.execute(update(outbox_op).where(received).values(again))
    return records


def has_history(connection: Connection) -> bool:
    """Return whether words are kept that the server had and that a restored one may ask for."""
    return connection.execute(_ANY_HISTORY).first() is not None


_ANY_HISTORY: Final = (
    select(outbox_op.c.op_id).where(outbox_op.c.status.not_in(sorted(WAITING))).limit(1)
)


def prune_history(connection: Connection, *, server_now_ms: int) -> int:
    """Forget settled operations acknowledged over 90 days ago; return how many.

    Time is the server's: a tablet whose clock jumps must not forget anything.
    """
    oldest_ms = server_now_ms - HISTORY // timedelta(milliseconds=1)
    return connection.execute(_PRUNE, {"oldest_ms": oldest_ms}).rowcount


_PRUNE: Final = delete(outbox_op).where(
    outbox_op.c.status.in_([OpStatus.SHOWN, OpStatus.REFUSED]),
    outbox_op.c.look != Look.YES,
    outbox_op.c.acked_at_ms < bindparam("oldest_ms"),
)


def note_decisions(connection: Connection, documents: Iterable[JsonObject]) -> set[str]:
    """Keep what the office decided, each to be seen by a person once; return the records.

    What names no operation is about none of ours.
    """
    records: set[str] = set()
    for document in documents:
        op_id = document.get("op_id")
        if isinstance(op_id, str):
            asked = {"of_op": op_id, "text": dump_json(document).decode()}
            records |= set(connection.execute(_DECIDED, asked).scalars())
    return records


_DECIDED: Final = (
    update(outbox_op)
    .where(outbox_op.c.op_id == bindparam("of_op"), outbox_op.c.decision != bindparam("text"))
    .values(decision=bindparam("text"), look=int(Look.YES))
    .returning(outbox_op.c.order_id)
)
