"""Reads typed keys out of a parsed TOML table, so that every refusal names file and field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from functools import partial
from typing import TypeVar

from firmware_profiles.errors import ProfileError

_MAX_DIGITS = 40
"""Digits of an exact number: more is a slip of the keyboard, and could cost memory."""

_MAX_BITS = 64
_MAX_DEPTH = 12
"""No key of a profile is nested deeper than six tables, nor a raw value longer than a u64."""

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)
ParsedT = TypeVar("ParsedT")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReader:
    """One TOML table with the file it came from and the way to it.

    Attributes:
        place: The file.
        values: The table.
        path: The way to it, such as `register.flow`; empty for the file itself.
        problems: What `keep` caught, by field, of every table of the file, in its order.
    """

    place: str
    values: Mapping[str, object]
    path: str = ""
    problems: dict[str, ProfileError] = field(default_factory=dict)

    def keep(self, parse: Callable[[], ParsedT], fallback: ParsedT) -> ParsedT:
        """Return what was parsed, or the fallback when it was refused.

        The refusal is kept, so that a person sees everything that is wrong with a file at once;
        of one field only the first.
        """
        try:
            return parse()
        except ProfileError as error:
            self.problems.setdefault(error.field, error)
            return fallback

    def raise_problems(self) -> None:
        """Raise the first refusal that was kept, the others with it; return when there is none."""
        if self.problems:
            first, *others = self.problems.values()
            first.others = tuple(others)
            raise first

    def name_of(self, key: str) -> str:
        """Return the full name of a key, such as `register.flow.address`."""
        return f"{self.path}.{key}" if self.path and key else self.path or key

    def refuse(self, key: str, problem: str, remedy: str) -> ProfileError:
        """Return (not raise) the error for a key."""
        return ProfileError(
            place=self.place, field=self.name_of(key), problem=problem, remedy=remedy
        )

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Keep a refusal for each key that the schema does not have."""
        for key in self.values:
            self.keep(partial(self._refuse_key, key, known), None)

    def _refuse_key(self, key: str, known: frozenset[str]) -> None:
        if key not in known:
            raise self.refuse(key, "is an unknown key", f"use one of {', '.join(sorted(known))}")

    def has(self, key: str) -> bool:
        """Return whether the key is there."""
        return key in self.values

    def value(self, key: str) -> object:
        """Return whatever stands there; raise ProfileError when nothing does."""
        if key not in self.values:
            raise self.refuse(key, "is missing", "add it; docs/profiles.md says what it means")
        return self.values[key]

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text, or the default when it is absent."""
        if default is not None and not self.has(key):
            return default
        value = self.value(key)
        if not isinstance(value, str):
            raise self._typed(key, "text in quotes")
        return value

    def text_or_none(self, key: str) -> str | None:
        """Return a text, or None when it is absent."""
        return self.text(key) if self.has(key) else None

    def flag(self, key: str) -> bool:
        """Return true or false; absent is false."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self._typed(key, "true or false")
        return value

    def integer(self, key: str, *, low: int, high: int) -> int:
        """Return a whole number inside `low..high`."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._typed(key, "a whole number")
        if not low <= value <= high:
            raise self.refuse(key, f"{value} is outside {low}..{high}", "correct the number")
        return value

    def integer_or_none(self, key: str, *, low: int, high: int) -> int | None:
        """Return a whole number inside `low..high`, or None when it is absent."""
        return self.integer(key, low=low, high=high) if self.has(key) else None

    def exact(self, key: str) -> Fraction:
        """Return a number exactly as it is written: whole, decimal, or decimal in quotes."""
        number = exact_number(self.value(key))
        if number is None:
            raise self._typed(key, 'a number, or a decimal in quotes such as "0.001"')
        return number

    def exact_or_none(self, key: str) -> Fraction | None:
        """Return an exact number, or None when it is absent."""
        return self.exact(key) if self.has(key) else None

    def milliseconds(self, key: str) -> timedelta | None:
        """Return a number of milliseconds as a duration, or None when it is absent."""
        number = self.integer_or_none(key, low=0, high=3_600_000)
        return None if number is None else timedelta(milliseconds=number)

    def choice(self, key: str, choices: type[ChoiceT], default: ChoiceT | None = None) -> ChoiceT:
        """Return the member of an enumeration whose text stands there."""
        if default is not None and not self.has(key):
            return default
        text = self.text(key)
        try:
            return choices(text)
        except ValueError as error:
            known = ", ".join(choices)
            raise self.refuse(key, f"{text!r} is unknown", f"use one of {known}") from error

    def items(self, key: str) -> Sequence[object]:
        """Return a list; absent is empty."""
        value = self.values.get(key, ())
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self._typed(key, "a list in square brackets")
        return value

    def table(self, key: str) -> "TableReader":
        """Return the table under a key; absent is empty."""
        value = self.values.get(key, {})
        if not isinstance(value, Mapping):
            raise self._typed(key, f"a table, [{key}]")
        return self._child(value, self.name_of(key))

    def _child(self, values: Mapping[str, object], path: str) -> "TableReader":
        return TableReader(place=self.place, values=values, path=path, problems=self.problems)

    def tables(self, key: str, title: str) -> list["TableReader"]:
        """Return the rows of an array of tables, each named by its `title` key or its number."""
        if isinstance(self.values.get(key), Mapping):
            raise self._typed(key, f"rows that begin with [[{key}]]")
        readers: list[TableReader] = []
        for index, row in enumerate(self.items(key)):
            if not isinstance(row, Mapping):
                raise self._typed(key, f"rows that begin with [[{key}]]")
            name = row.get(title)
            label = name if isinstance(name, str) else str(index)
            path = f"{self.name_of(key)}.{label}"
            readers.append(self._child(row, path))
        return readers

    def rows(self, key: str, title: str) -> list["TableReader"]:
        """Return the rows as `tables` does; none when what stands there was refused and kept."""
        nothing: list[TableReader] = []
        return self.keep(lambda: self.tables(key, title), nothing)

    def _typed(self, key: str, kind: str) -> ProfileError:
        value = self.values.get(key)
        shown = (str(value) if isinstance(value, Decimal) else repr(value))[:60]
        return self.refuse(key, f"is {shown}, not {kind}", f"write {kind}")


def exact_number(value: object) -> Fraction | None:
    """Return the exact value of a number or a decimal text; None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS:
        return None
    return Fraction(number)


def refuse_absurd(place: str, document: Mapping[str, object]) -> None:
    """Raise ProfileError for numbers and nesting that no profile has, before anything shows them.

    A number of a million digits would take longer to print in a message than to read.
    """
    waiting: list[tuple[str, object, int]] = [("", document, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        problem = ""
        if isinstance(value, int) and value.bit_length() > _MAX_BITS:
            problem = f"is a number of {value.bit_length()} bits"
        elif depth > _MAX_DEPTH:
            problem = f"is nested {depth} deep"
        if problem:
            raise ProfileError(place=place, field=path, problem=problem, remedy="correct the file")
        if isinstance(value, Mapping):
            inner = [(f"{path}.{key}" if path else str(key), item) for key, item in value.items()]
        else:
            inner = [(path, item) for item in value] if isinstance(value, list) else []
        waiting.extend((name, item, depth + 1) for name, item in reversed(inner))
