"""Decides how values that are made for every frame are made: quickly, unchangeable to the checkers.

A frozen dataclass stores each field by `object.__setattr__`: one of ten fields takes 2.6 µs to
make, an ordinary one 0.9 (CPython 3.11, benchmarks' machine), and the ingest makes seven for each
frame. Here mypy and pyright refuse what would change a value; the interpreter does not look.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def quick_value(cls: type[T]) -> type[T]:
    """Return the class as a dataclass with slots and keywords; for every other value: frozen."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
