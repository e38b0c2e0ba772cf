"""The themes: every text can be read, every colour is written in one place."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.field_app_ui import kivy_harness  # isort: skip - before anything from kivy
import field_app.ui
from field_app.ui import signs
from field_app.ui.look_io import Look, load_look, save_look
from field_app.ui.theme import PALETTES, TEXT_ON, Theme, ThemeName
from field_app.ui.typefaces_io import has_bold, icon_glyphs

UI = Path(field_app.ui.__file__).parent
RULES = sorted(UI.glob("*/*.kv"))


def luminance(colour: Sequence[float]) -> float:
    linear = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in colour[:3]
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("name", "least"), [(ThemeName.LIGHT, 4.5), (ThemeName.DARK, 4.5), (ThemeName.SUN, 7.0)]
)
def test_every_text_stands_out_from_what_is_behind_it(name: ThemeName, least: float) -> None:
    colours = Theme(name).c

    low = {
        (text, behind): round(contrast(colours[text], colours[behind]), 2)
        for text, behind in TEXT_ON
        if contrast(colours[text], colours[behind]) < least
    }

    assert low == {}


def test_every_theme_has_every_token() -> None:
    tokens = {name: set(palette) for name, palette in PALETTES.items()}

    assert len({frozenset(each) for each in tokens.values()}) == 1


def test_no_colour_is_written_outside_the_theme() -> None:
    sources = [path for path in (*UI.rglob("*.py"), *RULES) if path.name != "theme.py"]

    found = [
        f"{path.name}: {match}"
        for path in sources
        for match in re.findall(r"#[0-9A-Fa-f]{6,8}\b", path.read_text("utf-8"))
    ]

    assert found == []
    assert kivy_harness.MODE in {"gl", "x11", "mock"}


def test_every_sign_has_its_icon_and_its_tones() -> None:
    tables = (signs.STATES, signs.MEDIA, signs.MARKS, signs.RESULTS, signs.TONES)
    colours = Theme().c

    wrong = [
        sign
        for table in tables
        for sign in table.values()
        if sign.icon
        and (
            sign.icon not in icon_glyphs()
            or sign.tone not in colours
            or f"{sign.tone}_soft" not in colours
        )
    ]

    assert wrong == []
    assert set(signs.EVENTS.values()) <= set(icon_glyphs())


def test_every_icon_that_a_rule_names_exists() -> None:
    named = {
        name
        for path in RULES
        for line in path.read_text("utf-8").splitlines()
        if re.match(r"\s+(name|icon):", line)
        for name in re.findall(r"'([a-z0-9-]+)'", line)
    }

    assert named - set(icon_glyphs()) - {"light", "dark", "warn", "ok"} == set()


def test_what_was_chosen_is_found_again(tmp_path: Path) -> None:
    look = Look(theme=ThemeName.SUN, is_large=True)

    save_look(tmp_path, look)

    assert load_look(tmp_path) == look
    assert look.text_scale > 1


@pytest.mark.parametrize("content", ["", "{", '{"theme": "neon", "is_large": 1}', "[]"])
def test_a_broken_file_gives_the_default_look(tmp_path: Path, content: str) -> None:
    (tmp_path / "look.json").write_text(content)

    assert load_look(tmp_path) == Look()


@pytest.mark.parametrize(
    ("text", "is_bold"),
    [("夜间用气 WO-1", True), ("Łódź Žižkov", True), ("喆珺堃", False), ("", True)],
)
def test_a_name_that_bold_cannot_draw_stays_thin(text: str, *, is_bold: bool) -> None:
    assert has_bold(text) is is_bold


def test_the_next_theme_goes_round() -> None:
    theme = Theme()
    seen = []
    for _ in range(3):
        theme.use(theme.next_name())
        seen.append(theme.name)

    assert seen == ["dark", "sun", "light"]
