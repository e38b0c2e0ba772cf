"""What rules of a form may ask the machine for: the site's clock, chance, new ids."""

import random
import uuid
from datetime import datetime, tzinfo

from wire_contracts.clock import Clock
from wire_contracts.forms.functions import Surroundings


def surroundings(clock: Clock, zone: tzinfo | None) -> Surroundings:
    """Return the surroundings of forms at a site; without a zone the machine's own counts."""

    def now() -> datetime:
        return clock.now_utc().astimezone(zone)

    return Surroundings(
        now=now,
        random=random.random,
        uuid=lambda: str(uuid.uuid4()),
    )
