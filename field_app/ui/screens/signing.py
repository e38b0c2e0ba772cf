# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the page on which a household signs."""

from collections.abc import Callable

from kivy.app import App
from kivy.graphics import Color, SmoothLine
from kivy.input.motionevent import MotionEvent
from kivy.metrics import dp
from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from field_app.photos.strokes import Point, is_signature, png_of, smoothed
from field_app.platform.ports import Availability

_LEAST_STEP_DP = 3
"""A touch that moved less says nothing new."""


class SignaturePad(Widget):
    """The glass that is written on; `strokes` are its lines, 0..1 from the left and the top."""

    hint = StringProperty("pad")
    changed = ObjectProperty(None, allownone=True)

    def __init__(self, **properties: object) -> None:
        """Begin with clean glass."""
        self.strokes: list[list[Point]] = []
        self._lines: list[SmoothLine] = []
        super().__init__(**properties)
        self.bind(pos=self._draw_again, size=self._draw_again)

    def on_touch_down(self, touch: MotionEvent) -> bool:
        """Begin a line."""
        if self.disabled or not self.collide_point(*touch.pos):
            return bool(super().on_touch_down(touch))
        touch.grab(self)
        self.strokes.append([self._share(touch)])
        self._begin_line()
        return True

    def on_touch_move(self, touch: MotionEvent) -> bool:
        """Draw on."""
        if touch.grab_current is not self:
            return bool(super().on_touch_move(touch))
        point, last = self._share(touch), self.strokes[-1][-1]
        step = max(abs(point[0] - last[0]) * self.width, abs(point[1] - last[1]) * self.height)
        if step >= dp(_LEAST_STEP_DP):
            self.strokes[-1].append(point)
            self._lines[-1].points = self._points(self.strokes[-1])
        return True

    def on_touch_up(self, touch: MotionEvent) -> bool:
        """End the line."""
        if touch.grab_current is not self:
            return bool(super().on_touch_up(touch))
        touch.ungrab(self)
        if self.changed is not None:
            self.changed()
        return True

    def take(self, strokes: list[list[Point]]) -> None:
        """Draw on in lines that outlive the pad."""
        self.strokes = strokes
        self._draw_again()

    def clear(self) -> None:
        """Wipe the glass."""
        self.strokes.clear()
        self._draw_again()
        if self.changed is not None:
            self.changed()

    def _share(self, touch: MotionEvent) -> Point:
        x = (touch.x - self.x) / max(self.width, 1)
        y = 1 - (touch.y - self.y) / max(self.height, 1)
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def _begin_line(self) -> None:
        with self.canvas:
            Color(*App.get_running_app().theme.c["ink"])
            self._lines.append(SmoothLine(points=self._points(self.strokes[-1]), width=dp(2)))

    def _points(self, stroke: list[Point]) -> list[float]:
        return [
            number
            for x, y in smoothed(stroke)
            for number in (self.x + x * self.width, self.y + (1 - y) * self.height)
        ]

    def _draw_again(self, *_: object) -> None:
        """Draw all lines anew: the pad was turned, or wiped."""
        self.canvas.clear()
        self._lines = []
        for stroke in self.strokes:
            with self.canvas:
                Color(*App.get_running_app().theme.c["ink"])
                self._lines.append(SmoothLine(points=self._points(stroke), width=dp(2)))


class SigningScreen(BoxLayout):
    """The page; `title` and `statement` say what is signed, a safety check when they are empty.

    `signed` keeps a picture and `keeps` tells whether one can be kept, both away from the screen's
    thread; `closed` leads back, `secure` to the page where a PIN is set. What is
    drawn on `glass` stands there again when an alarm, the lock or another order came between, and
    what `kept` has of it when the app was killed: every stroke is kept as it ends. After half an
    hour it is wiped: whoever began to sign has left.
    """

    signed = ObjectProperty(None, allownone=True)
    worker = ObjectProperty(None, allownone=True)
    closed = ObjectProperty(None, allownone=True)
    secure = ObjectProperty(None, allownone=True)
    glass = ObjectProperty(None, allownone=True)
    kept = ObjectProperty(None, allownone=True)
    keeps = ObjectProperty(None, allownone=True)
    refusal = StringProperty("")
    can_keep = BooleanProperty(defaultvalue=False)
    message = StringProperty("")
    title = StringProperty("")
    statement = StringProperty("")
    unkept_text = StringProperty("")
    _is_asked = False

    def begin(self) -> None:
        """Let the pad say when there is enough on it; nobody signs what could not be kept."""
        self.ids.pad.changed = self._drawn
        if self.glass is not None:
            self.glass.wipe_old(self.kept.now_ms())
            self.ids.pad.take(self.glass.strokes)
        if self.kept is not None and not self.ids.pad.strokes:
            self.worker.run(self.kept.load, self._stood_here)
        self.refresh()

    def _stood_here(self, strokes: list[list[Point]]) -> None:
        """Put what was drawn before the app ended on the glass, unless somebody writes already."""
        pad = self.ids.pad
        if strokes and not pad.strokes:
            pad.strokes.extend(strokes)
            pad.take(pad.strokes)
            self._look()

    def _drawn(self) -> None:
        """Keep what stands on the glass now."""
        self._look()
        if self.glass is not None:
            self.glass.drawn_at_ms = self.kept.now_ms()
        if self.kept is not None:
            kept, strokes = self.kept, [list(stroke) for stroke in self.ids.pad.strokes]
            self.worker.keep(lambda: kept.keep(strokes), _nothing)

    def _look(self) -> None:
        self.can_keep = is_signature(self.ids.pad.strokes) and not self.refusal
        self._is_asked = False

    def keep(self) -> None:
        """Keep the signature."""
        strokes = [list(stroke) for stroke in self.ids.pad.strokes]
        keep: Callable[[bytes], str] = self.signed
        self.can_keep = False
        self.worker.run(lambda: keep(png_of(strokes)), self._kept)

    def _kept(self, message: str) -> None:
        self.message = message
        self._look()  # what is on the pad can be kept once more
        if not message:
            self.ids.pad.clear()
            self.closed()

    def wipe(self) -> None:
        """Begin again."""
        self.ids.pad.clear()

    def refresh(self) -> None:
        """Ask again whether a signature can be kept here."""
        if self.keeps is not None:
            self.worker.run(self.keeps, self._told)

    def _told(self, keeps: Availability) -> None:
        self.refusal = "" if keeps.is_available else App.get_running_app().t(keeps.reason)
        self._look()

    def save(self) -> None:
        """A signature counts when it is kept, not before."""

    def leave(self) -> None:
        """Let go."""

    def go_back(self) -> None:
        """Leave by the arrow."""
        if not self.back():
            self.closed()

    def back(self) -> bool:
        """Ask before what is on the glass goes: the customer may have left."""
        if self._is_asked or not self.ids.pad.strokes:
            self.ids.pad.clear()
            return False
        self._is_asked = True
        self.message = self.unkept_text
        return True


def _nothing(_answer: None) -> None:
    return
