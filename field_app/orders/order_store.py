"""Maps the list's rows: one per order, rebuilt in the transaction that changed it, paged."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    true,
)

from field_app.orders.order_lines import (
    QUICK_COLUMNS,
    Cells,
    cells_of_document,
    cells_of_row,
    quick_lines,
    quick_place,
    search_text,
    unreadable_cells,
)
from field_app.orders.overlay import overlaid
from field_app.store import base_store, draft_store, outbox_store
from field_app.store.among import each_of_bound, is_among_bound
from field_app.store.base_store import BaseRow
from field_app.store.bulk_write import Row, change_rows, upsert_rows
from field_app.store.fixed_statement import FixedStatement
from field_app.store.outbox_store import Look, OutboxEntry
from field_app.store.photo_store import NO_PHOTOS, PhotoCount
from field_app.store.record_states import (
    OVERLAY,
    OpStatus,
    RecordState,
    RecordTraces,
    record_state,
)
from field_app.store.round_records import is_round
from field_app.store.tables import (
    base_row,
    draft_answer,
    order_view,
    outbox_op,
    photo_job,
    photo_link,
)
from field_app.store.traces_store import load_traces
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.operations import Operation
from wire_contracts.orders import ENTITY, SafetyClass, WorkOrderDocument, parse_order
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderState

_CHUNK = 500
"""Ids per IN list: older SQLite builds take 999 variables."""


class OrderFilter(StrEnum):
    """The filters above the list."""

    OPEN = "open"
    URGENT = "urgent"
    LOOK_HERE = "look_here"
    HEAT = "heat"
    GAS = "gas"
    WATER = "water"
    DONE = "done"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOrder:
    """An order as the crew sees it: overlaid, with the traces of its own changes.

    `document` is None when the row cannot be read by this app; `problem` says why.
    """

    order_id: str
    document: WorkOrderDocument | None
    is_gone: bool
    problem: str
    mark: RecordState
    has_draft: bool
    entries: tuple[OutboxEntry, ...]
    photos: PhotoCount = NO_PHOTOS


def load_order(connection: Connection, order_id: str) -> SeenOrder | None:
    """Return the order with the own words on top, or None when the tablet does not know it."""
    return load_orders(connection, [order_id]).get(order_id)


def load_orders(connection: Connection, order_ids: Sequence[str]) -> dict[str, SeenOrder]:
    """Return the orders by id as `load_order` does; what the tablet does not know is left out."""
    rows = base_store.load_rows(connection, ENTITY, order_ids)
    entries = outbox_store.entries_by_order(connection, order_ids)
    traces = load_traces(connection, order_ids)
    return {
        order_id: _seen(
            order_id,
            rows.get(order_id),
            entries.get(order_id, []),
            has_draft=order_id in traces.drafts,
            photos=traces.photos.get(order_id, NO_PHOTOS),
        )
        for order_id in order_ids
        if order_id in rows or _are_about_order(order_id, entries.get(order_id, []))
    }


def _are_about_order(order_id: str, entries: Sequence[OutboxEntry]) -> bool:
    """Return whether words are about an order, and not about a household or a checkpoint."""
    return any(
        entry.operation.entity == ENTITY
        or (entry.operation.payload or {}).get("order_id") == order_id
        for entry in entries
    )


def _seen(
    order_id: str,
    row: BaseRow | None,
    entries: Sequence[OutboxEntry],
    *,
    has_draft: bool,
    photos: PhotoCount,
) -> SeenOrder:
    words = [(entry.status, entry.look) for entry in entries]
    document: WorkOrderDocument | None = None
    problem = ""
    if row is None:
        problem = "the server's row is not on this tablet"
    else:
        reader = FieldReader(place=f"order {order_id}", values=row.document)
        try:
            document = overlaid(parse_order(reader), _overlay(entries))
        except ContractError as error:
            problem = str(error)
    return SeenOrder(
        order_id=order_id,
        document=document,
        is_gone=row is None or row.is_kept,
        problem=problem,
        mark=_mark(words, photos, has_draft=has_draft),
        has_draft=has_draft,
        entries=tuple(entries),
        photos=photos,
    )


def _mark(
    words: Sequence[tuple[OpStatus, Look]], photos: PhotoCount, *, has_draft: bool
) -> RecordState:
    return record_state(
        RecordTraces(
            statuses=frozenset(status for status, _ in words),
            has_draft=has_draft,
            needs_look=any(look is Look.YES for _, look in words) or photos.held > 0,
            photos_total=photos.total,
            photos_done=photos.done,
        )
    )


def _overlay(entries: Iterable[OutboxEntry]) -> list[Operation]:
    return [entry.operation for entry in entries if entry.status in OVERLAY and not entry.is_repeat]


def rebuild_lines(
    connection: Connection,
    order_ids: Iterable[str],
    pulled: Mapping[str, JsonObject] | None = None,
) -> None:
    """Make the lines of these orders anew; call it in the transaction that changed them.

    `pulled` are rows that this transaction wrote: an order that nobody here has touched gets its
    line from there, without being read again.
    """
    wanted = sorted(each for each in set(order_ids) if not is_round(each))
    for start in range(0, len(wanted), _CHUNK):
        _rebuild_chunk(connection, wanted[start : start + _CHUNK], pulled or {})


def _rebuild_chunk(
    connection: Connection, order_ids: Sequence[str], pulled: Mapping[str, JsonObject]
) -> None:
    came = [each for each in order_ids if each in pulled]
    touched = _touched(connection, came)
    plain = [each for each in came if each not in touched]
    upsert_rows(connection, order_view, _plain_lines(plain, [pulled[each] for each in plain]))
    others = [each for each in order_ids if each in touched or each not in pulled]
    if others:
        _rebuild_seen(connection, others)


_WANTED = each_of_bound("ids").c.value
_COPIES = (
    select(func.count())
    .where(base_row.c.entity == ENTITY, base_row.c.entity_id == _WANTED)
    .scalar_subquery()
)
_TOUCHED = select(_WANTED).where(
    or_(
        _COPIES != 1,
        *(
            and_(exists(select(each)), exists().where(each == _WANTED))
            for each in (
                outbox_op.c.order_id,
                draft_answer.c.order_id,
                photo_job.c.order_id,
                photo_link.c.order_id,
            )
        ),
    )
)
"""Built once: every page of a pull asks. Whether a table has words of ours at all is looked up once
for all orders, and most tablets have few kinds of words."""


def _touched(connection: Connection, order_ids: Sequence[str]) -> set[str]:
    """Return the orders with words, drafts or photos of ours, or not with one row of the server."""
    if not order_ids:
        return set()
    return set(connection.execute(_TOUCHED, {"ids": json.dumps(order_ids)}).scalars())


def _plain_lines(order_ids: Sequence[str], rows: Sequence[JsonObject]) -> list[Row]:
    """Return the lines of orders that nobody here has touched."""
    quick = quick_lines(rows)
    places = [place for place in map(quick_place, rows) if place is not None]
    if quick is None or len(places) < len(rows):
        return list(map(_plain_line, order_ids, rows))
    return [
        (order_id, *line, 0, 0, _UNTOUCHED, "", *place)
        for order_id, line, place in zip(order_ids, quick, places, strict=True)
    ]


def _plain_line(order_id: str, row: JsonObject) -> Row:
    cells, problem = _row_cells(order_id, row, is_gone=False)
    where = (cells["x_m"], cells["y_m"])
    return (order_id, *_in_quick_order(cells), 0, 0, _UNTOUCHED, problem, *where)


def _row_cells(order_id: str, row: JsonObject, *, is_gone: bool) -> tuple[Cells, str]:
    """Return the line of a row and why it cannot be shown, empty when it can."""
    try:
        reader = FieldReader(place=f"order {order_id}", values=row)
        return cells_of_row(reader, is_gone=is_gone), ""
    except ContractError as error:
        return unreadable_cells(order_id, is_gone=is_gone), str(error)


_TAKE_OFF = delete(order_view).where(is_among_bound(order_view.c.order_id, "ids"))
_in_order = itemgetter(*order_view.columns.keys())
_in_quick_order = itemgetter(*QUICK_COLUMNS)
_UNTOUCHED = str(RecordState.UNTOUCHED)


def _write_lines(connection: Connection, lines: Iterable[Cells]) -> None:
    upsert_rows(connection, order_view, [_in_order(line) for line in lines])


def _rebuild_seen(connection: Connection, order_ids: Sequence[str]) -> None:
    seen = load_orders(connection, order_ids)
    shown = [one for one in seen.values() if not one.is_gone or _is_needed(one)]
    on_list = {one.order_id for one in shown}
    kept = {one.order_id for one in shown if one.is_gone}
    base_store.forget_kept(connection, ENTITY, [each for each in order_ids if each not in kept])
    gone = [each for each in order_ids if each not in on_list]
    if gone:
        connection.execute(_TAKE_OFF, {"ids": json.dumps(gone)})
    _write_lines(connection, [_line_values(connection, one) for one in shown])


def refresh_marks(connection: Connection, order_ids: Collection[str]) -> None:
    """Make only the marks of these lines anew: words moved on, what they say stayed."""
    if not order_ids:
        return
    words: dict[str, set[tuple[str, int]]] = {order_id: set() for order_id in order_ids}
    wanted = sorted(words)
    for order_id, status, look in _WORDS.run(connection, ids=json.dumps(wanted)):
        words[order_id].add((status, look))
    traces = load_traces(connection, wanted)
    drafts, photos = traces.drafts, traces.photos
    marks = [
        (_mark_of_cells(frozenset(words[each]), photos.get(each), has_draft=each in drafts), each)
        for each in wanted
    ]
    change_rows(connection, order_view, ("mark",), marks)


_WORDS = FixedStatement(
    select(outbox_op.c.order_id, outbox_op.c.status, outbox_op.c.look).where(
        is_among_bound(outbox_op.c.order_id, "ids")
    )
)
"""Built once: every push asks."""


@lru_cache(maxsize=1000)
def _mark_of_cells(
    words: frozenset[tuple[str, int]], photos: PhotoCount | None, *, has_draft: bool
) -> str:
    """Return the mark of a record from its operations' cells; a push has hundreds alike."""
    told = [(OpStatus(status), Look(look)) for status, look in words]
    return str(_mark(told, photos or NO_PHOTOS, has_draft=has_draft))


