"""Looks at bytes as a picture, and re-encodes what people see: Pillow's door in the server."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from PIL import Image, ImageOps, UnidentifiedImageError

from wire_contracts.blobs import BlobMime

MOST_PIXELS: Final = 50_000_000
"""Largest picture: 50 million pixels are 200 MB as RGBA. Tablets send at most 24 million; a PNG of
a few kB can claim far more."""

JPEG_QUALITY: Final = 82
"""Of the derivative; Pillow's documentation calls 75 to 95 useful."""

T = TypeVar("T")

_MIMES: Final = {"JPEG": BlobMime.JPEG, "MPO": BlobMime.JPEG, "PNG": BlobMime.PNG}
"""An MPO is a JPEG with more pictures behind the first; it is opened as one."""

_OPENED: Final = ("JPEG", "PNG")


class NotAPictureError(ValueError):
    """The bytes are not a picture of the stated type, or a larger one than anybody takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What some bytes are as a picture: type, width and height in pixels, as stored."""

    mime: BlobMime
    width_px: int
    height_px: int


def measure(path: Path) -> Picture:
    """Return what a file is as a picture, from its head; nothing is decoded.

    Raises:
        NotAPictureError: It is none of a type that is taken, or has too many pixels.
    """
    return _careful(path, _look)


def _look(image: Image.Image) -> Picture:
    return Picture(mime=_MIMES[image.format or ""], width_px=image.width, height_px=image.height)


def render(path: Path, longest_px: int) -> bytes:
    """Return a JPEG of at most `longest_px` a side, upright, without any metadata.

    Raises:
        NotAPictureError: It cannot be decoded.
    """

    def draw(image: Image.Image) -> bytes:
        image.draft("RGB", (longest_px, longest_px))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((longest_px, longest_px))
        plain = Image.new("RGB", upright.size, "white")
        plain.paste(upright, mask=_mask(upright))
        out = io.BytesIO()
        plain.save(out, "JPEG", quality=JPEG_QUALITY)
        return out.getvalue()

    return _careful(path, draw)


def _mask(image: Image.Image) -> Image.Image | None:
    return image.convert("RGBA").getchannel("A") if image.has_transparency_data else None


def _careful(path: Path, look: Callable[[Image.Image], T]) -> T:
    """Return what `look` sees; whatever a hostile or torn file does to the decoder is one error."""
    try:
        with Image.open(path, formats=list(_OPENED)) as image:
            if image.width * image.height > MOST_PIXELS:
                message = f"{image.width} x {image.height} pixels, at most {MOST_PIXELS}"
                raise NotAPictureError(message)
            return look(image)
    except UnidentifiedImageError as error:
        message = "is neither JPEG nor PNG"
        raise NotAPictureError(message) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning) as error:
        message = f"cannot be read: {type(error).__name__}: {str(error)[:100]}"
        raise NotAPictureError(message) from error
