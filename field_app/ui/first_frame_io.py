# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the first frame at once: the lamp, while the app behind it is still being loaded."""

from pathlib import Path

from field_app.ui.look_io import load_look

_FONT = Path(__file__).parent / "fonts" / "LamplighterSans-Bold.ttf"


def show_first_frame(folder: Path) -> None:
    """Open the window and draw its first frame; Kivy's environment must have been prepared."""
    from kivy.core.text import Label  # noqa: PLC0415 - after the environment
    from kivy.core.window import Window  # noqa: PLC0415 - opens the window
    from kivy.graphics import Color, Ellipse, InstructionGroup, Rectangle  # noqa: PLC0415 - as above
    from kivy.utils import get_color_from_hex  # noqa: PLC0415 - as above

    from field_app.ui.theme import PALETTES, ThemeName  # noqa: PLC0415 - imports Kivy

    colours = {
        token: get_color_from_hex(PALETTES[ThemeName.LIGHT][token])
        for token in ("bar", "accent", "bar_ink")
    }
    scale = load_look(folder).text_scale
    label = Label(text="Lamplighter", font_size=34 * scale, font_name=str(_FONT))
    label.refresh()
    width, height = Window.size
    picture = InstructionGroup()
    for part in (
        Color(*colours["bar"]),
        Rectangle(pos=(0, 0), size=(width, height)),
        Color(*colours["accent"]),
        Ellipse(pos=(width / 2 - 36, height / 2 + 24), size=(72, 72)),
        Color(*colours["bar_ink"]),
        Rectangle(
            texture=label.texture,
            size=label.texture.size,
            pos=(width / 2 - label.texture.width / 2, height / 2 - 48),
        ),
    ):
        picture.add(part)
    Window.canvas.add(picture)
    Window.dispatch("on_draw")
    Window.flip()
    Window.canvas.remove(picture)
