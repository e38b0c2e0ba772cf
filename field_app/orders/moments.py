"""Decides how long something lasted on a tablet whose wall clock people and networks set."""

from typing import NamedTuple


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
