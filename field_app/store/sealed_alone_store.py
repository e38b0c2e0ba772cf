"""Leaves words in sealed form only: what a wipe keeps, what a damage took (R4)."""

from typing import Final

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update

from field_app.store import draft_store, lease_store
from field_app.store.sealed_store import (
    IS_NAMED,
    IS_OF_KEY,
    Seal,
    SealedKey,
    draft_about,
    is_draft_sealed,
    named,
    seal_draft,
)
from field_app.store.tables import draft_answer, outbox_op, sealed_item
from wire_contracts.sealed import SealedKind


def leave_lost_words_alone(connection: Connection) -> int:
    """Let go sealed whose readable words a damage took, with what was tapped before; count them.

    A tablet sends in the order of its taps: what can be read of before goes sealed, too, and is a
    repeat when it comes again. A draft counts as lost when none of its answers is here.
    """
    newest_lost = connection.execute(_NEWEST_LOST).scalar_one()
    count = 0
    if newest_lost is not None:
        count += connection.execute(_LEAVE_UP_TO, {"newest": newest_lost}).rowcount
    here = {(draft_about(each), each.author) for each, _ in draft_store.drafts(connection)}
    for row in connection.execute(_DRAFTS).all():
        if (row.about, row.owner) not in here:
            key = SealedKey(str(SealedKind.DRAFT), row.about, row.owner)
            count += connection.execute(_LEAVE_ALONE, named(key)).rowcount
    return count


_IS_WORD: Final = and_(sealed_item.c.kind == str(SealedKind.OPERATION), sealed_item.c.is_alone == 0)
_NEWEST_LOST: Final = select(func.max(sealed_item.c.n)).where(
    _IS_WORD, sealed_item.c.about.not_in(select(outbox_op.c.op_id))
)
_LEAVE_UP_TO: Final = (
    update(sealed_item).where(_IS_WORD, sealed_item.c.n <= bindparam("newest")).values(is_alone=1)
)
_DRAFTS: Final = select(sealed_item.c.about, sealed_item.c.owner).where(
    sealed_item.c.kind == str(SealedKind.DRAFT), sealed_item.c.is_alone == 0
)


def leave_sealed_only(connection: Connection) -> int:
    """Remove the readable words of all that is sealed to the present key; return how many stay.

    What could not be sealed stays as it is, sent or not: nothing unsent is ever wiped, and what was
    sent may be wanted again by a restored server (RULINGS R1).
    """
    kind = sealed_item.c.kind
    key = {"key_id": lease_store.sealing_key_id(connection)}
    operations = select(sealed_item.c.about).where(kind == str(SealedKind.OPERATION), IS_OF_KEY)
    unsealed = outbox_op.c.op_id.not_in(operations)
    left = connection.execute(select(func.count()).select_from(outbox_op).where(unsealed), key)
    count = left.scalar_one()
    sealed = [
        each for each, _ in draft_store.drafts(connection) if is_draft_sealed(connection, each)
    ]
    connection.execute(
        update(sealed_item)
        .where(or_(kind == str(SealedKind.OPERATION), kind == str(SealedKind.DRAFT)))
        .values(is_alone=1)
    )
    connection.execute(delete(outbox_op).where(~unsealed), key)
    for draft in sealed:
        draft_store.forget_draft(connection, draft)
    count += connection.execute(select(func.count(draft_answer.c.order_id.distinct()))).scalar_one()
    return count


def leave_drafts_alone(connection: Connection, seal: Seal) -> None:
    """Leave every draft in sealed form only, to be sent: the tablet is given to another crew.

    One that cannot be sealed stays as it is.
    """
    for draft, at_ms in draft_store.drafts(connection):
        leave_draft_alone(connection, seal, draft, at_ms)


def leave_draft_alone(
    connection: Connection, seal: Seal, draft: draft_store.DraftKey, at_ms: int
) -> None:
    """Leave one draft in sealed form only, to be sent; as it is, where it cannot be sealed."""
    if not is_draft_sealed(connection, draft):
        seal_draft(connection, seal, draft, at_ms)
    if is_draft_sealed(connection, draft):
        key = SealedKey(str(SealedKind.DRAFT), draft_about(draft), draft.author)
        connection.execute(_LEAVE_ALONE, named(key))
        draft_store.forget_draft(connection, draft)


_LEAVE_ALONE: Final = update(sealed_item).where(IS_NAMED).values(is_alone=1)
