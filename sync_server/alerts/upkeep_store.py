"""Takes alerts out of service and puts them back, and resets latched ones: who, when and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, select

from sync_server.alerts.alert import AlertEvent
from sync_server.alerts.alert_rows_store import alert_row, change_alert, note_event
from sync_server.alerts.priorities import is_safety_class
from sync_server.db.alert_tables import ALERT, ALERT_EVENT
from wire_contracts.alert_states import (
    CONDITION,
    VISIBILITY,
    Condition,
    ConditionEvent,
    Visibility,
    VisibilityEvent,
)
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import utc_from_ms
from wire_contracts.quantities import Medium

_LONGEST_REASON = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """Who took an alert out of service, when and why."""

    actor: str
    at_utc: datetime
    reason: str


def reset(
    connection: Connection, alert_id: str, actor: str, reason: str, now_utc: datetime
) -> None:
    """End a latched alert: a person looked after it, and says how.

    Raises RefusedTransition when it is not latched, ContractError without a reason.
    """
    row = alert_row(connection, alert_id)
    condition = CONDITION.next_state(Condition(row.condition), ConditionEvent.RESET)
    detail = {"reason": _reason(alert_id, reason, "say how it was looked after")}
    change_alert(connection, alert_id, condition=condition)
    note_event(connection, alert_id, AlertEvent.RESET, now_utc, actor=actor, detail=detail)


def take_out_of_service(
    connection: Connection, alert_id: str, actor: str, reason: str, now_utc: datetime
) -> None:
    """Keep an alert out of the list until a person puts it back (ISA-18.2: out of service).

    Raises RefusedTransition when it is hidden already, ContractError without a reason and for a
    safety alert.
    """
    row = alert_row(connection, alert_id)
    if is_safety_class(Medium(row.medium), row.priority):
        raise _refused(
            alert_id, "class", "is safety class A", "acknowledge it; it is never taken out"
        )
    event = VisibilityEvent.TAKE_OUT_OF_SERVICE
    visibility = VISIBILITY.next_state(Visibility(row.visibility), event)
    detail = {"reason": _reason(alert_id, reason, "say what is being done to the meter")}
    change_alert(connection, alert_id, visibility=visibility, shelved_until_at_ms=None)
    note_event(connection, alert_id, AlertEvent.TAKEN_OUT, now_utc, actor=actor, detail=detail)


def put_into_service(connection: Connection, alert_id: str, actor: str, now_utc: datetime) -> None:
    """Put an alert back into the list; raises RefusedTransition when it is in service."""
    row = alert_row(connection, alert_id)
    event = VisibilityEvent.PUT_INTO_SERVICE
    visibility = VISIBILITY.next_state(Visibility(row.visibility), event)
    change_alert(connection, alert_id, visibility=visibility)
    note_event(connection, alert_id, AlertEvent.PUT_BACK, now_utc, actor=actor)


def taken_out(connection: Connection) -> Mapping[str, TakenOut]:
    """Return alert id -> the last word on why it is out of service, of the open alerts."""
    rows = connection.execute(
        select(ALERT.c.alert_id, ALERT_EVENT.c.actor, ALERT_EVENT.c.at_ms, ALERT_EVENT.c.detail)
        .join(ALERT_EVENT, ALERT_EVENT.c.alert_id == ALERT.c.alert_id)
        .where(ALERT.c.condition != str(Condition.NORMAL))
        .where(ALERT.c.visibility == str(Visibility.OUT_OF_SERVICE))
        .where(ALERT_EVENT.c.event == str(AlertEvent.TAKEN_OUT))
        .order_by(ALERT_EVENT.c.at_ms)
    )
    return {
        row.alert_id: TakenOut(
            actor=row.actor,
            at_utc=utc_from_ms(row.at_ms),
            reason=str(orjson.loads(row.detail)["reason"]),
        )
        for row in rows
    }


def _reason(alert_id: str, reason: str, remedy: str) -> str:
    kept = reason.strip()[:_LONGEST_REASON]
    if not kept:
        raise _refused(alert_id, "reason", "is empty", remedy)
    return kept


def _refused(alert_id: str, field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"alert {alert_id}", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )
