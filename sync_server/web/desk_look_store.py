"""Answers what the intake page asks about a place: its open alerts, its meters' newest values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, Connection, or_, select

from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import METER
from sync_server.db.reading_tables import READING_LATEST
from wire_contracts.alert_states import Condition
from wire_contracts.frames import utc_from_ms

MOST_ALERTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NearAlert:
    """An open alert at the caller's home or in the community."""

    alert_id: str
    meter_id: str
    medium: str
    kind: str
    rule: str
    priority: int
    raised_at_utc: datetime
    work_order_id: str | None
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterValue:
    """A meter of the home with its newest value; no value is None, never zero."""

    meter_id: str
    medium: str
    quantity: str
    value: float | None
    at_utc: datetime | None


def alerts_near(
    connection: Connection, meter_ids: Sequence[str], community_id: str | None
) -> Sequence[NearAlert]:
    """Return at most five open alerts: of these meters first, then the most urgent nearby."""
    places: list[ColumnElement[bool]] = [ALERT.c.meter_id.in_(meter_ids)] if meter_ids else []
    if community_id is not None:
        places.append(METER.c.community_id == community_id)
    if not places:
        return ()
    rows = connection.execute(
        select(ALERT)
        .join(METER, METER.c.meter_id == ALERT.c.meter_id)
        .where(or_(*places), ALERT.c.condition != str(Condition.NORMAL))
        .order_by(ALERT.c.meter_id.not_in(meter_ids), ALERT.c.priority, ALERT.c.raised_at_ms.desc())
        .limit(MOST_ALERTS)
    )
    return [
        NearAlert(
            alert_id=row.alert_id,
            meter_id=row.meter_id,
            medium=row.medium,
            kind=row.kind,
            rule=row.rule,
            priority=row.priority,
            raised_at_utc=utc_from_ms(row.raised_at_ms),
            work_order_id=row.work_order_id,
            is_here=row.meter_id in meter_ids,
        )
        for row in rows
    ]


_SHOWN_FIRST = (
    "flow_m3h",
    "flow_base_m3h",
    "supply_temp_degc",
    "volume_m3",
    "volume_base_m3",
    "volume_actual_m3",
    "energy_kwh",
)


def newest_values(connection: Connection, meter_ids: Sequence[str]) -> Sequence[MeterValue]:
    """Return the meters with the newest value that says most to an agent, by meter id."""
    rows = connection.execute(
        select(METER.c.meter_id, METER.c.medium, READING_LATEST.c.state)
        .outerjoin(READING_LATEST, READING_LATEST.c.meter_id == METER.c.meter_id)
        .where(METER.c.meter_id.in_(meter_ids))
        .order_by(METER.c.meter_id)
    )
    found = []
    for row in rows:
        state = orjson.loads(row.state) if row.state else {}
        name = next((each for each in _SHOWN_FIRST if each in state), "")
        entry = state.get(name)
        found.append(
            MeterValue(
                meter_id=row.meter_id,
                medium=row.medium,
                quantity=name,
                value=entry[0] if entry else None,
                at_utc=utc_from_ms(entry[1]) if entry else None,
            )
        )
    return found
