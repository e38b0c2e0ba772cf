"""Owns the quality events: what was odd about the data, for a person to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson
from sqlalchemy import Connection, insert, select

from sync_server.db.reading_tables import QUALITY_EVENT
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc, utc_from_ms


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
