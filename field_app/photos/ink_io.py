"""Draws what was marked on a photo into a copy of it; the photo itself stays as it was taken."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageOps

from field_app.photos.strokes import Point, smoothed

PEN_SHARE: Final = 1 / 120
"""Width of the pen as a share of the longer side: as wide as a finger's line on the glass."""

_QUALITY: Final = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class InkStroke:
    """One line on a photo: points 0..1 from the left and the top, and its colour."""

    points: Sequence[Point]
    colour: tuple[int, int, int]


def marked_up(content: bytes, strokes: Sequence[InkStroke]) -> bytes:
    """Return the photo with the strokes on it, as JPEG; raise OSError when it is no picture."""
    with Image.open(io.BytesIO(content)) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    pen = ImageDraw.Draw(picture)
    width = max(round(max(picture.size) * PEN_SHARE), 2)
    for stroke in strokes:
        points = [(x * picture.width, y * picture.height) for x, y in smoothed(stroke.points)]
        pen.line(points, fill=stroke.colour, width=width, joint="curve")
        for x, y in points:
            half = width / 2
            pen.ellipse((x - half, y - half, x + half, y + half), fill=stroke.colour)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
