"""Lets entries of the ledger of frames leave once no gateway sends such frames any more.

An entry bears no time, which a column of it would cost at every frame. Instead how far each epoch
was complete is marked now and then; what a mark covers is at least as old as the mark.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Connection, Engine, bindparam, delete, func, insert, select

from sync_server.archive.tiers import TierError
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import FRAME_EPOCH, FRAME_LEDGER, FRAME_MARK, FRAME_RUN
from sync_server.readings.frame_runs import LONGEST
from sync_server.work_orders.policy_store import policy_at
from wire_contracts.frames import ms_from_utc

FRAME_DAYS: Final = "retention.frames.days"
"""The policy; 0, its default, keeps the ledger for ever."""

LEAST_DAYS: Final = 100
"""A gateway offers for 90 days what it has no acknowledgement of (its setting `max_age`), and what
was acknowledged for 7 days (RULINGS R1)."""

_MARKS_IN_TIME = 20
_SLICE: Final = 10_000
"""Numbers in one transaction: on SQLite the ingest waits for it."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerKeeper:
    """Whose ledger it is; `is_stopped` is asked between two slices."""

    engine: Engine
    is_stopped: Callable[[], bool] = field(default=_never)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Covered:
    gateway_id: str
    epoch: int
    upto: int


def frame_days(connection: Connection, now_utc: datetime) -> int:
    """Return how many days entries stay, 0 for ever.

    Raises:
        TierError: They are fewer than gateways may send a frame again.
    """
    days = int(policy_at(connection, FRAME_DAYS, now_utc))
    if 0 < days < LEAST_DAYS:
        raise TierError(
            f"policies: {FRAME_DAYS}: {days} days are fewer than gateways keep what they may send"
            f" again; write {LEAST_DAYS} or more, or 0 for ever"
        )
    return days


def let_frames_leave(keeper: LedgerKeeper, now_utc: datetime) -> int:
    """Return how many entries left now; those of frames in quarantine stay.

    A frame of such an entry that comes again all the same is stored as if it were new: its reading
    is known by meter and instant as long as raw readings stay in the database.

    Raises:
        TierError: As `frame_days`; nothing left.
        OperationalError: The database is in use for long; the next time goes on.
    """
    engine, now_ms = keeper.engine, ms_from_utc(now_utc)
    with reading(engine) as connection:
        days = frame_days(connection, now_utc)
    if days == 0:
        return 0
    keep_ms = timedelta(days=days) // timedelta(milliseconds=1)
    with engine.begin() as connection:
        _mark(connection, now_ms, keep_ms // _MARKS_IN_TIME)
        due = _due(connection, now_ms - keep_ms)
    count = 0
    for covered in due:
        for low, high in _slices(engine, covered):
            if keeper.is_stopped():
                return count
            with engine.begin() as connection:
                count += _forget(connection, covered, low, high)
        with engine.begin() as connection:
            _drop_marks(connection, covered)
    return count


def _mark(connection: Connection, now_ms: int, every_ms: int) -> None:
    """Note how far each epoch is complete that has come further since its last mark."""
    newest = (
        select(
            FRAME_MARK.c.gateway_id,
            FRAME_MARK.c.epoch,
            func.max(FRAME_MARK.c.marked_at_ms).label("marked_at_ms"),
            func.max(FRAME_MARK.c.upto).label("upto"),
        )
        .group_by(FRAME_MARK.c.gateway_id, FRAME_MARK.c.epoch)
        .subquery()
    )
    further = (
        select(
            FRAME_EPOCH.c.gateway_id,
            FRAME_EPOCH.c.epoch,
            bindparam("now_ms", now_ms, type_=BigInteger),
            FRAME_EPOCH.c.upto,
        )
        .outerjoin(
            newest,
            (newest.c.gateway_id == FRAME_EPOCH.c.gateway_id)
            & (newest.c.epoch == FRAME_EPOCH.c.epoch),
        )
        .where(FRAME_EPOCH.c.upto > func.coalesce(newest.c.upto, 0))
        .where(func.coalesce(newest.c.marked_at_ms, 0) <= now_ms - every_ms)
    )
    connection.execute(
        insert(FRAME_MARK).from_select(["gateway_id", "epoch", "marked_at_ms", "upto"], further)
    )


def _due(connection: Connection, before_ms: int) -> list[_Covered]:
    rows = connection.execute(
        select(FRAME_MARK.c.gateway_id, FRAME_MARK.c.epoch, func.max(FRAME_MARK.c.upto))
        .where(FRAME_MARK.c.marked_at_ms <= before_ms)
        .group_by(FRAME_MARK.c.gateway_id, FRAME_MARK.c.epoch)
        .order_by(FRAME_MARK.c.gateway_id, FRAME_MARK.c.epoch)
    )
    return [_Covered(gateway_id=name, epoch=epoch, upto=upto) for name, epoch, upto in rows]


def _slices(engine: Engine, covered: _Covered) -> Iterator[tuple[int, int]]:
    """Yield the numbers (first, last) to go through, from the lowest that can leave."""
    lowest = select(func.min(FRAME_LEDGER.c.seq)).where(
        FRAME_LEDGER.c.gateway_id == covered.gateway_id,
        FRAME_LEDGER.c.epoch == covered.epoch,
        FRAME_LEDGER.c.refused_code.is_(None),
    )
    lowest_run = select(func.min(FRAME_RUN.c.last_seq)).where(
        FRAME_RUN.c.gateway_id == covered.gateway_id, FRAME_RUN.c.epoch == covered.epoch
    )
    with reading(engine) as connection:
        found = [connection.execute(query).scalar_one() for query in (lowest, lowest_run)]
    first: int | None = min((each for each in found if each is not None), default=None)
    while first is not None and first <= covered.upto:
        yield first, min(first + _SLICE - 1, covered.upto)
        first += _SLICE


def _forget(connection: Connection, covered: _Covered, low: int, high: int) -> int:
    """Forget the entries of these numbers, and the runs that end among them; return how many."""
    ends_here = (
        (FRAME_RUN.c.gateway_id == covered.gateway_id)
        & (FRAME_RUN.c.epoch == covered.epoch)
        & (FRAME_RUN.c.first_seq > low - LONGEST)
        & (FRAME_RUN.c.last_seq >= low)
        & (FRAME_RUN.c.first_seq <= high)
        & (FRAME_RUN.c.last_seq <= high)
    )
    in_runs = func.coalesce(func.sum(FRAME_RUN.c.last_seq - FRAME_RUN.c.first_seq + 1), 0)
    count = int(connection.execute(select(in_runs).where(ends_here)).scalar_one())
    connection.execute(delete(FRAME_RUN).where(ends_here))
    return count + _forget_single(connection, covered, low, high)


def _forget_single(connection: Connection, covered: _Covered, low: int, high: int) -> int:
    return connection.execute(
        delete(FRAME_LEDGER).where(
            FRAME_LEDGER.c.gateway_id == covered.gateway_id,
            FRAME_LEDGER.c.epoch == covered.epoch,
            FRAME_LEDGER.c.seq >= low,
            FRAME_LEDGER.c.seq <= high,
            FRAME_LEDGER.c.refused_code.is_(None),
        )
    ).rowcount


def _drop_marks(connection: Connection, covered: _Covered) -> None:
    """Drop the marks that are used up; the last one tells a silent epoch from one that goes on."""
    connection.execute(
        delete(FRAME_MARK).where(
            FRAME_MARK.c.gateway_id == covered.gateway_id,
            FRAME_MARK.c.epoch == covered.epoch,
            FRAME_MARK.c.upto < covered.upto,
        )
    )
