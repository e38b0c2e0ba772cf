# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Owns the smallest widgets: text, icon, card, button, chip, pill, field.

Colours are named by token (`tone`, `fill`, `edge`); the kv rules look them up in the theme in use,
once per property, so that a theme switch re-colours everything that is on the screen.
"""

import re

from kivy.clock import Clock
from kivy.input.motionevent import MotionEvent
from kivy.properties import (
    BooleanProperty,
    NumericProperty,
    OptionProperty,
    StringProperty,
)
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label
from kivy.uix.scrollview import ScrollView
from kivy.uix.textinput import TextInput
from kivy.uix.widget import Widget

from field_app.ui.typefaces_io import has_bold

MIN_TARGET_DP = 48
"""Smallest side of anything that is tapped; gloves need more and mostly get 56."""


_BEFORE_UNIT = re.compile(r"(?<=\d) (?=[A-Za-z%°µ])")


def with_units(text: str) -> str:
    """Return a text in which no line ends between a number and its unit."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text)


class Toned(Label):
    """A text in a tone; `strong` is bold wherever the bold face has the glyphs."""

    tone = StringProperty("ink")
    strong = BooleanProperty(defaultvalue=False)

    def on_text(self, _widget: Widget, text: str) -> None:
        """Keep the face right for the new text."""
        self.bold = self.strong and has_bold(text)

    def on_strong(self, _widget: Widget, strong: bool) -> None:  # noqa: FBT001 - Kivy passes it so
        """Keep the weight right for the text."""
        self.bold = strong and has_bold(self.text)


class Txt(Toned):
    """A text that wraps to its width and is as high as its lines."""

    is_shown = BooleanProperty(defaultvalue=True)


class OneLine(Toned):
    """A text on one line of a given height, cut at its width."""


class Word(Toned):
    """A text on one line that is as wide as it needs."""


class Glyph(Label):
    """One icon by its name in `icons.json`."""

    name = StringProperty("checkbox-blank-circle-outline")
    tone = StringProperty("ink")


class Card(BoxLayout):
    """A surface that groups what belongs together; its height follows its content."""

    fill = StringProperty("surface")
    edge = StringProperty("line")
    is_shown = BooleanProperty(defaultvalue=True)


class Sections(BoxLayout):
    """A column of parts that are left out while their `is_shown` is false."""

    def on_kv_post(self, _base: Widget) -> None:
        """Keep every part, as one that is left out has no parent to keep it."""
        self._parts: list[Widget] = list(reversed(self.children))
        self._arranging = Clock.create_trigger(self._arrange, -1)
        for part in self._parts:
            part.fbind("is_shown", self._arranging)
        self._arrange()

    def _arrange(self, *_: object) -> None:
        wanted = [part for part in self._parts if part.is_shown]
        if list(reversed(self.children)) != wanted:
            self.clear_widgets()
            for part in wanted:
                self.add_widget(part)


class Page(ScrollView):
    """A page that scrolls up and down; its one child is as high as its content."""


BOUNCE_S = 0.5
"""A finger in a glove touches twice within this time and means one tap (judgement)."""


KEY_BOUNCE_S = 0.12
"""The same for a key of a pad: nobody presses one key twice so fast on purpose (judgement)."""


class Tap(ButtonBehavior, BoxLayout):
    """Anything that can be tapped; for `bounce_s` after a tap it takes no other one.

    `hint` is its name to a screen reader and to tests.
    """

    hint = StringProperty("")
    fill = StringProperty("none")
    edge = StringProperty("none")
    radius_dp = NumericProperty(12)
    bounce_s = NumericProperty(0)
    _deaf_until_s = 0.0

    def on_touch_down(self, touch: MotionEvent) -> bool:
        """Take the touch, and do nothing about the one that bounced."""
        if Clock.get_time() < self._deaf_until_s and self.collide_point(*touch.pos):
            return True
        return bool(super().on_touch_down(touch))

    def on_touch_up(self, touch: MotionEvent) -> bool:
        """Do what it says, then rest."""
        was_held = touch.grab_current is self
        is_taken = bool(super().on_touch_up(touch))
        if was_held:
            self._deaf_until_s = Clock.get_time() + self.bounce_s
        return is_taken


class Btn(Tap):
    """A button with an icon and a word."""

    text = StringProperty("")
    icon = StringProperty("")
    kind = OptionProperty("primary", options=["primary", "tonal", "ghost", "danger"])


class IconButton(Tap):
    """A button that is only an icon, so `hint` must say what it does."""

    icon = StringProperty("")
    tone = StringProperty("ink")


class Chip(Tap):
    """A filter or a choice that is on or off."""

    text = StringProperty("")
    icon = StringProperty("")
    key = StringProperty("")
    is_on = BooleanProperty(defaultvalue=False)


class Choice(Tap):
    """A big choice: icon above or beside a word, filled when it is the chosen one.

    A second tap takes it back, so that a touch which bounces must not count.
    """

    bounce_s = NumericProperty(BOUNCE_S)
    text = StringProperty("")
    note = StringProperty("")
    icon = StringProperty("")
    key = StringProperty("")
    tone = StringProperty("primary")
    is_on = BooleanProperty(defaultvalue=False)


class Pill(BoxLayout):
    """A small status: icon and word on a tint of its tone."""

    text = StringProperty("")
    icon = StringProperty("")
    tone = StringProperty("info")


class NavItem(Tap):
    """One place of the navigation, with a number when something waits there."""

    text = StringProperty("")
    icon = StringProperty("")
    key = StringProperty("")
    badge = StringProperty("")
    is_on = BooleanProperty(defaultvalue=False)


class Field(TextInput):
    """A text field; `is_wrong` draws its border in the danger colour.

    `input_type` is `text` in its rule: Kivy's default asks Android for raw keys, which takes
    Chinese input methods away.
    """

    hint = StringProperty("")
    is_wrong = BooleanProperty(defaultvalue=False)
    left_pad_dp = NumericProperty(16)


class Notice(BoxLayout):
    """A message with an icon across the width; without text it takes no room."""

    text = StringProperty("")
    icon = StringProperty("alert-circle")
    tone = StringProperty("danger")
    is_shown = BooleanProperty(defaultvalue=False)


class SectionTitle(Txt):
    """The title above a group."""


class Framed(BoxLayout):
    """A screen with a strip above it that says something on every screen."""

    msgid = StringProperty("")

    def __init__(self, frame: Widget, msgid: str, **properties: object) -> None:
        """Say `msgid` above `frame`."""
        super().__init__(msgid=msgid, **properties)
        self.add_widget(frame)
