"""Answers what pages ask and no feature answers by itself: names, counts, courses of readings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from sync_server.alerts.priorities import SAFETY_PRIORITY
from sync_server.db.access_tables import ACCOUNT, CREW, TABLET
from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import COMMUNITY, METER
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.order_tables import WORK_ORDER
from sync_server.db.patrol_tables import INSPECTION_ROW
from sync_server.db.reading_tables import QUARANTINE, READING, READING_LATEST
from sync_server.db.sync_tables import OP_LEDGER, REVIEW_ITEM
from sync_server.web.alert_views import OrderLine
from sync_server.web.places import PlaceNames
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.work_order_states import WorkOrderState

SILENT_INTERVALS = 3
"""Intervals without a value after which a meter is silent (METHODS 6.3)."""

"""A month of a reading every two minutes and a quarter; what is longer is asked as means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterLine:
    """One meter of the list; `place` names the community in both languages."""

    meter_id: str
    medium: str
    meter_class: str
    size: str
    address: str
    place_en: str
    place_zh: str
    interval_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestValue:
    """The newest value of one quantity; None when the last answer carried none."""

    quantity: str
    value: float | None
    at_utc: datetime
    quality: str | None


def account_names(connection: Connection) -> dict[str, str]:
    """Return account id -> the person's name."""
    rows = connection.execute(select(ACCOUNT.c.account_id, ACCOUNT.c.display_name))
    return {row.account_id: row.display_name for row in rows}


def place_names(connection: Connection, meter_ids: Sequence[str]) -> dict[str, PlaceNames]:
    """Return meter id -> the names of its community, for those that stand in one; up to 500."""
    rows = connection.execute(
        select(METER.c.meter_id, COMMUNITY.c.name_en, COMMUNITY.c.name_zh)
        .join(COMMUNITY, COMMUNITY.c.community_id == METER.c.community_id)
        .where(METER.c.meter_id.in_(sorted(set(meter_ids))))
    )
    return {row.meter_id: PlaceNames(en=row.name_en, zh=row.name_zh) for row in rows}


