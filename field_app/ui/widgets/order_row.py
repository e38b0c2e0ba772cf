# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws one order of the list."""

from kivy.properties import BooleanProperty, ObjectProperty
from kivy.uix.recycleview.views import RecycleDataViewBehavior

from field_app.ui.blanks import BLANK_ROW
from field_app.ui.widgets.basics import Tap

LARGE_TEXT = 1.1
"""From this text scale on a state and a promised time do not fit one line of the narrow pane."""


def row_height_dp(text_scale: float, *, is_wide: bool) -> float:
    """Return how high a row is: three lines and their pills, in the narrow pane a longer title."""
    narrow = 28 + (16 if text_scale > LARGE_TEXT else 0) if is_wide else 0
    return (118 + narrow) * text_scale


class OrderRowTap(RecycleDataViewBehavior, Tap):
    """One order; a tap calls `opened` with the order's id.

    `is_tight`: large text in the narrow pane of a tablet on its side; when it is due takes two
    lines there, as the title does in that pane with any text.
    """

    is_tight = BooleanProperty(defaultvalue=False)
    row = ObjectProperty(BLANK_ROW, rebind=True)
    is_selected = BooleanProperty(defaultvalue=False)
    opened = ObjectProperty(None, allownone=True)

    def on_release(self) -> None:
        """Open the order."""
        if self.opened is not None:
            self.opened(self.row.order_id)
