"""The clock of the machine."""

from datetime import UTC, datetime


class SystemClock:
    """Time as the operating system tells it: one second takes one second."""

    def now_utc(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(tz=UTC)

    def wall_seconds(self, seconds: float) -> float:
        """Return the same number."""
        return seconds
