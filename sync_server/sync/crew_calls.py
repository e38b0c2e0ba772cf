"""Facts that somebody must hear of at once: calls for help, unanswered watches, hand-overs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sync_server.sync.effects import CrewContext, Effect
from sync_server.sync.review_store import ReviewKind
from sync_server.work_orders.order import Fact, OrderRecord
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Outcome
from wire_contracts.orders import FactType
from wire_contracts.payloads import dump_json
from wire_contracts.site_facts import WatchEvent, handover_json, parse_handover

_DANGER: Final = frozenset({WatchEvent.OVERDUE, WatchEvent.ESCALATED})

_CALLS: Final = Effect(
    outcome=Outcome.APPLIED, review=ReviewKind.CREW_DANGER, code=Code.HELP_WANTED
)

_HANDED_OVER: Final = Effect(
    outcome=Outcome.APPLIED, review=ReviewKind.HANDED_OVER, code=Code.HANDED_OVER
)


def effect_of_call(context: CrewContext, fact: Fact) -> Effect | None:
    """Return the effect of a fact that somebody must hear of, None of any other.

    A hand-over goes to the next crew with the order, unless it cannot be read, waits for its order
    or comes later than one that was written after it: it is kept and heard of all the same.
    """
    payload: JsonObject = fact.payload if isinstance(fact.payload, Mapping) else {}
    is_help = fact.fact_type is FactType.HELP_CALL and payload.get("is_over") is not True
    is_missing = fact.fact_type is FactType.LONE_WORKER and payload.get("event") in _DANGER
    if is_help or is_missing:
        return _CALLS
    if fact.fact_type is not FactType.HANDOVER or fact.is_orphan or fact.order_id is None:
        return None
    text = _handover_text(fact, payload)
    order = context.book.find(fact.order_id)
    is_crews = order is not None and order.document.crew_id == context.tablet.crew_id
    is_theirs = is_crews and not context.was_refused
    if text is not None and order is not None and is_theirs and not _is_outdated(fact, order):
        context.book.change(fact.order_id, {"handover": text})
    return _HANDED_OVER


def _is_outdated(fact: Fact, order: OrderRecord) -> bool:
    """Return whether the order has a hand-over that was written later than the fact."""
    known = order.document.handover
    return known is not None and known.at_ms > ms_from_utc(fact.happened_at_utc)


def _handover_text(fact: Fact, payload: JsonObject) -> str | None:
    """Return the hand-over as tablets get it, with its moment by the server's clock."""
    try:
        handover = parse_handover(FieldReader(place=f"fact {fact.fact_id}", values=payload))
        told = replace(handover, at_ms=ms_from_utc(fact.happened_at_utc))
        return dump_json(handover_json(told)).decode()
    except ContractError:
        return None
