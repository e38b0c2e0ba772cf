"""Turns what one job read into a frame; a read that failed is a frame without values."""

from datetime import datetime

from edge_gateway.links.driver import JobKind, JobRead
from wire_contracts.frames import Frame

UNNUMBERED = 0
"""The seq of a frame that the queue has not taken yet."""


def build_frame(
    job: JobKind, read: JobRead, measured_at_utc: datetime, *, is_raw_kept: bool
) -> Frame:
    """Return the unnumbered frame of one job.

    What was not answered is a quality without a value, never a zero.

    Args:
        job: Which meter and group.
        read: What the driver brought.
        measured_at_utc: When the first request was sent.
        is_raw_kept: Whether the words or the telegram travel with the values (RULINGS R17).
    """
    return Frame(
        seq=UNNUMBERED,
        device=job.serial,
        measured_at_utc=measured_at_utc,
        profile=read.profile,
        group=job.group,
        values=read.values,
        quality=read.quality,
        events=read.events,
        raw=read.raw if is_raw_kept else None,
    )
