"""Owns the transaction of the ingest: ledger, readings, latest and hourly change together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.ingest_turns import can_share
from sync_server.db.reading_tables import (
    METER_EVENT,
    READING,
    READING_CONFLICT,
    READING_HOURLY,
    READING_LATEST,
)
from sync_server.readings.arrival_store import ArrivalTime, NotedRows, note_future, note_rows
from sync_server.readings.arrivals import Accepted, Arrivals
from sync_server.readings.frame_store import (
    advance_epochs,
    load_epochs,
    load_refused,
    seqs_of,
    without_known_clones,
    write_clones,
    write_gaps,
    write_ledger,
)
from sync_server.readings.fresh import (
    AnyBatch,
    Known,
    Picked,
    as_whole,
    devices_of,
    hashes_of,
    meters_in_columns,
    pick_fresh,
)
from sync_server.readings.fresh_store import write_fresh
from sync_server.readings.hourly import Hour, add_row, hour_of
from sync_server.readings.ingest import sort_arrivals
from sync_server.readings.ingest_memory import IngestMemory
from sync_server.readings.latest import see_row
from sync_server.readings.ledger_store import load_known_hashes
from sync_server.readings.quality_event_store import (
    QualityEvent,
    QualityEventKind,
    write_quality_events,
)
from sync_server.readings.quarantine_store import keep_refused
from sync_server.readings.reading_rows import (
    Merged,
    ReadingRow,
    Superseded,
    merge_rows,
    row_of,
)
from sync_server.readings.remembered import make_memory
from sync_server.readings.row_store import (
    hourly_cells,
    latest_cells,
    load_hours,
    load_meters,
    load_newest_valued,
    load_rows,
    reading_cells,
)
from sync_server.readings.superseded_store import write_superseded
from wire_contracts.acks import EpochAck, fitting
from wire_contracts.frames import Batch, frame_json, ms_from_utc
from wire_contracts.payloads import dump_json
from wire_contracts.quantities import Medium
from wire_contracts.topics import partition_of

RowKey = tuple[str, int]
"""Meter and instant in ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of some batches.

    `acks` has one acknowledgement per gateway and epoch, to be published after the commit; its
    `refused` names seqs of these batches only.
    """

    acks: Mapping[str, Sequence[EpochAck]]
    new_count: int
    duplicate_count: int
    refused_count: int
    clone_count: int
    conflict_count: int


@dataclass(slots=True)
class _Work:
    """The rows that one transaction is about to write.

    `told_again` stay as they are: their meter said something of itself at an instant that was here.
    """

    received_at_utc: datetime
    new_rows: list[ReadingRow]
    changed_rows: dict[RowKey, ReadingRow]
    told_again: list[ReadingRow]
    media: dict[str, Medium]
    hours: dict[RowKey, Hour]
    stale_hours: set[RowKey]
    superseded: list[Superseded]
    conflicts: list[Accepted]
    emptied_meters: set[str]
    cells: Sequence[Row] = ()


class ReadingStore:
    """Stores batches; keeps a memory that makes steady traffic cheap.

    One object per writer. Any number of writers may work on one database: a transaction has
    every meter that it writes to itself, and a memory that another writer has overtaken is dropped.
    """

    def __init__(self, *, is_shared: bool = False) -> None:
        """Start with an empty memory; `is_shared` where each replica writes its partitions."""
        self._memory = IngestMemory(is_shared=is_shared)

    def store_batches(
        self,
        connection: Connection,
        batches: Sequence[AnyBatch],
        received_at_utc: datetime,
        arrived: ArrivalTime | None = None,
    ) -> Stored:
        """Return what became of the batches, all written in the caller's transaction.

        Order and repetition of batches and frames do not change what is stored, nor does it whether
        their ordinary frames come as columns; those of a batch that does not are compared one by
        one. The acknowledgements may be published only after the caller has committed. `arrived`
        knows when each frame came, where that is not `received_at_utc`.
        """
        try:
            if arrived is not None:
                batches = [as_whole(batch) for batch in batches]
            return self._store(connection, batches, received_at_utc, arrived)
        except BaseException:
            self._memory.forget()
            raise

    def adopt(
        self, connection: Connection, accepted: Sequence[Accepted], received_at_utc: datetime
    ) -> None:
        """Write the readings of frames that lay in quarantine and are in the ledger already."""
        try:
            self._memory.begin(connection)
            load_meters(connection, self._memory, meters_of(accepted))
            work = self._write_readings(connection, accepted, received_at_utc)
            self._memory.finish(connection)
            _note_work(connection, work, accepted, None)
        except BaseException:
            self._memory.forget()
            raise

    def _store(
        self,
        connection: Connection,
        batches: Sequence[AnyBatch],
        received_at_utc: datetime,
        arrived: ArrivalTime | None,
    ) -> Stored:
        memory, received_at_ms = self._memory, ms_from_utc(received_at_utc)
        picked, arrivals = self._take_in(connection, batches, received_at_ms)
        ready = write_fresh(connection, memory, picked)
        write_ledger(connection, arrivals)
        write_gaps(connection, arrivals, received_at_ms)
        write_clones(connection, arrivals.clones, received_at_ms)
        keep_refused(connection, arrivals.refused, received_at_utc)
        accepted = [*arrivals.accepted, *arrivals.clones]
        work = self._write_readings(connection, accepted, received_at_utc)
        advance_epochs(connection, memory, batches, received_at_ms)
        memory.finish(connection)
        _report(connection, arrivals, work.conflicts, received_at_utc)
        has_refusals = bool(arrivals.refused) or arrivals.duplicate_count > 0
        acks = self._acks(connection, batches, has_refusals=has_refusals)
        note_future(connection, arrivals.refused, memory.devices, received_at_ms, arrived)
        _note_work(connection, work, accepted, arrived, ready)
        return Stored(
            acks=acks,
            new_count=picked.count + len(arrivals.accepted),
            duplicate_count=arrivals.duplicate_count,
            refused_count=len(arrivals.refused),
            clone_count=len(arrivals.clones),
            conflict_count=len(work.conflicts),
        )

    def _take_in(
        self, connection: Connection, batches: Sequence[AnyBatch], received_at_ms: int
    ) -> tuple[Picked, Arrivals]:
        """Return what the batches are; every meter in them is this transaction's alone then.

        Replicas work beside each other until one has a meter that is another's, or new.
        """
        memory = self._memory
        if memory.is_shared and can_share(connection):
            beside = connection.begin_nested()
            memory.begin(connection, {partition_of(batch.gateway_id) for batch in batches})
            picked, arrivals = self._sort(connection, batches, received_at_ms)
            meters = meters_of([*arrivals.accepted, *arrivals.clones]).union(picked.meters)
            if memory.has_to_itself(meters):
                beside.commit()
                return picked, arrivals
            beside.rollback()
        memory.begin(connection)
        return self._sort(connection, batches, received_at_ms)

    def _sort(
        self, connection: Connection, batches: Sequence[AnyBatch], received_at_ms: int
    ) -> tuple[Picked, Arrivals]:
        """Return what the batches are, by what the database knows; write nothing."""
        memory = self._memory
        for batch in batches:
            memory.touch(batch.gateway_id)
        memory.know_devices(connection, devices_of(batches))
        load_epochs(connection, memory, {(batch.gateway_id, batch.epoch) for batch in batches})
        load_meters(connection, memory, meters_in_columns(batches, memory.devices))
        known = Known(
            devices=memory.devices,
            epochs=memory.epochs,
            newest_ms=memory.newest_ms,
            received_at_ms=received_at_ms,
        )
        picked = pick_fresh(batches, known)
        hashes = {**load_known_hashes(connection, memory, picked.rest), **hashes_of(picked)}
        arrivals = sort_arrivals(picked.rest, hashes, memory.devices, received_at_ms)
        if arrivals.clones:
            arrivals = without_known_clones(connection, arrivals)
        load_meters(connection, memory, meters_of([*arrivals.accepted, *arrivals.clones]))
        return picked, arrivals

    def _acks(
        self, connection: Connection, batches: Sequence[AnyBatch], *, has_refusals: bool
    ) -> Mapping[str, Sequence[EpochAck]]:
        refused: dict[tuple[str, int], set[tuple[int, str]]] = {}
        seqs: dict[tuple[str, int], list[int]] = {}
        for batch in batches:
            key = (batch.gateway_id, batch.epoch)
            entry = refused.setdefault(key, set())
            seqs.setdefault(key, []).extend(seqs_of(batch))
            if has_refusals:
                entry.update(load_refused(connection, batch))
        acks: dict[str, list[EpochAck]] = {}
        for key in sorted(refused):
            ack = replace(self._memory.epochs[key], refused=tuple(sorted(refused[key])))
            acks.setdefault(key[0], []).append(fitting(ack, seqs[key]))
        return acks

    def _write_readings(
        self,
        connection: Connection,
        accepted: Sequence[Accepted],
        received_at_utc: datetime,
    ) -> _Work:
        """Write the readings of meters that are remembered, and return what was written."""
        work = _Work(
            received_at_utc=received_at_utc,
            new_rows=[],
            changed_rows={},
            told_again=[],
            media={},
            hours={},
            stale_hours=set(),
            superseded=[],
            conflicts=[],
            emptied_meters=set(),
        )
        groups = _by_row(accepted)
        late = [key for key in groups if self._is_late(key)]
        stored_rows = load_rows(connection, late)
        for key in sorted(groups):
            frames = groups[key]
            work.media[key[0]] = frames[0].use.medium
            self._take_row(work, key, frames, stored_rows)
        new_cells = [reading_cells(row) for row in work.new_rows]
        changed_cells = [reading_cells(row) for row in work.changed_rows.values()]
        write_rows(connection, READING, new_cells, OnExisting.FAIL)
        write_rows(connection, READING, changed_cells, OnExisting.REPLACE)
        work.cells = [*new_cells, *changed_cells, *map(reading_cells, work.told_again)]
        self._refresh_hours(connection, work)
        self._refresh_valued(connection, work.emptied_meters)
        self._write_meters(connection, sorted(work.media), work)
        _write_events(connection, accepted)
        write_superseded(connection, work.superseded)
        _write_conflicts(connection, work.conflicts, ms_from_utc(received_at_utc))
        return work

    def _is_late(self, key: RowKey) -> bool:
        meter = self._memory.meter(key[0])
        return meter is not None and key[1] <= meter.latest.measured_at_ms

    def _take_row(
        self,
        work: _Work,
        key: RowKey,
        frames: Sequence[Accepted],
        stored_rows: Mapping[RowKey, ReadingRow],
    ) -> None:
        stored = stored_rows.get(key)
        row = self._merge(work, key, frames, stored)
        if row is None:
            if stored is not None and any(item.frame.events for item in frames):
                work.told_again.append(stored)
            return
        meter = self._memory.meter(key[0])
        gateway_id = max([item.key.gateway_id for item in frames])
        latest = see_row(meter.latest if meter else None, row, gateway_id)
        self._memory.touch(latest.gateway_id)
        if meter is not None and meter.latest.gateway_id != latest.gateway_id:
            self._memory.touch(meter.latest.gateway_id)
        hour_at_ms = hour_of(key[1])
        if stored is None:
            work.new_rows.append(row)
        else:
            work.changed_rows[key] = row
            if stored.values and not row.values:
                work.emptied_meters.add(key[0])
        if meter is not None and key[1] <= meter.latest.measured_at_ms:
            work.stale_hours.add((key[0], hour_at_ms))
            hour = meter.hour
        else:
            is_same = meter is not None and meter.hour.hour_at_ms == hour_at_ms
            hour = meter.hour if meter is not None and is_same else Hour(hour_at_ms=hour_at_ms)
            hour = add_row(hour, row, work.media[key[0]])
            work.hours[key[0], hour_at_ms] = hour
        self._memory.change(key[0], make_memory(latest=latest, hour=hour))

    @staticmethod
    def _merge(
        work: _Work, key: RowKey, frames: Sequence[Accepted], stored: ReadingRow | None
    ) -> ReadingRow | None:
        """Return the row of these frames merged into the stored one; None when nothing changed."""
        if stored is None and len(frames) == 1:
            return row_of(key[0], key[1], frames[0].frame)
        row = stored
        for accepted in frames:
            arriving = row_of(key[0], key[1], accepted.frame)
            merged = Merged(row=arriving) if row is None else merge_rows(row, arriving)
            row = merged.row
            work.superseded.extend(merged.superseded)
            if merged.is_conflict:
                work.conflicts.append(accepted)
        return None if row == stored else row

    def _refresh_hours(self, connection: Connection, work: _Work) -> None:
        """Gather anew the hours in which a row came late or was changed."""
        fresh = load_hours(connection, work.stale_hours, work.media, work.new_rows)
        work.hours.update(fresh)
        for (meter_id, hour_at_ms), hour in fresh.items():
            meter = self._memory.meter(meter_id)
            if meter is not None and meter.hour.hour_at_ms == hour_at_ms:
                self._memory.change(meter_id, replace(meter, hour=hour))

    def _refresh_valued(self, connection: Connection, meter_ids: set[str]) -> None:
        """Find anew when a meter last had a value, after an instant has lost all of its values."""
        for meter_id, valued_at_ms in load_newest_valued(connection, meter_ids).items():
            meter = self._memory.meter(meter_id)
            if meter is not None:
                latest = replace(meter.latest, valued_at_ms=valued_at_ms)
                self._memory.change(meter_id, replace(meter, latest=latest))

    def _write_meters(self, connection: Connection, meter_ids: Iterable[str], work: _Work) -> None:
        latest_rows: list[Row] = []
        for meter_id in meter_ids:
            meter = self._memory.meter(meter_id)
            if meter is not None:
                latest_rows.append(latest_cells(meter_id, meter.latest))
        self._memory.put_away()
        write_rows(connection, READING_LATEST, latest_rows, OnExisting.REPLACE)
        hour_rows = [hourly_cells(key[0], hour) for key, hour in work.hours.items()]
        write_rows(connection, READING_HOURLY, hour_rows, OnExisting.REPLACE)


def store_batch(connection: Connection, batch: Batch, received_at_utc: datetime) -> EpochAck:
    """Return the acknowledgement of one batch, stored in the caller's transaction.

    For many batches keep one `ReadingStore`: it remembers between transactions.
    """
    stored = ReadingStore().store_batches(connection, [batch], received_at_utc)
    return stored.acks[batch.gateway_id][0]


def meters_of(accepted: Iterable[Accepted]) -> set[str]:
    """Return whose frames these are."""
    return {item.use.meter_id for item in accepted}


def _note_work(
    connection: Connection,
    work: _Work,
    accepted: Sequence[Accepted],
    arrived: ArrivalTime | None,
    ready: Sequence[Row] = (),
) -> None:
    """Let detection know what was written: first of what came as columns."""
    noted = NotedRows(
        cells=work.cells, conflicts=work.conflicts, events=_events(accepted), ready=ready
    )
    received_at_ms = ms_from_utc(work.received_at_utc)
    if arrived is None:
        note_rows(connection, noted, received_at_ms, None)
        return
    last = {(item.use.meter_id, item.measured_at_ms): item.key for item in accepted}
    note_rows(connection, noted, received_at_ms, lambda row: arrived(last[row]))


def _by_row(accepted: Sequence[Accepted]) -> dict[RowKey, list[Accepted]]:
    groups: dict[RowKey, list[Accepted]] = {}
    for item in accepted:
        groups.setdefault((item.use.meter_id, item.measured_at_ms), []).append(item)
    return groups


def _write_events(connection: Connection, accepted: Sequence[Accepted]) -> None:
    rows: list[Row] = list(_events(accepted))
    write_rows(connection, METER_EVENT, rows, OnExisting.KEEP)


def _events(accepted: Sequence[Accepted]) -> Sequence[tuple[str, int, str]]:
    return [
        (item.use.meter_id, item.measured_at_ms, event)
        for item in accepted
        for event in item.frame.events
    ]


def _write_conflicts(
    connection: Connection, conflicts: Sequence[Accepted], received_at_ms: int
) -> None:
    rows: list[Row] = [
        (
            item.key.gateway_id,
            item.key.epoch,
            item.key.seq,
            item.payload_hash,
            item.use.meter_id,
            item.measured_at_ms,
            received_at_ms,
            dump_json(frame_json(item.frame)).decode(),
        )
        for item in conflicts
    ]
    write_rows(connection, READING_CONFLICT, rows, OnExisting.KEEP)


def _report(
    connection: Connection,
    arrivals: Arrivals,
    conflicts: Sequence[Accepted],
    received_at_utc: datetime,
) -> None:
    events = [
        QualityEvent(
            at_utc=received_at_utc,
            kind=kind,
            gateway_id=item.key.gateway_id,
            meter_id=item.use.meter_id,
            detail={"epoch": item.key.epoch, "seq": item.key.seq, "device": item.frame.device},
        )
        for kind, items in (
            (QualityEventKind.CLONE, arrivals.clones),
            (QualityEventKind.CONFLICT, conflicts),
        )
        for item in items
    ]
    events += [
        QualityEvent(
            at_utc=received_at_utc,
            kind=QualityEventKind.GAP,
            gateway_id=gap.key.gateway_id,
            meter_id=None,
            detail={"lost": gap.record.count, "why": gap.record.why},
        )
        for gap in arrivals.gaps
    ]
    write_quality_events(connection, events)
    for gateway_id in sorted({event.gateway_id for event in events if event.gateway_id}):
        append_feed(connection, Topic.GATEWAY, gateway_id, received_at_utc)
