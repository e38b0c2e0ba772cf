"""Owns the quality events: what was odd about the data, for a person to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import orjson
from sqlalchemy import Connection, insert, select

from sync_server.db.reading_tables import QUALITY_EVENT
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc, utc_from_ms

REPEATED_WITHIN = timedelta(days=3)
"""How long after it was kept an event of a gateway is known again: longer than most outages."""


class QualityEventKind(StrEnum):
    """What was odd."""

    GAP = "gap"
    CLONE = "clone"
    CONFLICT = "conflict"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityEvent:
    """One oddity of a gateway or a meter."""

    at_utc: datetime
    kind: QualityEventKind
    gateway_id: str | None
    meter_id: str | None
    detail: JsonObject


def write_quality_events(connection: Connection, events: Sequence[QualityEvent]) -> None:
    """Keep the events."""
    if events:
        connection.execute(
            insert(QUALITY_EVENT),
            [
                {
                    "at_ms": ms_from_utc(event.at_utc),
                    "kind": str(event.kind),
                    "gateway_id": event.gateway_id,
                    "meter_id": event.meter_id,
                    "detail": orjson.dumps(event.detail).decode(),
                }
                for event in events
            ],
        )


def is_event_known(connection: Connection, gateway_id: str, name: str, now_utc: datetime) -> bool:
    """Return whether an event of a gateway is kept already: it sends one until it is confirmed.

    Looked for among the events of `REPEATED_WITHIN`; one that comes again later is kept again,
    under the same name.
    """
    as_kept = orjson.dumps({"id": name}).decode().strip("{}")
    found = connection.execute(
        select(QUALITY_EVENT.c.event_id)
        .where(
            QUALITY_EVENT.c.at_ms >= ms_from_utc(now_utc - REPEATED_WITHIN),
            QUALITY_EVENT.c.kind == str(QualityEventKind.GATEWAY),
            QUALITY_EVENT.c.gateway_id == gateway_id,
            QUALITY_EVENT.c.detail.contains(as_kept, autoescape=True),
        )
        .limit(1)
    )
    return found.first() is not None


def list_quality_events(connection: Connection, limit: int = 200) -> Sequence[QualityEvent]:
    """Return the newest events, newest first."""
    rows = connection.execute(
        select(QUALITY_EVENT).order_by(QUALITY_EVENT.c.event_id.desc()).limit(limit)
    )
    return [
        QualityEvent(
            at_utc=utc_from_ms(row.at_ms),
            kind=QualityEventKind(row.kind),
            gateway_id=row.gateway_id,
            meter_id=row.meter_id,
            detail=orjson.loads(row.detail),
        )
        for row in rows
    ]
