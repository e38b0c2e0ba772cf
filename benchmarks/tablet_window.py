# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Opens the app's window without GL and runs its frames by hand, each of them measured."""

import os
import time
from collections.abc import Callable
from pathlib import Path

WIDTH, HEIGHT = 800, 1280
FRAME_S = 1 / 60


def prepare_mock(home: Path) -> None:
    """Set what Kivy reads at import: no GL, nobody's settings. Call it before anything of Kivy."""
    os.environ |= {
        "KIVY_NO_ARGS": "1",
        "KIVY_NO_CONSOLELOG": "1",
        "KIVY_NO_FILELOG": "1",
        "KIVY_NO_CONFIG": "1",
        "KIVY_HOME": str(home),
        "KIVY_CLIPBOARD": "dummy",
        "SDL_AUDIODRIVER": "dummy",
        "KIVY_DPI": "160",
        "KIVY_METRICS_DENSITY": "1",
        "KIVY_METRICS_FONTSCALE": "1",
        "KIVY_GL_BACKEND": "mock",
        "KIVY_WINDOW": "none",
    }
    from kivy.config import Config  # noqa: PLC0415 - the environment above decides what this opens

    Config.set("graphics", "maxfps", "0")
    for name, _ in list(Config.items("input")):
        Config.remove_option("input", name)
    import kivy.core.window as kivy_window  # noqa: PLC0415 - after its configuration

    class MockWindow(kivy_window.WindowBase):
        """A window without GL: widgets, clock, touches and text work."""

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


class Frames:
    """Runs the frames of an app that was prepared with `runTouchApp(embedded=True)`."""

    def __init__(self) -> None:
        """Take the clock as it is: real time."""
        from kivy.base import EventLoop  # noqa: PLC0415 - after the window
        from kivy.clock import Clock  # noqa: PLC0415 - after the window
        from kivy.lang import Builder  # noqa: PLC0415 - after the window

        Clock._max_fps = 0  # noqa: SLF001 - we wait ourselves, to measure without the wait
        self._loop, self._clock, self._builder = EventLoop, Clock, Builder
        self._next_s = time.perf_counter()
        self.worked_s: list[float] = []

    def one(self) -> float:
        """Run one frame; return the seconds it took. Then wait for its turn of 1/60 s.

        `worked_s` keeps what the processor did for each, which other work does not lengthen.
        """
        began_s, worked_s = time.perf_counter(), time.thread_time()
        self._clock.tick()
        self._loop.dispatch_input()
        self._builder.sync()
        self._clock.tick_draw()
        self._builder.sync()
        took_s = time.perf_counter() - began_s
        self.worked_s.append(time.thread_time() - worked_s)
        self._next_s = max(self._next_s + FRAME_S, began_s)
        time.sleep(max(self._next_s - time.perf_counter(), 0.0005))
        return took_s

    def until(self, condition: Callable[[], bool], at_most_s: float = 30.0) -> list[float]:
        """Run frames until the condition holds; return what each took."""
        end_s = time.perf_counter() + at_most_s
        frames: list[float] = []
        while not condition():
            if time.perf_counter() > end_s:
                message = "tablet benchmark: the screen did not come to rest; look at its jobs"
                raise TimeoutError(message)
            frames.append(self.one())
        return frames
