"""Owns what the writer remembers between two transactions, and knows when it is no longer true.

Steady traffic then needs one query per transaction before its writes. Every transaction of an
ingest leaves a random stamp in the database; a writer that does not find its own stamp there was
rolled back or overtaken by another writer, and forgets everything.

Replicas leave one stamp for each partition that they touched instead, and forget what another one
has touched. A meter belongs to the partition of the gateway that brought its newest reading; who
writes a meter touches the partition that it belonged to before, and the one it belongs to then.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.assets.asset_store import load_device_map
from sync_server.assets.device_map import DeviceMap
from sync_server.db.bulk_io import Cell, OnExisting, put_cells
from sync_server.db.server_tables import SERVER_STATE
from sync_server.readings.hourly import Hour
from sync_server.readings.latest import Latest
from wire_contracts.acks import EpochAck
from wire_contracts.topics import PARTITION_COUNT, partition_of

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

    Attributes:
        is_shared: Whether several replicas write, each its share of the partitions.
        stamp: What was found or left in the database for all partitions; None: nothing is known.
        stamps: The same of each partition, where they are shared.
        touched: The partitions that the present transaction has changed.
    """

    is_shared: bool = False
    stamp: int | None = None
    stamps: dict[str, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    devices: DeviceMap = field(default_factory=lambda: DeviceMap(version=-1))
    meters: OrderedDict[str, MeterMemory | None] = field(default_factory=OrderedDict)
    epochs: dict[tuple[str, int], EpochAck] = field(default_factory=dict)

    def begin(self, connection: Connection) -> None:
        """Take the writer's place for this transaction and forget what is no longer true.

        Transactions of all writers take turns from here to their commits.
        """
        self.touched.clear()
        query = select(SERVER_STATE.c.name, SERVER_STATE.c.number).where(
            SERVER_STATE.c.name.in_(_SHARED_NAMES if self.is_shared else (_STAMP, _VERSION))
        )
        if connection.dialect.name == "postgresql":
            _make_stamp(connection)
            _lock_stamp(connection)
        found: dict[str, int] = {row.name: row.number for row in connection.execute(query)}
        if self.stamp is None or found.get(_STAMP) != self.stamp:
            self.meters.clear()
            self.epochs.clear()
            _make_stamp(connection)
        elif self.is_shared:
            self._forget_overtaken(found)
        if self.devices.version != found.get(_VERSION, 0):
            self.devices = load_device_map(connection)
        if self.is_shared:
            self.stamp = found.get(_STAMP, 0)
            self.stamps = {name: found[name] for name in found if name in _PARTITION_STAMPS}
        else:
            self.stamp = secrets.randbits(_STAMP_BITS) | 1
            connection.execute(
                update(SERVER_STATE).where(SERVER_STATE.c.name == _STAMP).values(number=self.stamp)
            )
        while len(self.meters) > MAX_METERS:
            self.meters.popitem(last=False)

    def touch(self, gateway_id: str) -> None:
        """Note that what belongs to the gateway's partition is being changed."""
        self.touched.add(partition_of(gateway_id))

    def finish(self, connection: Connection) -> None:
        """Let the other replicas know which partitions were touched."""
        if not self.is_shared or not self.touched:
            return
        stamp = secrets.randbits(_STAMP_BITS) | 1
        stamps = {_stamp_of(partition): stamp for partition in sorted(self.touched)}
        rows: list[Mapping[str, Cell]] = [
            {"name": name, "number": number} for name, number in stamps.items()
        ]
        put_cells(connection, SERVER_STATE, rows, OnExisting.REPLACE)
        self.stamps.update(stamps)

    def _forget_overtaken(self, found: Mapping[str, int]) -> None:
        """Forget what belongs to partitions that another replica has touched."""
        overtaken = {
            partition
            for partition in range(PARTITION_COUNT)
            if found.get(_stamp_of(partition)) != self.stamps.get(_stamp_of(partition))
        }
        if not overtaken:
            return
        for meter_id, meter in list(self.meters.items()):
            if meter is None or partition_of(meter.latest.gateway_id) in overtaken:
                del self.meters[meter_id]
        for key in list(self.epochs):
            if partition_of(key[0]) in overtaken:
                del self.epochs[key]

    def forget(self) -> None:
        """Remember nothing: the transaction in hand will not be committed."""
        self.stamp = None


def _lock_stamp(connection: Connection) -> None:
    """Wait for this writer's turn; the next query sees what was committed meanwhile."""
    connection.execute(
        select(SERVER_STATE.c.number)
        .where(SERVER_STATE.c.name.in_((_STAMP, _VERSION)))
        .with_for_update()
    )


def _stamp_of(partition: int) -> str:
    return f"{_STAMP}_{partition:02d}"


_PARTITION_STAMPS = frozenset(_stamp_of(partition) for partition in range(PARTITION_COUNT))
_SHARED_NAMES = (_STAMP, _VERSION, *sorted(_PARTITION_STAMPS))


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
