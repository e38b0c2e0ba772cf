# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Owns the Kivy app: theme, language and size for the rules, and the life of the process."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kivy.app import App
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.metrics import Metrics, dp
from kivy.properties import (
    BooleanProperty,
    DictProperty,
    NumericProperty,
    ObjectProperty,
    StringProperty,
)
from kivy.uix.widget import Widget

from field_app.i18n import ChosenWords
from field_app.presenters.ports import Worker
from field_app.presenters.views import LabelledText
from field_app.ui.background import ScreenWorker
from field_app.ui.last_net import LastNet
from field_app.ui.look_io import LARGE_TEXT, Look, load_look, save_look
from field_app.ui.navigator import TWO_PANES_DP, Navigator
from field_app.ui.places import Presenters
from field_app.ui.rules_io import load_first_rules, load_next_rule
from field_app.ui.theme import Theme, ThemeName
from field_app.ui.typefaces_io import icon_glyphs, register_typefaces
from field_app.ui.widgets.basics import Framed

BACK_KEY = 27
"""Android's back button and Esc."""

REFRESH_S = 0.15
"""Changes of the store within this time are drawn together; wall seconds."""

SYNC_REFRESH_S = 1.0
"""While the office's rows come in, the screens are drawn anew this often at most: a list that
moves under the thumb six times a second is read by nobody; wall seconds."""

TICK_S = 20.0
"""Due times and the next try are written anew this often; wall seconds."""


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


