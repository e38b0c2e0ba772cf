"""Decides whether a picture that was taken anew replaces the kept one; none changes idly."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

TOLERANCE = 28
"""Difference of a channel, of 255, that another GL library may make (tablet guide section 8)."""

MOST_DIFFERING = 0.002
"""Share of a picture's pixels: a town lives, and the minutes on its pages differ in each run."""


def differing(found: "Picture", kept: "Picture") -> float:
    """Return the share of pixels that differ by more than the tolerance; 1 for another size."""
    if found.size != kept.size:
        return 1.0
    bands = ImageChops.difference(found, kept).split()
    worst = bands[0]
    for band in bands[1:]:
        worst = ImageChops.lighter(worst, band)
    return sum(worst.histogram()[TOLERANCE + 1 :]) / (found.width * found.height)


def keep_picture(content: bytes, path: Path) -> bool:
    """Write an encoded picture unless the kept one shows the same; return whether it was written.

    What is compared has gone through the same encoder, so that its loss counts on neither side.
    """
    if path.exists():
        with Image.open(path) as kept, Image.open(io.BytesIO(content)) as found:
            if differing(found.convert("RGB"), kept.convert("RGB")) <= MOST_DIFFERING:
                return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True
