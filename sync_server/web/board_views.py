"""Decides where each order stands on the dispatch board: its crew's lane, the hour it is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_server.web.order_views import OrderRow, order_row
from sync_server.web.places import PlaceNames
from sync_server.web.words import Words, mark
from sync_server.work_orders.order import OrderRecord


class Span(StrEnum):
    """When an order is due, seen from now."""

    LATE = "late"
    HOUR = "hour"
    FOUR_HOURS = "four_hours"
    DAY = "day"
    LATER = "later"


SPANS: Sequence[tuple[Span, str]] = (
    (Span.LATE, mark("Overdue")),
    (Span.HOUR, mark("Within the hour")),
    (Span.FOUR_HOURS, mark("Within 4 h")),
    (Span.DAY, mark("Within 24 h")),
    (Span.LATER, mark("Later")),
)
_UNTIL: Sequence[tuple[Span, timedelta]] = (
    (Span.LATE, timedelta(0)),
    (Span.HOUR, timedelta(hours=1)),
    (Span.FOUR_HOURS, timedelta(hours=4)),
    (Span.DAY, timedelta(hours=24)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The orders of one lane and span, the most urgent first."""

    span: str
    cards: Sequence[OrderRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One crew, or the orders that nobody has: `key` is what sends a card there."""

    crew_id: str
    name: str
    key: str
    count: int
    late: int
    cells: Sequence[Cell]


def span_of(due_at_utc: datetime | None, now_utc: datetime) -> Span:
    """Return when an order is due; one without a promise stands last."""
    if due_at_utc is None:
        return Span.LATER
    left = due_at_utc - now_utc
    return next((span for span, until in _UNTIL if left < until), Span.LATER)


def board_lanes(
    records: Sequence[OrderRecord],
    crews: Sequence[tuple[str, str]],
    words: Words,
    now_utc: datetime,
    places: Mapping[str, PlaceNames],
) -> list[Lane]:
    """Return the lanes: first what nobody has, then each crew in the order of `crews`.

    A crew that is not among them any more keeps a lane while it has orders.
    """
    names = dict(crews)
    known = ["", *names, *sorted({each.document.crew_id or "" for each in records} - {"", *names})]
    return [
        _lane(crew_id, index, records, names, words, now_utc, places)
        for index, crew_id in enumerate(known)
    ]


def _lane(  # noqa: PLR0913, PLR0917  # one lane, and what its cards need
    crew_id: str,
    index: int,
    records: Sequence[OrderRecord],
    names: Mapping[str, str],
    words: Words,
    now_utc: datetime,
    places: Mapping[str, PlaceNames],
) -> Lane:
    ours = sorted((each for each in records if (each.document.crew_id or "") == crew_id), key=_rank)
    cells = [
        Cell(
            span=str(span),
            cards=[
                order_row(each, words, now_utc, names, places)
                for each in ours
                if span_of(each.document.due_at_utc, now_utc) is span
            ],
        )
        for span, _ in SPANS
    ]
    return Lane(
        crew_id=crew_id,
        name=names.get(crew_id, crew_id) if crew_id else words.gettext(mark("Nobody yet")),
        key=str(index) if crew_id and index <= 9 else "",  # noqa: PLR2004  # keys 1 to 9
        count=len(ours),
        late=len(cells[0].cards),
        cells=cells,
    )


def _rank(record: OrderRecord) -> tuple[str, int, float]:
    due = record.document.due_at_utc
    at = due.timestamp() if due is not None else float("inf")
    return str(record.document.safety_class), record.document.priority, at
