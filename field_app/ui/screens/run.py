# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws one patrol on its way: the route, the next stop with distance and direction, the list."""

from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label
from kivy.uix.recycleview.views import RecycleDataViewBehavior

from field_app.presenters.run_views import RunView, StopRow
from field_app.ui.round_blanks import BLANK_RUN, BLANK_STOP
from field_app.ui.widgets.basics import Tap


class Needle(Label):
    """An arrow that points where one must go, north is up; a question mark where nobody knows."""

    angle = NumericProperty(0)
    is_known = BooleanProperty(defaultvalue=True)
    tone = StringProperty("primary")


class StopTap(RecycleDataViewBehavior, Tap):
    """One stop of the route; a tap calls `opened` with the checkpoint's id."""

    row: StopRow = ObjectProperty(BLANK_STOP, rebind=True)
    opened = ObjectProperty(None, allownone=True)

    def on_release(self) -> None:
        """Open the stop."""
        if self.opened is not None:
            self.opened(self.row.checkpoint_id)


class RunScreen(BoxLayout):
    """One run; `opened` is called with `point:<id>` or `end`, `closed` leads back."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_RUN, rebind=True)
    opened = ObjectProperty(None, allownone=True)
    closed = ObjectProperty(None, allownone=True)

    def begin(self) -> None:
        """Show what is there."""
        self.presenter.attach(self.show)

    def show(self, view: RunView) -> None:
        """Draw the view."""
        self.view = view
        self.ids.stops.data = [{"row": row, "opened": self.open_stop} for row in view.stops]

    def search(self, text: str) -> None:
        """Report what is searched for."""
        if self.presenter is not None:
            self.presenter.search(text)

    def open_stop(self, checkpoint_id: str) -> None:
        """Open one stop."""
        self.opened(f"point:{checkpoint_id}")

    def open_next(self) -> None:
        """Open the stop that comes next, or the end of the route."""
        self.opened(f"point:{self.view.next_id}" if self.view.next_id else "end")

    def open_end(self) -> None:
        """Show what is left before the route is ended."""
        self.opened("end")

    def refresh(self) -> None:
        """Read again."""
        self.presenter.refresh()

    def save(self) -> None:
        """Nothing is typed here; the way walked is kept as it grows."""

    def leave(self) -> None:
        """Let go."""
        self.presenter.detach()

    def back(self) -> bool:
        """Nothing lies inside a run."""
        return False
