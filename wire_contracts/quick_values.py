"""Decides how values that are made for every frame are made: quickly, unchangeable to the checkers.

A frozen dataclass stores each field by `object.__setattr__`: one of ten fields takes 2.6 µs to
make, an ordinary one 0.9 and by `maker_of` 0.4 (CPython 3.11, benchmarks' machine), and the ingest
makes seven for each frame. Here mypy and pyright refuse what would change a value; the interpreter
does not look.
"""

from dataclasses import dataclass, field, fields
from typing import TypeVar, cast, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def quick_value(cls: type[T]) -> type[T]:
    """Return the class as a dataclass with slots and keywords; for every other value: frozen."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)


def maker_of(cls: type[T]) -> type[T]:
    """Return what makes a quick value in half of the time: called by all of its keywords, no less.

    A class that is called gathers its keywords into a dict and takes them out again; a function's
    are where they are needed.
    """
    names = [each.name for each in fields(cls)]  # type: ignore[arg-type]  # a dataclass
    lines = [f"def make(*, {', '.join(names)}):", " made = new(cls)"]
    lines += [f" made.{name} = {name}" for name in names]
    found: dict[str, object] = {"new": object.__new__, "cls": cls}
    exec("\n".join([*lines, " return made"]), found)  # noqa: S102  # as dataclasses does, own names
    return cast("type[T]", found["make"])
