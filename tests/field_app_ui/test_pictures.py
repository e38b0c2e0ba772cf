"""Every screen in both languages and both ways round: readable, hit with gloves, as approved.

Beside each kept picture lie its words, compared to the letter: one other digit is too few pixels.
`LAMP_UI_GOLDEN=update` keeps anew what has changed; `LAMP_UI_PICTURES=<folder>` writes all of them
there, in full size.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from demo.kept_pictures_io import differing
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui import scenes
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands
from tests.field_app_ui.readable import troubles, words

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


def check(ui: harness.Driver, name: str) -> str:
    """Return what is wrong with the picture of a screen, empty when it is as kept."""
    ui.fade_scroll_bars()
    path, found = KEPT / f"{name}.png", ui.image()
    if FULL_SIZE:
        Path(FULL_SIZE).mkdir(parents=True, exist_ok=True)
        found.save(Path(FULL_SIZE) / f"{name}.png")
    if IS_UPDATE:
        keep(ui, path)
        return ""
    if not path.exists():
        return f"{name}: is not kept; look at it and keep it with LAMP_UI_GOLDEN=update"
    kept = opened(path)
    share = differing(small(found), kept)
    for _ in range(MORE_LOOKS):
        if share <= MOST_DIFFERING:
            return ""
        ui.settle()
        share = differing(small(ui.image()), kept)
    ui.screenshot(name)
    return f"{name}: {share:.2%} of the pixels differ; see {ui.artifacts / name}.png"


def keep(ui: harness.Driver, path: Path) -> None:
    """Keep the picture of a screen, unless it is as the kept one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = small(ui.image())
    for _ in range(MORE_LOOKS):
        if path.exists() and differing(found, opened(path)) <= MOST_DIFFERING:
            return
        ui.settle()
        ui.fade_scroll_bars()
        found = small(ui.image())
    found.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(path, optimize=True)


def opened(path: Path) -> "Picture":
    """Return a kept picture."""
    with Image.open(path) as file:
        return file.convert("RGB")


def check_words(ui: harness.Driver, name: str) -> str:
    """Return which words of a screen are others than the kept ones, empty when none is."""
    path = KEPT / f"{name}.txt"
    if IS_UPDATE:
        path.write_text("\n".join(words(ui)) + "\n", encoding="utf-8")
        return ""
    if not path.exists():
        return f"{name}: its words are not kept; keep them with LAMP_UI_GOLDEN=update"
    kept = path.read_text(encoding="utf-8").splitlines()
    for _ in range(MORE_LOOKS):
        if words(ui) == kept:
            return ""
        ui.settle()
    found, wanted = Counter(words(ui)), Counter(kept)
    return f"{name}: new words {list(found - wanted)}, missing words {list(wanted - found)}"


def look(ui: harness.Driver, scene: str, language: str, ways: Sequence[WayRound]) -> Iterator[str]:
    """Yield what is wrong with one screen, these ways round."""
    for way, size in ways:
        ui.resize(*size)
        ui.settle()
        for kind, bad in troubles(ui, language).items():
            yield f"{way}{scene}.{language}: {kind}: {bad}"
        if harness.HAS_PIXELS and (wrong := check(ui, f"{way}{scene}.{language}")):
            yield wrong
        if wrong := check_words(ui, f"{way}{scene}.{language}"):
            yield wrong
    ui.resize(harness.WIDTH, harness.HEIGHT)


@pytest.mark.timeout(900)  # 14 s of processor time; on a busy machine 180 s were over
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize(
    "ways",
    [every_way if FULL_SIZE or IS_UPDATE else by_turns, pytest.param(every_way, marks=NIGHTLY)],
)
@pytest.mark.parametrize(
    ("walk", "count"),
    [(scenes.first_start, 2), (scenes.repair, 35), (scenes.inspection, 15)],
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


def test_one_other_letter_on_any_screen_is_seen(crew: Field) -> None:
    scene = scenes.repair(crew, Hands())
    while next(scene) != "list":
        continue
    ui = crew.ui
    assert ui is not None
    unseen: list[str] = []
    labels = [each for each in ui.walk() if hasattr(each, "texture_size") and ui.visible(each)]
    before = words(ui)
    for label in labels:
        text = label.text
        if not text or type(label).__name__ == "Glyph":
            continue
        label.text = f"{text[:-1]}{'8' if text[-1] != '8' else '9'}"
        unseen += [text] if words(ui) == before else []
        label.text = text
    assert words(ui) == before
    assert unseen == []
    assert len(labels) > 40
    assert next(scene) == "order"
    chart = ui.get("EvidenceChart")
    assert chart.drawn_texts, "its numbers are written on the canvas, not by a widget"
    kept = words(ui)
    chart.drawn_texts[0] += "0"
    assert words(ui) != kept


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
