"""Decides how frames that came one behind another are one entry of the ledger, and takes it apart.

A run is (gateway, epoch, first number, last number, 8 bytes of hash for each): what the ledger says
of each of its frames, that it was taken, not refused, and what was in it.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from wire_contracts.frames import MAX_FRAMES

FrameRun = tuple[str, int, int, int, bytes]

HASH_BYTES: Final = 8
LONGEST: Final = MAX_FRAMES
"""Frames in a run at most: whoever looks for a number finds its run among so many first numbers."""


def runs_of(
    key: tuple[str, int], seqs: Sequence[int], hashes: bytes, aside: Collection[int]
) -> list[FrameRun]:
    """Return the runs of these frames, ascending, without those aside.

    Args:
        key: Gateway and epoch.
        seqs: Their numbers, N, ascending.
        hashes: N times 8 bytes.
        aside: Numbers that are left out.
    """
    count = len(seqs)
    if count and not aside and seqs[-1] - seqs[0] + 1 == count <= LONGEST:
        return [(*key, seqs[0], seqs[-1], hashes)]
    runs: list[FrameRun] = []
    first = 0
    while first < count:
        if seqs[first] in aside:
            first += 1
            continue
        at = first + 1
        while (
            at < count
            and at - first < LONGEST
            and seqs[at] == seqs[at - 1] + 1
            and seqs[at] not in aside
        ):
            at += 1
        part = hashes[first * HASH_BYTES : at * HASH_BYTES]
        runs.append((*key, seqs[first], seqs[at - 1], part))
        first = at
    return runs


def entries_of(run: FrameRun) -> Iterator[tuple[tuple[str, int, int], int]]:
    """Yield (gateway, epoch, number) and hash of each frame of a run."""
    gateway_id, epoch, first, last, hashes = run
    for at, seq in enumerate(range(first, last + 1)):
        digest = hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES]
        yield (gateway_id, epoch, seq), int.from_bytes(digest, "big", signed=True)
