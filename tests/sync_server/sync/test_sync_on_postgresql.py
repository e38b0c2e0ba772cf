"""The same histories on PostgreSQL, with transactions that stand open and commit in any order."""

from collections.abc import Iterator

import pytest

from sync_server.sync.service import SyncService
from tests.sync_server.people_parts import Pen
from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.one_seed import SHORT, run_on_postgresql
from tests.sync_simulation.rules_of_server import sequence_of_a_counter
from tests.sync_simulation.server_memory import found_pinned
from tests.sync_simulation.server_postgres import PostgresServer, new_server
from tests.sync_simulation.town import Town
from wire_contracts.codes import Code
from wire_contracts.operations import OperationKind, WrittenPush, write_operation

SEEDS = 4
"""A history costs 1.3 s of this process and as much of PostgreSQL, four times one on SQLite; its
database a tenth of a second. Every night runs as many as on SQLite."""

SHORT_SEEDS = 20
"""As many histories again begin, and rest after SHORT steps, in a third of the time."""

NIGHTLY_SEEDS = 2000

TELLING_SEED = 3
"""Of fourteen histories with a counter for a cursor thirteen break I5 or I12, this one 9 times."""


@pytest.fixture
def server(postgres_url: str, postgres_template: str) -> Iterator[tuple[PostgresServer, Town]]:
    found = new_server(postgres_url, postgres_template, PostgresServer)
    yield found, found_pinned(found.engine)
    found.drop()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_invariant_breaks_on_postgresql(server: tuple[PostgresServer, Town], seed: int) -> None:
    assert run_on_postgresql(*server, seed) == []


@pytest.mark.parametrize("seed", range(SEEDS, SHORT_SEEDS))
def test_no_invariant_breaks_in_short_histories_on_postgresql(
    server: tuple[PostgresServer, Town], seed: int
) -> None:
    assert run_on_postgresql(*server, seed, steps=SHORT) == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(SEEDS, NIGHTLY_SEEDS))
def test_no_invariant_breaks_in_two_thousand_histories_on_postgresql(
    server: tuple[PostgresServer, Town], seed: int
) -> None:
    assert run_on_postgresql(*server, seed) == []


def test_a_name_with_a_nul_in_it_delays_no_other(server: tuple[PostgresServer, Town]) -> None:
    engine, town = server[0].engine, server[1]
    service = SyncService(engine, HandClock())
    pen = Pen(actor=town.seats[0].actors[0], clock=HandClock())
    poisons = [
        pen.set("no\0order", "note", "", "x"),
        pen.operation(OperationKind.SET, "x", "note", entity="work\0order", new="x"),
        pen.answers("no\0order"),
    ]
    good = pen.answers("not-known-yet")
    push = WrittenPush(
        replica_id="r\0", bodies=[write_operation(each) for each in (*poisons, good)], protocol=2
    )

    answer = service.for_tablet(town.seats[0].identity).push(push)

    assert [each.code for each in answer.results] == [*[Code.FIELD_RANGE] * 3, Code.GONE]


def test_a_sequence_outside_the_commit_is_caught(
    server: tuple[PostgresServer, Town], monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence_of_a_counter(monkeypatch)

    assert run_on_postgresql(*server, TELLING_SEED)
