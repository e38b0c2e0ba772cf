"""Owns what the parts of one server process share, and where its files are."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from sync_server.config import ServerConfig
from sync_server.sync.sealing_keys_io import FOLDER
from wire_contracts.clock import Clock

UPKEEP_EVERY = timedelta(days=1)
"""Once a day of the site's time; sync.upkeep says what for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the parts of this process share."""

    config: ServerConfig
    engine: Engine
    clock: Clock
    stop: threading.Event
    reached: Callable[[str], None]
    epoch: int


def sealing_folder(config: ServerConfig) -> Path:
    """Return where the keys lie to which tablets seal what they have not sent."""
    return config.data / FOLDER


def blob_folder(config: ServerConfig) -> Path:
    """Return where the photos and signatures of an installation are kept."""
    return config.data / "blobs"
