"""Every screen in both languages and both ways round: readable, hit with gloves, as approved.

`LAMP_UI_GOLDEN=update` keeps new pictures; `LAMP_UI_PICTURES=<folder>` writes all of them there,
in full size.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops

from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui import scenes
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands
from tests.field_app_ui.readable import troubles

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

KEPT = Path(__file__).parents[1] / "data" / "pictures"
FULL_SIZE = os.environ.get("LAMP_UI_PICTURES")
IS_UPDATE = os.environ.get("LAMP_UI_GOLDEN") == "update"

UPRIGHT, ON_ITS_SIDE = (800, 1280), (1280, 800)
WAYS_ROUND = (("", UPRIGHT), ("wide-", ON_ITS_SIDE))

SHRINK = 2
"""Kept pictures are half as wide and high: a quarter of the bytes, and every word still shows."""

COLOURS = 256
"""Of a kept picture; the error of the palette is about half of the tolerance."""

TOLERANCE = 28
"""Difference of a channel, of 255, that another GL library may make (tablet guide section 8)."""

MOST_DIFFERING = 0.0005
"""Share of pixels that may differ by more: one wrong colour of a text is more than that."""

MORE_LOOKS = 5
"""Rows are worded in the background: a picture may be some frames early."""

Walk = Callable[[Field, Hands], Iterator[str]]
WayRound = tuple[str, tuple[int, int]]
Ways = Callable[[int, str], Sequence[WayRound]]
NIGHTLY = pytest.mark.nightly


def by_turns(number: int, language: str) -> Sequence[WayRound]:
    """Return one way round for a screen: what Chinese shows upright, English shows on its side."""
    return (WAYS_ROUND[(number + (language == "en")) % 2],)


def every_way(_number: int, _language: str) -> Sequence[WayRound]:
    """Return both ways round."""
    return WAYS_ROUND


def small(picture: "Picture") -> "Picture":
    """Return a picture as it is kept and compared."""
    return picture.reduce(SHRINK)


def differing(found: "Picture", kept: "Picture") -> float:
    """Return the share of pixels that differ by more than the tolerance; 1 for another size."""
    if found.size != kept.size:
        return 1.0
    bands = ImageChops.difference(found, kept).split()
    worst = bands[0]
    for band in bands[1:]:
        worst = ImageChops.lighter(worst, band)
    return sum(worst.histogram()[TOLERANCE + 1 :]) / (found.width * found.height)


def check(ui: harness.Driver, name: str) -> str:
    """Return what is wrong with the picture of a screen, empty when it is as kept."""
    ui.fade_scroll_bars()
    path, found = KEPT / f"{name}.png", ui.image()
    if FULL_SIZE:
        Path(FULL_SIZE).mkdir(parents=True, exist_ok=True)
        found.save(Path(FULL_SIZE) / f"{name}.png")
    if IS_UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        reduced = small(found).quantize(COLOURS, Image.Quantize.FASTOCTREE)
        reduced.save(path, optimize=True)
        return ""
    if not path.exists():
        return f"{name}: is not kept; look at it and keep it with LAMP_UI_GOLDEN=update"
    with Image.open(path) as file:
        kept = file.convert("RGB")
    share = differing(small(found), kept)
    for _ in range(MORE_LOOKS):
        if share <= MOST_DIFFERING:
            return ""
        ui.settle()
        share = differing(small(ui.image()), kept)
    ui.screenshot(name)
    return f"{name}: {share:.2%} of the pixels differ; see {ui.artifacts / name}.png"


def look(ui: harness.Driver, scene: str, language: str, ways: Sequence[WayRound]) -> Iterator[str]:
    """Yield what is wrong with one screen, these ways round."""
    for way, size in ways:
        ui.resize(*size)
        ui.settle()
        for kind, bad in troubles(ui, language).items():
            yield f"{way}{scene}.{language}: {kind}: {bad}"
        if harness.HAS_PIXELS and (wrong := check(ui, f"{way}{scene}.{language}")):
            yield wrong
    ui.resize(harness.WIDTH, harness.HEIGHT)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize(
    "ways",
    [every_way if FULL_SIZE or IS_UPDATE else by_turns, pytest.param(every_way, marks=NIGHTLY)],
)
@pytest.mark.parametrize(
    ("walk", "count"),
    [(scenes.first_start, 2), (scenes.repair, 34), (scenes.inspection, 14)],
    ids=["first_start", "repair", "inspection"],
)
def test_every_screen_is_readable_and_looks_as_it_was_approved(
    crew: Field, walk: Walk, count: int, ways: Ways, language: str
) -> None:
    crew.language = language
    wrong: list[str] = []
    seen: list[str] = []
    try:
        for scene in walk(crew, Hands()):
            assert crew.ui is not None
            seen.append(scene)
            wrong += look(crew.ui, scene, language, ways(len(seen), language))
    finally:
        if crew.ui is not None:
            crew.ui.resize(harness.WIDTH, harness.HEIGHT)

    assert wrong == []
    assert len(set(seen)) == count, seen


@pytest.mark.parametrize("language", [pytest.param("zh_CN", marks=pytest.mark.nightly), "en"])
def test_every_screen_can_be_read_and_hit_with_large_text(crew: Field, language: str) -> None:
    crew.language = language
    wrong: dict[str, dict[str, list[str]]] = {}
    for scene in scenes.repair(crew, Hands()):
        assert crew.ui is not None
        if scene == "alarm":
            crew.ui.app.use_text_scale(1.2)
            crew.ui.settle()
        wrong[scene] = troubles(crew.ui, language)

    assert [scene for scene, found in wrong.items() if found] == [], wrong
