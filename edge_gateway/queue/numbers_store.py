"""Owns the few numbers that a queue file remembers: read once, written once in a transaction.

Each statement hands the interpreter to another thread a few times; a commit of fifty frames that
asked the file for every number spent more on that than on the frames.
"""

import sqlite3
from collections.abc import Mapping


class Numbers:
    """The numbers of one file, which nobody else writes while it is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read them."""
        self._on_disk = dict[str, int](connection.execute("SELECT name, value FROM meta"))
        self._now = self._on_disk.copy()

    def get(self, name: str) -> int:
        """Return a number as it stands in this transaction; KeyError: the file has no such one."""
        return self._now[name]

    def put(self, name: str, value: int) -> None:
        """Change a number; `write` brings it into the file."""
        self._now[name] = value

    @property
    def all(self) -> Mapping[str, int]:
        """Return what `restore` may return to."""
        return self._now.copy()

    def write(self, connection: sqlite3.Connection) -> None:
        """Bring the file up to date; the caller commits and then calls `written`.

        A number that is the same costs no page.
        """
        changed = [pair for pair in self._now.items() if self._on_disk.get(pair[0]) != pair[1]]
        if not changed:
            return
        places = ", ".join(["(?, ?)"] * len(changed))
        connection.execute(
            f"INSERT INTO meta (name, value) VALUES {places}"  # noqa: S608  # only question marks
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [each for pair in changed for each in pair],
        )

    def written(self) -> None:
        """Remember that what was written is committed."""
        self._on_disk = self._now.copy()

    def restore(self, numbers: Mapping[str, int]) -> None:
        """Return to what `all` was before a transaction that was rolled back."""
        self._now = dict(numbers)
