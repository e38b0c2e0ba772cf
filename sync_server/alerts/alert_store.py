"""Owns the alerts in the database: one active alert per meter and lane, every step an event."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import orjson
from sqlalchemy import Connection, Row, Select, and_, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.alerts.alert import (
    MAX_SHELVE_H,
    SYSTEM_ACTOR,
    AlertEvent,
    AlertEventRecord,
    AlertFilter,
    AlertFinding,
    AlertNotFoundError,
    AlertRecord,
)
from sync_server.alerts.priorities import is_more_severe, priority_of
from sync_server.db.alert_tables import ACTIVE_ALERT, ALERT, ALERT_EVENT
from sync_server.db.asset_tables import COMMUNITY, DEVICE_METER, METER
from sync_server.db.feed_store import Topic, append_feed
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
from wire_contracts.evidence import Evidence, evidence_json, parse_evidence
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import FAMILY, Family, FindingResult, Kind, Label, label_for
from wire_contracts.payloads import dump_json
from wire_contracts.quantities import Medium

_SETTLES = frozenset({FindingResult.LEAK, FindingResult.INACCURATE, FindingResult.NORMAL})
"""A finding that explains the alert ends it; `other` leaves it open until the condition is gone."""


_KEPT_EVIDENCE = 512
"""Evidence in memory, read once: four days of a chart take 5 ms, a desk shows hundreds again and
again, and the values are frozen."""


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
        _note(connection, alert_id, AlertEvent.RAISED, now_utc, detail=detail)
        return alert_id
    row = connection.execute(
        select(ALERT)
        .where(ALERT.c.meter_id == finding.meter_id, ALERT.c.lane == lane_of(finding))
        .where(text(ACTIVE_ALERT))
    ).one()
    _see_again(connection, row, finding, now_utc)
    return str(row.alert_id)


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


def alter_alert(
    connection: Connection, alert_id: str, finding: AlertFinding, now_utc: datetime
) -> None:
    """Let an alert say what its finding says now; a graver kind escalates it."""
    row = _row(connection, alert_id)
    _take_over(connection, row, finding, now_utc)


def reopen_alert(
    connection: Connection, alert_id: str, finding: AlertFinding, now_utc: datetime
) -> None:
    """Raise an alert again whose condition came back soon; one that a person closed stays closed.

    Then a new one stands for the finding.
    """
    row = _row(connection, alert_id)
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
    _change(connection, alert_id, ended_at_ms=ms_from_utc(ended_at_utc))


def restate_alert(connection: Connection, alert_id: str, finding: AlertFinding) -> None:
    """Let an alert say since when it was, now that late readings tell it better."""
    _change(
        connection,
        alert_id,
        started_at_ms=ms_from_utc(finding.started_at_utc),
        evidence=dump_json(evidence_json(finding.evidence)).decode(),
    )


def retract_alert(connection: Connection, alert_id: str, now_utc: datetime) -> None:
    """Record that late readings showed that it never was: it stays in the history."""
    return_alert(connection, alert_id, now_utc)
    _change(connection, alert_id, retracted_at_ms=ms_from_utc(now_utc))
    _note(connection, alert_id, AlertEvent.RETRACTED, now_utc)


def _take_over(
    connection: Connection, row: Row[tuple[str]], finding: AlertFinding, now_utc: datetime
) -> None:
    is_graver = is_more_severe(finding.kind, Kind(row.kind))
    kind = finding.kind if is_graver else Kind(row.kind)
    _change(
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
        _note(connection, row.alert_id, AlertEvent.ESCALATED, now_utc, detail=detail)


def _raise_again(connection: Connection, row: Row[tuple[str]], now_utc: datetime) -> None:
    if row.condition not in {Condition.RETURNED_UNACKNOWLEDGED, Condition.LATCHED}:
        return
    condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.RAISE)
    _change(connection, row.alert_id, condition=condition, returned_at_ms=None, ended_at_ms=None)
    _note(connection, row.alert_id, AlertEvent.RAISED_AGAIN, now_utc)


def lane_of(finding: AlertFinding) -> str:
    """Return the lane of a finding: its own, or its family's."""
    family = FAMILY[finding.kind]
    return finding.lane or ("gap" if family is Family.COMM else str(family))


def return_alert(connection: Connection, alert_id: str, now_utc: datetime) -> None:
    """Record that the condition is gone; an unacknowledged alert still waits for a person."""
    row = _row(connection, alert_id)
    if row.condition not in {Condition.UNACKNOWLEDGED, Condition.ACKNOWLEDGED}:
        return
    condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.RETURN)
    _change(connection, alert_id, condition=condition, returned_at_ms=ms_from_utc(now_utc))
    _note(connection, alert_id, AlertEvent.RETURNED, now_utc)


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
        raise _missing(alert_id)
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


def acknowledge(connection: Connection, alert_id: str, actor: str, now_utc: datetime) -> None:
    """Record that a person has seen it; raises RefusedTransition when there is nothing to see."""
    row = _row(connection, alert_id)
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
    row = _row(connection, alert_id)
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
    _change(
        connection,
        alert_id,
        visibility=visibility,
        shelved_until_at_ms=ms_from_utc(until_utc),
        shelved_by=actor,
        shelve_reason=reason.strip()[:400],
    )
    detail: JsonObject = {"until": ms_from_utc(until_utc), "reason": reason.strip()}
    _note(connection, alert_id, AlertEvent.SHELVED, now_utc, actor=actor, detail=detail)


