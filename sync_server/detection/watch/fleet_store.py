"""Owns how meters and what is known of them become the specs of the fleet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.assets.assets import MeterClass
from sync_server.db.asset_tables import METER
from sync_server.db.detection_tables import METER_CHILD, METER_TRAIT, WEATHER_HOUR
from sync_server.db.reading_tables import READING_LATEST
from sync_server.db.server_store import raise_asset_version
from sync_server.detection.meters.fleet import MeterSpec, Role
from wire_contracts.quantities import Medium, Quantity

LONGEST_INTERVAL_S = 86_400
"""Meters that are read less often than daily are judged by the monthly list alone."""

_ROLES: Mapping[MeterClass, Role] = {
    MeterClass.HOUSEHOLD: Role.HOME,
    MeterClass.DMA: Role.DMA,
    MeterClass.MAKEUP: Role.MAKEUP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterTrait:
    """What is known of one meter beside the assets; None: not known."""

    meter_id: str
    peer_class: str = ""
    volume_modulus_m3: float | None = None
    energy_modulus_kwh: float | None = None
    volume_resolution_m3: float | None = None
    energy_resolution_kwh: float | None = None
    permanent_flow_m3h: float | None = None
    weather_id: str | None = None
    judged_from_ms: int | None = None
    in_service_until_ms: int | None = None


def load_specs(connection: Connection) -> Sequence[MeterSpec]:
    """Return every meter that is read at least daily, by id."""
    children = connection.execute(select(METER_CHILD.c.child_id, METER_CHILD.c.parent_id)).all()
    parent_of = dict(sorted(children, reverse=True))
    stations = set(parent_of.values())
    only_station = _only_station(connection)
    rows = connection.execute(
        select(
            METER.c.meter_id,
            METER.c.medium,
            METER.c.meter_class,
            METER.c.interval_s,
            METER.c.is_mains_powered,
        )
        .add_columns(*(column for column in METER_TRAIT.c if column.name != "meter_id"))
        .outerjoin(METER_TRAIT, METER_TRAIT.c.meter_id == METER.c.meter_id)
        .where(METER.c.interval_s <= LONGEST_INTERVAL_S)
        .order_by(METER.c.meter_id)
    )
    return [
        MeterSpec(
            meter_id=row.meter_id,
            medium=Medium(row.medium),
            role=Role.STATION
            if row.meter_id in stations and row.meter_class != MeterClass.MAKEUP
            else _ROLES.get(MeterClass(row.meter_class), Role.CONSUMER),
            interval_s=row.interval_s,
            peer_class=row.peer_class or row.meter_class,
            volume_modulus_m3=row.volume_modulus_m3,
            energy_modulus_kwh=row.energy_modulus_kwh,
            volume_resolution_m3=row.volume_resolution_m3,
            energy_resolution_kwh=row.energy_resolution_kwh,
            permanent_flow_m3h=row.permanent_flow_m3h,
            weather_id=row.weather_id or only_station,
            parent_id=parent_of.get(row.meter_id),
            judged_from_s=(row.judged_from_ms or 0) // 1000,
            in_service_until_s=None
            if row.in_service_until_ms is None
            else row.in_service_until_ms // 1000,
            is_mains_powered=row.is_mains_powered,
        )
        for row in rows
    ]


def _only_station(connection: Connection) -> str | None:
    """Return the weather station of a site that has one alone: it is everybody's."""
    names = (
        connection.execute(select(WEATHER_HOUR.c.weather_id).distinct().limit(2)).scalars().all()
    )
    return names[0] if len(names) == 1 else None


def converting_meters(connection: Connection) -> frozenset[str]:
    """Return the gas meters that have ever told a volume at base conditions."""
    rows = connection.execute(
        select(METER.c.meter_id)
        .join(READING_LATEST, READING_LATEST.c.meter_id == METER.c.meter_id)
        .where(
            METER.c.medium == str(Medium.GAS),
            METER.c.interval_s <= LONGEST_INTERVAL_S,
            READING_LATEST.c.state.contains(str(Quantity.VOLUME_BASE_M3)),
        )
    )
    return frozenset(rows.scalars())


def put_traits(connection: Connection, traits: Sequence[MeterTrait]) -> None:
    """Store what is known of meters, in place of what was."""
    if not traits:
        return
    names = [column.name for column in METER_TRAIT.c]
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    statement = make(METER_TRAIT)
    changed = {name: statement.excluded[name] for name in names if name != "meter_id"}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[METER_TRAIT.c.meter_id], set_=changed),
        [{name: getattr(trait, name) for name in names} for trait in traits],
    )
    raise_asset_version(connection)


def put_children(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Store which meters (second) lie behind which station (first), in place of all before."""
    connection.execute(delete(METER_CHILD))
    if pairs:
        connection.execute(
            METER_CHILD.insert(),
            [{"parent_id": parent, "child_id": child} for parent, child in pairs],
        )
    raise_asset_version(connection)
