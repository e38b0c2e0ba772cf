"""Reads the tablet's clocks: wall, monotonic, and the name of the boot."""

import time
import uuid
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from field_app.store.ids_io import clamped_ms
from wire_contracts.clock import Clock
from wire_contracts.frames import LATEST_MS
from wire_contracts.operations import DeviceTime

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Linux and Android name every boot here."""


@runtime_checkable
class TellsElapsed(Protocol):
    """A clock beside whose wall time runs one that nobody sets."""

    def elapsed_s(self) -> float:
        """Return the seconds since a moment of this boot, sleep included; they only rise."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_utc(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(tz=UTC)

    def wall_seconds(self, seconds: float) -> float:
        """Return the seconds unchanged: this clock is the wall's."""
        return seconds

    def elapsed_s(self) -> float:
        """Return the seconds of this boot, sleep included."""
        return elapsed_s()


def read_boot_id() -> str:
    """Return the name of this boot, or one of this process where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip() or _drawn_boot_id()
    except OSError:
        return _drawn_boot_id()


@cache
def _drawn_boot_id() -> str:
    return str(uuid.uuid4())


class TapClock:
    """Stamps a tap with every clock the tablet has (trap T21)."""

    def __init__(self, clock: Clock) -> None:
        """Stamp with `clock`; the monotonic time runs at its rate."""
        self._clock = clock
        self._boot_id = read_boot_id()

    def elapsed_ms(self) -> int | None:
        """Return the time by the clock that nobody sets; None where the clock knows of none."""
        clock: object = self._clock
        return int(clock.elapsed_s() * 1000) if isinstance(clock, TellsElapsed) else None

    def stamp(self, offset_ms: int, contact_ms: int | None = None) -> DeviceTime:
        """Return the time of a tap.

        `offset_ms` is server minus tablet at the last contact, `contact_ms` the server's clock
        then, ms since 1970 UTC; None before any.
        """
        elapsed_ms = self.elapsed_ms()
        wall_s = self._clock.wall_seconds(1.0)
        rate = 1.0 / wall_s if wall_s > 0 else 1.0
        return DeviceTime(
            wall_ms=clamped_ms(self._clock.now_utc()),
            mono_ms=int(time.monotonic_ns() * rate) // 1_000_000
            if elapsed_ms is None
            else elapsed_ms,
            boot_id=self._boot_id,
            offset_ms=min(max(offset_ms, -LATEST_MS), LATEST_MS),
            contact_ms=None if contact_ms is None else min(max(contact_ms, 0), LATEST_MS),
        )


def elapsed_s() -> float:
    """Return wall seconds that only ever rise and go on while the machine sleeps.

    The monotonic clock of Linux and Android rests in sleep; that of Windows does not.
    """
    boot_clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_clock is None else time.clock_gettime(boot_clock)


def monotonic_s() -> float:
    """Return wall seconds that only ever rise, to measure how long something took."""
    return time.monotonic()
