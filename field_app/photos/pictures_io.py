"""Makes of a camera's bytes what is kept: stripped, small enough, with its time, place and thumb.

Pillow's door in the tablet.
"""

import importlib.util
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import GPS, IFD, Base

from field_app.photos.strip import NotAJpegError, strip_jpeg
from wire_contracts.blobs import (
    BOUNDS,
    MAX_THUMB_BYTES,
    BlobMime,
    BlobRole,
    Position,
)

LONGEST_PX: Final = 4096
"""A longer side is scaled down: 12 million pixels show a serial number across a room."""

MOST_PIXELS: Final = 120_000_000
"""The largest cameras of phones have 108 million; a file that claims more is a trap."""

QUALITIES: Final = (88, 80, 70, 60)
"""Tried in turn until a re-encoded photo fits; Pillow's documentation calls 75 to 95 useful."""

THUMB_PX: Final = (320, 256, 192, 128, 96)
"""Longest sides tried in turn until a thumb fits into 40 kB; the first nearly always does."""

_THUMB_QUALITY: Final = 70
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
"""What phones write; an MPO opens as a JPEG."""
_UPRIGHT: Final = frozenset({None, 1})


class PictureError(ValueError):
    """What the camera gave cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A picture as it is kept and sent.

    Attributes:
        content: Its bytes, without metadata.
        thumb: Its small copy, None when the picture itself is small.
        taken_at_utc: What the camera wrote, None when it wrote none with a time zone.
        position: What the camera wrote, None when it wrote none.
    """

    content: bytes
    mime: BlobMime
    thumb: bytes | None
    taken_at_utc: datetime | None
    position: Position | None


def prepare(content: bytes, role: BlobRole) -> Prepared:
    """Return what is kept of a picture.

    Raises:
        PictureError: It is no picture, is torn, or cannot be made small enough.
    """
    try:
        with Image.open(io.BytesIO(content), formats=list(_FORMATS)) as image:
            if image.width * image.height > MOST_PIXELS:
                message = f"has {image.width} x {image.height} pixels, at most {MOST_PIXELS}"
                raise PictureError(message)
            exif = image.getexif()
            kept, mime = _signature(image) if role is BlobRole.SIGNATURE else _photo(image, content)
            if len(kept) > BOUNDS[role].max_bytes:
                message = f"has {len(kept)} bytes, at most {BOUNDS[role].max_bytes}"
                raise PictureError(message)
            return Prepared(
                content=kept,
                mime=mime,
                thumb=_thumb(image) if len(kept) > MAX_THUMB_BYTES else None,
                taken_at_utc=_time(exif),
                position=_position(exif),
            )
    except UnidentifiedImageError as error:
        message = "is not a picture of a kind that is taken (JPEG, PNG, WebP)"
        raise PictureError(message) from error
    except (OSError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        message = f"cannot be read: {type(error).__name__}: {str(error)[:100]}"
        raise PictureError(message) from error


def _photo(image: Image.Image, content: bytes) -> tuple[bytes, BlobMime]:
    """Return the photo with every pixel as it was where that is possible."""
    is_jpeg = image.format in {"JPEG", "MPO"}
    is_small = max(image.size) <= LONGEST_PX and len(content) <= BOUNDS[BlobRole.PHOTO].max_bytes
    if is_jpeg and is_small and image.getexif().get(Base.Orientation) in _UPRIGHT:
        try:
            return strip_jpeg(content), BlobMime.JPEG
        except NotAJpegError:
            pass  # a decoder forgives more than our reader of markers
    return _encoded(image), BlobMime.JPEG


def _encoded(image: Image.Image) -> bytes:
    plain = _flat(image, LONGEST_PX)
    encoded = b""
    for quality in QUALITIES:
        encoded = _jpeg(plain, quality)
        if len(encoded) <= BOUNDS[BlobRole.PHOTO].max_bytes:
            break
    return encoded


def _signature(image: Image.Image) -> tuple[bytes, BlobMime]:
    """Return the strokes in few colours on a clear ground."""
    drawn = image.convert("RGBA")
    clean = Image.new("RGBA", drawn.size, (0, 0, 0, 0))
    clean.paste(drawn, mask=drawn.getchannel("A"))
    out = io.BytesIO()
    clean.save(out, "PNG", optimize=True)
    return out.getvalue(), BlobMime.PNG


def _thumb(image: Image.Image) -> bytes:
    for longest_px in THUMB_PX:
        thumb = _jpeg(_flat(image, longest_px), _THUMB_QUALITY)
        if len(thumb) <= MAX_THUMB_BYTES:
            return thumb
    message = "cannot be made small enough for a thumb"
    raise PictureError(message)


def _flat(image: Image.Image, longest_px: int) -> Image.Image:
    """Return an upright copy without transparency and without anything beside its pixels."""
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((longest_px, longest_px))
    plain = Image.new("RGB", upright.size, "white")
    mask = upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None
    plain.paste(upright, mask=mask)
    return plain


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _time(exif: Image.Exif) -> datetime | None:
    """Return the time that the camera wrote, if it also wrote its zone; else that of the GPS."""
    details = exif.get_ifd(IFD.Exif)
    text, zone = details.get(Base.DateTimeOriginal), details.get(Base.OffsetTimeOriginal)
    try:
        local = datetime.strptime(f"{text}{zone}", "%Y:%m:%d %H:%M:%S%z")
    except ValueError:
        return _gps_time(exif)
    return local.astimezone(UTC)


def _gps_time(exif: Image.Exif) -> datetime | None:
    gps = exif.get_ifd(IFD.GPSInfo)
    try:
        day = datetime.strptime(f"{gps[GPS.GPSDateStamp]}+0000", "%Y:%m:%d%z")
        hours, minutes, seconds = (float(part) for part in gps[GPS.GPSTimeStamp])
        since = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return day + since
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _position(exif: Image.Exif) -> Position | None:
    gps = exif.get_ifd(IFD.GPSInfo)
    try:
        latitude = _degrees(gps[GPS.GPSLatitude]) * (-1 if gps[GPS.GPSLatitudeRef] == "S" else 1)
        longitude = _degrees(gps[GPS.GPSLongitude]) * (-1 if gps[GPS.GPSLongitudeRef] == "W" else 1)
        accuracy = gps.get(GPS.GPSHPositioningError)
        accuracy_m = None if accuracy is None else float(accuracy)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    is_on_earth = -90 <= latitude <= 90 and -180 <= longitude <= 180  # noqa: PLR2004  # degrees
    if not is_on_earth or (latitude, longitude) == (0.0, 0.0):  # what cameras write for unknown
        return None
    return Position(latitude_deg=latitude, longitude_deg=longitude, accuracy_m=accuracy_m)


def _degrees(parts: tuple[Fraction, Fraction, Fraction]) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


def read_code(content: bytes) -> str:
    """Return what the QR code in a picture says, empty when there is none.

    It needs the library zxing-cpp, which a desktop may have and a tablet, with its scanner app,
    does not; without it no picture says anything.
    """
    if importlib.util.find_spec("zxingcpp") is None:
        return ""
    import zxingcpp  # noqa: PLC0415 - most machines are without it

    try:
        with Image.open(io.BytesIO(content)) as image:
            found = zxingcpp.read_barcodes(image.convert("L"))
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""
    return str(found[0].text) if found else ""
