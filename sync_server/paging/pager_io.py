"""The port through which somebody is called, and a pager that writes calls into a file."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


class PagerError(RuntimeError):
    """The call could not be handed over; it is tried again at the next look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMessage:
    """One call: to whom, what it says, where to look."""

    addressee: str
    text: str
    url: str
    at_utc: datetime
    step: int


class Pager(Protocol):
    """What hands a call over: SMS, a telephone, e-mail; raises PagerError when it cannot."""

    def call(self, message: PageMessage) -> None:
        """Hand one call over; it may be repeated after a failure, and nothing else."""
        ...


class FilePager:
    """Appends each call to a file as one JSON line, for a modem's own program to pick up."""

    def __init__(self, path: Path) -> None:
        """Write to `path`; the file is made with the first call."""
        self._path = path

    def call(self, message: PageMessage) -> None:
        """Append the call, on disk when this returns.

        Raises:
            PagerError: The file cannot be written.
        """
        line = json.dumps(
            {
                "to": message.addressee,
                "text": message.text,
                "url": message.url,
                "at": message.at_utc.isoformat(timespec="seconds"),
                "step": message.step,
            },
            ensure_ascii=False,
        )
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PagerError(f"{self._path}: file: cannot be written ({error})") from error
