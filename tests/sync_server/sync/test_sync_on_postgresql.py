"""The same histories on PostgreSQL, with transactions that stand open and commit in any order."""

from collections.abc import Iterator

import pytest

from tests.sync_simulation.one_seed import run_on_postgresql
from tests.sync_simulation.rules_of_server import sequence_of_a_counter
from tests.sync_simulation.server_memory import found_pinned
from tests.sync_simulation.server_postgres import PostgresServer, new_server
from tests.sync_simulation.town import Town

SEEDS = 4
NIGHTLY_SEEDS = 100


@pytest.fixture
def server(postgres_url: str, postgres_template: str) -> Iterator[tuple[PostgresServer, Town]]:
    found = new_server(postgres_url, postgres_template)
    yield found, found_pinned(found.engine)
    found.drop()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_invariant_breaks_on_postgresql(server: tuple[PostgresServer, Town], seed: int) -> None:
    assert run_on_postgresql(*server, seed) == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(SEEDS, NIGHTLY_SEEDS))
def test_no_invariant_breaks_in_a_hundred_histories_on_postgresql(
    server: tuple[PostgresServer, Town], seed: int
) -> None:
    assert run_on_postgresql(*server, seed) == []


def test_a_sequence_outside_the_commit_is_caught(
    server: tuple[PostgresServer, Town], monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence_of_a_counter(monkeypatch)

    assert run_on_postgresql(*server, 0)
