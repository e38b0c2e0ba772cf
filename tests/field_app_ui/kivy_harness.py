# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Drives the real app without a display: looks, taps, types, waits; import it before kivy.

The environment variable LAMP_UI_MODE chooses how, `auto` when it is not set:

    gl    SDL's `offscreen` driver with EGL: real pixels, no X server, no root
    x11   an existing DISPLAY: the same through the real input path
    mock  no GL library at all: tree, touch, text and layout work, pictures do not
"""

import ctypes
import importlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")

WIDTH, HEIGHT = (int(side) for side in os.environ.get("LAMP_UI_SIZE", "800x1280").split("x"))
"""A ten-inch tablet held upright."""

SURFACE = max(WIDTH, HEIGHT)
"""Side of the surface that is drawn on: without a display it never grows after its creation, so
that a tablet turned on its side would be cut."""


def _have(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _mode() -> str:
    asked = os.environ.get("LAMP_UI_MODE", "auto")
    if asked != "auto":
        return asked
    return "gl" if _have("libEGL.so.1") and _have("libGL.so.1") else "mock"


MODE = _mode()
HAS_PIXELS = MODE != "mock"

os.environ |= {
    "KIVY_NO_ARGS": "1",
    "KIVY_NO_CONSOLELOG": "1",
    "KIVY_NO_FILELOG": "1",
    "KIVY_NO_CONFIG": "1",
    "KIVY_HOME": os.environ.get("KIVY_HOME") or tempfile.mkdtemp(prefix="kivy-home-"),
    "KIVY_CLIPBOARD": "dummy",
    "SDL_AUDIODRIVER": "dummy",
    "KIVY_DPI": "160",
    "KIVY_METRICS_DENSITY": "1",
    "KIVY_METRICS_FONTSCALE": "1",
}
if MODE == "gl":
    os.environ |= {"SDL_VIDEODRIVER": "offscreen", "KIVY_GL_BACKEND": "sdl2"}
    os.environ.pop("DISPLAY", None)
elif MODE == "mock":
    os.environ |= {"KIVY_GL_BACKEND": "mock", "KIVY_WINDOW": "none"}

from kivy.config import Config  # noqa: E402 - the environment above decides what this opens

for _section, _key, _value in (
    ("graphics", "width", SURFACE),
    ("graphics", "height", SURFACE),
    ("graphics", "multisamples", 0),
    ("graphics", "maxfps", 0),
    ("graphics", "resizable", 0),
    ("kivy", "exit_on_escape", 0),
    ("kivy", "keyboard_mode", ""),
):
    Config.set(_section, _key, str(_value))
if MODE != "x11":
    for _name, _ in list(Config.items("input")):
        Config.remove_option("input", _name)

import kivy.core.window as kivy_window  # noqa: E402 - after its configuration

if MODE == "mock":

    class MockWindow(kivy_window.WindowBase):
        """A window without GL: enough for widgets, clock, touches and text."""

        def create_window(self, *_arguments: object) -> None:
            if not self.initialized:
                self._size = (WIDTH, HEIGHT)
            super().create_window()

        def close(self) -> None:
            self.initialized = False

        def clear(self) -> None:
            """Nothing is drawn."""

        def set_title(self, title: str) -> None:
            """There is no frame to write it on."""

        def set_icon(self, filename: str) -> None:
            """There is no frame to draw it on."""

    kivy_window.Window = MockWindow()

from kivy.animation import Animation  # noqa: E402 - after the window
from kivy.app import App  # noqa: E402 - after the window
from kivy.base import EventLoop, runTouchApp, stopTouchApp  # noqa: E402 - after the window
from kivy.clock import Clock  # noqa: E402 - after the window
from kivy.input.motionevent import MotionEvent  # noqa: E402 - after the window
from kivy.lang import Builder  # noqa: E402 - after the window
from kivy.uix.recycleview import views as recycled_views  # noqa: E402 - after the window
from kivy.uix.scrollview import ScrollView  # noqa: E402 - after the window
from kivy.uix.widget import Widget  # noqa: E402 - after the window

FRAME_S = 1 / 60

BETWEEN_TAPS_S = 0.5
"""Between two taps that are meant, on one thing; a glove's bounce is faster."""

_BREATH = threading.Event()
"""Never set: waiting for it lets the background threads run."""


class VirtualTime:
    """One frame per pump whatever the machine; Kivy's clock must never run backwards."""

    now = Clock.time()


def _virtual_time() -> float:
    return float(VirtualTime.now)


Clock._max_fps = 0
Clock.time = _virtual_time
for _name in (
    "kivy.effects.kinetic",
    "kivy.effects.scroll",
    "kivy.input.motionevent",
    "kivy.uix.behaviors.button",
):
    importlib.import_module(_name).time = _virtual_time  # type: ignore[attr-defined] # Kivy's own


class DriverApp(Protocol):
    """What the driver needs of the app under test."""

    @property
    def jobs(self) -> int:
        """Return how much work has not come back to the screen."""


