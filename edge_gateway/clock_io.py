"""The clock of a gateway outside the demo: the system's own."""

from datetime import UTC, datetime


class SystemClock:
    """Town time and wall time are the same."""

    def now_utc(self) -> datetime:
        """Return the system's present moment in UTC."""
        return datetime.now(UTC)

    def wall_seconds(self, seconds: float) -> float:
        """Return `seconds`: this clock runs as fast as the wall's."""
        return seconds
