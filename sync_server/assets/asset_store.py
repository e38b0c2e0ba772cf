"""Owns the assets in the database; every change raises the asset version."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.assets.assets import (
    AssetError,
    GatewayRecord,
    MeterClass,
    MeterRecord,
    NewCommunity,
    NewMeter,
)
from sync_server.assets.device_map import DeviceMap, DeviceUse
from sync_server.db.asset_tables import COMMUNITY, DEVICE_METER, GATEWAY, METER
from sync_server.db.bulk_io import find_among
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.reading_tables import FRAME_EPOCH, READING_LATEST
from sync_server.db.server_store import asset_version, raise_asset_version
from wire_contracts.frames import EARLIEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.quantities import Medium
from wire_contracts.topics import check_gateway_id


def add_community(connection: Connection, community: NewCommunity) -> None:
    """Add a community, or bring its names and place up to date."""
    values = {
        "name_zh": community.name_zh,
        "name_en": community.name_en,
        "area_id": community.area_id,
        "x_m": community.x_m,
        "y_m": community.y_m,
    }
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(
        make(COMMUNITY)
        .values(community_id=community.community_id, **values)
        .on_conflict_do_update(index_elements=[COMMUNITY.c.community_id], set_=values)
    )


def add_gateway(connection: Connection, gateway_id: str, name: str, now_utc: datetime) -> None:
    """Allow a gateway; one that is already known is allowed again under the new name.

    Raises:
        ContractError: The id is not `[a-z0-9-]{1,32}`.
    """
    check_gateway_id(gateway_id, place="assets", field="gateway_id")
    values = {"name": name, "is_allowed": True}
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(
        make(GATEWAY)
        .values(gateway_id=gateway_id, added_at_ms=ms_from_utc(now_utc), **values)
        .on_conflict_do_update(index_elements=[GATEWAY.c.gateway_id], set_=values)
    )
    raise_asset_version(connection)
    append_feed(connection, Topic.GATEWAY, gateway_id, now_utc)


def add_meter(connection: Connection, meter: NewMeter, now_utc: datetime) -> None:
    """Add a meter, or bring what is known of it up to date; its medium never changes.

    Raises:
        AssetError: The meter exists with another medium, or its community is not known.
    """
    add_meters(connection, [meter], now_utc)


def add_meters(connection: Connection, meters: Sequence[NewMeter], now_utc: datetime) -> None:
    """Add or update many meters at once; see `add_meter`."""
    _check_communities(connection, meters)
    for start in range(0, len(meters), 500):
        _check_media(connection, meters[start : start + 500])
    rows = [{**_meter_values(meter), "added_at_ms": ms_from_utc(now_utc)} for meter in meters]
    if rows:
        make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
        statement = make(METER)
        changed = {
            name: statement.excluded[name]
            for name in rows[0]
            if name not in {"meter_id", "medium", "added_at_ms"}
        }
        connection.execute(
            statement.on_conflict_do_update(index_elements=[METER.c.meter_id], set_=changed), rows
        )
        raise_asset_version(connection)


def map_device(
    connection: Connection,
    device_serial: str,
    meter_id: str,
    valid_from_utc: datetime | None = None,
) -> None:
    """Say that from `valid_from_utc` (None: ever) the device is this meter.

    What the device meant before, and which device hung at the meter before, ends at that moment,
    so that an exchange never joins two registers (RULINGS R13); a later mapping of either stays.

    Raises:
        AssetError: The meter is not known.
    """
    from_ms = EARLIEST_MS if valid_from_utc is None else ms_from_utc(valid_from_utc)
    known = connection.execute(select(METER.c.meter_id).where(METER.c.meter_id == meter_id))
    if known.scalar_one_or_none() is None:
        raise AssetError(f"device {device_serial}: meter_id: {meter_id!r} is not known; add it")
    is_before = DEVICE_METER.c.valid_from_at_ms < from_ms
    is_open = DEVICE_METER.c.valid_to_at_ms.is_(None) | (DEVICE_METER.c.valid_to_at_ms > from_ms)
    is_concerned = (DEVICE_METER.c.device_serial == device_serial) | (
        DEVICE_METER.c.meter_id == meter_id
    )
    connection.execute(
        update(DEVICE_METER).where(is_concerned, is_before, is_open).values(valid_to_at_ms=from_ms)
    )
    next_ms: int | None = connection.execute(
        select(func.min(DEVICE_METER.c.valid_from_at_ms)).where(
            is_concerned, DEVICE_METER.c.valid_from_at_ms > from_ms
        )
    ).scalar_one()
    values = {"meter_id": meter_id, "valid_to_at_ms": next_ms}
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(
        make(DEVICE_METER)
        .values(device_serial=device_serial, valid_from_at_ms=from_ms, **values)
        .on_conflict_do_update(
            index_elements=[DEVICE_METER.c.device_serial, DEVICE_METER.c.valid_from_at_ms],
            set_=values,
        )
    )
    raise_asset_version(connection)


def map_new_devices(connection: Connection, meter_of: Sequence[tuple[str, str]]) -> None:
    """Map many (device serial, meter id) that were never mapped before, valid ever since."""
    if meter_of:
        connection.execute(
            insert(DEVICE_METER),
            [
                {"device_serial": serial, "meter_id": meter_id, "valid_from_at_ms": EARLIEST_MS}
                for serial, meter_id in meter_of
            ],
        )
        raise_asset_version(connection)


def load_device_map(connection: Connection) -> DeviceMap:
    """Return every device and gateway, as it stands now; of a million meters that takes long."""
    version = asset_version(connection)
    rows = connection.execute(
        select(DEVICE_METER, METER.c.medium).join(
            METER, METER.c.meter_id == DEVICE_METER.c.meter_id
        )
    )
    found = [(row, Medium(row.medium)) for row in rows]
    return DeviceMap(
        version=version, gateways=allowed_gateways(connection), devices=_uses_of(found)
    )


def find_devices(
    connection: Connection, serials: Collection[str]
) -> Mapping[str, Sequence[DeviceUse]]:
    """Return what these devices meant and mean, newest first; one that never was a meter: none."""
    rows = find_among(connection, DEVICE_METER, _USE_COLUMNS, "device_serial", serials)
    meter_ids = {row.meter_id for row in rows}
    meters = find_among(connection, METER, ("meter_id", "medium"), "meter_id", meter_ids)
    media = {row.meter_id: Medium(row.medium) for row in meters}
    return _uses_of([(row, media[row.meter_id]) for row in rows])


_USE_COLUMNS = ("device_serial", "valid_from_at_ms", "valid_to_at_ms", "meter_id")


def allowed_gateways(connection: Connection) -> frozenset[str]:
    """Return the gateways whose frames are taken."""
    is_allowed = GATEWAY.c.is_allowed.is_(True)
    return frozenset(connection.execute(select(GATEWAY.c.gateway_id).where(is_allowed)).scalars())


def _uses_of(rows: Iterable[tuple[Row[tuple[str]], Medium]]) -> dict[str, Sequence[DeviceUse]]:
    """Return by serial what the rows of `device_meter` say, newest first."""
    found: dict[str, tuple[DeviceUse, ...]] = {}
    for row, medium in rows:
        use = DeviceUse(
            meter_id=row.meter_id,
            medium=medium,
            valid_from_ms=_same_ms(row.valid_from_at_ms),
            valid_to_ms=row.valid_to_at_ms,
        )
        found[row.device_serial] = (*found.get(row.device_serial, ()), use)
    return {serial: tuple(sorted(uses, key=_begin, reverse=True)) for serial, uses in found.items()}


def _begin(use: DeviceUse) -> int:
    return use.valid_from_ms


@lru_cache(maxsize=4096)
def _same_ms(at_ms: int) -> int:
    """Return the one number for an instant that a million devices may share."""
    return at_ms


def get_meter(connection: Connection, meter_id: str) -> MeterRecord | None:
    """Return one meter, None when it is not known."""
    found = _select_meters(connection, [meter_id])
    return found[0] if found else None


def list_meters(connection: Connection) -> Sequence[MeterRecord]:
    """Return every meter, by meter id."""
    return _select_meters(connection, None)


def list_gateways(connection: Connection) -> Sequence[GatewayRecord]:
    """Return every gateway, by id, with what was last heard through it."""
    by_gateway = (
        select(
            READING_LATEST.c.gateway_id,
            func.max(READING_LATEST.c.measured_at_ms).label("newest_at_ms"),
            func.count().label("meter_count"),
        )
        .group_by(READING_LATEST.c.gateway_id)
        .subquery()
    )
    contact = (
        select(
            FRAME_EPOCH.c.gateway_id,
            func.max(FRAME_EPOCH.c.received_at_ms).label("received_at_ms"),
        )
        .group_by(FRAME_EPOCH.c.gateway_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            GATEWAY, by_gateway.c.newest_at_ms, by_gateway.c.meter_count, contact.c.received_at_ms
        )
        .outerjoin(by_gateway, by_gateway.c.gateway_id == GATEWAY.c.gateway_id)
        .outerjoin(contact, contact.c.gateway_id == GATEWAY.c.gateway_id)
        .order_by(GATEWAY.c.gateway_id)
    )
    return [
        GatewayRecord(
            gateway_id=row.gateway_id,
            name=row.name,
            added_at_utc=utc_from_ms(row.added_at_ms),
            is_allowed=row.is_allowed,
            newest_at_utc=None if row.newest_at_ms is None else utc_from_ms(row.newest_at_ms),
            received_at_utc=None if row.received_at_ms is None else utc_from_ms(row.received_at_ms),
            meter_count=row.meter_count or 0,
        )
        for row in rows
    ]


def _select_meters(connection: Connection, meter_ids: Sequence[str] | None) -> list[MeterRecord]:
    query = (
        select(METER, DEVICE_METER.c.device_serial)
        .outerjoin(
            DEVICE_METER,
            (DEVICE_METER.c.meter_id == METER.c.meter_id) & DEVICE_METER.c.valid_to_at_ms.is_(None),
        )
        .order_by(METER.c.meter_id)
    )
    if meter_ids is not None:
        query = query.where(METER.c.meter_id.in_(meter_ids))
    return [_meter_record(row) for row in connection.execute(query)]


def _meter_record(row: Row[tuple[str]]) -> MeterRecord:
    return MeterRecord(
        meter=NewMeter(
            meter_id=row.meter_id,
            medium=Medium(row.medium),
            meter_class=MeterClass(row.meter_class),
            size=row.size,
            community_id=row.community_id,
            address=row.address,
            interval=timedelta(seconds=row.interval_s),
            is_mains_powered=row.is_mains_powered,
            x_m=row.x_m,
            y_m=row.y_m,
        ),
        added_at_utc=utc_from_ms(row.added_at_ms),
        device_serial=row.device_serial,
    )


def _meter_values(meter: NewMeter) -> dict[str, str | int | float | bool | None]:
    return {
        "meter_id": meter.meter_id,
        "medium": str(meter.medium),
        "meter_class": str(meter.meter_class),
        "size": meter.size,
        "community_id": meter.community_id,
        "address": meter.address,
        "interval_s": int(meter.interval.total_seconds()),
        "is_mains_powered": meter.is_mains_powered,
        "x_m": meter.x_m,
        "y_m": meter.y_m,
    }


def _check_communities(connection: Connection, meters: Sequence[NewMeter]) -> None:
    known = set(connection.execute(select(COMMUNITY.c.community_id)).scalars())
    for meter in meters:
        if meter.community_id is not None and meter.community_id not in known:
            raise AssetError(
                f"meter {meter.meter_id}: community_id: {meter.community_id!r} is not known; "
                "add the community first"
            )


def _check_media(connection: Connection, meters: Sequence[NewMeter]) -> None:
    wanted = {meter.meter_id: meter.medium for meter in meters}
    rows = connection.execute(
        select(METER.c.meter_id, METER.c.medium).where(METER.c.meter_id.in_(wanted))
    )
    for meter_id, medium in rows:
        if medium != wanted[meter_id]:
            raise AssetError(
                f"meter {meter_id}: medium: is {medium}, not {wanted[meter_id]}; "
                "give the other meter its own number"
            )
