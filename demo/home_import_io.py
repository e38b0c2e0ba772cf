"""Brings the homes' readings to the server day by day, as the charging desk's import does."""

import threading
from datetime import timedelta

from sqlalchemy import Engine

from demo.history import homes_of_day
from demo.seed_server_io import seed_past
from demo.town import Town
from demo.town_time import day_start_utc, local_day
from wire_contracts.clock import Clock

AFTER_MIDNIGHT = timedelta(minutes=30)
"""The radio reader hands over what it heard at midnight half an hour later."""


def import_homes_of_day(engine: Engine, town: Town, day: int, clock: Clock) -> int:
    """Store the homes' readings of a local day; return how many were new.

    A day that is there already is recognised by the ingest and stored not again.
    """
    return seed_past(engine, homes_of_day(town, day), clock.now_utc())


def keep_importing_homes(engine: Engine, town: Town, clock: Clock, stop: threading.Event) -> None:
    """Import each new day of the town until `stop`; begins with the day that is.

    It writes through the server's own ingest into the server's database, beside the server.
    """
    next_day = local_day(clock.now_utc())
    while not stop.is_set():
        due_utc = day_start_utc(next_day) + AFTER_MIDNIGHT
        wait_s = clock.wall_seconds((due_utc - clock.now_utc()).total_seconds())
        if wait_s > 0 and stop.wait(wait_s):
            return
        import_homes_of_day(engine, town, next_day, clock)
        next_day += 1
