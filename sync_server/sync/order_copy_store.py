"""Maps the orders that only tablets remember after a restore, as they were last shown one."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.bulk_io import put_cells
from sync_server.db.sync_tables import ORDER_COPY
from sync_server.sync.crew_calls import DONE
from sync_server.sync.inbox import clean_text
from sync_server.sync.review_store import NewReview, ReviewKind, add_review, add_review_once
from sync_server.work_orders.fact_store import has_order
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.order_copies import OrderCopy
from wire_contracts.orders import ENTITY, WorkOrderDocument, parse_order
from wire_contracts.payloads import read_json
from wire_contracts.site_facts import Handover, parse_handover


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCopy:
    """An order as a tablet held it; `document` is None where it cannot be read.

    `as_of_utc`: when the former server had shown it so, None where nobody knows. `body` is the
    document to the letter.
    """

    order_id: str
    document: WorkOrderDocument | None
    body: JsonObject
    area_id: str | None
    as_of_utc: datetime | None
    tablet_id: str


def keep_copies(
    connection: Connection,
    tablet: TabletIdentity,
    copies: Iterable[OrderCopy],
    now_utc: datetime,
) -> None:
    """Keep the newest copy of every order that is not here, and ask once what is to be done.

    What a person said of it stands, whatever other tablets bring. Of an order that is here the
    valves count that were closed, of which nothing here says more.
    """
    for copy in copies:
        order_id = clean_text(copy.order_id)
        if has_order(connection, order_id):
            _keep_closed(connection, order_id, copy, now_utc)
            continue
        cells = {
            "document": clean_text(json.dumps(copy.document, ensure_ascii=False, sort_keys=True)),
            "area_id": None if copy.area_id is None else clean_text(copy.area_id),
            "as_of_ms": copy.as_of_ms,
            "tablet_id": tablet.tablet_id,
            "received_at_ms": ms_from_utc(now_utc),
        }
        known = connection.execute(_ONE, {"of_order": order_id}).one_or_none()
        if known is None:
            put_cells(connection, ORDER_COPY, [{"order_id": order_id, **cells}])
            _ask(connection, order_id, now_utc)
        elif copy.as_of_ms > known.as_of_ms:
            connection.execute(_CHANGE, {"of_order": order_id, **cells})


def _ask(connection: Connection, order_id: str, now_utc: datetime) -> None:
    add_review(connection, _question(ReviewKind.LOST_ORDER, order_id, Code.GONE), now_utc)


def _question(kind: ReviewKind, order_id: str, code: Code) -> NewReview:
    return NewReview(kind=kind, op_id=None, entity=ENTITY, entity_id=order_id, code=code)


def _keep_closed(connection: Connection, order_id: str, copy: OrderCopy, now_utc: datetime) -> None:
    """Tell the crew of valves that the former server had shown as closed.

    Where nobody goes on, a person is asked.
    """
    told = _handover(order_id, copy.document)
    if told is None or not told.valves:
        return
    book = OrderBook(connection, now_utc)
    book.lock([order_id])
    if book.keep_closed(order_id, told):
        if book.get(order_id).state in DONE:
            asked = _question(ReviewKind.LEFT_CLOSED, order_id, Code.HANDED_OVER)
            add_review_once(connection, asked, now_utc)
        book.show()


def _handover(order_id: str, document: JsonObject) -> Handover | None:
    try:
        reader = FieldReader(place=f"copy of order {order_id}", values=document)
        return parse_handover(reader.object("handover"))
    except ContractError:
        return None


_MINE = ORDER_COPY.c.order_id == bindparam("of_order")
_ONE = select(ORDER_COPY).where(_MINE)
_CHANGE = (
    update(ORDER_COPY)
    .where(_MINE)
    .values(
        {
            name: bindparam(name)
            for name in ("document", "area_id", "as_of_ms", "tablet_id", "received_at_ms")
        }
    )
)


def find_copy(connection: Connection, order_id: str) -> KeptCopy | None:
    """Return what tablets remember of an order, None when none has told of it."""
    row = connection.execute(_ONE, {"of_order": order_id}).one_or_none()
    if row is None:
        return None
    body = read_json(f"copy of order {order_id}", row.document.encode()).values
    return KeptCopy(
        order_id=order_id,
        document=_document(order_id, body),
        body=body,
        area_id=row.area_id,
        as_of_utc=utc_from_ms(row.as_of_ms) if row.as_of_ms else None,
        tablet_id=row.tablet_id,
    )


def _document(order_id: str, body: JsonObject) -> WorkOrderDocument | None:
    try:
        return parse_order(FieldReader(place=f"copy of order {order_id}", values=body))
    except ContractError:
        return None


def note_made(connection: Connection, order_id: str, now_utc: datetime) -> None:
    """Note that a person has made the order again from its copy."""
    connection.execute(_MADE, {"of_order": order_id, "at_ms": ms_from_utc(now_utc)})


_MADE = update(ORDER_COPY).where(_MINE).values(made_at_ms=bindparam("at_ms"))


def has_remark(connection: Connection, order_id: str, remark: str, told_ms: int) -> bool:
    """Return whether an order was made again with a remark, which must not stand there twice.

    `told_ms`: when a former server had taken it; of one that was taken after the copy it is another
    remark in the same words. 0: nobody knows.
    """
    row = connection.execute(_NOTE, {"of_order": order_id, "told_ms": told_ms}).one_or_none()
    if row is None or not remark:
        return False
    note = json.loads(row.document).get("note")
    return isinstance(note, str) and f"\n{remark}\n" in f"\n{note}\n"


_NOTE = select(ORDER_COPY.c.document).where(
    _MINE, ORDER_COPY.c.made_at_ms.is_not(None), ORDER_COPY.c.as_of_ms >= bindparam("told_ms")
)
