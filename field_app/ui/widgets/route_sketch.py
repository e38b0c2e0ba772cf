# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws a route on the network: stops with numbers, the way walked, where one is."""

from kivy.app import App
from kivy.clock import Clock
from kivy.graphics import (
    Color,
    Line,
    Rectangle,
    SmoothEllipse,
    SmoothLine,
    SmoothRoundedRectangle,
    StencilPop,
    StencilPush,
    StencilUnUse,
    StencilUse,
)
from kivy.metrics import dp
from kivy.properties import ObjectProperty
from kivy.uix.widget import Widget

from field_app.presenters.run_views import SketchPoint, SketchView
from field_app.presenters.views import Tone
from field_app.ui.widgets.basics import Word

MARGIN_DP = 34
"""Room for half a stop at every edge."""

STOP_DP = 17
"""Radius of a stop; the next one is larger."""

_NUMBERED = 80
"""Stops that get their number written; more would only cover each other."""


class RouteSketch(Widget):
    """The route; north is up, the scale is the same both ways."""

    view = ObjectProperty(SketchView())

    def __init__(self, **properties: object) -> None:
        """Draw when the view, the size or the theme has changed."""
        super().__init__(**properties)
        self._redraw = Clock.create_trigger(self._draw, -1)
        self.bind(view=self._redraw, pos=self._redraw, size=self._redraw)
        theme = App.get_running_app().theme
        theme.fbind("c", self._redraw)
        self._words: list[Word] = []

    def _draw(self, *_: object) -> None:
        """Draw everything anew: a route has some dozens of stops."""
        colours = App.get_running_app().theme.c
        self.canvas.before.clear()
        self.clear_widgets()
        stops = [self._place(stop.x, stop.y) for stop in self.view.stops]
        with self.canvas.before:
            for token, inset in (("line", 0), ("surface", dp(1))):
                Color(*colours[token])
                SmoothRoundedRectangle(
                    pos=(self.x + inset, self.y + inset),
                    size=(self.width - 2 * inset, self.height - 2 * inset),
                    radius=[dp(14)],
                )
            self._draw_pipes()
            if len(stops) > 1:
                Color(*colours["field_line"])
                Line(points=_flat(stops), width=dp(1.5), dash_length=dp(6), dash_offset=dp(5))
            for stop, (x, y) in zip(self.view.stops, stops, strict=True):
                self._draw_stop(stop, x, y)
            if self.view.here is not None:
                self._draw_here(*self._place(*self.view.here))
        for stop, (x, y) in zip(self.view.stops[:_NUMBERED], stops, strict=False):
            self._write(stop, x, y)

    def _draw_pipes(self) -> None:
        """Draw the network and the way walked, cut at the edge of the card."""
        colours = App.get_running_app().theme.c
        inside = {
            "pos": (self.x + dp(2), self.y + dp(2)),
            "size": (self.width - dp(4), self.height - dp(4)),
        }
        StencilPush()
        Rectangle(**inside)
        StencilUse()
        for pipe in self.view.pipes:
            Color(*colours[pipe.tone])
            ends = [self._place(*pipe.start), self._place(*pipe.end)]
            Line(points=_flat(ends), width=dp(1.2))
        if len(self.view.walked) > 1:
            Color(*colours["primary"])
            SmoothLine(points=_flat([self._place(*each) for each in self.view.walked]), width=dp(2))
        StencilUnUse()
        Rectangle(**inside)
        StencilPop()

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """Return where on the screen a point of the route is."""
        margin = dp(MARGIN_DP)
        width, height = max(self.width - 2 * margin, 1), max(self.height - 2 * margin, 1)
        ratio = max(min(self.view.ratio, 1e3), 1e-3)
        if width / height > ratio:
            used_w, used_h = height * ratio, height
        else:
            used_w, used_h = width, width / ratio
        left = self.x + margin + (width - used_w) / 2
        bottom = self.y + margin + (height - used_h) / 2
        return left + x * used_w, bottom + y * used_h

    def _draw_stop(self, stop: SketchPoint, x: float, y: float) -> None:
        colours = App.get_running_app().theme.c
        radius = dp(STOP_DP + 5 if stop.is_next else STOP_DP)
        if stop.is_next:
            Color(*colours["accent"])
            SmoothEllipse(
                pos=(x - radius - dp(4), y - radius - dp(4)), size=(2 * radius + dp(8),) * 2
            )
        Color(*colours[_tone(stop)])
        SmoothEllipse(pos=(x - radius, y - radius), size=(2 * radius, 2 * radius))

    def _draw_here(self, x: float, y: float) -> None:
        """Draw a dot in a ring; who is far away is an empty ring at the edge."""
        colours = App.get_running_app().theme.c
        rings = [(dp(13), "surface"), (dp(9), "primary")]
        if self.view.is_here_far:
            rings.append((dp(6), "surface"))
        for radius, token in rings:
            Color(*colours[token])
            SmoothEllipse(pos=(x - radius, y - radius), size=(2 * radius, 2 * radius))
        Color(*colours["primary"])
        SmoothLine(circle=(x, y, dp(STOP_DP + 9)), width=dp(1.4))

    def _write(self, stop: SketchPoint, x: float, y: float) -> None:
        word = Word(text=stop.text, strong=True, font_size="15sp", tone=f"{_tone(stop)}_ink")
        word.texture_update()
        word.size = word.texture_size
        word.center = (x, y)
        self.add_widget(word)


def _tone(stop: SketchPoint) -> str:
    """Return the token of a stop: what was not looked at yet is grey, the next one stands out."""
    if stop.tone is Tone.PLAIN:
        return "info" if stop.is_next else "idle"
    return str(stop.tone)


def _flat(points: list[tuple[float, float]]) -> list[float]:
    return [number for point in points for number in point]
