"""Owns a signature that is not finished: each stroke is encrypted on the disk until it is kept."""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from field_app.photos.strokes import Point
from field_app.platform.ports import Bound, Vault, VaultLockedError, VaultTamperedError

_ENDING: Final = ".glass"

STANDS: Final = timedelta(minutes=30)
"""How long a signature that nobody has finished stands: whoever began it has left after that."""


def is_standing(drawn_at_ms: int, now_ms: int) -> bool:
    """Return whether strokes of a moment may still be finished; a clock put back says no."""
    return 0 <= now_ms - drawn_at_ms <= STANDS // timedelta(milliseconds=1)


@dataclass(slots=True, kw_only=True)
class HeldStrokes:
    """What stands on the glass of one record while the app runs, and when it was drawn last."""

    strokes: list[list[Point]] = field(default_factory=list)
    drawn_at_ms: int = 0

    def wipe_old(self, now_ms: int) -> None:
        """Wipe what stands too long to be finished."""
        if not is_standing(self.drawn_at_ms, now_ms):
            self.strokes.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Glass:
    """What stands on the glass of one record; without a key nothing is kept (RULINGS R23).

    A stroke is a list of points, 0..1 from the left and from the top. It is kept with the moment of
    the tablet's wall clock, which `now_ms` tells: a signature is of the visit that it was begun in.
    """

    folder: Path
    vault: Vault
    record: str
    now_ms: Callable[[], int]

    def load(self) -> list[list[Point]]:
        """Return the strokes drawn so far, none when nothing was kept or nobody may read it.

        What nobody has finished in half an hour is wiped, and what says no moment.
        """
        try:
            kept = json.loads(self.vault.decrypt(self._path.read_bytes(), self._bound))
        except (FileNotFoundError, VaultLockedError, VaultTamperedError):
            return []
        if not isinstance(kept, dict) or not is_standing(int(kept["at"]), self.now_ms()):
            self._path.unlink(missing_ok=True)
            return []
        return [[(float(x), float(y)) for x, y in stroke] for stroke in kept["strokes"]]

    def keep(self, strokes: Sequence[Sequence[Point]]) -> None:
        """Keep the strokes; none takes away what was kept. A stop in between leaves the former."""
        with suppress(OSError):  # a full disk is told when the signature itself is kept
            self._keep(strokes)

    def _keep(self, strokes: Sequence[Sequence[Point]]) -> None:
        if not strokes:
            self._path.unlink(missing_ok=True)
            return
        told = json.dumps({"at": self.now_ms(), "strokes": strokes})
        kept = self.vault.encrypt(told.encode(), self._bound)
        if kept is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(kept)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._path)

    @property
    def _path(self) -> Path:
        return self.folder / f"{sha256(self.record.encode()).hexdigest()}{_ENDING}"

    @property
    def _bound(self) -> Bound:
        return Bound(entity="glass", entity_id=self.record, column="strokes")


def forget_glasses(folder: Path) -> None:
    """Take every unfinished signature away: this tablet's people are gone."""
    for path in [*folder.glob(f"*{_ENDING}"), *folder.glob("*.new")]:
        path.unlink(missing_ok=True)
