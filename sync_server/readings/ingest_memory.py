"""Owns what the writer remembers between two transactions, and knows when it is no longer true.

Steady traffic then needs one query per transaction before its writes. Every transaction of an
ingest leaves a random stamp in the database; a writer that does not find its own stamp there was
rolled back or overtaken by another writer, and forgets everything.

Replicas leave one stamp for each partition that they touched instead, and forget what another one
has touched. A meter belongs to the partition of the gateway that brought its newest reading; who
writes a meter touches the partition that it belonged to before, and the one it belongs to then.
On PostgreSQL a replica takes the locks of its batches' partitions and writes beside the others. A
meter that belongs elsewhere, or to nobody yet, needs the place for itself (`db.ingest_turns`).
"""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.assets.asset_store import allowed_gateways, find_devices
from sync_server.assets.device_map import DeviceMap, DeviceUse
from sync_server.db.bulk_io import Cell, OnExisting, put_cells
from sync_server.db.ingest_turns import take_everything, take_partitions
from sync_server.db.server_tables import SERVER_STATE
from sync_server.readings.remembered import (
    MeterMemory,
    PackedMeter,
    newest_ms_of,
    pack_meter,
    unpack_meter,
)
from wire_contracts.acks import EpochAck
from wire_contracts.topics import PARTITION_COUNT, partition_of

_STAMP = "ingest_stamp"
_VERSION = "asset_version"
_STAMP_BITS = 62

MAX_METERS = 1_000_000
"""Meters remembered. Beyond it the longest unheard one is read again, which takes as long as half
of all else that is done for a reading."""

MAX_DEVICES = 2 * MAX_METERS
"""Devices remembered, those that are no meter among them; beyond it they are looked up anew."""


