"""Says of the small files beside the store what the store says of itself: the disk is full."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from field_app.store.database_io import StoreFullError

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

_ROOM_BYTES: Final = 65_536
"""Several times what the token's file, the vault and the new copies of both hold (judgement)."""


@contextmanager
def told_when_full() -> Generator[None]:
    """Tell of a full disk as the store does.

    Raises:
        StoreFullError: The disk is full; the file is as it was before.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        message = "tablet: disk: is full; free some space and try again"
        raise StoreFullError(message) from error


def make_sure_of_room(folder: Path) -> None:
    """Find out that there is room before something is spent that is there only once.

    Raises:
        StoreFullError: There is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / "room.new"
    try:
        with told_when_full(), probe.open("wb") as stream:
            stream.write(bytes(_ROOM_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        probe.unlink(missing_ok=True)
