"""Makes the store ready at a start: rescued words, interrupted sends, the name of the replica."""

import logging
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.store import outgoing_store, settings_store
from field_app.store.database_io import Database
from field_app.store.identity_io import load_replica_id, save_replica_id
from field_app.store.ids_io import clamped_ms, draw_replica_id
from field_app.store.rescue import (
    Aside,
    lost_by_file,
    put_back,
    put_more_back,
    read_damaged,
    read_more,
)
from field_app.store.salvage_io import Lost, files_set_aside, lost_of
from field_app.store.settings_store import Key
from wire_contracts.clock import Clock

_log = logging.getLogger(__name__)


def wake_up(store_file: Path, database: Database, clock: Clock) -> None:
    """Make a store that was just opened ready for its tablet.

    What damaged files hold is put back, what was being sent at the last stop is queued again, and
    the name of this copy of the store is settled with the one that stands beside it.
    """
    has_rescued = _rescue(store_file, database, clock)
    replica_beside = load_replica_id(store_file.parent)

    def work(connection: Connection) -> str:
        records = outgoing_store.recover_sending(connection) | outgoing_store.release_held(
            connection
        )
        order_store.rebuild_lines(connection, sorted(records))
        if has_rescued:
            order_store.rebuild_all(connection)
        return _settle_replica(connection, replica_beside)

    save_replica_id(store_file.parent, database.write(work))


def _rescue(store_file: Path, database: Database, clock: Clock) -> bool:
    """Put back what damaged files hold and this one does not yet; return whether any did.

    A rescue that was killed before its commit is done at the next start; what the disk did not give
    is asked for again.
    """
    has_rescued = False
    for path in files_set_aside(store_file):
        former = database.read(lost_by_file).get(path.name)
        try:
            if former is None:
                has_rescued |= _rescue_first(path, database, clamped_ms(clock.now_utc()))
            elif former:
                has_rescued |= _rescue_more(path, database, former)
        except OSError:
            _log.exception("%s cannot be opened now; the next start tries again", path.name)
    return has_rescued


def _rescue_first(path: Path, database: Database, at_ms: int) -> bool:
    """Put back what a damaged file holds."""
    aside = Aside(file_name=path.name, lost=lost_of(path))
    put = partial(put_back, rescued=read_damaged(path), aside=aside, at_ms=at_ms)
    database.write(put)
    return True


def _rescue_more(path: Path, database: Database, former: Lost) -> bool:
    """Put back what the disk gives of a file by now, which it did not before; return whether."""
    aside = Aside(file_name=path.name, lost=lost_of(path, former))
    if aside.lost == former:
        return False
    database.write(partial(put_more_back, rescued=read_more(path, former), aside=aside))
    return True


def _settle_replica(connection: Connection, beside: str | None) -> str:
    """Return the replica id; file and store must agree, else one of them was cloned (trap T7)."""
    inside = settings_store.load_text(connection, Key.REPLICA_ID)
    if inside is not None and inside == beside:
        return inside
    replica_id = draw_replica_id()
    settings_store.save(connection, Key.REPLICA_ID, replica_id)
    return replica_id
