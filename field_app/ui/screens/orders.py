# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the list of orders: search, filters, rows."""

from kivy.properties import ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from field_app.presenters.views import OrdersView
from field_app.ui.blanks import BLANK_ORDERS

NEAR_END = 0.15
"""Share of the list below the screen at which further rows are asked for."""


class OrdersScreen(BoxLayout):
    """The list; `opened` is called with the id of the order that is tapped."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_ORDERS, rebind=True)
    selected_id = StringProperty("")
    opened = ObjectProperty(None, allownone=True)

    def show(self, view: OrdersView) -> None:
        """Draw the view."""
        self.view = view
        self._fill()

    def on_selected_id(self, _widget: Widget, _order_id: str) -> None:
        """Mark the row of the order that is open beside the list."""
        self._fill()

    def _fill(self) -> None:
        self.ids.rows.data = [
            {
                "row": row,
                "is_selected": row.order_id == self.selected_id,
                "opened": self.opened,
            }
            for row in self.view.rows
        ]

    def search(self, text: str) -> None:
        """Ask for the orders that match the text."""
        if self.presenter is not None and text != self.view.search_text:
            self.presenter.search(text)

    def choose_filter(self, key: str) -> None:
        """Ask for the orders of one filter, from the top."""
        self.ids.rows.scroll_y = 1
        self.presenter.choose_filter(key)

    def scrolled(self, share_below: float) -> None:
        """Ask for further rows when the end of those read so far comes near."""
        if self.view.has_more and not self.view.is_busy and share_below < NEAR_END:
            self.presenter.show_more()
