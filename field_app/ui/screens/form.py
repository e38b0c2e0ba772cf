# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws a form of the office: one card per item, made a few per frame, kept while it stays."""

from collections.abc import Callable

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

from field_app.presenters.form_views import BLANK_FORM, CardKind, CardView, FormView
from field_app.presenters.views import ChoiceView
from field_app.ui import signs
from field_app.ui.screens.finding import put_text
from field_app.ui.screens.shell import drop_focus
from field_app.ui.screens.signing import SigningScreen
from field_app.ui.widgets.basics import Choice, Tap

CARDS_PER_FRAME = 4
"""A card takes 2 to 5 ms to make: so many at once leave the frame smooth."""

_PLAIN = signs.Sign("checkbox-blank-circle-outline", "primary")
"""A choice that the office named in its own way."""

Report = Callable[..., None]


class BigButton(Tap):
    """One of a few choices side by side: icon above its word."""

    key = StringProperty("")
    text = StringProperty("")
    icon = StringProperty("")
    tone = StringProperty("primary")
    is_on = BooleanProperty(defaultvalue=False)


class ButtonRow(BoxLayout):
    """Up to three big buttons; `chosen` is called with the key of the tapped one."""

    items = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)
    place = StringProperty("")

    def on_items(self, _widget: Widget, items: list[ChoiceView]) -> None:
        """Draw the buttons, keeping them when only the chosen one changed."""
        buttons = list(reversed(self.children))
        if [button.key for button in buttons] != [item.key for item in items]:
            self.clear_widgets()
            buttons = [self._button(item.key) for item in items]
            for button in buttons:
                self.add_widget(button)
        for button, item in zip(buttons, items, strict=True):
            button.text, button.is_on = item.text, item.is_selected

    def _button(self, key: str) -> BigButton:
        sign = signs.ANSWERS.get(key, _PLAIN)
        button = BigButton(key=key, icon=sign.icon, tone=sign.tone, hint=f"{self.place}={key}")
        button.bind(on_release=lambda tapped: self.chosen(tapped.key))
        return button


class ChoiceTiles(GridLayout):
    """Choices as tiles in two columns; `chosen` is called with the key of the tapped one."""

    items = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)
    place = StringProperty("")

    def on_items(self, _widget: Widget, items: list[ChoiceView]) -> None:
        """Draw the tiles, keeping them when only the chosen ones changed."""
        tiles = list(reversed(self.children))
        if [tile.key for tile in tiles] != [item.key for item in items]:
            self.clear_widgets()
            tiles = [self._tile(item.key) for item in items]
            for tile in tiles:
                self.add_widget(tile)
        for tile, item in zip(tiles, items, strict=True):
            tile.text, tile.is_on = item.text, item.is_selected

    def _tile(self, key: str) -> Choice:
        sign = signs.ANSWERS.get(key, _PLAIN)
        tile = Choice(key=key, icon=sign.icon, tone=sign.tone, height=68)
        tile.hint = f"{self.place}={key}"
        tile.bind(on_release=lambda tapped: self.chosen(tapped.key))
        return tile


class FormCard(BoxLayout):
    """What every card has: the item's words and mistakes; `report` is the form's screen."""

    view = ObjectProperty(CardView(place="", kind=CardKind.NOTE, label=""), rebind=True)
    report = ObjectProperty(None, allownone=True)
    has_frame = BooleanProperty(defaultvalue=True)

    def show(self, view: CardView) -> None:
        """Draw the item; what is being typed is left alone."""
        self.view = view

    def choose(self, key: str) -> None:
        """Report a tapped choice."""
        self.report.presenter.choose(self.view.place, key)

    def type(self, text: str) -> None:
        """Report what is typed."""
        if text != self.view.text:
            self.report.presenter.type(self.view.place, text)

    def left(self, *, has_focus: bool) -> None:
        """Keep at once what was typed when a field is left (RULINGS R5)."""
        if not has_focus and self.report.presenter is not None:
            self.report.presenter.flush()

    def act(self) -> None:
        """Report the card's own button."""
        self.report.act(self.view)

    def add_one(self) -> None:
        """Report that one more is wanted."""
        self.report.presenter.add(self.view.add_place)

    def take_away(self) -> None:
        """Report that this one goes."""
        self.report.presenter.remove(self.view.remove_place)


class HeadCard(FormCard):
    """The title of a group, or of one of a repeat."""


class NoteCard(FormCard):
    """Words to be read."""


class ButtonsCard(FormCard):
    """A few choices side by side."""


class ChoicesCard(FormCard):
    """Choices as tiles."""


class CloudCard(FormCard):
    """Many choices as chips."""


class FieldCard(FormCard):
    """Something that is typed: a number, a line, or a text of several lines."""

    is_number = BooleanProperty(defaultvalue=False)
    is_long = BooleanProperty(defaultvalue=False)

    def show(self, view: CardView) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        """Draw the item and put its text into the field."""
        self.is_number = view.kind is CardKind.NUMBER
        self.is_long = view.kind is CardKind.TEXT
        super().show(view)
        put_text(self.ids.value, view.text)