def _is_needed(seen: SeenOrder) -> bool:
    on_the_way = any(entry.status in OVERLAY for entry in seen.entries)
    to_look_at = any(entry.look is Look.YES for entry in seen.entries)
    return seen.has_draft or on_the_way or to_look_at


def rebuild_all(connection: Connection) -> int:
    """Make every line anew; return how many orders the tablet knows."""
    connection.execute(delete(order_view))
    known = connection.execute(
        select(base_row.c.entity_id).where(base_row.c.entity == ENTITY).distinct()
    ).scalars()
    order_ids = {*known, *outbox_store.records_with_words(connection)}
    rebuild_lines(connection, sorted(order_ids))
    return len(order_ids)


def _line_values(connection: Connection, seen: SeenOrder) -> Cells:
    return {
        **_cells(connection, seen),
        "order_id": seen.order_id,
        "is_gone": int(seen.is_gone),
        "has_draft": int(seen.has_draft),
        "mark": str(seen.mark),
        "problem": seen.problem,
    }


def _cells(connection: Connection, seen: SeenOrder) -> Cells:
    if seen.document is not None:
        return cells_of_document(seen.document, is_gone=seen.is_gone)
    row = base_store.load_row(connection, ENTITY, seen.order_id)
    if row is None:
        return unreadable_cells(seen.order_id, is_gone=seen.is_gone)
    return _row_cells(seen.order_id, row.document, is_gone=seen.is_gone)[0]


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
}

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
    mine: set[str] = set()
    for start in range(0, len(with_draft), _CHUNK):
        chunk = with_draft[start : start + _CHUNK]
        mine |= draft_store.orders_with_draft(connection, chunk, viewer)
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
