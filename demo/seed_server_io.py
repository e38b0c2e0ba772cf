"""Puts the town's assets, people and past into the server's database, the same way twice."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, Engine

from demo.accounts import DemoAccount
from demo.areas import CREW_AREAS, area_of_block, north_m
from demo.history import IC_GATEWAY
from demo.inspections import Inspections
from demo.names import community_name_en
from demo.network_plan import ORIGIN, network_geojson
from demo.town import Household, Town
from demo.town_meters import READING_INTERVAL, Meter
from demo.town_meters import MeterClass as ClassInTown
from sync_server.access.account_store import (
    Crew,
    NewAccount,
    create_account,
    create_crew,
    has_crew,
    list_people,
)
from sync_server.assets.asset_store import (
    add_community,
    add_gateway,
    add_meters,
    list_gateways,
    list_meters,
    map_new_devices,
)
from sync_server.assets.assets import MeterClass, NewCommunity, NewMeter
from sync_server.assets.network_geojson import parse_geojson
from sync_server.assets.network_store import network_areas, save_network
from sync_server.customers.customer import Customer, Flag, Premises
from sync_server.customers.customer_store import put_customers, put_premises
from sync_server.detection.watch.fleet_store import put_children
from sync_server.patrols.inspection_store import (
    CHECKPOINTS,
    HOUSEHOLDS,
    PLANS,
    ROUND_METERS,
    put,
)
from sync_server.readings.reading_store import ReadingStore
from sync_server.vans.standard_parts import STANDARD_PARTS
from sync_server.vans.van_store import load_vans, put_detector, put_parts, show_vans
from wire_contracts.fields import FieldReader
from wire_contracts.frames import Batch
from wire_contracts.quantities import Medium
from wire_contracts.van import AirValue, GasDetector

MONTHLY = timedelta(days=31)
DAILY = timedelta(days=1)

_ALONE = 40
"""In every fortieth home somebody old lives alone (judgement)."""

_GOOD_DAYS = 150
"""The rest of half a year's calibration."""

BATCHES_PER_COMMIT = 200
"""200 x 50 frames in one transaction: one fsync per 10,000 readings."""


class PastRefusedError(RuntimeError):
    """The server did not take the past whole; nothing of the refused group is stored."""


def seed_assets(connection: Connection, town: Town, now_utc: datetime) -> int:
    """Add communities, gateways, meters and devices that are not there yet; return how many meters.

    The caller owns the transaction. A second call adds nothing.
    """
    known = {record.meter.meter_id for record in list_meters(connection)}
    known_gateways = {record.gateway_id for record in list_gateways(connection)}
    for community in town.communities:
        add_community(
            connection,
            NewCommunity(
                community_id=community.community_id,
                name_zh=community.name,
                name_en=community_name_en(community.number),
                area_id=area_of_block(community.number),
                x_m=community.place.x_m,
                y_m=north_m(community.place.y_m),
            ),
        )
    for gateway_id, name in _gateways(town).items():
        if gateway_id not in known_gateways:
            add_gateway(connection, gateway_id, name, now_utc)
    fresh = [new for new in _new_meters(town) if new.meter_id not in known]
    add_meters(connection, fresh, now_utc)
    if not network_areas(connection):
        root = FieldReader(place="the town's network", values=network_geojson(town))
        for part in parse_geojson(root, ORIGIN):
            save_network(connection, part, now_utc)
    devices = [(meter.serial, str(meter.meter_id)) for meter in town.meters]
    devices += [(home.serial, str(home.meter_id)) for home in town.households]
    map_new_devices(connection, [pair for pair in devices if pair[1] not in known])
    if fresh:
        put_children(connection, _behind(town))
    return len(fresh)


def _behind(town: Town) -> list[tuple[str, str]]:
    """Return (inflow, meter behind it): the water district, and heat behind its make-up water."""
    makeup = next(each for each in town.meters if each.meter_class is ClassInTown.MAKEUP)
    return [
        *((str(each.parent_id), str(each.meter_id)) for each in town.meters if each.parent_id),
        *(
            (str(makeup.meter_id), str(each.meter_id))
            for each in town.meters
            if each.medium is Medium.HEAT
        ),
    ]


def _gateways(town: Town) -> Mapping[str, str]:
    street = {str(box.gateway_id): box.place.address for box in town.gateways}
    return {**street, IC_GATEWAY: "IC 卡与无线抄表导入"}


def _new_meters(town: Town) -> list[NewMeter]:
    return [
        *map(_remote_meter, town.meters),
        *(_home_meter(town, home) for home in town.households),
    ]


def _remote_meter(meter: Meter) -> NewMeter:
    return NewMeter(
        meter_id=meter.meter_id,
        medium=meter.medium,
        meter_class=MeterClass(meter.meter_class),
        size=meter.size,
        community_id=f"community-{meter.community_no:02d}",
        address=f"{meter.place.address} {meter.name}",
        interval=READING_INTERVAL,
        is_mains_powered=meter.is_mains_powered,
        x_m=meter.place.x_m,
        y_m=north_m(meter.place.y_m),
    )


