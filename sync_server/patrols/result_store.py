"""Reads what inspectors did lately out of their facts, for the page of the rounds."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from sync_server.db.order_tables import FACT
from sync_server.work_orders.fact_store import find_fact
from sync_server.work_orders.order import Fact
from wire_contracts.orders import FactType

ROUND_FACTS = (
    FactType.PATROL_RUN,
    FactType.PATROL_POINT,
    FactType.CHECK_IN,
    FactType.SAFETY_CHECK,
    FactType.METER_READING,
)
"""What inspectors send that belongs to no order."""


def latest_facts(connection: Connection, types: Sequence[FactType], limit: int) -> list[Fact]:
    """Return the newest facts of these types that belong to no order, the newest first."""
    query = (
        select(FACT.c.fact_id)
        .where(FACT.c.order_id.is_(None), FACT.c.fact_type.in_([str(each) for each in types]))
        .order_by(FACT.c.happened_at_ms.desc(), FACT.c.fact_id.desc())
        .limit(limit)
    )
    found = [find_fact(connection, fact_id) for fact_id in connection.execute(query).scalars()]
    return [fact for fact in found if fact is not None]
