# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the list of orders: search, filters, rows."""

from kivy.properties import ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from field_app.presenters.views import OrderRow, OrdersView
from field_app.ui.blanks import BLANK_ORDERS

NEAR_END_ROWS = 30
"""Rows below the screen at which further ones are asked for: three screens of a quick thumb."""


Cells = dict[str, object]
"""What one row of the list is given, by the names of its properties."""


def _order_of(cells: Cells) -> str:
    row = cells["row"]
    return row.order_id if isinstance(row, OrderRow) else ""


class OrdersScreen(BoxLayout):
    """The list; `opened` is called with the id of the order that is tapped."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_ORDERS, rebind=True)
    selected_id = StringProperty("")
    opened = ObjectProperty(None, allownone=True)

    def show(self, view: OrdersView) -> None:
        """Draw the view; one that says the same costs nothing."""
        if view != self.view:
            self.view = view
            self._fill()

    def on_selected_id(self, _widget: Widget, _order_id: str) -> None:
        """Mark the row of the order that is open beside the list."""
        self._fill()

    def _fill(self) -> None:
        """Hand over the rows; where the same orders stand in the same places, only what is new."""
        rows = self.ids.rows
        wanted = [self._cells(row) for row in self.view.rows]
        count = len(rows.data)
        if [_order_of(each) for each in rows.data] != [_order_of(each) for each in wanted[:count]]:
            rows.data = wanted
            return
        if len(wanted) > count:
            rows.data.extend(wanted[count:])
        for index, (shown, cells) in enumerate(zip(rows.data[:count], wanted, strict=False)):
            if shown != cells:
                shown.update(cells)
                self._draw_again(index, cells)

    def _cells(self, row: OrderRow) -> Cells:
        return {
            "row": row,
            "is_selected": row.order_id == self.selected_id,
            "opened": self.opened,
        }

    def _draw_again(self, index: int, cells: Cells) -> None:
        """Draw one row anew where it can be seen; the others are drawn when they come into view."""
        visible = self.ids.rows.view_adapter.get_visible_view(index)
        if visible is not None:
            for name, value in cells.items():
                setattr(visible, name, value)

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
        if (
            self.view.has_more
            and not self.view.is_busy
            and share_below * len(self.view.rows) < NEAR_END_ROWS
        ):
            self.presenter.show_more()
