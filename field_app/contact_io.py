"""Owns the way to the server: made when it is first wanted, and anew after an enrolment.

HTTP is imported when there is somebody to ask: the list of orders is on the glass before.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from field_app.photos.photo_files_io import PhotoFiles
from field_app.platform.network import NetworkKind
from field_app.store.database_io import Database
from field_app.store.identity_io import Identity
from field_app.store.personal_rows import Keep
from field_app.sync import sync_store
from field_app.sync.engine import SyncEngine
from field_app.sync.pushing import RenewReplica
from field_app.sync.reasons import Reason
from field_app.sync.uploading import BlobApi, CarriesBlobs, Shore, Uploader
from wire_contracts.clock import Clock
from wire_contracts.sync import Feature, SyncApi, has_feature

if TYPE_CHECKING:
    from field_app.sync.client_io import HttpStream

Connect = Callable[[Identity], SyncApi]
"""Makes the API for an identity; the default speaks HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a contact carries between the tablet and its server.

    Attributes:
        database: The store.
        clock: The tablet's clock.
        files: Where photos lie.
        network: Returns what the network costs now.
        keep: Says what of personal rows may stay.
        renew_replica: Draws another name for this copy of the store.
        send_older: Sends over an API what a withdrawal left sealed; returns how much.
        tell_begun: Puts down what was begun at orders that have left; returns how much.
    """

    database: Database
    clock: Clock
    files: PhotoFiles
    network: Callable[[], NetworkKind]
    keep: Keep
    renew_replica: RenewReplica
    send_older: Callable[[SyncApi], int]
    tell_begun: Callable[[Connection], int]


class Contact:
    """The engine of one identity at a time; safe to use from several threads."""

    def __init__(self, connect: Connect, carried: Carried) -> None:
        """Take the way and what goes over it; nothing is opened."""
        self._connect = connect
        self._carried = carried
        self._lock = threading.Lock()
        self._is_closed = False
        self._blob_api: BlobApi | None = None
        self._engine: SyncEngine | None = None
        self.api: SyncApi | None = None

    def engine(self, identity: Identity | None) -> SyncEngine | None:
        """Return the engine, made when it is first wanted; None before the enrolment."""
        with self._lock:
            if self._engine is None and identity is not None and not self._is_closed:
                self._engine = self._make_engine(identity)
            return self._engine

    def begin_anew(self) -> None:
        """Forget the way: who asks, or whom, has changed."""
        with self._lock:
            self._let_go()

    def close(self) -> None:
        """Let go of everything; no engine is made any more."""
        with self._lock:
            self._is_closed = True
            self._let_go()

    def open_pokes(self, identity: Identity | None) -> "HttpStream | None":
        """Open the stream of pokes, on a connection of its own; None while there is no contact."""
        from field_app.sync.client_io import (  # noqa: PLC0415 - after the first list
            HttpSyncApi,
            open_pokes,
        )

        status = self._carried.database.read(sync_store.load_status)
        is_newer = status.protocol is not None and has_feature(status.protocol, Feature.POKE)
        has_contact = status.reason is Reason.NONE and not status.is_switched_off
        is_http = isinstance(self.api, HttpSyncApi)
        if identity is None or not (is_http and is_newer and has_contact):
            return None
        return open_pokes(identity.server_url, identity.token)

    def _make_engine(self, identity: Identity) -> SyncEngine:
        carried = self._carried
        self.api = self._connect(identity)
        engine = SyncEngine(
            carried.database,
            self.api,
            carried.clock,
            carried.renew_replica,
            keep=carried.keep,
        )
        engine.send_first(partial(carried.send_older, self.api))
        engine.tell_begun(carried.tell_begun)
        self._blob_api = _blob_api(self.api, identity)
        if self._blob_api is not None:
            shore = Shore(files=carried.files, network=carried.network, clock=carried.clock)
            engine.carry_photos(Uploader(carried.database, self._blob_api, shore))
        return engine

    def _let_go(self) -> None:
        if self.api is not None:
            from field_app.sync.client_io import HttpSyncApi  # noqa: PLC0415 - as above

            if isinstance(self.api, HttpSyncApi):
                self.api.close()
        if self._blob_api is not None:
            self._blob_api.close()
        self.api = self._blob_api = self._engine = None


def connect_over_http(identity: Identity) -> SyncApi:
    """Return the API over HTTP with the tablet's token."""
    from field_app.sync.client_io import HttpSyncApi  # noqa: PLC0415 - after the first list

    return HttpSyncApi(identity.server_url, identity.token)


def _blob_api(api: SyncApi, identity: Identity) -> BlobApi | None:
    from field_app.sync.blob_client_io import HttpBlobApi  # noqa: PLC0415 - after the first list
    from field_app.sync.client_io import HttpSyncApi  # noqa: PLC0415 - as above

    if isinstance(api, HttpSyncApi):
        return HttpBlobApi(identity.server_url, identity.token)
    way: object = api
    return way.blobs() if isinstance(way, CarriesBlobs) else None
