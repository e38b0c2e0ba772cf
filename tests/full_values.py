"""Values of our own types that leave nothing out, and what their JSON names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import chain
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from wire_contracts.quality import QualityCode

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWN_NAME = "~"
"""Stands for every text, so also for the names that a sender chooses: no field of ours."""

PLAIN: Mapping[object, object] = {
    int: 2,
    float: 0.5,
    bool: True,
    str: OWN_NAME,
    bytes: bytes(32),
    QualityCode: OWN_NAME,
    datetime: NOON,
    date: NOON.date(),
}


def full(kind: Any, above: tuple[object, ...] = ()) -> Any:  # noqa: ANN401  # of any type
    """Return a value of a type that leaves nothing out which may be left out."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, inner = get_origin(kind), [each for each in get_args(kind) if each is not type(None)]
    if origin is None:
        return whole(kind, above)
    if origin in {Union, UnionType}:
        return full(inner[0], above)
    if origin is Mapping:
        return {OWN_NAME: full(inner[1], above)}
    if origin is tuple and inner[-1] is not Ellipsis:
        return tuple(full(each, above) for each in inner)
    one = () if inner[0] in above else (full(inner[0], above),)
    return frozenset(one) if origin is frozenset else one


def whole(kind: type, above: tuple[object, ...]) -> object:
    if issubclass(kind, StrEnum):
        return list(kind)[-1]
    hints = get_type_hints(kind)
    return kind(**{each: full(hint, (*above, kind)) for each, hint in hints.items()})


def enums(kind: object, seen: set[object] | None = None) -> Iterator[type[StrEnum]]:
    """Yield the enumerations that a message holds, whatever holds them in it."""
    seen = set() if seen is None else seen
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        yield kind
    elif is_dataclass(kind) and kind not in seen:
        seen.add(kind)
        for hint in get_type_hints(kind).values():
            yield from enums(hint, seen)
    else:
        for each in get_args(kind):
            yield from enums(each, seen)


def names(value: object) -> Iterator[str]:
    """Yield the names of the fields in a JSON value, at any depth."""
    if isinstance(value, Mapping):
        yield from value
        yield from chain.from_iterable(map(names, value.values()))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from chain.from_iterable(map(names, value))
