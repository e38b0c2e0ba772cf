"""Owns how alerts, watches and meters of a period are read for the operator figures."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select

from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import METER
from sync_server.db.shift_tables import SHIFT_HANDOVER
from sync_server.operator_figures.figures import RaisedAlert, Watch
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import Kind, Label
from wire_contracts.quantities import Medium

DESK = "control_room"

LONGEST_WATCH = timedelta(hours=14)
"""A watch that nobody took over ends here: twelve hours of a shift, and two of grace."""

WATCHED_INTERVAL_S = 86_400
"""Meters that are read less often than daily are judged by the monthly list alone."""

_STANDS = (str(Condition.UNACKNOWLEDGED), str(Condition.ACKNOWLEDGED), str(Condition.LATCHED))

_COLUMNS = (
    ALERT.c.alert_id,
    ALERT.c.meter_id,
    ALERT.c.medium,
    ALERT.c.kind,
    ALERT.c.rule,
    ALERT.c.priority,
    ALERT.c.condition,
    ALERT.c.raised_at_ms,
    ALERT.c.acknowledged_at_ms,
    ALERT.c.returned_at_ms,
    ALERT.c.last_seen_at_ms,
    ALERT.c.label,
)


def alerts_raised(
    connection: Connection, from_utc: datetime, to_utc: datetime
) -> Sequence[RaisedAlert]:
    """Return the alerts raised in the span, without those that never were or were not listed."""
    is_in = (ALERT.c.raised_at_ms >= ms_from_utc(from_utc)) & (
        ALERT.c.raised_at_ms < ms_from_utc(to_utc)
    )
    return _alerts(connection, is_in)


def alerts_standing(connection: Connection) -> Sequence[RaisedAlert]:
    """Return the alerts that stand now and are not suppressed by design."""
    return _alerts(connection, ALERT.c.condition.in_(_STANDS))


def _alerts(connection: Connection, chosen: ColumnElement[bool]) -> Sequence[RaisedAlert]:
    query = select(*_COLUMNS).where(
        chosen,
        ALERT.c.retracted_at_ms.is_(None),
        ALERT.c.visibility != str(Visibility.SUPPRESSED_BY_DESIGN),
    )
    return [
        RaisedAlert(
            alert_id=row.alert_id,
            meter_id=row.meter_id,
            medium=Medium(row.medium),
            kind=Kind(row.kind),
            rule=row.rule,
            priority=row.priority,
            raised_at_utc=utc_from_ms(row.raised_at_ms),
            acknowledged_at_utc=_moment(row.acknowledged_at_ms),
            over_at_utc=None
            if row.condition in _STANDS
            else _moment(row.returned_at_ms or row.last_seen_at_ms),
            label=Label(row.label or Label.NONE),
        )
        for row in connection.execute(query)
    ]


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else utc_from_ms(at_ms)


def watches(connection: Connection, from_utc: datetime, to_utc: datetime) -> Sequence[Watch]:
    """Return who held the control room's desk in the span, by the hand-overs that were taken."""
    table = SHIFT_HANDOVER.c
    rows = connection.execute(
        select(table.to_actor, table.taken_at_ms)
        .where(table.desk == DESK, table.taken_at_ms.is_not(None))
        .where(table.taken_at_ms >= ms_from_utc(from_utc - LONGEST_WATCH))
        .where(table.taken_at_ms < ms_from_utc(to_utc))
        .order_by(table.taken_at_ms)
    ).all()
    found: list[Watch] = []
    for index, row in enumerate(rows):
        taken_utc = utc_from_ms(row.taken_at_ms)
        ends = taken_utc + LONGEST_WATCH
        if index + 1 < len(rows):
            ends = min(ends, utc_from_ms(rows[index + 1].taken_at_ms))
        begins, ends = max(taken_utc, from_utc), min(ends, to_utc)
        if begins < ends:
            found.append(Watch(account_id=row.to_actor, from_utc=begins, to_utc=ends))
    return found


def acknowledged_by(
    connection: Connection, from_utc: datetime, to_utc: datetime
) -> Mapping[str, int]:
    """Return account id -> how many alerts that person acknowledged in the span."""
    rows = connection.execute(
        select(ALERT.c.acknowledged_by, func.count().label("number"))
        .where(ALERT.c.acknowledged_by.is_not(None))
        .where(ALERT.c.acknowledged_at_ms >= ms_from_utc(from_utc))
        .where(ALERT.c.acknowledged_at_ms < ms_from_utc(to_utc))
        .group_by(ALERT.c.acknowledged_by)
    )
    return {row.acknowledged_by: row.number for row in rows}


def watched_meters(connection: Connection) -> Mapping[Medium, int]:
    """Return how many meters of each medium are read often enough to be judged."""
    rows = connection.execute(
        select(METER.c.medium, func.count().label("number"))
        .where(METER.c.interval_s <= WATCHED_INTERVAL_S)
        .group_by(METER.c.medium)
    )
    return {Medium(row.medium): row.number for row in rows}
