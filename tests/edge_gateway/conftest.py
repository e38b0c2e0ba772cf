"""What tests of the gateway may ask for."""

import pytest

from edge_gateway.links import patience


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold no unit to a habit of milliseconds: a busy machine is late, not its meters."""
    monkeypatch.setattr(patience, "SHORTEST_S", 30.0)
