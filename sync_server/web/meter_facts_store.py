"""Answers what a meter's page and its neighbours' panel ask beside readings, alerts and orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import DEVICE_METER, METER
from sync_server.db.detection_tables import METER_CHILD, METER_NOTE
from sync_server.db.reading_tables import READING, READING_HOURLY, READING_LATEST
from sync_server.readings.raw_words import unpack_groups
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import EARLIEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.quantities import Quantity

RAW_AT_ONCE = 60
"""Readings on one page of raw frames: fifteen hours of a quarter-hourly meter."""

_NEIGHBOURS = 8
_CANDIDATES = 400
_FRESH = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a meter's newest reading came from; `valued_at_utc`: the newest with any value."""

    gateway_id: str
    measured_at_utc: datetime
    valued_at_utc: datetime | None
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """A device that hung at a meter; None: ever since, or until now."""

    device_serial: str
    from_utc: datetime | None
    to_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What somebody noted of a meter: vacant, exchanged, shut off."""

    kind: str
    from_utc: datetime
    to_utc: datetime | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawReading:
    """A reading as it came: values by quantity, codes where not good, register words by group."""

    measured_at_utc: datetime
    values: Sequence[tuple[str, float]]
    quality: str
    profile: str
    time_quality: str
    groups: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A meter beside another one: its flow of the last hour that is known, its open alert."""

    meter_id: str
    address: str
    is_behind_same: bool
    flow_max_m3h: float | None
    hour_at_utc: datetime | None
    alert_id: str
    kind: str
    priority: int


def origin_of(connection: Connection, meter_id: str) -> Origin | None:
    """Return where the newest reading came from; None when nothing was ever read."""
    latest = connection.execute(
        select(READING_LATEST).where(READING_LATEST.c.meter_id == meter_id)
    ).one_or_none()
    if latest is None:
        return None
    profile = connection.execute(
        select(READING.c.profile)
        .where(READING.c.meter_id == meter_id)
        .where(READING.c.measured_at_ms == latest.measured_at_ms)
    ).scalar_one_or_none()
    valued = latest.valued_at_ms
    return Origin(
        gateway_id=latest.gateway_id,
        measured_at_utc=utc_from_ms(latest.measured_at_ms),
        valued_at_utc=None if valued is None else utc_from_ms(valued),
        profile=profile or "",
    )


def devices_of(connection: Connection, meter_id: str) -> Sequence[Hung]:
    """Return the devices that hung at a meter, the newest first."""
    rows = connection.execute(
        select(DEVICE_METER)
        .where(DEVICE_METER.c.meter_id == meter_id)
        .order_by(DEVICE_METER.c.valid_from_at_ms.desc())
    )
    return [
        Hung(
            device_serial=row.device_serial,
            from_utc=None
            if row.valid_from_at_ms <= EARLIEST_MS
            else utc_from_ms(row.valid_from_at_ms),
            to_utc=None if row.valid_to_at_ms is None else utc_from_ms(row.valid_to_at_ms),
        )
        for row in rows
    ]


def notes_of(connection: Connection, meter_id: str) -> Sequence[Noted]:
    """Return what was noted of a meter, the newest first."""
    rows = connection.execute(
        select(METER_NOTE)
        .where(METER_NOTE.c.meter_id == meter_id)
        .order_by(METER_NOTE.c.from_ms.desc())
        .limit(20)
    )
    return [
        Noted(
            kind=row.kind,
            from_utc=utc_from_ms(row.from_ms),
            to_utc=None if row.to_ms is None else utc_from_ms(row.to_ms),
            source=row.source,
        )
        for row in rows
    ]


def parents_of(connection: Connection, meter_id: str) -> Sequence[str]:
    """Return the inflows that a meter lies behind; itself when it is one."""
    own = select(METER_CHILD.c.parent_id).where(METER_CHILD.c.parent_id == meter_id).limit(1)
    above = select(METER_CHILD.c.parent_id).where(METER_CHILD.c.child_id == meter_id)
    return [
        *connection.execute(own).scalars(),
        *connection.execute(above.order_by(METER_CHILD.c.parent_id)).scalars(),
    ]


