"""Decides what each arriving frame is: new, duplicate, clone, or refused and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sync_server.assets.device_map import DeviceMap, DeviceUse
from sync_server.readings.arrivals import (
    Accepted,
    Arrivals,
    FrameKey,
    Gap,
    Refused,
    hash_bytes,
    hash_frame,
    hash_gap,
    make_accepted,
    make_key,
)
from wire_contracts.codes import Code
from wire_contracts.frames import Batch, Frame, TimeQuality, frame_json, ms_from_utc
from wire_contracts.payloads import dump_json

FUTURE_TOLERANCE = timedelta(hours=1)
"""A stamp further ahead is a broken clock: it would stay the newest reading for as long as it is
ahead. Gateways are within minutes of true time or mark their stamps (RULINGS R10)."""

FUTURE_TOLERANCE_MS = FUTURE_TOLERANCE // timedelta(milliseconds=1)


@dataclass(slots=True)
class _Sorting:
    accepted: list[Accepted] = field(default_factory=list)
    clones: list[Accepted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    duplicate_count: int = 0


def sort_arrivals(
    batches: Sequence[Batch],
    known_hashes: Mapping[tuple[str, int, int], int],
    devices: DeviceMap,
    received_at_ms: int,
) -> Arrivals:
    """Return what to do with every frame of the batches.

    Args:
        batches: In any order, with any repetition.
        known_hashes: (gateway, epoch, seq) to payload hash, at least for every frame of the
            batches that the ledger already holds.
        devices: Gateways and devices that are known now.
        received_at_ms: Now, to refuse stamps of the future.
    """
    sorting = _Sorting()
    seen: dict[tuple[str, int, int], int] = {}
    for batch in batches:
        is_known = batch.gateway_id in devices.gateways
        for key, measured_at_ms, payload_hash, item in _items(batch):
            place = (key.gateway_id, key.epoch, key.seq)
            before = seen[place] if place in seen else known_hashes.get(place)
            if before == payload_hash:
                sorting.duplicate_count += 1
                continue
            if before is None:
                seen[place] = payload_hash
            if isinstance(item, Frame):
                verdict = (
                    _judge(key, (measured_at_ms, payload_hash), item, devices, received_at_ms)
                    if is_known
                    else _refuse(key, payload_hash, item, *_unknown_gateway(key))
                )
                _put(sorting, verdict, is_clone=before is not None)
            elif isinstance(item, Refused):
                sorting.refused.append(item)
            elif before is None:
                sorting.gaps.append(item)
    return Arrivals(
        accepted=sorting.accepted,
        clones=sorting.clones,
        refused=sorting.refused,
        gaps=sorting.gaps,
        taken=_taken(sorting.refused, known_hashes),
        duplicate_count=sorting.duplicate_count,
    )


def _taken(
    refused: Sequence[Refused], known_hashes: Mapping[tuple[str, int, int], int]
) -> frozenset[tuple[str, int, int]]:
    places = ((item.key.gateway_id, item.key.epoch, item.key.seq) for item in refused)
    return frozenset(place for place in places if place in known_hashes)


def _items(batch: Batch) -> Iterator[tuple[FrameKey, int, int, Frame | Refused | Gap]]:
    """Yield key, instant in ms (0: of no frame), hash and what it is."""
    gateway_id, epoch = batch.gateway_id, batch.epoch
    for frame in batch.frames:
        key = make_key(gateway_id=gateway_id, epoch=epoch, seq=frame.seq)
        measured_at_ms = ms_from_utc(frame.measured_at_utc)
        yield key, measured_at_ms, hash_frame(frame, measured_at_ms), frame
    for rejected in batch.rejected:
        key = FrameKey(gateway_id=gateway_id, epoch=epoch, seq=rejected.seq)
        payload_hash = hash_bytes(rejected.body)
        refused = Refused(
            key=key,
            payload_hash=payload_hash,
            code=rejected.code,
            reason=rejected.reason,
            body=rejected.body,
        )
        yield key, 0, payload_hash, refused
    for gap in batch.gaps:
        key = FrameKey(gateway_id=gateway_id, epoch=epoch, seq=gap.seq)
        payload_hash = hash_gap(gap)
        yield key, 0, payload_hash, Gap(key=key, payload_hash=payload_hash, record=gap)


def _put(sorting: _Sorting, verdict: Accepted | Refused, *, is_clone: bool) -> None:
    if isinstance(verdict, Refused):
        sorting.refused.append(verdict)
    elif is_clone:
        sorting.clones.append(verdict)
    else:
        sorting.accepted.append(verdict)


def _judge(
    key: FrameKey,
    of_frame: tuple[int, int],
    frame: Frame,
    devices: DeviceMap,
    received_at_ms: int,
) -> Accepted | Refused:
    measured_at_ms, payload_hash = of_frame
    if is_future(measured_at_ms, received_at_ms):
        return _refuse(
            key,
            payload_hash,
            frame,
            Code.READING_FUTURE,
            f"gateway {key.gateway_id}: t: {frame.measured_at_utc:%Y-%m-%d %H:%M:%S} UTC is in the "
            "future; set the gateway's clock",
        )
    if is_time_unknown(frame):
        return _refuse(
            key,
            payload_hash,
            frame,
            Code.READING_TIME_UNKNOWN,
            f"gateway {key.gateway_id}: tq: the gateway never learned when this was read, "
            f"{frame.measured_at_utc:%Y-%m-%d %H:%M:%S} UTC is a guess; give it a time server",
        )
    use = devices.find(frame.device, measured_at_ms)
    if use is None:
        return _refuse(key, payload_hash, frame, *unknown_meter(key, frame))
    return make_accepted(
        key=key,
        payload_hash=payload_hash,
        frame=frame,
        measured_at_ms=measured_at_ms,
        use=use,
    )


def is_future(measured_at_ms: int, received_at_ms: int) -> bool:
    """Return whether a stamp was further ahead, when it arrived, than clocks differ."""
    return measured_at_ms > received_at_ms + FUTURE_TOLERANCE_MS


def is_time_unknown(frame: Frame) -> bool:
    """Return whether the stamp is only counted from the gateway's start: no chart may show it."""
    return frame.time_quality is TimeQuality.BOOT_RELATIVE


def unknown_meter(key: FrameKey, frame: Frame) -> tuple[Code, str]:
    """Return code and text for a frame whose device was no meter at its instant."""
    return (
        Code.METER_UNKNOWN,
        (
            f"gateway {key.gateway_id}: d: device {frame.device!r} was no known meter at "
            f"{frame.measured_at_utc:%Y-%m-%d %H:%M} UTC; adopt it in the control room"
        ),
    )


def accept(key: FrameKey, payload_hash: int, frame: Frame, use: DeviceUse) -> Accepted:
    """Return a frame from quarantine as accepted, now that its device is known."""
    return Accepted(
        key=key,
        payload_hash=payload_hash,
        frame=frame,
        measured_at_ms=ms_from_utc(frame.measured_at_utc),
        use=use,
    )


def _unknown_gateway(key: FrameKey) -> tuple[Code, str]:
    return (
        Code.GATEWAY_UNKNOWN,
        f"gateway {key.gateway_id}: gw: is not known; adopt it in the control room",
    )


def _refuse(key: FrameKey, payload_hash: int, frame: Frame, code: Code, reason: str) -> Refused:
    return Refused(
        key=key,
        payload_hash=payload_hash,
        code=code,
        reason=reason,
        body=dump_json(frame_json(frame)),
        device_serial=frame.device,
        measured_at_ms=ms_from_utc(frame.measured_at_utc),
    )
