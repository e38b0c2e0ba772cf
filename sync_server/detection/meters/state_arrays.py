"""Owns how a structure of arrays by row is sliced, put back and turned into bytes."""

import io
from dataclasses import fields, is_dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sync_server.detection.meters.columns import Ints

Array = NDArray[np.generic]
State = TypeVar("State")
"""A dataclass whose fields are arrays with the row first, or such dataclasses themselves."""


def take_rows(state: State, rows: Ints) -> State:
    """Return copies of these rows, in this order, as a state of its own."""
    parts = {name: _take(value, rows) for name, value in _parts(state)}
    return type(state)(**parts)


def put_rows(state: State, rows: Ints, part: State) -> None:
    """Write `part`'s rows over these rows of `state`."""
    for (_, whole), (_, piece) in zip(_parts(state), _parts(part), strict=True):
        if isinstance(whole, np.ndarray):
            whole[rows] = piece
        else:
            put_rows(whole, rows, piece)


def pack_state(state: object) -> bytes:
    """Return the state as bytes that `unpack_state` reads back, on any machine."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(_leaves(state, "")))
    return buffer.getvalue()


def unpack_state(empty: State, packed: bytes) -> State:
    """Return the state that was packed; `empty` gives its shape.

    Raises:
        ValueError: The bytes were written by another rule version; replay from the readings.
    """
    with np.load(io.BytesIO(packed), allow_pickle=False) as file:
        named = {name: file[name] for name in file.files}
    expected = {name: (array.dtype, array.shape[1:]) for name, array in _leaves(empty, "")}
    if {name: (array.dtype, array.shape[1:]) for name, array in named.items()} != expected:
        raise ValueError(
            "checkpoint: arrays: are not those of this rule version; replay from the readings"
        )
    return _rebuild(empty, named, "")


def _rebuild(empty: State, named: dict[str, Array], prefix: str) -> State:
    parts = {
        name: named[prefix + name]
        if isinstance(value, np.ndarray)
        else _rebuild(value, named, f"{prefix}{name}.")
        for name, value in _parts(empty)
    }
    return type(empty)(**parts)


def _take(value: object, rows: Ints) -> object:
    return value[rows] if isinstance(value, np.ndarray) else take_rows(value, rows)


def _leaves(state: object, prefix: str) -> list[tuple[str, Array]]:
    leaves: list[tuple[str, Array]] = []
    for name, value in _parts(state):
        if isinstance(value, np.ndarray):
            leaves.append((prefix + name, value))
        else:
            leaves.extend(_leaves(value, f"{prefix}{name}."))
    return leaves


def _parts(state: object) -> list[tuple[str, object]]:
    if not is_dataclass(state):
        raise TypeError(f"state: {type(state).__name__}: is no dataclass; give arrays by field")
    return [(each.name, getattr(state, each.name)) for each in fields(state)]
