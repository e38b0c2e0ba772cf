"""Decides what of a personal row may be kept, and maps its removal (RULINGS R4, R19, R23)."""

import json
from collections.abc import Callable, Collection
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, select, update

from field_app.store.tables import base_row, order_view
from wire_contracts.fields import JsonObject
from wire_contracts.order_person import ENTITY
from wire_contracts.payloads import dump_json
from wire_contracts.work_order_states import WorkOrderState

PERSONAL: Final = frozenset({ENTITY})
"""Types whose rows are never kept in words: as ciphertext, or not at all."""

COLUMN: Final = "document"
"""The column that a ciphertext is bound to."""

CIPHERTEXT: Final = "vault"
"""The one field of a row that is kept as ciphertext, base64."""

NOT_KEPT: Final[JsonObject] = {}
"""Stands for a personal row that may not be kept; its hash stays, so that the bucket adds up."""

_NOT_KEPT_TEXT: Final = dump_json(NOT_KEPT).decode()

Keep = Callable[[str, str, JsonObject], JsonObject]
"""(entity, id, document as received) -> the document as it may be kept."""


def keep_nothing(entity: str, entity_id: str, document: JsonObject) -> JsonObject:
    """Keep no personal row: the tablet has no vault."""
    del entity, entity_id, document
    return NOT_KEPT


def load_ciphertext(connection: Connection, entity: str, entity_id: str) -> str | None:
    """Return the base64 ciphertext of a personal row, empty when it was not kept.

    None: no such row is on this tablet.
    """
    documents = connection.execute(
        select(base_row.c.document).where(
            base_row.c.entity == entity, base_row.c.entity_id == entity_id
        )
    ).scalars()
    found = [_ciphertext(document) for document in documents]
    return max(found, default=None)


def drop_personal(connection: Connection, but: Collection[str] = ()) -> int:
    """Remove what was kept of personal rows; return how many rows lost their content.

    Rows of the ids `but` keep theirs.
    """
    gone = update(base_row).where(_kept_besides(but)).values(document=_NOT_KEPT_TEXT)
    return connection.execute(gone).rowcount


def has_kept(connection: Connection, but: Collection[str] = ()) -> bool:
    """Return whether `drop_personal` would remove anything."""
    row = select(base_row.c.entity_id).where(_kept_besides(but)).limit(1)
    return connection.execute(row).first() is not None


def _kept_besides(but: Collection[str]) -> ColumnElement[bool]:
    return and_(
        base_row.c.entity.in_(sorted(PERSONAL)),
        base_row.c.document != _NOT_KEPT_TEXT,
        base_row.c.entity_id.not_in(sorted(but)),
    )


def orders_in_use(connection: Connection) -> frozenset[str]:
    """Return the orders to which the crew is on its way, or at which it is."""
    query = select(order_view.c.order_id).where(order_view.c.state.in_(_BEGUN))
    return frozenset(connection.execute(query).scalars())


_BEGUN: Final = sorted(
    map(str, (WorkOrderState.EN_ROUTE, WorkOrderState.ON_SITE, WorkOrderState.WORKING))
)


def has_any(connection: Connection) -> bool:
    """Return whether personal rows are here, kept or not."""
    row = select(base_row.c.entity_id).where(base_row.c.entity.in_(sorted(PERSONAL)))
    return connection.execute(row.limit(1)).first() is not None


def _ciphertext(document: str) -> str:
    return str(json.loads(document).get(CIPHERTEXT, ""))
