"""Several replicas share the partitions by locks of a real PostgreSQL, over a real broker."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text

from sync_server.alerts.alert import AlertFilter
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.config import ConfigError
from sync_server.config_io import parse_config
from sync_server.db.advisory_io import AdvisoryLocks
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.reading_tables import QUARANTINE
from sync_server.detection.watch.fleet_watch import FleetWatch
from sync_server.readings.ledger_store import taken_count
from sync_server.readings.partition_shares import fair_share, to_give_back, to_try
from sync_server.readings.reading_store import ReadingStore
from tests.sync_server.readings.replica_town import (
    GATEWAYS,
    HOUR,
    HOURS,
    Gateways,
    Replica,
    batches_of,
    found_partitions,
    links_on,
    meters_of,
)
from tests.sync_server.real_parts import NOON, wait_until
from tests.sync_server.town_parts import snapshot
from wire_contracts.topics import PARTITION_COUNT, partition_of


@given(counts=st.lists(st.integers(1, 7), min_size=1, max_size=8))
def test_whatever_comes_and_goes_every_partition_ends_with_one_holder(counts: list[int]) -> None:
    held: list[set[int]] = []
    for count in counts:
        held = [*held[:count], *(set[int]() for _ in range(count - len(held)))]
        for _ in range(2):
            for number, own in enumerate(held):
                own -= set(to_give_back(own, count))
                for partition in to_try(own, count, number * 9):
                    if len(own) < fair_share(count) and not any(partition in one for one in held):
                        own.add(partition)

        assert sorted(each for own in held for each in own) == list(range(PARTITION_COUNT))
        assert max(map(len, held)) <= fair_share(count)


def test_two_replicas_share_the_partitions_and_the_one_that_stays_has_them_all(
    postgres_engine: Engine, mosquitto_port: int
) -> None:
    first, second = (links_on(postgres_engine, mosquitto_port) for _ in range(2))
    first.start()
    try:
        wait_until(lambda: len(first.held) == PARTITION_COUNT)
        second.start()
        wait_until(lambda: len(first.held) == len(second.held) == PARTITION_COUNT // 2)
        wait_until(lambda: first.is_connected and second.is_connected)
        shared = set(first.held) & set(second.held)
        voices = [first.serves(each) or second.serves(each) for each in GATEWAYS]
    finally:
        first.close()
    try:
        wait_until(lambda: len(second.held) == PARTITION_COUNT and second.is_connected)
    finally:
        second.close()

    assert shared == set()
    assert all(voices)


def test_a_replica_that_loses_its_database_connection_leaves_its_partitions(
    postgres_engine: Engine, mosquitto_port: int
) -> None:
    links = links_on(postgres_engine, mosquitto_port)
    links.start()
    try:
        wait_until(lambda: len(links.held) == PARTITION_COUNT)
        number = next(iter(links.held))
        with postgres_engine.begin() as connection:
            query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            connection.execute(text(query))
        other = AdvisoryLocks(postgres_engine, "other")
        wait_until(lambda: other.keep_lock(number))
        wait_until(lambda: len(links.held) < PARTITION_COUNT)
        other.close()
        wait_until(lambda: len(links.held) == PARTITION_COUNT)
        wait_until(lambda: all(links.serves(each) for each in GATEWAYS))
        is_others = other.keep_lock(number)
        other.close()
    finally:
        links.close()

    assert not is_others


Told = set[tuple[str, str, str]]


def told_by(engine: Engine) -> Told:
    """Return what the detectors say of everything that is stored."""
    FleetWatch(engine).look(NOON + HOUR)
    with reading(engine) as connection:
        found = list_alerts(connection, AlertFilter(is_open=None, visibility=None))
    return {(each.meter_id, str(each.kind), each.started_at_utc.isoformat()) for each in found}


def shake(engine: Engine, port: int, folder: Path, seed: int) -> Told:
    """Let two replicas take a town in, kill and replace one of them; return what is told."""
    chance = random.Random(seed)
    with engine.begin() as connection:
        found_partitions(connection)
    replicas = [Replica(engine, port, folder / f"replica-{number}.log") for number in range(2)]
    batches = [each for name in GATEWAYS for each in batches_of(name, 24)]
    chance.shuffle(batches)
    gateways = Gateways(port, batches)
    try:
        mark = chance.randint(len(batches) // 4, len(batches) * 3 // 4)
        wait_until(lambda: gateways.waiting_count <= mark)
        replicas.pop(chance.randrange(2)).kill()
        replicas.append(Replica(engine, port, folder / "replica-new.log"))
        wait_until(lambda: gateways.waiting_count == 0, within_s=180)
    finally:
        gateways.close()
        for each in replicas:
            each.end()
    return told_by(engine)


def left(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Return everything that the town's readings leave behind."""
    with reading(engine) as connection:
        refused = connection.execute(select(func.count()).select_from(QUARANTINE)).scalar_one()
        counts = (taken_count(connection), refused)
        return {**snapshot(connection), "counts": [counts]}


