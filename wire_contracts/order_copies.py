"""An order as a tablet was last shown it, for a restored server that may have forgotten it."""

from collections.abc import Sequence
from dataclasses import dataclass

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import LATEST_MS

MAX_COPIES = 50
"""Copies in one push: some 1 kB each, with evidence more."""

_LONGEST_ID = 36
_LONGEST_AREA = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCopy:
    """An order that a tablet held when its server was restored, and is not shown any more.

    Attributes:
        order_id: The order.
        as_of_ms: When the former server had last shown the tablet all of its orders, ms since 1970
            by that server's clock; 0: it is not known.
        document: The order as it was shown then (`wire_contracts.orders`).
        area_id: In whose area it stood free for any crew, None where a crew had it.
    """

    order_id: str
    as_of_ms: int
    document: JsonObject
    area_id: str | None = None


def order_copy_json(copy: OrderCopy) -> JsonObject:
    """Return the copy as JSON; an area that there is not is left out."""
    body: dict[str, JsonValue] = {
        "id": copy.order_id,
        "as_of": copy.as_of_ms,
        "document": copy.document,
    }
    return body if copy.area_id is None else {**body, "area": copy.area_id}


def copies_json(copies: Sequence[OrderCopy]) -> JsonObject:
    """Return what a push says of orders; nothing where there are none."""
    return {"orders": [order_copy_json(each) for each in copies]} if copies else {}


def parse_copies(root: FieldReader) -> tuple[OrderCopy, ...]:
    """Return the copies of a push, none of an app before them; raise ContractError."""
    if not root.has("orders"):
        return ()
    return tuple(
        OrderCopy(
            order_id=reader.text("id", longest=_LONGEST_ID),
            as_of_ms=reader.integer("as_of", low=0, high=LATEST_MS),
            document=reader.object("document").values,
            area_id=reader.text("area", longest=_LONGEST_AREA) if reader.has("area") else None,
        )
        for reader in root.objects("orders", longest=MAX_COPIES)
    )
