"""Owns what drivers have learnt of meters: in memory for the next driver, on disk for a restart."""

import threading
from collections.abc import Mapping
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.files_io import replace_file
from edge_gateway.links.learnt import Learnt
from edge_gateway.polling.kept_learnt import Kept, MeterKey, kept_json, kept_of, parse_kept
from wire_contracts.errors import ContractError
from wire_contracts.payloads import dump_json, read_json

LEARNT_FILE = "learnt.json"

MOST_METERS = 1000
"""Meters of which something is remembered, in memory and in the file; those learnt longest ago give
way. Some 200 bytes each in the file. Judgement: four times the meters of a full line."""

_LOG: FilteringBoundLogger = structlog.get_logger()


class LearntStore:
    """The knowledge of one gateway; any thread may ask.

    A file that is damaged or cannot be written costs learning again, never a reading.
    """

    def __init__(self, path: Path) -> None:
        """Read what was kept."""
        self._path = path
        self._lock = threading.Lock()
        self._kept: dict[MeterKey, Learnt] = dict(_load(path))
        self._known: dict[MeterKey, Learnt] = dict(self._kept)

    def of(self, key: MeterKey) -> Learnt | None:
        """Return what is known of a meter; None: nothing."""
        with self._lock:
            return self._known.get(key)

    def take(self, learnt: Mapping[MeterKey, Learnt]) -> None:
        """Remember what is known of some meters now, and write what is to outlast a restart."""
        with self._lock:
            for key, each in learnt.items():
                _put(self._known, key, each)
            if self._is_news(learnt):
                self._write()

    def _is_news(self, learnt: Mapping[MeterKey, Learnt]) -> bool:
        """Bring what is kept up to date; return whether anything in it has changed."""
        has_changed = False
        for key, each in learnt.items():
            kept = kept_of(each)
            if kept == self._kept.get(key):
                continue
            has_changed = True
            _put(self._kept, key, kept)
        return has_changed

    def _write(self) -> None:
        meters = [kept_json(key, each) for key, each in self._kept.items()]
        try:
            replace_file(self._path, dump_json({"v": 1, "meters": [*meters]}))
        except OSError as error:
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
        return dict(map(parse_kept, root.objects("meters", longest=MOST_METERS)))
    except FileNotFoundError:
        return {}
    except (ContractError, OSError) as error:
        _LOG.warning("learnt.not_read", file=str(path), error=str(error))
        return {}