@dataclass(slots=True)
class IngestMemory:
    """What the last transaction of this writer left in the database.

    A meter that is remembered as None is known to have no reading yet.

    Attributes:
        is_shared: Whether several replicas write, each its share of the partitions.
        stamp: What was found or left in the database for all partitions; None: nothing is known.
        stamps: The same of each partition, where they are shared.
        touched: The gateways whose partitions the present transaction has changed.
        held: The partitions that it has to itself; None: all.
        homes: The partitions that anything remembered may belong to.
        unheard: The meters that were found to have no reading: that may change any time.
        devices: Gateways as the assets have them, and the devices of `uses`.
        uses: What each device means that was heard since an asset changed; nothing: no meter.
        meters: What is remembered of each meter, the longest unheard first.
        opened: The meters that the present transaction looks at or changes.
    """

    is_shared: bool = False
    stamp: int | None = None
    stamps: dict[str, int] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    held: frozenset[int] | None = None
    homes: set[int] = field(default_factory=set)
    unheard: set[str] = field(default_factory=set)
    devices: DeviceMap = field(default_factory=lambda: DeviceMap(version=-1))
    uses: dict[str, Sequence[DeviceUse]] = field(default_factory=dict)
    meters: dict[str, PackedMeter | None] = field(default_factory=dict)
    opened: dict[str, MeterMemory] = field(default_factory=dict)
    epochs: dict[tuple[str, int], EpochAck] = field(default_factory=dict)

    def begin(self, connection: Connection, partitions: Collection[int] | None = None) -> None:
        """Take the writer's place for this transaction and forget what is no longer true.

        Transactions of all writers take turns from here to their commits, those of partitions
        (None: all) only with the ones that have one of them too.
        """
        self._settle_touched()
        self.held = None if partitions is None else frozenset(partitions)
        query = select(SERVER_STATE.c.name, SERVER_STATE.c.number).where(
            SERVER_STATE.c.name.in_(_SHARED_NAMES if self.is_shared else (_STAMP, _VERSION))
        )
        if self.held is None:
            take_everything(connection)
        else:
            take_partitions(connection, self.held)
        found: dict[str, int] = {row.name: row.number for row in connection.execute(query)}
        if self.stamp is None or found.get(_STAMP) != self.stamp:
            self._forget_all()
            _make_stamp(connection)
        elif self.is_shared:
            self._forget_overtaken(found)
        if self.devices.version != found.get(_VERSION, 0):
            self._forget_assets(connection, found.get(_VERSION, 0))
        if self.is_shared:
            self.stamp = found.get(_STAMP, 0)
            self.stamps = {name: found[name] for name in found if name in _PARTITION_STAMPS}
        else:
            self.stamp = secrets.randbits(_STAMP_BITS) | 1
            connection.execute(
                update(SERVER_STATE).where(SERVER_STATE.c.name == _STAMP).values(number=self.stamp)
            )
        if len(self.uses) > MAX_DEVICES:
            self.uses.clear()
        _make_room(self.meters)

    def touch(self, gateway_id: str) -> None:
        """Note that what belongs to the gateway's partition is being changed."""
        self.touched.add(gateway_id)

    def know_devices(self, connection: Connection, serials: Collection[str]) -> None:
        """Bring what these devices mean into the memory, until an asset changes."""
        missing = [serial for serial in serials if serial not in self.uses]
        if missing:
            self.uses.update(dict.fromkeys(missing, ()))
            self.uses.update(find_devices(connection, missing))

    def remember(self, meter_id: str, meter: MeterMemory | None) -> None:
        """Take in what the database has of a meter; None: no reading yet."""
        self.meters[meter_id] = None if meter is None else pack_meter(meter)
        if meter is None:
            self.unheard.add(meter_id)
        else:
            self.homes.add(partition_of(meter.latest.gateway_id))

    def meter(self, meter_id: str) -> MeterMemory | None:
        """Return a meter as the present transaction has left it; None: no reading yet."""
        opened = self.opened.get(meter_id)
        if opened is None:
            packed = self.meters.get(meter_id)
            if packed is None:
                return None
            opened = self.opened[meter_id] = unpack_meter(packed)
        return opened

    def newest_ms(self, meter_id: str) -> int:
        """Return the newest instant of a meter that is remembered; -1: no reading yet."""
        packed = self.unopened(meter_id)
        if packed is not None:
            return newest_ms_of(packed)
        meter = self.meter(meter_id)
        return -1 if meter is None else meter.latest.measured_at_ms

    def unopened(self, meter_id: str) -> PackedMeter | None:
        """Return a meter as the last transaction left it; None: no reading, or looked at since."""
        return None if meter_id in self.opened else self.meters.get(meter_id)

    def replace(self, meter_id: str, packed: PackedMeter) -> None:
        """Take in what the present transaction makes of an unopened meter, heard of just now."""
        del self.meters[meter_id]
        self.meters[meter_id] = packed

    def change(self, meter_id: str, meter: MeterMemory) -> None:
        """Take in what the present transaction makes of a meter."""
        self.opened[meter_id] = meter

    def put_away(self) -> None:
        """Remember what the present transaction has made of its meters, as heard of just now."""
        meters = self.meters
        for meter_id, meter in self.opened.items():
            meters.pop(meter_id, None)
            meters[meter_id] = pack_meter(meter)
        self.opened.clear()

    def has_to_itself(self, meter_ids: Iterable[str]) -> bool:
        """Return whether no other transaction can write these meters, all of them remembered."""
        if self.held is None:
            return True
        found = [self.meters[meter_id] for meter_id in meter_ids]
        homes = {meter.gateway_id for meter in found if meter is not None}
        return None not in found and self.held.issuperset(map(partition_of, homes))

    def finish(self, connection: Connection) -> None:
        """Let the other replicas know which partitions were touched.

        Raises:
            RuntimeError: One of them may be another writer's at the moment.
        """
        if not self.is_shared or not self.touched:
            return
        touched = {partition_of(gateway_id) for gateway_id in self.touched}
        if self.held is not None and not touched <= self.held:
            message = f"ingest: partitions {sorted(touched - self.held)} were changed, not held"
            raise RuntimeError(message)
        stamp = secrets.randbits(_STAMP_BITS) | 1
        stamps = {_stamp_of(partition): stamp for partition in sorted(touched)}
        rows: list[Mapping[str, Cell]] = [
            {"name": name, "number": number} for name, number in stamps.items()
        ]
        put_cells(connection, SERVER_STATE, rows, OnExisting.REPLACE)
        self.stamps.update(stamps)

    def _settle_touched(self) -> None:
        """Begin with nothing touched; who had no reading may have one by now."""
        self.homes.update(map(partition_of, self.touched))
        self.touched.clear()
        self.opened.clear()
        for meter_id in self.unheard:
            if self.meters.get(meter_id) is None:
                self.meters.pop(meter_id, None)
        self.unheard.clear()

    def _forget_assets(self, connection: Connection, version: int) -> None:
        """Look gateways up again; a device when it is next heard: there may be a million."""
        self.uses = {}
        self.devices = DeviceMap(
            version=version, gateways=allowed_gateways(connection), devices=self.uses
        )

    def _forget_all(self) -> None:
        self.meters.clear()
        self.opened.clear()
        self.epochs.clear()
        self.homes.clear()

    def _forget_overtaken(self, found: Mapping[str, int]) -> None:
        """Forget what belongs to partitions that another replica has touched."""
        overtaken = {
            partition
            for partition in self.homes
            if found.get(_stamp_of(partition)) != self.stamps.get(_stamp_of(partition))
        }
        if not overtaken:
            return
        for meter_id, meter in list(self.meters.items()):
            if meter is None or partition_of(meter.gateway_id) in overtaken:
                del self.meters[meter_id]
        for key in list(self.epochs):
            if partition_of(key[0]) in overtaken:
                del self.epochs[key]
        self.homes -= overtaken

    def forget(self) -> None:
        """Remember nothing: the transaction in hand will not be committed."""
        self.stamp = None


def _make_room(remembered: dict[str, PackedMeter | None]) -> None:
    """Forget the longest unheard meters beyond `MAX_METERS`."""
    surplus = len(remembered) - MAX_METERS
    if surplus > 0:
        for meter_id in list(islice(remembered, surplus)):
            del remembered[meter_id]


def _stamp_of(partition: int) -> str:
    return f"{_STAMP}_{partition:02d}"


_PARTITION_STAMPS = frozenset(_stamp_of(partition) for partition in range(PARTITION_COUNT))
_SHARED_NAMES = (_STAMP, _VERSION, *sorted(_PARTITION_STAMPS))


def overtake(connection: Connection) -> None:
    """Make every writer forget what it remembers: rows are changed without it.

    Waits for writers in the middle of their transactions.
    """
    take_everything(connection)
    _make_stamp(connection)
    connection.execute(
        update(SERVER_STATE)
        .where(SERVER_STATE.c.name == _STAMP)
        .values(number=secrets.randbits(_STAMP_BITS) | 1)
    )


def _make_stamp(connection: Connection) -> None:
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(make(SERVER_STATE).values(name=_STAMP, number=0).on_conflict_do_nothing())
