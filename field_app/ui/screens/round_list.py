# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the homes or meters of a round, by building."""

from kivy.properties import ObjectProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.recycleview.views import RecycleDataViewBehavior

from field_app.presenters.round_list import RoundListView, RoundRow
from field_app.ui.round_blanks import BLANK_ROUND_LIST, BLANK_ROUND_ROW
from field_app.ui.widgets.basics import Tap


class RoundRowTap(RecycleDataViewBehavior, Tap):
    """One door; a tap calls `opened` with its key."""

    row: RoundRow = ObjectProperty(BLANK_ROUND_ROW, rebind=True)
    opened = ObjectProperty(None, allownone=True)

    def on_release(self) -> None:
        """Open the door's page."""
        if self.opened is not None:
            self.opened(self.row.key)


class RoundListScreen(BoxLayout):
    """The list; `opened` is called with `home:<id>` or `meter:<id>`, `closed` leads back."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_ROUND_LIST, rebind=True)
    opened = ObjectProperty(None, allownone=True)
    closed = ObjectProperty(None, allownone=True)

    def begin(self) -> None:
        """Show what is there."""
        self.presenter.attach(self.show)

    def show(self, view: RoundListView) -> None:
        """Draw the view."""
        self.view = view
        self.ids.rows.data = [{"row": row, "opened": self.open_row} for row in view.rows]

    def open_row(self, key: str) -> None:
        """Open one door's page."""
        self.opened(f"{self.presenter.kind}:{key}")

    def open_next(self) -> None:
        """Open the next door that is left."""
        if self.view.next_key:
            self.open_row(self.view.next_key)

    def choose(self, building: str) -> None:
        """Show one building, from the top."""
        self.ids.rows.scroll_y = 1
        self.presenter.choose(building)

    def refresh(self) -> None:
        """Read again."""
        self.presenter.refresh()

    def save(self) -> None:
        """Nothing is typed here."""

    def leave(self) -> None:
        """Let go."""
        self.presenter.detach()

    def back(self) -> bool:
        """Nothing lies inside a list."""
        return False
