"""Lets each tier of the readings leave when its days are over: raw, then hours, then days."""

import fcntl
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

import structlog
from sqlalchemy import Engine
from structlog.typing import FilteringBoundLogger

from sync_server.archive.hours_leaving_store import (
    HoursLeaving,
    let_days_leave,
    let_hours_leave,
)
from sync_server.archive.parquet_io import ArchiveError, check_installed
from sync_server.archive.raw_leaving_io import Leaving, Stopped, let_raw_leave
from sync_server.archive.tiers import Tiers, leaves_before_ms, tiers_of
from sync_server.db.engine_io import reading
from sync_server.work_orders.policy_store import policies_at

_LOG: FilteringBoundLogger = structlog.get_logger()


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Whose readings are kept, and where.

    Attributes:
        engine: The database.
        folder: Of the archive; None: it is off.
        zone: The site's, whose midnights bound the days.
        is_stopped: Asked between two slices.
    """

    engine: Engine
    folder: Path | None
    zone: tzinfo
    is_stopped: Callable[[], bool] = field(default=_never)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What left: days of raw readings, hours that became days, days."""

    raw_days: int = 0
    hours: int = 0
    days: int = 0


def load_tiers(engine: Engine, now_utc: datetime) -> Tiers:
    """Return how long each tier stays by the utility's policies.

    Raises:
        TierError: They do not fit together.
    """
    with reading(engine) as connection:
        return tiers_of(policies_at(connection, "retention.readings.", now_utc))


def let_leave(keeper: Keeper, now_utc: datetime) -> Left:
    """Return what left now.

    Raises:
        TierError: The policies do not fit together; nothing left.
        ArchiveError: The archive cannot be written or read; what it should hold has stayed.
        OperationalError: The database is in use for long; the next time goes on.
    """
    tiers = load_tiers(keeper.engine, now_utc)
    with ExitStack() as stack:
        if keeper.folder is not None:
            check_installed()
            stack.enter_context(_alone(keeper.folder))
        try:
            return _let_leave(keeper, tiers, now_utc)
        except Stopped:
            _LOG.info("readings.leaving_stopped")
            return Left()


def _let_leave(keeper: Keeper, tiers: Tiers, now_utc: datetime) -> Left:
    raw_ms, hourly_ms, daily_ms = (
        leaves_before_ms(days, now_utc) for days in (tiers.raw, tiers.hourly, tiers.daily)
    )
    raw_days = hours = days = 0
    if raw_ms is not None:
        raw_days = let_raw_leave(
            Leaving(
                engine=keeper.engine,
                folder=keeper.folder,
                before_ms=raw_ms,
                now_utc=now_utc,
                is_stopped=keeper.is_stopped,
            )
        )
    if hourly_ms is not None:
        hours = let_hours_leave(
            HoursLeaving(
                engine=keeper.engine,
                zone=keeper.zone,
                before_ms=hourly_ms,
                is_stopped=keeper.is_stopped,
            )
        )
    if daily_ms is not None:
        days = let_days_leave(keeper.engine, daily_ms, keeper.zone)
    return Left(raw_days=raw_days, hours=hours, days=days)


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Hold the archive's folder: a command beside the server would write the same files."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / ".in-use").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as error:
        raise ArchiveError(
            f"archive: {folder}: is in use by another process; try again when it has ended"
        ) from error
    except PermissionError as error:
        raise ArchiveError(
            f"archive: {folder}: cannot be written ({error.strerror}); correct folder in [archive]"
        ) from error
