"""Owns the alerts in the database: one active alert per meter and lane, every step an event."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.alerts.alert import (
    MAX_SHELVE_H,
    AlertEvent,
    AlertFinding,
)
from sync_server.alerts.alert_rows_store import alert_row, change_alert, note_event
from sync_server.alerts.priorities import is_more_severe, is_safety_class, priority_of
from sync_server.db.alert_tables import ACTIVE_ALERT, ALERT
from wire_contracts.alert_states import (
    CONDITION,
    DISPOSITION,
    VISIBILITY,
    Condition,
    ConditionEvent,
    Disposition,
    DispositionEvent,
    Visibility,
    VisibilityEvent,
)
from wire_contracts.evidence import evidence_json
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.kinds import FAMILY, Family, FindingResult, Kind, Label, label_for
from wire_contracts.payloads import dump_json
from wire_contracts.quantities import Medium

_SETTLES = frozenset({FindingResult.LEAK, FindingResult.INACCURATE, FindingResult.NORMAL})
"""A finding that explains the alert ends it; `other` leaves it open until the condition is gone."""


def raise_alert(connection: Connection, finding: AlertFinding, now_utc: datetime) -> str:
    """Return the id of the alert that now stands for the finding, new or already open.

    An open alert of the same meter and lane takes the finding in: it is seen again, escalated
    when the new kind is graver, and raised again when it had returned.
    """
    row = connection.execute(
        select(ALERT)
        .where(ALERT.c.meter_id == finding.meter_id, ALERT.c.lane == lane_of(finding))
        .where(ALERT.c.condition != str(Condition.NORMAL))
        .order_by(ALERT.c.raised_at_ms.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return open_alert(connection, finding, now_utc)
    _see_again(connection, row, finding, now_utc)
    return str(row.alert_id)


def open_alert(connection: Connection, finding: AlertFinding, now_utc: datetime) -> str:
    """Return the id of the alert that stands for the finding: a new one unless one is active.

    Another process may have been quicker; its alert then takes the finding in.
    """
    alert_id = _uuid7(now_utc)
    if _insert_new(connection, alert_id, finding, now_utc):
        detail = {"rule": finding.rule}
        note_event(connection, alert_id, AlertEvent.RAISED, now_utc, detail=detail)
        return alert_id
    row = connection.execute(
        select(ALERT)
        .where(ALERT.c.meter_id == finding.meter_id, ALERT.c.lane == lane_of(finding))
        .where(text(ACTIVE_ALERT))
    ).one()
    _see_again(connection, row, finding, now_utc)
    return str(row.alert_id)


def lane_of(finding: AlertFinding) -> str:
    """Return the lane of a finding: its own, or its family's."""
    family = FAMILY[finding.kind]
    return finding.lane or ("gap" if family is Family.COMM else str(family))


def return_alert(connection: Connection, alert_id: str, now_utc: datetime) -> None:
    """Record that the condition is gone; who has to look still does.

    An unacknowledged alert waits to be acknowledged, an acknowledged one of safety class A to be
    reset; the others are over.
    """
    row = alert_row(connection, alert_id)
    if row.condition not in {Condition.UNACKNOWLEDGED, Condition.ACKNOWLEDGED}:
        return
    is_latching = row.condition == Condition.ACKNOWLEDGED and is_safety_class(
        Medium(row.medium), row.priority
    )
    event = ConditionEvent.RETURN_LATCHING if is_latching else ConditionEvent.RETURN
    _return(connection, row, event, now_utc)


def _return(
    connection: Connection, row: Row[tuple[str]], event: ConditionEvent, now_utc: datetime
) -> None:
    condition = CONDITION.next_state(Condition(row.condition), event)
    change_alert(connection, row.alert_id, condition=condition, returned_at_ms=ms_from_utc(now_utc))
    note_event(connection, row.alert_id, AlertEvent.RETURNED, now_utc)


def acknowledge(connection: Connection, alert_id: str, actor: str, now_utc: datetime) -> None:
    """Record that a person has seen it; raises RefusedTransition when there is nothing to see."""
    row = alert_row(connection, alert_id)
    condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.ACKNOWLEDGE)
    _acknowledge(connection, alert_id, condition, actor, now_utc)


