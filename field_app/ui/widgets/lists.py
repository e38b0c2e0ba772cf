# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws short lists: labelled texts, numbered steps, number tiles, items that need eyes."""

from collections.abc import Callable

from kivy.properties import BooleanProperty, ListProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.stacklayout import StackLayout
from kivy.uix.widget import Widget

from field_app.presenters.views import (
    ChoiceView,
    FilterChip,
    LabelledText,
    LookHere,
    WaitingRow,
)
from field_app.ui import signs
from field_app.ui.widgets.basics import Chip, with_units

SHORT_NUMBER = 8
"""Letters of a number that stand on a tile of a quarter of the page, such as `12.4 km`."""


class Fact(BoxLayout):
    """A label over its value, with an icon."""

    label = StringProperty("")
    text = StringProperty("")
    icon = StringProperty("information-outline")


class FactList(BoxLayout):
    """Labelled texts from top to bottom."""

    items = ListProperty([])

    def on_items(self, _widget: Widget, items: list[LabelledText]) -> None:
        """Draw the new facts."""
        self.clear_widgets()
        for item in items:
            self.add_widget(
                Fact(label=item.label, text=item.text, icon=signs.label_icon(item.icon))
            )


class NumberTile(BoxLayout):
    """One number behind the verdict: the value large, its name above."""

    label = StringProperty("")
    text = StringProperty("")
    tone = StringProperty("ink")


class NumberTiles(GridLayout):
    """The numbers behind the verdict; the one that triggered stands out."""

    items = ListProperty([])

    def on_items(self, _widget: Widget, items: list[LabelledText]) -> None:
        """Draw the new numbers."""
        self.clear_widgets()
        for item in items:
            tone = "danger" if item.icon == "trigger" else "ink"
            self.add_widget(NumberTile(label=item.label, text=with_units(item.text), tone=tone))


def is_even(items: list[LabelledText]) -> bool:
    """Return whether short numbers fill rows of four: one tile alone in a row looks forgotten."""
    is_short = all(len(item.text) <= SHORT_NUMBER for item in items)
    return bool(items) and len(items) % 4 == 0 and is_short


class Step(BoxLayout):
    """One step with its number."""

    number = StringProperty("")
    text = StringProperty("")
    tone = StringProperty("primary")


class StepList(BoxLayout):
    """Steps in the order in which they are to be done."""

    items = ListProperty([])
    tone = StringProperty("primary")

    def on_items(self, _widget: Widget, items: list[str]) -> None:
        """Draw the new steps."""
        self.clear_widgets()
        for number, text in enumerate(items, start=1):
            self.add_widget(Step(number=str(number), text=text, tone=self.tone))


class Attention(BoxLayout):
    """Something the server refused or merged: what, why, what now, and that it was seen."""

    op_id = StringProperty("")
    text = StringProperty("")
    reason = StringProperty("")
    advice = StringProperty("")
    seen = ObjectProperty(None, allownone=True)


class AttentionList(BoxLayout):
    """Everything that needs the crew's eyes; `seen` is called with an operation's id."""

    items = ListProperty([])
    seen = ObjectProperty(None, allownone=True)

    def on_items(self, _widget: Widget, items: list[LookHere]) -> None:
        """Draw the new items."""
        self.clear_widgets()
        for item in items:
            self.add_widget(
                Attention(
                    op_id=item.op_id,
                    text=item.text,
                    reason=item.reason,
                    advice=item.advice,
                    seen=self._seen,
                )
            )

    def _seen(self, op_id: str) -> None:
        if self.seen is not None:
            self.seen(op_id)


class Waiting(BoxLayout):
    """One user action on its way to the server."""

    text = StringProperty("")
    detail = StringProperty("")
    state = StringProperty("queued")
    state_text = StringProperty("")


class WaitingList(BoxLayout):
    """What the server does not have yet."""

    items = ListProperty([])

    def on_items(self, _widget: Widget, items: list[WaitingRow]) -> None:
        """Draw the new rows."""
        self.clear_widgets()
        for item in items:
            self.add_widget(
                Waiting(
                    text=item.text,
                    detail="  ·  ".join(part for part in (item.order_number, item.at_text) if part),
                    state=str(item.mark.state),
                    state_text=item.mark.text,
                )
            )


class ChipRow(BoxLayout):
    """Filters side by side; `chosen` is called with the key of the one that is tapped."""

    items = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)

    def on_items(self, _widget: Widget, items: list[FilterChip]) -> None:
        """Draw the filters, keeping the widgets when only counts changed."""
        chips = list(reversed(self.children))
        if [chip.key for chip in chips] != [item.key for item in items]:
            self.clear_widgets()
            chips = [_chip(item.key, signs.filter_icon(item.key), self._chosen) for item in items]
            for chip in chips:
                self.add_widget(chip)
        for chip, item in zip(chips, items, strict=True):
            chip.text = f"{item.text} {item.count}"
            chip.is_on = item.is_selected

    def _chosen(self, key: str) -> None:
        if self.chosen is not None:
            self.chosen(key)


class ChipCloud(StackLayout):
    """Choices that wrap over as many lines as they need."""

    is_shown = BooleanProperty(defaultvalue=True)
    items = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)

    def on_items(self, _widget: Widget, items: list[ChoiceView]) -> None:
        """Draw the choices; a chip says something else sooner than that another one is made."""
        while len(self.children) > len(items):
            self.remove_widget(self.children[0])
        while len(self.children) < len(items):
            self.add_widget(_chip("", "", self._chosen))
        for chip, item in zip(reversed(self.children), items, strict=True):
            chip.key = item.key
            chip.text, chip.is_on = item.text, item.is_selected
            chip.icon = "check-bold" if item.is_selected else ""

    def _chosen(self, key: str) -> None:
        if self.chosen is not None:
            self.chosen(key)


def _chip(key: str, icon: str, chosen: Callable[[str], None]) -> Chip:
    chip = Chip(key=key, icon=icon)
    chip.bind(on_release=lambda tapped: chosen(tapped.key))
    return chip
