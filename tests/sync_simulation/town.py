"""The people, crews and tablets of the simulated utility."""

from dataclasses import dataclass

from sqlalchemy import Engine

from sync_server.access.account_store import Crew, create_crew
from sync_server.access.roles import Role
from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.server_store import server_epoch
from tests.sync_server.people_parts import enrol, person
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import found_town, new_meter
from wire_contracts.sync import OLDEST_PROTOCOL, PROTOCOL

CREWS = ("crew-1", "crew-2")
AREAS = ("north", "south")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One tablet, who may work on it, and which version of the protocol its app speaks."""

    identity: TabletIdentity
    actors: tuple[str, ...]
    protocol: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Who is there: a dispatcher, and three tablets of two crews."""

    dispatcher: str
    seats: tuple[Seat, ...]


def found_town_of_crews(engine: Engine) -> Town:
    """Return who is on a migrated, empty server from now on; the third tablet's app is old."""
    with engine.begin() as connection:
        server_epoch(connection)
        found_town(connection, [new_meter("M-1")])
        for number, crew_id in enumerate(CREWS, 1):
            crew = Crew(crew_id=crew_id, name=f"Repair {number}", area_ids=("north",))
            create_crew(connection, crew, NOON)
        dispatcher = person(connection, "dispatch", Role.DISPATCHER)
        wang = person(connection, "wang", Role.CREW_MEMBER, "crew-1")
        zhao = person(connection, "zhao", Role.CREW_MEMBER, "crew-1")
        lee = person(connection, "li", Role.CREW_MEMBER, "crew-2")
        first_crew = (wang.account_id, zhao.account_id)
        plan = (
            ("crew-1", first_crew, PROTOCOL),
            ("crew-1", first_crew, PROTOCOL),
            ("crew-2", (lee.account_id,), max(OLDEST_PROTOCOL, PROTOCOL - 1)),
        )
        seats = tuple(
            Seat(
                identity=enrol(connection, crew_id, f"tablet {number}"),
                actors=actors,
                protocol=protocol,
            )
            for number, (crew_id, actors, protocol) in enumerate(plan)
        )
    return Town(dispatcher=dispatcher.account_id, seats=seats)
