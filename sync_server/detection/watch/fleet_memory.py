"""Owns what the watch over the fleet holds between two looks, and how it is packed and mended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import orjson

from sync_server.detection.alerting.alert_book import AlertBook, BookedAlert, Lane
from sync_server.detection.fleet_state import FleetState, empty_state
from sync_server.detection.meters.columns import Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.meters.intake import ReadingBatch
from sync_server.detection.meters.state_arrays import pack_state, put_rows, take_rows, unpack_state
from sync_server.detection.watch.checkpoint_store import ROWS_IN_PART, Checkpoint, Part
from wire_contracts.kinds import Kind


@dataclass(slots=True, kw_only=True)
class FleetMemory:
    """The fleet as it was advanced so far.

    Attributes:
        asset_version: Of the assets that the fleet was made of.
        fleet: The meters.
        state: The detectors' memory.
        book: Open alerts and those that may come back.
        arrival_id: The newest transaction of the ingest that is in it.
        looked_at_ms: The newest look.
        recent: What arrived since the oldest checkpoint, each lot with its newest arrival.
        checkpoints: What can be gone back to, oldest first.
        stale: Meters whose readings came later than any checkpoint reaches back.
    """

    asset_version: int
    fleet: Fleet
    state: FleetState
    book: AlertBook
    arrival_id: int
    looked_at_ms: int
    recent: list[tuple[int, ReadingBatch]] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    stale: set[str] = field(default_factory=set)


def empty_memory(fleet: Fleet, asset_version: int) -> FleetMemory:
    """Return the memory before the first reading."""
    return FleetMemory(
        asset_version=asset_version,
        fleet=fleet,
        state=empty_state(fleet),
        book=AlertBook(),
        arrival_id=0,
        looked_at_ms=0,
    )


def pack_parts(memory: FleetMemory) -> Iterator[Part]:
    """Yield the state of all meters, some at a time."""
    count = len(memory.fleet.specs)
    for first in range(0, count, ROWS_IN_PART):
        rows = np.arange(first, min(first + ROWS_IN_PART, count), dtype=np.int64)
        yield Part(
            meter_ids=[memory.fleet.specs[row].meter_id for row in rows.tolist()],
            body=pack_state(take_rows(memory.state, rows)),
        )


def unpack_parts(fleet: Fleet, state: FleetState, parts: Sequence[Part]) -> frozenset[str]:
    """Put the packed meters into the state of the fleet; return which were there.

    Raises:
        ValueError: They were packed by another version of the core.
    """
    found: set[str] = set()
    for part in parts:
        packed = unpack_state(state, part.body)
        known = [at for at, name in enumerate(part.meter_ids) if name in fleet.row_of]
        rows = [fleet.row_of[part.meter_ids[at]] for at in known]
        put_rows(state, _ints(rows), take_rows(packed, _ints(known)))
        found.update(part.meter_ids[at] for at in known)
    return frozenset(found)


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def moved(memory: FleetMemory, fleet: Fleet, asset_version: int) -> FleetMemory:
    """Return the memory for a changed fleet; meters that are new or other than before are stale."""
    old_row = {
        row: memory.fleet.row_of[spec.meter_id]
        for row, spec in enumerate(fleet.specs)
        if spec.meter_id in memory.fleet.row_of
        and memory.fleet.specs[memory.fleet.row_of[spec.meter_id]] == spec
    }
    new_row = {old: new for new, old in old_row.items()}
    state = empty_state(fleet)
    put_rows(state, _ints(list(old_row)), take_rows(memory.state, _ints(list(old_row.values()))))
    alerts = {
        (new_row[row], lane): replace(alert, row=new_row[row])
        for (row, lane), alert in memory.book.alerts.items()
        if row in new_row
    }
    return FleetMemory(
        asset_version=asset_version,
        fleet=fleet,
        state=state,
        book=AlertBook(alerts=alerts),
        arrival_id=memory.arrival_id,
        looked_at_ms=memory.looked_at_ms,
        stale={spec.meter_id for row, spec in enumerate(fleet.specs) if row not in old_row},
    )


def pack_book(fleet: Fleet, book: AlertBook) -> bytes:
    """Return the book as bytes, by meter."""
    return orjson.dumps(
        [
            [
                fleet.specs[row].meter_id,
                str(lane),
                str(alert.kind),
                alert.raised_at_s,
                alert.held_at_s,
                alert.score,
                alert.is_open,
                alert.hold_s,
            ]
            for (row, lane), alert in sorted(book.alerts.items())
        ]
    )


def unpack_book(fleet: Fleet, body: bytes) -> AlertBook:
    """Return the book; alerts of meters that are gone are left out."""
    alerts: dict[tuple[int, Lane], BookedAlert] = {}
    for meter_id, lane, kind, raised_at_s, held_at_s, score, is_open, hold_s in orjson.loads(body):
        row = fleet.row_of.get(meter_id)
        if row is not None:
            alerts[row, Lane(lane)] = BookedAlert(
                row=row,
                lane=Lane(lane),
                kind=Kind(kind),
                raised_at_s=raised_at_s,
                held_at_s=held_at_s,
                score=score,
                is_open=is_open,
                hold_s=hold_s,
            )
    return AlertBook(alerts=alerts)
