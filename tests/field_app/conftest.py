"""A real server database and a real tablet folder for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from field_app.crew import HeadlessCrew
from field_app.store.identity_io import save_identity
from tests.field_app.office_parts import BadNetwork, FoundedOffice, Office, found_office
from tests.sync_server.real_parts import HandClock


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> FoundedOffice:
    """A server's file with two crews, three meters and a dispatcher."""
    return found_office(tmp_path_factory.mktemp("server") / "template.sqlite3")


@pytest.fixture
def server_engine(tmp_path: Path, founded: FoundedOffice) -> Iterator[Engine]:
    engine = founded.copy_to(tmp_path / "server.sqlite3")
    yield engine
    engine.dispose()


@pytest.fixture
def office(founded: FoundedOffice, server_engine: Engine, hand_clock: HandClock) -> Office:
    return founded.office(server_engine, hand_clock)


@pytest.fixture
def network(office: Office) -> BadNetwork:
    return BadNetwork(office.api())


@pytest.fixture
def crew(tmp_path: Path, office: Office, network: BadNetwork) -> Iterator[HeadlessCrew]:
    """Crew 1 with its tablet, enrolled, talking to the office in-process."""
    folder = tmp_path / "tablet"
    save_identity(folder, office.identity())
    found = HeadlessCrew(folder, office.clock, connect=lambda _identity: network)
    yield found
    found.close()
