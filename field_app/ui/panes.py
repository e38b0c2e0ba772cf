# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Decides which screens stand in the window: one, or the list beside an order."""

from typing import TYPE_CHECKING

from kivy.metrics import dp
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from field_app.ui.screens.shell import EmptyPane, drop_focus

if TYPE_CHECKING:
    from field_app.ui.navigator import Navigator

LIST_PANE_DP = 470
"""Width of the list beside an order."""


class Panes:
    """The panes of one navigator; `frame` is what the window shows."""

    def __init__(self, navigator: "Navigator") -> None:
        """Begin with an empty frame."""
        self._navigator = navigator
        self.frame = BoxLayout()
        self._empty = EmptyPane()

    def tell(self, *, has_orders: bool) -> None:
        """Let the pane beside the list say whether there is an order to be chosen."""
        self._empty.has_orders = has_orders

    def arrange(self) -> None:
        """Put the screens of this moment into the window."""
        at = self._navigator
        front = self._front()
        if self.frame.children[:1] != [front]:
            drop_focus(self.frame)
            self.frame.clear_widgets()
            self.frame.add_widget(front)
        at.shell.place, at.shell.is_wide = at.place, at.is_wide
        is_deep = at.place == "orders" and at.order_id
        at.shell.has_navigation = not (is_deep or at.page is not None)
        at.orders.size_hint_x = None if at.is_wide else 1
        at.orders.width = dp(LIST_PANE_DP)
        at.orders.selected_id = at.order_id if at.is_wide else ""
        at.shell.put(*((None, None) if front is at.page else self._panes()))

    def _front(self) -> Widget:
        at = self._navigator
        if at.needs_enrolment:
            return at.enrol
        return (at.page or at.log_in) if at.asks_pin else at.shell

    def _panes(self) -> tuple[Widget | None, Widget | None]:
        at = self._navigator
        if at.page is not None:
            return (at.orders if at.is_wide and at.place == "orders" else None), at.page
        if at.place != "orders":
            return None, at.place_pane()
        pane = at.finding if at.is_finding else at.order if at.order_id else None
        if at.is_wide:
            return at.orders, pane or self._empty
        return None, pane or at.orders