class FakeTouch(MotionEvent):
    """A finger."""

    _count = 0

    def __init__(self, x: float, y: float) -> None:
        FakeTouch._count += 1
        self.win = EventLoop.window
        super().__init__(
            "fake", FakeTouch._count, self._share(x, y), is_touch=True, type_id="touch"
        )
        self.profile = ["pos"]

    def _share(self, x: float, y: float) -> dict[str, float]:
        return {"x": x / (self.win.width - 1.0), "y": y / (self.win.height - 1.0)}

    def depack(self, args: dict[str, float]) -> None:
        self.sx, self.sy = args["x"], args["y"]
        super().depack(args)

    def down(self) -> None:
        EventLoop.post_dispatch_input("begin", self)

    def to(self, x: float, y: float) -> None:
        self.move(self._share(x, y))
        EventLoop.post_dispatch_input("update", self)

    def up(self) -> None:
        EventLoop.post_dispatch_input("end", self)


def _is_larger(content: Widget, view: Widget) -> bool:
    """Return whether there is anything to scroll: what fits cannot be moved by a thumb either."""
    return bool(content.height > view.height or content.width > view.width)


class Driver:
    """What a crew member can do: look, tap, drag, type, press back."""

    def __init__(self, app: App, artifacts: Path) -> None:
        self.app, self.artifacts = app, artifacts
        self._tapped: Widget | None = None
        app._run_prepare()
        self.win.size = WIDTH, HEIGHT
        runTouchApp(embedded=True)
        self.pump(3)

    @property
    def win(self) -> "kivy_window.WindowBase":
        return EventLoop.window

    def resize(self, width: int, height: int) -> None:
        """Turn the tablet, or use a larger one."""
        self.win.size = (width, height)
        self.pump(4)

    def close(self) -> None:
        """Stop the app and leave nothing behind that would reach the next one."""
        for widget in list(self.walk()):
            if getattr(widget, "focus", False):
                widget.focus = False
        self.pump(2)
        self.app.stop()
        for child in self.win.children[:]:
            self.win.remove_widget(child)
        recycled_views._cached_views.clear()  # rows of this app, bound to its theme for ever
        recycled_views._cache_count = 0  # Kivy divides by what is cached when it has counted 1,000
        for movement in list(Animation._instances):
            for key in list(movement._widgets):
                movement.cancel(movement._widgets[key]["widget"])
        for event in list(Clock.get_events()):
            event.cancel()
        stopTouchApp()

    def pump(self, frames: int = 1, *, frame_s: float = FRAME_S) -> None:
        """Run frames: clock, input, layout, but no drawing, which is slow without a GPU."""
        for _ in range(frames):
            VirtualTime.now += frame_s
            Clock.tick()
            EventLoop.dispatch_input()
            Builder.sync()
            Clock.tick_draw()
            Builder.sync()

    def wait(self, condition: Callable[[], T], what: str, timeout_s: float = 60) -> T:
        """Run frames until the condition is truthy and return it; fail with a picture.

        Time stands still while anything works in the background: how many frames that lasts is the
        machine's business, and what is over after some seconds must not be over sooner there.
        """
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.pump(frame_s=0 if self.app.jobs else FRAME_S)
            if value := condition():
                self.pump(2)
                return value
            _BREATH.wait(0.001)
        self.screenshot("timed-out")
        raise AssertionError(f"timed out waiting for {what}; on screen: {self.texts()[:40]}")

    def settle(self) -> None:
        """Wait until nothing works in the background and every movement has ended."""
        self.wait(lambda: not self.app.jobs, "background work")
        self.pump(30)
        self.wait(lambda: not self.app.jobs, "background work")

    def fade_scroll_bars(self) -> None:
        """Let every scroll bar look as it does when nobody has moved anything for a second.

        How many frames have gone by since a list was filled depends on the machine.
        """
        for view in self.walk():
            if isinstance(view, ScrollView):
                Animation.cancel_all(view, "_bar_color")
                view._bar_color = view.bar_inactive_color
        Builder.sync()

    def visible(self, widget: Widget, *, anywhere: bool = False) -> bool:
        """Return whether a person could see the widget; `anywhere`: after scrolling, too."""
        if not widget.width or not widget.height:
            return False
        node = widget
        while node is not None and node is not self.win:
            if node.opacity == 0 or (node.disabled and node is not widget):
                return False
            node = None if node.parent is node else node.parent
        if node is not self.win:
            return False
        width, height = EventLoop.window.size
        x, y = widget.to_window(widget.center_x, widget.center_y)
        return anywhere or (0 <= x <= width and 0 <= y <= height)

    def walk(self) -> Iterator[Widget]:
        """Yield every widget in the window."""
        stack = list(self.win.children)
        while stack:
            widget = stack.pop()
            yield widget
            stack.extend(widget.children)

    def all(
        self, kind: str | None = None, *, anywhere: bool = False, **properties: object
    ) -> list[Widget]:
        """Return the visible widgets of a class with these properties, top left first."""
        found = [
            widget
            for widget in self.walk()
            if (kind is None or type(widget).__name__ == kind)
            and all(getattr(widget, key, None) == value for key, value in properties.items())
            and self.visible(widget, anywhere=anywhere)
        ]
        return sorted(found, key=self._reading_order)

    def _reading_order(self, widget: Widget) -> tuple[float, float]:
        x, y = self.centre(widget)
        return -y, x

    def get(
        self, kind: str | None = None, *, anywhere: bool = False, **properties: object
    ) -> Widget:
        """Return the one visible widget of a class with these properties."""
        found = self.all(kind, anywhere=anywhere, **properties)
        assert len(found) == 1, f"{kind} {properties}: expected one, found {len(found)}"
        return found[0]

    def texts(self, *, anywhere: bool = False) -> list[str]:
        """Return every text on the screen; `anywhere`: after scrolling, too."""
        return [
            widget.text
            for widget in self.walk()
            if getattr(widget, "text", "") and self.visible(widget, anywhere=anywhere)
        ]

    def centre(self, widget: Widget) -> tuple[float, float]:
        """Return where a finger would go."""
        x, y = widget.to_window(widget.center_x, widget.center_y)
        return float(x), float(y)

    def reveal(self, widget: Widget) -> Widget:
        """Scroll until the widget shows."""
        node = widget.parent
        while node is not None and node is not self.win and node.parent is not node:
            is_page = isinstance(node, ScrollView) and not hasattr(node, "viewclass")
            if is_page and node.children and _is_larger(node.children[0], node):
                node.scroll_to(widget, padding=12, animate=False)
                self.pump(3)
            node = node.parent
        return widget

    def tap(self, widget: Widget) -> None:
        """Tap the widget, scrolling to it first; a finger needs a while to come back to it."""
        if widget is self._tapped:
            self.pump(frame_s=BETWEEN_TAPS_S)
        self._tapped = widget
        self.reveal(widget)
        assert self.visible(widget), f"cannot tap: {widget} is not visible"
        touch = FakeTouch(*self.centre(widget))
        touch.down()
        self.pump(2)
        touch.up()
        self.pump(6)

    def bounce(self, hint: str) -> None:
        """Touch what is named `hint` twice at once, as a stiff glove does."""
        self.bounce_on(self.get(hint=hint, anywhere=True))

    def bounce_on(self, widget: Widget) -> None:
        """Touch a widget twice at once."""
        place = self.centre(self.reveal(widget))
        for _ in range(2):
            touch = FakeTouch(*place)
            touch.down()
            self.pump(2)
            touch.up()
            self.pump(6)

    def touch_twice_in_a_frame(self, hint: str) -> None:
        """Touch what is named `hint` twice before the next frame is drawn."""
        place = self.centre(self.reveal(self.get(hint=hint, anywhere=True)))
        for _ in range(2):
            touch = FakeTouch(*place)
            touch.down()
            touch.up()
        self.pump(6)

    def tap_hint(self, hint: str) -> None:
        """Tap what is named `hint` to a screen reader."""
        self.tap(self.get(hint=hint, anywhere=True))

    def stroke(self, points: Sequence[tuple[float, float]]) -> None:
        """Drag a finger along the points."""
        touch = FakeTouch(*points[0])
        touch.down()
        self.pump()
        for x, y in points[1:]:
            touch.to(x, y)
            self.pump()
        touch.up()
        self.pump(2)

    def swipe(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag in a straight line."""
        steps = 8
        self.stroke(
            [
                (
                    start[0] + (end[0] - start[0]) * step / steps,
                    start[1] + (end[1] - start[1]) * step / steps,
                )
                for step in range(steps + 1)
            ]
        )

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        for character in text:
            self.win.dispatch("on_textinput", character)
            self.pump()

    def compose(self, letters: str, characters: str) -> None:
        """Compose with an input method, such as pinyin, then commit the characters."""
        for length in range(1, len(letters) + 1):
            self.win.dispatch("on_textedit", letters[:length])
            self.pump()
        self.win.dispatch("on_textedit", "")
        self.win.dispatch("on_textinput", characters)
        self.pump()

    def back(self) -> bool:
        """Press the back key; True when the app used it."""
        used = self.win.dispatch("on_keyboard", 27, 0, None, [])
        self.pump(2)
        return bool(used)

    def image(self) -> "Image":
        """Draw once and return the picture."""
        from kivy.graphics.opengl import (  # noqa: PLC0415 - loads GL
            GL_RGBA,
            GL_UNSIGNED_BYTE,
            glReadPixels,
        )
        from PIL import Image  # noqa: PLC0415 - only pictures need it

        self.win.canvas.ask_update()
        self.win.dispatch("on_draw")
        width, height = self.win.size
        data = glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE)
        picture = Image.frombytes("RGBA", (width, height), data)
        return picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).convert("RGB")

    def screenshot(self, name: str) -> Path | None:
        """Keep a picture beside the test's files; None without pixels."""
        if not HAS_PIXELS:
            return None
        self.artifacts.mkdir(parents=True, exist_ok=True)
        path = self.artifacts / f"{name}.png"
        self.image().save(path)
        return path
