"""The protocol under a network that misbehaves, with pinned seeds."""

import pytest
from sqlalchemy import Engine

from tests.sync_server.real_parts import HandClock
from tests.sync_server.sync_simulation import simulate, violations


@pytest.mark.parametrize("seed", [3, 17, 41, 99, 2026])
def test_no_invariant_breaks_when_the_network_misbehaves(
    sqlite_engine: Engine, clock: HandClock, seed: int
) -> None:
    simulation = simulate(sqlite_engine, clock, seed)

    assert violations(simulation) == []
