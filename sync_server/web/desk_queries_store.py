"""Answers what the alert desk asks of every open alert, without reading evidence it won't show."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select

from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import COMMUNITY, METER
from sync_server.db.detection_tables import METER_CHILD
from sync_server.db.reading_tables import READING_LATEST
from sync_server.web.alert_look import AlertLook, look_in
from sync_server.web.alert_views import AlertLine
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import utc_from_ms
from wire_contracts.quantities import Medium

MAX_OPEN = 5000
"""Most open alerts a desk counts: the newest by priority; a town of 10 500 meters stays below."""

_IN_ONE_QUERY = 500

_LINE = (
    ALERT.c.alert_id,
    ALERT.c.meter_id,
    ALERT.c.medium,
    ALERT.c.kind,
    ALERT.c.rule,
    ALERT.c.condition,
    ALERT.c.visibility,
    ALERT.c.priority,
    ALERT.c.raised_at_ms,
    ALERT.c.shelved_until_at_ms,
    ALERT.c.shelved_by,
    ALERT.c.shelve_reason,
    ALERT.c.work_order_id,
    METER.c.address,
    COMMUNITY.c.name_en,
    COMMUNITY.c.name_zh,
    READING_LATEST.c.gateway_id,
    select(func.min(METER_CHILD.c.parent_id))
    .where(METER_CHILD.c.child_id == ALERT.c.meter_id)
    .scalar_subquery()
    .label("station_id"),
)


def open_alert_lines(connection: Connection) -> Sequence[AlertLine]:
    """Return the open alerts of every visibility, most urgent first, then newest first."""
    rows = connection.execute(
        select(*_LINE)
        .join(METER, METER.c.meter_id == ALERT.c.meter_id)
        .outerjoin(COMMUNITY, COMMUNITY.c.community_id == METER.c.community_id)
        .outerjoin(READING_LATEST, READING_LATEST.c.meter_id == ALERT.c.meter_id)
        .where(ALERT.c.condition != str(Condition.NORMAL))
        .order_by(ALERT.c.priority, ALERT.c.raised_at_ms.desc())
        .limit(MAX_OPEN)
    )
    return [
        AlertLine(
            alert_id=row.alert_id,
            meter_id=row.meter_id,
            medium=Medium(row.medium),
            kind=row.kind,
            rule=row.rule,
            condition=Condition(row.condition),
            visibility=Visibility(row.visibility),
            priority=row.priority,
            raised_at_utc=utc_from_ms(row.raised_at_ms),
            shelved_until_utc=None
            if row.shelved_until_at_ms is None
            else utc_from_ms(row.shelved_until_at_ms),
            shelved_by=row.shelved_by,
            shelve_reason=row.shelve_reason,
            work_order_id=row.work_order_id,
            address=row.address,
            place_en=row.name_en or "",
            place_zh=row.name_zh or "",
            gateway_id=row.gateway_id or "",
            station_id=row.station_id or "",
        )
        for row in rows
    ]


def alert_looks(connection: Connection, lines: Sequence[AlertLine]) -> Mapping[str, AlertLook]:
    """Return alert id -> what its row shows of the evidence."""
    ids = [line.alert_id for line in lines]
    found: dict[str, AlertLook] = {}
    for start in range(0, len(ids), _IN_ONE_QUERY):
        chosen = ALERT.c.alert_id.in_(ids[start : start + _IN_ONE_QUERY])
        for row in connection.execute(select(ALERT.c.alert_id, ALERT.c.evidence).where(chosen)):
            found[row.alert_id] = look_in(row.evidence)
    return found
