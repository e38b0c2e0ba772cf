"""A part that a crew took, as its fact tells it -> what its van has left."""

from collections.abc import Mapping

from sqlalchemy import Connection

from sync_server.vans.van_store import locked_part, publication_of, take_from_van
from sync_server.work_orders.order import Fact
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.orders import FactType
from wire_contracts.site_facts import parse_part


def note_part(connection: Connection, book: OrderBook, fact: Fact, crew_id: str) -> None:
    """Take a part off the van of the crew that used it; a part that is on no list changes nothing.

    What was taken before the last count is in that count already. The fact itself is kept whatever
    it says.
    """
    if fact.fact_type is not FactType.PART_USED or not isinstance(fact.payload, Mapping):
        return
    try:
        used = parse_part(FieldReader(place=f"fact {fact.fact_id}", values=fact.payload))
    except ContractError:
        return
    known = locked_part(connection, crew_id, used.part_id)
    if known is None or fact.happened_at_utc < known.counted_at_utc:
        return
    take_from_van(connection, crew_id, used.part_id, used.quantity)
    book.show_also([publication_of(connection, crew_id)])
