"""How a person settles a review: keep the office's value, take the crew's, or write another one.

The value goes through the same change index as every other, so that the tablets see it, and what
was decided reaches the tablet that sent the entry, in its crew's bucket.
"""

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.access.tablet_store import newest_enrolment, tablet_as_it_was
from sync_server.db.change_store import Publication, crew_bucket, publish, publish_all
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.sync_tables import OP_LEDGER, PUBLISHED, REVIEW_ITEM
from sync_server.sync.chosen_values import columns_of
from sync_server.sync.ledger_store import FieldConflict, conflict_of_operation
from sync_server.sync.merge import Owner, merge_field, owner_of
from sync_server.sync.review_store import ReviewItem, get_review
from sync_server.work_orders.dispatch import record_crew_finding
from sync_server.work_orders.order_book import OrderBook
from sync_server.work_orders.order_rows_store import find_order
from sync_server.work_orders.order_store import assign, check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import ENTITY, order_json
from wire_contracts.review_outcomes import (
    OUTCOME_ENTITY,
    Choice,
    ReviewOutcome,
    review_outcome_json,
)
from wire_contracts.work_order_states import WorkOrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided about a review item.

    Attributes:
        choice: Whose value stands.
        reason: Why, for the crew and for later readers.
        value: With OTHER: the value.
        seen: The field's value when the person decided, as JSON text; None: not shown.
    """

    choice: Choice
    reason: str
    value: JsonValue = None
    seen: str | None = None


def settle(
    connection: Connection, review_id: str, decision: Decision, actor: str, now_utc: datetime
) -> None:
    """Close an item with what was decided, and write the value that stands.

    Raises:
        ContractError: No open item, a role that may not, a value that the field does not take, or
            a field that somebody changed since the person looked.
        RefusedTransition: Handing the order over is not possible any more.
    """
    check_may(connection, actor, Action.RESOLVE_REVIEW)
    item = get_review(connection, review_id)
    if item is None or item.resolved_at_utc is not None:
        raise not_found(f"review item {review_id!r}", "open review item")
    hand = _Hand(connection=connection, actor=actor, now_utc=now_utc)
    conflict = None if item.op_id is None else conflict_of_operation(connection, item.op_id)
    value: JsonValue = None
    if conflict is None:  # no value was in question, and none is said to stand
        decision = replace(decision, choice=Choice.NOTED, value=None)
    elif decision.choice is not Choice.NOTED:
        value = _chosen(conflict, decision)
        _write(hand, conflict, decision, value)
    _close(hand, item, decision, value)
    _tell_crew(hand, item, decision, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hand:
    """Who decides, when, and the transaction in which it is written."""

    connection: Connection
    actor: str
    now_utc: datetime


def current_value(connection: Connection, conflict: FieldConflict) -> JsonValue:
    """Return what the field says now; None also when the thing does not exist here."""
    order = find_order(connection, conflict.entity_id) if conflict.entity == ENTITY else None
    return None if order is None else order_json(order.document).get(conflict.field)


def as_text(value: JsonValue) -> str:
    """Return a value as JSON text, equal for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _chosen(conflict: FieldConflict, decision: Decision) -> JsonValue:
    if decision.choice is Choice.OTHER:
        return decision.value
    return conflict.office if decision.choice is Choice.OFFICE else conflict.crew


def _write(hand: _Hand, conflict: FieldConflict, decision: Decision, value: JsonValue) -> None:
    """Write the value that stands, unless it stands already."""
    book = OrderBook(hand.connection, hand.now_utc)
    order = book.find(conflict.entity_id) if conflict.entity == ENTITY else None
    if order is None:
        raise not_found(f"{conflict.entity} {conflict.entity_id!r}", "order")
    now = order_json(order.document).get(conflict.field)
    if decision.seen is not None and decision.seen != as_text(now):
        raise ContractError(
            place="review",
            field=conflict.field,
            problem=f"was changed meanwhile to {as_text(now)[:60]}",
            remedy="look again and decide anew",
            code=Code.CONFLICT,
        )
    if owner_of(conflict.field) is Owner.APPENDED:
        value = _appended(conflict, decision, now)
    if value == now:
        return
    if conflict.field == "crew_id":
        assign(hand.connection, order.order_id, str(value), hand.actor, hand.now_utc)
        return
    book.change(order.order_id, columns_of(conflict.field, value))
    book.show()
    if conflict.field == "result" and order.state in _LABELLED:
        with contextlib.suppress(RefusedTransition):  # the alert was settled by other means
            found = book.get(order.order_id)
            record_crew_finding(hand.connection, found, hand.actor, hand.now_utc)


