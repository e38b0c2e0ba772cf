"""Now, as the gateway counts it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now, twice: in the gateway's clock, and in monotonic seconds of the wall's."""

    utc: datetime
    wall_s: float
