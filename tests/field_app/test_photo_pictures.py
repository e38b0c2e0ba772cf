"""What a camera gives is stripped without touching a pixel; time and place are kept apart (R7)."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from field_app.photos.pictures_io import LONGEST_PX, PictureError, prepare
from field_app.photos.strip import NotAJpegError, strip_jpeg
from field_app.sync.chunks import chunk_after_failure, next_chunk
from tests.sync_server.blobs.blob_parts import jpeg, signature
from wire_contracts.blobs import (
    MAX_CHUNK_BYTES,
    MAX_THUMB_BYTES,
    MIN_CHUNK_BYTES,
    BlobMime,
    BlobRole,
    Position,
)


def exif(*, orientation: int = 1, zone: str | None = "+08:00") -> Image.Exif:
    found = Image.Exif()
    found[Base.Make] = "Secret Camera"
    found[Base.Orientation] = orientation
    details = found.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = "2026:11:02 12:30:00"
    if zone is not None:
        details[Base.OffsetTimeOriginal] = zone
    gps = found.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "N", (39.0, 54.0, 36.0)
    gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "E", (116.0, 24.0, 0.0)
    gps[GPS.GPSHPositioningError] = 12.5
    return found


def taken(size: tuple[int, int] = (64, 48), meta: Image.Exif | None = None, **more: bool) -> bytes:
    picture = Image.effect_noise(size, 60).convert("RGB")
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=meta or Image.Exif(), comment=b"secret comment", **more)
    return out.getvalue()


def pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB").tobytes()


@pytest.mark.parametrize("is_progressive", [False, True])
def test_metadata_goes_and_every_pixel_stays(*, is_progressive: bool) -> None:
    content = taken(meta=exif(), progressive=is_progressive) + b"a hidden copy behind the end"

    kept = prepare(content, BlobRole.PHOTO)

    assert pixels(kept.content) == pixels(content)
    for secret in (b"Exif", b"Secret Camera", b"secret comment", b"hidden copy"):
        assert secret not in kept.content
    assert strip_jpeg(kept.content) == kept.content


def test_time_and_place_move_into_the_reference() -> None:
    kept = prepare(taken(meta=exif()), BlobRole.PHOTO)

    assert kept.taken_at_utc == datetime(2026, 11, 2, 4, 30, tzinfo=UTC)
    assert kept.position == Position(latitude_deg=39.91, longitude_deg=116.4, accuracy_m=12.5)


def test_a_time_without_its_zone_is_no_time() -> None:
    assert prepare(taken(meta=exif(zone=None)), BlobRole.PHOTO).taken_at_utc is None


def test_a_photo_without_metadata_has_no_time_and_no_place() -> None:
    kept = prepare(taken(), BlobRole.PHOTO)

    assert (kept.taken_at_utc, kept.position) == (None, None)


def test_a_photo_taken_sideways_is_kept_upright() -> None:
    kept = prepare(taken((80, 40), meta=exif(orientation=6)), BlobRole.PHOTO)

    with Image.open(io.BytesIO(kept.content)) as image:
        assert image.size == (40, 80)
        assert dict(image.getexif()) == {}


def test_a_photo_that_is_too_large_is_made_smaller() -> None:
    out = io.BytesIO()
    Image.new("RGB", (LONGEST_PX + 904, 1250)).save(out, "JPEG")

    kept = prepare(out.getvalue(), BlobRole.PHOTO)

    with Image.open(io.BytesIO(kept.content)) as image:
        assert image.size == (LONGEST_PX, 1024)


def test_a_large_photo_has_a_thumb_and_a_small_one_is_its_own() -> None:
    large = prepare(taken((900, 900)), BlobRole.PHOTO)
    small = prepare(taken(), BlobRole.PHOTO)

    assert large.thumb is not None
    assert len(large.thumb) <= MAX_THUMB_BYTES
    assert small.thumb is None


def test_a_signature_stays_clear_where_nothing_was_drawn() -> None:
    kept = prepare(signature(), BlobRole.SIGNATURE)

    with Image.open(io.BytesIO(kept.content)) as image:
        assert kept.mime is BlobMime.PNG
        assert image.mode == "RGBA"
        assert image.info == {}


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\xff\xd8\xff", b"GIF89a" + b"\0" * 99])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(PictureError, match=r"is not a picture|cannot be read"):
        prepare(content, BlobRole.PHOTO)


def test_a_picture_that_claims_to_be_huge_is_refused() -> None:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    content = head + b"\0\0\0\0" + b"\0\0\0\0IDAT" + b"\0\0\0\0" + b"\0\0\0\0IEND\xaeB`\x82"

    with pytest.raises(PictureError):
        prepare(content, BlobRole.PHOTO)


@given(st.binary(max_size=400))
def test_bytes_that_are_no_jpeg_are_refused_and_never_hang(content: bytes) -> None:
    for candidate in (content, b"\xff\xd8" + content):
        try:
            stripped = strip_jpeg(candidate)
        except NotAJpegError:
            continue
        assert strip_jpeg(stripped) == stripped


@given(st.data())
def test_a_torn_jpeg_is_refused_or_stays_a_jpeg(data: st.DataObject) -> None:
    whole = jpeg(3)
    cut = data.draw(st.integers(0, len(whole)))
    flip = data.draw(st.integers(2, len(whole) - 1))
    torn = bytearray(whole)
    torn[flip] ^= data.draw(st.integers(1, 255))

    for candidate in (whole[:cut], bytes(torn)):
        try:
            stripped = strip_jpeg(candidate)
        except NotAJpegError:
            continue
        assert stripped.startswith(b"\xff\xd8")
        assert stripped.endswith(b"\xff\xd9")


@given(st.integers(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES), st.floats(0, 1000))
def test_a_piece_is_never_too_small_or_too_large(chunk_bytes: int, took_s: float) -> None:
    for following in (next_chunk(chunk_bytes, took_s), chunk_after_failure(chunk_bytes)):
        assert MIN_CHUNK_BYTES <= following <= MAX_CHUNK_BYTES
    assert next_chunk(chunk_bytes, took_s) <= 2 * chunk_bytes


def test_pieces_grow_on_a_quick_network_and_shrink_on_a_slow_one() -> None:
    assert next_chunk(MIN_CHUNK_BYTES, 0.1) == 2 * MIN_CHUNK_BYTES
    assert next_chunk(512 * 1024, 16.0) == 128 * 1024
    assert chunk_after_failure(512 * 1024) == 256 * 1024
