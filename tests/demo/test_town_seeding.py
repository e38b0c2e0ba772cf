"""The assets and people in a real database, and nothing twice."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from demo.accounts import plan_accounts
from demo.history import Past, household_history, meter_history, reading_count
from demo.seed_plan_io import load_town
from demo.seed_server_io import PastRefusedError, seed_assets, seed_past, seed_people
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.town_meters import READING_INTERVAL
from sync_server.access.account_store import list_crews, list_people
from sync_server.assets.asset_store import (
    list_gateways,
    list_meters,
    load_device_map,
)
from sync_server.assets.assets import MeterClass
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.reading_tables import FRAME_LEDGER, READING
from wire_contracts.frames import ms_from_utc


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("server")
    made = open_engine(f"sqlite:///{folder / 'server.sqlite3'}")
    migrate(made)
    with made.begin() as connection:
        seed_assets(connection, town, DEFAULT_START_UTC)
        accounts = [(account, "hash") for account in plan_accounts(town)]
        seed_people(connection, town, accounts, DEFAULT_START_UTC)
    yield made
    made.dispose()


def test_every_meter_is_known_to_the_server_with_its_device(town: Town, engine: Engine) -> None:
    with engine.connect() as connection:
        records = list_meters(connection)
        devices = load_device_map(connection)
    classes = Counter(record.meter.meter_class for record in records)
    now_ms = ms_from_utc(DEFAULT_START_UTC)
    found = {
        meter.serial: use.meter_id
        for meter in town.meters
        if (use := devices.find(meter.serial, now_ms)) is not None
    }

    assert classes == {
        MeterClass.HOUSEHOLD: 10_368,
        MeterClass.PUBLIC_WELFARE: 55,
        MeterClass.INDUSTRIAL: 22,
        MeterClass.SUBSTATION: 12,
        MeterClass.MAKEUP: 1,
        MeterClass.DMA: 1,
        MeterClass.CONSUMER: 40,
    }
    assert found == {meter.serial: meter.meter_id for meter in town.meters}
    assert len(devices.devices) == 10_499
    assert sum(record.meter.interval == READING_INTERVAL for record in records) == 131


def test_gateways_crews_and_people_are_there(town: Town, engine: Engine) -> None:
    with engine.connect() as connection:
        gateways = [record.gateway_id for record in list_gateways(connection)]
        crews = [crew.crew_id for crew in list_crews(connection)]
        people = {person.login: person for person in list_people(connection)}

    assert gateways == [*(f"gw-{number:02d}" for number in range(1, 21)), "import-ic"]
    assert crews == sorted(crew.crew_id for crew in town.crews)
    assert len(people) == 20
    assert people["repair1"].crew_id == "crew-repair-1"


def test_seeding_again_adds_nothing(town: Town, engine: Engine) -> None:
    accounts = [(account, "other hash") for account in plan_accounts(town)]
    with engine.begin() as connection:
        added = seed_assets(connection, town, DEFAULT_START_UTC)
        people = seed_people(connection, town, accounts, DEFAULT_START_UTC)
        meters = len(list_meters(connection))

    assert (added, people, meters) == (0, 0, 10_499)


def test_the_database_holds_no_name_of_a_resident(town: Town, engine: Engine) -> None:
    residents = {home.customer_name for home in town.households}
    staff = {member.name for member in town.staff}
    with engine.connect() as connection:
        addresses = connection.execute(text("SELECT address FROM meter")).scalars().all()

    assert len(addresses) == 10_499
    assert not [
        address for address in addresses for name in residents - staff if address.endswith(name)
    ]


def test_the_past_enters_through_the_ingest_once_however_often_it_is_brought(
    town: Town, engine: Engine
) -> None:
    past = Past(town=town, until_utc=DEFAULT_START_UTC, days=1)
    seen: list[int] = []

    first = seed_past(engine, meter_history(past), DEFAULT_START_UTC, seen.append)
    again = seed_past(engine, meter_history(past), DEFAULT_START_UTC)

    per_meter = select(READING.c.meter_id, func.count()).group_by(READING.c.meter_id)
    of_boxes = FRAME_LEDGER.c.gateway_id.like("gw-%")
    with engine.connect() as connection:
        readings = {row[0]: row[1] for row in connection.execute(per_meter)}
        refused = connection.execute(
            select(func.count(FRAME_LEDGER.c.refused_code)).where(of_boxes)
        ).scalar_one()
    assert (first, again, seen[-1]) == (reading_count(past), 0, reading_count(past))
    assert {readings[meter.meter_id] for meter in town.meters} == {96}
    assert refused == 0


def test_an_interrupted_past_is_completed_by_bringing_it_again(town: Town, engine: Engine) -> None:
    past = Past(town=town, until_utc=DEFAULT_START_UTC, days=1)
    half = list(islice(household_history(past, 500), 10))
    rest = list(islice(household_history(past, 500), 20))

    before = seed_past(engine, half, DEFAULT_START_UTC)
    after = seed_past(engine, rest, DEFAULT_START_UTC)

    assert before == 10 * 500
    assert after == 10 * 500


def test_a_past_of_devices_that_the_server_does_not_know_is_refused_whole(tmp_path: Path) -> None:
    stranger = load_town(4711)
    made = open_engine(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    migrate(made)
    past = Past(town=stranger, until_utc=DEFAULT_START_UTC, days=1)

    with pytest.raises(PastRefusedError, match="not taken whole"):
        seed_past(made, islice(meter_history(past), 2), DEFAULT_START_UTC)

    with made.connect() as connection:
        ledger = connection.execute(select(func.count()).select_from(FRAME_LEDGER)).scalar_one()
    made.dispose()
    assert ledger == 0
