"""A real server database and a real tablet folder for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from field_app.crew import HeadlessCrew
from field_app.presenters.round_parts import RoundParts
from field_app.store.identity_io import save_identity
from field_app.tablet import Tablet
from tests.field_app.office_parts import BadNetwork, FoundedOffice, Office, found_office
from tests.field_app.round_parts import rounds_of
from tests.field_app.site_parts import working_tablet, working_town
from tests.field_app_ui.town_office import TownOffice
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


@pytest.fixture
def town() -> TownOffice:
    """The office of three orders in which a tablet works without a server; files have others."""
    return working_town()


@pytest.fixture
def tablet(tmp_path: Path, town: TownOffice) -> Iterator[Tablet]:
    """A tablet at work in that town."""
    with working_tablet(tmp_path, town) as tablet:
        yield tablet


@pytest.fixture
def parts(tablet: Tablet, town: TownOffice) -> RoundParts:
    """What the rounds of that tablet are made of."""
    return rounds_of(tablet, town)
