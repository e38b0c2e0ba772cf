"""Decides when an order that nobody has answered is sent again."""

from datetime import datetime, timedelta

from wire_contracts.gateway_commands import CommandOutcome

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=5)
"""Between two publications of one order; the gateway answers a repeated id again."""

_DOUBLINGS = 10


def next_send(sent_count: int, now_utc: datetime) -> datetime:
    """Return when an order goes again that has been sent so often: 10 s, 20 s ... 5 min."""
    doubled = FIRST_PAUSE * (1 << min(max(sent_count - 1, 0), _DOUBLINGS))
    return now_utc + min(doubled, LONGEST_PAUSE)


def is_final(outcome: CommandOutcome) -> bool:
    """Return whether the gateway has said the last word on an order."""
    return outcome is not CommandOutcome.ACCEPTED