def _home_meter(town: Town, home: Household) -> NewMeter:
    place = town.communities[home.community_no - 1].place
    return NewMeter(
        meter_id=home.meter_id,
        medium=Medium.GAS,
        meter_class=MeterClass.HOUSEHOLD,
        size="G2.5",
        community_id=f"community-{home.community_no:02d}",
        address=home.address,
        interval=DAILY if home.is_remote_read else MONTHLY,
        is_mains_powered=False,
        x_m=place.x_m,
        y_m=north_m(place.y_m),
    )


def seed_customers(connection: Connection, town: Town, now_utc: datetime) -> int:
    """Add who lives where, with the home's meter; return how many homes. Call `seed_assets` first.

    The numbers begin with 100, which no mobile phone in China does.
    """
    put_customers(
        connection,
        [
            Customer(
                customer_id=home.household_id,
                name=home.customer_name,
                phone=f"100{index:08d}",
                flags=frozenset({Flag.ELDERLY_ALONE}) if index % _ALONE == 0 else frozenset(),
            )
            for index, home in enumerate(town.households, start=1)
        ],
        now_utc,
    )
    put_premises(
        connection,
        [
            Premises(
                premises_id=home.household_id,
                address=home.address,
                community_id=f"community-{home.community_no:02d}",
                customer_id=home.household_id,
                meter_ids=(str(home.meter_id),),
            )
            for home in town.households
        ],
        now_utc,
    )
    return len(town.households)


def seed_people(
    connection: Connection,
    town: Town,
    accounts: Iterable[tuple[DemoAccount, str]],
    now_utc: datetime,
    *,
    language: str = "zh",
) -> int:
    """Add crews and the accounts (each with its password's hash) that are not there yet.

    Returns:
        How many accounts were added.
    """
    for crew in town.crews:
        if not has_crew(connection, crew.crew_id):
            areas = CREW_AREAS[crew.crew_id]
            record = Crew(crew_id=crew.crew_id, name=crew.name_zh, area_ids=areas)
            create_crew(connection, record, now_utc)
    known = {person.login for person in list_people(connection)}
    fresh = [(one, encoded) for one, encoded in accounts if one.login not in known]
    for one, encoded in fresh:
        account = NewAccount(
            login=one.login,
            display_name=one.display_name,
            role=one.role,
            password_hash=encoded,
            crew_id=one.crew_id,
            language=language,
        )
        create_account(connection, account, now_utc)
    return len(fresh)


def seed_inspections(connection: Connection, inspections: Inspections, now_utc: datetime) -> None:
    """Give the inspectors' crews what they walk, visit and read; the same twice changes nothing."""
    put(connection, CHECKPOINTS, inspections.checkpoints, now_utc)
    put(connection, PLANS, inspections.plans, now_utc)
    put(connection, HOUSEHOLDS, inspections.homes, now_utc)
    put(connection, ROUND_METERS, inspections.meters, now_utc)


def seed_vans(connection: Connection, town: Town, now_utc: datetime) -> None:
    """Give each crew's van the standard parts and two gas detectors, one of them overdue.

    Vans that have a list keep theirs. Call `seed_people` first.
    """
    known = load_vans(connection)
    fresh = [crew.crew_id for crew in town.crews if crew.crew_id not in known]
    for number, crew_id in enumerate(fresh, start=1):
        put_parts(connection, crew_id, STANDARD_PARTS, now_utc)
        for letter, days in (("A", _GOOD_DAYS), ("B", -1)):
            detector = GasDetector(
                detector_id=f"GD-{number:02d}{letter}",
                model="4-gas",
                values=frozenset(AirValue),
                calibrated_until=(now_utc + timedelta(days=days)).date(),
            )
            put_detector(connection, crew_id, detector, now_utc)
    show_vans(connection, fresh, now_utc)


def seed_past(
    engine: Engine,
    batches: Iterable[Batch],
    received_at_utc: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Store the past through the server's own ingest; return how many frames were new.

    Frames that are there already are recognised by the ingest's ledger, so an interrupted call
    may simply be repeated.

    Args:
        engine: The server's database, with the assets in it.
        batches: From `meter_history` or `household_history`.
        received_at_utc: The town's time at which the past is brought in.
        progress: Called with the number of frames so far after each transaction.

    Raises:
        PastRefusedError: The server does not know a device or a gateway, or knows another past.
    """
    store = ReadingStore()
    frames = new = 0
    waiting = iter(batches)
    while group := list(islice(waiting, BATCHES_PER_COMMIT)):
        with engine.begin() as connection:
            stored = store.store_batches(connection, group, received_at_utc)
            if stored.refused_count or stored.conflict_count:
                message = f"the town's past was not taken whole: {stored}"
                raise PastRefusedError(message)
        new += stored.new_count
        frames += sum(len(batch.frames) for batch in group)
        progress(frames)
    return new