def shelve(  # noqa: PLR0913, PLR0917  # ISA-18.2 asks who, until when and why
    connection: Connection,
    alert_id: str,
    actor: str,
    until_utc: datetime,
    reason: str,
    now_utc: datetime,
) -> None:
    """Take an alert out of the list until `until_utc`, for a reason.

    Raises:
        RefusedTransition: The alert is not shown.
        ValueError: The reason is empty, or the time is not within `MAX_SHELVE_H` hours from now.
    """
    row = alert_row(connection, alert_id)
    visibility = VISIBILITY.next_state(Visibility(row.visibility), VisibilityEvent.SHELVE)
    if not reason.strip():
        message = f"alert {alert_id}: reason: is empty; say why it is shelved"
        raise ValueError(message)
    if not now_utc < until_utc <= now_utc + timedelta(hours=MAX_SHELVE_H):
        message = (
            f"alert {alert_id}: until: {until_utc:%Y-%m-%d %H:%M} is not within the next "
            f"{MAX_SHELVE_H} hours; choose an earlier end"
        )
        raise ValueError(message)
    change_alert(
        connection,
        alert_id,
        visibility=visibility,
        shelved_until_at_ms=ms_from_utc(until_utc),
        shelved_by=actor,
        shelve_reason=reason.strip()[:400],
    )
    detail: JsonObject = {"until": ms_from_utc(until_utc), "reason": reason.strip()}
    note_event(connection, alert_id, AlertEvent.SHELVED, now_utc, actor=actor, detail=detail)


def unshelve(connection: Connection, alert_id: str, actor: str, now_utc: datetime) -> None:
    """Put a shelved alert back into the list; raises RefusedTransition when it is not shelved."""
    row = alert_row(connection, alert_id)
    visibility = VISIBILITY.next_state(Visibility(row.visibility), VisibilityEvent.UNSHELVE)
    change_alert(connection, alert_id, visibility=visibility, shelved_until_at_ms=None)
    note_event(connection, alert_id, AlertEvent.UNSHELVED, now_utc, actor=actor)


def expire_shelves(connection: Connection, now_utc: datetime) -> Sequence[str]:
    """Return the ids of the alerts whose shelving has ended now; they are shown again."""
    ended = connection.execute(
        select(ALERT.c.alert_id).where(
            ALERT.c.visibility == str(Visibility.SHELVED),
            ALERT.c.shelved_until_at_ms <= ms_from_utc(now_utc),
        )
    ).scalars()
    alert_ids: list[str] = list(ended)
    for alert_id in alert_ids:
        visibility = VISIBILITY.next_state(Visibility.SHELVED, VisibilityEvent.SHELVE_EXPIRED)
        change_alert(connection, alert_id, visibility=visibility, shelved_until_at_ms=None)
        note_event(connection, alert_id, AlertEvent.SHELVE_EXPIRED, now_utc)
    return alert_ids


def show_suppressed(connection: Connection, alert_id: str, now_utc: datetime) -> None:
    """Show an alert whose common cause is gone while its own condition still holds."""
    row = alert_row(connection, alert_id)
    visibility = VISIBILITY.next_state(Visibility(row.visibility), VisibilityEvent.UNSUPPRESS)
    change_alert(connection, alert_id, visibility=visibility)
    note_event(connection, alert_id, AlertEvent.UNSUPPRESSED, now_utc)


def mark_ordered(
    connection: Connection, alert_id: str, order_id: str, actor: str, now_utc: datetime
) -> None:
    """Tie a work order to the alert; raises RefusedTransition when it already has an open one."""
    row = alert_row(connection, alert_id)
    disposition = DISPOSITION.next_state(Disposition(row.disposition), DispositionEvent.ORDER)
    change_alert(connection, alert_id, disposition=disposition, work_order_id=order_id)
    detail = {"order_id": order_id}
    note_event(connection, alert_id, AlertEvent.ORDERED, now_utc, actor=actor, detail=detail)


def order_cancelled(connection: Connection, alert_id: str, actor: str, now_utc: datetime) -> None:
    """Untie a cancelled work order: the alert waits for a decision again."""
    row = alert_row(connection, alert_id)
    disposition = DISPOSITION.next_state(
        Disposition(row.disposition), DispositionEvent.ORDER_CANCELLED
    )
    change_alert(connection, alert_id, disposition=disposition, work_order_id=None)
    detail = {"order_id": row.work_order_id}
    note_event(
        connection, alert_id, AlertEvent.ORDER_CANCELLED, now_utc, actor=actor, detail=detail
    )


def record_finding(  # noqa: PLR0913  # the finding, its evidence, its author and its time
    connection: Connection,
    alert_id: str,
    result: FindingResult,
    *,
    has_evidence: bool,
    actor: str,
    now_utc: datetime,
) -> Label:
    """Return the label that the crew's finding gives the alert, stored with its evidence.

    The crew has seen it, so it is acknowledged. A finding that explains the alert (leak,
    inaccurate, normal) also ends it; detectors then judge by newer readings alone and raise a
    new alert when the condition still holds. `other` leaves the alert open.
    """
    row = alert_row(connection, alert_id)
    disposition = DISPOSITION.next_state(
        Disposition(row.disposition), DispositionEvent.RECORD_FINDING
    )
    label = label_for(result, Family(row.family), has_evidence=has_evidence)
    change_alert(
        connection,
        alert_id,
        disposition=disposition,
        finding_result=str(result),
        finding_has_evidence=has_evidence,
        finding_at_ms=ms_from_utc(now_utc),
        label=str(label),
    )
    detail: JsonObject = {
        "result": str(result),
        "label": str(label),
        "has_evidence": has_evidence,
    }
    note_event(connection, alert_id, AlertEvent.FINDING, now_utc, actor=actor, detail=detail)
    _settle(connection, alert_id, result, actor, now_utc)
    return label