def meter_places(
    connection: Connection, meter_ids: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Return meter id -> east and north in metres, for those with a place; up to 500."""
    rows = connection.execute(
        select(METER.c.meter_id, METER.c.x_m, METER.c.y_m)
        .where(METER.c.meter_id.in_(sorted(set(meter_ids))))
        .where(METER.c.x_m.is_not(None), METER.c.y_m.is_not(None))
    )
    return {row.meter_id: (row.x_m, row.y_m) for row in rows}


def crew_names(connection: Connection) -> dict[str, str]:
    """Return crew id -> its name, of former crews too."""
    return {row.crew_id: row.name for row in connection.execute(select(CREW))}


def raised_since(connection: Connection, from_utc: datetime) -> Sequence[datetime]:
    """Return when alerts were raised from then on."""
    query = select(ALERT.c.raised_at_ms).where(ALERT.c.raised_at_ms >= ms_from_utc(from_utc))
    return [utc_from_ms(at_ms) for at_ms in connection.execute(query).scalars()]


def open_review_count(connection: Connection) -> int:
    """Return how many review items wait for a person."""
    query = select(func.count()).where(REVIEW_ITEM.c.resolved_at_ms.is_(None))
    return connection.execute(query).scalar_one()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCounts:
    """How many shown, open alerts wait for a person, and how many are gas safety alerts."""

    todo: int
    safety: int


def waiting_counts(connection: Connection) -> WaitingCounts:
    """Return the counts of the rail without reading any evidence."""
    is_todo = ALERT.c.condition.in_(
        [str(Condition.UNACKNOWLEDGED), str(Condition.RETURNED_UNACKNOWLEDGED)]
    )
    is_safety = (ALERT.c.medium == str(Medium.GAS)) & (ALERT.c.priority == SAFETY_PRIORITY)
    row = connection.execute(
        select(
            func.count().filter(is_todo).label("todo"),
            func.count().filter(is_safety).label("safety"),
        ).where(
            ALERT.c.condition != str(Condition.NORMAL),
            ALERT.c.visibility == str(Visibility.SHOWN),
        )
    ).one()
    return WaitingCounts(todo=row.todo, safety=row.safety)


def order_lines(connection: Connection, order_ids: Sequence[str]) -> dict[str, OrderLine]:
    """Return order id -> number, state and crew, for those that exist."""
    columns = (WORK_ORDER.c.order_id, WORK_ORDER.c.number, WORK_ORDER.c.state, WORK_ORDER.c.crew_id)
    found: dict[str, OrderLine] = {}
    for start in range(0, len(order_ids), 500):
        chosen = WORK_ORDER.c.order_id.in_(order_ids[start : start + 500])
        for row in connection.execute(select(*columns).where(chosen)):
            found[row.order_id] = OrderLine(
                order_id=row.order_id,
                number=row.number,
                state=WorkOrderState(row.state),
                crew_id=row.crew_id,
            )
    return found


def quarantine_counts(connection: Connection) -> dict[str, int]:
    """Return gateway id -> frames of it that no meter owns."""
    query = (
        select(QUARANTINE.c.gateway_id, func.count())
        .where(QUARANTINE.c.adopted_at_ms.is_(None))
        .group_by(QUARANTINE.c.gateway_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def gateway_intervals(connection: Connection) -> dict[str, timedelta]:
    """Return gateway id -> the shortest reading interval among the meters it brings."""
    query = (
        select(READING_LATEST.c.gateway_id, func.min(METER.c.interval_s))
        .join(METER, METER.c.meter_id == READING_LATEST.c.meter_id)
        .group_by(READING_LATEST.c.gateway_id)
    )
    return {row[0]: timedelta(seconds=row[1]) for row in connection.execute(query) if row[0]}


def _meter_condition(search: str) -> ColumnElement[bool]:
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    wanted = f"%{escaped}%"
    columns = (METER.c.meter_id, METER.c.address, METER.c.size, COMMUNITY.c.name_en)
    return or_(*(column.ilike(wanted, escape="\\") for column in (*columns, COMMUNITY.c.name_zh)))


def is_silent(now_utc: datetime) -> ColumnElement[bool]:
    """Return the condition of meters that have been silent for three of their intervals.

    It needs `READING_LATEST` joined to `METER`; a meter that never spoke is silent (METHODS 6.3).
    """
    since = READING_LATEST.c.valued_at_ms
    return or_(
        since.is_(None),
        since < ms_from_utc(now_utc) - SILENT_INTERVALS * 1000 * METER.c.interval_s,
    )


def count_silent(connection: Connection, now_utc: datetime) -> int:
    """Return how many meters are silent."""
    joined = METER.outerjoin(READING_LATEST, READING_LATEST.c.meter_id == METER.c.meter_id)
    query = select(func.count()).select_from(joined).where(is_silent(now_utc))
    return connection.execute(query).scalar_one()


def find_meters(
    connection: Connection, search: str, limit: int, silent_at_utc: datetime | None = None
) -> tuple[int, Sequence[MeterLine]]:
    """Return how many meters match, and the first of them by number.

    `silent_at_utc`: only those that are silent at that moment, the longest silent first.
    """
    joined = METER.outerjoin(COMMUNITY, COMMUNITY.c.community_id == METER.c.community_id)
    condition = _meter_condition(search) if search else and_(True)  # noqa: FBT003  # every row
    ranked: Sequence[ColumnElement[object]] = (METER.c.meter_id,)
    if silent_at_utc is not None:
        joined = joined.outerjoin(READING_LATEST, READING_LATEST.c.meter_id == METER.c.meter_id)
        condition = and_(condition, is_silent(silent_at_utc))
        ranked = (func.coalesce(READING_LATEST.c.valued_at_ms, 0), METER.c.meter_id)
    total = connection.execute(
        select(func.count()).select_from(joined).where(condition)
    ).scalar_one()
    rows = connection.execute(
        select(METER, COMMUNITY.c.name_en, COMMUNITY.c.name_zh)
        .select_from(joined)
        .where(condition)
        .order_by(*ranked)
        .limit(limit)
    )
    return total, [
        MeterLine(
            meter_id=row.meter_id,
            medium=row.medium,
            meter_class=row.meter_class,
            size=row.size,
            address=row.address,
            place_en=row.name_en or "",
            place_zh=row.name_zh or "",
            interval_s=row.interval_s,
        )
        for row in rows
    ]


def latest_values(connection: Connection, meter_id: str) -> Sequence[LatestValue]:
    """Return the newest value of every quantity that the meter ever answered."""
    query = select(READING_LATEST.c.state).where(READING_LATEST.c.meter_id == meter_id)
    state = connection.execute(query).scalar_one_or_none()
    if state is None:
        return []
    return [
        LatestValue(quantity=name, value=entry[0], at_utc=utc_from_ms(entry[1]), quality=entry[2])
        for name, entry in sorted(json.loads(state).items())
    ]


def last_value_at(connection: Connection, meter_id: str) -> datetime | None:
    """Return when the meter last gave a value of any quantity, None when it never did."""
    values = [READING.c[str(each)] for each in Quantity if str(each) in READING.c]
    at_ms: int | None = connection.execute(
        select(READING.c.measured_at_ms)
        .where(READING.c.meter_id == meter_id, or_(*(each.is_not(None) for each in values)))
        .order_by(READING.c.measured_at_ms.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if at_ms is None else utc_from_ms(at_ms)


def tablet_names(connection: Connection) -> dict[str, str]:
    """Return tablet id -> the name it was enrolled under."""
    rows = connection.execute(select(TABLET.c.tablet_id, TABLET.c.name))
    return {row.tablet_id: row.name for row in rows}


def order_numbers(connection: Connection, order_ids: Sequence[str]) -> dict[str, str]:
    """Return order id -> the number people know it by, for those that exist."""
    return {key: line.number for key, line in order_lines(connection, order_ids).items()}


def sender_tablets(connection: Connection, op_ids: Sequence[str]) -> dict[str, str]:
    """Return operation id -> the tablet that sent it, for those that came; up to 500."""
    rows = connection.execute(
        select(OP_LEDGER.c.op_id, OP_LEDGER.c.tablet_id).where(OP_LEDGER.c.op_id.in_(op_ids[:500]))
    )
    return {row.op_id: row.tablet_id for row in rows}


def count_inspected(connection: Connection, entity: str) -> int:
    """Return how many things of one type inspectors go to, without reading them."""
    query = select(func.count()).where(INSPECTION_ROW.c.entity == entity)
    return connection.execute(query).scalar_one()


def request_numbers(connection: Connection, request_ids: Sequence[str]) -> dict[str, str]:
    """Return request id -> the number people know it by, for those that exist; up to 500."""
    columns = (SERVICE_REQUEST.c.request_id, SERVICE_REQUEST.c.number)
    chosen = SERVICE_REQUEST.c.request_id.in_(request_ids[:500])
    return {
        row.request_id: row.number for row in connection.execute(select(*columns).where(chosen))
    }
