# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the blocks of a sheet: words, verdicts, steps, questions, values, lists, clocks."""

from collections.abc import Callable, Mapping, Sequence

from kivy.clock import Clock
from kivy.properties import (
    BooleanProperty,
    ListProperty,
    NumericProperty,
    ObjectProperty,
    StringProperty,
)
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    FactsBlock,
    NoteBlock,
    NoticeBlock,
    NumberBlock,
    RowAction,
    RowLine,
    RowsBlock,
    StepLine,
    StepsBlock,
    StepStanding,
    TextBlock,
    TilesBlock,
    TimerBlock,
    VerdictBlock,
)
from field_app.ui.widgets.basics import BOUNCE_S, Btn, Chip, Choice

ARMED_S = 4
"""How long a first tap waits for the second one; wall seconds."""

TONE_OF = {"plain": "ink", "info": "info", "ok": "ok", "warn": "warn", "danger": "danger"}
"""Colour token by tone."""


class Part(BoxLayout):
    """One block; a subclass per kind draws it. Taps go to the sheet."""

    block = ObjectProperty(None, allownone=True, rebind=True)
    sheet = ObjectProperty(None, allownone=True)


class TextPart(Part):
    """Words."""


class NoticePart(Part):
    """Something to be seen first."""


class VerdictPart(Part):
    """The word that the sheet leads to."""

    tone = StringProperty("idle")


class StepItem(BoxLayout):
    """One step: done, now or later."""

    line = ObjectProperty(None, allownone=True, rebind=True)
    is_done = BooleanProperty(defaultvalue=False)
    is_last = BooleanProperty(defaultvalue=False)
    undone = ObjectProperty(None, allownone=True)


class Lines(BoxLayout):
    """A column of widgets, one per line, kept while the keys stay the same."""

    lines = ListProperty([])
    make = ObjectProperty(None, allownone=True)

    def on_lines(self, _widget: Widget, lines: Sequence[StepLine | RowLine]) -> None:
        """Draw the lines."""
        self._draw(lines)

    def on_make(self, _widget: Widget, _make: Callable[[], Widget]) -> None:
        """Draw the lines that came before the maker."""
        self._draw(self.lines)

    def _draw(self, lines: Sequence[StepLine | RowLine]) -> None:
        if self.make is None:
            return
        shown = list(reversed(self.children))
        if [child.line.key for child in shown] != [line.key for line in lines]:
            self.clear_widgets()
            shown = [self.make() for _ in lines]
            for child, line in zip(shown, lines, strict=True):
                child.line = line
                self.add_widget(child)
        for child, line in zip(shown, lines, strict=True):
            child.line, child.is_last = line, line is lines[-1]


STEPS_ON_ITS_SIDE = 2
"""Steps that leave the question below them on the screen when the tablet lies on its side."""


class StepsPart(Part):
    """Steps in their order; a tablet on its side has room for the last one done and the next."""

    def shown(self, block: StepsBlock | None, is_wide: bool) -> Sequence[StepLine]:  # noqa: FBT001 - kv passes it so
        """Return the steps to be drawn."""
        lines = () if block is None else block.lines
        if not is_wide:
            return lines
        begun = [line for line in lines if line.standing is not StepStanding.LATER]
        return begun[-STEPS_ON_ITS_SIDE:]

    def make(self) -> StepItem:
        """Return the widget of one step."""
        return StepItem(undone=lambda key: self.sheet.tapped(f"undo:{key}"))


class ChoiceGrid(GridLayout):
    """The answers of one question."""

    lines = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)

    def on_lines(self, _widget: Widget, lines: Sequence[ChoiceLine]) -> None:
        """Draw the answers, keeping the widgets when only the chosen one changed."""
        shown = list(reversed(self.children))
        if [choice.key for choice in shown] != [line.value for line in lines]:
            self.clear_widgets()
            shown = [self._choice(line) for line in lines]
            for choice in shown:
                self.add_widget(choice)
        for choice, line in zip(shown, lines, strict=True):
            choice.text, choice.note, choice.icon = line.text, line.note, line.icon
            choice.tone = "primary" if line.tone == "info" else TONE_OF[line.tone]
            choice.is_on = line.is_selected

    def _choice(self, line: ChoiceLine) -> Choice:
        choice = Choice(key=line.value)
        choice.bind(on_release=lambda tapped: self.chosen(tapped.key))
        return choice


class ChoicePart(Part):
    """A question."""

    def choose(self, value: str) -> None:
        """Report the answer."""
        self.sheet.chosen(self.block.key, value)


class QuickFills(BoxLayout):
    """Values that one tap fills in, each with the unit of its field."""

    unit = StringProperty("")
    lines = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)

    def on_lines(self, _widget: Widget, lines: Sequence[str]) -> None:
        """Draw the values."""
        self.clear_widgets()
        for text in lines:
            chip = Chip(key=f"fill-{text}", text=f"{text} {self.unit}".strip())
            chip.bind(on_release=lambda _chip, text=text: self.chosen(text))
            self.add_widget(chip)


