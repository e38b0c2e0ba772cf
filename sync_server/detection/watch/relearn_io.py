"""Learns the detectors' whole memory anew from stored readings, as an update of the rules does.

A server does this by itself when it starts under new rules, in its own process; the command does it
before, by as many workers as there are, so that the server then begins from what is learned.
"""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from sync_server.batch.runner import BatchError, Done, Runner
from sync_server.db.advisory_io import AdvisoryLocks
from sync_server.detection.watch.checkpoint_store import forget_all_checkpoints
from sync_server.detection.watch.fleet_watch import FleetWatch

DETECTION_LOCKS = "lamplighter-detection"
FLEET_LOCK = 1001
"""Who holds it looks at the fleet; there is one at most."""


def relearn(engine: Engine, now_utc: datetime, runner: Runner, done: Done) -> int:
    """Return how many changes of alerts came of it; checkpoints of before are let go.

    On SQLite no server may run over the file; on PostgreSQL none that detects.

    Raises:
        BatchError: A server detects now, or the workers cannot do it.
    """
    with _alone(engine):
        with engine.begin() as connection:
            forget_all_checkpoints(connection)
        return FleetWatch(engine, by=(runner, done)).look(now_utc)


@contextmanager
def _alone(engine: Engine) -> Generator[None]:
    if engine.dialect.name == "sqlite":
        yield
        return
    locks = AdvisoryLocks(engine, DETECTION_LOCKS)
    try:
        if not _taken(locks):
            message = "relearn: a server detects over this database; stop it, then try again"
            raise BatchError(message)
        yield
    finally:
        locks.close()


def _taken(locks: AdvisoryLocks) -> bool:
    try:
        return locks.try_lock(FLEET_LOCK)
    except SQLAlchemyError as error:
        message = "relearn: the database does not answer; start it, then try again"
        raise BatchError(message) from error
