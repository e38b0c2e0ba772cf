"""Decides how many partitions one replica of the ingest holds, and which it gives back."""

from collections.abc import Collection, Sequence

from wire_contracts.topics import PARTITION_COUNT


def fair_share(replica_count: int) -> int:
    """Return the most partitions that one of so many replicas holds."""
    return -(-PARTITION_COUNT // max(replica_count, 1))


def to_give_back(held: Collection[int], replica_count: int) -> Sequence[int]:
    """Return which of the held partitions the others are waiting for: the highest ones."""
    surplus = len(held) - fair_share(replica_count)
    return sorted(held, reverse=True)[: max(surplus, 0)]


def to_try(held: Collection[int], replica_count: int, first: int) -> Sequence[int]:
    """Return in which order to try for further ones; empty where the share is full.

    Each replica begins elsewhere (`first`), so that two that start at once seldom try for the same.
    """
    if len(held) >= fair_share(replica_count):
        return []
    order = [(first + step) % PARTITION_COUNT for step in range(PARTITION_COUNT)]
    return [partition for partition in order if partition not in held]
