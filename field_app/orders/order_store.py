"""Writes the list's rows: one per order, rebuilt in the transaction that changed it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter

from sqlalchemy import Connection, and_, delete, exists, func, or_, select

from field_app.orders.order_lines import (
    QUICK_COLUMNS,
    Cells,
    cells_of_document,
    cells_of_row,
    quick_lines,
    quick_place,
    unreadable_cells,
)
from field_app.orders.seen_order_store import SeenOrder, load_orders, mark_of
from field_app.store import base_store, outbox_store
from field_app.store.among import each_of_bound, is_among_bound
from field_app.store.bulk_write import Row, change_rows, upsert_rows
from field_app.store.fixed_statement import FixedStatement
from field_app.store.outbox_store import Look
from field_app.store.photo_store import NO_PHOTOS, PhotoCount
from field_app.store.record_states import OVERLAY, OpStatus, RecordState
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
from wire_contracts.orders import ENTITY

_CHUNK = 500
"""Ids per IN list: older SQLite builds take 999 variables."""


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
    return str(mark_of(told, photos or NO_PHOTOS, has_draft=has_draft))


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
