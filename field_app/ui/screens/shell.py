# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws what is round the screens: the bar with the sync pill, the navigation, the panes."""

from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from field_app.presenters.alarm import QUIET
from field_app.ui.blanks import BLANK_SYNC
from field_app.ui.widgets.basics import NavItem, Tap

PLACES = (
    ("orders", "clipboard-list"),
    ("map", "map"),
    ("patrol", "routes"),
    ("sync", "cloud-sync"),
    ("me", "account"),
)
"""Places of the navigation with their icons; one that has no name is not shown."""


class TopBar(BoxLayout):
    """The bar: where I am, who I am, and the sync pill, on every screen."""

    title = StringProperty("")
    crew_text = StringProperty("")
    sync = ObjectProperty(BLANK_SYNC, rebind=True)
    sync_tapped = ObjectProperty(None, allownone=True)
    help_tapped = ObjectProperty(None, allownone=True)


class AlarmBanner(Tap):
    """What must be answered now, across the whole width; it stays until somebody answers."""

    view = ObjectProperty(QUIET, rebind=True)
    tone = StringProperty("danger")
    answered = ObjectProperty(None, allownone=True)
    opened = ObjectProperty(None, allownone=True)

    def on_release(self) -> None:
        """Open what calls."""
        if self.opened is not None:
            self.opened(self.view.order_id)


class EmptyPane(BoxLayout):
    """What the second pane shows before an order is chosen; nothing where there is none."""

    has_orders = BooleanProperty(defaultvalue=True)


class Shell(BoxLayout):
    """The frame: `front` is the page in use, `pane` what is open beside or above the list."""

    place = StringProperty("orders")
    title = StringProperty("")
    crew_text = StringProperty("")
    sync = ObjectProperty(BLANK_SYNC, rebind=True)
    is_wide = BooleanProperty(defaultvalue=False)
    has_navigation = BooleanProperty(defaultvalue=True)
    went = ObjectProperty(None, allownone=True)
    alarm = ObjectProperty(QUIET, rebind=True)
    alarm_answered = ObjectProperty(None, allownone=True)
    alarm_opened = ObjectProperty(None, allownone=True)
    help_wanted = ObjectProperty(None, allownone=True)

    def on_kv_post(self, _base: Widget) -> None:
        """Make the places of the navigation; rail and bottom bar share them."""
        self._names: dict[str, str] = {}
        self._items = [NavItem(key=key, icon=icon) for key, icon in PLACES]
        for item in self._items:
            item.bind(on_release=lambda tapped: self.went(tapped.key))
        self.fbind("is_wide", self._lay_out)
        self.fbind("has_navigation", self._lay_out)
        self.fbind("place", self._mark)
        self.fbind("sync", self._mark)
        self._lay_out()
        self._mark()

    def name_places(self, names: dict[str, str]) -> None:
        """Write the places in the reader's language."""
        self._names = names
        for item in self._items:
            item.text = names.get(item.key, "")
        self._lay_out()
        self._mark()

    def show_sync(self) -> None:
        """Go to the sync page, from the pill in the bar."""
        self.went("sync")

    def _lay_out(self, *_: object) -> None:
        rail, bottom = self.ids.rail, self.ids.bottom
        rail.clear_widgets()
        bottom.clear_widgets()
        for item in self._items:
            if item.key not in self._names:
                continue
            if self.is_wide:
                item.size_hint_y, item.height = None, 84
                rail.add_widget(item)
            elif self.has_navigation:
                item.size_hint_y = 1
                bottom.add_widget(item)
        if self.is_wide:
            rail.add_widget(Widget())

    def _mark(self, *_: object) -> None:
        self.title = self._names.get(self.place, "")
        for item in self._items:
            item.is_on = item.key == self.place
            count = self.sync.look_here_count if item.key == "sync" else 0
            item.badge = str(count) if count else ""

    def put(self, left: Widget | None, main: Widget | None) -> None:
        """Show one or two panes: the list at the left, anything at its right."""
        wanted = [pane for pane in (left, main) if pane is not None]
        panes = self.ids.panes
        if list(reversed(panes.children)) == wanted:
            return
        if main is not None and panes.children[:1] == [main]:
            self._put_left(left)  # whoever types in the other pane goes on typing
            return
        drop_focus(panes)
        panes.clear_widgets()
        for pane in wanted:
            panes.add_widget(pane)

    def _put_left(self, left: Widget | None) -> None:
        panes = self.ids.panes
        for pane in panes.children[1:]:
            drop_focus(pane)
            panes.remove_widget(pane)
        if left is not None:
            panes.add_widget(left, index=1)


def drop_focus(subtree: Widget) -> None:
    """Release the keyboard: a focused field that leaves the tree would keep it."""
    for widget in subtree.walk(restrict=True):  # else Kivy goes on to all that stands beside it
        if getattr(widget, "focus", False):
            widget.focus = False
