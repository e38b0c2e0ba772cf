"""Decides what time it must be at the server by now, and so whether the lease has ended (R4)."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from wire_contracts.operations import DeviceTime

DEFAULT_LEASE: Final = timedelta(days=7)
"""RULINGS R4; used when a server gives no date of its own."""

WINDOW: Final = timedelta(hours=48)
"""RULINGS R19: what the server allowed at a contact was due within 48 hours of it, or under way."""


_CLOCKS_AGREE_MS: Final = 120_000
"""A wall clock that is further off than this since the contact was set (sync spec 1.6, T21)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseClock:
    """The latest that the server's clock was known to stand at, and our own clocks then.

    Attributes:
        server_ms: The server's clock, ms since 1970 UTC.
        mono_ms: The tablet's monotonic clock at that moment.
        boot_id: Names the boot that `mono_ms` belongs to.
    """

    server_ms: int
    mono_ms: int
    boot_id: str


def contact_clock(server_now_ms: int, at: DeviceTime) -> LeaseClock:
    """Return the clock as the server has just told it: its word stands, forward or back."""
    return LeaseClock(server_ms=server_now_ms, mono_ms=at.mono_ms, boot_id=at.boot_id)


def since_contact(contact: LeaseClock, now: DeviceTime, *, counts_sleep: bool) -> DeviceTime:
    """Return the time of a tap with what is known of the server's clock since the last contact.

    Inside one boot its own clock carries that on, whoever sets the wall clock, where it goes on
    while the tablet sleeps (`counts_sleep`). After a restart nothing does, and the tap says so.
    """
    if now.boot_id != contact.boot_id:
        return replace(now, is_restarted=True)
    passed_ms = now.mono_ms - contact.mono_ms
    offset_ms = contact.server_ms + passed_ms - now.wall_ms
    is_set = passed_ms >= 0 and abs(offset_ms - now.offset_ms) > _CLOCKS_AGREE_MS
    return replace(now, offset_ms=offset_ms) if counts_sleep and is_set else now


def advance(clock: LeaseClock, now: DeviceTime) -> LeaseClock:
    """Return the clock as it stands now; it never goes back, whatever is done to the wall clock.

    Inside one boot the monotonic clock carries it on. After a restart it goes on from the last
    known time by the time since that start, or by the wall clock where that is further: a wall
    clock that was set forward ends a lease early, and the next contact puts it right.
    """
    is_same_boot = now.boot_id == clock.boot_id and now.mono_ms >= clock.mono_ms
    passed_ms = now.mono_ms - clock.mono_ms if is_same_boot else now.mono_ms
    by_wall_ms = now.wall_ms + now.offset_ms
    server_ms = max(clock.server_ms + passed_ms, by_wall_ms)
    return LeaseClock(server_ms=server_ms, mono_ms=now.mono_ms, boot_id=now.boot_id)


def lease_end_ms(lease_until_ms: int | None, last_server_ms: int) -> int:
    """Return when the lease ends by the server's clock; 7 days after the contact by default."""
    if lease_until_ms is not None:
        return lease_until_ms
    return last_server_ms + DEFAULT_LEASE // timedelta(milliseconds=1)
