"""Holds the data folder, so that two gateways never share one queue."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from edge_gateway.queue.queue_file_io import QueueError

LOCK_FILE = "gateway.lock"


@contextmanager
def held_folder(folder: Path) -> Generator[None]:
    """Hold the folder while the block runs; it is made when missing, and a kill releases it.

    Raises:
        QueueError: Another gateway holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK_FILE).open("a")
    except OSError as error:
        message = f"{folder}: data: {error.strerror}; give the gateway a folder it may write to"
        raise QueueError(message) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{folder}: data: another gateway is using it; give each its own folder"
            raise QueueError(message) from error
        yield
