"""Owns a signature that is not finished: each stroke is encrypted on the disk until it is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from field_app.photos.sealed_scrap_io import SealedScrap
from field_app.photos.strokes import Point
from field_app.platform.ports import Bound, Vault

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
        kept: Any = self._scrap.load()
        if kept is None:
            return []
        if "at" not in kept or not is_standing(int(kept["at"]), self.now_ms()):
            self._scrap.forget()
            return []
        return [[(float(x), float(y)) for x, y in stroke] for stroke in kept["strokes"]]

    def keep(self, strokes: Sequence[Sequence[Point]]) -> None:
        """Keep the strokes; none takes away what was kept. A stop in between leaves the former."""
        if strokes:
            self._scrap.keep({"at": self.now_ms(), "strokes": strokes})
        else:
            self._scrap.forget()

    @property
    def _scrap(self) -> SealedScrap:
        bound = Bound(entity="glass", entity_id=self.record, column="strokes")
        return SealedScrap(folder=self.folder, vault=self.vault, bound=bound)
