"""Answers how the pages of the service desk name people, crews and communities."""

from sqlalchemy import Connection, select

from sync_server.db.asset_tables import COMMUNITY
from sync_server.db.customer_tables import CUSTOMER, PREMISES
from sync_server.web.page_queries_store import account_names, crew_names
from sync_server.web.places import PlaceNames
from sync_server.web.request_views import Names

_CONFIDENTIAL = (
    select(PREMISES.c.premises_id)
    .join(CUSTOMER, CUSTOMER.c.customer_id == PREMISES.c.customer_id)
    .where(CUSTOMER.c.is_confidential)
)


def load_names(connection: Connection) -> Names:
    """Return the names that lists of requests need."""
    rows = connection.execute(
        select(COMMUNITY.c.community_id, COMMUNITY.c.name_en, COMMUNITY.c.name_zh)
    )
    return Names(
        accounts=account_names(connection),
        crews=crew_names(connection),
        confidential=frozenset(connection.execute(_CONFIDENTIAL).scalars()),
        communities={row.community_id: PlaceNames(en=row.name_en, zh=row.name_zh) for row in rows},
    )
