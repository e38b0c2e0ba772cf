"""Owns the rows of alerts: one row read, changed, or told of in its history."""

from datetime import datetime

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from sync_server.alerts.alert import SYSTEM_ACTOR, AlertEvent, AlertNotFoundError
from sync_server.db.alert_tables import ALERT, ALERT_EVENT
from sync_server.db.feed_store import Topic, append_feed
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc


def alert_row(connection: Connection, alert_id: str) -> Row[tuple[str]]:
    """Return the row of an alert, locked; raise AlertNotFoundError when there is none."""
    query = select(ALERT).where(ALERT.c.alert_id == alert_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise missing_alert(alert_id)
    return row


def change_alert(
    connection: Connection, alert_id: str, **values: str | float | bool | None
) -> None:
    """Write these columns of an alert."""
    connection.execute(update(ALERT).where(ALERT.c.alert_id == alert_id).values(values))


def note_event(  # noqa: PLR0913  # one row: which alert, what, when, by whom, with what
    connection: Connection,
    alert_id: str,
    event: AlertEvent,
    now_utc: datetime,
    *,
    actor: str = SYSTEM_ACTOR,
    detail: JsonValue = None,
) -> None:
    """Add one step to an alert's history, and tell who follows the feed."""
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


def missing_alert(alert_id: str) -> AlertNotFoundError:
    """Return the error for an id that no alert has."""
    return AlertNotFoundError(f"alert {alert_id!r}: id: is not known; reload the list of alerts")
