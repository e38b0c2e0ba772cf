"""Now, as the gateway counts it."""

from datetime import datetime
from typing import NamedTuple


class Moment(NamedTuple):
    """Now, twice: in the gateway's clock, and in monotonic seconds of the wall's."""

    utc: datetime
    wall_s: float
