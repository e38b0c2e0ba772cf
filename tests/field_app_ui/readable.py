"""Decides what is wrong with a screen for its readers: boxes, words cut off, targets, language."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

import field_app.ui

from tests.field_app_ui import kivy_harness as harness  # isort: skip - before anything from kivy
from kivy.uix.label import Label
from kivy.uix.textinput import TextInput
from kivy.uix.widget import Widget

from field_app.ui.widgets.basics import MIN_TARGET_DP
from tests.field_app_ui.town_office import PLACES

_FONTS = Path(field_app.ui.__file__).parent / "fonts"

_NAMES = (
    *("Lamplighter", "tablet", "English", "中文", "李伟", "抢修三班", "Anna Kowalska", "Nordring"),
    *PLACES,
)
"""What stays as it is in every language."""

_UNITS = {
    "LEL",
    "vol",
    "Pa",
    "bar",
    "d",
    "m",
    "Nordring",
    "kPa",
    "h",
    "min",
    "ppm",
    "m³",
    "cm",
    "DN",
    "V",
    "A",
}

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
            for text in ui.texts(anywhere=True)
            if not any(name in text for name in _NAMES) and is_in_the_other_language(text, language)
        ),
    }
    return {name: bad for name, bad in found.items() if bad}


def words(ui: harness.Driver) -> list[str]:
    """Return every text and icon that is drawn, greyed ones and hints too, after scrolling, too.

    They are sorted: how a list makes its rows is no business of the reader. Where a word stands is
    for the pictures to say; what it says, down to one digit, for this.
    """
    found: list[str] = []
    for widget in ui.walk():
        if _is_drawn(widget, ui.win):
            found += _words_of(widget)
    return sorted(text.replace("\n", " / ") for text in found)


def _is_drawn(widget: Widget, window: object) -> bool:
    if not widget.width or not widget.height:
        return False
    node = widget
    while node is not None and node is not window:
        if node.opacity == 0:
            return False
        node = None if node.parent is node else node.parent
    return node is window


def _words_of(widget: Widget) -> list[str]:
    drawn: list[str] = list(getattr(widget, "drawn_texts", ()))
    if type(widget).__name__ == "Glyph":
        return [f"[{widget.name}]"] if widget.text else []
    text = getattr(widget, "text", "") or getattr(widget, "hint_text", "")
    is_word = isinstance(widget, Label | TextInput)
    return [*drawn, text] if text and is_word else drawn


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
