"""Owns what drivers have learnt of meters: in memory for the next driver, on disk for a restart."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.files_io import replace_file
from edge_gateway.links.learnt import Learnt
from edge_gateway.polling.kept_learnt import (
    Kept,
    MeterKey,
    is_same_but_grown,
    kept_json,
    kept_of,
    parse_kept,
)
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.payloads import dump_json, read_json

LEARNT_FILE = "learnt.json"

_ASIDE = ".unread"
"""What stands behind the name of a file that could not be read, once it was set aside."""

_VERSION = 1
"""Of the file. One of another version is not read, and set aside."""

MOST_METERS = 1000
"""Meters of which something is remembered, in memory and in the file; those learnt longest ago give
way. Some 350 bytes each in the file. Judgement: four times the meters of a full line."""

TOTALS_EVERY_S = 900.0
"""Least wall seconds between two writings of totals that have only grown: 96 a day, so that 50
meters cost 1.7 MB a day and 1000 cost 34 MB (judgement; a card of 8 GB bears 10 TB)."""

_LOG: FilteringBoundLogger = structlog.get_logger()


class LearntStore:
    """The knowledge of one gateway; any thread may ask.

    A file that is damaged or cannot be written costs learning again, never a reading.
    """

    def __init__(self, path: Path, seconds: Callable[[], float] = time.monotonic) -> None:
        """Read what was kept.

        Args:
            path: The file.
            seconds: Returns wall seconds that no step of the clock moves.
        """
        self._path = path
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: dict[MeterKey, Learnt] = dict(_load(path))
        self._known: dict[MeterKey, Learnt] = dict(self._kept)
        self._written_s = seconds()
        self._has_grown = False

    def of(self, key: MeterKey) -> Learnt | None:
        """Return what is known of a meter; None: nothing."""
        with self._lock:
            return self._known.get(key)

    def take(self, learnt: Mapping[MeterKey, Learnt]) -> None:
        """Remember what is known of some meters now, and write what is to outlast a restart.

        What is new is written at once, totals that have only grown every `TOTALS_EVERY_S`.
        """
        with self._lock:
            for key, each in learnt.items():
                _put(self._known, key, each)
            is_news = self._is_news(learnt)
            is_time = self._seconds() - self._written_s >= TOTALS_EVERY_S
            if is_news or (self._has_grown and is_time):
                self._write()

    def keep(self) -> None:
        """Write the totals as they are now, at an orderly end."""
        with self._lock:
            if self._has_grown:
                self._write()

    def _is_news(self, learnt: Mapping[MeterKey, Learnt]) -> bool:
        """Bring what is kept up to date; return whether more has changed than totals grew."""
        has_changed = False
        for key, each in learnt.items():
            kept, before = kept_of(each), self._kept.get(key)
            if kept == before:
                continue
            if kept is not None and before is not None and is_same_but_grown(before, kept):
                self._kept[key] = kept
                self._has_grown = True
                continue
            has_changed = True
            _put(self._kept, key, kept)
        return has_changed

    def _write(self) -> None:
        """Write the file; whatever goes wrong costs what was learnt since, and no more."""
        self._written_s, self._has_grown = self._seconds(), False
        try:
            meters = [kept_json(key, each) for key, each in self._kept.items()]
            replace_file(self._path, dump_json({"v": _VERSION, "meters": [*meters]}))
        except Exception as error:  # noqa: BLE001  # a link must not end for what only saves time
            self._has_grown = True
            _LOG.warning("learnt.not_kept", file=str(self._path), error=str(error))


def _put(into: dict[MeterKey, Learnt], key: MeterKey, each: Learnt | None) -> None:
    """Put an entry at the end; the first give way where there are too many."""
    into.pop(key, None)
    if each is not None:
        into[key] = each
    while len(into) > MOST_METERS:
        del into[next(iter(into))]


def _load(path: Path) -> Kept:
    try:
        root = read_json(str(path), path.read_bytes())
        root.integer("v", low=_VERSION, high=_VERSION)
        return dict(_entries(root))
    except FileNotFoundError:
        return {}
    except (ContractError, OSError) as error:
        _LOG.warning("learnt.not_read", file=str(path), error=str(error))
        _set_aside(path)
        return {}


def _entries(root: FieldReader) -> Iterator[tuple[MeterKey, Learnt]]:
    """Yield the entries that can be read; another costs its own meter alone."""
    for entry in root.objects("meters", longest=MOST_METERS):
        try:
            yield parse_kept(entry)
        except ContractError as error:
            _LOG.warning("learnt.entry_not_read", error=str(error))


def _set_aside(path: Path) -> None:
    """Keep a file that was not read, of another version of the gateway it may be, from the next."""
    try:
        if path.is_file():
            path.replace(path.with_name(path.name + _ASIDE))
    except OSError as error:
        _LOG.warning("learnt.not_set_aside", file=str(path), error=str(error))