FAILED: Final = _(
    "The app made a mistake, not you. What was typed is kept. Look whether the last tap counted; "
    "if it fails again, tell the control room by telephone."
)
"""Said in the reader's language when nothing else caught an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppParts:
    """What the app is given.

    Attributes:
        words: The reader's language; the presenters hold the same object.
        make_presenters: Makes the presenters that work with a worker.
        watch: Calls back, on any thread, after every change of the store; returns what ends it.
        keep_language: Keeps the language chosen on this tablet.
        about: Returns what the settings page says about this tablet.
        folder: The tablet's data folder.
        has_rounds: Returns whether this crew inspects anything; then rounds are a place.
        is_syncing: Returns whether a contact is under way.
        begin_sync: Syncs in the background from now on; called when the list is on the glass.
        strip: The msgid of what is said above every screen; empty: nothing.
        is_check: The app ends as soon as its first page is drawn.
    """

    words: ChosenWords
    make_presenters: Callable[[Worker], Presenters]
    watch: Callable[[Callable[[], None]], Callable[[], None]]
    keep_language: Callable[[str], None]
    about: Callable[[], list[LabelledText]]
    folder: Path
    has_rounds: Callable[[], bool]
    is_syncing: Callable[[], bool] = lambda: False
    begin_sync: Callable[[], None] = lambda: None
    strip: str = ""
    is_check: bool = False


class LamplighterApp(App):
    """The app; the kv rules read `theme`, `t`, `language`, `icons`, `text_scale`, `is_wide`."""

    theme = ObjectProperty(None)
    language = StringProperty("en")
    icons = DictProperty({})
    text_scale = NumericProperty(1.0)
    is_wide = BooleanProperty(defaultvalue=False)
    title = "Lamplighter"

    def __init__(self, parts: AppParts, **properties: object) -> None:
        """Prepare; `run` opens the window."""
        self._parts = parts
        self._look = load_look(parts.folder)
        self._words = parts.words
        super().__init__(theme=Theme(self._look.theme), language=parts.words.language, **properties)

    @property
    def jobs(self) -> int:
        """Return how much work has not come back to the screen."""
        return self._worker.jobs

    def t(self, msgid: str, _language: str = "") -> str:
        """Return the text of an English msgid; the second argument makes kv rules follow."""
        return self._words(msgid)

    def build(self) -> Widget:
        """Return what the window shows."""
        register_typefaces()
        self.icons = dict(icon_glyphs())
        load_first_rules()
        self._worker = ScreenWorker()
        self.navigator = Navigator(self._parts.make_presenters(self._worker))
        self._has_rounds = self._has_frozen = False
        self._read_at_s = 0.0
        self._refresh = Clock.create_trigger(self._read_again, REFRESH_S)
        self._unwatch = self._parts.watch(self._refresh)
        self._name_places()
        self._apply_look()
        Window.softinput_mode = "below_target"
        Window.bind(on_keyboard=self._on_key, on_touch_down=self._on_touch, size=self._measure)
        self._measure()
        return self._framed(self.navigator.frame)

    def _framed(self, frame: Widget) -> Widget:
        """Return the frame with the strip above it, if anything is to be said on every screen."""
        if not self._parts.strip:
            return frame
        return Framed(frame, self._parts.strip)

    def on_start(self) -> None:
        """Fill the list; everything else waits until it is on the glass."""
        self.navigator.start(listed=lambda: Clock.schedule_once(self._begin_rest))
        if self._parts.is_check:
            Clock.schedule_interval(self._end_when_drawn, 0.1)
        self._tick = Clock.schedule_interval(lambda _elapsed_s: self.navigator.tick(), TICK_S)
        self._preparing = Clock.create_trigger(self._prepare_more)

    def _begin_rest(self, _elapsed_s: float) -> None:
        self.navigator.start_rest()
        self._ask_for_rounds()
        self._parts.begin_sync()
        self._preparing()

    def _prepare_more(self, _elapsed_s: float) -> None:
        """Read one rule file a frame; at last spare what is there from garbage collection."""
        if load_next_rule():
            self._preparing()
            return
        self.navigator.prepare_screens()
        self._spare_from_collection()

    def _spare_from_collection(self) -> None:
        """Let the collector pass over what is there, unless something else has seen to that."""
        if gc.get_freeze_count() == 0:
            gc.freeze()
            self._has_frozen = True

    def _measure(self, *_: object) -> None:
        self.is_wide = Window.width >= dp(TWO_PANES_DP)
        self.navigator.set_wide(is_wide=self.is_wide)

    def _on_key(self, _window: object, key: int, *_: object) -> bool:
        return key == BACK_KEY and self.navigator.back()

    def _on_touch(self, *_: object) -> None:
        self.navigator.touch()

    def _end_when_drawn(self, _elapsed_s: float) -> None:
        if not self.jobs:
            self.stop()

    def _read_again(self, _elapsed_s: float = 0.0) -> None:
        now_s = Clock.get_time()
        if self._parts.is_syncing() and now_s - self._read_at_s < SYNC_REFRESH_S:
            self._refresh()
            return
        self._read_at_s = now_s
        self.navigator.refresh()
        self._ask_for_rounds()

    def _ask_for_rounds(self) -> None:
        """Make rounds a place as soon as the office has planned any for this crew."""
        self._worker.run(self._parts.has_rounds, self._take_rounds)

    def _take_rounds(self, has_rounds: bool) -> None:  # noqa: FBT001 - the worker hands it over so
        if has_rounds != self._has_rounds:
            self._has_rounds = has_rounds
            self._name_places()

    def _name_places(self) -> None:
        t = self._words
        names = {"orders": t("Orders"), "map": t("Map"), "sync": t("Sync"), "me": t("Me")}
        if self._has_rounds:
            names["patrol"] = t("Rounds")
        self.navigator.shell.name_places(names)
        self.navigator.describe(self._parts.about())

    def use_language(self, language: str) -> None:
        """Speak another language at once, and keep it."""
        self._words.choose(language)
        self.language = self._words.language
        self._worker.run(lambda: self._parts.keep_language(self._words.language), _nothing)
        self._name_places()
        self.navigator.refresh()

    def use_theme(self, name: str) -> None:
        """Look different at once, and keep it."""
        self._look = replace(self._look, theme=ThemeName(name))
        self._apply_look()
        save_look(self._parts.folder, self._look)

    def use_text_scale(self, scale: float) -> None:
        """Write larger or normal at once, and keep it."""
        self._look = replace(self._look, is_large=scale >= LARGE_TEXT)
        self._apply_look()
        save_look(self._parts.folder, self._look)

    def _apply_look(self) -> None:
        look: Look = self._look
        self.theme.use(look.theme)
        Window.clearcolor = self.theme.c["bg"]
        Metrics.fontscale = self.text_scale = look.text_scale

    def on_pause(self) -> bool:
        """Keep what was typed: Android may end the process without another word."""
        self._keep_typed()
        return True

    def on_resume(self) -> None:
        """Lock what has slept for long, then draw what happened meanwhile."""
        self.navigator.tick()

    def net(self) -> LastNet:
        """Return what catches an error of ours while people use the app."""
        return LastNet(self._keep_typed, lambda: self._words(FAILED))

    def _keep_typed(self) -> None:
        self.navigator.save()

    def stop_soon(self) -> None:
        """Stop on the next frame; a signal may arrive in the middle of one."""
        Clock.schedule_once(lambda _elapsed_s: self.stop())

    def on_stop(self) -> None:
        """Keep what was typed, then let nothing call a screen that is gone."""
        self._keep_typed()
        self._unwatch()
        self._tick.cancel()
        self._preparing.cancel()
        self._refresh.cancel()
        Window.unbind(on_keyboard=self._on_key, on_touch_down=self._on_touch, size=self._measure)
        self._worker.close()
        self.navigator.forget_place()
        Metrics.fontscale = 1.0
        if self._has_frozen:
            gc.unfreeze()


def _nothing(_answer: None) -> None:
    return
