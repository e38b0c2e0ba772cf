"""Decides how the register words of several groups share one column, and takes them apart."""

import struct
from collections.abc import Mapping
from functools import lru_cache

_LENGTH = struct.Struct(">I")


def pack_groups(groups: Mapping[str, bytes]) -> bytes | None:
    """Return the words of all groups, by group name; None when there are none."""
    items = groups.items() if len(groups) == 1 else sorted(groups.items())
    parts = [pack_group(name, words) for name, words in items]
    return b"".join(parts) or None


def pack_group(name: str, words: bytes) -> bytes:
    """Return the words of one group, as `pack_groups` does."""
    return group_head(name, len(words)) + words


@lru_cache(maxsize=4096)
def group_head(name: str, length: int) -> bytes:
    """Return what stands before the words of a group: its name and their length."""
    return _head(name) + _LENGTH.pack(length)


@lru_cache(maxsize=256)
def _head(name: str) -> bytes:
    encoded = name.encode()
    return bytes([len(encoded)]) + encoded


def unpack_groups(packed: bytes | None) -> dict[str, bytes]:
    """Return group name to words; the inverse of `pack_groups`."""
    groups: dict[str, bytes] = {}
    packed = packed or b""
    at = 0
    while at < len(packed):
        name_end = at + 1 + packed[at]
        words_at = name_end + _LENGTH.size
        (length,) = _LENGTH.unpack_from(packed, name_end)
        groups[packed[at + 1 : name_end].decode()] = packed[words_at : words_at + length]
        at = words_at + length
    return groups
