"""Decides how much of a photo to send at once: by the speed of the network, as it was measured."""

from typing import Final

from wire_contracts.blobs import MAX_CHUNK_BYTES, MIN_CHUNK_BYTES

TARGET_S: Final = 4.0
"""One request should last about so long: a link that resets every ten seconds loses little, and the
bytes around a request (some 500) stay below a hundredth of it."""


def next_chunk(chunk_bytes: int, took_s: float) -> int:
    """Return how much to send next after `chunk_bytes` took `took_s` wall seconds.

    At most twice as much as before: one lucky request says little about the next.
    """
    if took_s <= TARGET_S / 2:
        return _bounded(chunk_bytes * 2)
    return _bounded(int(chunk_bytes * TARGET_S / took_s))


def chunk_after_failure(chunk_bytes: int) -> int:
    """Return how much to send next after a request that did not get through."""
    return _bounded(chunk_bytes // 2)


def _bounded(chunk_bytes: int) -> int:
    return min(max(chunk_bytes, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES)
