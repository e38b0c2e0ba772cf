"""Reads typed fields out of parsed JSON, so that every refusal names place, field and remedy."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]
T = TypeVar("T")

MAX_VERSION = 1000
"""A field `v` above it is no version but a mistake."""

_HUGE = sys.float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReader:
    """One JSON object with the name of the place it came from.

    `path` is the way to this object inside the message, empty for the outermost one.
    """

    place: str
    values: JsonObject
    path: str = ""

    def name_of(self, key: str) -> str:
        """Return the full path of a field, such as `f[3].t`."""
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, problem: str, remedy: str, code: Code) -> ContractError:
        """Return (not raise) the error for a field, ready to be raised by the caller."""
        return ContractError(
            place=self.place, field=self.name_of(key), problem=problem, remedy=remedy, code=code
        )

    def has(self, key: str) -> bool:
        """Return whether the field is there and not null."""
        return self.values.get(key) is not None

    def _required(self, key: str, kind: str) -> JsonValue:
        value = self.values.get(key)
        if value is None:
            raise self.refuse(key, "is missing", f"send {kind}", Code.FIELD_MISSING)
        return value

    def _typed(self, key: str, value: JsonValue, kind: str) -> ContractError:
        shown = repr(value)[:60]
        return self.refuse(key, f"is {shown}, not {kind}", f"send {kind}", Code.FIELD_TYPE)

    def integer(self, key: str, *, low: int, high: int) -> int:
        """Return a required integer inside `low..high`; raise ContractError otherwise."""
        value = self.values.get(key)
        if type(value) is int and low <= value <= high:
            return value
        value = self._required(key, "a whole number")
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._typed(key, value, "a whole number")
        if not low <= value <= high:
            raise self.refuse(
                key, f"{value} is outside {low}..{high}", "correct the sender", Code.FIELD_RANGE
            )
        return value

    def number(self, key: str) -> float:
        """Return a required finite number; raise ContractError otherwise."""
        value = self.values.get(key)
        if type(value) is float and -_HUGE <= value <= _HUGE:
            return value
        value = self._required(key, "a number")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._typed(key, value, "a number")
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124  # NaN
            raise self.refuse(
                key, f"{value!r} is not finite", "send no value and a quality", Code.FIELD_RANGE
            )
        return number

    def text(self, key: str, *, longest: int = 200) -> str:
        """Return a required non-empty string of at most `longest` characters."""
        value = self.values.get(key)
        if type(value) is str and 0 < len(value) <= longest:
            return value
        value = self._required(key, "a text")
        if not isinstance(value, str):
            raise self._typed(key, value, "a text")
        if not 1 <= len(value) <= longest:
            raise self.refuse(
                key,
                f"has {len(value)} characters",
                f"send 1 to {longest} characters",
                Code.FIELD_RANGE,
            )
        return value

    def text_or_none(self, key: str, *, longest: int = 200) -> str | None:
        """Return the string, or None when the field is absent."""
        return self.text(key, longest=longest) if self.has(key) else None

    def text_or_empty(self, key: str, *, longest: int = 200) -> str:
        """Return the string; an absent or empty one is the empty text."""
        return self.text(key, longest=longest) if self.values.get(key) else ""

    def boolean(self, key: str) -> bool:
        """Return a required true or false."""
        value = self._required(key, "true or false")
        if not isinstance(value, bool):
            raise self._typed(key, value, "true or false")
        return value

    def object(self, key: str) -> "FieldReader":
        """Return a reader for a required inner object."""
        value = self._required(key, "an object")
        if not isinstance(value, Mapping):
            raise self._typed(key, value, "an object")
        return FieldReader(place=self.place, values=value, path=self.name_of(key))

    def object_or_empty(self, key: str) -> "FieldReader":
        """Return a reader for an inner object; an absent one counts as empty."""
        if self.has(key):
            return self.object(key)
        return FieldReader(place=self.place, values={}, path=self.name_of(key))

    def array(self, key: str, *, longest: int) -> Sequence[JsonValue]:
        """Return a required array of at most `longest` elements."""
        value = self._required(key, "an array")
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self._typed(key, value, "an array")
        if len(value) > longest:
            raise self.refuse(
                key,
                f"has {len(value)} elements",
                f"send at most {longest}",
                Code.PAYLOAD_TOO_LARGE,
            )
        return value

    def objects(self, key: str, *, longest: int) -> list["FieldReader"]:
        """Return readers for a required array of objects."""
        readers = []
        name = self.name_of(key)
        for index, value in enumerate(self.array(key, longest=longest)):
            path = f"{name}[{index}]"
            if type(value) is not dict and not isinstance(value, Mapping):
                raise ContractError(
                    place=self.place,
                    field=path,
                    problem="is not an object",
                    remedy="send an object",
                    code=Code.FIELD_TYPE,
                )
            readers.append(FieldReader(place=self.place, values=value, path=path))
        return readers

    def choice(self, key: str, parse: Callable[[str], T]) -> T:
        """Return a required text turned into a choice by `parse` (a StrEnum, for example)."""
        value = self.text(key)
        try:
            return parse(value)
        except ValueError as error:
            raise self.refuse(
                key, f"{value!r} is not known here", "use a listed value", Code.FIELD_RANGE
            ) from error

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Raise ContractError for the first key that is not in `known`."""
        for key in self.values:
            if key not in known:
                raise self.refuse(
                    key,
                    "is not a known field",
                    f"use one of: {', '.join(sorted(known))}",
                    Code.FIELD_UNKNOWN,
                )