def unshelve(connection: Connection, alert_id: str, actor: str, now_utc: datetime) -> None:
    """Put a shelved alert back into the list; raises RefusedTransition when it is not shelved."""
    row = _row(connection, alert_id)
    visibility = VISIBILITY.next_state(Visibility(row.visibility), VisibilityEvent.UNSHELVE)
    _change(connection, alert_id, visibility=visibility, shelved_until_at_ms=None)
    _note(connection, alert_id, AlertEvent.UNSHELVED, now_utc, actor=actor)


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
        _change(connection, alert_id, visibility=visibility, shelved_until_at_ms=None)
        _note(connection, alert_id, AlertEvent.SHELVE_EXPIRED, now_utc)
    return alert_ids


def show_suppressed(connection: Connection, alert_id: str, now_utc: datetime) -> None:
    """Show an alert whose common cause is gone while its own condition still holds."""
    row = _row(connection, alert_id)
    visibility = VISIBILITY.next_state(Visibility(row.visibility), VisibilityEvent.UNSUPPRESS)
    _change(connection, alert_id, visibility=visibility)
    _note(connection, alert_id, AlertEvent.UNSUPPRESSED, now_utc)


def mark_ordered(
    connection: Connection, alert_id: str, order_id: str, actor: str, now_utc: datetime
) -> None:
    """Tie a work order to the alert; raises RefusedTransition when it already has an open one."""
    row = _row(connection, alert_id)
    disposition = DISPOSITION.next_state(Disposition(row.disposition), DispositionEvent.ORDER)
    _change(connection, alert_id, disposition=disposition, work_order_id=order_id)
    detail = {"order_id": order_id}
    _note(connection, alert_id, AlertEvent.ORDERED, now_utc, actor=actor, detail=detail)


def order_cancelled(connection: Connection, alert_id: str, actor: str, now_utc: datetime) -> None:
    """Untie a cancelled work order: the alert waits for a decision again."""
    row = _row(connection, alert_id)
    disposition = DISPOSITION.next_state(
        Disposition(row.disposition), DispositionEvent.ORDER_CANCELLED
    )
    _change(connection, alert_id, disposition=disposition, work_order_id=None)
    detail = {"order_id": row.work_order_id}
    _note(connection, alert_id, AlertEvent.ORDER_CANCELLED, now_utc, actor=actor, detail=detail)


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
    row = _row(connection, alert_id)
    disposition = DISPOSITION.next_state(
        Disposition(row.disposition), DispositionEvent.RECORD_FINDING
    )
    label = label_for(result, Family(row.family), has_evidence=has_evidence)
    _change(
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
    _note(connection, alert_id, AlertEvent.FINDING, now_utc, actor=actor, detail=detail)
    _settle(connection, alert_id, result, actor, now_utc)
    return label


def _settle(
    connection: Connection, alert_id: str, result: FindingResult, actor: str, now_utc: datetime
) -> None:
    row = _row(connection, alert_id)
    if row.condition in {Condition.UNACKNOWLEDGED, Condition.RETURNED_UNACKNOWLEDGED}:
        condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.ACKNOWLEDGE)
        _acknowledge(connection, alert_id, condition, actor, now_utc)
    if result in _SETTLES:
        return_alert(connection, alert_id, now_utc)


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
    _change(
        connection, row.alert_id, last_seen_at_ms=now_ms, evidence=evidence, score=finding.score
    )
    if is_graver:
        priority = min(row.priority, priority_of(finding.kind, finding.medium))
        _change(connection, row.alert_id, kind=str(finding.kind), priority=priority)
        detail = {"from": row.kind, "to": str(finding.kind)}
        _note(connection, row.alert_id, AlertEvent.ESCALATED, now_utc, detail=detail)
    if is_back:
        condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.RAISE)
        _change(connection, row.alert_id, condition=condition, returned_at_ms=None)
        _note(connection, row.alert_id, AlertEvent.RAISED_AGAIN, now_utc)


def _acknowledge(
    connection: Connection, alert_id: str, condition: Condition, actor: str, now_utc: datetime
) -> None:
    _change(
        connection,
        alert_id,
        condition=condition,
        acknowledged_at_ms=ms_from_utc(now_utc),
        acknowledged_by=actor,
    )
    _note(connection, alert_id, AlertEvent.ACKNOWLEDGED, now_utc, actor=actor)


def _change(connection: Connection, alert_id: str, **values: str | float | bool | None) -> None:
    connection.execute(update(ALERT).where(ALERT.c.alert_id == alert_id).values(values))


def _note(  # noqa: PLR0913  # one row: which alert, what, when, by whom, with what
    connection: Connection,
    alert_id: str,
    event: AlertEvent,
    now_utc: datetime,
    *,
    actor: str = SYSTEM_ACTOR,
    detail: JsonValue = None,
) -> None:
    connection.execute(
        insert(ALERT_EVENT),
        {
            "alert_id": alert_id,
            "at_ms": ms_from_utc(now_utc),
            "event": str(event),
            "actor": actor,
            "detail": orjson.dumps(detail).decode(),
        },
    )
    append_feed(connection, Topic.ALERT, alert_id, now_utc)


def _row(connection: Connection, alert_id: str) -> Row[tuple[str]]:
    query = select(ALERT).where(ALERT.c.alert_id == alert_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _missing(alert_id)
    return row


def _missing(alert_id: str) -> AlertNotFoundError:
    return AlertNotFoundError(f"alert {alert_id!r}: id: is not known; reload the list of alerts")


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


def _uuid7(now_utc: datetime) -> str:
    random_bits = uuid.uuid4().int & ((1 << 74) - 1)
    high = random_bits >> 62
    low = random_bits & ((1 << 62) - 1)
    number = ms_from_utc(now_utc) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
    return str(uuid.UUID(int=number))
