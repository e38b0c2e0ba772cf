"""The port through which customers are written to, and a messenger that writes into a file."""

import json
import os
from pathlib import Path
from typing import Protocol


class MessengerError(RuntimeError):
    """The message could not be handed over; it is tried again later."""


class Messenger(Protocol):
    """What hands a message over: SMS, an app; raises MessengerError when it cannot."""

    def send(self, message_id: int, number: str, text: str) -> None:
        """Hand one message over; the id is the same when it is repeated."""
        ...


class FileMessenger:
    """Appends each message to a file as one JSON line, for a gateway's own program to pick up."""

    def __init__(self, path: Path) -> None:
        """Write to `path`; the file is made with the first message."""
        self._path = path

    def send(self, message_id: int, number: str, text: str) -> None:
        """Append the message, on disk when this returns.

        Raises:
            MessengerError: The file cannot be written.
        """
        line = json.dumps({"id": message_id, "to": number, "text": text}, ensure_ascii=False)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise MessengerError(f"{self._path}: file: cannot be written ({error})") from error
