"""Reads the list: its rows filtered, searched, ranked by what to do next, counted."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, false, func, select, true

from field_app.orders.order_lines import search_text
from field_app.store import draft_store
from field_app.store.record_states import RecordState
from field_app.store.tables import order_view
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderState


class OrderFilter(StrEnum):
    """The filters above the list."""

    OPEN = "open"
    URGENT = "urgent"
    LOOK_HERE = "look_here"
    HEAT = "heat"
    GAS = "gas"
    WATER = "water"
    DONE = "done"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One order as the list needs it.

    Attributes:
        is_gone: It left this tablet's scope; it stays until the own words about it are through.
        problem: Why the row cannot be shown fully, empty otherwise.
    """

    order_id: str
    number: str
    state: WorkOrderState
    medium: Medium
    safety_class: SafetyClass
    priority: int
    due_at_ms: int | None
    title: BilingualText
    address: str
    has_draft: bool
    mark: RecordState
    is_gone: bool
    problem: str
    x_m: float | None = None
    y_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Which lines, how many.

    Attributes:
        here: Where the crew is, metres east and north; None: the way does not count.
        now_ms: Now, for what is overdue; 0: nobody asks.
        day_ends_ms: When the site's day ends, for what is due today.
    """

    chosen: OrderFilter = OrderFilter.OPEN
    search: str = ""
    limit: int = 200
    here: tuple[float, float] | None = None
    now_ms: int = 0
    day_ends_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """The first lines of a query and how many there are in all; counts per filter.

    `overdue_count` and `today_count` tell of all open orders, whatever is asked for.
    """

    lines: tuple[OrderLine, ...]
    total_count: int
    counts: Mapping[OrderFilter, int]
    overdue_count: int = 0
    today_count: int = 0


_FILTERS: Mapping[OrderFilter, ColumnElement[bool]] = {
    OrderFilter.OPEN: order_view.c.is_open == 1,
    OrderFilter.URGENT: and_(
        order_view.c.is_open == 1, order_view.c.safety_class == str(SafetyClass.A)
    ),
    OrderFilter.LOOK_HERE: order_view.c.mark == str(RecordState.LOOK_HERE),
    OrderFilter.HEAT: and_(order_view.c.is_open == 1, order_view.c.medium == str(Medium.HEAT)),
    OrderFilter.GAS: and_(order_view.c.is_open == 1, order_view.c.medium == str(Medium.GAS)),
    OrderFilter.WATER: and_(order_view.c.is_open == 1, order_view.c.medium == str(Medium.WATER)),
    OrderFilter.DONE: order_view.c.is_open == 0,
    OrderFilter.LOST: false(),
}
"""What a restored server has lost is in no row of the list (`lost_orders_store`)."""

_UNDER_WAY = (WorkOrderState.WORKING, WorkOrderState.ON_SITE, WorkOrderState.EN_ROUTE)
"""Work that has begun is ended first, the furthest on top."""

_SLOT_MS = 2 * 3600 * 1000
"""Promises within two hours count alike, so that the way decides: the slot of an appointment."""


def _rank(
    here: tuple[float, float] | None,
) -> list[ColumnElement[bool] | ColumnElement[int] | ColumnElement[float]]:
    """Return what to do next: begun work, danger, the promised slot, the way, the promise."""
    begun = case(
        {str(state): number for number, state in enumerate(_UNDER_WAY)},
        value=order_view.c.state,
        else_=len(_UNDER_WAY),
    )
    is_begun = order_view.c.is_open == 1
    rank: list[ColumnElement[bool] | ColumnElement[int] | ColumnElement[float]] = [
        case((is_begun, begun), else_=len(_UNDER_WAY)),
        order_view.c.safety_class,
        order_view.c.due_at_ms.is_(None),
    ]
    if here is not None:
        east, north = order_view.c.x_m - here[0], order_view.c.y_m - here[1]
        rank += [
            order_view.c.due_at_ms // _SLOT_MS,
            order_view.c.x_m.is_(None),
            east * east + north * north,
        ]
    return [*rank, order_view.c.due_at_ms, order_view.c.priority, order_view.c.number]


def load_page(connection: Connection, query: OrderQuery, viewer: str | None = None) -> OrderPage:
    """Return the first lines of the query, what endangers people first, then what is due first.

    `has_draft` tells of the viewer's own drafts, without a viewer of anybody's.
    """
    matching = and_(_FILTERS[query.chosen], _search(query.search))
    rows = connection.execute(
        select(order_view).where(matching).order_by(*_rank(query.here)).limit(query.limit)
    ).mappings()
    total = connection.execute(
        select(func.count()).select_from(order_view).where(matching)
    ).scalar_one()
    lines = tuple(_line(row) for row in rows)
    return OrderPage(
        lines=lines if viewer is None else _as_seen_by(connection, lines, viewer),
        total_count=total,
        counts=_counts(connection),
        overdue_count=_due_between(connection, 0, query.now_ms),
        today_count=_due_between(connection, query.now_ms, query.day_ends_ms),
    )


def _due_between(connection: Connection, from_ms: int, until_ms: int) -> int:
    if until_ms <= from_ms:
        return 0
    is_due = order_view.c.due_at_ms.between(from_ms, until_ms - 1)
    query = select(func.count()).select_from(order_view).where(order_view.c.is_open == 1, is_due)
    return connection.execute(query).scalar_one()


_MOST_URGENT = 50


def load_urgent(connection: Connection, seen: Collection[str]) -> tuple[OrderLine, ...]:
    """Return the urgent orders that nobody has accepted, without those that were acknowledged."""
    rows = connection.execute(
        select(order_view)
        .where(
            _FILTERS[OrderFilter.URGENT],
            order_view.c.state == str(WorkOrderState.RELEASED),
            order_view.c.order_id.not_in(sorted(seen)),
        )
        .order_by(*_rank(None))
        .limit(_MOST_URGENT)
    ).mappings()
    return tuple(_line(row) for row in rows)


def _as_seen_by(
    connection: Connection, lines: Sequence[OrderLine], viewer: str
) -> tuple[OrderLine, ...]:
    with_draft = [line.order_id for line in lines if line.has_draft]
    mine = draft_store.orders_with_draft(connection, with_draft, viewer) if with_draft else set()
    return tuple(
        replace(line, has_draft=False) if line.has_draft and line.order_id not in mine else line
        for line in lines
    )


def load_numbers(connection: Connection, order_ids: Iterable[str]) -> dict[str, str]:
    """Return the printed numbers of orders by id; one that is not known is left out."""
    rows = connection.execute(
        select(order_view.c.order_id, order_view.c.number).where(
            order_view.c.order_id.in_(sorted(order_ids))
        )
    )
    return {row.order_id: row.number for row in rows}


def _counts(connection: Connection) -> dict[OrderFilter, int]:
    sums = [
        func.coalesce(func.sum(case((condition, 1), else_=0)), 0).label(str(chosen))
        for chosen, condition in _FILTERS.items()
    ]
    row = connection.execute(select(*sums)).mappings().one()
    return {chosen: int(row[str(chosen)]) for chosen in _FILTERS}


def _search(text: str) -> ColumnElement[bool]:
    words = search_text(text).split()
    return and_(true(), *(order_view.c.search.contains(word, autoescape=True) for word in words))


def _line(cells: RowMapping) -> OrderLine:
    return OrderLine(
        order_id=cells["order_id"],
        number=cells["number"],
        state=WorkOrderState(cells["state"]),
        medium=Medium(cells["medium"]),
        safety_class=SafetyClass(cells["safety_class"]),
        priority=cells["priority"],
        due_at_ms=cells["due_at_ms"],
        title=BilingualText(en=cells["title_en"], zh=cells["title_zh"]),
        address=cells["address"],
        has_draft=bool(cells["has_draft"]),
        mark=RecordState(cells["mark"]),
        is_gone=bool(cells["is_gone"]),
        problem=cells["problem"],
        x_m=cells["x_m"],
        y_m=cells["y_m"],
    )
