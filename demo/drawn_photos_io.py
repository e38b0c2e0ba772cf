"""Draws what the demo's crew photographs, and its signature: no camera, no picture of anybody."""

import io
import random

from PIL import Image, ImageDraw

_SIZE = (1280, 960)
_PAD = (480, 160)


def valve_photo(order_id: str) -> bytes:
    """Return a JPEG of a pipe with a flange; the order decides light and drops."""
    chance = random.Random(order_id)
    light = chance.randrange(40, 80)
    picture = Image.effect_noise(_SIZE, light).convert("RGB")
    draw = ImageDraw.Draw(picture)
    width, height = _SIZE
    middle = height // 2
    draw.rectangle((0, middle - 90, width, middle + 90), fill=(96, 84 + light // 4, 72))
    draw.rectangle((0, middle - 90, width, middle - 60), fill=(140, 128, 112))
    for left in (520, 640):
        draw.rectangle((left, middle - 190, left + 90, middle + 190), fill=(74, 70, 66))
        for y in range(middle - 160, middle + 180, 80):
            draw.ellipse((left + 20, y - 25, left + 70, y + 25), fill=(128, 120, 104))
    for _ in range(60):
        x, y = chance.randrange(480, 780), chance.randrange(middle + 60, height)
        draw.ellipse((x, y, x + 8, y + 14), fill=(120, 150, 190))
    return _encoded(picture, "JPEG")


def signature(order_id: str) -> bytes:
    """Return a PNG with the strokes of a hand; every order has its own."""
    chance = random.Random(order_id)
    picture = Image.new("RGBA", _PAD, (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    points = [(x, chance.randrange(30, _PAD[1] - 30)) for x in range(20, _PAD[0] - 20, 28)]
    draw.line(points, fill=(20, 30, 60, 255), width=5, joint="curve")
    return _encoded(picture, "PNG")


def _encoded(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()
