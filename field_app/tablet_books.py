"""TabletBooks: what screens ask of a tablet's store beside the work itself."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from field_app.access.withdrawal import Withdrawal, load_withdrawal
from field_app.orders import order_list_store, order_store
from field_app.store import (
    look_store,
    outgoing_store,
    sealed_sending_store,
    settings_store,
    upload_store,
)
from field_app.store.database_io import Database, StoreFullError
from field_app.store.identity_io import Identity
from field_app.store.outbox_store import OutboxEntry
from field_app.store.rescue import rescued_count
from field_app.store.settings_store import Key
from field_app.store.tables import outbox_op
from field_app.sync import sync_store
from field_app.sync.reasons import Reason
from field_app.sync.sync_store import SyncStatus
from field_app.sync.uploading import PhotoWait, photo_wait

T = TypeVar("T")

_SHOWN_WAITING: Final = 100

_BEFORE_DAMAGE: Final = frozenset(
    {Reason.WITHDRAWN, Reason.LOGIN, Reason.TOO_OLD, Reason.NO_ROOM, Reason.DAMAGED}
)
"""What a person must do before a start of the app helps."""


class TabletBooks:
    """How the words of a tablet stand, and the small things that its screens keep."""

    database: Database
    identity: Identity | None
    _known_status: SyncStatus | None = None

    def rescued_count(self) -> int:
        """Return how many entries were read out of the damaged files that are kept."""
        return self.database.read(rescued_count)

    def withdrawal(self) -> Withdrawal:
        """Return whether the office has withdrawn this tablet, and what still waits."""
        return self.database.read(load_withdrawal)

    def try_held_again(self) -> None:
        """Queue again what the server could not read."""

        def work(connection: Connection) -> None:
            records = outgoing_store.release_held(connection)
            records |= upload_store.release_held(connection)
            order_store.rebuild_lines(connection, records)
            sealed_sending_store.release_held(connection)
            sync_store.try_at_once(connection)

        self.database.write(work)

    def mark_seen(self, op_id: str) -> None:
        """Note that a person has seen what became of one operation."""

        def work(connection: Connection) -> None:
            records = look_store.mark_seen(connection, outbox_op.c.op_id == op_id)
            order_store.rebuild_lines(connection, records)

        self.database.write(work)

    def status(self) -> SyncStatus:
        """Return where the tablet's words stand; as last known, where its file does not say.

        Raises:
            DatabaseError: The file does not say, and never did since the start.
        """
        status = self._known_status = self.read_or_last(
            partial(self.database.read, sync_store.load_status), self._known_status
        )
        if self.identity is None:
            return replace(status, reason=Reason.NOT_ENROLLED)
        if self.database.damage is not None and status.reason not in _BEFORE_DAMAGE:
            return replace(status, reason=Reason.DAMAGED, detail=self.database.damage)
        if not self.database.has_room and status.reason is Reason.NONE:
            return replace(status, reason=Reason.NO_ROOM)  # not even that line fits into the file
        return status

    @staticmethod
    def read_or_last(read: Callable[[], T], last: T | None) -> T:
        """Return what `read` does; `last` where a page of the file cannot be read.

        Raises:
            DatabaseError: It cannot, and there is no `last`.
        """
        try:
            return read()
        except DatabaseError:
            if last is None:
                raise
            return last

    def photo_wait(self) -> PhotoWait:
        """Return why photos wait, as the last contact left it."""
        return self.database.read(photo_wait)

    def waiting(self) -> tuple[OutboxEntry, ...]:
        """Return the oldest operations that the server has not confirmed, at most 100."""
        return tuple(
            self.database.read(
                lambda connection: look_store.waiting_entries(connection, _SHOWN_WAITING)
            )
        )

    def look_here(self) -> tuple[OutboxEntry, ...]:
        """Return the operations that a person must see."""
        return tuple(self.database.read(look_store.look_here_entries))

    def order_numbers(self, order_ids: set[str]) -> dict[str, str]:
        """Return the printed numbers of orders by id; one that is not known is left out."""
        return self.database.read(
            lambda connection: order_list_store.load_numbers(connection, order_ids)
        )

    def language(self) -> str | None:
        """Return the language chosen on this tablet, else the person's; None before enrolment."""
        chosen = self.database.read(
            lambda connection: settings_store.load_text(connection, Key.LANGUAGE)
        )
        person = None if self.identity is None else self.identity.person()
        return chosen or (None if person is None else person.language)

    def choose_language(self, language: str) -> None:
        """Keep the language chosen on this tablet; without room, until its end."""
        with suppress(StoreFullError):
            self.database.write(
                lambda connection: settings_store.save(connection, Key.LANGUAGE, language)
            )

    def kept_place(self) -> str:
        """Return where the screens stood when the app was ended from outside, empty otherwise."""
        kept = self.database.read(
            lambda connection: settings_store.load_text(connection, Key.PLACE)
        )
        return kept or ""

    def keep_place(self, place: str) -> None:
        """Keep where the screens stand, where there is room for it; an app that ends keeps none."""
        with suppress(StoreFullError):
            self.database.write(
                lambda connection: settings_store.save(connection, Key.PLACE, place or None)
            )
