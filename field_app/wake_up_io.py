"""Makes the store ready at a start: rescued words, interrupted sends, the name of the replica."""

from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.store import outgoing_store, settings_store
from field_app.store.database_io import Database
from field_app.store.identity_io import load_replica_id, save_replica_id
from field_app.store.ids_io import clamped_ms, draw_replica_id
from field_app.store.rescue import put_back, read_damaged, rescued_files
from field_app.store.salvage_io import files_set_aside
from field_app.store.settings_store import Key
from wire_contracts.clock import Clock


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

    A rescue that was killed before its commit is done at the next start.
    """
    has_rescued = False
    for aside in files_set_aside(store_file):
        if aside.name in database.read(rescued_files):
            continue
        rescued = read_damaged(aside)
        at_ms = clamped_ms(clock.now_utc())
        database.write(partial(put_back, rescued=rescued, file_name=aside.name, at_ms=at_ms))
        has_rescued = True
    return has_rescued


def _settle_replica(connection: Connection, beside: str | None) -> str:
    """Return the replica id; file and store must agree, else one of them was cloned (trap T7)."""
    inside = settings_store.load_text(connection, Key.REPLICA_ID)
    if inside is not None and inside == beside:
        return inside
    replica_id = draw_replica_id()
    settings_store.save(connection, Key.REPLICA_ID, replica_id)
    return replica_id
