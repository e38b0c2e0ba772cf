# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws one order: why it was made, the evidence, the steps, and the one next action."""

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

from field_app.presenters.order_tools import OPENS_WORK
from field_app.presenters.views import ActionView, OrderTool, OrderView
from field_app.ui import signs
from field_app.ui.blanks import BLANK_ORDER
from field_app.ui.widgets.basics import Btn, Tap
from field_app.ui.widgets.blocks import TONE_OF


class SideAction(Btn):
    """An action beside the next step: it opens the sheet that asks why.

    Beside the next step in one row there is room for its words alone.
    """

    event = StringProperty("")
    sign = StringProperty("")
    is_snug = BooleanProperty(defaultvalue=False)
    words_width = NumericProperty(0)

    def on_kv_post(self, _base: Widget) -> None:
        """Follow the width of its words."""
        self.ids.word.bind(width=self.setter("words_width"))
        self.words_width = self.ids.word.width


class ToolTile(Tap):
    """One tool of the order: what it is, and how far it is."""

    text = StringProperty("")
    detail = StringProperty("")
    icon = StringProperty("")
    tone = StringProperty("ink")
    key = StringProperty("")


class ToolTiles(GridLayout):
    """The tools of the order; `chosen` is called with the key of the one that is tapped."""

    is_shown = BooleanProperty(defaultvalue=True)
    items = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)

    def on_items(self, _widget: Widget, items: list[OrderTool]) -> None:
        """Draw the tools, keeping the widgets when only their words changed."""
        tiles = list(reversed(self.children))
        if [tile.key for tile in tiles] != [item.key for item in items]:
            self.clear_widgets()
            tiles = [ToolTile(key=item.key, hint=f"tool-{item.key}") for item in items]
            for tile in tiles:
                tile.bind(on_release=lambda tapped: self.chosen(tapped.key))
                self.add_widget(tile)
        for tile, item in zip(tiles, items, strict=True):
            tile.text, tile.detail, tile.icon = item.text, item.detail, item.icon
            tile.tone = TONE_OF[item.tone]


class OrderScreen(BoxLayout):
    """One order; `closed` goes back to the list, `finding_wanted` opens the form.

    `tool_wanted` is called with the key of the sheet that a tool, or a side step, opens.
    """

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_ORDER, rebind=True)
    closed = ObjectProperty(None, allownone=True)
    finding_wanted = ObjectProperty(None, allownone=True)
    tool_wanted = ObjectProperty(None, allownone=True)
    _acted_on: OrderView | None = None

    def show(self, view: OrderView) -> None:
        """Draw the view."""
        self._acted_on = None
        self.view = view
        self._side_actions(view.other_actions)

    def to_top(self) -> None:
        """Begin at the top: another order is opened."""
        self.view = BLANK_ORDER
        self.ids.page.scroll_y = 1

    def _side_actions(self, actions: tuple[ActionView, ...]) -> None:
        box = self.ids.side_actions
        shown = [button.event for button in reversed(box.children)]
        if shown != [action.event for action in actions]:
            box.clear_widgets()
            for action in actions:
                box.add_widget(self._side_action(action))
        for button, action in zip(reversed(box.children), actions, strict=True):
            button.text, button.disabled = action.text, bool(action.refusal)

    def _side_action(self, action: ActionView) -> SideAction:
        button = SideAction(event=action.event, sign=signs.EVENTS.get(action.event, ""))
        button.bind(on_release=lambda tapped: self.tool_wanted(tapped.event))
        return button

    def next_step(self) -> None:
        """Do the next step of the life cycle, or open the form that it needs.

        A step is taken once: not again before the page says what became of it.
        """
        action = self.view.next_action
        if action is None or self.view is self._acted_on:
            return
        self._acted_on = None
        if action.opens_finding:
            self.finding_wanted()
        elif action.event == OPENS_WORK:
            self.tool_wanted(OPENS_WORK)
        else:
            self._acted_on = self.view
            self.act(action.event)

    def act(self, event: str) -> None:
        """Report the tap."""
        self.presenter.act(event)

    def seen(self, _op_id: str) -> None:
        """Report that the crew has seen what became of its words about this order."""
        self.presenter.mark_seen()
