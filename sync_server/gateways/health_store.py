"""Owns the newest health message of each known gateway."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from sync_server.db.asset_tables import GATEWAY
from sync_server.db.gateway_tables import GATEWAY_HEALTH
from wire_contracts.frames import ms_from_utc
from wire_contracts.gateway_health import GatewayHealth, dump_health, parse_health
from wire_contracts.payloads import read_json


def note_health(connection: Connection, health: GatewayHealth, now_utc: datetime) -> None:
    """Keep the message in place of the one before; that of an unknown gateway is not kept."""
    is_it = GATEWAY_HEALTH.c.gateway_id == health.gateway_id
    values = {
        "at_ms": ms_from_utc(health.at_utc),
        "received_at_ms": ms_from_utc(now_utc),
        "body": dump_health(health).decode(),
    }
    if connection.execute(update(GATEWAY_HEALTH).where(is_it).values(**values)).rowcount:
        return
    known = select(GATEWAY.c.gateway_id).where(GATEWAY.c.gateway_id == health.gateway_id)
    if connection.execute(known).one_or_none() is not None:
        row = {"gateway_id": health.gateway_id, **values}
        connection.execute(insert(GATEWAY_HEALTH).values(**row))


def load_health(connection: Connection) -> Mapping[str, GatewayHealth]:
    """Return gateway id to the newest health message."""
    rows = connection.execute(select(GATEWAY_HEALTH.c.gateway_id, GATEWAY_HEALTH.c.body))
    return {
        row.gateway_id: parse_health(read_json("gateway_health", row.body.encode())) for row in rows
    }
