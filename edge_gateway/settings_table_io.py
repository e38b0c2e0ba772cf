"""Reads one table of a settings file; every refusal names the place, the field and the remedy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar, cast

from edge_gateway.config import ConfigError
from firmware_profiles.cadence import CADENCE_HINT, Cadence, parse_cadence

Choice = TypeVar("Choice", bound=StrEnum)

_DURATION = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def setting_refused(place: str, field: str, problem: str, remedy: str) -> ConfigError:
    """Return the refusal of a setting in the one form all have."""
    return ConfigError(f"{place}: {field}: {problem}; {remedy}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsTable:
    """One table of the file, with the way to it; every getter refuses in the same words."""

    place: str
    path: str
    values: Mapping[str, object]
    folder: Path

    def refused(self, key: str, problem: str, remedy: str) -> ConfigError:
        """Return the refusal of a key of this table."""
        return setting_refused(
            self.place, f"{self.path}.{key}" if self.path else key, problem, remedy
        )

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Raise ConfigError for a key that is not known."""
        for key in self.values:
            if key not in known:
                remedy = f"use one of: {', '.join(sorted(known))}"
                raise self.refused(key, "is not a known setting", remedy)

    def has(self, key: str) -> bool:
        """Return whether the key is there."""
        return key in self.values

    def _inner(self, key: str, value: object, path: str) -> "SettingsTable":
        if not isinstance(value, dict):
            raise self.refused(key, "is not a table", f"write it as [{key}]")
        values = cast("Mapping[str, object]", value)  # TOML keys are always text
        return SettingsTable(place=self.place, path=path, values=values, folder=self.folder)

    def table(self, key: str) -> "SettingsTable":
        """Return an inner table that must be there."""
        if not self.has(key):
            raise self.refused(key, "is missing", f"add a [{key}] table")
        return self.table_or_empty(key)

    def table_or_empty(self, key: str) -> "SettingsTable":
        """Return an inner table, empty when it is not there."""
        return self._inner(key, self.values.get(key, {}), f"{self.path}.{key}".lstrip("."))

    def tables(self, key: str) -> list["SettingsTable"]:
        """Return a list of tables, empty when there is none."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.refused(key, "is not a list of tables", f"write each as [[{key}]]")
        path = f"{self.path}.{key}".lstrip(".")
        return [self._inner(key, item, f"{path}[{index}]") for index, item in enumerate(value)]

    def text(self, key: str, *, longest: int = 200) -> str:
        """Return a text of 1 to `longest` characters."""
        value = self.values.get(key)
        if value is None:
            raise self.refused(key, "is missing", "add it")
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise self.refused(key, f"is {value!r}", f"give a text of 1 to {longest} characters")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; an absent one is empty."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self.refused(key, f"is {value!r}", 'give a list of texts such as ["a", "b"]')
        return tuple(str(each) for each in value)

    def text_or_none(self, key: str) -> str | None:
        """Return a text, None when the key is not there."""
        return self.text(key) if self.has(key) else None

    def choice_or_none(self, key: str, choices: type[Choice]) -> Choice | None:
        """Return one of the choices, None when the key is not there."""
        text = self.text_or_none(key)
        if text is not None and text not in set(choices):
            known = ", ".join(choices)
            raise self.refused(key, f"{text!r} is not known", f"use one of: {known}")
        return None if text is None else choices(text)

    def boolean(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.refused(key, f"is {value!r}", "give true or false")
        return value

    def integer(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number in `low..high`; without a default it must be there."""
        value = self.values.get(key, default)
        if value is None:
            raise self.refused(key, "is missing", "add it")
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.refused(key, f"is {value!r}", f"give a whole number in {low}..{high}")
        return value

    def number(self, key: str, *, low: float, high: float, default: float) -> float:
        """Return a number in `low..high`."""
        value = self.values.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise self.refused(key, f"is {value!r}", f"give a number in {low}..{high}")
        return float(value)

    def number_or_none(self, key: str, *, low: float, high: float) -> float | None:
        """Return a number in `low..high`, None when the key is not there."""
        return self.number(key, low=low, high=high, default=low) if self.has(key) else None

    def duration(self, key: str, default: timedelta) -> timedelta:
        """Return a length of time such as `"30s"`, `"15m"`, `"1h"`, `"7d"`."""
        if not self.has(key):
            return default
        value = self.values[key]
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.refused(
                key, f"is {value!r}", 'give a length such as "30s", "15m", "1h", "7d"'
            )
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])

    def durations(self, key: str) -> dict[str, timedelta]:
        """Return a table of lengths of time by name."""
        table = self.table_or_empty(key)
        return {group: table.duration(group, timedelta()) for group in table.values}

    def cadences(self, key: str) -> dict[str, Cadence]:
        """Return a table of intervals, or times of day such as `"daily 00:05"`, by name."""
        table = self.table_or_empty(key)
        return {group: table.cadence(group) for group in table.values}

    def cadence(self, key: str) -> Cadence:
        """Return an interval or a time of day."""
        value = self.values.get(key)
        try:
            return parse_cadence(value if isinstance(value, str) else "")
        except ValueError:
            raise self.refused(key, f"is {value!r}", CADENCE_HINT) from None

    def path_or(self, key: str, default: Path) -> Path:
        """Return a path that counts from the file's folder."""
        text = self.text_or_none(key)
        return default if text is None else self.folder / text

    def folder_or_none(self, key: str) -> Path | None:
        """Return a folder that exists, None when the key is not there."""
        text = self.text_or_none(key)
        if text is not None and not (self.folder / text).is_dir():
            raise self.refused(key, f"{str(self.folder / text)!r} is not a folder", "correct it")
        return None if text is None else self.folder / text

    def file_or_none(self, key: str) -> Path | None:
        """Return a file that exists, None when the key is not there."""
        text = self.text_or_none(key)
        if text is None:
            return None
        file = self.folder / text
        if not file.is_file():
            raise self.refused(key, f"{str(file)!r} is not a file", "correct the path")
        return file
