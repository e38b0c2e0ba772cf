"""Decides how many frames fit into one message, and writes it."""

import json
from collections.abc import Sequence

from edge_gateway.queue.queued import StoredFrame
from wire_contracts.frames import MAX_FRAMES, dump_batch
from wire_contracts.payloads import pack

MAX_BATCH_BYTES = 56 * 1024
"""Plain bytes of the frames; with envelope and zlib's worst case still below 64 KiB (R12)."""


def take_batch(frames: Sequence[StoredFrame]) -> Sequence[StoredFrame]:
    """Return the first frames that fit into one message, at least one of a non-empty list."""
    size = 0
    for index, frame in enumerate(frames[:MAX_FRAMES]):
        size += len(frame.body) + 1
        if size > MAX_BATCH_BYTES and index:
            return frames[:index]
    return frames[:MAX_FRAMES]


def batch_payload(gateway_id: str, epoch: int, frames: Sequence[StoredFrame]) -> bytes:
    """Return the message that carries these frames."""
    return pack(dump_batch(gateway_id, epoch, [json.loads(frame.body) for frame in frames]))
