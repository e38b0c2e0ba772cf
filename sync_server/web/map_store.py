"""Answers what the town's map shows: network, meters with their state, alerts, crews, patrols."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import COMMUNITY, METER, NETWORK_PART
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.order_tables import WORK_ORDER
from sync_server.db.reading_tables import READING_LATEST
from sync_server.service_desk.clocks import ENDED
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import SafetyClass
from wire_contracts.work_order_states import WorkOrderState

SILENT_AFTER = 3
"""Intervals without a reading after which a meter is drawn as silent (METHODS 6.3)."""

_MOST_ALERTS = 500

_UNDER_WAY = (
    WorkOrderState.ACCEPTED,
    WorkOrderState.EN_ROUTE,
    WorkOrderState.ON_SITE,
    WorkOrderState.WORKING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapMeters:
    """Meters with a place on the plane, as columns: ids and x, y in metres."""

    ids: Sequence[str]
    spots: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapAlert:
    """An open, shown alert with a place."""

    alert_id: str
    meter_id: str
    medium: str
    kind: str
    rule: str
    priority: int
    x_m: float
    y_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCrew:
    """A crew at the place of the order it has in hand."""

    crew_id: str
    state: str
    order_id: str
    number: str
    x_m: float
    y_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCall:
    """Open requests of one community."""

    community_id: str
    count: int
    dangers: int
    x_m: float
    y_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlace:
    """A community's name at its place."""

    community_id: str
    name_en: str
    name_zh: str
    x_m: float
    y_m: float


def network_texts(connection: Connection) -> Sequence[str]:
    """Return the documents of the network, as tablets get them."""
    query = select(NETWORK_PART.c.document).order_by(NETWORK_PART.c.area_id, NETWORK_PART.c.part)
    return connection.execute(query).scalars().all()


_HAS_PLACE = and_(METER.c.x_m.is_not(None), METER.c.y_m.is_not(None))


def map_meters(connection: Connection) -> MapMeters:
    """Return every meter that has a place."""
    query = select(METER.c.meter_id, METER.c.x_m, METER.c.y_m).where(_HAS_PLACE)
    rows = connection.execute(query).all()
    return MapMeters(ids=[row[0] for row in rows], spots=[(row[1], row[2]) for row in rows])


def map_meter_count(connection: Connection) -> int:
    """Return how many meters have a place."""
    return connection.execute(select(func.count()).where(_HAS_PLACE)).scalar_one()


def silent_meters(connection: Connection, now_utc: datetime) -> Sequence[str]:
    """Return the ids of the meters with a place that are silent now."""
    silence_ms = ms_from_utc(now_utc) - READING_LATEST.c.measured_at_ms
    query = (
        select(METER.c.meter_id)
        .outerjoin(READING_LATEST, READING_LATEST.c.meter_id == METER.c.meter_id)
        .where(_HAS_PLACE)
        .where(
            READING_LATEST.c.measured_at_ms.is_(None)
            | (silence_ms > SILENT_AFTER * METER.c.interval_s * 1000)
        )
    )
    return connection.execute(query).scalars().all()


def map_alerts(connection: Connection) -> Sequence[MapAlert]:
    """Return the open alerts that are shown, the most urgent first, at most 500."""
    rows = connection.execute(
        select(
            ALERT.c.alert_id,
            ALERT.c.meter_id,
            ALERT.c.medium,
            ALERT.c.kind,
            ALERT.c.rule,
            ALERT.c.priority,
            METER.c.x_m,
            METER.c.y_m,
        )
        .join(METER, METER.c.meter_id == ALERT.c.meter_id)
        .where(ALERT.c.condition != str(Condition.NORMAL))
        .where(ALERT.c.visibility == str(Visibility.SHOWN), METER.c.x_m.is_not(None))
        .order_by(ALERT.c.priority, ALERT.c.raised_at_ms.desc())
        .limit(_MOST_ALERTS)
    )
    return [
        MapAlert(
            alert_id=row.alert_id,
            meter_id=row.meter_id,
            medium=row.medium,
            kind=row.kind,
            rule=row.rule,
            priority=row.priority,
            x_m=row.x_m,
            y_m=row.y_m,
        )
        for row in rows
    ]


def map_crews(connection: Connection) -> Sequence[MapCrew]:
    """Return the crews that work on an order with a place, each at its newest one."""
    rows = connection.execute(
        select(
            WORK_ORDER.c.crew_id,
            WORK_ORDER.c.state,
            WORK_ORDER.c.order_id,
            WORK_ORDER.c.number,
            METER.c.x_m,
            METER.c.y_m,
        )
        .join(METER, METER.c.meter_id == WORK_ORDER.c.meter_id)
        .where(WORK_ORDER.c.state.in_([str(each) for each in _UNDER_WAY]))
        .where(WORK_ORDER.c.crew_id.is_not(None), METER.c.x_m.is_not(None))
        .order_by(WORK_ORDER.c.changed_at_ms)
    )
    return list(
        {
            row.crew_id: MapCrew(
                crew_id=row.crew_id,
                state=row.state,
                order_id=row.order_id,
                number=row.number,
                x_m=row.x_m,
                y_m=row.y_m,
            )
            for row in rows
        }.values()
    )


def map_calls(connection: Connection) -> Sequence[MapCall]:
    """Return how many requests are open in each community that has a place."""
    is_danger = SERVICE_REQUEST.c.safety_class == str(SafetyClass.A)
    rows = connection.execute(
        select(
            COMMUNITY.c.community_id,
            COMMUNITY.c.x_m,
            COMMUNITY.c.y_m,
            func.count().label("requests"),
            func.count().filter(is_danger).label("dangers"),
        )
        .join(SERVICE_REQUEST, SERVICE_REQUEST.c.community_id == COMMUNITY.c.community_id)
        .where(SERVICE_REQUEST.c.state.not_in([str(each) for each in ENDED]))
        .where(COMMUNITY.c.x_m.is_not(None))
        .group_by(COMMUNITY.c.community_id, COMMUNITY.c.x_m, COMMUNITY.c.y_m)
    )
    return [
        MapCall(
            community_id=row.community_id,
            count=row.requests,
            dangers=row.dangers,
            x_m=row.x_m,
            y_m=row.y_m,
        )
        for row in rows
    ]


def map_places(connection: Connection) -> Sequence[MapPlace]:
    """Return the communities that have a place."""
    rows = connection.execute(select(COMMUNITY).where(COMMUNITY.c.x_m.is_not(None)))
    return [
        MapPlace(
            community_id=row.community_id,
            name_en=row.name_en,
            name_zh=row.name_zh,
            x_m=row.x_m,
            y_m=row.y_m,
        )
        for row in rows
    ]
