"""Reads alerts: one, those that a page wants, and what happened to one."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import orjson
from sqlalchemy import Connection, Row, Select, and_, select

from sync_server.alerts.alert import (
    AlertEvent,
    AlertEventRecord,
    AlertFilter,
    AlertRecord,
)
from sync_server.alerts.alert_rows_store import missing_alert
from sync_server.db.alert_tables import ALERT, ALERT_EVENT
from sync_server.db.asset_tables import COMMUNITY, DEVICE_METER, METER
from wire_contracts.alert_states import (
    Condition,
    Disposition,
    Visibility,
)
from wire_contracts.evidence import Evidence, parse_evidence
from wire_contracts.fields import FieldReader
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import Family, FindingResult, Kind, Label
from wire_contracts.quantities import Medium

_KEPT_EVIDENCE = 512
"""Evidence in memory, read once: four days of a chart take 5 ms, a desk shows hundreds again and
again, and the values are frozen."""


def list_alerts(connection: Connection, wanted: AlertFilter | None = None) -> Sequence[AlertRecord]:
    """Return the alerts that fit, most urgent first, then newest first."""
    wanted = wanted or AlertFilter()
    query = _select_records().order_by(ALERT.c.priority, ALERT.c.raised_at_ms.desc())
    query = _narrow(query, wanted).limit(wanted.limit)
    return [_record(row) for row in connection.execute(query)]


def get_alert(connection: Connection, alert_id: str) -> AlertRecord:
    """Return one alert; raise AlertNotFoundError when there is none with this id."""
    row = connection.execute(_select_records().where(ALERT.c.alert_id == alert_id)).one_or_none()
    if row is None:
        raise missing_alert(alert_id)
    return _record(row)


def alert_history(connection: Connection, alert_id: str) -> Sequence[AlertEventRecord]:
    """Return everything that happened to an alert, oldest first."""
    rows = connection.execute(
        select(ALERT_EVENT)
        .where(ALERT_EVENT.c.alert_id == alert_id)
        .order_by(ALERT_EVENT.c.event_id)
    )
    return [
        AlertEventRecord(
            event=AlertEvent(row.event),
            at_utc=utc_from_ms(row.at_ms),
            actor=row.actor,
            detail=orjson.loads(row.detail),
        )
        for row in rows
    ]


def _select_records() -> Select[tuple[str]]:
    device = (
        select(DEVICE_METER.c.device_serial)
        .where(DEVICE_METER.c.meter_id == ALERT.c.meter_id, DEVICE_METER.c.valid_to_at_ms.is_(None))
        .order_by(DEVICE_METER.c.valid_from_at_ms.desc())
        .limit(1)
        .correlate(ALERT)
        .scalar_subquery()
    )
    return (
        select(
            ALERT,
            METER.c.address,
            METER.c.community_id,
            COMMUNITY.c.name_en,
            COMMUNITY.c.name_zh,
            device.label("device_serial"),
        )
        .join(METER, METER.c.meter_id == ALERT.c.meter_id)
        .outerjoin(COMMUNITY, COMMUNITY.c.community_id == METER.c.community_id)
    )


def _narrow(query: Select[tuple[str]], wanted: AlertFilter) -> Select[tuple[str]]:
    conditions = []
    if wanted.is_open is not None:
        is_normal = ALERT.c.condition == str(Condition.NORMAL)
        conditions.append(~is_normal if wanted.is_open else is_normal)
    for column, value in (
        (ALERT.c.visibility, wanted.visibility),
        (ALERT.c.medium, wanted.medium),
        (ALERT.c.kind, wanted.kind),
        (ALERT.c.meter_id, wanted.meter_id),
    ):
        if value is not None:
            conditions.append(column == str(value))
    if wanted.raised_from_utc is not None:
        conditions.append(ALERT.c.raised_at_ms >= ms_from_utc(wanted.raised_from_utc))
    return query.where(and_(*conditions)) if conditions else query


def _time_or_none(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else utc_from_ms(milliseconds)


@lru_cache(maxsize=_KEPT_EVIDENCE)
def _evidence(alert_id: str, text: str) -> Evidence:
    place = f"alert {alert_id}"
    return parse_evidence(FieldReader(place=place, values=orjson.loads(text)))


def _record(row: Row[tuple[str]]) -> AlertRecord:
    return AlertRecord(
        alert_id=row.alert_id,
        meter_id=row.meter_id,
        medium=Medium(row.medium),
        kind=Kind(row.kind),
        family=Family(row.family),
        rule=row.rule,
        condition=Condition(row.condition),
        visibility=Visibility(row.visibility),
        disposition=Disposition(row.disposition),
        priority=row.priority,
        score=row.score,
        started_at_utc=utc_from_ms(row.started_at_ms),
        detected_at_utc=utc_from_ms(row.detected_at_ms),
        raised_at_utc=utc_from_ms(row.raised_at_ms),
        last_seen_at_utc=utc_from_ms(row.last_seen_at_ms),
        returned_at_utc=_time_or_none(row.returned_at_ms),
        acknowledged_at_utc=_time_or_none(row.acknowledged_at_ms),
        acknowledged_by=row.acknowledged_by,
        shelved_until_utc=_time_or_none(row.shelved_until_at_ms),
        shelved_by=row.shelved_by,
        shelve_reason=row.shelve_reason,
        work_order_id=row.work_order_id,
        finding_result=FindingResult(row.finding_result) if row.finding_result else None,
        finding_has_evidence=row.finding_has_evidence,
        finding_at_utc=_time_or_none(row.finding_at_ms),
        label=Label(row.label) if row.label else None,
        rule_version=row.rule_version,
        lane=row.lane,
        ended_at_utc=_time_or_none(row.ended_at_ms),
        retracted_at_utc=_time_or_none(row.retracted_at_ms),
        evidence=_evidence(row.alert_id, row.evidence),
        address=row.address,
        community_id=row.community_id,
        place_en=row.name_en or "",
        place_zh=row.name_zh or "",
        device_serial=row.device_serial,
    )