_LABELLED = frozenset({WorkOrderState.FINISHED, WorkOrderState.VERIFIED, WorkOrderState.CLOSED})
"""States in which the order's result has labelled its alert."""


def _appended(conflict: FieldConflict, decision: Decision, now: JsonValue) -> JsonValue:
    """Return a note with the crew's or another addition; remarks are never replaced (R18)."""
    if decision.choice is Choice.OFFICE:
        return now
    is_crews = decision.choice is Choice.CREW
    seen = conflict.seen if is_crews else now
    wanted = conflict.crew if is_crews else f"{now or ''}\n{decision.value or ''}"
    return merge_field(Owner.APPENDED, now, seen, wanted).value


def _close(hand: _Hand, item: ReviewItem, decision: Decision, value: JsonValue) -> None:
    done = hand.connection.execute(
        update(REVIEW_ITEM)
        .where(REVIEW_ITEM.c.review_id == item.review_id, REVIEW_ITEM.c.resolved_at_ms.is_(None))
        .values(
            resolved_at_ms=ms_from_utc(hand.now_utc),
            resolved_by=hand.actor,
            resolution=decision.reason,
            choice=str(decision.choice),
            chosen_value=as_text(value),
        )
    )
    if done.rowcount == 0:
        raise not_found(f"review item {item.review_id!r}", "open review item")
    detail: JsonObject = {
        "op": item.op_id,
        "entity": item.entity,
        "id": item.entity_id,
        "choice": str(decision.choice),
        "value_sha256": hashlib.sha256(as_text(value).encode()).hexdigest(),
    }
    event = AuditEvent(
        actor=hand.actor, action="review.settle", subject=item.review_id, detail=detail
    )
    append_audit(hand.connection, event, hand.now_utc)
    append_feed(hand.connection, Topic.REVIEW, item.review_id, hand.now_utc)


def _tell_crew(hand: _Hand, item: ReviewItem, decision: Decision, value: JsonValue) -> None:
    """Tell the crew that has the tablet by now: the operation is there, wherever its author is.

    A tablet that was given on since hears that it was decided; what was decided about another
    crew's order is not its crew's to read.
    """
    query = select(OP_LEDGER.c.tablet_id).where(OP_LEDGER.c.op_id == item.op_id)
    tablet_id = hand.connection.execute(query).scalar_one_or_none()
    if tablet_id is None:
        return
    tablet, _ = tablet_as_it_was(hand.connection, tablet_id)
    crew_id = newest_enrolment(hand.connection, tablet).crew_id
    is_given_on = crew_id != tablet.crew_id
    outcome = ReviewOutcome(
        op_id=item.op_id,
        entity=item.entity,
        entity_id=item.entity_id,
        kind=str(item.kind),
        choice=decision.choice,
        value=None if is_given_on else value,
        reason="" if is_given_on else decision.reason,
        at_ms=ms_from_utc(hand.now_utc),
    )
    publication = Publication(
        entity=OUTCOME_ENTITY,
        entity_id=item.review_id,
        document=review_outcome_json(outcome),
        buckets=frozenset({crew_bucket(crew_id)}),
    )
    publish(hand.connection, publication, hand.now_utc)


KEEP_OUTCOMES = timedelta(days=30)
"""How long a decision stays on its crew's tablets: longer than a holiday."""


def withdraw_outcomes(connection: Connection, now_utc: datetime) -> int:
    """Return how many old decisions were taken off the tablets; the office keeps them."""
    old = select(REVIEW_ITEM.c.review_id).where(
        REVIEW_ITEM.c.resolved_at_ms < ms_from_utc(now_utc - KEEP_OUTCOMES)
    )
    shown = select(PUBLISHED.c.entity_id).where(
        PUBLISHED.c.entity == OUTCOME_ENTITY, PUBLISHED.c.entity_id.in_(old)
    )
    gone = [
        Publication(entity=OUTCOME_ENTITY, entity_id=each, document={}, buckets=frozenset())
        for each in connection.execute(shown).scalars().all()
    ]
    if gone:
        publish_all(connection, gone, now_utc)
    return len(gone)
