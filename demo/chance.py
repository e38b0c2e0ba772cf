"""Chance that depends on nothing but its key: the same key and place always give one number."""

import hashlib

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
WordArray = NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
"""Constants of SplitMix64 (Steele, Lea, Flood 2014)."""

_TO_UNIT = 2.0**-53


def key_of(*parts: str | int) -> int:
    """Return a 64-bit key of the parts, the same in every process and Python version."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(words: WordArray) -> WordArray:
    words = (words ^ (words >> np.uint64(30))) * _MIX_1
    words = (words ^ (words >> np.uint64(27))) * _MIX_2
    return words ^ (words >> np.uint64(31))


def uniform(key: int, places: IntArray) -> FloatArray:
    """Return one number in [0, 1) per place, of the same shape as `places`.

    Places are whole numbers, such as the count of a quarter of an hour since 1970.
    """
    words = np.atleast_1d(places).astype(np.uint64)
    mixed = _mixed(words * _GAMMA + np.uint64(key))
    unit: FloatArray = (mixed >> np.uint64(11)).astype(np.float64) * _TO_UNIT
    return unit.reshape(np.shape(places))
