"""Decides what a changed server epoch means: the server was restored from a backup (R1)."""

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.store import (
    base_store,
    order_copy_store,
    outcome_store,
    outgoing_store,
    sealed_sending_store,
    settings_store,
    upload_store,
)
from field_app.store.settings_store import Key


def is_another(connection: Connection, server_epoch: int | None) -> bool:
    """Return whether the server is another one than before."""
    known = settings_store.load_text(connection, Key.SERVER_EPOCH)
    return server_epoch is not None and known is not None and known != str(server_epoch)


def take_epoch(connection: Connection, server_epoch: int | None) -> bool:
    """Return True when the server is another one than before: everything begins afresh.

    None is an answer that nothing changed, this neither.
    The rows stay readable until the fresh pass confirms or sweeps them; what the former server had
    confirmed within 90 days is pushed again, and its ledger absorbs the repeats. Orders that are
    swept are kept aside: nobody else may know of them.
    """
    known = settings_store.load_text(connection, Key.SERVER_EPOCH)
    if server_epoch is None or known == str(server_epoch):
        return False
    settings_store.save(connection, Key.SERVER_EPOCH, server_epoch)
    if known is None:
        return False
    start_afresh(connection)
    order_copy_store.begin_watch(connection)
    records = outcome_store.queue_all_again(connection) | outgoing_store.release_held(connection)
    sealed_sending_store.queue_all_again(connection)
    records |= upload_store.queue_all_again(connection) | upload_store.release_held(connection)
    order_store.rebuild_lines(connection, sorted(records))
    return True


def start_afresh(connection: Connection) -> None:
    """Let the next pull begin from nothing; outbox and drafts are not touched."""
    settings_store.save(connection, Key.PULL_TOKEN, None)
    base_store.mark_stale(connection)
