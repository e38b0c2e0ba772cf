"""Decides what of a personal row may be kept, and maps its removal (RULINGS R4, R19, R23)."""

import json
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, select, update

from field_app.store.tables import base_row
from wire_contracts.fields import JsonObject
from wire_contracts.order_person import ENTITY
from wire_contracts.payloads import dump_json

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


def drop_personal(connection: Connection) -> int:
    """Remove what was kept of personal rows; return how many rows lost their content."""
    gone = (
        update(base_row)
        .where(base_row.c.entity.in_(sorted(PERSONAL)), base_row.c.document != _NOT_KEPT_TEXT)
        .values(document=_NOT_KEPT_TEXT)
    )
    return connection.execute(gone).rowcount


def has_any(connection: Connection) -> bool:
    """Return whether personal rows are here, kept or not."""
    row = select(base_row.c.entity_id).where(base_row.c.entity.in_(sorted(PERSONAL)))
    return connection.execute(row.limit(1)).first() is not None


def _ciphertext(document: str) -> str:
    return str(json.loads(document).get(CIPHERTEXT, ""))
