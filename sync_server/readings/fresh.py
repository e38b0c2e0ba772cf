"""Decides which ordinary frames are new and later than all that their meters have.

That is a meter's ordinary life: nothing to compare, nothing to merge. Every other frame goes the
long way (`ingest`, `reading_rows`), which decides the same; what becomes of a frame does not depend
on the way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sync_server.assets.device_map import DeviceMap
from sync_server.readings.arrivals import digest_columns
from sync_server.readings.frame_runs import FrameRun, entries_of, runs_of
from sync_server.readings.ingest import FUTURE_TOLERANCE_MS
from wire_contracts.acks import EpochAck
from wire_contracts.frame_columns import FrameColumns, SplitBatch
from wire_contracts.frames import Batch, Frame
from wire_contracts.quantities import Medium

AnyBatch = Batch | SplitBatch
EpochKey = tuple[str, int]

FreshFrame = tuple[int, tuple[str, ...], dict[str, float], str, str, bytes | None]
"""Instant in ms, quantities, values, profile, register group, register words."""


@dataclass(slots=True)
class FreshMeter:
    """What a meter says that is later than all it has said.

    Attributes:
        medium: What it measures.
        newest_ms: Its newest instant, these among them; -1: none.
        gateway_id: Who brought that.
        frames: Ascending.
    """

    medium: Medium
    newest_ms: int
    gateway_id: str = ""
    frames: list[FreshFrame] = field(default_factory=list)


@dataclass(slots=True)
class Picked:
    """What a transaction has to do.

    Attributes:
        runs: The frames of `meters` as the ledger has them, in the order in which they came.
        count: How many those are.
        meters: By meter, what needs no comparison.
        kinds: The quantities that frames of those may have.
        rest: What goes the long way, in its order.
        others: Meters that have frames there.
        heads: The highest number taken so far of each epoch.
    """

    runs: list[FrameRun] = field(default_factory=list)
    count: int = 0
    meters: dict[str, FreshMeter] = field(default_factory=dict)
    kinds: set[tuple[str, ...]] = field(default_factory=set)
    rest: list[Batch] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    heads: dict[EpochKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a writer knows before its transaction.

    Attributes:
        devices: Gateways and devices.
        epochs: What is committed of each epoch of the batches.
        newest_ms: The newest instant of a meter; -1: none.
        received_at_ms: Now, to refuse stamps of the future.
    """

    devices: DeviceMap
    epochs: Mapping[EpochKey, EpochAck]
    newest_ms: Callable[[str], int]
    received_at_ms: int


def pick_fresh(batches: Sequence[AnyBatch], known: Known) -> Picked:
    """Return the frames of the batches by the way that they go.

    Two frames of a meter go different ways in the order in which they came: the first ones may be
    fresh, behind one that is not nothing is.
    """
    picked = Picked()
    for batch in batches:
        key = (batch.gateway_id, batch.epoch)
        head = picked.heads.get(key)
        if head is None:
            head = _head(known.epochs[key])
        if isinstance(batch, SplitBatch) and _is_new(batch, head, known.devices):
            _pick(picked, batch, known)
        else:
            _put_aside(picked, as_whole(batch), known)
        picked.heads[key] = max(head, _last_seq(batch))
    return picked


def hashes_of(picked: Picked) -> Mapping[tuple[str, int, int], int]:
    """Return the fresh frames by their keys, for those of the rest that may repeat them."""
    if not picked.rest:
        return {}
    epochs = {(batch.gateway_id, batch.epoch) for batch in picked.rest}
    runs = (run for run in picked.runs if run[:2] in epochs)
    return dict(chain.from_iterable(map(entries_of, runs)))


def as_whole(batch: AnyBatch) -> Batch:
    """Return the batch frame by frame."""
    return batch.whole() if isinstance(batch, SplitBatch) else batch


def devices_of(batches: Iterable[AnyBatch]) -> set[str]:
    """Return the serials of every frame."""
    found: set[str] = set()
    for batch in batches:
        if isinstance(batch, SplitBatch):
            found.update(batch.columns.devices)
        frames = batch.odd.frames if isinstance(batch, SplitBatch) else batch.frames
        found.update(frame.device for frame in frames)
    return found


def meters_in_columns(batches: Iterable[AnyBatch], devices: DeviceMap) -> set[str]:
    """Return the meters that frames in columns may be of."""
    columns = [batch.columns for batch in batches if isinstance(batch, SplitBatch)]
    serials = set(chain.from_iterable(each.devices for each in columns))
    return {use.meter_id for serial in serials for use in devices.devices.get(serial, ())}


def _head(ack: EpochAck) -> int:
    return ack.ranges[-1][1] if ack.ranges else ack.upto


def _is_new(batch: SplitBatch, head: int, devices: DeviceMap) -> bool:
    return batch.seqs[0] > head and batch.gateway_id in devices.gateways


def _last_seq(batch: AnyBatch) -> int:
    if isinstance(batch, SplitBatch):
        return batch.seqs[-1]
    kinds = (batch.frames, batch.gaps, batch.rejected)
    return max((item.seq for kind in kinds for item in kind), default=0)


def _put_aside(picked: Picked, batch: Batch, known: Known) -> None:
    if batch.frames or batch.gaps or batch.rejected:
        picked.rest.append(batch)
        _note_others(picked, batch.frames, known.devices)


def _note_others(picked: Picked, frames: Iterable[Frame], devices: DeviceMap) -> None:
    for frame in frames:
        picked.others.update(use.meter_id for use in devices.devices.get(frame.device, ()))


def _pick(picked: Picked, batch: SplitBatch, known: Known) -> None:
    """Take the frames of a batch of which none can have come before."""
    _note_others(picked, batch.odd.frames, known.devices)
    gateway_id, epoch, columns = batch.gateway_id, batch.epoch, batch.columns
    latest_ms = known.received_at_ms + FUTURE_TOLERANCE_MS
    meters, others, find = picked.meters, picked.others, known.devices.find
    aside: set[int] = set()
    picked.kinds.update(columns.kinds)
    for seq, device, frame in zip(columns.seqs, columns.devices, _frames(columns), strict=True):
        at_ms = frame[0]
        use = find(device, at_ms)
        if use is None or at_ms > latest_ms:
            aside.add(seq)
            continue
        meter_id = use.meter_id
        meter = meters.get(meter_id)
        if meter is None:
            meter = FreshMeter(medium=use.medium, newest_ms=known.newest_ms(meter_id))
            meters[meter_id] = meter
        if at_ms <= meter.newest_ms or meter_id in others:
            others.add(meter_id)
            aside.add(seq)
            continue
        meter.frames.append(frame)
        meter.newest_ms, meter.gateway_id = at_ms, gateway_id
    picked.runs += runs_of((gateway_id, epoch), columns.seqs, digest_columns(columns), aside)
    picked.count += len(columns.seqs) - len(aside)
    odd = batch.odd
    if aside:
        frames = sorted([*odd.frames, *batch.frames(sorted(aside))], key=lambda each: each.seq)
        rest = Batch(
            gateway_id=gateway_id, epoch=epoch, frames=frames, gaps=odd.gaps, rejected=odd.rejected
        )
        picked.rest.append(rest)
    else:
        _put_aside(picked, odd, known)


def _frames(columns: FrameColumns) -> Iterable[FreshFrame]:
    return zip(
        columns.instants_ms,
        columns.names,
        columns.values,
        columns.profiles,
        columns.groups,
        columns.raws,
        strict=True,
    )
