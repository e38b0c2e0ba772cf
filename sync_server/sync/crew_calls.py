"""Facts that somebody must hear of at once: calls for help, unanswered watches, hand-overs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sync_server.sync.effects import CrewContext, Effect
from sync_server.sync.review_store import ReviewKind
from sync_server.work_orders.left_work import LEFT_FACTS
from sync_server.work_orders.order import Fact, OrderRecord
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Outcome
from wire_contracts.orders import FactType
from wire_contracts.site_facts import Handover, WatchEvent, parse_handover
from wire_contracts.work_order_states import ENDED, WorkOrderState

TELL_NEXT_CREW: Final = LEFT_FACTS | {FactType.HANDOVER}
"""Facts of which the crew that has the order hears by its hand-over."""

DONE: Final = ENDED | {WorkOrderState.FINISHED}
"""States in which nobody goes on; a reopened order is told of what is closed then."""

_DANGER: Final = frozenset({WatchEvent.OVERDUE, WatchEvent.ESCALATED})

_CALLS: Final = Effect(
    outcome=Outcome.APPLIED, review=ReviewKind.CREW_DANGER, code=Code.HELP_WANTED
)

_HANDED_OVER: Final = Effect(
    outcome=Outcome.APPLIED, review=ReviewKind.HANDED_OVER, code=Code.HANDED_OVER
)

_LEFT_CLOSED: Final = replace(_HANDED_OVER, review=ReviewKind.LEFT_CLOSED)


def effect_of_call(context: CrewContext, fact: Fact) -> Effect | None:
    """Return the effect of a fact that somebody must hear of, None of any other.

    A hand-over goes to the next crew with the order, unless it cannot be read, waits for its order
    or comes later than one that was written after it: it is kept and heard of all the same. What
    the facts say beside it, such as a valve that a colleague closed, goes with it.
    """
    payload: JsonObject = fact.payload if isinstance(fact.payload, Mapping) else {}
    is_help = fact.fact_type is FactType.HELP_CALL and payload.get("is_over") is not True
    is_missing = fact.fact_type is FactType.LONE_WORKER and payload.get("event") in _DANGER
    if is_help or is_missing:
        return _CALLS
    if fact.fact_type not in TELL_NEXT_CREW or fact.is_orphan or fact.order_id is None:
        return None
    if fact.fact_type is not FactType.HANDOVER:
        return _tell_crew(context, fact, fact.order_id)
    handover = _handover(fact, payload)
    order = context.book.find(fact.order_id)
    is_crews = order is not None and order.document.crew_id == context.tablet.crew_id
    is_theirs = is_crews and not context.was_refused
    if handover is not None and order is not None and is_theirs and not _is_outdated(fact, order):
        context.book.hand_on(fact.order_id, handover)
    return _HANDED_OVER


def _tell_crew(context: CrewContext, fact: Fact, order_id: str) -> Effect | None:
    """Tell the crew that has the order of valves, steps and gas.

    From the crew before it, or of before the hand-over that stands, they change that: tablets take
    it for the whole truth up to its moment. Its own go to its other tablets. Where nobody goes on,
    a person is asked about a valve that stays closed.
    """
    head = context.book.head(order_id)
    if head is None:
        return None
    if head.state in DONE:
        if fact.fact_type is FactType.ISOLATION:
            context.book.tell_crew(order_id)
        return _LEFT_CLOSED if context.book.has_left_closed(order_id, fact) else None
    known = context.book.get(order_id).document.handover
    is_late = known is not None and ms_from_utc(fact.happened_at_utc) <= known.at_ms
    if is_late or head.crew_id != context.tablet.crew_id:
        context.book.hand_on(order_id, known)
    else:
        context.book.tell_crew(order_id)
    return None


def _is_outdated(fact: Fact, order: OrderRecord) -> bool:
    """Return whether the order has a hand-over that was written later than the fact."""
    known = order.document.handover
    return known is not None and known.at_ms > ms_from_utc(fact.happened_at_utc)


def _handover(fact: Fact, payload: JsonObject) -> Handover | None:
    """Return the hand-over with its moment by the server's clock, None if it cannot be read.

    What it tells of was before it, whatever the clock of its tablet said.
    """
    try:
        handover = parse_handover(FieldReader(place=f"fact {fact.fact_id}", values=payload))
    except ContractError:
        return None
    at_ms = ms_from_utc(fact.happened_at_utc)
    return replace(
        handover,
        at_ms=at_ms,
        steps=[replace(each, at_ms=min(each.at_ms, at_ms)) for each in handover.steps],
        valves=[replace(each, at_ms=min(each.at_ms, at_ms)) for each in handover.valves],
    )
