"""Owns what the writer remembers between two transactions, and knows when it is no longer true.

Steady traffic then needs one query per transaction before its writes. Every transaction of an
ingest leaves a random stamp in the database; a writer that does not find its own stamp there was
rolled back or overtaken by another writer, and forgets everything.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.assets.asset_store import load_device_map
from sync_server.assets.device_map import DeviceMap
from sync_server.db.server_tables import SERVER_STATE
from sync_server.readings.hourly import Hour
from sync_server.readings.latest import Latest
from wire_contracts.acks import EpochAck

_STAMP = "ingest_stamp"
_VERSION = "asset_version"
_STAMP_BITS = 62

MAX_METERS = 200_000
"""Meters remembered; about 2 kB each. Beyond it the longest unheard one is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterMemory:
    """The newest of a meter, and the hour that it lies in."""

    latest: Latest
    hour: Hour


@dataclass(slots=True)
class IngestMemory:
    """What the last transaction of this writer left in the database.

    A meter that is remembered as None is known to have no reading yet.
    """

    stamp: int | None = None
    devices: DeviceMap = field(default_factory=lambda: DeviceMap(version=-1))
    meters: OrderedDict[str, MeterMemory | None] = field(default_factory=OrderedDict)
    epochs: dict[tuple[str, int], EpochAck] = field(default_factory=dict)

    def begin(self, connection: Connection) -> None:
        """Take the writer's place for this transaction and forget what is no longer true."""
        query = select(SERVER_STATE.c.name, SERVER_STATE.c.number).where(
            SERVER_STATE.c.name.in_((_STAMP, _VERSION))
        )
        if connection.dialect.name == "postgresql":
            _make_stamp(connection)
            query = query.with_for_update()
        found: dict[str, int] = {row.name: row.number for row in connection.execute(query)}
        if self.stamp is None or found.get(_STAMP) != self.stamp:
            self.meters.clear()
            self.epochs.clear()
            _make_stamp(connection)
        if self.devices.version != found.get(_VERSION, 0):
            self.devices = load_device_map(connection)
        self.stamp = secrets.randbits(_STAMP_BITS) | 1
        connection.execute(
            update(SERVER_STATE).where(SERVER_STATE.c.name == _STAMP).values(number=self.stamp)
        )
        while len(self.meters) > MAX_METERS:
            self.meters.popitem(last=False)

    def forget(self) -> None:
        """Remember nothing: the transaction in hand will not be committed."""
        self.stamp = None


def overtake(connection: Connection) -> None:
    """Make every writer forget what it remembers: rows are changed without it.

    Waits for a writer in the middle of its transaction.
    """
    _make_stamp(connection)
    connection.execute(
        update(SERVER_STATE)
        .where(SERVER_STATE.c.name == _STAMP)
        .values(number=secrets.randbits(_STAMP_BITS) | 1)
    )


def _make_stamp(connection: Connection) -> None:
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(make(SERVER_STATE).values(name=_STAMP, number=0).on_conflict_do_nothing())
