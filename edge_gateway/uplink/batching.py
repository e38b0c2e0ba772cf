"""Decides how many frames fit into one message, and writes it."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from edge_gateway.queue.queued import StoredFrame
from wire_contracts.fields import JsonObject
from wire_contracts.frames import MAX_FRAMES, dump_batch, ms_from_utc
from wire_contracts.payloads import dump_json, pack

MAX_BATCH_BYTES = 56 * 1024
"""Plain bytes of the frames; with envelope and zlib's worst case still below 64 KiB (R12)."""

USUAL_INTERVAL = timedelta(minutes=15)
"""For a group that is not polled any more."""

_NO_FRAMES = b'"f":[]'
_MILLISECOND = timedelta(milliseconds=1)

Interval = Callable[[str, str], timedelta | None]
"""Returns how often a register group of a device is read, None when it is not."""


def take_batch(frames: Sequence[StoredFrame]) -> Sequence[StoredFrame]:
    """Return the first frames that fit into one message, at least one of a non-empty list."""
    size = 0
    for index, frame in enumerate(frames[:MAX_FRAMES]):
        size += len(frame.body) + 1
        if size > MAX_BATCH_BYTES and index:
            return frames[:index]
    return frames[:MAX_FRAMES]


def batch_payload(
    gateway_id: str,
    epoch: int,
    frames: Sequence[StoredFrame],
    is_late: Callable[[JsonObject], bool] = lambda _body: False,
) -> bytes:
    """Return the message that carries these frames; the late ones say so."""
    empty = dump_batch(gateway_id, epoch, ())
    head, _, tail = empty.partition(_NO_FRAMES)
    bodies = b",".join([_body(frame, is_late) for frame in frames])
    return pack(head + _NO_FRAMES[:-1] + bodies + _NO_FRAMES[-1:] + tail)


def _body(frame: StoredFrame, is_late: Callable[[JsonObject], bool]) -> bytes:
    """Return the frame as the queue keeps it: written once, it is not written anew."""
    body = cast("JsonObject", json.loads(frame.body))  # the queue writes objects only
    return dump_json({**body, "h": 1}) if is_late(body) else frame.body


def late_by(now_utc: datetime, interval: Interval) -> Callable[[JsonObject], bool]:
    """Return the judgement whether a frame is older than two periods of its group by now."""
    now_ms = ms_from_utc(now_utc)
    known: dict[tuple[str, str], int] = {}

    def is_late(body: Mapping[str, object]) -> bool:
        at_ms, device, group = body.get("t"), str(body.get("d")), str(body.get("g"))
        if not isinstance(at_ms, int):
            return False
        if (device, group) not in known:
            period = interval(device, group) or USUAL_INTERVAL
            known[device, group] = 2 * (period // _MILLISECOND)
        return now_ms - at_ms > known[device, group]

    return is_late
