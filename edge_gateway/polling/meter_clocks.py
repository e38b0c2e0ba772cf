"""How far the meters' own clocks are off: looked at once a day, never the time of a frame."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

LOOKED_AT_AFTER = timedelta(days=1)
"""Between two looks at one meter's clock; gateway notes 5."""


class MeterClocks:
    """The clocks of the meters of one link; used by one thread.

    Attributes:
        drifts_s: Serial to seconds that its clock is ahead, negative when it is behind.
    """

    def __init__(self, zone: tzinfo, limit_s: float) -> None:
        """Take the zone that the meters' clocks are meant in, and how far they may be off."""
        self.drifts_s: Mapping[str, float] = {}
        self._zone = zone
        self._limit_s = limit_s
        self._looked_at_utc: dict[str, datetime] = {}

    def look(self, serial: str, shown: datetime, at_utc: datetime) -> float | None:
        """Return the drift in seconds when it is too large and was not reported today.

        Args:
            serial: The meter.
            shown: What its clock says; without a zone it is local time.
            at_utc: When it was read.
        """
        looked = self._looked_at_utc.get(serial)
        if looked is not None and looked <= at_utc < looked + LOOKED_AT_AFTER:
            return None
        self._looked_at_utc[serial] = at_utc
        drift_s = drift_seconds(shown, at_utc, self._zone)
        self.drifts_s = {**self.drifts_s, serial: drift_s}
        return drift_s if abs(drift_s) > self._limit_s else None


def drift_seconds(shown: datetime, at_utc: datetime, zone: tzinfo) -> float:
    """Return how far a clock is ahead; of an hour that comes twice the nearer one is meant."""
    if shown.tzinfo is not None:
        return (shown - at_utc).total_seconds()
    readings = [shown.replace(tzinfo=zone, fold=fold) - at_utc for fold in (0, 1)]
    return min((each.total_seconds() for each in readings), key=abs)
