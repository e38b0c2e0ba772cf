"""Puts one tablet together: file, identity, orders and sync, for the screens and for the crew.

The list of orders is on the glass before rounds, checklists and HTTP are imported.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from field_app.access.damage_reports import send_damage, send_mismatches
from field_app.access.log_in import LogIn
from field_app.access.personal_data import PersonalData
from field_app.access.small_files_io import make_sure_of_room
from field_app.access.withdrawal import (
    PhotoWay,
    SealedApi,
    ask_for_the_epoch,
    leave_sealed_photos,
    readmit,
    send_sealed,
    send_sealed_photos,
    withdraw,
)
from field_app.clock_io import TapClock
from field_app.config import APP_VERSION
from field_app.contact_io import Carried, Connect, Contact, connect_over_http
from field_app.orders import order_store
from field_app.orders.left_orders import tell_what_was_begun
from field_app.orders.order_desk import OrderDesk
from field_app.orders.stamps import Stamps
from field_app.photos.album import PhotoAlbum
from field_app.photos.photo_files_io import FOLDER, PhotoFiles
from field_app.photos.sealed_photos_io import SealedPhotos
from field_app.platform.desktop import NoLocator
from field_app.platform.network import DesktopNetwork, Network, NetworkKind
from field_app.platform.ports import Vault
from field_app.platform.vault_io import open_vault
from field_app.store import (
    base_store,
    lease_store,
    order_copy_store,
    personal_rows,
    sealed_alone_store,
    sealed_store,
    settings_store,
    upload_store,
)
from field_app.store.care import care_for
from field_app.store.connections_io import Watch
from field_app.store.database_io import Database, StoreFullError, open_database
from field_app.store.identity_io import (
    Identity,
    load_identity,
    save_identity,
    save_replica_id,
)
from field_app.store.ids_io import clamped_ms, draw_replica_id
from field_app.store.rescue import rescued_files
from field_app.store.salvage_io import files_set_aside, remove_copies
from field_app.store.sealed_store import Seal
from field_app.store.settings_store import Key
from field_app.sync import sync_store
from field_app.sync.engine import SyncVerdict
from field_app.sync.reasons import Reason, SyncProblem
from field_app.sync.runner_io import SyncRunner
from field_app.sync.uploading import server_now_ms
from field_app.tablet_books import TabletBooks
from field_app.tablet_desks import TabletDesks
from field_app.tablet_people import TabletPeople
from field_app.wake_up_io import wake_up
from wire_contracts.clock import Clock
from wire_contracts.operations import DeviceTime
from wire_contracts.sealed import Envelope, SealedKind
from wire_contracts.sync import SyncApi

if TYPE_CHECKING:
    from field_app.sync.poke_io import PokeListener

STORE_FILE: Final = "tablet.sqlite3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a tablet is given from outside: the way to the server, and the vault."""

    connect: Connect
    vault: Vault