def _settle(
    connection: Connection, alert_id: str, result: FindingResult, actor: str, now_utc: datetime
) -> None:
    row = alert_row(connection, alert_id)
    if row.condition in {Condition.UNACKNOWLEDGED, Condition.RETURNED_UNACKNOWLEDGED}:
        condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.ACKNOWLEDGE)
        _acknowledge(connection, alert_id, condition, actor, now_utc)
    row = alert_row(connection, alert_id)
    if result in _SETTLES and row.condition == Condition.LATCHED:
        condition = CONDITION.next_state(Condition.LATCHED, ConditionEvent.RESET)
        change_alert(connection, alert_id, condition=condition)
        note_event(connection, alert_id, AlertEvent.RESET, now_utc, actor=actor)
    elif result in _SETTLES and row.condition == Condition.ACKNOWLEDGED:
        _return(connection, row, ConditionEvent.RETURN, now_utc)


def _insert_new(
    connection: Connection, alert_id: str, finding: AlertFinding, now_utc: datetime
) -> bool:
    family = FAMILY[finding.kind]
    visibility = (
        VISIBILITY.next_state(Visibility.SHOWN, VisibilityEvent.SUPPRESS)
        if finding.is_suppressed
        else Visibility.SHOWN
    )
    now_ms = ms_from_utc(now_utc)
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    inserted = connection.execute(
        make(ALERT)
        .values(
            alert_id=alert_id,
            meter_id=finding.meter_id,
            medium=str(finding.medium),
            kind=str(finding.kind),
            family=str(family),
            lane=lane_of(finding),
            rule=finding.rule,
            rule_version=finding.rule_version,
            condition=str(CONDITION.next_state(Condition.NORMAL, ConditionEvent.RAISE)),
            visibility=str(visibility),
            disposition=str(Disposition.NONE),
            priority=priority_of(finding.kind, finding.medium),
            score=finding.score,
            started_at_ms=ms_from_utc(finding.started_at_utc),
            detected_at_ms=ms_from_utc(finding.detected_at_utc),
            raised_at_ms=now_ms,
            last_seen_at_ms=now_ms,
            evidence=dump_json(evidence_json(finding.evidence)).decode(),
        )
        .on_conflict_do_nothing()
        .returning(ALERT.c.alert_id)
    )
    return inserted.scalar_one_or_none() is not None


def _see_again(
    connection: Connection, row: Row[tuple[str]], finding: AlertFinding, now_utc: datetime
) -> None:
    now_ms = ms_from_utc(now_utc)
    is_graver = is_more_severe(finding.kind, Kind(row.kind))
    is_back = row.condition in {Condition.RETURNED_UNACKNOWLEDGED, Condition.LATCHED}
    if not (is_graver or is_back):
        connection.execute(
            update(ALERT).where(ALERT.c.alert_id == row.alert_id).values(last_seen_at_ms=now_ms)
        )
        return
    evidence = dump_json(evidence_json(finding.evidence)).decode()
    change_alert(
        connection, row.alert_id, last_seen_at_ms=now_ms, evidence=evidence, score=finding.score
    )
    if is_graver:
        priority = min(row.priority, priority_of(finding.kind, finding.medium))
        change_alert(connection, row.alert_id, kind=str(finding.kind), priority=priority)
        detail = {"from": row.kind, "to": str(finding.kind)}
        note_event(connection, row.alert_id, AlertEvent.ESCALATED, now_utc, detail=detail)
    if is_back:
        condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.RAISE)
        change_alert(connection, row.alert_id, condition=condition, returned_at_ms=None)
        note_event(connection, row.alert_id, AlertEvent.RAISED_AGAIN, now_utc)


def _acknowledge(
    connection: Connection, alert_id: str, condition: Condition, actor: str, now_utc: datetime
) -> None:
    change_alert(
        connection,
        alert_id,
        condition=condition,
        acknowledged_at_ms=ms_from_utc(now_utc),
        acknowledged_by=actor,
    )
    note_event(connection, alert_id, AlertEvent.ACKNOWLEDGED, now_utc, actor=actor)


def _uuid7(now_utc: datetime) -> str:
    random_bits = uuid.uuid4().int & ((1 << 74) - 1)
    high = random_bits >> 62
    low = random_bits & ((1 << 62) - 1)
    number = ms_from_utc(now_utc) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
    return str(uuid.UUID(int=number))
