"""Owns the network on the map: pipes and points of each area, published to the area's tablets."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from sync_server.db.asset_tables import NETWORK_PART
from sync_server.db.change_store import Publication, area_bucket, publish_all
from wire_contracts.fields import FieldReader
from wire_contracts.frames import ms_from_utc
from wire_contracts.network import (
    ENTITY,
    LayerPart,
    NetworkPart,
    parse_network,
    pipes_json,
    points_json,
)
from wire_contracts.payloads import dump_json


def save_network(connection: Connection, part: NetworkPart, now_utc: datetime) -> int:
    """Put the whole network of one area in place of what was there; return the sequence.

    Every tablet of the area's crews is given it with its next pull; equal content changes nothing.
    """
    bodies = {LayerPart.PIPES: pipes_json(part), LayerPart.POINTS: points_json(part)}
    texts = {which: dump_json(body) for which, body in bodies.items()}
    is_here = NETWORK_PART.c.area_id == part.area_id
    connection.execute(delete(NETWORK_PART).where(is_here))
    connection.execute(
        insert(NETWORK_PART),
        [
            {
                "area_id": part.area_id,
                "part": str(which),
                "document": text.decode(),
                "changed_at_ms": ms_from_utc(now_utc),
            }
            for which, text in texts.items()
        ],
    )
    publications = [
        Publication(
            entity=ENTITY,
            entity_id=f"{part.area_id}:{which}",
            document=text,
            buckets=frozenset({area_bucket(part.area_id)}),
        )
        for which, text in texts.items()
    ]
    return max(publish_all(connection, publications, now_utc).values())


def load_network(connection: Connection) -> Sequence[NetworkPart]:
    """Return the whole network, pipes and points of each area."""
    texts = connection.execute(select(NETWORK_PART.c.document)).scalars()
    return [parse_network(FieldReader(place="network", values=json.loads(text))) for text in texts]


def network_areas(connection: Connection) -> Sequence[str]:
    """Return the areas that have a network, in order."""
    query = select(NETWORK_PART.c.area_id).distinct().order_by(NETWORK_PART.c.area_id)
    return connection.execute(query).scalars().all()