def raw_readings(
    connection: Connection, meter_id: str, before_utc: datetime
) -> Sequence[RawReading]:
    """Return the newest readings before an instant as they came, the newest first."""
    rows = connection.execute(
        select(READING)
        .where(READING.c.meter_id == meter_id, READING.c.measured_at_ms < ms_from_utc(before_utc))
        .order_by(READING.c.measured_at_ms.desc())
        .limit(RAW_AT_ONCE)
    ).mappings()
    return [
        RawReading(
            measured_at_utc=utc_from_ms(row["measured_at_ms"]),
            values=[(str(each), row[str(each)]) for each in Quantity if row[str(each)] is not None],
            quality=row["quality"] or "",
            profile=row["profile"],
            time_quality=row["time_quality"] or "",
            groups=[(name, words.hex(" ", 2)) for name, words in unpack_groups(row["raw"]).items()],
        )
        for row in rows
    ]


def neighbours_of(connection: Connection, meter_id: str, now_utc: datetime) -> Sequence[Neighbour]:
    """Return up to eight meters of the same medium beside one.

    Those behind the same station or inflow first, then those of the same community whose address
    begins with the most characters alike: the same building, the same stairs.
    """
    own = connection.execute(
        select(METER.c.medium, METER.c.community_id, METER.c.address).where(
            METER.c.meter_id == meter_id
        )
    ).one_or_none()
    if own is None:
        return []
    behind = set(_behind_same(connection, meter_id))
    beside = METER.c.meter_id.in_(sorted(behind)[:_CANDIDATES])
    if own.community_id is not None:
        beside |= METER.c.community_id == own.community_id
    rows = connection.execute(
        select(METER.c.meter_id, METER.c.address)
        .where(METER.c.medium == own.medium, METER.c.meter_id != meter_id, beside)
        .limit(_CANDIDATES)
    ).all()
    ranked = sorted(
        rows,
        key=lambda row: (
            -_alike(row.address, own.address),
            row.meter_id not in behind,
            row.meter_id,
        ),
    )
    return [
        _neighbour(connection, row.meter_id, row.address, now_utc, is_behind=row.meter_id in behind)
        for row in ranked[:_NEIGHBOURS]
    ]


def _behind_same(connection: Connection, meter_id: str) -> Sequence[str]:
    parents = select(METER_CHILD.c.parent_id).where(METER_CHILD.c.child_id == meter_id)
    query = select(METER_CHILD.c.child_id).where(METER_CHILD.c.parent_id.in_(parents))
    return connection.execute(query).scalars().all()


def _alike(one: str, other: str) -> int:
    """Return how many characters two addresses have alike from the beginning on."""
    return next(
        (
            index
            for index, (left, right) in enumerate(zip(one, other, strict=False))
            if left != right
        ),
        min(len(one), len(other)),
    )


def _neighbour(
    connection: Connection, meter_id: str, address: str, now_utc: datetime, *, is_behind: bool
) -> Neighbour:
    hour = connection.execute(
        select(READING_HOURLY.c.hour_at_ms, READING_HOURLY.c.flow_max_m3h)
        .where(READING_HOURLY.c.meter_id == meter_id)
        .where(READING_HOURLY.c.hour_at_ms > ms_from_utc(now_utc - _FRESH))
        .where(READING_HOURLY.c.flow_max_m3h.is_not(None))
        .order_by(READING_HOURLY.c.hour_at_ms.desc())
        .limit(1)
    ).one_or_none()
    alert = connection.execute(
        select(ALERT.c.alert_id, ALERT.c.kind, ALERT.c.priority)
        .where(ALERT.c.meter_id == meter_id, ALERT.c.condition != str(Condition.NORMAL))
        .where(ALERT.c.visibility == str(Visibility.SHOWN))
        .order_by(ALERT.c.priority)
        .limit(1)
    ).one_or_none()
    return Neighbour(
        meter_id=meter_id,
        address=address,
        is_behind_same=is_behind,
        flow_max_m3h=None if hour is None else hour.flow_max_m3h,
        hour_at_utc=None if hour is None else utc_from_ms(hour.hour_at_ms),
        alert_id="" if alert is None else alert.alert_id,
        kind="" if alert is None else alert.kind,
        priority=0 if alert is None else alert.priority,
    )
