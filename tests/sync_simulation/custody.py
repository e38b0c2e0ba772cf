"""What becomes of tablets as things: withdrawn by the office, enrolled anew, poked."""

import random
from dataclasses import dataclass

from sqlalchemy import Engine

from sync_server.access.tablet_store import (
    TabletIdentity,
    enrol_tablet,
    issue_enrolment_code,
    revoke_tablet,
    tablet_of_token,
)
from sync_server.db.engine_io import reading
from sync_server.sync.poke_store import revoked_among
from tests.sync_server.real_parts import HandClock
from tests.sync_simulation.tablets import SimulatedTablet
from wire_contracts.enrolment import EnrolRequest


@dataclass(slots=True, kw_only=True)
class Custody:
    """The office's cupboard of tablets."""

    engine: Engine
    clock: HandClock
    dispatcher: str
    rng: random.Random

    def withdraw(self, tablet: SimulatedTablet) -> None:
        """End the tablet's access; it hears of that at its next contact."""
        tablet_id = tablet.seat.identity.tablet_id
        with self.engine.begin() as connection:
            revoke_tablet(connection, tablet_id, self.dispatcher, self.clock.now_utc())

    def enrol_anew(self, tablet: SimulatedTablet) -> None:
        """Give the crew a one-time code; from then on it is another tablet to the office."""
        tablet.take_new_identity(self._identity(tablet.seat.identity.crew_id, tablet.name))

    def is_withdrawn(self, tablet: SimulatedTablet) -> bool:
        """Return whether the office has ended the access that the tablet uses."""
        tablet_id = tablet.seat.identity.tablet_id
        with reading(self.engine) as connection:
            return bool(revoked_among(connection, [tablet_id]))

    def _identity(self, crew_id: str, name: str) -> TabletIdentity:
        now_utc = self.clock.now_utc()
        with self.engine.begin() as connection:
            code = issue_enrolment_code(connection, crew_id, self.dispatcher, now_utc)
            answer = enrol_tablet(connection, EnrolRequest(code=code.code, name=name), now_utc)
            return tablet_of_token(connection, answer.token, now_utc)
