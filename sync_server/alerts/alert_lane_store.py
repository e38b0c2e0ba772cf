"""Writes what the fleet's alert book says of the alerts of a meter and lane."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select, text

from sync_server.alerts.alert import (
    AlertEvent,
    AlertFinding,
)
from sync_server.alerts.alert_rows_store import alert_row, change_alert, note_event
from sync_server.alerts.alert_store import open_alert, return_alert
from sync_server.alerts.priorities import is_more_severe, priority_of
from sync_server.db.alert_tables import ACTIVE_ALERT, ALERT
from wire_contracts.alert_states import (
    CONDITION,
    Condition,
    ConditionEvent,
)
from wire_contracts.evidence import evidence_json
from wire_contracts.frames import ms_from_utc
from wire_contracts.kinds import Kind
from wire_contracts.payloads import dump_json


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneAlert:
    """The newest alert of a meter and lane."""

    alert_id: str
    kind: Kind
    score: float
    condition: Condition


def newest_in_lane(connection: Connection, meter_id: str, lane: str) -> LaneAlert | None:
    """Return the newest alert of a meter and lane that stands, None when there is none."""
    row = connection.execute(
        select(ALERT.c.alert_id, ALERT.c.kind, ALERT.c.score, ALERT.c.condition)
        .where(
            ALERT.c.meter_id == meter_id, ALERT.c.lane == lane, ALERT.c.retracted_at_ms.is_(None)
        )
        .order_by(ALERT.c.raised_at_ms.desc(), ALERT.c.alert_id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return LaneAlert(
        alert_id=row.alert_id,
        kind=Kind(row.kind),
        score=row.score,
        condition=Condition(row.condition),
    )


def standing_alerts(connection: Connection) -> Sequence[tuple[str, str, str]]:
    """Return meter, lane and id of every alert whose condition is said to hold."""
    rows = connection.execute(
        select(ALERT.c.meter_id, ALERT.c.lane, ALERT.c.alert_id)
        .where(text(ACTIVE_ALERT))
        .order_by(ALERT.c.alert_id)
    )
    return [(meter_id, lane, alert_id) for meter_id, lane, alert_id in rows]


def alter_alert(
    connection: Connection, alert_id: str, finding: AlertFinding, now_utc: datetime
) -> None:
    """Let an alert say what its finding says now; a graver kind escalates it."""
    row = alert_row(connection, alert_id)
    _take_over(connection, row, finding, now_utc)


def reopen_alert(
    connection: Connection, alert_id: str, finding: AlertFinding, now_utc: datetime
) -> None:
    """Raise an alert again whose condition came back soon; one that a person closed stays closed.

    Then a new one stands for the finding.
    """
    row = alert_row(connection, alert_id)
    if row.condition == Condition.NORMAL:
        open_alert(connection, finding, now_utc)
        return
    _take_over(connection, row, finding, now_utc)
    _raise_again(connection, row, now_utc)


def end_alert(
    connection: Connection, alert_id: str, ended_at_utc: datetime, now_utc: datetime
) -> None:
    """Record when the abnormal state ended, and that the condition is gone."""
    return_alert(connection, alert_id, now_utc)
    change_alert(connection, alert_id, ended_at_ms=ms_from_utc(ended_at_utc))


def restate_alert(connection: Connection, alert_id: str, finding: AlertFinding) -> None:
    """Let an alert say since when it was, now that late readings tell it better."""
    change_alert(
        connection,
        alert_id,
        started_at_ms=ms_from_utc(finding.started_at_utc),
        evidence=dump_json(evidence_json(finding.evidence)).decode(),
    )


def retract_alert(connection: Connection, alert_id: str, now_utc: datetime) -> None:
    """Record that late readings showed that it never was: it stays in the history."""
    return_alert(connection, alert_id, now_utc)
    change_alert(connection, alert_id, retracted_at_ms=ms_from_utc(now_utc))
    note_event(connection, alert_id, AlertEvent.RETRACTED, now_utc)


def _take_over(
    connection: Connection, row: Row[tuple[str]], finding: AlertFinding, now_utc: datetime
) -> None:
    is_graver = is_more_severe(finding.kind, Kind(row.kind))
    kind = finding.kind if is_graver else Kind(row.kind)
    change_alert(
        connection,
        row.alert_id,
        kind=str(kind),
        priority=min(row.priority, priority_of(kind, finding.medium)),
        score=max(row.score, finding.score),
        evidence=dump_json(evidence_json(finding.evidence)).decode(),
        last_seen_at_ms=ms_from_utc(now_utc),
    )
    if is_graver:
        detail = {"from": row.kind, "to": str(finding.kind)}
        note_event(connection, row.alert_id, AlertEvent.ESCALATED, now_utc, detail=detail)


def _raise_again(connection: Connection, row: Row[tuple[str]], now_utc: datetime) -> None:
    if row.condition not in {Condition.RETURNED_UNACKNOWLEDGED, Condition.LATCHED}:
        return
    condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.RAISE)
    change_alert(
        connection, row.alert_id, condition=condition, returned_at_ms=None, ended_at_ms=None
    )
    note_event(connection, row.alert_id, AlertEvent.RAISED_AGAIN, now_utc)
