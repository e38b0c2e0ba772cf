"""Meters come and go while frames come in, again and again: each counts for what it was then."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from demo.load_plan import LoadPlan, gateway_id
from demo.load_site_io import add_load_meters
from sync_server.assets.asset_store import add_meters, map_device, map_new_devices
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import READING
from sync_server.readings.adoption import adopt_device
from sync_server.readings.ledger_store import taken_count
from sync_server.readings.reading_store import ReadingStore, Stored
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import batch, found_town, frame, new_meter
from wire_contracts.codes import Code
from wire_contracts.frames import Batch
from wire_contracts.quantities import Quantity

VOLUME = Quantity.VOLUME_M3
START = NOON - timedelta(hours=2)
MANY = 200_000


@pytest.fixture
def town(engine: Engine) -> Engine:
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1"), new_meter("M-2")])
    return engine


def take_in(engine: Engine, store: ReadingStore, sent: Batch) -> Stored:
    with engine.begin() as connection:
        return store.store_batches(connection, [sent], NOON)


def register(engine: Engine, numbers: range) -> None:
    with engine.begin() as connection:
        meters = [new_meter(f"M-{number}") for number in numbers]
        add_meters(connection, meters, NOON)
        map_new_devices(connection, [(f"D-{number}", f"M-{number}") for number in numbers])


def whose(engine: Engine) -> list[tuple[str, float]]:
    """Return whose each reading is, in the order of time."""
    query = select(READING.c.meter_id, READING.c.volume_m3)
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(READING.c.measured_at_ms))
        return [(row.meter_id, row.volume_m3) for row in rows]


def test_frames_that_come_again_while_meters_are_registered_are_stored_once(town: Engine) -> None:
    store = ReadingStore()
    sent = batch(frame(1, START, {VOLUME: 1.0}), frame(2, START, {VOLUME: 2.0}, device="D-2"))
    stored = []
    for first in range(10, 50, 10):
        register(town, range(first, first + 10))
        stored.append(take_in(town, store, sent))

    assert [each.new_count for each in stored] == [2, 0, 0, 0]
    assert [each.duplicate_count for each in stored] == [0, 2, 2, 2]
    assert whose(town) == [("M-1", 1.0), ("M-2", 2.0)]


def test_a_device_is_looked_up_when_it_is_heard_and_again_when_an_asset_changes(
    town: Engine,
) -> None:
    store = ReadingStore()
    register(town, range(10, 40))
    before = take_in(town, store, batch(frame(1, START, {VOLUME: 1.0}, device="D-NEW")))
    heard = set(store._memory.uses)
    with town.begin() as connection:
        map_device(connection, "D-NEW", "M-1", START)
        map_device(connection, "D-1", "M-2", START + timedelta(minutes=5))
    later = START + timedelta(minutes=10)
    after = take_in(
        town,
        store,
        batch(
            frame(2, later, {VOLUME: 2.0}, device="D-NEW"),
            frame(3, later + timedelta(minutes=1), {VOLUME: 3.0}, device="D-1"),
            frame(4, START - timedelta(minutes=1), {VOLUME: 0.5}, device="D-1"),
        ),
    )

    assert (before.refused_count, heard) == (1, {"D-NEW"})
    assert (after.new_count, after.refused_count) == (3, 0)
    assert set(store._memory.uses) == {"D-NEW", "D-1"}
    assert whose(town) == [("M-1", 0.5), ("M-1", 2.0), ("M-2", 3.0)]


def test_a_device_that_was_adopted_meanwhile_is_heard_from_its_next_frame_on(town: Engine) -> None:
    store = ReadingStore()
    first = batch(frame(1, START, {VOLUME: 1.0}, device="D-9"))
    refused = take_in(town, store, first)
    with town.begin() as connection:
        adopted = adopt_device(connection, "D-9", new_meter("M-9"), NOON)
    again = take_in(town, store, first)
    second = batch(frame(2, START + timedelta(minutes=15), {VOLUME: 2.0}, device="D-9"))
    stored = take_in(town, store, second)

    assert refused.acks["gw-01"][0].refused == ((1, Code.METER_UNKNOWN),)
    assert (adopted, again.new_count, stored.new_count) == (1, 0, 1)
    assert whose(town) == [("M-9", 1.0), ("M-9", 2.0)]


@contextmanager
def registering(engine: Engine, meters: int) -> Iterator[threading.Thread]:
    """Add meters of the load beside the block, 20,000 in a transaction."""
    told: list[str] = []
    worker = threading.Thread(target=add_load_meters, args=(engine, meters, told.append))
    worker.start()
    yield worker
    worker.join(600)
    assert not worker.is_alive()


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_very_many_meters_are_registered_while_the_broker_sends_again(
    postgres_engine: Engine,
) -> None:
    load = LoadPlan(meters=MANY, factor=1, start_utc=START - timedelta(hours=2), epoch=7)
    sent = [
        Batch(gateway_id=load.gateway_of(number), epoch=7, frames=list(load.frames_of(number)))
        for number in range(4)
    ]
    store, stored = ReadingStore(), [0]
    add_load_meters(postgres_engine, 400, lambda _line: None)
    with registering(postgres_engine, MANY) as worker:
        while worker.is_alive():
            stored += [take_in(postgres_engine, store, each).new_count for each in sent]
    newest = list(load.frames_of(MANY // 50 - 1))
    last = Batch(gateway_id=gateway_id(MANY // 200 - 1), epoch=7, frames=newest)

    assert sum(stored) == 200
    assert take_in(postgres_engine, store, last).new_count == 50
    with reading(postgres_engine) as connection:
        kept = taken_count(connection)
    assert (kept, len(whose(postgres_engine))) == (250, 250)
    assert len(store._memory.uses) <= 250
