"""What one operation comes to, and for whom it is judged: words of `apply` and `facts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sync_server.access.tablet_store import TabletIdentity
from sync_server.sync.event_time import SUSPECT_OFFSET, EventTime
from sync_server.sync.ledger_store import FieldConflict
from sync_server.sync.review_store import ReviewKind
from sync_server.work_orders.order import OrderHead, OrderRecord
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.codes import Code
from wire_contracts.operations import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewContext:
    """Who pushes: the tablet, whose work it carries until when, where its crew may take orders.

    `book` holds the orders of the transaction; a revoked tablet's work came in sealed.
    """

    tablet: TabletIdentity
    actors: Mapping[str, datetime | None]
    area_ids: frozenset[str]
    now_utc: datetime
    book: OrderBook
    is_revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What became of an operation.

    `review` asks a person to look.
    """

    outcome: Outcome
    code: Code | None = None
    detail: str = ""
    review: ReviewKind | None = None
    conflict: FieldConflict | None = None


APPLIED = Effect(outcome=Outcome.APPLIED)
NOOP = Effect(outcome=Outcome.NOOP)


def refused(code: Code, detail: str, review: ReviewKind = ReviewKind.REFUSED) -> Effect:
    """Return a refusal: an acknowledgement all the same, kept and given to a person."""
    return Effect(outcome=Outcome.REFUSED, code=code, detail=detail, review=review)


def visit_of(order: OrderHead | OrderRecord, time: EventTime) -> int:
    """Return the visit that a tap belongs to: one made before the reopening is an earlier one.

    A tablet's clock may be off by as much as is not flagged.
    """
    start_utc = order.visit_from_utc
    is_earlier = start_utc is not None and time.at_utc + SUSPECT_OFFSET < start_utc
    return order.visit - 1 if is_earlier else order.visit
