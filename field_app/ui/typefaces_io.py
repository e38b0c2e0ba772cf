"""Owns the fonts that ship with the app: registers them, and knows which glyphs they hold."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kivy.core.text import LabelBase

FONTS = Path(__file__).parent / "fonts"

ICON_FACE = "LamplighterIcons"

_FIRST_HANZI = "\u2e80"


def register_typefaces() -> None:
    """Put the app's face in the place of Kivy's default one, and the icons beside it."""
    regular, bold = FONTS / "LamplighterSans-Regular.ttf", FONTS / "LamplighterSans-Bold.ttf"
    LabelBase.register(
        "Roboto",
        str(regular),
        fn_bold=str(bold),
        fn_italic=str(regular),
        fn_bolditalic=str(bold),
    )
    LabelBase.register(ICON_FACE, str(FONTS / "LamplighterIcons.ttf"))


@cache
def icon_glyphs() -> Mapping[str, str]:
    """Return the character of every icon by its name in Material Design Icons."""
    codes: dict[str, str] = json.loads((FONTS / "icons.json").read_text("utf-8"))
    return {name: chr(int(code, 16)) for name, code in codes.items()}


def has_bold(text: str) -> bool:
    """Return whether the bold face can draw `text`.

    It holds the hanzi of GB 2312; rare names of people and places exist in the regular face only,
    and a box in bold would be worse than a thin word.
    """
    for character in text:
        if character >= _FIRST_HANZI:
            try:
                character.encode("gb2312")
            except UnicodeEncodeError:
                return False
    return True
