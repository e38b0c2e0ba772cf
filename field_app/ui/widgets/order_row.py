# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws one order of the list."""

from kivy.properties import BooleanProperty, ObjectProperty
from kivy.uix.recycleview.views import RecycleDataViewBehavior

from field_app.ui.blanks import BLANK_ROW
from field_app.ui.widgets.basics import Tap

ROW_HEIGHT_DP = 118
"""Three lines and their pills; the list multiplies it by the text scale."""


class OrderRowTap(RecycleDataViewBehavior, Tap):
    """One order; a tap calls `opened` with the order's id."""

    row = ObjectProperty(BLANK_ROW, rebind=True)
    is_selected = BooleanProperty(defaultvalue=False)
    opened = ObjectProperty(None, allownone=True)

    def on_release(self) -> None:
        """Open the order."""
        if self.opened is not None:
            self.opened(self.row.order_id)
