"""Decides when a tap happened, from all the clocks a tablet has (trap T21)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.operations import DeviceTime

SUSPECT_OFFSET = timedelta(minutes=2)
"""A clock further off than this is flagged (sync spec 1.6, T21)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTime:
    """The corrected moment, and whether the tablet's clock must be doubted."""

    at_utc: datetime
    is_suspect: bool


def corrected_time(
    at: DeviceTime, *, earliest_utc: datetime, received_at_utc: datetime
) -> EventTime:
    """Return the tap's time on the server's clock, between enrolment and receipt.

    The tablet's wall clock plus its known offset; what lies outside is moved to the nearer end.
    """
    corrected_ms = at.wall_ms + at.offset_ms
    low_ms, high_ms = ms_from_utc(earliest_utc), ms_from_utc(received_at_utc)
    clamped_ms = max(min(low_ms, high_ms), min(corrected_ms, high_ms))
    is_far = abs(at.offset_ms) > SUSPECT_OFFSET // timedelta(milliseconds=1)
    return EventTime(
        at_utc=utc_from_ms(clamped_ms), is_suspect=is_far or clamped_ms != corrected_ms
    )
