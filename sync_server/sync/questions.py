"""What people are asked about an operation: why it is theirs to look at, and of which thing."""

from datetime import datetime

from sqlalchemy import Connection

from sync_server.sync.apply import is_doubtful
from sync_server.sync.effects import CrewContext, Effect
from sync_server.sync.event_time import EventTime
from sync_server.sync.inbox import Broken, Entry, clean_text
from sync_server.sync.review_store import NewReview, ReviewKind, add_review, add_review_once
from wire_contracts.codes import Code
from wire_contracts.operations import Operation

ACCOUNT_ENTITY = "account"


def ask(
    connection: Connection, kind: ReviewKind, entry: Entry, code: Code, now_utc: datetime
) -> None:
    """Ask a person to look at the thing that an operation is about, or at the operation itself."""
    entity, entity_id = "operation", entry.op_id
    if isinstance(entry, Operation):
        entity, entity_id = clean_text(entry.entity), clean_text(entry.entity_id)
    new = NewReview(kind=kind, op_id=entry.op_id, entity=entity, entity_id=entity_id, code=code)
    add_review(connection, new, now_utc)


def ask_who(
    connection: Connection, context: CrewContext, entry: Entry, time: EventTime, effect: Effect
) -> None:
    """Ask once for a person whose work counts although the tablet is not theirs here.

    A backup may be older than the account, or than the day when the person changed the crew; a
    tablet without contact does not know of the change.
    """
    if isinstance(entry, Broken) or effect.code is Code.NOT_YOURS:
        return
    if is_doubtful(context, entry, time):
        new = NewReview(
            kind=ReviewKind.UNKNOWN_AUTHOR,
            op_id=entry.op_id,
            entity=ACCOUNT_ENTITY,
            entity_id=entry.actor,
            code=Code.NOT_FOUND,
        )
        add_review_once(connection, new, context.now_utc)
