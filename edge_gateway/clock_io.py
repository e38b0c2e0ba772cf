"""The clocks of a gateway outside the demo: the system's own."""

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNC = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC = 0x0040
"""Status bit of `adjtimex` while no time server keeps the clock; linux/timex.h."""

_TIMEX_BYTES = 1024
_STATUS_AT = 5 * ctypes.sizeof(ctypes.c_long)
"""Behind modes (an int, padded), offset, frequency, largest and estimated error; all are longs."""


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
        return (asked >= 0 and not status & _STA_UNSYNC) or _TIMESYNC.exists()
