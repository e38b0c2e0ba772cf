"""What a job heard, before anybody works out what it means.

The next meter can be asked meanwhile: it takes longer to answer than words take to become a frame.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from edge_gateway.links.driver import Driver, JobKind, JobRead


class Heard(NamedTuple):
    """What the poller must know before it goes on to the next job; one is made for each frame.

    Attributes:
        has_answered: Whether the meter said anything; an exception is an answer.
        is_link_down: Whether the link could not be opened, so that no meter is to blame.
        read: Works out the whole; once, in the line's own thread, before the meter's job after
            the next.
        has_asked: Whether anything was asked: where all is refused a job may ask nothing, and tells
            nothing of the meter.
    """

    has_answered: bool
    is_link_down: bool
    read: Callable[[], JobRead]
    has_asked: bool = True


Meanwhile = Callable[[], None]
"""Work that is done while a meter is about to answer; it does not touch the line."""

Hear = Callable[[JobKind, int, Meanwhile, datetime], Heard]
"""Runs a job with so many repetitions; the work is done once a request is on its way, if any is.
The moment is when the job was begun, in the gateway's clock."""


def hear_by(driver: Driver) -> Hear:
    """Return how a driver is heard that works everything out at once."""

    def hear(job: JobKind, retry_count: int, meanwhile: Meanwhile, at_utc: datetime) -> Heard:
        del at_utc
        meanwhile()
        read = driver.read(job, retry_count=retry_count)
        return Heard(
            has_answered=read.has_answered, is_link_down=read.is_link_down, read=lambda: read
        )

    return hear
