# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the map of the network and of today's stops, with the card of what was tapped."""

from kivy.clock import Clock
from kivy.properties import ListProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget

from field_app.presenters.map_views import BLANK_MAP, LegendLine, MapView, Place

NEAR = 0.6
"""Pixels per metre at which the own position and a stop are shown: the street and the next ones."""


class LegendStroke(BoxLayout):
    """One line of the legend."""

    tone = StringProperty("ink")
    width_dp = NumericProperty(0)
    core_dp = NumericProperty(0)
    icon = StringProperty("")
    text = StringProperty("")


class Legend(BoxLayout):
    """What the lines mean."""

    items = ListProperty([])

    def on_items(self, _widget: Widget, items: list[LegendLine]) -> None:
        """Draw the lines."""
        self.clear_widgets()
        for item in items:
            self.add_widget(
                LegendStroke(
                    tone=item.tone,
                    width_dp=item.width_dp,
                    core_dp=item.core_dp,
                    icon=item.icon,
                    text=item.text,
                )
            )


class MapScreen(FloatLayout):
    """The map; `opened` is called with the order of a stop."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_MAP, rebind=True)
    opened = ObjectProperty(None, allownone=True)

    def on_kv_post(self, _base: Widget) -> None:
        """Let the map report taps."""
        self._has_fitted = False
        self._is_open = False
        self.ids.map.tapped = self.tap

    def begin(self) -> None:
        """Show what is there."""
        if not self._is_open:
            self._is_open = True
            self.presenter.attach(self.show)

    def show(self, view: MapView) -> None:
        """Draw the view; the first one with anything on it is shown whole.

        That waits for the next frame: what is read before the page is laid out would be fitted
        into a map of no size, ten times too far away.
        """
        self.view = view
        if view.bounds is not None and not self._has_fitted:
            self._has_fitted = True
            Clock.schedule_once(self.fit, 0)

    def fit(self, _elapsed_s: float = 0.0) -> None:
        """Show everything."""
        if self.view.bounds is not None:
            self.ids.map.fit(self.view.bounds)

    def locate(self) -> None:
        """Show where the tablet is."""
        if self.view.here is not None:
            self.ids.map.go_to(self.view.here, NEAR)

    def zoom(self, factor: float) -> None:
        """Come nearer, or go away."""
        self.ids.map.zoom_by(factor)

    def tap(self, place: Place, reach_m: float) -> None:
        """Choose what is nearest to the finger."""
        self.presenter.choose(*self.presenter.nearest(place, reach_m))

    def open_card(self) -> None:
        """Open the order of the stop that is chosen."""
        card = self.view.card
        if card is not None and card.button is not None:
            self.opened(card.button.key)

    def refresh(self) -> None:
        """Read stops and position again."""
        if self._is_open:
            self.presenter.refresh()

    def save(self) -> None:
        """Nothing is typed on a map."""

    def leave(self) -> None:
        """Let the position rest."""
        if self._is_open:
            self._is_open = False
            self.presenter.detach()

    def back(self) -> bool:
        """Let go of what was tapped; False when nothing was."""
        if self.view.card is None:
            return False
        self.presenter.choose("", "")
        return True
