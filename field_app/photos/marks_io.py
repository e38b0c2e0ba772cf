"""Owns the lines on a photo that are in no copy yet: kept as each one ends, until the copy is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from field_app.photos.ink_io import InkStroke
from field_app.photos.sealed_scrap_io import SealedScrap


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoMarks:
    """The lines on one photo."""

    scrap: SealedScrap

    def load(self) -> tuple[InkStroke, ...]:
        """Return the lines drawn so far, none where nothing was kept or nobody may read it."""
        kept: Any = (self.scrap.load() or {}).get("strokes", ())
        return tuple(
            InkStroke(
                points=tuple((float(x), float(y)) for x, y in stroke["points"]),
                colour=(int(stroke["rgb"][0]), int(stroke["rgb"][1]), int(stroke["rgb"][2])),
            )
            for stroke in kept
        )

    def keep(self, strokes: Sequence[InkStroke]) -> None:
        """Keep the lines; none takes away what was kept."""
        if not strokes:
            self.scrap.forget()
            return
        told = [{"points": list(each.points), "rgb": list(each.colour)} for each in strokes]
        self.scrap.keep({"strokes": told})
