"""A cluster of three RabbitMQ nodes loses one; the replicas lose nothing and double nothing."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.sync_server.readings.rabbit_cluster import HOMES, NODES, START_WITHIN_S, RabbitCluster
from tests.sync_server.readings.replica_town import (
    GATEWAYS,
    HOURS,
    Gateways,
    Replica,
    batches_of,
    found_partitions,
)
from tests.sync_server.readings.test_ingest_replicas import left, steadily, told_by
from tests.sync_server.real_parts import wait_until

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(
        not HOMES, reason="RabbitMQ is not installed: apt-get install rabbitmq-server"
    ),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RabbitCluster]:
    folder = Path(tempfile.mkdtemp(prefix="lamp-rabbit-"))
    found = RabbitCluster(folder)
    yield found
    found.close()
    shutil.rmtree(folder)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(20))
def test_a_lost_node_of_three_loses_nothing_and_doubles_nothing(
    cluster: RabbitCluster,
    postgres_engine: Engine,
    sqlite_engine: Engine,
    tmp_path: Path,
    seed: int,
) -> None:
    chance = random.Random(seed)
    with postgres_engine.begin() as connection:
        found_partitions(connection)
    batches = [each for name in GATEWAYS for each in batches_of(name, 24)]
    chance.shuffle(batches)
    victim = chance.randint(1, NODES)
    with ExitStack() as stack:
        for number in range(2):
            replica = Replica(postgres_engine, cluster.port, tmp_path / f"{number}.log")
            stack.callback(replica.end)
        gateways = Gateways(cluster.port, batches)
        stack.callback(gateways.close)
        mark = chance.randint(len(batches) // 4, len(batches) * 3 // 4)
        wait_until(lambda: gateways.waiting_count <= mark, within_s=240)
        cluster.kill(victim)
        wait_until(lambda: gateways.waiting_count == 0, within_s=240)
        cluster.start(victim)
    wait_until(cluster.is_whole, within_s=START_WITHIN_S)

    assert told_by(postgres_engine) == steadily(sqlite_engine)
    assert left(postgres_engine) == left(sqlite_engine)
    assert left(postgres_engine)["counts"] == [(len(GATEWAYS) * 2 * HOURS, 0)]
