"""Which buckets a tablet may see, computed anew at every pull."""

from sqlalchemy import Connection

from sync_server.access.account_store import areas_of
from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.change_store import ORG_BUCKET, area_bucket, crew_bucket


def buckets_of_tablet(connection: Connection, tablet: TabletIdentity) -> list[str]:
    """Return the organisation's bucket, the crew's areas' and the crew's own, in this order."""
    areas = [area_bucket(area_id) for area_id in areas_of(connection, tablet.crew_id)]
    return [ORG_BUCKET, *areas, crew_bucket(tablet.crew_id)]
