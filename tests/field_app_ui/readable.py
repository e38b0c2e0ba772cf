"""Decides what is wrong with a screen for its readers: boxes, words cut off, targets, language."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

import field_app.ui

from tests.field_app_ui import kivy_harness as harness  # isort: skip - before anything from kivy
from kivy.uix.widget import Widget

from field_app.ui.widgets.basics import MIN_TARGET_DP
from tests.field_app_ui.town_office import PLACES

_FONTS = Path(field_app.ui.__file__).parent / "fonts"

_NAMES = (
    *("Lamplighter", "tablet", "English", "中文", "李伟", "抢修三班", "Anna Kowalska", "Nordring"),
    *PLACES,
)
"""What stays as it is in every language."""

_UNITS = {"LEL", "bar", "d", "m", "Nordring", "kPa", "h", "min", "ppm", "m³", "cm", "DN", "V", "A"}

_CUT_CLASSES = {"Btn", "SideAction", "Chip", "Choice", "Pill"}
_WORD_CLASSES = {"Word", "Txt", "OneLine"}


@cache
def glyphs() -> Mapping[str, frozenset[int]]:
    """Return what each typeface can draw."""
    found = {}
    for name in ("Sans-Regular", "Sans-Bold", "Icons"):
        with TTFont(_FONTS / f"Lamplighter{name}.ttf", lazy=True) as font:
            found[name] = frozenset(font.getBestCmap())
    return found


def troubles(ui: harness.Driver, language: str) -> dict[str, list[str]]:
    """Return what a person could not read or hit on this screen, after scrolling, too."""
    widgets = [widget for widget in ui.walk() if ui.visible(widget, anywhere=True)]
    found = {
        "boxes": sorted(_boxes(widgets)),
        "too small": _too_small(widgets),
        "cut off": _cut_off(widgets),
        "other language": sorted(
            text
            for text in ui.texts()
            if not any(name in text for name in _NAMES) and is_in_the_other_language(text, language)
        ),
    }
    return {name: bad for name, bad in found.items() if bad}


def _boxes(widgets: list[Widget]) -> set[str]:
    """Return the characters that would be drawn as boxes."""
    bad: set[str] = set()
    for widget in widgets:
        face = "Icons" if getattr(widget, "font_name", "") == "LamplighterIcons" else "Sans-Regular"
        if face == "Sans-Regular" and getattr(widget, "bold", False):
            face = "Sans-Bold"
        text = getattr(widget, "text", "")
        bad |= {sign for sign in text if ord(sign) not in glyphs()[face] and sign != "\n"}
    return bad


def _too_small(widgets: list[Widget]) -> list[str]:
    """Return what a glove would miss."""
    return [
        f"{type(widget).__name__} {widget.hint} {widget.size}"
        for widget in widgets
        if hasattr(widget, "hint") and not widget.disabled and min(widget.size) < MIN_TARGET_DP
    ]


def _cut_off(widgets: list[Widget]) -> list[str]:
    """Return the buttons whose words do not fit."""
    return [
        f"{widget.text} {widget.size}"
        for widget in widgets
        if type(widget).__name__ in _CUT_CLASSES
        and any(
            child.texture_size[0] > child.width + 1 or child.right > widget.right + 1
            for child in widget.walk(restrict=True)
            if type(child).__name__ in _WORD_CLASSES and child.text
        )
    ]


def is_in_the_other_language(text: str, language: str) -> bool:
    """Return whether a text has words of the language that is not chosen."""
    has_chinese = any("\u4e00" <= sign <= "\u9fff" for sign in text)
    if language == "en":
        return has_chinese
    words = [word for word in text.replace("·", " ").split() if word.isalpha() and word.isascii()]
    return not has_chinese and any(word not in _UNITS for word in words)
