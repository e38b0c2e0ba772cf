"""Pictures that are taken anew: only those that show something else are written."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from demo.kept_pictures_io import keep_picture


def page(*, clock: str = "12:00", row: str = "", kind: str = "WEBP") -> bytes:
    picture = Image.new("RGB", (1080, 675), (250, 250, 250))
    draw = ImageDraw.Draw(picture)
    draw.text((980, 10), clock, fill=(0, 0, 0))
    draw.rectangle((20, 60, 20 + 12 * len(row), 90), fill=(180, 20, 20))
    content = io.BytesIO()
    picture.save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_a_picture_that_shows_the_same_is_left_as_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "tour" / "alerts"
    first = page(kind=kind)

    assert keep_picture(first, path)
    assert not keep_picture(page(clock="12:07", kind=kind), path)
    assert path.read_bytes() == first
    assert keep_picture(page(row="a new alert", kind=kind), path)
    assert path.read_bytes() != first
