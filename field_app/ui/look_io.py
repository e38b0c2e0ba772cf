"""Keeps how the app looks on this tablet: theme and size of the text, in one small file."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from field_app.ui.theme import ThemeName

LARGE_TEXT = 1.2
"""Scale of the text for who chose large."""

_FILE = "look.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the person at the tablet chose."""

    theme: ThemeName = ThemeName.LIGHT
    is_large: bool = False

    @property
    def text_scale(self) -> float:
        """Return the factor on every size of text."""
        return LARGE_TEXT if self.is_large else 1.0


def load_look(folder: Path) -> Look:
    """Return what was chosen; the default when nothing was, or the file cannot be read."""
    try:
        kept = json.loads((folder / _FILE).read_text("utf-8"))
        return Look(theme=ThemeName(kept["theme"]), is_large=kept["is_large"] is True)
    except (OSError, ValueError, KeyError, TypeError):
        return Look()


def save_look(folder: Path, look: Look) -> None:
    """Keep what was chosen; a full disk must not keep the theme from changing."""
    with contextlib.suppress(OSError):
        beside = folder / f"{_FILE}.new"
        beside.write_text(json.dumps({"theme": look.theme, "is_large": look.is_large}), "utf-8")
        beside.replace(folder / _FILE)
