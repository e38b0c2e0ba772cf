"""What two revisions of a profile say differently, field by field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction

from firmware_profiles.profile import Profile

_UNCOMPARED = frozenset({"place"})
"""Where a file lies says nothing of what stands in it."""


def differences(older: Profile, newer: Profile) -> tuple[str, ...]:
    """Return one line per difference, in the order of the file: `field: before -> after`.

    What is only in one of the two reads `field: added` or `field: removed`; rows of the same table
    are matched by name, others by their place.
    """
    return tuple(_compare("", older, newer))


def _compare(path: str, older: object, newer: object) -> Iterator[str]:
    if older == newer:
        return
    old_parts, new_parts = _parts(older), _parts(newer)
    if old_parts is None or new_parts is None or type(older) is not type(newer):
        yield f"{path}: {_shown(older)} -> {_shown(newer)}"
        return
    for name in dict.fromkeys((*old_parts, *new_parts)):
        where = f"{path}.{name}" if path else name
        if name not in new_parts:
            yield f"{where}: removed"
        elif name not in old_parts:
            yield f"{where}: added"
        else:
            yield from _compare(where, old_parts[name], new_parts[name])


def _parts(value: object) -> dict[str, object] | None:
    """Return what a value consists of, by name; None when it is one thing."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in fields(value) if each.compare]
        return {name: getattr(value, name) for name in names if name not in _UNCOMPARED}
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    if value and all(isinstance(item, str) for item in value):
        return {str(item): item for item in value}
    return _rows(value) if any(is_dataclass(item) for item in value) else None


def _rows(rows: Sequence[object]) -> dict[str, object]:
    """Name each row by its own name; a second of the same name gets its place behind it."""
    named: dict[str, object] = {}
    for index, row in enumerate(rows):
        name = str(getattr(row, "name", index))
        named[f"{name} ({index})" if name in named else name] = row
    return named


def _shown(value: object) -> str:
    if value is None or value in ("", ()):
        return "nothing"
    if isinstance(value, Fraction):
        return f"{float(value):.12g}"
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_shown(item) for item in value)
    return str(value) if not is_dataclass(value) else "another"
