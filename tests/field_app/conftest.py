"""A real server database and a real tablet folder for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from field_app.crew import HeadlessCrew
from field_app.store.identity_io import save_identity
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from tests.field_app.office_parts import BadNetwork, Office, open_office
from tests.sync_server.real_parts import HandClock


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def server_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated server file that each test copies."""
    path = tmp_path_factory.mktemp("server") / "template.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def server_engine(tmp_path: Path, server_template: Path) -> Iterator[Engine]:
    path = tmp_path / "server.sqlite3"
    path.write_bytes(server_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture
def office(server_engine: Engine, hand_clock: HandClock) -> Office:
    return open_office(server_engine, hand_clock)


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
