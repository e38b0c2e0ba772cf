"""Writers of one PostgreSQL work beside each other and leave what one writer would."""

import queue
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import OperationalError

from sync_server.assets.asset_store import add_gateway
from sync_server.db.arrival_rows import unpack_rows
from sync_server.db.detection_tables import READING_ARRIVAL
from sync_server.db.engine_io import reading
from sync_server.db.ingest_turns import take_everything, take_partitions
from sync_server.readings.reading_store import ReadingStore
from tests.sync_server.readings.replica_town import GATEWAYS, batches_of, found_partitions
from tests.sync_server.readings.test_ingest_replicas import left
from tests.sync_server.real_parts import NOON, wait_until
from wire_contracts.frames import Batch
from wire_contracts.topics import partition_of

FIRST, SECOND = GATEWAYS[:2]


@pytest.fixture
def town(postgres_engine: Engine) -> Engine:
    """A town of which every meter has been heard."""
    store = ReadingStore(is_shared=True)
    with postgres_engine.begin() as connection:
        found_partitions(connection)
    for name in GATEWAYS:
        with postgres_engine.begin() as connection:
            store.store_batches(connection, [_every_meter(name)], NOON)
    return postgres_engine


def _every_meter(gateway_id: str) -> Batch:
    frames = [each.frames[0] for each in batches_of(gateway_id, 24)[::8]]
    return Batch(gateway_id=gateway_id, epoch=6, frames=frames)


@contextmanager
def _impatient(engine: Engine) -> Iterator[Connection]:
    """Yield a transaction that fails where it would have to wait."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '200ms'"))
        yield connection


def _is_refused(engine: Engine, batch: Batch) -> bool:
    try:
        with _impatient(engine) as connection:
            ReadingStore(is_shared=True).store_batches(connection, [batch], NOON)
    except OperationalError:
        return True
    return False


def test_a_writer_waits_for_its_own_partition_and_for_no_other(town: Engine) -> None:
    with town.begin() as other:
        take_partitions(other, {partition_of(FIRST)})
        is_own_refused = _is_refused(town, batches_of(FIRST, 24)[0])
        is_others_refused = _is_refused(town, batches_of(SECOND, 24)[0])

    assert is_own_refused
    assert not is_others_refused


def test_a_meter_of_another_partition_or_of_none_needs_the_place_for_itself(
    town: Engine,
) -> None:
    moved = replace(batches_of(SECOND, 24)[1], gateway_id=FIRST)
    with town.begin() as other:
        take_partitions(other, {partition_of(GATEWAYS[2])})
        is_moved_refused = _is_refused(town, moved)
    is_refused_alone = _is_refused(town, moved)

    assert is_moved_refused
    assert not is_refused_alone


def test_whoever_changes_the_assets_waits_for_every_writer(town: Engine) -> None:
    with town.begin() as other:
        take_partitions(other, {partition_of(FIRST)})
        with pytest.raises(OperationalError), _impatient(town) as connection:
            add_gateway(connection, "gw-new", "new", NOON)
    with town.begin() as other:
        take_everything(other)
        is_refused = _is_refused(town, batches_of(FIRST, 24)[0])

    assert is_refused


def test_detection_can_follow_by_number_because_numbers_are_committed_in_order(
    town: Engine,
) -> None:
    before = _arrivals(town)
    with town.begin() as first:
        ReadingStore(is_shared=True).store_batches(first, [batches_of(FIRST, 24)[0]], NOON)
        second = threading.Thread(target=_store, args=(town, batches_of(SECOND, 24)[0]))
        second.start()
        wait_until(lambda: _is_somebody_waiting(town))
        while_first_is_open = _arrivals(town)
    second.join()

    assert while_first_is_open == before
    assert [meters for _, meters in _arrivals(town)[len(before) :]] == [{"M-010"}, {"M-020"}]


def _store(engine: Engine, batch: Batch) -> None:
    with engine.begin() as connection:
        ReadingStore(is_shared=True).store_batches(connection, [batch], NOON)


def _arrivals(engine: Engine) -> Sequence[tuple[int, set[str]]]:
    with reading(engine) as connection:
        rows = connection.execute(select(READING_ARRIVAL).order_by(READING_ARRIVAL.c.arrival_id))
        return [(row.arrival_id, set(unpack_rows(row.body, 0).meter_ids)) for row in rows]


def _is_somebody_waiting(engine: Engine) -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with reading(engine) as connection:
        return bool(connection.execute(waiting).scalar_one())


@pytest.mark.parametrize("seed", range(3))
def test_writers_at_work_at_once_leave_what_one_writer_does(
    postgres_engine: Engine, sqlite_engine: Engine, seed: int
) -> None:
    chance = random.Random(seed)
    lots = [
        # most by their own gateway; some meters' readings come by another one, late or repeated
        replace(batch, gateway_id=chance.choice((name, name, name, FIRST)), epoch=number + 1)
        for place, name in enumerate(GATEWAYS[:3])
        for number, batch in enumerate(batches_of(name, 24)[:6], start=10 * place)
    ]
    lots += chance.sample(lots, 6)
    chance.shuffle(lots)
    for engine in (postgres_engine, sqlite_engine):
        with engine.begin() as connection:
            found_partitions(connection)
    _at_once(postgres_engine, lots)
    store = ReadingStore()
    for each in lots:
        with sqlite_engine.begin() as connection:
            store.store_batches(connection, [each], NOON)

    assert left(postgres_engine) == left(sqlite_engine)


def _at_once(engine: Engine, lots: Sequence[Batch]) -> None:
    waiting: queue.SimpleQueue[Batch] = queue.SimpleQueue()
    for each in lots:
        waiting.put(each)
    failed: list[BaseException] = []

    def work() -> None:
        store = ReadingStore(is_shared=True)
        try:
            while not waiting.empty():
                with engine.begin() as connection:
                    store.store_batches(connection, [waiting.get_nowait()], NOON)
        except queue.Empty:
            return
        except BaseException as error:  # noqa: BLE001  # told below, in the test's own thread
            failed.append(error)

    writers = [threading.Thread(target=work) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
