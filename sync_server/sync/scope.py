"""Which buckets a tablet may see, computed anew at every pull."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from sync_server.access.account_store import areas_of
from sync_server.access.tablet_store import TabletIdentity, accounts_of_tablet
from sync_server.db.access_tables import ACCOUNT, CREW, CREW_AREA
from sync_server.db.change_store import (
    ORG_BUCKET,
    area_bucket,
    bucket_names,
    crew_bucket,
    personal_bucket,
    user_bucket,
)
from sync_server.sync.tokens import mark_of
from wire_contracts.sync import PROTOCOL, Feature, has_feature


def buckets_of_tablet(
    connection: Connection, tablet: TabletIdentity, protocol: int = PROTOCOL
) -> list[str]:
    """Return the buckets in the order in which they are sent.

    The organisation's, the crew's areas', the crew's own, and those of the people who may work on
    the tablet. Whom a crew meets is in a bucket of its own, which a tablet of protocol 1, that
    cannot lock personal data away, is not given.
    """
    area_ids = areas_of(connection, tablet.crew_id)
    accounts = accounts_of_tablet(connection, tablet.tablet_id)
    return buckets_among(tablet, area_ids, accounts, protocol)


def buckets_among(
    tablet: TabletIdentity,
    area_ids: Iterable[str],
    accounts: Mapping[str, datetime | None],
    protocol: int = PROTOCOL,
) -> list[str]:
    """Return what `buckets_of_tablet` does where the areas of its crew and its people are known."""
    areas = [area_bucket(area_id) for area_id in area_ids]
    people = [user_bucket(each) for each, until_utc in accounts.items() if until_utc is None]
    personal = [personal_bucket(tablet.crew_id)] if has_feature(protocol, Feature.PERSONAL) else []
    return [ORG_BUCKET, *areas, crew_bucket(tablet.crew_id), *personal, *people]


def names_of_marks(connection: Connection, marks: Collection[str]) -> list[str]:
    """Return the buckets that these marks of a token stand for; needed when a scope has changed."""
    if not marks:
        return []
    crews = connection.execute(select(CREW.c.crew_id)).scalars().all()
    areas = connection.execute(select(CREW_AREA.c.area_id).distinct()).scalars().all()
    accounts = connection.execute(select(ACCOUNT.c.account_id)).scalars().all()
    names = {
        ORG_BUCKET,
        *bucket_names(connection),
        *map(area_bucket, areas),
        *map(crew_bucket, crews),
        *map(personal_bucket, crews),
        *map(user_bucket, accounts),
    }
    return sorted(name for name in names if mark_of(name) in marks)
