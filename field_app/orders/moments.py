"""Decides how long something lasted on a tablet whose wall clock people and networks set."""

from typing import Final, NamedTuple

from field_app.store.saved_at import SavedAt
from wire_contracts.frames import LATEST_MS
from wire_contracts.operations import DeviceTime

_LONG_AGO_MS: Final = LATEST_MS
"""How old a moment is of which only the wall tells, and which lies in its future."""

_CLOCKS_AGREE_MS: Final = 5_000
"""Two clocks that differ by less are taken for one."""


class TimerMoment(NamedTuple):
    """A moment by the clocks that a wait is measured with.

    Attributes:
        wall_ms: The tablet's wall clock, which people and networks set.
        elapsed_ms: The clock of the boot, which nobody sets; None where there is none.
        boot_id: Names that boot.
    """

    wall_ms: int
    elapsed_ms: int | None = None
    boot_id: str = ""

    @property
    def text(self) -> str:
        """Return it as a draft keeps it."""
        if self.elapsed_ms is None:
            return str(self.wall_ms)
        return f"{self.wall_ms}/{self.elapsed_ms}/{self.boot_id}"

    def since(self, start: "TimerMoment") -> int | None:
        """Return the milliseconds that have surely passed since, never less than nothing.

        Where somebody set the wall clock meanwhile the other one counts: what is watched before a
        flame is lit lasts long enough. None after a restart: nobody can say how long it took.
        """
        wall_ms = max(self.wall_ms - start.wall_ms, 0)
        if self.elapsed_ms is None or start.elapsed_ms is None:
            return wall_ms
        if self.boot_id != start.boot_id:
            return None
        return min(wall_ms, max(self.elapsed_ms - start.elapsed_ms, 0))

    def wall_ms_of(self, former: "TimerMoment") -> int:
        """Return when a former moment was, by the wall clock as it goes now.

        The longer of both clocks counts: one that is set back makes no air of before fresh.
        """
        if self.elapsed_ms is None or former.elapsed_ms is None or self.boot_id != former.boot_id:
            return former.wall_ms
        return min(former.wall_ms, self.wall_ms - (self.elapsed_ms - former.elapsed_ms))

    def age_ms(self, former: "TimerMoment") -> int:
        """Return how old a former moment is by the clock that says longer: what is good grows old.

        After a restart the wall's alone is left; what lies in its future is less than nothing old.
        """
        return self.wall_ms - self.wall_ms_of(former)

    def surely_ms(self, former: "TimerMoment") -> int:
        """Return how old a former moment is at least: what is bad stays while it may be new.

        After a restart the wall's clock alone is left.
        """
        passed_ms = self.since(former)
        return self.wall_ms - former.wall_ms if passed_ms is None else passed_ms

    def earlier(self, by_ms: int) -> "TimerMoment":
        """Return the moment so many milliseconds before."""
        elapsed_ms = None if self.elapsed_ms is None else self.elapsed_ms - by_ms
        return self._replace(wall_ms=self.wall_ms - by_ms, elapsed_ms=elapsed_ms)


def moment_at(at: DeviceTime) -> TimerMoment:
    """Return the moment of a tap."""
    return TimerMoment(at.wall_ms, at.mono_ms, at.boot_id)


def moment_kept(at: SavedAt) -> TimerMoment:
    """Return the moment at which an answer was kept."""
    return TimerMoment(at.wall_ms, at.elapsed_ms, at.boot_id)


def passed_ms(since: DeviceTime, now: DeviceTime) -> int:
    """Return how long ago a tap was by the clock that says longer.

    What is asked after a while is asked too early and never too late: after a restart a moment
    that lies in the future of the wall's clock is so long ago that it must be asked now.
    """
    wall_ms = now.wall_ms - since.wall_ms
    age_ms = moment_at(now).age_ms(moment_at(since))
    if age_ms < 0 and since.boot_id != now.boot_id:
        return _LONG_AGO_MS
    return age_ms if age_ms - wall_ms > _CLOCKS_AGREE_MS else wall_ms


def surely_passed_ms(since: DeviceTime, now: DeviceTime) -> int:
    """Return how long ago a tap was at least: what ends by itself ends late, never early.

    A wall clock that the network puts right by days ends no watch.
    """
    return moment_at(now).surely_ms(moment_at(since))


def moment_of(text: str) -> TimerMoment | None:
    """Return the moment that a draft keeps, None when it keeps none."""
    wall, _, rest = text.partition("/")
    elapsed, _, boot_id = rest.partition("/")
    if not wall.isdecimal():
        return None
    return TimerMoment(int(wall), int(elapsed) if elapsed.isdecimal() else None, boot_id)


def typed_ms(text: str, now: TimerMoment) -> int | None:
    """Return when a value was typed, by the wall clock as it goes now; None: nobody knows.

    `text` is the moment as a draft keeps it.
    """
    kept = moment_of(text)
    return None if kept is None else now.wall_ms_of(kept)
