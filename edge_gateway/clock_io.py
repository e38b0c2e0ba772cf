"""The clocks of a gateway outside the demo: the system's own."""

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STA_UNSYNC = 0x0040
"""Status bit of `adjtimex` while no time server keeps the clock; linux/timex.h."""

_LONG_BYTES = ctypes.sizeof(ctypes.c_long)
_TIMEX_BYTES = 1024
_LARGEST_ERROR_AT = 3 * _LONG_BYTES
"""Behind modes (an int, padded), offset and frequency; all are longs."""

_STATUS_AT = 5 * _LONG_BYTES
"""Behind the largest and the estimated error."""

_UNKNOWN_ERROR_US = 16_000_000
"""The largest error that the kernel counts to: it stands there from the start, after the clock was
set by hand, and some nine hours after the last word of a time server; `timedatectl` looks at it,
too, because not every service clears the status bit."""


class SystemClock:
    """Town time and wall time are the same."""

    def now_utc(self) -> datetime:
        """Return the system's present moment in UTC."""
        return datetime.now(UTC)

    def wall_seconds(self, seconds: float) -> float:
        """Return `seconds`: this clock runs as fast as the wall's."""
        return seconds


class KernelTime:
    """What the Linux kernel knows of time beside the clock."""

    def __init__(self) -> None:
        """Read which start of the machine this is."""
        self._boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
        self._library = ctypes.CDLL(None)

    @property
    def boot_id(self) -> str:
        """Which start of the machine this is."""
        return self._boot_id

    def uptime_ms(self) -> int:
        """Return the milliseconds since that start, sleep included."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def is_synchronised(self) -> bool:
        """Return whether a time server keeps the clock, as chrony, ntpd or timesyncd tell."""
        timex = ctypes.create_string_buffer(_TIMEX_BYTES)
        asked = self._library.adjtimex(timex)
        status = ctypes.c_int.from_buffer(timex, _STATUS_AT).value
        largest_error_us = ctypes.c_long.from_buffer(timex, _LARGEST_ERROR_AT).value
        return asked >= 0 and is_kept(status, largest_error_us)


def is_kept(status: int, largest_error_us: int) -> bool:
    """Return whether a time server keeps the clock, by what `adjtimex` says.

    Setting the clock by hand takes both signs away; the file that systemd's time service leaves
    behind stays, and is not asked.
    """
    return not status & _STA_UNSYNC or largest_error_us < _UNKNOWN_ERROR_US
