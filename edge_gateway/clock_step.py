"""Decides whether the gateway's clock was set, by holding it against the monotonic one."""

from datetime import timedelta

from edge_gateway.moments import Moment
from wire_contracts.clock import Clock

TOLERATED_S = 2.0
"""Wall seconds; a larger difference is a step, not drift (gateway notes 5)."""


def clock_step(before: Moment, now: Moment, clock: Clock) -> timedelta | None:
    """Return by how much the clock was moved between two moments, None when it was not."""
    passed = now.utc - before.utc
    wall_s = now.wall_s - before.wall_s
    if abs(clock.wall_seconds(passed.total_seconds()) - wall_s) <= TOLERATED_S:
        return None
    return passed - timedelta(seconds=wall_s / clock.wall_seconds(1.0))