def steadily(engine: Engine) -> Told:
    """Let one undisturbed writer take the same town in; return what is told."""
    store = ReadingStore()
    with engine.begin() as connection:
        found_partitions(connection)
    for name in GATEWAYS:
        with engine.begin() as connection:
            store.store_batches(connection, batches_of(name, 24), NOON)
    return told_by(engine)


def test_a_killed_replica_loses_nothing_doubles_nothing_and_changes_no_alert(
    postgres_engine: Engine, sqlite_engine: Engine, mosquitto_port: int, tmp_path: Path
) -> None:
    told = shake(postgres_engine, mosquitto_port, tmp_path, seed=1)

    assert told == steadily(sqlite_engine)
    assert left(postgres_engine) == left(sqlite_engine)
    assert left(postgres_engine)["counts"] == [(len(GATEWAYS) * 2 * HOURS, 0)]
    assert {meter_id for meter_id, _, _ in told} == {meters_of(name)[0] for name in GATEWAYS}


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 22))
def test_twenty_random_kills_lose_nothing(
    postgres_engine: Engine,
    sqlite_engine: Engine,
    mosquitto_port: int,
    tmp_path: Path,
    seed: int,
) -> None:
    told = shake(postgres_engine, mosquitto_port, tmp_path, seed)

    assert told == steadily(sqlite_engine)
    assert left(postgres_engine) == left(sqlite_engine)


@pytest.mark.parametrize("seed", range(4))
def test_replicas_that_take_turns_remember_nothing_that_another_one_changed(
    sqlite_engine: Engine, sqlite_template: Path, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    shared = [ReadingStore(is_shared=True) for _ in range(3)]
    alone, path = ReadingStore(), tmp_path / "alone.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    other = open_engine(f"sqlite:///{path}")
    for engine in (sqlite_engine, other):
        with engine.begin() as connection:
            found_partitions(connection)
    lots = [
        # a meter's readings come by any gateway, late ones and repeated ones among them
        replace(batch, gateway_id=chance.choice(GATEWAYS[:3]), epoch=number)
        for name in GATEWAYS[:2]
        for number, batch in enumerate(batches_of(name, 24)[:8])
    ]
    chance.shuffle(lots)
    for each in [*lots, *chance.sample(lots, 6)]:
        for engine, store in ((sqlite_engine, chance.choice(shared)), (other, alone)):
            with engine.begin() as connection:
                store.store_batches(connection, [each], NOON)
    found, expected = left(sqlite_engine), left(other)
    other.dispose()

    assert found == expected


def test_the_gateways_of_the_test_lie_in_partitions_of_their_own() -> None:
    assert len({partition_of(each) for each in GATEWAYS}) == len(GATEWAYS)


def test_replicas_need_postgresql() -> None:
    with pytest.raises(ConfigError, match=r"ingest\.replicas: needs PostgreSQL"):
        parse_config("[ingest]\nreplicas = true\n", place="server.toml", folder=Path())