class Tablet(TabletBooks, TabletDesks, TabletPeople):
    """One tablet. Open it with `open_tablet`, close it with `close`."""

    def __init__(self, folder: Path, database: Database, clock: Clock, outside: Outside) -> None:
        """Put the parts together; `open_tablet` prepares them."""
        self._folder = folder
        self._clock = clock
        self._sync_lock = threading.Lock()
        self._runner: SyncRunner | None = None
        self._listener: PokeListener | None = None
        self.database = database
        self.identity = load_identity(folder)
        self.vault = outside.vault
        self._tap_clock = TapClock(clock)
        self.log_in = LogIn(self.vault, self._now)
        self.stamps = Stamps(self._tap_clock, self._who, self.vault.seal, APP_VERSION)
        self.desk = OrderDesk(database, self.stamps)
        self.network: Network = DesktopNetwork()
        sealed = SealedPhotos(
            folder=folder / FOLDER,
            seal=self._seal_photo,
            key_id=partial(database.read, lease_store.sealing_key_id),
        )
        self._photo_files = PhotoFiles(folder=folder / FOLDER, vault=self.vault, sealed=sealed)
        self._photo_files.clear_unfinished()
        self.photos = PhotoAlbum(database, self._photo_files, self.stamps, NoLocator())
        self.personal = PersonalData(database, self.vault, self._now)
        self._contact = Contact(outside.connect, self._carried())
        self._settle_access()

    @property
    def is_enrolled(self) -> bool:
        """Return whether the tablet knows its server and crew."""
        return self.identity is not None

    @property
    def is_syncing(self) -> bool:
        """Return whether a contact is under way."""
        return self._sync_lock.locked()

    @property
    def is_listening(self) -> bool:
        """Return whether the server can poke this tablet now."""
        return self._listener is not None and self._listener.is_listening

    def enrol(self, server_url: str, code: str, device_name: str) -> Identity:
        """Trade the one-time code for a token.

        Outbox and drafts stay: an expired tablet that enrols again loses nothing.

        Raises:
            SyncProblem: The code is refused, or nobody answers.
            StoreFullError: The disk is full; the code was not used.
        """
        from field_app.sync.enrol_io import enrol  # noqa: PLC0415 - after the first list

        make_sure_of_room(self._folder)
        is_shut = self._is_shut()
        identity = enrol(server_url, code, device_name, self.identity)
        is_new = self.identity is None
        is_given_on = self._take_identity(identity)
        if is_given_on or is_shut:
            self._forget_pins()
        if not is_new:  # under another name the same copy would be taken for a clone (trap T7)
            self.database.write(self._renew_replica)
        self.vault.admit()
        self.database.write(_admit)
        return identity

    def damaged_files_count(self) -> int:
        """Return how many damaged files of the store were set aside and are kept."""
        return len(files_set_aside(self._folder / STORE_FILE))

    def sync_now(self) -> SyncVerdict:
        """Sync now, due or not; blocks until it has ended."""
        with self._sync_lock:
            engine = self._contact.engine(self.identity)
            if engine is None:
                return SyncVerdict(reason=Reason.NOT_ENROLLED)
            verdict = engine.sync()
            try:
                self._after_contact(verdict.reason, are_words_whole=engine.are_words_whole)
            except DatabaseError as error:
                return engine.give_up_damaged(error)
            except StoreFullError as full:
                no_room = SyncVerdict(reason=Reason.NO_ROOM, detail=str(full))
                return no_room if verdict.reason is Reason.NONE else verdict
            return verdict

    def _after_contact(self, reason: Reason, *, are_words_whole: bool) -> None:
        """Do what follows a contact; a page that cannot be read keeps none of the rest back.

        Raises:
            DatabaseError: There was such a page; everything else is done.
        """
        deeds: list[Callable[[], object]] = [partial(self._send_sealed, reason)]
        if reason is Reason.WITHDRAWN:
            deeds.insert(0, self._withdraw)
        deeds.append(self.personal.check_lease)
        if are_words_whole:
            deeds += [self._seal_words, self._seal_photos, self.personal.fetch_wanted]
        if reason in {Reason.NONE, Reason.WITHDRAWN}:
            deeds.append(self._tidy_photos)
        last: Exception | None = None
        for deed in deeds:
            try:
                deed()
            except Exception as error:  # noqa: BLE001  # raised below; the rest goes first
                last = error
        if last is not None:
            raise last

    def _seal_words(self) -> None:
        self.database.write(partial(sealed_store.seal_missing, seal=self.vault.seal))

    def _seal_photos(self) -> None:
        self._photo_files.seal_missing(self.database.read(upload_store.unsent_names))

    def _tidy_photos(self) -> None:
        self.photos.tidy(self.database.read(partial(server_now_ms, clock=self._clock)))

    def ask_sync(self) -> None:
        """Make the next contact due at once; without a background sync, sync here and now."""
        self.database.write(sync_store.try_at_once)
        if self._runner is None:
            self.sync_now()

    def set_online(self, *, is_on: bool) -> None:
        """Switch the tablet to offline or back; kept over restarts."""
        self.database.write(lambda connection: sync_store.switch(connection, is_on=is_on))
        if self._listener is not None and not is_on:
            self._listener.hang_up()

    def start_background_sync(self) -> None:
        """Sync in the background whenever it is due, from now on and after an enrolment."""
        from field_app.sync.poke_io import PokeListener  # noqa: PLC0415 - after the first list

        if self._runner is None:
            self._runner = SyncRunner(self.database, self)
            self._runner.start()
            self._listener = PokeListener(
                self.database, lambda: self._contact.open_pokes(self.identity)
            )
            self._listener.start()

    def seconds_until_due(self) -> float | None:
        """Return the wall seconds until the next sync, None while there is nobody to ask."""
        engine = self._contact.engine(self.identity)
        return None if engine is None else engine.seconds_until_due()

    def sync(self) -> SyncVerdict:
        """Sync for the background thread, then care for the file."""
        verdict = self.sync_now()
        care_for(self.database, clamped_ms(self._clock.now_utc()))
        return verdict

    def close(self) -> None:
        """Stop the sync, write what is queued, close everything."""
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None:
            self._runner.close()
        with self._sync_lock:
            self._contact.close()
        self.database.close()

    def _who(self) -> tuple[str, str]:
        return self._actor(), self.log_in.session

    def _now(self) -> DeviceTime:
        return self._tap_clock.stamp(self.database.read(_offset_ms))

    def _settle_access(self) -> None:
        """Do what a kill may have left undone: the end of a lease, the rest of a withdrawal."""
        if self.database.read(lease_store.is_withdrawn):
            self._withdraw()
        self.personal.check_lease()

    def _withdraw(self) -> None:
        at_ms = clamped_ms(self._clock.now_utc())
        self.database.write(partial(withdraw, seal=self.vault.seal, at_ms=at_ms))
        if leave_sealed_photos(self.database, self._photo_files):
            self.vault.forget()
        if self.identity is not None and self.identity.people:
            self.identity = replace(self.identity, people=())
            save_identity(self._folder, self.identity)
        self.database.tidy(patiently=True)
        remove_copies(self._folder / STORE_FILE, self.database.read(rescued_files))

    def _send_sealed(self, reason: Reason) -> None:
        api: object = self._contact.api
        if reason not in {Reason.NONE, Reason.WITHDRAWN} or not isinstance(api, SealedApi):
            return
        with suppress(SyncProblem):  # they stay, and the next contact tries again
            if reason is Reason.WITHDRAWN:
                ask_for_the_epoch(self.database, api, self._clock)
            send_sealed(self.database, api, self._clock)
            is_free = self._network_kind() is NetworkKind.FREE
            way = PhotoWay(is_free=is_free, is_withdrawn=reason is Reason.WITHDRAWN)
            send_sealed_photos(self.database, self._photo_files, api, self._clock, way)
            if reason is Reason.NONE:
                send_mismatches(self.database, api, self.vault.seal)
            if reason is Reason.NONE and is_free:
                send_damage(self.database, api, self.vault.seal, self._folder)

    def _send_older(self, way: SyncApi) -> int:
        api: object = way
        return send_sealed(self.database, api, self._clock) if isinstance(api, SealedApi) else 0

    def _tell_what_was_begun(self, connection: Connection) -> int:
        return tell_what_was_begun(
            connection,
            self.stamps.stamp(connection),
            lambda order_id: self.forms.order_lel_pct(connection, order_id),
        )

    def _seal_photo(self, sha256: str, plain: bytes) -> Envelope | None:
        public_key = self.database.read(lease_store.load_sealing_key)
        if public_key is None:
            return None
        return self.vault.seal(public_key, SealedKind.BLOB, sha256, plain)

    def _take_identity(self, identity: Identity) -> bool:
        """Keep who the tablet is from now on; return whether it was given to another crew."""
        former = self.identity
        is_given_on = former is not None and former.crew_id != identity.crew_id
        with self._sync_lock:
            if is_given_on:
                self.database.write(partial(_leave_crew, seal=self.vault.seal))
                self.log_in.begin_anew()
            save_identity(self._folder, identity)
            self.identity = identity
            self._contact.begin_anew()
        if self._listener is not None:
            self._listener.hang_up()
        return is_given_on

    def _carried(self) -> Carried:
        return Carried(
            database=self.database,
            clock=self._clock,
            files=self._photo_files,
            network=self._network_kind,
            keep=self.personal.keep,
            renew_replica=self._renew_replica,
            send_older=self._send_older,
            tell_begun=self._tell_what_was_begun,
        )

    def _network_kind(self) -> NetworkKind:
        return self.network.kind()

    def _renew_replica(self, connection: Connection) -> None:
        replica_id = draw_replica_id()
        save_replica_id(self._folder, replica_id)
        settings_store.save(connection, Key.REPLICA_ID, replica_id)