class ActionCard(FormCard):
    """A photo, a signature or a tick: one big button."""


_CARDS: dict[CardKind, type[FormCard]] = {
    CardKind.HEAD: HeadCard,
    CardKind.NOTE: NoteCard,
    CardKind.BUTTONS: ButtonsCard,
    CardKind.CHOICES: ChoicesCard,
    CardKind.CLOUD: CloudCard,
    CardKind.NUMBER: FieldCard,
    CardKind.TEXT: FieldCard,
    CardKind.LINE: FieldCard,
    CardKind.PHOTO: ActionCard,
    CardKind.SIGNATURE: ActionCard,
    CardKind.TICK: ActionCard,
}


class FormCards(BoxLayout):
    """The cards from top to bottom; `made_count` grows by a few with every frame."""

    made_count = NumericProperty(0)

    def __init__(self, **properties: object) -> None:
        """Begin empty."""
        super().__init__(**properties)
        self._cards: dict[tuple[str, CardKind], FormCard] = {}
        self._views: tuple[CardView, ...] = ()
        self._more = Clock.create_trigger(self._go_on, 0)

    def fill(self, views: tuple[CardView, ...], report: "FormScreen") -> None:
        """Show these items; cards that are there already keep what is typed in them."""
        self._views, self._report = views, report
        self._lay(CARDS_PER_FRAME)

    def card(self, place: str) -> FormCard | None:
        """Return the card of a place, making all before it now when it is not there yet."""
        if place not in {key[0] for key in self._cards}:
            self._lay(len(self._views))
        return next((card for key, card in self._cards.items() if key[0] == place), None)

    def empty(self) -> None:
        """Forget all cards: another form is shown."""
        self._more.cancel()
        self.clear_widgets()
        self._cards, self._views = {}, ()

    def _go_on(self, _elapsed_s: float) -> None:
        self._lay(CARDS_PER_FRAME)

    def _lay(self, most: int) -> None:
        """Put the cards into their order, making at most so many; the rest comes with frames."""
        wanted: list[FormCard] = []
        for view in self._views:
            key = (view.place, view.kind)
            card = self._cards.get(key)
            if card is None:
                if most == 0:
                    self._more()
                    break
                most -= 1
                card = self._cards[key] = _CARDS[view.kind](report=self._report)
                card.show(view)
            elif card.view is not view and card.view != view:
                card.show(view)
            wanted.append(card)
        self._arrange(wanted)

    def _arrange(self, wanted: list[FormCard]) -> None:
        if list(reversed(self.children)) != wanted:
            for child in [child for child in self.children if child not in wanted]:
                drop_focus(child)
                self.remove_widget(child)
            for index, card in enumerate(wanted):
                if card.parent is None:
                    self.add_widget(card, len(self.children) - index)
        kept = {(card.view.place, card.view.kind) for card in wanted}
        if len(wanted) == len(self._views):
            self._cards = {key: card for key, card in self._cards.items() if key in kept}
        self.made_count = len(wanted)


class FormScreen(BoxLayout):
    """One form as a page; `closed` leads back, `finished` is called with the sealed answers."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_FORM, rebind=True)
    closed = ObjectProperty(None, allownone=True)
    finished = ObjectProperty(None, allownone=True)
    opened = ObjectProperty(None, allownone=True)
    worker = ObjectProperty(None, allownone=True)

    def begin(self) -> None:
        """Show what is there."""
        self.ids.cards.empty()
        self.ids.page.scroll_y = 1
        self.presenter.attach(self.show)

    def show(self, view: FormView) -> None:
        """Draw the view, and bring onto the screen what it asks for."""
        self.view = view
        self.ids.cards.fill(view.cards, self)
        if view.go_to:
            Clock.schedule_once(lambda _elapsed_s: self._go_to(view.go_to), 0)

    def _go_to(self, place: str) -> None:
        card = self.ids.cards.card(place)
        if card is not None and card.parent is not None:
            self.ids.page.scroll_to(card, padding=24)

    def act(self, view: CardView) -> None:
        """Do what a card's button says; a signature has a page of its own."""
        if view.kind is not CardKind.SIGNATURE:
            self.presenter.act(view.place)
            return
        presenter = self.presenter
        self.opened(
            SigningScreen(
                signed=lambda content: presenter.sign(view.place, content),
                kept=presenter.glass(view.place),
                worker=self.worker,
            )
        )

    def finish(self) -> None:
        """Seal the answers, or jump to the first that is missing or wrong."""
        if self.view.left_count:
            self.presenter.check()
        else:
            self.presenter.finish(self._sealed)

    def _sealed(self, answers: object) -> None:
        finished: Report = self.finished
        finished(answers)

    def refresh(self) -> None:
        """Draw again."""
        self.presenter.refresh()

    def save(self) -> None:
        """Keep at once what was typed."""
        self.presenter.flush()

    def leave(self) -> None:
        """Keep what was typed and let go."""
        drop_focus(self)
        self.presenter.detach()

    def back(self) -> bool:
        """Nothing lies inside a form."""
        return False
