"""Decides how many frames fit into one message, and writes it."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from edge_gateway.queue.queued import StoredFrame
from wire_contracts.frames import MAX_FRAMES, dump_batch, ms_from_utc
from wire_contracts.payloads import pack

MAX_BATCH_BYTES = 56 * 1024
"""Plain bytes of the frames; with envelope and zlib's worst case still below 64 KiB (R12)."""

USUAL_INTERVAL = timedelta(minutes=15)
"""For a group that is not polled any more."""

_TEXT = rb'("[^"\\]*(?:\\.[^"\\]*)*")'
_HEAD = re.compile(rb'\{"d":' + _TEXT + rb'(?:,"e":.*?)?,"g":' + _TEXT, re.DOTALL)
_TIME = re.compile(rb',"t":([0-9]+)')
"""Device and group, and the time of a frame as `dump_json` writes it: keys sorted, quotes escaped
inside texts, so that `"g":` is nowhere but where the key is."""

_HAS_LATE = b'"h":'
_LATE = b',"h":1}'
"""The key of a late frame; inside a text its quotes would be escaped."""

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
    is_late: Callable[[bytes], bool] = lambda _body: False,
) -> tuple[bytes, int]:
    """Return the message that carries these frames, the late ones say so; and how many are late."""
    empty = dump_batch(gateway_id, epoch, ())
    head, _, tail = empty.partition(_NO_FRAMES)
    bodies = [_body(frame, is_late) for frame in frames]
    late_count = sum(body is not frame.body for body, frame in zip(bodies, frames, strict=True))
    return pack(head + _NO_FRAMES[:-1] + b",".join(bodies) + _NO_FRAMES[-1:] + tail), late_count


def _body(frame: StoredFrame, is_late: Callable[[bytes], bool]) -> bytes:
    """Return the frame as the queue keeps it, an object; a late one gets one key more at its end.

    It is neither parsed nor written anew, because an old backlog is late as a whole.
    """
    if _HAS_LATE in frame.body or not is_late(frame.body):
        return frame.body
    return frame.body[:-1] + _LATE


def late_by(now_utc: datetime, interval: Interval) -> Callable[[bytes], bool]:
    """Return the judgement whether a frame, as JSON, is older than two periods of its group."""
    now_ms = ms_from_utc(now_utc)

    def is_late(body: bytes) -> bool:
        head, time = _HEAD.match(body), _TIME.search(body)
        if head is None or time is None:
            return False
        period = interval(_text(head[1]), _text(head[2])) or USUAL_INTERVAL
        return now_ms - int(time[1]) > 2 * (period // _MILLISECOND)

    return is_late


@lru_cache(maxsize=4096)
def _text(quoted: bytes) -> str:
    """Return a text of JSON; the same few come with every batch."""
    text: str = json.loads(quoted)
    return text
