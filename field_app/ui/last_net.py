# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""The last net under the screens: an error of ours ends no app in somebody's hands.

What was typed is kept, the person is told, the log says where it was and nothing of what. It is
hung up by the app that people use, never by a test: there every error flies.
"""

import logging
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Final, Self

from kivy.base import ExceptionHandler, ExceptionManager
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.input.motionevent import MotionEvent
from kivy.metrics import dp
from kivy.uix.floatlayout import FloatLayout

from field_app.ui.widgets.basics import Notice

_log = logging.getLogger(__name__)

BELOW_DP: Final = 152
"""The bar of the app and the head of a page stay free: the ring for help, and the way back."""

SHOWN_S: Final = 30.0
"""How long it is said, unless the bar is touched; wall seconds."""

MOST_ERRORS: Final = 40
"""So many within `STORM_S` and nothing is drawn any more: the app ends, and begins again where it
was. Judgement: a screen that fails with every frame reaches it within a second."""

STORM_S: Final = 10.0
"""Within which errors count together; also until what was typed is kept once more: keeping may be
what fails. Wall seconds."""


class TroubleBar(FloatLayout):
    """Says across the window that something failed, until it is touched."""

    def __init__(self, text: str) -> None:
        """Say `text`."""
        super().__init__()
        self._notice = Notice(text=text, tone="danger", icon="alert-octagon", size_hint_x=0.96)
        self.bind(height=self._place)
        self.add_widget(self._notice)

    def _place(self, _widget: object, height: float) -> None:
        top = 1 - dp(BELOW_DP) / max(height, dp(BELOW_DP))
        self._notice.pos_hint = {"center_x": 0.5, "top": top}

    @property
    def text(self) -> str:
        """Return what it says."""
        return str(self._notice.text)

    def on_touch_down(self, touch: MotionEvent) -> bool:
        """Go when touched; all else is for what lies below."""
        if not self._notice.collide_point(*touch.pos):
            return False
        self.go()
        return True

    def go(self) -> None:
        """Leave the window."""
        Window.remove_widget(self)


class LastNet(ExceptionHandler):
    """Catches what nobody caught; `save` keeps what was typed, `say` returns what is said."""

    def __init__(self, save: Callable[[], None], say: Callable[[], str]) -> None:
        """Hang nothing up yet."""
        super().__init__()
        self._save = save
        self._say = say
        self._times_s: list[float] = []
        self._saved_s = float("-inf")
        self._bar: TroubleBar | None = None

    def __enter__(self) -> Self:
        """Catch from now on."""
        ExceptionManager.add_handler(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Catch no more."""
        ExceptionManager.remove_handler(self)

    def handle_exception(self, inst: BaseException) -> int:
        """Return whether Kivy goes on; a storm of errors, and what is no error, ends the app."""
        if not isinstance(inst, Exception):
            return int(ExceptionManager.RAISE)
        _log.error("the screen failed: %s", _where(inst))
        now_s = float(Clock.time())
        self._times_s = [each for each in self._times_s if now_s - each < STORM_S] + [now_s]
        if now_s - self._saved_s >= STORM_S:
            self._saved_s = now_s
            self._try(self._save)
        if len(self._times_s) > MOST_ERRORS:
            return int(ExceptionManager.RAISE)
        self._try(self._show)
        return int(ExceptionManager.PASS)

    @staticmethod
    def _try(what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as error:  # noqa: BLE001 - the net itself must hold; it is logged
            _log.error("the net failed: %s", _where(error))

    def _show(self) -> None:
        if self._bar is not None and self._bar.parent is not None:
            return
        bar = self._bar = TroubleBar(self._say())
        Window.add_widget(bar)
        Clock.schedule_once(lambda _elapsed_s: bar.go(), SHOWN_S)


def _where(error: BaseException) -> str:
    """Return the kind of an error and the lines it came through, without a word of anybody.

    Its message is left out: it may hold what a person typed.
    """
    frames = traceback.extract_tb(error.__traceback__)
    path = [f"{PurePath(each.filename).name}:{each.lineno} {each.name}" for each in frames]
    return f"{type(error).__name__} at {' > '.join(path[-12:])}"
