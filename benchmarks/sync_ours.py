"""Our side of the sync benchmark: the tablet's real store and engine over HTTP."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from benchmarks.sync_town import OrderTown
from field_app.config import APP_VERSION
from field_app.interpreter_io import settle_interpreter
from field_app.store import look_store, outbox_store
from field_app.store.database_io import Database, open_database
from field_app.store.ids_io import draw_replica_id
from field_app.store.outbox_store import NewOperation, TapStamp
from field_app.store.settings_store import Key, save
from field_app.sync.client_io import HttpSyncApi
from field_app.sync.engine import SyncEngine
from field_app.sync.pushing import Pusher
from field_app.sync.reasons import Reason
from wire_contracts.operations import DeviceTime, OperationKind
from wire_contracts.orders import ENTITY
from wire_contracts.sync import SyncApi


class _Clock:
    def now_utc(self) -> datetime:
        return datetime.now(UTC)

    def wall_seconds(self, seconds: float) -> float:
        return seconds


class OurTablet:
    """One tablet's file with the engine over it."""

    def __init__(self, folder: Path, base_url: str, town: OrderTown) -> None:
        """Make an empty tablet that knows its token."""
        settle_interpreter()
        self.database: Database = open_database(folder / "tablet.sqlite3").database
        self.database.write(_give_replica)
        self._clock = _Clock()
        self._town = town
        self._api = HttpSyncApi(base_url, town.person.enrolled.token)
        self._engine = SyncEngine(self.database, self._api, self._clock, _keep_replica)

    def edit(self, order_ids: Sequence[str]) -> None:
        """Edit each order, as taps do; nothing is sent yet."""
        self.database.write(lambda connection: _edit(connection, order_ids, self._town))

    def push(self, count: int) -> None:
        """Send so many edits, until every outcome is kept."""
        api: SyncApi = self._api
        pusher = Pusher(self.database, api, self._clock, _keep_replica)
        settled = pusher.push_all()
        if settled != count:
            message = f"push: {settled} of {count} settled"
            raise RuntimeError(message)

    def demand_no_looks(self) -> None:
        """Raise RuntimeError when what became of an edit must be looked at by a person."""
        if looks := self.database.read(_count_looks):
            message = f"push: {looks} edits need a look"
            raise RuntimeError(message)

    def sync(self) -> None:
        """Sync once; raise RuntimeError when there was no contact."""
        verdict = self._engine.sync()
        if verdict.reason is not Reason.NONE:
            message = f"sync: {verdict.reason}: {verdict.detail}"
            raise RuntimeError(message)

    def close(self) -> None:
        """Close file and connection."""
        self._api.close()
        self.database.close()


def _give_replica(connection: Connection) -> None:
    save(connection, Key.REPLICA_ID, draw_replica_id())


def _keep_replica(connection: Connection) -> None:
    del connection
    message = "the server asks for a new replica id, and nobody cloned this store"
    raise RuntimeError(message)


def _edit(connection: Connection, order_ids: Sequence[str], town: OrderTown) -> None:
    for number, order_id in enumerate(order_ids):
        change = NewOperation(
            kind=OperationKind.SET,
            entity=ENTITY,
            entity_id=order_id,
            order_id=order_id,
            field="diagnosis",
            old="",
            new=f"looked at it {number}",
        )
        wall_ms = time.time_ns() // 1_000_000
        at = DeviceTime(wall_ms=wall_ms, mono_ms=number, boot_id="bench", offset_ms=0)
        stamp = TapStamp(actor=town.person.actor, at=at, app=APP_VERSION)
        outbox_store.append_group(connection, [change], stamp)


def _count_looks(connection: Connection) -> int:
    return look_store.summarise(connection).needs_look