class NumberPart(Part):
    """A value that was measured."""

    def on_block(self, _widget: Widget, block: NumberBlock) -> None:
        """Show what was kept, unless it is being typed just now."""
        fill_field(self.ids.value, block.text)

    def typed(self, text: str) -> None:
        """Report what was typed."""
        if self.block is not None and text != self.block.text:
            self.sheet.typed(self.block.key, text)

    def fill(self, text: str) -> None:
        """Fill in a value that was offered."""
        self.ids.value.text = text


class NotePart(Part):
    """A free text."""

    def on_block(self, _widget: Widget, block: NoteBlock) -> None:
        """Show what was kept, unless it is being typed just now."""
        fill_field(self.ids.value, block.text)

    def typed(self, text: str) -> None:
        """Report what was typed."""
        if self.block is not None and text != self.block.text:
            self.sheet.typed(self.block.key, text)


def fill_field(field: Widget, text: str) -> None:
    """Write a text into a field that nobody types in."""
    if field.text != text and not field.focus:
        field.text = text


class RowButtons(BoxLayout):
    """What can be done with one thing of a list."""

    lines = ListProperty([])
    tapped = ObjectProperty(None, allownone=True)

    def on_lines(self, _widget: Widget, lines: Sequence[RowAction]) -> None:
        """Draw the buttons."""
        shown = list(reversed(self.children))
        if [button.hint for button in shown] != [line.key for line in lines]:
            self.clear_widgets()
            shown = [self._button(line) for line in lines]
            for button in shown:
                self.add_widget(button)
        for button, line in zip(shown, lines, strict=True):
            button.text, button.icon, button.kind = line.text, line.icon, line.kind

    def _button(self, line: RowAction) -> Btn:
        button = RowBtn(hint=line.key)
        button.bind(on_release=lambda tapped: self.tapped(tapped.hint))
        return button


class RowBtn(Btn):
    """A button at the end of a row, as wide as its word; several in a row count up quickly."""

    bounce_s = NumericProperty(BOUNCE_S / 2)


class RowItem(BoxLayout):
    """One thing of a list; the last one has no line below it."""

    is_last = BooleanProperty(defaultvalue=False)
    line = ObjectProperty(None, allownone=True, rebind=True)
    tapped = ObjectProperty(None, allownone=True)


class RowsPart(Part):
    """A list of things."""

    def make(self) -> RowItem:
        """Return the widget of one thing."""
        return RowItem(tapped=self.sheet.tapped)


class FactsPart(Part):
    """What is known."""


class TilesPart(Part):
    """Numbers in tiles."""


class TimerPart(Part):
    """A clock that runs."""


class SureBtn(Btn):
    """A button that may ask for a second tap: what it does cannot be undone.

    The second tap is one that is meant: what bounces off a glove counts as the first alone.
    """

    bounce_s = NumericProperty(BOUNCE_S)
    label = StringProperty("")
    usual = StringProperty("primary")
    needs_again = BooleanProperty(defaultvalue=False)
    is_armed = BooleanProperty(defaultvalue=False)
    confirmed = ObjectProperty(None, allownone=True)
    armed_s = NumericProperty(ARMED_S)

    def on_release(self) -> None:
        """Do it, or wait for the second tap."""
        if self.needs_again and not self.is_armed:
            self.is_armed = True
            self._disarming = Clock.schedule_once(lambda _elapsed_s: self.disarm(), self.armed_s)
            return
        self.disarm()
        if self.confirmed is not None:
            self.confirmed()

    def disarm(self) -> None:
        """Forget the first tap."""
        if self.is_armed:
            self.is_armed = False
            self._disarming.cancel()


PARTS: Mapping[type, type[Part]] = {
    TextBlock: TextPart,
    NoticeBlock: NoticePart,
    VerdictBlock: VerdictPart,
    StepsBlock: StepsPart,
    ChoiceBlock: ChoicePart,
    NumberBlock: NumberPart,
    NoteBlock: NotePart,
    RowsBlock: RowsPart,
    FactsBlock: FactsPart,
    TilesBlock: TilesPart,
    TimerBlock: TimerPart,
}
"""The widget of each kind of block."""


class Blocks(BoxLayout):
    """The blocks of a sheet; a widget is kept while its block has the same kind and key."""

    sheet = ObjectProperty(None, allownone=True)

    def fill(self, blocks: Sequence[Block]) -> None:
        """Draw the blocks."""
        known = {(type(part), part.block.key): part for part in self.children}
        wanted = [
            known.get((PARTS[type(block)], block.key)) or PARTS[type(block)](sheet=self.sheet)
            for block in blocks
        ]
        for part, block in zip(wanted, blocks, strict=True):
            part.block = block
        if list(reversed(self.children)) != wanted:
            self.clear_widgets()
            for part in wanted:
                self.add_widget(part)