def _offset_ms(connection: Connection) -> int:
    return settings_store.load_integer(connection, Key.OFFSET_MS)


def _admit(connection: Connection) -> None:
    readmit(connection)
    sync_store.try_at_once(connection)


def _leave_crew(connection: Connection, seal: Seal) -> None:
    """Take what the former crew was given off the tablet, but for what own words are about.

    The next crew reads none of it, however long its first pull takes. What was typed and not
    finished goes to the office sealed, as after a withdrawal: nobody here would come upon it.
    """
    sealed_alone_store.leave_drafts_alone(connection, seal)
    settings_store.save(connection, Key.PULL_TOKEN, None)
    base_store.mark_stale(connection)
    base_store.sweep_stale(connection)
    order_copy_store.leave_crew(connection)
    personal_rows.drop_personal(connection)
    order_store.rebuild_all(connection)


def open_tablet(
    folder: Path,
    clock: Clock,
    *,
    connect: Connect = connect_over_http,
    watch: Watch | None = None,
    vault: Vault | None = None,
) -> Tablet:
    """Return the tablet that lives in `folder`, made when the folder is empty.

    A damaged file is set aside and its outbox saved; what was being sent at the last stop is
    queued again. `watch` is told every statement of the writer before it runs; without
    `vault` the machine's own is opened.

    Raises:
        StoreTooNewError: A newer app wrote the file; nothing was changed.
    """
    opened = open_database(folder / STORE_FILE, watch=watch)
    try:
        wake_up(folder / STORE_FILE, opened.database, clock)
        outside = Outside(connect=connect, vault=vault or open_vault(folder))
        return Tablet(folder, opened.database, clock, outside)
    except BaseException:
        opened.database.close()
        raise
